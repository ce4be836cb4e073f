//! What the store says, and what a transaction may make of it: whose a block is, whose a claim is.

use crate::{event::Ms, violation::Violation};
use fairway_ipam::{
    Cidr, ClaimName, Family, NodeName, Pool, PoolName, PoolSpec, Range, Uid,
    keys::Key,
    record::{BlockEntry, BlockOwner, BlockRecord, Claim, ClaimRecord, Record},
};
use fairway_kv::Change;
use std::{collections::BTreeMap, net::IpAddr};

/// Who made a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Author {
    /// A node's daemon, in this life or an earlier one.
    Node(NodeName),
    /// An administrator.
    Operator,
    /// The world itself: leases.
    World,
}

impl Author {
    pub(super) fn is(&self, node: &NodeName) -> bool {
        matches!(self, Author::Node(name) if name == node)
    }

    pub(super) fn text(&self) -> String {
        match self {
            Author::Node(node) => node.to_string(),
            Author::Operator => "an operator".to_owned(),
            Author::World => "the world".to_owned(),
        }
    }
}

/// By what right an attachment has an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Title {
    /// Its node owns the block.
    Block(PoolName, Cidr),
    /// It holds this incarnation of a claim.
    Claim(PoolName, Uid),
}

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Title::Block(_, cidr) => write!(f, "block {cidr}"),
            Title::Claim(pool, uid) => write!(f, "claim {uid} of pool {pool}"),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct BlockTruth {
    pub(crate) record: BlockRecord,
    /// The revision at which its owner changed last.
    pub(crate) since: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct ClaimTruth {
    /// Where it is, or was.
    pub(crate) pool: PoolName,
    pub(crate) name: ClaimName,
    /// None: it is gone.
    pub(crate) claim: Option<Claim>,
    /// The revision at which its holder changed last.
    pub(crate) since: u64,
}

/// Somebody's right that a transaction ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) title: Title,
    /// Of this node.
    pub(crate) node: NodeName,
    pub(crate) forced: bool,
    /// For a block: the addresses that its record showed in use.
    pub(crate) published: Vec<IpAddr>,
}

/// The store's contents, as far as they decide who may have what.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) pools: BTreeMap<PoolName, Pool>,
    /// Pools with all prefixes that they ever had: a node that is cut off may still give of them.
    pub(crate) ever: BTreeMap<PoolName, Pool>,
    /// Which families pools had, from which revision on.
    families: BTreeMap<PoolName, Vec<(u64, Vec<Family>)>>,
    /// When a node lost a title, and whether by force.
    pub(crate) ceased: BTreeMap<(Title, NodeName), (u64, bool)>,
    pub(crate) blocks: BTreeMap<(PoolName, Cidr), BlockTruth>,
    /// Claims by their incarnation, those that are gone included.
    pub(crate) claims: BTreeMap<Uid, ClaimTruth>,
    /// Which incarnations a name has had, the last one at the end.
    pub(super) named: BTreeMap<(PoolName, ClaimName), Vec<Uid>>,
    /// Claims' addresses.
    pub(crate) granted: BTreeMap<IpAddr, Uid>,
    /// Since when nodes have not been alive; None: they are.
    away: BTreeMap<NodeName, Option<Ms>>,
    /// After which time a node that is away may lose its blocks.
    pub(crate) reclaim: Option<u64>,
}

fn unreadable(key: &str, reason: impl ToString) -> Violation {
    Violation::Txn {
        node: "somebody".to_owned(),
        reason: format!("{key}, which cannot be read: {}", reason.to_string()),
    }
}

