//! A node that never returns: what it had is free again.
//!
//! Whether its containers still run cannot be known from here; that is why somebody has to say so. Its
//! addresses rest before anybody gets them. Should it return after all, it sees from the epoch that its
//! blocks are gone.

use super::{
    AdminError, Plan,
    plan::{Batch, as_seen, delete, put},
    settle::orphans_rest,
};
use crate::{
    Clock, NodeName, View,
    keys::Key,
    record::{BlockEntry, BlockRecord, Claim, ClaimRecord, Kind, Record, Use},
};
use fairway_kv::Condition;
use std::collections::BTreeSet;

/// What a node's removal comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Blocks that have no owner now.
    pub blocks: u64,
    /// Addresses of its containers that rest now.
    pub addresses: u64,
    /// Claims that it does not hold any more, or that are not kept for it any more.
    pub claims: u64,
}

/// Removes a node: its claims first, then its blocks, unless `claims_only`.
///
/// # Errors
/// The node is alive and it is not forced, or nothing is known of it.
pub fn remove_node(
    view: &View,
    node: &NodeName,
    force: bool,
    claims_only: bool,
    clock: Clock,
) -> Result<Plan<Removed>, AdminError> {
    let lease = Key::Node(node.clone());
    if let Some(alive) = view.nodes.get(node).filter(|_| !force) {
        let (node, since) = (node.clone(), alive.value.since);
        return Err(AdminError::Alive { node, since });
    }
    // It must not come up in between.
    let absent = Condition::Absent { key: lease.path() };
    let common = if force { Vec::new() } else { vec![absent] };
    let mut batch = Batch::new(common);
    let mut summary = Removed::default();
    let mut known = view.modified(&lease).is_some();
    let mut borrowed = BTreeSet::new();
    for ((pool, name), stored) in &view.claims {
        let ClaimRecord::Claim(claim) = &stored.value else {
            continue;
        };
        let holder = claim.holder.as_ref();
        let held = holder.is_some_and(|holder| holder.node == *node);
        let kept = claim.only.as_ref() == Some(node);
        if !held && !kept {
            continue;
        }
        known = true;
        let key = Key::Claim(pool.clone(), name.clone());
        let mut freed = claim.clone();
        if kept {
            freed.only = None;
        }
        let write = match claim.kind {
            Kind::Borrowed if held => {
                borrowed.insert(&claim.uid);
                delete(&key)
            }
            _ if held => put(&key, left(&freed, clock).encode()),
            _ => put(&key, ClaimRecord::Claim(freed).encode()),
        };
        batch.step(vec![as_seen(view, &key)], vec![write]);
        summary.claims += 1;
    }
    for (pool, of, family) in view.wants.keys().filter(|(_, of, _)| of == node) {
        let key = Key::Want(pool.clone(), of.clone(), *family);
        batch.step(vec![as_seen(view, &key)], vec![delete(&key)]);
        known = true;
    }
    for ((pool, cidr), stored) in &view.blocks {
        let owner = stored.value.owner.as_ref();
        if owner.is_none_or(|owner| owner.node != *node) {
            continue;
        }
        known = true;
        if claims_only {
            continue;
        }
        let live = |entry: &&BlockEntry| matches!(entry.used, Use::Live { .. });
        summary.addresses += stored.value.entries.iter().filter(live).count() as u64;
        let mut record = stored.value.disowned();
        for entry in &mut record.entries {
            if matches!(&entry.used, Use::Claimed { uid } if borrowed.contains(uid)) {
                entry.used = Use::Cooling;
            }
        }
        orphans_rest(view, pool, stored.modified, &mut record);
        let key = Key::Block(pool.clone(), *cidr);
        batch.step(vec![as_seen(view, &key)], vec![put(&key, record.encode())]);
        summary.blocks += 1;
    }
    if !known && summary == Removed::default() {
        return Err(AdminError::NoNode { node: node.clone() });
    }
    Ok(Plan {
        txns: batch.finish(),
        summary,
    })
}

/// Is it alive, or does it have anything?
pub(super) fn is_known(view: &View, node: &NodeName) -> bool {
    let mut blocks = view.blocks.values();
    let owner = |block: &BlockRecord| block.owner.as_ref().is_some_and(|at| at.node == *node);
    let mut claims = view.claims.values();
    let holds = |record: &ClaimRecord| match record {
        ClaimRecord::Claim(claim) => claim.holder.as_ref().is_some_and(|at| at.node == *node),
        ClaimRecord::Set(_) => false,
    };
    view.nodes.contains_key(node)
        || blocks.any(|stored| owner(&stored.value))
        || claims.any(|stored| holds(&stored.value))
}

/// A claim whose holder has gone.
pub(super) fn left(claim: &Claim, clock: Clock) -> ClaimRecord {
    ClaimRecord::Claim(Claim {
        holder: None,
        ended: Some(clock.wall),
        ..claim.clone()
    })
}
