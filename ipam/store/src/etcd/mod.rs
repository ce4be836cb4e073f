//! The store in an etcd cluster (API v3, etcd 3.4 and newer).
//!
//! Reads are linearizable, and tried with the next member when one does not answer in time. A transaction
//! is sent once: tried again only where it certainly was not done, and in doubt the caller is told so.

mod link;
mod tls;
mod verdict;
mod watch;
mod wire;

use crate::txn::{check, seconds};
use crate::{Cause, Etcd, Range, Store, StoreError, Watch};
use async_trait::async_trait;
use etcd_client::{
    Client, Compare, CompareOp, Error, GetOptions, KeyValue, PutOptions, TxnOp, TxnOpResponse,
    WatchOptions,
};
use fairway_kv::{Committed, Condition, Entry, LeaseId, Revision, Txn, Write};
use link::{Link, Links, refresh};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use verdict::{Answer, Verdict, client_words, verdict};

/// For a call as a whole.
const CALL: Duration = Duration::from_secs(5);
/// For one member's answer to what can be asked of another.
const ATTEMPT: Duration = Duration::from_secs(2);
/// For the answer to a transaction: an election takes one to two seconds.
const COMMIT: Duration = Duration::from_secs(4);
/// Entries that are asked for at once.
const PAGE: i64 = 500;
/// Bytes of a response to a read.
const RESPONSE: usize = 16 << 20;
/// Bytes of a response to a watch: what has been missed comes a thousand revisions at once.
const MISSED: usize = 256 << 20;

pub(crate) struct EtcdStore {
    links: Arc<Links>,
}

/// How a call is to be taken that has no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// It may be asked again.
    Yes,
    /// It may have been done.
    No,
}

impl EtcdStore {
    /// Checks the files of TLS; connects to nobody yet.
    pub(crate) fn open(etcd: Etcd) -> Result<Self, StoreError> {
        let links = Arc::new(Links::new(etcd)?);
        Ok(Self { links })
    }

    /// Calls one member after the other until there is an answer.
    async fn call<T, F>(
        &self,
        again: Again,
        f: impl Fn(Client) -> F + Send + Sync,
    ) -> Result<(T, Arc<Link>), StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, Error>> + Send,
    {
        let deadline = Instant::now() + CALL;
        let attempt = match again {
            Again::Yes => ATTEMPT,
            Again::No => COMMIT,
        };
        let mut fresh_token = false;
        loop {
            let link = self.links.link(deadline).await?;
            let end = match again {
                Again::Yes => deadline.min(Instant::now() + attempt),
                // Whatever it took to connect: an answer is waited for.
                Again::No => Instant::now() + attempt,
            };
            let done = timeout_at(end, f(link.client.clone())).await;
            let (verdict, source) = match done {
                Ok(Ok(value)) => return Ok((value, link)),
                Ok(Err(error)) => (verdict(&error), client_words(&error)),
                Err(_) => (Verdict::Doubt, format!("no answer within {attempt:?}")),
            };
            let place = link.place.clone();
            match verdict {
                Verdict::Final(answer) => return Err(answer.error(place, source)),
                Verdict::Token if fresh_token => {
                    let source = source.into();
                    return Err(StoreError::Denied { place, source });
                }
                Verdict::Token => {
                    fresh_token = true;
                    match refresh(&link).await {
                        Ok(()) => continue,
                        Err(error) => match verdict::verdict(&error) {
                            Verdict::Final(answer) => {
                                return Err(answer.error(place, client_words(&error)));
                            }
                            _ => self.links.doubt(&link),
                        },
                    }
                }
                Verdict::Doubt if again == Again::No => {
                    self.links.doubt(&link);
                    let source = source.into();
                    return Err(StoreError::Unknown { place, source });
                }
                Verdict::NotDone | Verdict::Doubt => self.links.doubt(&link),
            }
            if Instant::now() >= deadline {
                let source = source.into();
                return Err(StoreError::Unreachable { place, source });
            }
        }
    }

