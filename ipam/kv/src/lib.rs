//! The words that the address logic and the store share: keys, revisions, transactions, changes.
//!
//! They are etcd's own notions, reduced to what is used: a store is one ordered history of revisions, a
//! transaction is a set of conditions on single keys and a set of writes that happen together or not at
//! all. Nothing here does I/O, so that the pure core can say what it wants written and a simulation can
//! be the store.

use std::fmt;

/// Below it lies everything that Fairway keeps in a store.
pub const ROOT: &str = "/fairway/v1/";

/// A point in the store's history. Each transaction that writes makes the next one; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lease that the store gave; a key bound to it goes when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseId(pub i64);

/// A key with its value as of some revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The whole key, [`ROOT`] included.
    pub key: String,
    /// The value: JSON with a `version` field.
    pub value: Vec<u8>,
    /// When this key came into being (again).
    pub created: Revision,
    /// When it was last written.
    pub modified: Revision,
}

/// What must hold for a transaction to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No such key.
    Absent {
        /// The key.
        key: String,
    },
    /// The key was last written at that revision.
    Unchanged {
        /// The key.
        key: String,
        /// Its [`Entry::modified`].
        modified: Revision,
    },
}

impl Condition {
    /// The key that it speaks of.
    pub fn key(&self) -> &str {
        match self {
            Condition::Absent { key } | Condition::Unchanged { key, .. } => key,
        }
    }
}

/// A change to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The key gets this value.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// The lease it goes with.
        lease: Option<LeaseId>,
    },
    /// The key goes; nothing happens where it is not there.
    Delete {
        /// The key.
        key: String,
    },
}

impl Write {
    /// The key that it changes.
    pub fn key(&self) -> &str {
        match self {
            Write::Put { key, .. } | Write::Delete { key } => key,
        }
    }
}

/// Conditions and writes that are judged and done at one revision.
///
/// No key may be written twice. At most [`Txn::LIMIT`] conditions, and as many writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Txn {
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// What is then written. None: the transaction only reads.
    pub writes: Vec<Write>,
}

impl Txn {
    /// What etcd takes with its default settings is 128 in each part.
    pub const LIMIT: usize = 100;

    /// One write, which holds only if its key is as it was last written.
    pub fn if_unchanged(modified: Revision, write: Write) -> Txn {
        let key = write.key().to_owned();
        Txn {
            conditions: vec![Condition::Unchanged { key, modified }],
            writes: vec![write],
        }
    }

    /// The keys that conditions or writes speak of, each once, in order.
    pub fn keys(&self) -> Vec<&str> {
        let conditions = self.conditions.iter().map(Condition::key);
        let mut keys: Vec<_> = conditions
            .chain(self.writes.iter().map(Write::key))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The writes were done, at this revision.
    Yes {
        /// The revision that they made.
        revision: Revision,
    },
    /// A condition did not hold, and nothing was written.
    No {
        /// The revision at which that was so.
        revision: Revision,
        /// Each key of [`Txn::keys`] as it was then, in that order.
        found: Vec<(String, Option<Entry>)>,
    },
}

/// One key's change, as a watcher sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was written.
    Put(Entry),
    /// It went.
    Deleted {
        /// The key.
        key: String,
        /// When.
        revision: Revision,
    },
}

impl Change {
    /// The key that changed.
    pub fn key(&self) -> &str {
        match self {
            Change::Put(entry) => &entry.key,
            Change::Deleted { key, .. } => key,
        }
    }
}

/// What a mirror of the store is told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// All there is, as of a revision: at the start, and after a gap in the history.
    Reset {
        /// The revision that `entries` show.
        revision: Revision,
        /// Every key.
        entries: Vec<Entry>,
    },
    /// What has changed since. Empty: nothing has, up to that revision.
    Changes {
        /// The revision up to which nothing is missing now.
        revision: Revision,
        /// In the order in which they happened.
        changes: Vec<Change>,
    },
    /// The store cannot be reached; what was told before may be stale.
    Lost,
}
