//! What there is, counted: for metrics.
//!
//! Each daemon counts all of its view at each scrape, and whoever looks at the view holds up the agent. So this is one pass
//! over the blocks that makes no list and no set. An address that two blocks have (after a pool was cut otherwise) is
//! counted twice.

use crate::{
    Family, NodeName, PoolName, View,
    record::{BlockRecord, ClaimRecord, Use},
};
use std::collections::{BTreeMap, BTreeSet};

/// One family of a pool, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolCensus {
    /// Addresses that can be given, used ones included.
    pub size: u128,
    /// Addresses that containers have, by themselves or by claims.
    pub live: u64,
    /// Those of claims that nobody holds.
    pub claimed: u64,
    /// Those that rest.
    pub cooling: u64,
    /// Those of claims that do not exist.
    pub orphaned: u64,
    /// How many blocks it is cut into.
    pub blocks: u128,
    /// Blocks of nodes that are alive.
    pub owned: u64,
    /// Blocks of nodes that are away.
    pub away: u64,
    /// Blocks of the node that counts.
    pub here: u64,
    /// Free addresses in these.
    pub here_free: u64,
}

impl PoolCensus {
    /// Addresses that are neither taken nor resting.
    pub fn free(&self) -> u128 {
        let taken = [self.live, self.claimed, self.cooling, self.orphaned];
        let taken = taken.into_iter().map(u128::from).sum();
        self.size.saturating_sub(taken)
    }

    /// Blocks that any node can take.
    pub fn unowned(&self) -> u128 {
        let owned = u128::from(self.owned) + u128::from(self.away);
        self.blocks.saturating_sub(owned)
    }
}

/// What the store shows, counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// As of which revision.
    pub revision: u64,
    /// By pool and family.
    pub pools: BTreeMap<(PoolName, Family), PoolCensus>,
    /// Claims by pool: those that somebody holds, and those that nobody does.
    pub claims: BTreeMap<PoolName, [u64; 2]>,
    /// Nodes that are alive, drained ones among them.
    pub alive: u64,
    /// Nodes that are not, and own blocks.
    pub away: u64,
    /// Nodes that take no new containers.
    pub drained: u64,
    /// Networks.
    pub networks: u64,
    /// Values that cannot be read.
    pub unreadable: u64,
}

/// Counts what the store shows; `me` is the node that counts.
pub fn census(view: &View, me: &NodeName) -> Census {
    let mut census = Census {
        revision: view.revision.0,
        alive: view.nodes.len() as u64,
        drained: view.drains.len() as u64,
        networks: view.networks.len() as u64,
        unreadable: view.unreadable.len() as u64,
        ..Census::default()
    };
    for (name, stored) in &view.pools {
        census.claims.insert(name.clone(), [0; 2]);
        for range in &stored.value.ranges {
            let key = (name.clone(), range.cidr.family());
            let pool = census.pools.entry(key).or_default();
            pool.size = pool.size.saturating_add(range.gives_in(range.cidr));
            pool.blocks = pool.blocks.saturating_add(range.blocks());
        }
    }
    let mut away = BTreeSet::new();
    for ((name, cidr), stored) in &view.blocks {
        let key = (name.clone(), cidr.family());
        let pool = census.pools.entry(key).or_default();
        count(view, &stored.value, pool);
        let Some(owner) = &stored.value.owner else {
            continue;
        };
        match view.nodes.contains_key(&owner.node) {
            true => pool.owned += 1,
            false => {
                pool.away += 1;
                away.insert(&owner.node);
            }
        }
        if owner.node == *me {
            pool.here += 1;
            pool.here_free += u64::from(stored.value.free);
        }
    }
    census.away = away.len() as u64;
    for ((name, _), stored) in &view.claims {
        if let ClaimRecord::Claim(claim) = &stored.value {
            let claims = census.claims.entry(name.clone()).or_default();
            claims[usize::from(claim.holder.is_none())] += 1;
        }
    }
    census
}

fn count(view: &View, record: &BlockRecord, pool: &mut PoolCensus) {
    for entry in &record.entries {
        let count = match &entry.used {
            Use::Live { .. } => &mut pool.live,
            Use::Cooling => &mut pool.cooling,
            Use::Claimed { uid } => match view.claim_by_uid(uid) {
                Some((_, _, claim, _)) if claim.holder.is_some() => &mut pool.live,
                Some(_) => &mut pool.claimed,
                None => &mut pool.orphaned,
            },
        };
        *count += 1;
    }
}
