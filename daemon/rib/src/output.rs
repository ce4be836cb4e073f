//! What is to be forwarded, and what of it a reader has not seen yet.
//!
//! For each reader the values are kept that it saw last, only where they differ now: what went there and
//! back between two readings is no change, and a reader that sleeps costs no more than what differs.

use crate::{Change, Entry, Forward, Prefix, Vni};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, btree_map},
};

/// Somebody who follows the changes of one [`crate::Rib`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader(u64);

#[derive(Debug, Default)]
pub(crate) struct Output {
    tables: BTreeMap<Vni, BTreeMap<Prefix, Forward>>,
    /// What each reader saw last of what is otherwise now.
    unseen: BTreeMap<u64, BTreeMap<(Vni, Prefix), Option<Forward>>>,
    next: u64,
}

impl Output {
    pub(crate) fn set(&mut self, vni: Vni, prefix: Prefix, forward: Option<Forward>) {
        let table = self.tables.entry(vni).or_default();
        let before = match forward.clone() {
            Some(forward) => table.insert(prefix, forward),
            None => table.remove(&prefix),
        };
        if table.is_empty() {
            self.tables.remove(&vni);
        }
        if before == forward {
            return;
        }
        for unseen in self.unseen.values_mut() {
            match unseen.entry((vni, prefix)) {
                btree_map::Entry::Vacant(entry) => {
                    entry.insert(before.clone());
                }
                btree_map::Entry::Occupied(entry) if *entry.get() == forward => {
                    entry.remove();
                }
                btree_map::Entry::Occupied(_) => {}
            }
        }
    }

    /// Everything of a table goes.
    pub(crate) fn clear(&mut self, vni: Vni) {
        let table = self.tables.get(&vni);
        let prefixes: BTreeSet<_> = table.into_iter().flat_map(|t| t.keys().copied()).collect();
        for prefix in prefixes {
            self.set(vni, prefix, None);
        }
    }

    pub(crate) fn get(&self, vni: Vni, prefix: Prefix) -> Option<&Forward> {
        self.tables.get(&vni)?.get(&prefix)
    }

    /// Everything, the longest prefixes first.
    pub(crate) fn snapshot(&self) -> Vec<Entry> {
        let tables = self.tables.iter();
        let entries = tables.flat_map(|(vni, table)| table.iter().map(|(p, f)| entry(*vni, *p, f)));
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| order(entry.vni, entry.prefix));
        entries
    }

    pub(crate) fn subscribe(&mut self) -> Reader {
        let reader = Reader(self.next);
        self.next += 1;
        self.unseen.insert(reader.0, BTreeMap::new());
        reader
    }

    pub(crate) fn unsubscribe(&mut self, reader: &Reader) {
        self.unseen.remove(&reader.0);
    }

    pub(crate) fn changes(&mut self, reader: &Reader) -> Vec<Change> {
        let unseen = self.unseen.get_mut(&reader.0).map(std::mem::take);
        let mut keys: Vec<_> = unseen.into_iter().flat_map(BTreeMap::into_keys).collect();
        keys.sort_by_key(|(vni, prefix)| order(*vni, *prefix));
        let (mut upserts, mut removals) = (Vec::new(), Vec::new());
        for (vni, prefix) in keys {
            match self.get(vni, prefix) {
                Some(forward) => upserts.push(Change::Upsert(entry(vni, prefix, forward))),
                None => removals.push(Change::Remove { vni, prefix }),
            }
        }
        upserts.append(&mut removals);
        upserts
    }
}

fn entry(vni: Vni, prefix: Prefix, forward: &Forward) -> Entry {
    let forward = forward.clone();
    Entry {
        vni,
        prefix,
        forward,
    }
}

/// The longest first: a block that is made unreachable before its containers' routes are there would cut
/// them off for a moment.
fn order(vni: Vni, prefix: Prefix) -> impl Ord {
    (Reverse(prefix.cidr().prefix()), vni, prefix)
}
