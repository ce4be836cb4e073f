//! The trait that both stores fulfil.
//!
//! It is etcd's model, reduced to what is used: one ordered history of revisions, transactions that are
//! judged and done at one of them, watches that show the history from any revision that is still kept,
//! leases that take keys with them when they end. What callers must never be told wrongly is whether a
//! transaction was committed: see [`StoreError::outcome_unknown`].

use crate::StoreError;
use async_trait::async_trait;
use fairway_kv::{Change, Committed, Entry, LeaseId, Revision, Txn};
use std::time::Duration;

/// A snapshot of all keys with some prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// What the entries show; a watch after it misses nothing.
    pub revision: Revision,
    /// In order of their keys.
    pub entries: Vec<Entry>,
}

/// A part of the history, as a watch gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Nothing up to this revision is still to come.
    pub revision: Revision,
    /// In order; all changes of one revision are in one batch. Empty: a sign of life.
    pub changes: Vec<Change>,
}

/// The store. All calls have a deadline of a few seconds of their own.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// One key, as of now: every transaction acknowledged before the call is seen.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// All keys with a prefix at one revision, as of now as in [`Store::get`].
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn range(&self, prefix: &str) -> Result<Range, StoreError>;

    /// Judges the conditions and does the writes, all or nothing. Never tried twice by itself once it
    /// may have reached the store. A transaction without writes reads: it answers `Yes` with the
    /// revision at which the conditions held.
    ///
    /// # Errors
    /// With [`StoreError::outcome_unknown`] it may have been committed, with any other error it has
    /// not been and will not be.
    async fn commit(&self, txn: &Txn) -> Result<Committed, StoreError>;

    /// What happens to keys with a prefix, after a revision.
    ///
    /// # Errors
    /// [`StoreError::Compacted`], here or at the first [`Watch::next`], where that part of the history
    /// is no longer kept.
    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError>;

    /// A new lease. It ends `ttl` (rounded up to seconds) after it was last kept alive, or a while later.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError>;

    /// Keeps a lease alive; says for how long it now holds.
    ///
    /// # Errors
    /// [`StoreError::LeaseGone`] where it has ended.
    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration, StoreError>;

    /// Ends a lease; its keys go. One that has ended already is no error.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError>;

    /// This machine's addresses have changed: a connection from an old one would only be seen to be dead when
    /// it has been silent for long enough. Calls that begin after this one use none from before; watches end
    /// with an error, and can be begun anew.
    fn renew(&self) {}

    /// `redb` or `etcd`.
    fn kind(&self) -> &'static str;
}

/// A watch that [`Store::watch`] began.
#[async_trait]
pub trait Watch: Send {
    /// The next part of the history. Cancelling the future loses nothing.
    ///
    /// A batch without changes comes now and then as a sign of life where a connection may die in
    /// silence; the silence of such a connection is an error after about three seconds.
    ///
    /// # Errors
    /// After an error the watch is over: list and watch anew.
    async fn next(&mut self) -> Result<Batch, StoreError>;
}