impl Truth {
    /// Takes note of a transaction's changes; says whose rights it ended.
    pub(crate) fn take(
        &mut self,
        now: Ms,
        revision: u64,
        author: &Author,
        changes: &[Change],
    ) -> Result<Vec<Ended>, Violation> {
        let mut ended = Vec::new();
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        for change in changes {
            let path = change.key();
            let key = Key::parse(path).ok_or_else(|| unreadable(path, "no such key"))?;
            let value = match change {
                Change::Put(entry) => Some(entry.value.as_slice()),
                Change::Deleted { .. } => None,
            };
            match key {
                Key::Pool(name) => self.pool(revision, name, path, value)?,
                Key::Block(pool, cidr) => {
                    let record = value.map(BlockRecord::decode).transpose();
                    let record = record.map_err(|error| unreadable(path, error))?;
                    ended.extend(self.block(now, revision, author, (pool, cidr), record)?);
                }
                Key::Claim(pool, name) => {
                    let record = value.map(ClaimRecord::decode).transpose();
                    match record.map_err(|error| unreadable(path, error))? {
                        Some(ClaimRecord::Claim(claim)) => put.push((pool, name, claim)),
                        _ => gone.push((pool, name)),
                    }
                }
                Key::Node(name) => match value {
                    Some(_) => drop(self.away.insert(name, None)),
                    None => drop(self.away.insert(name, Some(now))),
                },
                Key::Want(..)
                | Key::PoolsGuard
                | Key::Network(_)
                | Key::NetworksGuard
                | Key::Drain(_) => {}
            }
        }
        for (pool, name, claim) in &put {
            let other = self.claims.get(&claim.uid).filter(|truth| {
                let at = (truth.pool.clone(), truth.name.clone());
                truth.claim.is_some() && at != (pool.clone(), name.clone()) && !gone.contains(&at)
            });
            if let Some(other) = other {
                return Err(Violation::Claim {
                    claim: format!("{pool}/{name}"),
                    reason: format!(
                        "{} makes it {}, which {}/{} is",
                        author.text(),
                        claim.uid,
                        other.pool,
                        other.name
                    ),
                });
            }
        }
        for key in gone {
            // A claim that is put under another name at once is not gone.
            let Some(uid) = self.last_named(&key.0, &key.1).cloned() else {
                continue;
            };
            let there = self.claim_named(&key.0, &key.1).is_some();
            if there && !put.iter().any(|(_, _, claim)| claim.uid == uid) {
                ended.extend(self.claim(revision, author, &uid, key, None)?);
            }
        }
        for (pool, name, claim) in put {
            let uid = claim.uid.clone();
            let before = self.last_named(&pool, &name).cloned();
            let all = self.named.entry((pool.clone(), name.clone())).or_default();
            all.retain(|other| *other != uid);
            all.push(uid.clone());
            let there = |before: &Uid| {
                let truth = self.claims.get(before);
                truth.is_some_and(|truth| truth.claim.is_some() && truth.name == name)
            };
            if let Some(before) = before.filter(|before| *before != uid && there(before)) {
                let key = (pool.clone(), name.clone());
                ended.extend(self.claim(revision, author, &before, key, None)?);
            }
            ended.extend(self.claim(revision, author, &uid, (pool, name), Some(claim))?);
        }
        for one in &ended {
            let title = (one.title.clone(), one.node.clone());
            self.ceased.insert(title, (revision, one.forced));
        }
        Ok(ended)
    }

    fn pool(
        &mut self,
        revision: u64,
        name: PoolName,
        path: &str,
        value: Option<&[u8]>,
    ) -> Result<(), Violation> {
        match value {
            None => drop(self.pools.remove(&name)),
            Some(value) => {
                let spec = PoolSpec::decode(value).map_err(|error| unreadable(path, error))?;
                let pool =
                    Pool::new(name.clone(), spec).map_err(|error| unreadable(path, error))?;
                let families = self.families.entry(name.clone()).or_default();
                families.push((revision, pool.families()));
                let mut ever = pool.clone();
                if let Some(before) = self.ever.remove(&name) {
                    let gone = |range: &Range| {
                        !pool.ranges.iter().any(|now| now.cidr.overlaps(range.cidr))
                    };
                    ever.ranges.extend(before.ranges.into_iter().filter(gone));
                }
                self.ever.insert(name.clone(), ever);
                self.pools.insert(name, pool);
            }
        }
        Ok(())
    }

