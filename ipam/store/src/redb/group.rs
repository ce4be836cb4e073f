//! One redb transaction, in which many of the store's are judged one after the other.

use super::file::{KEYS, LEASES, META, Row};
use super::history::Step;
use crate::StoreError;
use fairway_kv::{Change, Committed, Condition, Entry, LeaseId, Revision, Txn, Write};
use redb::{ReadableTable, WriteTransaction};

pub(super) struct Group<'a> {
    begun: &'a WriteTransaction,
    revision: u64,
    steps: Vec<Step>,
}

impl<'a> Group<'a> {
    pub(super) fn new(begun: &'a WriteTransaction, revision: u64) -> Self {
        Self {
            begun,
            revision,
            steps: Vec::new(),
        }
    }

    /// Writes the revision down; it and what has changed.
    pub(super) fn finish(self) -> Result<(u64, Vec<Step>), redb::Error> {
        let mut meta = self.begun.open_table(META)?;
        meta.insert("revision", self.revision)?;
        drop(meta);
        Ok((self.revision, self.steps))
    }

    /// An inner error is the transaction's own; an outer one is the file's.
    pub(super) fn judge(
        &mut self,
        txn: &Txn,
    ) -> Result<Result<Committed, StoreError>, redb::Error> {
        let mut keys = self.begun.open_table(KEYS)?;
        let leases = self.begun.open_table(LEASES)?;
        for condition in &txn.conditions {
            let found = keys.get(condition.key())?.map(|row| row.value().1);
            let holds = match condition {
                Condition::Absent { .. } => found.is_none(),
                Condition::Unchanged { modified, .. } => found == Some(modified.0),
            };
            if !holds {
                let found = |key: &str| entry(&keys, key).map(|found| (key.to_owned(), found));
                let found = txn.keys().into_iter().map(found);
                return Ok(Ok(Committed::No {
                    revision: Revision(self.revision),
                    found: found.collect::<Result<_, _>>()?,
                }));
            }
        }
        for write in &txn.writes {
            if let Write::Put {
                lease: Some(lease), ..
            } = write
                && leases.get(lease.0)?.is_none()
            {
                return Ok(Err(StoreError::LeaseGone { lease: *lease }));
            }
        }
        let next = self.revision + 1;
        let mut changes = Vec::new();
        for write in &txn.writes {
            match write {
                Write::Put { key, value, lease } => {
                    let created = keys.get(key.as_str())?.map_or(next, |row| row.value().0);
                    let lease = lease.map_or(0, |lease| lease.0);
                    keys.insert(key.as_str(), (created, next, lease, value.as_slice()))?;
                    changes.push(Change::Put(Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created: Revision(created),
                        modified: Revision(next),
                    }));
                }
                Write::Delete { key } => {
                    if keys.remove(key.as_str())?.is_some() {
                        changes.push(deleted(key, next));
                    }
                }
            }
        }
        self.step(changes);
        let revision = Revision(self.revision);
        Ok(Ok(Committed::Yes { revision }))
    }

    /// A revision, unless nothing has changed.
    fn step(&mut self, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.revision += 1;
            self.steps.push((self.revision, changes));
        }
    }

    pub(super) fn grant(&mut self, seconds: u64) -> Result<LeaseId, redb::Error> {
        let mut meta = self.begun.open_table(META)?;
        let last = meta.get("lease")?.map_or(0, |last| last.value());
        let lease = last + 1;
        meta.insert("lease", lease)?;
        let id = i64::try_from(lease).unwrap_or(i64::MAX);
        self.begun.open_table(LEASES)?.insert(id, seconds)?;
        Ok(LeaseId(id))
    }

    pub(super) fn end(&mut self, lease: i64) -> Result<(), redb::Error> {
        self.begun.open_table(LEASES)?.remove(lease)?;
        let mut keys = self.begun.open_table(KEYS)?;
        let mut bound = Vec::new();
        for row in keys.iter()? {
            let (key, row) = row?;
            if row.value().2 == lease {
                bound.push(key.value().to_owned());
            }
        }
        let mut changes = Vec::new();
        for key in &bound {
            keys.remove(key.as_str())?;
            changes.push(deleted(key, self.revision + 1));
        }
        drop(keys);
        self.step(changes);
        Ok(())
    }
}

fn deleted(key: &str, revision: u64) -> Change {
    Change::Deleted {
        key: key.to_owned(),
        revision: Revision(revision),
    }
}

pub(super) fn entry(
    keys: &impl ReadableTable<&'static str, Row>,
    key: &str,
) -> Result<Option<Entry>, redb::Error> {
    let found = keys.get(key)?;
    Ok(found.map(|row| to_entry(key, row.value())))
}

pub(super) fn to_entry(key: &str, (created, modified, _, value): (u64, u64, i64, &[u8])) -> Entry {
    Entry {
        key: key.to_owned(),
        value: value.to_owned(),
        created: Revision(created),
        modified: Revision(modified),
    }
}
