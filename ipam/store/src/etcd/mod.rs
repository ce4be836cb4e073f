//! The store in an etcd cluster (API v3, etcd 3.4 and newer).
//!
//! Reads are linearizable, and tried with the next member when one does not answer in time. A transaction
//! is sent once: tried again only where it certainly was not done, and in doubt the caller is told so.

mod call;
mod convert;
mod link;
mod range;
mod tls;
mod verdict;
mod watch;
mod wire;

use crate::txn::{check, seconds};
use crate::{Cause, Etcd, Range, Store, StoreError, Watch};
use async_trait::async_trait;
use call::Again;
use convert::{compare, entry, operation, range_end, revision};
use etcd_client::{Client, TxnOp, TxnOpResponse, WatchOptions};
use fairway_kv::{Committed, Condition, Entry, LeaseId, Revision, Txn, Write};
use link::{Links, refresh};
use range::PAGE;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Until when the files of TLS are good.
pub(crate) fn certificate_ends(tls: &crate::Tls) -> Vec<(&'static str, u64)> {
    tls::ends(tls)
}

/// Bytes of a response to a watch: what has been missed comes a thousand revisions at once.
const MISSED: usize = 256 << 20;

pub(crate) struct EtcdStore {
    links: Arc<Links>,
}

impl EtcdStore {
    /// Checks the files of TLS; connects to nobody yet.
    pub(crate) fn open(etcd: Etcd) -> Result<Self, StoreError> {
        let links = Arc::new(Links::new(etcd)?);
        Ok(Self { links })
    }

    /// "Out of space" is said of a transaction that was dropped, and of the one that took the last of it.
    async fn full(&self, txn: &Txn, place: String, source: Cause) -> StoreError {
        match self.untouched(txn).await {
            Ok(true) => StoreError::OutOfSpace { place, source },
            _ => StoreError::Unknown { place, source },
        }
    }

    /// A key that the transaction would have changed still is as its condition says. (A lease or another
    /// node may have taken a new key away again meanwhile; then it is as if nothing had been done.)
    async fn untouched(&self, txn: &Txn) -> Result<bool, StoreError> {
        for condition in &txn.conditions {
            let key = condition.key();
            let written = txn.writes.iter().find(|write| write.key() == key);
            let changes = match (condition, written) {
                (_, None) | (Condition::Absent { .. }, Some(Write::Delete { .. })) => false,
                (_, Some(_)) => true,
            };
            if changes {
                let found = self.get(key).await?.map(|entry| entry.modified);
                return Ok(match condition {
                    Condition::Absent { .. } => found.is_none(),
                    Condition::Unchanged { modified, .. } => found == Some(*modified),
                });
            }
        }
        Ok(false)
    }
}

/// Which of them cannot be told; mostly there is one.
fn lease_gone(txn: &Txn) -> StoreError {
    let lease = txn.writes.iter().find_map(|write| match write {
        Write::Put { lease, .. } => *lease,
        Write::Delete { .. } => None,
    });
    let lease = lease.unwrap_or(LeaseId(0));
    StoreError::LeaseGone { lease }
}

