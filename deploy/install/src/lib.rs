//! Puts the plugins and a configuration on a node, and takes them away again.
//!
//! A node has runtimes that start plugins at any moment, and containers that other plugins made. So a file that a
//! runtime may look at is only ever replaced by a rename, what was there before is kept aside and comes back at the
//! end, and a file that is not known as one of ours is never lost. Whatever is done is written down before it is done,
//! in a record beside it: a call that is killed at any point is put right by the next one, whichever that is.

pub mod conflist;
mod digest;
mod disk;
mod error;
pub mod keep;
mod names;
pub mod plugins;
pub mod ready;
pub mod record;

pub use disk::Disk;
pub use error::InstallError;
pub use names::{ConfName, NameError, PluginType};

#[cfg(test)]
mod shared {
    //! What tests share.

    use std::sync::{Mutex, MutexGuard, PoisonError};

    /// One test at a time that writes programs and starts them: a child of another thread that has not yet become
    /// its own program would have them open for writing, and they could not be started.
    pub(crate) fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A folder in memory where there is such a place: these tests sync thousands of times.
    pub(crate) fn folder() -> tempfile::TempDir {
        let memory = tempfile::tempdir_in("/dev/shm");
        memory.or_else(|_| tempfile::tempdir()).unwrap()
    }
}
