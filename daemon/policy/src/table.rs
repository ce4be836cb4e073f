//! Tables of ports: each once, however many sets and peers point to it. One is known by what it was made
//! of. Most are small and many: they are made again from that when they are to be written, and nothing of
//! them is kept but their size.

use crate::{
    input::{Decision, Number, PortPrefix},
    number::Numbers,
    ports::{self, Clause},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// A table of so many entries is kept.
const LARGE: usize = 256;

/// A table.
#[derive(Debug)]
struct Entry {
    key: Arc<[Clause]>,
    lengths: u32,
    entries: usize,
    /// Of large ones.
    content: Option<Box<[(PortPrefix, Decision)]>>,
    /// How many want it.
    wanted: usize,
    /// How many in the dataplane point to it.
    pointers: usize,
    /// It is in the dataplane.
    there: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Tables {
    by_key: HashMap<Arc<[Clause]>, Number>,
    all: HashMap<Number, Entry>,
    /// Those in the dataplane to which nothing there points.
    loose: BTreeSet<Number>,
    numbers: Numbers,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            all: HashMap::new(),
            loose: BTreeSet::new(),
            numbers: Numbers::from(1),
        }
    }

    /// One more wants what the clauses say; 0 where they say nothing.
    pub(crate) fn want(&mut self, mut clauses: Vec<Clause>) -> Number {
        if clauses.is_empty() {
            return 0;
        }
        clauses.sort_unstable();
        if let Some(number) = self.by_key.get(clauses.as_slice()) {
            if let Some(entry) = self.all.get_mut(number) {
                entry.wanted += 1;
            }
            return *number;
        }
        let content = ports::table(&clauses);
        let key: Arc<[Clause]> = clauses.into();
        let number = self.numbers.take();
        self.by_key.insert(Arc::clone(&key), number);
        self.all.insert(
            number,
            Entry {
                key,
                lengths: ports::lengths(&content),
                entries: content.len(),
                content: (content.len() >= LARGE).then(|| content.into_boxed_slice()),
                wanted: 1,
                pointers: 0,
                there: false,
            },
        );
        number
    }

    /// One fewer wants it.
    pub(crate) fn unwant(&mut self, number: Number) {
        if let Some(entry) = self.all.get_mut(&number) {
            entry.wanted = entry.wanted.saturating_sub(1);
        }
        self.forget(number);
    }

    fn forget(&mut self, number: Number) {
        if let Some(entry) = self.all.get(&number)
            && entry.wanted == 0
            && !entry.there
        {
            self.by_key.remove(&entry.key);
            self.all.remove(&number);
            self.loose.remove(&number);
            self.numbers.retire(number);
        }
    }

    pub(crate) fn lengths(&self, number: Number) -> u32 {
        self.all.get(&number).map_or(0, |entry| entry.lengths)
    }

    pub(crate) fn entries(&self, number: Number) -> usize {
        self.all.get(&number).map_or(0, |entry| entry.entries)
    }

    pub(crate) fn content(&self, number: Number) -> Vec<(PortPrefix, Decision)> {
        let Some(entry) = self.all.get(&number) else {
            return Vec::new();
        };
        match &entry.content {
            Some(content) => content.to_vec(),
            None => ports::table(&entry.key),
        }
    }

    pub(crate) fn is_there(&self, number: Number) -> bool {
        self.all.get(&number).is_some_and(|entry| entry.there)
    }

    /// It is in the dataplane now, or no longer.
    pub(crate) fn place(&mut self, number: Number, there: bool) {
        if let Some(entry) = self.all.get_mut(&number) {
            entry.there = there;
            if there && entry.pointers == 0 {
                self.loose.insert(number);
            } else {
                self.loose.remove(&number);
            }
        }
    }

    /// Something in the dataplane points to `new` that pointed to `old`.
    pub(crate) fn repoint(&mut self, old: Number, new: Number) {
        if old == new {
            return;
        }
        if let Some(entry) = self.all.get_mut(&new) {
            entry.pointers += 1;
            self.loose.remove(&new);
        }
        if let Some(entry) = self.all.get_mut(&old) {
            entry.pointers = entry.pointers.saturating_sub(1);
            if entry.pointers == 0 && entry.there {
                self.loose.insert(old);
            }
        }
    }

    /// Those in the dataplane to which nothing there points.
    pub(crate) fn loose(&self) -> Vec<Number> {
        self.loose.iter().copied().collect()
    }

    /// Those in the dataplane.
    pub(crate) fn there(&self) -> Vec<Number> {
        let there = self.all.iter().filter(|(_, entry)| entry.there);
        there.map(|(number, _)| *number).collect()
    }

    /// Entries of all that are wanted.
    pub(crate) fn wanted_entries(&self) -> usize {
        let wanted = self.all.values().filter(|entry| entry.wanted > 0);
        wanted.map(|entry| entry.entries).sum()
    }

    /// The dataplane has what is wanted: what was `removed` on the way can go, and its number come back.
    pub(crate) fn settle(&mut self, removed: &[Number]) {
        for number in removed {
            self.forget(*number);
        }
        self.numbers.settle();
    }
}