    fn block(
        &mut self,
        now: Ms,
        revision: u64,
        author: &Author,
        key: (PoolName, Cidr),
        record: Option<BlockRecord>,
    ) -> Result<Option<Ended>, Violation> {
        let block = key.1;
        let wrong = |reason: String| Err(Violation::Block { block, reason });
        let before = self.blocks.get(&key);
        // The boot is a remark.
        let bare = |owner: &BlockOwner| BlockOwner {
            boot: None,
            ..owner.clone()
        };
        let old = before.and_then(|truth| truth.record.owner.as_ref().map(bare));
        let new = record
            .as_ref()
            .and_then(|record| record.owner.as_ref().map(bare));
        let (from, to) = (
            before.map_or(0, |truth| truth.record.epoch),
            record.as_ref().map(|record| record.epoch),
        );
        let changed = old != new;
        if let Some(to) = to {
            let taken = changed && new.is_some();
            if to < from || (taken && to == from) {
                return wrong(format!(
                    "{} takes its epoch from {from} to {to}, owner from {old:?} to {new:?}",
                    author.text()
                ));
            }
        }
        let mut forced = *author == Author::Operator;
        if let (Author::Node(writer), Some(owner)) = (author, &old)
            && owner.node != *writer
        {
            let away = self.away(&owner.node, now);
            forced = self.reclaim.is_some() && away >= self.reclaim;
            if !forced {
                return wrong(format!(
                    "{writer} writes it, and {} owns it, away for {away:?} ms",
                    owner.node
                ));
            }
        }
        if let (Author::Node(writer), Some(owner)) = (author, &new)
            && owner.node != *writer
        {
            return wrong(format!("{writer} gives it to {}", owner.node));
        }
        let published =
            before.map(|truth| truth.record.entries.iter().map(|entry| entry.ip).collect());
        if let Some(record) = &record {
            let sorted = record.entries.is_sorted_by(|a, b| a.ip < b.ip);
            if !sorted || record.entries.iter().any(|entry| !block.contains(entry.ip)) {
                return wrong("its entries are not in order, or not inside".to_owned());
            }
        }
        let leaves = old.filter(|old| new.as_ref().is_none_or(|new| new.node != old.node));
        let title = || Title::Block(key.0.clone(), block);
        let ended = leaves.map(|old| Ended {
            title: title(),
            node: old.node,
            forced,
            published: published.unwrap_or_default(),
        });
        match record {
            None => drop(self.blocks.remove(&key)),
            Some(record) => {
                let kept = before.filter(|_| !changed).map(|truth| truth.since);
                let since = kept.unwrap_or(revision);
                self.blocks.insert(key, BlockTruth { record, since });
            }
        }
        Ok(ended)
    }

    /// Did the pool have just these families at that revision, or later?
    pub(crate) fn had_families(&self, pool: &PoolName, families: &[Family], from: u64) -> bool {
        let all = self.families.get(pool).map_or(&[][..], Vec::as_slice);
        let before = all.partition_point(|(revision, _)| *revision <= from);
        let mut since = all.iter().skip(before.saturating_sub(1));
        since.any(|(_, had)| had == families)
    }

    /// For how long a node has not been alive. One that never was has been so from the start.
    fn away(&self, node: &NodeName, now: Ms) -> Option<Ms> {
        match self.away.get(node) {
            Some(since) => since.map(|since| now - since),
            None => Some(now),
        }
    }

    pub(super) fn may_reclaim(&self, node: &NodeName) -> bool {
        self.reclaim.is_some() && self.away(node, Ms::MAX).is_some()
    }

    /// The block that an address is in.
    pub(crate) fn block_of(&self, pool: &PoolName, ip: IpAddr) -> Option<Cidr> {
        self.ever.get(pool)?.range_of(ip)?.block_of(ip)
    }

    /// What its block's record says of an address.
    pub(crate) fn entry(&self, pool: &PoolName, ip: IpAddr) -> Option<&BlockEntry> {
        let block = self.block_of(pool, ip)?;
        let record = &self.blocks.get(&(pool.clone(), block))?.record;
        let at = record.entries.binary_search_by(|entry| entry.ip.cmp(&ip));
        at.ok().map(|at| &record.entries[at])
    }
}
