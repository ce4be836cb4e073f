//! Where a network's files are, and how an operation gets hold of them.

use crate::{
    error::StoreError,
    folder::Folder,
    identity::{Id, Identity, boot, machine},
    index::Home,
    lock::{LOCK_WAIT, Lock},
    session::Session,
    span::Span,
};
use fairway_cni::NetworkName;
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a lock file may turn out to have been removed in the meantime.
const ATTEMPTS: u32 = 64;

/// A network's folder, not yet opened.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) folder: PathBuf,
    pub(crate) home: Home,
    pub(crate) spans: Vec<Span>,
    /// See [`Identity`].
    pub(crate) boot: Option<Id>,
    machine: OnceCell<Option<Id>>,
    wait: Duration,
}

impl Store {
    /// The folder of `network` under `data_dir`. `spans` are the ranges to map; empty where they are not known.
    pub fn new(data_dir: &Path, network: &NetworkName, spans: Vec<Span>) -> Self {
        Store {
            folder: data_dir.join(network.as_str()),
            home: Home::new(data_dir, network.as_str()),
            spans,
            boot: boot(),
            machine: OnceCell::new(),
            wait: LOCK_WAIT,
        }
    }

    /// Boot and machine; the latter is looked up only here, as most operations do not need it.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            boot: self.boot,
            machine: *self.machine.get_or_init(machine),
        }
    }

    /// As if under another boot, or on another machine.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.boot = identity.boot;
        self.machine = OnceCell::from(identity.machine);
        self
    }

    /// With another limit for the wait for the lock.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Runs `operation` under the lock in the network's folder, which is made where it is not there.
    pub(crate) fn with<T, E: From<StoreError>>(
        &self,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (folder, lock) = self.lock(|| {
            let folder = Folder::open_or_create(&self.folder)?;
            Ok(Lock::acquire(&folder, self.wait)?.map(|lock| (folder, lock)))
        })?;
        Session::run(self, &folder, &lock, operation)
    }

    /// As [`Self::with`]; `None` where there is no such folder.
    pub(crate) fn with_existing<T, E: From<StoreError>>(
        &self,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let found = self.lock(|| {
            let Some(folder) = Folder::open(&self.folder)? else {
                return Ok(Some(None));
            };
            Ok(Lock::acquire(&folder, self.wait)?.map(|lock| Some((folder, lock))))
        })?;
        let run = |(folder, lock)| Session::run(self, &folder, &lock, operation);
        found.map(run).transpose()
    }

    /// Tries until the lock file that we have locked is the one that is there.
    fn lock<T>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<T>, StoreError>,
    ) -> Result<T, StoreError> {
        for _ in 0..ATTEMPTS {
            if let Some(locked) = attempt()? {
                return Ok(locked);
            }
        }
        let path = self.folder.join("lock");
        Err(StoreError::LockGone { path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::small;
    use fairway_cni::Fault as _;
    use std::fs;

    #[test]
    fn a_lock_file_that_is_never_the_same() {
        let net = small();
        let mut tries = 0;
        let gone = net.store().lock(|| {
            tries += 1;
            Ok(None::<()>)
        });
        let error = gone.unwrap_err();
        assert_eq!((tries, error.code().number()), (ATTEMPTS, 11));
        assert!(
            error.to_string().contains("/net/lock is removed"),
            "{error}"
        );
    }

    #[test]
    fn a_lock_file_that_was_replaced_while_we_waited() {
        let net = small();
        net.add("a").unwrap();
        let folder = Folder::open(&net.path("")).unwrap().unwrap();
        let held = folder.lock_file().unwrap();
        assert!(folder.is_lock_file(&held));
        // A backup has a link to it: its count of links does not fall to none.
        fs::hard_link(net.path("lock"), net.path("copy")).unwrap();
        fs::remove_file(net.path("lock")).unwrap();
        assert!(!folder.is_lock_file(&held));
        drop(folder.lock_file().unwrap());
        assert!(!folder.is_lock_file(&held), "there is another");
        fs::rename(net.path("copy"), net.path("lock")).unwrap();
        assert!(folder.is_lock_file(&held));
    }
}
