//! What a node knows of the store: the mirror's word, and what its own transactions told since.
//!
//! Both come at their own pace, so each key remembers the revision that it was last heard of at, and what
//! is older than that is passed over. A value that cannot be read is kept apart: its key is taken, and
//! nobody may write to it.

use crate::{
    Cidr, ClaimName, Family, NodeName, Pool, PoolName, PoolSpec, Uid,
    keys::Key,
    record::{
        BlockRecord, Claim, ClaimRecord, GuardRecord, NodeRecord, Part, Record, RecordError,
        WantRecord,
    },
};
use fairway_kv::{Change, Entry, Revision, Txn, Update, Write};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// A value that was read, and its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// When the key came into being.
    pub created: Revision,
    /// When it was last written.
    pub modified: Revision,
}

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Its form.
    Record(RecordError),
    /// A pool that is none.
    Pool(crate::PoolError),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::Record(error) => error.fmt(f),
            ReadError::Pool(error) => error.fmt(f),
        }
    }
}

/// A value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// When it was last written.
    pub modified: Revision,
    /// What is wrong with it.
    pub error: ReadError,
}

/// What a node knows of the store.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Up to here nothing is missing.
    pub revision: Revision,
    /// The mirror is up to date, as far as it knows.
    pub connected: bool,
    /// Pools.
    pub pools: BTreeMap<PoolName, Stored<Pool>>,
    /// Blocks, of all nodes.
    pub blocks: BTreeMap<(PoolName, Cidr), Stored<BlockRecord>>,
    /// Claims and sets of claims.
    pub claims: BTreeMap<(PoolName, ClaimName), Stored<ClaimRecord>>,
    /// Nodes that are alive.
    pub nodes: BTreeMap<NodeName, Stored<NodeRecord>>,
    /// Nodes that seek a block.
    pub wants: BTreeMap<(PoolName, NodeName, Family), Stored<WantRecord>>,
    /// The guard of the set of pools.
    pub guard: Option<Stored<GuardRecord>>,
    /// What cannot be read.
    pub unreadable: BTreeMap<String, Unreadable>,
    /// Keys that are known to be gone, as of a revision that the mirror has not reached.
    gone: BTreeMap<String, Revision>,
    /// Where a claim is, by its uid.
    by_uid: BTreeMap<Uid, (PoolName, ClaimName)>,
    /// Whose an address is, where a claim was granted it.
    by_ip: BTreeMap<IpAddr, (PoolName, ClaimName)>,
}

/// Keys that are not as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) keys: BTreeSet<String>,
    /// Claims that were removed or written anew.
    pub(crate) uids: BTreeSet<Uid>,
}

impl View {
    /// A view of a range that was read at one revision.
    pub fn from_entries(revision: Revision, entries: Vec<Entry>) -> View {
        let mut view = View::default();
        view.apply(Update::Reset { revision, entries });
        view
    }

    /// A claim of that name.
    pub fn claim(&self, pool: &PoolName, name: &ClaimName) -> Option<(&Claim, Revision)> {
        match self.claims.get(&(pool.clone(), name.clone())) {
            Some(Stored {
                value: ClaimRecord::Claim(claim),
                modified,
                ..
            }) => Some((claim, *modified)),
            _ => None,
        }
    }

    /// The claim of that incarnation, whatever it is called now.
    pub fn claim_by_uid(&self, uid: &Uid) -> Option<(&PoolName, &ClaimName, &Claim, Revision)> {
        let (pool, name) = self.by_uid.get(uid)?;
        let (claim, modified) = self.claim(pool, name)?;
        Some((pool, name, claim, modified))
    }

    /// The claim that was granted the address.
    pub fn claim_by_ip(&self, ip: IpAddr) -> Option<(&PoolName, &ClaimName)> {
        self.by_ip.get(&ip).map(|(pool, name)| (pool, name))
    }

    /// The pool and the block that an address belongs to.
    pub fn block_of(&self, ip: IpAddr) -> Option<(&Pool, Cidr)> {
        let mut pools = self.pools.values();
        pools.find_map(|pool| {
            let range = pool.value.range_of(ip)?;
            Some((&pool.value, range.block_of(ip)?))
        })
    }

    /// The revision that a key was last written at. `None`: not there.
    pub fn modified(&self, key: &Key) -> Option<Revision> {
        let there = match key {
            Key::Node(node) => self.nodes.get(node).map(|s| s.modified),
            Key::Pool(pool) => self.pools.get(pool).map(|s| s.modified),
            Key::Block(pool, cidr) => {
                let key = (pool.clone(), *cidr);
                self.blocks.get(&key).map(|s| s.modified)
            }
            Key::Claim(pool, name) => {
                let key = (pool.clone(), name.clone());
                self.claims.get(&key).map(|s| s.modified)
            }
            Key::Want(pool, node, family) => {
                let key = (pool.clone(), node.clone(), *family);
                self.wants.get(&key).map(|s| s.modified)
            }
            Key::PoolsGuard => self.guard.as_ref().map(|s| s.modified),
        };
        there.or_else(|| self.unreadable.get(&key.path()).map(|u| u.modified))
    }

