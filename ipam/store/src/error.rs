//! What can go wrong with a store.
//!
//! The one question that must never be answered wrongly is whether a transaction was committed. An
//! address that was freed because "the store said no" to a write that it had in fact done would be given
//! out twice; so whatever is not certain is [`StoreError::Unknown`].

use fairway_kv::{LeaseId, Revision};
use std::{error::Error, path::PathBuf};

/// What lies below an error, as the library that met it worded it.
pub type Cause = Box<dyn Error + Send + Sync>;

/// See the module's head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nobody answered; a transaction was not sent.
    #[error("the store at {place} cannot be reached: {source}")]
    Unreachable {
        /// The endpoints that were tried.
        place: String,
        /// What came of the last of them.
        source: Cause,
    },
    /// The transaction may have been committed, or may yet be.
    #[error("no answer from the store at {place}, so the outcome is not known: {source}")]
    Unknown {
        /// The endpoint that it was sent to.
        place: String,
        /// Why there is no answer.
        source: Cause,
    },
    /// The store is full (etcd: NOSPACE alarm; redb: the disk).
    #[error("the store at {place} is out of space and takes no writes: {source}")]
    OutOfSpace {
        /// Endpoint or file.
        place: String,
        /// The store's words.
        source: Cause,
    },
    /// User, password or permissions are not good.
    #[error("the store at {place} denies access: {source}")]
    Denied {
        /// The endpoint.
        place: String,
        /// The store's words.
        source: Cause,
    },
    /// A certificate of ours or theirs is not good.
    #[error("no trust between us and the store at {place}: {source}")]
    Certificate {
        /// The endpoint.
        place: String,
        /// What is wrong with which certificate.
        source: Cause,
    },
    /// A file or word of the configuration is not good.
    #[error(transparent)]
    Location(#[from] crate::LocationError),
    /// The history after that revision is no longer kept: list anew.
    #[error("the store no longer keeps the history after revision {after} (only from {oldest} on)")]
    Compacted {
        /// What was asked for.
        after: Revision,
        /// The oldest that is kept.
        oldest: Revision,
    },
    /// The history went on without us, or backwards: list anew.
    #[error("the store at {place} shows revision {found} where {wanted} was seen before")]
    Backwards {
        /// The endpoint.
        place: String,
        /// What it has.
        found: Revision,
        /// What it should have at least.
        wanted: Revision,
    },
    /// The lease has ended.
    #[error("lease {:x} has ended", lease.0)]
    LeaseGone {
        /// Which.
        lease: LeaseId,
    },
    /// The file is damaged. It was not touched.
    #[error("the store in {path} is damaged and was left as it is: {source}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Cause,
    },
    /// The file is of a newer version of Fairway. It was not touched.
    #[error("the store in {path} is of format {found}, newer than what this version knows ({known}); it was left as it is", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// Another process has the file.
    #[error("the store in {path} is in use by another process", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the store in {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// The store does not take such a transaction: too large, too many keys, a key written twice.
    #[error("the store at {place} does not take this transaction: {source}")]
    Refused {
        /// Endpoint or file.
        place: String,
        /// Why.
        source: Cause,
    },
    /// An answer that makes no sense.
    #[error("an answer of the store at {place} makes no sense: {source}")]
    Protocol {
        /// The endpoint.
        place: String,
        /// What.
        source: Cause,
    },
}

impl StoreError {
    /// The transaction may have been committed, or may yet be.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, StoreError::Unknown { .. })
    }

    /// The transaction was not committed and will not be.
    pub fn is_rejection(&self) -> bool {
        !self.outcome_unknown()
    }

    /// It will be the same tomorrow unless somebody mends it: full, denied, a bad certificate.
    pub fn needs_hands(&self) -> bool {
        !matches!(
            self,
            StoreError::Unreachable { .. }
                | StoreError::Unknown { .. }
                | StoreError::Compacted { .. }
                | StoreError::Backwards { .. }
                | StoreError::LeaseGone { .. }
        )
    }
}
