//! What both stores ask of a transaction, so that what one takes the other takes, too.

use crate::StoreError;
use fairway_kv::{Txn, Write};
use std::time::Duration;

/// etcd takes requests of 1.5 MiB with its default settings; something is left for what surrounds them.
pub(crate) const BYTES: usize = 1_400_000;

/// Why a transaction is none.
#[derive(Debug, thiserror::Error)]
enum Flaw {
    #[error("{count} {what}, more than the {} that are taken", Txn::LIMIT)]
    Many { count: usize, what: &'static str },
    #[error("{key} is written twice")]
    Twice { key: String },
    #[error("an empty key")]
    NoKey,
    #[error("{bytes} bytes of keys and values, more than the {BYTES} that are taken")]
    Large { bytes: usize },
}

/// Refuses what etcd would refuse.
pub(crate) fn check(txn: &Txn, place: impl Fn() -> String) -> Result<(), StoreError> {
    flaw(txn).map_err(|flaw| StoreError::Refused {
        place: place(),
        source: flaw.into(),
    })
}

fn flaw(txn: &Txn) -> Result<(), Flaw> {
    let parts = [
        (txn.conditions.len(), "conditions"),
        (txn.writes.len(), "writes"),
    ];
    if let Some((count, what)) = parts.into_iter().find(|(count, _)| *count > Txn::LIMIT) {
        return Err(Flaw::Many { count, what });
    }
    if txn.keys().first().is_some_and(|key| key.is_empty()) {
        return Err(Flaw::NoKey);
    }
    let mut written: Vec<_> = txn.writes.iter().map(Write::key).collect();
    written.sort_unstable();
    if let Some(pair) = written.windows(2).find(|pair| pair[0] == pair[1]) {
        let key = pair[0].to_owned();
        return Err(Flaw::Twice { key });
    }
    let value = |write: &Write| match write {
        Write::Put { value, .. } => value.len(),
        Write::Delete { .. } => 0,
    };
    let keys = txn.conditions.iter().map(|condition| condition.key().len());
    let writes = txn
        .writes
        .iter()
        .map(|write| write.key().len() + value(write));
    match keys.chain(writes).sum() {
        bytes if bytes > BYTES => Err(Flaw::Large { bytes }),
        _ => Ok(()),
    }
}

/// A lease's time, in whole seconds, rounded up; at least 1.
pub(crate) fn seconds(ttl: Duration) -> u64 {
    let more = u64::from(ttl.subsec_nanos() > 0);
    (ttl.as_secs() + more).max(1)
}
