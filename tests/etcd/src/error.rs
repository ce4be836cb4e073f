//! What can go wrong with the bed itself, worded for whoever reads a failed test.

use std::{fmt, io, path::PathBuf};

/// The result of nearly everything here; `Result` alone is `Result<()>`.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// See the module's head. `Debug` prints what `Display` prints, for `unwrap()`.
#[derive(thiserror::Error)]
pub enum Error {
    /// A process or namespace.
    #[error(transparent)]
    Lab(#[from] fairway_lab::Error),
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Pki(#[from] rcgen::Error),
    /// A file cannot be written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No loopback address is left.
    #[error("no free loopback address for an etcd member: {source}")]
    Address {
        /// What came of the last try.
        source: io::Error,
    },
    /// A member that is not running was to be signalled, or one that is to be started.
    #[error("member {member} is {state}")]
    State {
        /// Its index.
        member: usize,
        /// What it is.
        state: &'static str,
    },
    /// A member ended by itself.
    #[error("member {member} ended ({status}):\n{log}")]
    Ended {
        /// Its index.
        member: usize,
        /// How.
        status: String,
        /// What it said.
        log: String,
    },
    /// The cluster did not get ready.
    #[error("{what}: not within the time\n{log}")]
    Deadline {
        /// What was waited for.
        what: String,
        /// What the members said.
        log: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
