//! What the store shows of an area, in the words of that area's engine.
//!
//! Each key is compared with what it was, so that a list that is read anew tells the engine nothing that it
//! knows. What cannot be read is a problem that is told, and what was in its place before stays in force: neither a
//! policy nor a limit must fall because a newer program wrote it.
//!
//! Routes have a feed of their own: what they are told follows from several keys together.

use fairway_kv::{Change, Entry, Update};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the values of an area.
pub(crate) trait Reader {
    /// Which value.
    type Key;
    /// What the engine is told.
    type Input;

    /// Reads a key; none: another area's.
    fn key(path: &str) -> Option<Self::Key>;

    /// A value is there, or is another one; none: nothing follows for the engine.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn put(&mut self, key: Self::Key, value: &[u8]) -> Result<Option<Self::Input>, String>;

    /// It is gone; `value` is what was read last.
    fn gone(&mut self, key: Self::Key, value: &[u8]) -> Option<Self::Input>;
}

/// What the store has shown so far.
#[derive(Debug, Default)]
pub(crate) struct Feed<R> {
    pub(crate) reader: R,
    /// Keys that are there, with the values that were taken.
    known: BTreeMap<String, Vec<u8>>,
    /// Keys whose values cannot be read.
    problems: BTreeMap<String, String>,
    /// The whole picture was there once.
    pub(crate) seen: bool,
}

impl<R: Reader> Feed<R> {
    pub(crate) fn new(reader: R) -> Feed<R> {
        Feed {
            reader,
            known: BTreeMap::new(),
            problems: BTreeMap::new(),
            seen: false,
        }
    }

    /// What is wrong with what the store shows.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &String> {
        self.problems.values()
    }

    /// Of these, with their keys, those whose values were never read: nothing of them is in force.
    pub(crate) fn unread(&self) -> impl Iterator<Item = (&String, &String)> {
        let problems = self.problems.iter();
        problems.filter(|(path, _)| !self.known.contains_key(*path))
    }

    /// Is there a key that was read?
    pub(crate) fn has(&self, path: &str) -> bool {
        self.known.contains_key(path)
    }

    /// What was read of a key.
    pub(crate) fn value(&self, path: &str) -> Option<&[u8]> {
        self.known.get(path).map(Vec::as_slice)
    }

    /// What is there below a prefix.
    pub(crate) fn below(&self, prefix: &str) -> BTreeMap<&String, &Vec<u8>> {
        let after = self.known.range(prefix.to_owned()..);
        after
            .take_while(|(path, _)| path.starts_with(prefix))
            .collect()
    }

    /// What is to be told to the engine.
    pub(crate) fn take(&mut self, update: Update) -> Vec<R::Input> {
        let mut inputs = Vec::new();
        match update {
            Update::Lost => {}
            Update::Reset { entries, .. } => {
                let present: BTreeSet<&str> = entries.iter().map(|e| e.key.as_str()).collect();
                let known = self.known.keys().chain(self.problems.keys());
                let gone = known.filter(|path| !present.contains(path.as_str()));
                let gone: Vec<String> = gone.cloned().collect();
                for path in gone {
                    inputs.extend(self.gone(&path));
                }
                for entry in entries {
                    inputs.extend(self.put(entry));
                }
                self.seen = true;
            }
            Update::Changes { changes, .. } => {
                for change in changes {
                    inputs.extend(match change {
                        Change::Put(entry) => self.put(entry),
                        Change::Deleted { key, .. } => self.gone(&key),
                    });
                }
            }
        }
        inputs
    }

    fn put(&mut self, entry: Entry) -> Option<R::Input> {
        let key = R::key(&entry.key)?;
        if self.known.get(&entry.key) == Some(&entry.value) {
            // As it was before what could not be read.
            self.problems.remove(&entry.key);
            return None;
        }
        match self.reader.put(key, &entry.value) {
            Ok(input) => {
                self.problems.remove(&entry.key);
                self.known.insert(entry.key, entry.value);
                input
            }
            Err(reason) => {
                let problem = format!("{}: {reason}; it is left as it was", entry.key);
                self.problems.insert(entry.key, problem);
                None
            }
        }
    }

    fn gone(&mut self, path: &str) -> Option<R::Input> {
        self.problems.remove(path);
        let value = self.known.remove(path)?;
        self.reader.gone(R::key(path)?, &value)
    }
}

/// What an update says of an area, as far as its keys go; none: nothing.
pub(crate) fn concerning(update: &Update, concerns: impl Fn(&str) -> bool) -> Option<Update> {
    match update {
        Update::Lost => None,
        Update::Reset { revision, entries } => {
            let entries = entries.iter().filter(|entry| concerns(&entry.key));
            Some(Update::Reset {
                revision: *revision,
                entries: entries.cloned().collect(),
            })
        }
        Update::Changes { revision, changes } => {
            let some = changes.iter().filter(|change| concerns(key(change)));
            let changes: Vec<Change> = some.cloned().collect();
            (!changes.is_empty()).then_some(Update::Changes {
                revision: *revision,
                changes,
            })
        }
    }
}

/// Whose change it is.
pub(crate) fn key(change: &Change) -> &str {
    match change {
        Change::Put(entry) => &entry.key,
        Change::Deleted { key, .. } => key,
    }
}