    /// Takes the mirror's word.
    pub(crate) fn apply(&mut self, update: Update) -> Touched {
        let mut touched = Touched::default();
        match update {
            Update::Lost => self.connected = false,
            Update::Reset { revision, entries } => {
                let present: BTreeSet<_> = entries.iter().map(|entry| entry.key.clone()).collect();
                for key in self.keys() {
                    let path = key.path();
                    if !present.contains(&path) {
                        self.forget(&path, &key, revision, &mut touched);
                    }
                }
                let unreadable: Vec<_> = self.unreadable.keys().cloned().collect();
                for path in unreadable {
                    if !present.contains(&path) && self.unreadable[&path].modified <= revision {
                        self.unreadable.remove(&path);
                    }
                }
                for entry in entries {
                    self.put(entry, &mut touched);
                }
                self.reached(revision);
            }
            Update::Changes { revision, changes } => {
                for change in changes {
                    match change {
                        Change::Put(entry) => self.put(entry, &mut touched),
                        Change::Deleted { key, revision } => {
                            self.delete(&key, revision, &mut touched);
                        }
                    }
                }
                self.reached(revision);
            }
        }
        touched
    }

    /// Takes notice of what a transaction of our own wrote.
    pub(crate) fn wrote(&mut self, txn: &Txn, revision: Revision) -> Touched {
        let mut touched = Touched::default();
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => {
                    let created = Key::parse(key).and_then(|key| self.created(&key));
                    let entry = Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created: created.unwrap_or(revision),
                        modified: revision,
                    };
                    self.put(entry, &mut touched);
                }
                Write::Delete { key } => self.delete(key, revision, &mut touched),
            }
        }
        touched
    }

    /// Takes notice of what a refused transaction found.
    pub(crate) fn found(
        &mut self,
        found: Vec<(String, Option<Entry>)>,
        revision: Revision,
    ) -> Touched {
        let mut touched = Touched::default();
        for (key, entry) in found {
            match entry {
                Some(entry) => self.put(entry, &mut touched),
                None => self.delete(&key, revision, &mut touched),
            }
        }
        touched
    }

    fn created(&self, key: &Key) -> Option<Revision> {
        match key {
            Key::Block(pool, cidr) => {
                let key = (pool.clone(), *cidr);
                self.blocks.get(&key).map(|s| s.created)
            }
            Key::Claim(pool, name) => {
                let key = (pool.clone(), name.clone());
                self.claims.get(&key).map(|s| s.created)
            }
            _ => None,
        }
    }

    fn reached(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
        self.connected = true;
        let reached = self.revision;
        self.gone.retain(|_, at| *at > reached);
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.nodes.keys().cloned().map(Key::Node).collect();
        keys.extend(self.pools.keys().cloned().map(Key::Pool));
        let blocks = self.blocks.keys().cloned();
        keys.extend(blocks.map(|(pool, cidr)| Key::Block(pool, cidr)));
        let claims = self.claims.keys().cloned();
        keys.extend(claims.map(|(pool, name)| Key::Claim(pool, name)));
        let wants = self.wants.keys().cloned();
        keys.extend(wants.map(|(pool, node, family)| Key::Want(pool, node, family)));
        keys.extend(self.guard.iter().map(|_| Key::PoolsGuard));
        keys
    }

    fn delete(&mut self, path: &str, revision: Revision, touched: &mut Touched) {
        if let Some(key) = Key::parse(path) {
            self.forget(path, &key, revision, touched);
        }
        if self
            .unreadable
            .get(path)
            .is_some_and(|u| u.modified <= revision)
        {
            self.unreadable.remove(path);
        }
        if revision > self.revision {
            let at = self.gone.entry(path.to_owned()).or_default();
            *at = revision.max(*at);
        }
    }

    fn forget(&mut self, path: &str, key: &Key, revision: Revision, touched: &mut Touched) {
        if self.modified(key).is_none_or(|at| at > revision) {
            return;
        }
        match key {
            Key::Node(node) => drop(self.nodes.remove(node)),
            Key::Pool(pool) => drop(self.pools.remove(pool)),
            Key::Block(pool, cidr) => drop(self.blocks.remove(&(pool.clone(), *cidr))),
            Key::Claim(pool, name) => self.drop_claim(&(pool.clone(), name.clone()), touched),
            Key::Want(pool, node, family) => {
                let key = (pool.clone(), node.clone(), *family);
                self.wants.remove(&key);
            }
            Key::PoolsGuard => self.guard = None,
        }
        touched.keys.insert(path.to_owned());
    }

    fn drop_claim(&mut self, at: &(PoolName, ClaimName), touched: &mut Touched) {
        let Some(Stored {
            value: ClaimRecord::Claim(claim),
            ..
        }) = self.claims.remove(at)
        else {
            return;
        };
        if self.by_uid.get(&claim.uid) == Some(at) {
            self.by_uid.remove(&claim.uid);
        }
        touched.uids.insert(claim.uid.clone());
        for part in &claim.parts {
            if let Part::Granted { ip } = part
                && self.by_ip.get(ip) == Some(at)
            {
                self.by_ip.remove(ip);
            }
        }
    }

    fn put(&mut self, entry: Entry, touched: &mut Touched) {
        let (path, modified) = (entry.key, entry.modified);
        let Some(key) = Key::parse(&path) else {
            return;
        };
        let newer = |at: Revision| at >= modified;
        if self.modified(&key).is_some_and(newer)
            || self.gone.get(&path).copied().is_some_and(newer)
        {
            return;
        }
        self.gone.remove(&path);
        let created = entry.created;
        macro_rules! store {
            ($map:expr, $at:expr, $value:expr) => {
                $value.map(|value| {
                    let stored = Stored {
                        value,
                        created,
                        modified,
                    };
                    $map.insert($at, stored);
                })
            };
        }
        let value = &entry.value;
        let read = match key.clone() {
            Key::Node(node) => store!(self.nodes, node, decode::<NodeRecord>(value)),
            Key::Pool(name) => {
                let pool = decode::<PoolSpec>(value)
                    .and_then(|spec| Pool::new(name.clone(), spec).map_err(ReadError::Pool));
                store!(self.pools, name, pool)
            }
            Key::Block(pool, cidr) => {
                store!(self.blocks, (pool, cidr), decode::<BlockRecord>(value))
            }
            Key::Claim(pool, name) => decode::<ClaimRecord>(value).map(|record| {
                let stored = Stored {
                    value: record,
                    created,
                    modified,
                };
                self.put_claim((pool, name), stored, touched);
            }),
            Key::Want(pool, node, family) => {
                store!(
                    self.wants,
                    (pool, node, family),
                    decode::<WantRecord>(value)
                )
            }
            Key::PoolsGuard => decode::<GuardRecord>(value).map(|value| {
                self.guard = Some(Stored {
                    value,
                    created,
                    modified,
                });
            }),
        };
        match read {
            Ok(()) => drop(self.unreadable.remove(&path)),
            Err(error) => {
                self.forget(&path, &key, modified, touched);
                let unreadable = Unreadable { modified, error };
                self.unreadable.insert(path.clone(), unreadable);
            }
        }
        touched.keys.insert(path);
    }

    fn put_claim(
        &mut self,
        at: (PoolName, ClaimName),
        stored: Stored<ClaimRecord>,
        touched: &mut Touched,
    ) {
        self.drop_claim(&at, touched);
        if let ClaimRecord::Claim(claim) = &stored.value {
            self.by_uid.insert(claim.uid.clone(), at.clone());
            for part in &claim.parts {
                if let Part::Granted { ip } = part {
                    self.by_ip.insert(*ip, at.clone());
                }
            }
        }
        self.claims.insert(at, stored);
    }
}

