//! Making, changing and retiring pools.
//!
//! Two pools made at once, each good by itself, may overlap: whatever adds or takes a prefix also writes
//! `meta/pools` on the condition that it is as it was seen, so that of two such changes one fails and is
//! judged anew beside the other.

use super::{
    AdminError, NetworkError, Plan,
    networks::network_of,
    plan::{Batch, as_seen, delete, put},
    tally,
};
use crate::{
    Cidr, InUse, Pool, PoolChange, PoolName, PoolPhase, PoolSpec, View,
    keys::Key,
    record::{ClaimRecord, GuardRecord, Part, Record, Use},
};
use fairway_kv::{Condition, ROOT, Txn, Write};
use std::net::IpAddr;

/// Makes a pool.
///
/// # Errors
/// It exists, it is wrong, it overlaps another, or another cannot be read, so that nobody knows.
pub fn create_pool(view: &View, name: PoolName, spec: PoolSpec) -> Result<Txn, AdminError> {
    let key = Key::Pool(name.clone());
    if view.modified(&key).is_some() {
        return Err(AdminError::PoolExists { pool: name });
    }
    let pool = Pool::new(name, spec)?;
    pool.must_know_namespaces()?;
    beside_others(view, &pool)?;
    let (guard, bump) = guard(view)?;
    Ok(Txn {
        conditions: vec![as_seen(view, &key), guard],
        writes: vec![put(&key, pool.spec.encode()), bump],
    })
}

/// Changes a pool. The summary is the pool as it will be.
///
/// # Errors
/// No such pool, or a change that is wrong, that containers stand against, or that makes it overlap.
pub fn change_pool(
    view: &View,
    name: &PoolName,
    change: &PoolChange,
) -> Result<Plan<Pool>, AdminError> {
    let pool = known(view, name)?;
    if change.phase == Some(PoolPhase::Retiring)
        && let Some(network) = network_of(view, name)
    {
        let (pool, network) = (name.clone(), network.clone());
        return Err(NetworkError::PoolInNetwork { pool, network }.into());
    }
    let uses = Uses { view, pool: name };
    let changed = pool.changed(change, &uses)?;
    if changed == *pool {
        let txns = Vec::new();
        return Ok(Plan {
            txns,
            summary: changed,
        });
    }
    let key = Key::Pool(name.clone());
    let mut batch = Batch::new(vec![as_seen(view, &key)]);
    // Empty records of blocks of a prefix that goes, or that is cut otherwise from now on.
    for (at, stored) in &view.blocks {
        let (of, cidr) = at;
        let kept = changed.range_of_block(*cidr).is_some() || pool.range_of(cidr.first()).is_none();
        if of == name && !kept && stored.value.owner.is_none() && stored.value.entries.is_empty() {
            let block = Key::Block(of.clone(), *cidr);
            batch.step(vec![as_seen(view, &block)], vec![delete(&block)]);
        }
    }
    let prefixes = |pool: &Pool| -> Vec<Cidr> { pool.ranges.iter().map(|r| r.cidr).collect() };
    let (mut conditions, mut writes) = (Vec::new(), vec![put(&key, changed.spec.encode())]);
    if prefixes(&changed) != prefixes(pool) {
        beside_others(view, &changed)?;
        let (guard, bump) = guard(view)?;
        conditions.push(guard);
        writes.push(bump);
    }
    if change.phase == Some(PoolPhase::Retiring) {
        // A network that is made meanwhile may name it.
        conditions.push(as_seen(view, &Key::NetworksGuard));
    }
    batch.step(conditions, writes);
    Ok(Plan {
        txns: batch.finish(),
        summary: changed,
    })
}

/// What keeps a pool from going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// Addresses of containers.
    pub live: u64,
    /// Claims, held or not.
    pub claims: u64,
    /// Addresses that rest.
    pub cooling: u64,
    /// Blocks with an owner.
    pub blocks: u64,
}

/// How far a pool's retirement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retire {
    /// Something is still out. To be looked at again when the view has changed.
    Waiting(Left),
    /// All is back: these take it away, in this order.
    Finish(Vec<Txn>),
    /// It is gone.
    Gone,
}

/// Takes a pool away that was marked by [`PoolChange::retire`], once everything of it is back.
///
/// # Errors
/// It is not retiring, or something of it cannot be read.
pub fn finish_retire(view: &View, name: &PoolName) -> Result<Retire, AdminError> {
    let key = Key::Pool(name.clone());
    if view.modified(&key).is_none() {
        return Ok(Retire::Gone);
    }
    if known(view, name)?.spec.phase != PoolPhase::Retiring {
        return Err(AdminError::NotRetiring { pool: name.clone() });
    }
    if let Some(unreadable) = unreadable_of(view, name) {
        return Err(unreadable);
    }
    let tally = tally(view, name);
    let mine = view.claims.iter().filter(|((of, _), _)| of == name);
    let claims = mine.clone().filter(|(_, s)| is_claim(&s.value)).count();
    let left = Left {
        live: tally.live,
        claims: claims as u64,
        cooling: tally.cooling,
        blocks: tally.owned,
    };
    if left != Left::default() || tally.allocated > 0 {
        return Ok(Retire::Waiting(left));
    }
    let blocks = view.blocks.keys().filter(|(of, _)| of == name);
    let blocks = blocks.map(|(of, cidr)| Key::Block(of.clone(), *cidr));
    let sets = mine.map(|((of, claim), _)| Key::Claim(of.clone(), claim.clone()));
    let wants = view.wants.keys().filter(|(of, _, _)| of == name);
    let wants = wants.map(|(of, node, family)| Key::Want(of.clone(), node.clone(), *family));
    // Each of them on the condition that the pool is as it is: no node takes a block of it any more.
    let mut batch = Batch::new(vec![as_seen(view, &key)]);
    for key in blocks.chain(sets).chain(wants) {
        batch.step(vec![as_seen(view, &key)], vec![delete(&key)]);
    }
    let (guard, bump) = guard(view)?;
    batch.step(vec![guard], vec![delete(&key), bump]);
    Ok(Retire::Finish(batch.finish()))
}

