//! A store that measures what is asked of it.

use crate::metrics::keep::{Counters, Timings, timings};
use async_trait::async_trait;
use fairway_kv::{Committed, Entry, LeaseId, Revision, Txn};
use fairway_store::{Range, Store, StoreError, Watch};
use prometheus_client::metrics::counter::Counter;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tracing::debug;

/// How the store did.
#[derive(Debug, Clone)]
pub struct StoreMeter {
    pub(crate) took: Timings<1>,
    pub(crate) failed: Counters<1>,
    /// How often the mirror lost it.
    pub(crate) losses: Counter,
    /// The highest revision that any answer bore.
    newest: Arc<AtomicU64>,
}

impl Default for StoreMeter {
    fn default() -> Self {
        StoreMeter {
            took: timings(),
            failed: Counters::default(),
            losses: Counter::default(),
            newest: Arc::default(),
        }
    }
}

impl StoreMeter {
    /// The highest revision that this node knows of.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.load(Ordering::Relaxed)
    }

    /// The store has been there at this revision; one that was restored from a backup goes back.
    pub(crate) fn at(&self, revision: Revision, whole: bool) {
        match whole {
            true => self.newest.store(revision.0, Ordering::Relaxed),
            false => {
                self.newest.fetch_max(revision.0, Ordering::Relaxed);
            }
        }
    }
}

/// See the module's head.
pub(super) struct Measured {
    store: Arc<dyn Store>,
    meter: StoreMeter,
}

impl Measured {
    pub(super) fn of(store: Arc<dyn Store>, meter: StoreMeter) -> Arc<dyn Store> {
        Arc::new(Measured { store, meter })
    }

    async fn timed<T>(
        &self,
        operation: &'static str,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let labels = [("operation", operation.into())];
        let answer = asked.await;
        match answer {
            Ok(_) => {
                let took = begun.elapsed().as_secs_f64();
                self.meter.took.get_or_create(&labels).observe(took);
            }
            Err(_) => {
                self.meter.failed.get_or_create(&labels).inc();
            }
        }
        answer
    }
}

#[async_trait]
impl Store for Measured {
    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.timed("get", self.store.get(key)).await
    }

    async fn range(&self, prefix: &str) -> Result<Range, StoreError> {
        let range = self.timed("range", self.store.range(prefix)).await?;
        self.meter.at(range.revision, false);
        Ok(range)
    }

    async fn commit(&self, txn: &Txn) -> Result<Committed, StoreError> {
        let committed = self.timed("commit", self.store.commit(txn)).await?;
        if let Committed::Yes { revision } = committed {
            self.meter.at(revision, false);
            debug!(
                "{} writes are in the store at revision {}",
                txn.writes.len(),
                revision.0
            );
        }
        Ok(committed)
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.timed("watch", self.store.watch(prefix, after)).await
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        self.timed("lease", self.store.grant_lease(ttl)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration, StoreError> {
        self.timed("keep_alive", self.store.keep_alive(lease)).await
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.timed("revoke", self.store.revoke_lease(lease)).await
    }

    fn renew(&self) {
        self.store.renew();
    }

    fn kind(&self) -> &'static str {
        self.store.kind()
    }
}