fn decode<T: Record>(value: &[u8]) -> Result<T, ReadError> {
    T::decode(value).map_err(ReadError::Record)
}

impl View {
    /// The addresses of a prefix that claims were granted, with the claim's uid and revision.
    pub(crate) fn granted_in(&self, cidr: Cidr) -> Vec<(IpAddr, Uid, Revision)> {
        let all = self.by_ip.range(cidr.first()..=cidr.last());
        let uid = |(ip, (pool, name)): (&IpAddr, &(PoolName, ClaimName))| {
            let (claim, modified) = self.claim(pool, name)?;
            Some((*ip, claim.uid.clone(), modified))
        };
        all.filter_map(uid).collect()
    }

    /// Claims whose name begins so, in a pool.
    pub(crate) fn claims_from<'a>(
        &'a self,
        pool: &'a PoolName,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a ClaimName, &'a Stored<ClaimRecord>)> {
        let bare = prefix.trim_end_matches('#');
        let start = ClaimName::new(bare).ok().map(|name| (pool.clone(), name));
        let all = start
            .map(|start| self.claims.range(start..))
            .into_iter()
            .flatten();
        // Nothing that a name may hold sorts before '#'.
        all.skip_while(move |((of, name), _)| of == pool && name.as_str() == bare)
            .take_while(move |((of, name), _)| of == pool && name.as_str().starts_with(prefix))
            .map(|((_, name), stored)| (name, stored))
    }
}