fn is_claim(record: &ClaimRecord) -> bool {
    matches!(record, ClaimRecord::Claim(_))
}

pub(super) fn known<'a>(view: &'a View, name: &PoolName) -> Result<&'a Pool, AdminError> {
    if let Some(pool) = view.pools.get(name) {
        return Ok(&pool.value);
    }
    let key = Key::Pool(name.clone()).path();
    Err(match view.unreadable.get(&key) {
        Some(unreadable) => AdminError::Unreadable {
            reason: unreadable.error.to_string(),
            key,
        },
        None => AdminError::NoPool { pool: name.clone() },
    })
}

/// What of a pool's blocks and claims cannot be read.
fn unreadable_of(view: &View, pool: &PoolName) -> Option<AdminError> {
    ["blocks", "claims"]
        .into_iter()
        .find_map(|kind| unreadable_below(view, &format!("{ROOT}{kind}/{pool}/")))
}

pub(super) fn unreadable_below(view: &View, prefix: &str) -> Option<AdminError> {
    let mut below = view.unreadable.range(prefix.to_owned()..);
    let (key, unreadable) = below.next().filter(|(key, _)| key.starts_with(prefix))?;
    Some(AdminError::Unreadable {
        key: key.clone(),
        reason: unreadable.error.to_string(),
    })
}

fn beside_others(view: &View, pool: &Pool) -> Result<(), AdminError> {
    if let Some(unreadable) = unreadable_below(view, &format!("{ROOT}pools/")) {
        return Err(unreadable);
    }
    pool.must_not_overlap(view.pools.values().map(|stored| &stored.value))?;
    Ok(())
}

fn guard(view: &View) -> Result<(Condition, Write), AdminError> {
    let key = Key::PoolsGuard;
    if let Some(unreadable) = unreadable_below(view, &key.path()) {
        return Err(unreadable);
    }
    let generation = view
        .guard
        .as_ref()
        .map_or(0, |guard| guard.value.generation);
    let next = GuardRecord {
        generation: generation.saturating_add(1),
    };
    Ok((as_seen(view, &key), put(&key, next.encode())))
}

/// What is in use of a pool, as the store shows it.
struct Uses<'a> {
    view: &'a View,
    pool: &'a PoolName,
}

impl InUse for Uses<'_> {
    fn prefix(&self, prefix: Cidr) -> Option<String> {
        if let Some(unreadable) = unreadable_of(self.view, self.pool) {
            return Some(unreadable.to_string());
        }
        let blocks = self.view.blocks.iter();
        let mut blocks = blocks.filter(|((of, cidr), _)| of == self.pool && cidr.overlaps(prefix));
        let block = blocks.find_map(|((_, cidr), stored)| {
            let owner = stored.value.owner.as_ref();
            let owner = owner.map(|owner| format!("block {cidr} is node {}'s", owner.node));
            let entry = || stored.value.entries.first();
            owner.or_else(|| entry().map(|entry| format!("{} is not free yet", entry.ip)))
        });
        block.or_else(|| {
            let mut claims = self
                .view
                .claims
                .iter()
                .filter(|((of, _), _)| of == self.pool);
            claims.find_map(|((_, name), stored)| {
                let ClaimRecord::Claim(claim) = &stored.value else {
                    return None;
                };
                let inside = |part: &Part| match part {
                    Part::Granted { ip } => prefix.contains(*ip),
                    Part::Asked { block, .. } | Part::Refused { block, .. } => {
                        prefix.overlaps(*block)
                    }
                };
                claim
                    .parts
                    .iter()
                    .any(inside)
                    .then(|| format!("claim {name} is of it"))
            })
        })
    }

    fn address(&self, ip: IpAddr) -> Option<String> {
        if let Some((_, name)) = self.view.claim_by_ip(ip) {
            return Some(format!("it is claim {name}'s"));
        }
        let blocks = self.view.blocks.iter();
        let mut blocks = blocks.filter(|((of, cidr), _)| of == self.pool && cidr.contains(ip));
        blocks.find_map(|(_, stored)| {
            let entry = stored.value.entries.iter().find(|entry| entry.ip == ip)?;
            Some(match &entry.used {
                Use::Live { attachment, .. } => format!("{attachment} has it"),
                Use::Cooling => "it was freed a moment ago".to_owned(),
                Use::Claimed { uid } => format!("it is claim {uid}'s"),
            })
        })
    }
}
