//! The store as a model: one ordered history, and transactions with the exact meaning of [`fairway_kv`].

use fairway_kv::{Change, Committed, Condition, Entry, Revision, Txn, Write};
use std::collections::{BTreeMap, VecDeque};

/// The history behind a store.
#[derive(Debug, Default)]
pub(crate) struct ModelStore {
    revision: u64,
    compacted: u64,
    keys: BTreeMap<String, Entry>,
    history: VecDeque<(u64, Vec<Change>)>,
}

impl ModelStore {
    /// The newest revision.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// All keys that begin so.
    pub(crate) fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = self.keys.range(prefix.to_owned()..);
        from.map(|(_, entry)| entry)
            .take_while(move |entry| entry.key.starts_with(prefix))
    }

    /// Everything there is.
    pub(crate) fn snapshot(&self) -> Vec<Entry> {
        self.keys.values().cloned().collect()
    }

    /// What happened after a revision, at most so many revisions of it, with the last of them. None: the
    /// history does not reach back so far.
    pub(crate) fn since(&self, after: u64, most: usize) -> Option<(u64, Vec<Change>)> {
        if after < self.compacted {
            return None;
        }
        let start = self.history.partition_point(|(at, _)| *at <= after);
        let mut upto = after;
        let mut changes = Vec::new();
        for (at, more) in self.history.iter().skip(start).take(most) {
            upto = *at;
            changes.extend(more.iter().cloned());
        }
        Some((upto, changes))
    }

    /// Forgets the history up to a revision.
    pub(crate) fn compact(&mut self, upto: u64) {
        let upto = upto.min(self.revision);
        self.compacted = self.compacted.max(upto);
        while self.history.front().is_some_and(|(at, _)| *at <= upto) {
            self.history.pop_front();
        }
    }

    /// Judges a transaction and does it.
    pub(crate) fn commit(&mut self, txn: &Txn) -> Committed {
        if !txn.conditions.iter().all(|condition| self.holds(condition)) {
            let found = |key: &str| (key.to_owned(), self.keys.get(key).cloned());
            return Committed::No {
                revision: Revision(self.revision),
                found: txn.keys().into_iter().map(found).collect(),
            };
        }
        let next = Revision(self.revision + 1);
        let mut changes = Vec::new();
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => {
                    let created = self.keys.get(key).map_or(next, |entry| entry.created);
                    let entry = Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created,
                        modified: next,
                    };
                    self.keys.insert(key.clone(), entry.clone());
                    changes.push(Change::Put(entry));
                }
                Write::Delete { key } => {
                    if self.keys.remove(key).is_some() {
                        let key = key.clone();
                        changes.push(Change::Deleted {
                            key,
                            revision: next,
                        });
                    }
                }
            }
        }
        if !changes.is_empty() {
            self.revision = next.0;
            self.history.push_back((next.0, changes));
        }
        Committed::Yes {
            revision: Revision(self.revision),
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Absent { key } => !self.keys.contains_key(key),
            Condition::Unchanged { key, modified } => {
                let entry = self.keys.get(key);
                entry.is_some_and(|entry| entry.modified == *modified)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &str) -> Write {
        Write::Put {
            key: key.into(),
            value: value.into(),
            lease: None,
        }
    }

    fn txn(conditions: Vec<Condition>, writes: Vec<Write>) -> Txn {
        Txn { conditions, writes }
    }

    #[test]
    fn conditions_are_judged_together_and_writes_share_a_revision() {
        let mut store = ModelStore::default();
        let absent = || Condition::Absent { key: "a".into() };
        let first = store.commit(&txn(vec![absent()], vec![put("a", "1"), put("b", "1")]));
        assert_eq!(
            first,
            Committed::Yes {
                revision: Revision(1)
            }
        );
        let again = store.commit(&txn(vec![absent()], vec![put("c", "1")]));
        let Committed::No { revision, found } = again else {
            panic!("{again:?}")
        };
        assert_eq!(revision, Revision(1));
        let keys: Vec<_> = found
            .iter()
            .map(|(key, entry)| (key.as_str(), entry.is_some()))
            .collect();
        assert_eq!(keys, [("a", true), ("c", false)]);
        let unchanged = Condition::Unchanged {
            key: "b".into(),
            modified: Revision(1),
        };
        store.commit(&txn(vec![unchanged.clone()], vec![put("b", "2")]));
        let stale = store.commit(&txn(vec![unchanged], vec![put("b", "3")]));
        assert!(matches!(stale, Committed::No { .. }));
        let entry = store.range("b").next().expect("b");
        assert_eq!((entry.created, entry.modified), (Revision(1), Revision(2)));
    }

    #[test]
    fn a_deletion_of_nothing_makes_no_revision_and_history_can_be_compacted() {
        let mut store = ModelStore::default();
        let delete = || Write::Delete { key: "a".into() };
        store.commit(&txn(vec![], vec![delete()]));
        assert_eq!(store.revision(), 0);
        store.commit(&txn(vec![], vec![put("a", "1")]));
        store.commit(&txn(vec![], vec![delete()]));
        let (upto, changes) = store.since(0, 10).expect("history");
        assert_eq!((upto, changes.len()), (2, 2));
        assert_eq!(store.since(0, 1).expect("history").0, 1);
        store.compact(1);
        assert!(store.since(0, 10).is_none());
        assert_eq!(store.since(1, 10).expect("history").1.len(), 1);
    }
}
