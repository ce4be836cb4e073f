//! Cutting work into transactions that a store takes.

use crate::{View, keys::Key};
use fairway_kv::{Condition, Txn, Write};

/// Transactions to be committed one after the other, and what they come to.
///
/// Where one of them finds a condition that does not hold, the rest is computed anew from a newer view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<T> {
    /// In this order. Empty: all is so already.
    pub txns: Vec<Txn>,
    /// What they do.
    pub summary: T,
}

/// How many conditions, and how many writes, go into one: whoever commits it has room for some of their own, such as
/// that they lead still.
const FULL: usize = Txn::LIMIT - 4;
/// How many bytes of values go into one transaction; etcd takes 1.5 MiB in all.
const BYTES: usize = 512 * 1024;

/// Collects steps, each of which is done whole or not at all.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Conditions of every transaction.
    common: Vec<Condition>,
    txns: Vec<Txn>,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(common: Vec<Condition>) -> Batch {
        Batch {
            common,
            ..Batch::default()
        }
    }

    /// Adds a step. It must be well below [`Txn::LIMIT`] by itself, and no key may be in two steps.
    pub(super) fn step(&mut self, conditions: Vec<Condition>, writes: Vec<Write>) {
        let size = |write: &Write| match write {
            Write::Put { key, value, .. } => key.len() + value.len(),
            Write::Delete { key } => key.len(),
        };
        let bytes: usize = writes.iter().map(size).sum();
        let fits = |txn: &&mut Txn| {
            txn.conditions.len() + conditions.len() <= FULL
                && txn.writes.len() + writes.len() <= FULL
                && self.bytes + bytes <= BYTES
        };
        match self.txns.last_mut().filter(fits) {
            Some(txn) => {
                txn.conditions.extend(conditions);
                txn.writes.extend(writes);
                self.bytes += bytes;
            }
            None => {
                let conditions = self.common.iter().cloned().chain(conditions).collect();
                self.txns.push(Txn { conditions, writes });
                self.bytes = bytes;
            }
        }
    }

    /// All transactions.
    pub(super) fn finish(self) -> Vec<Txn> {
        self.txns
    }
}

/// The key is as the view has it: unchanged, or not there.
pub(crate) fn as_seen(view: &View, key: &Key) -> Condition {
    match view.modified(key) {
        Some(modified) => Condition::Unchanged {
            key: key.path(),
            modified,
        },
        None => Condition::Absent { key: key.path() },
    }
}

pub(crate) fn put(key: &Key, value: Vec<u8>) -> Write {
    Write::Put {
        key: key.path(),
        value,
        lease: None,
    }
}

pub(crate) fn delete(key: &Key) -> Write {
    Write::Delete { key: key.path() }
}
