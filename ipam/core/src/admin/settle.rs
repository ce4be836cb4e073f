//! Blocks that nobody owns: what rests in them, and what was a claim's that is gone.
//!
//! Inside a block its owner ends the rests. A block that was taken from a node (`netctl node rm`) has no
//! owner until another node takes it, and in a pool that drains none ever does: without this, such a pool
//! would never be empty. How long an address has rested is told by how long the record was seen unchanged,
//! on a clock that does not jump, so a daemon that just started waits the whole time anew.

use super::plan::{Batch, as_seen, delete, put};
use crate::{
    Cidr, Clock, Millis, PoolName, View,
    keys::Key,
    record::{BlockRecord, Record, Use},
};
use fairway_kv::{ROOT, Revision, Txn};
use std::collections::BTreeMap;

/// Since when each block without an owner has been as it is.
#[derive(Debug, Clone, Default)]
pub struct Rests {
    seen: BTreeMap<(PoolName, Cidr), (Revision, Millis)>,
}

impl Rests {
    /// To be called now and then with the newest view. Every daemon may: where two do the same, one of
    /// them fails and nothing is lost.
    pub fn settle(&mut self, view: &View, clock: Clock) -> Vec<Txn> {
        let blocks = view.blocks.iter();
        let left = blocks.filter(|(_, block)| block.value.owner.is_none());
        let mut seen = BTreeMap::new();
        let mut batch = Batch::default();
        for (at, stored) in left {
            let before = self.seen.get(at).copied();
            let (_, since) = before
                .filter(|(modified, _)| *modified == stored.modified)
                .unwrap_or((stored.modified, clock.now));
            seen.insert(at.clone(), (stored.modified, since));
            let Some(pool) = view.pools.get(&at.0) else {
                continue;
            };
            let rested = clock.now >= since + pool.value.cooldown();
            let mut record = stored.value.clone();
            let before = record.entries.len();
            if rested {
                record.entries.retain(|entry| entry.used != Use::Cooling);
            }
            let ended = before != record.entries.len();
            if !orphans_rest(view, &at.0, stored.modified, &mut record) && !ended {
                continue;
            }
            if let Some(range) = pool.value.range_of_block(at.1) {
                let used = record.entries.iter().filter(|entry| range.gives(entry.ip));
                let free = range.gives_in(at.1).saturating_sub(used.count() as u128);
                record.free = u32::try_from(free).unwrap_or(u32::MAX);
            }
            let key = Key::Block(at.0.clone(), at.1);
            batch.step(vec![as_seen(view, &key)], vec![put(&key, record.encode())]);
        }
        self.seen = seen;
        batch.finish()
    }
}

/// Addresses of claims that are gone rest from now on. False: there are none.
///
/// An address becomes a claim's in one transaction with the record, and a claim that is gone does not come
/// back, though it may get another name. So it is enough that the view has come as far as the record, which
/// must be unchanged when it is written, and that the claim is gone by the mirror's word.
pub(super) fn orphans_rest(
    view: &View,
    pool: &PoolName,
    modified: Revision,
    record: &mut BlockRecord,
) -> bool {
    if !knows_claims(view, pool, modified) {
        return false;
    }
    let mut changed = false;
    for entry in &mut record.entries {
        if let Use::Claimed { uid } = &entry.used
            && view.is_gone(uid)
        {
            entry.used = Use::Cooling;
            changed = true;
        }
    }
    changed
}

/// Does the view show every claim that a record of that revision can speak of?
pub(crate) fn knows_claims(view: &View, pool: &PoolName, modified: Revision) -> bool {
    let claims = format!("{ROOT}claims/{pool}/");
    let mut unreadable = view.unreadable.range(claims.clone()..);
    let readable = unreadable
        .next()
        .is_none_or(|(key, _)| !key.starts_with(&claims));
    readable && modified <= view.revision
}

/// The record of a block that holds nothing goes where its pool does not have such a block.
pub(crate) fn delete_if_empty(view: &View, pool: &PoolName, cidr: Cidr) -> Option<Txn> {
    let stored = view.blocks.get(&(pool.clone(), cidr))?;
    let empty = stored.value.owner.is_none() && stored.value.entries.is_empty();
    let key = Key::Block(pool.clone(), cidr);
    empty.then(|| Txn {
        conditions: vec![as_seen(view, &key)],
        writes: vec![delete(&key)],
    })
}