#[async_trait]
impl Store for EtcdStore {
    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let get = |client: Client| {
            let mut kv = client.kv_client();
            async move { kv.get(key, None).await }
        };
        let (got, _) = self.call(Again::Yes, get).await?;
        Ok(got.kvs().first().map(entry))
    }

    async fn range(&self, prefix: &str) -> Result<Range, StoreError> {
        let mut limit = PAGE;
        match self.whole(prefix, &mut limit).await {
            // Compacted between two pages.
            Err(StoreError::Compacted { .. }) => self.whole(prefix, &mut limit).await,
            other => other,
        }
    }

    async fn commit(&self, txn: &Txn) -> Result<Committed, StoreError> {
        check(txn, || self.links.place())?;
        let keys = txn.keys();
        let compares: Vec<_> = txn.conditions.iter().map(compare).collect();
        let writes: Vec<_> = txn.writes.iter().map(operation).collect();
        let reads: Vec<_> = keys.iter().map(|key| TxnOp::get(*key, None)).collect();
        let request = etcd_client::Txn::new().when(compares).and_then(writes);
        let request = request.or_else(reads);
        let commit = |client: Client| {
            let mut kv = client.kv_client().max_decoding_message_size(MISSED);
            let request = request.clone();
            async move { kv.txn(request).await }
        };
        // Who only reads may ask again.
        let again = match txn.writes.is_empty() {
            true => Again::Yes,
            false => Again::No,
        };
        let done = match self.call(again, commit).await {
            Ok((done, _)) => done,
            Err(StoreError::LeaseGone { .. }) => return Err(lease_gone(txn)),
            Err(StoreError::OutOfSpace { place, source }) => {
                return Err(self.full(txn, place, source).await);
            }
            Err(error) => return Err(error),
        };
        let now = revision(done.header().map_or(0, |header| header.revision()));
        if done.succeeded() {
            return Ok(Committed::Yes { revision: now });
        }
        let mut found = BTreeMap::new();
        for response in done.op_responses() {
            if let TxnOpResponse::Get(got) = response {
                let entries = got.kvs().iter().map(entry);
                found.extend(entries.map(|entry| (entry.key.clone(), entry)));
            }
        }
        let found = keys
            .into_iter()
            .map(|key| (key.to_owned(), found.remove(key)));
        Ok(Committed::No {
            revision: now,
            found: found.collect(),
        })
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let from = i64::try_from(after.0).unwrap_or(i64::MAX - 1) + 1;
        let end = range_end(prefix.as_bytes());
        let options = WatchOptions::new()
            .with_range(end)
            .with_start_revision(from);
        let key = if prefix.is_empty() { "\0" } else { prefix };
        let begin = |client: Client| {
            let mut watch = client.watch_client().max_decoding_message_size(MISSED);
            let options = options.clone();
            async move { watch.watch(key, Some(options)).await }
        };
        // Here a token that is no longer good, or none, is an answer like any other.
        for retried in [false, true] {
            let (stream, link) = self.call(Again::Yes, begin).await?;
            let links = Arc::clone(&self.links);
            let mut watcher = watch::Watcher::new(links, Arc::clone(&link), stream, after);
            // The first word is whether it has begun.
            match watcher.next().await {
                Ok(_) => return Ok(Box::new(watcher)),
                Err(StoreError::Denied { .. }) if !retried => {
                    if link.nameless || refresh(&link).await.is_err() {
                        self.links.doubt(&link);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unreachable {
            place: self.links.place(),
            source: "no watch came about".into(),
        })
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let ttl = i64::try_from(seconds(ttl)).unwrap_or(i64::MAX);
        // One that was granted without our hearing of it ends by itself.
        let grant = |client: Client| {
            let mut leases = client.lease_client();
            async move { leases.grant(ttl, None).await }
        };
        let (granted, _) = self.call(Again::Yes, grant).await?;
        Ok(LeaseId(granted.id()))
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration, StoreError> {
        let keep = |client: Client| {
            let mut leases = client.lease_client();
            async move {
                let (mut keeper, mut stream) = leases.keep_alive(lease.0).await?;
                // The first answer is swallowed by the library, with the time in it.
                keeper.keep_alive().await?;
                let answer = stream.message().await?;
                Ok(answer.map_or(0, |answer| answer.ttl()))
            }
        };
        let gone = || StoreError::LeaseGone { lease };
        match self.call(Again::Yes, keep).await {
            Ok((ttl, _)) if ttl > 0 => Ok(Duration::from_secs(u64::try_from(ttl).unwrap_or(0))),
            Ok(_) | Err(StoreError::LeaseGone { .. }) => Err(gone()),
            Err(error) => Err(error),
        }
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        let revoke = |client: Client| {
            let mut leases = client.lease_client();
            async move { leases.revoke(lease.0).await }
        };
        match self.call(Again::Yes, revoke).await {
            Ok(_) | Err(StoreError::LeaseGone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn renew(&self) {
        self.links.renew();
    }

    fn kind(&self) -> &'static str {
        "etcd"
    }
}
