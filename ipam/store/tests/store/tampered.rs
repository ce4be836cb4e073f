//! A store that answers its first range with an old one, loses its first commits, and notes the leases
//! that are granted.

use async_trait::async_trait;
use fairway_store::kv::{Committed, Entry, LeaseId, Revision, Txn};
use fairway_store::{Range, Store, StoreError, Watch};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) struct Tampered {
    store: Arc<dyn Store>,
    first: Mutex<Option<Range>>,
    granted: Mutex<Vec<LeaseId>>,
    /// Commits that are done and answered with a doubt.
    pub(crate) doubts: AtomicU32,
}

impl Tampered {
    pub(crate) fn new(store: &Arc<dyn Store>, first: Option<Range>) -> Arc<Self> {
        Arc::new(Self {
            store: Arc::clone(store),
            first: first.into(),
            granted: Mutex::default(),
            doubts: AtomicU32::new(0),
        })
    }

    pub(crate) fn granted(&self) -> Vec<LeaseId> {
        self.granted.lock().expect("a lock").clone()
    }
}

#[async_trait]
impl Store for Tampered {
    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn range(&self, prefix: &str) -> Result<Range, StoreError> {
        let first = self.first.lock().expect("a lock").take();
        match first {
            Some(first) => Ok(first),
            None => self.store.range(prefix).await,
        }
    }

    async fn commit(&self, txn: &Txn) -> Result<Committed, StoreError> {
        let done = self.store.commit(txn).await;
        let less = |left: u32| left.checked_sub(1);
        let doubt = self
            .doubts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        match doubt {
            Err(_) => done,
            Ok(_) => Err(StoreError::Unknown {
                place: "here".into(),
                source: "the test wants it so".into(),
            }),
        }
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch(prefix, after).await
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let lease = self.store.grant_lease(ttl).await?;
        self.granted.lock().expect("a lock").push(lease);
        Ok(lease)
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration, StoreError> {
        self.store.keep_alive(lease).await
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.store.revoke_lease(lease).await
    }

    fn kind(&self) -> &'static str {
        self.store.kind()
    }
}