    /// One page: the entries, the revision, whether there is more.
    async fn page(
        &self,
        from: &[u8],
        end: &[u8],
        limit: i64,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>, bool), StoreError> {
        let options = GetOptions::new().with_range(end).with_limit(limit);
        let options = match at {
            Some(at) => options.with_revision(i64::try_from(at.0).unwrap_or(i64::MAX)),
            None => options,
        };
        let get = |client: Client| {
            let mut kv = client.kv_client().max_decoding_message_size(RESPONSE);
            let (from, options) = (from.to_owned(), options.clone());
            async move { kv.get(from, Some(options)).await }
        };
        let (mut got, _) = self.call(Again::Yes, get).await?;
        let now = got.header().map_or(0, |header| header.revision());
        Ok((revision(now), got.take_kvs(), got.more()))
    }

    async fn whole(&self, prefix: &str, limit: &mut i64) -> Result<Range, StoreError> {
        let end = range_end(prefix.as_bytes());
        let mut from = prefix.as_bytes().to_owned();
        if from.is_empty() {
            from.push(0);
        }
        let (mut at, mut entries) = (None, Vec::new());
        loop {
            let (now, found, more) = match self.page(&from, &end, *limit, at).await {
                Err(StoreError::Protocol { .. }) if *limit > 1 => {
                    *limit = (*limit / 4).max(1);
                    continue;
                }
                other => other?,
            };
            at.get_or_insert(now);
            entries.extend(found.iter().map(entry));
            match found.last() {
                Some(last) if more => {
                    from = last.key().to_owned();
                    from.push(0);
                }
                _ => {
                    let revision = at.unwrap_or(now);
                    return Ok(Range { revision, entries });
                }
            }
        }
    }
}

impl EtcdStore {
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

impl Answer {
    fn error(self, place: String, source: String) -> StoreError {
        let source = source.into();
        match self {
            Answer::OutOfSpace => StoreError::OutOfSpace { place, source },
            Answer::Denied => StoreError::Denied { place, source },
            Answer::Refused => StoreError::Refused { place, source },
            Answer::TooMuch => StoreError::Protocol { place, source },
            // Who asked knows better, and says so.
            Answer::LeaseGone => StoreError::LeaseGone { lease: LeaseId(0) },
            Answer::Compacted => StoreError::Compacted {
                after: Revision(0),
                oldest: Revision(0),
            },
        }
    }
}

fn revision(number: i64) -> Revision {
    Revision(u64::try_from(number).unwrap_or(0))
}

fn entry(kv: &KeyValue) -> Entry {
    Entry {
        key: String::from_utf8_lossy(kv.key()).into_owned(),
        value: kv.value().to_owned(),
        created: revision(kv.create_revision()),
        modified: revision(kv.mod_revision()),
    }
}

/// The first key after all those with a prefix; `\0` for all keys.
fn range_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

fn compare(condition: &Condition) -> Compare {
    match condition {
        Condition::Absent { key } => Compare::create_revision(key.as_str(), CompareOp::Equal, 0),
        Condition::Unchanged { key, modified } => {
            // A revision of 0 is etcd's word for an absent key, and none of ours.
            let number = i64::try_from(modified.0).unwrap_or(i64::MAX);
            let number = if number == 0 { i64::MAX } else { number };
            Compare::mod_revision(key.as_str(), CompareOp::Equal, number)
        }
    }
}

fn operation(write: &Write) -> TxnOp {
    match write {
        Write::Put { key, value, lease } => {
            let options = lease.map(|lease| PutOptions::new().with_lease(lease.0));
            TxnOp::put(key.as_str(), value.as_slice(), options)
        }
        Write::Delete { key } => TxnOp::delete(key.as_str(), None),
    }
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
        // A token that is no longer good is "permission denied" here.
        for retried in [false, true] {
            let (stream, link) = self.call(Again::Yes, begin).await?;
            let links = Arc::clone(&self.links);
            let mut watcher = watch::Watcher::new(links, Arc::clone(&link), stream, after);
            // The first word is whether it has begun.
            match watcher.next().await {
                Ok(_) => return Ok(Box::new(watcher)),
                Err(StoreError::Denied { .. }) if !retried => {
                    if refresh(&link).await.is_err() {
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

    fn kind(&self) -> &'static str {
        "etcd"
    }
}
