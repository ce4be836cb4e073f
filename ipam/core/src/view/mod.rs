//! What a node knows of the store: the mirror's word, and what its own transactions told since.
//!
//! Both come at their own pace, so each key remembers the revision that it was last heard of at, and what
//! is older than that is passed over. A value that cannot be read is kept apart: its key is taken, and
//! nobody may write to it.

mod learn;

use crate::{
    Cidr, ClaimName, Family, NetworkName, NetworkRecord, NodeName, Pool, PoolName, Uid,
    keys::Key,
    record::{
        BlockRecord, Claim, ClaimRecord, DrainRecord, GuardRecord, NodeRecord, RecordError,
        WantRecord,
    },
};
use fairway_kv::{Entry, Revision, Update};
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
    /// Nodes that take no new containers.
    pub drains: BTreeMap<NodeName, Stored<DrainRecord>>,
    /// Networks.
    pub networks: BTreeMap<NetworkName, Stored<NetworkRecord>>,
    /// The guard of the set of networks.
    pub networks_guard: Option<Stored<GuardRecord>>,
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
    /// Claims that are not where they were, as of a revision that the mirror has not reached: they may be
    /// somewhere else.
    moved: BTreeMap<Uid, Revision>,
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

    /// Is that incarnation of a claim no more, for certain? What a single transaction found is not enough:
    /// the claim may have got another name.
    pub(crate) fn is_gone(&self, uid: &Uid) -> bool {
        self.connected && !self.by_uid.contains_key(uid) && !self.moved.contains_key(uid)
    }

    /// Was that incarnation of a claim somewhere, and may now be somewhere else?
    pub(crate) fn is_moved(&self, uid: &Uid) -> bool {
        self.moved.contains_key(uid)
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

    /// Does a list show that the store went back: a key at an older revision than was seen, although the list
    /// is younger than that?
    pub(crate) fn contradicts(&self, entries: &[Entry], revision: Revision) -> bool {
        entries.iter().any(|entry| {
            let known = Key::parse(&entry.key).and_then(|key| self.modified(&key));
            known.is_some_and(|known| entry.modified < known && known <= revision)
        })
    }

    /// The revision that a key was last written at. `None`: not there.
    pub fn modified(&self, key: &Key) -> Option<Revision> {
        let there = match key {
            Key::Node(node) => self.nodes.get(node).map(|s| s.modified),
            Key::Pool(pool) => self.pools.get(pool).map(|s| s.modified),
            Key::Drain(node) => self.drains.get(node).map(|s| s.modified),
            Key::Network(network) => self.networks.get(network).map(|s| s.modified),
            Key::NetworksGuard => self.networks_guard.as_ref().map(|s| s.modified),
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
