//! The lock of a network's folder, shared with the reference plugin: `flock` on the file `lock`.
//!
//! The kernel drops it with the process, however that ends. The wait is bounded: a process that hangs
//! with the lock (a stuck file system, a debugger) must not pile up one more plugin per container for
//! ever. While it lasts each waiter asks less and less often.

use crate::{error::StoreError, folder::Folder};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use std::{
    fs::File,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::{Duration, Instant},
};

/// How long a lock is waited for.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _held: Flock<File>,
}

impl Lock {
    /// Waits for the lock of `folder`, for `wait` at most.
    ///
    /// `None` where the lock file has been removed or replaced while we waited: then it is no lock any
    /// more, and the folder is to be opened anew.
    pub(crate) fn acquire(folder: &Folder, wait: Duration) -> Result<Option<Lock>, StoreError> {
        let begin = Instant::now();
        let mut file = folder.lock_file()?;
        let mut pause = FIRST_PAUSE;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    let there = folder.is_lock_file(&held);
                    return Ok(there.then_some(Lock { _held: held }));
                }
                Err((back, Errno::EWOULDBLOCK | Errno::EINTR)) => file = back,
                Err((_, errno)) => {
                    return Err(StoreError::io("lock", folder.path_of("lock"))(errno));
                }
            }
            let waited = begin.elapsed();
            if waited >= wait {
                let path = folder.path_of("lock");
                return Err(StoreError::Busy { path, waited });
            }
            #[expect(clippy::disallowed_methods, reason = "flock has no wait with an end")]
            std::thread::sleep(jitter(pause).min(wait - waited));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Between a half and one and a half of `pause`, so that waiters do not ask all at once.
fn jitter(pause: Duration) -> Duration {
    let thousandths = 500 + RandomState::new().build_hasher().finish() % 1000;
    pause * u32::try_from(thousandths).unwrap_or(1000) / 1000
}
