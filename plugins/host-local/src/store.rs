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
        loop {
            let folder = Folder::open_or_create(&self.folder)?;
            if let Some(lock) = Lock::acquire(&folder, self.wait)? {
                return Session::run(self, &folder, &lock, operation);
            }
        }
    }

    /// As [`Self::with`]; `None` where there is no such folder.
    pub(crate) fn with_existing<T, E: From<StoreError>>(
        &self,
        operation: impl FnOnce(&mut Session<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        loop {
            let Some(folder) = Folder::open(&self.folder)? else {
                return Ok(None);
            };
            if let Some(lock) = Lock::acquire(&folder, self.wait)? {
                return Session::run(self, &folder, &lock, operation).map(Some);
            }
        }
    }
}
