//! Getting blocks: one compare-and-swap on the block's key, which holds only while the pool is unchanged.

use super::{
    Agent,
    block::{Block, Phase, Used},
    outcome::Purpose,
};
use crate::{
    AttachmentId, Cidr, Family, Millis, PoolName,
    keys::Key,
    record::{BlockEntry, BlockRecord, ClaimRecord, Part, Record, Use},
};
use fairway_kv::{Condition, Revision, Txn, Write};
use std::net::IpAddr;

/// How a wish for a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// It is under way.
    Coming,
    /// The store cannot be reached.
    Away,
    /// Every block has an owner.
    NoneLeft,
}

/// How many blocks of a prefix are looked through; that is four million addresses of the default size.
const WINDOW: u128 = 1 << 16;

impl Agent {
    /// Sees to it that this node gets another block of the pool, or this very one.
    pub(super) fn demand(
        &mut self,
        pool: &PoolName,
        family: Family,
        exact: Option<Cidr>,
    ) -> Demand {
        let waiting = |block: &Block| {
            block.pool == *pool
                && block.cidr.family() == family
                && exact.is_none_or(|cidr| cidr == block.cidr)
        };
        if self.blocks.waiting().any(waiting) || self.is_taking(pool, family, exact) {
            return Demand::Coming;
        }
        if !self.view.connected {
            return Demand::Away;
        }
        let Some(cidr) = exact.or_else(|| self.unowned(pool, family)) else {
            // One that this node is giving back just now can be had again at once.
            let mut own = self.blocks.iter();
            let giving = |block: &Block| {
                block.pool == *pool && block.cidr.family() == family && block.phase == Phase::Giving
            };
            return match own.any(|block| giving(block) && self.gives(block)) {
                true => Demand::Coming,
                false => Demand::NoneLeft,
            };
        };
        let key = Key::Block(pool.clone(), cidr).path();
        if self.may_write() && !self.busy.contains(&key) {
            self.take(pool, cidr);
        }
        Demand::Coming
    }

    fn is_taking(&self, pool: &PoolName, family: Family, exact: Option<Cidr>) -> bool {
        let mut all = self.under_way.values();
        all.any(|(_, purpose)| match purpose {
            Purpose::Take(of, cidr) => {
                of == pool && cidr.family() == family && exact.is_none_or(|exact| exact == *cidr)
            }
            _ => false,
        })
    }

    /// A block that nobody owns and that has an address to give. Each node begins to look elsewhere, so
    /// that they seldom want the same one.
    fn unowned(&self, name: &PoolName, family: Family) -> Option<Cidr> {
        let pool = &self.view.pools.get(name)?.value;
        let ranges = pool.ranges.iter();
        for range in ranges.filter(|r| !r.draining && r.cidr.family() == family) {
            let count = range.cidr.parts(range.block).min(WINDOW);
            let start = u128::from(hash(self.settings.node.as_str())) % count;
            for step in 0..count {
                let cidr = range.cidr.part(range.block, (start + step) % count)?;
                let key = Key::Block(name.clone(), cidr);
                let stored = self.view.blocks.get(&(name.clone(), cidr));
                if stored.is_some_and(|block| block.value.owner.is_some())
                    || (stored.is_none() && self.view.unreadable.contains_key(&key.path()))
                {
                    continue;
                }
                let used = |ip| {
                    let mut entries = stored.iter().flat_map(|block| &block.value.entries);
                    entries.any(|entry: &BlockEntry| entry.ip == ip)
                };
                let mut all = (0..cidr.size()).filter_map(|index| cidr.nth(index));
                if all.any(|ip| range.gives(ip) && !used(ip)) {
                    return Some(cidr);
                }
            }
        }
        None
    }

    /// Begins to take a block.
    pub(super) fn take(&mut self, pool: &PoolName, cidr: Cidr) {
        let (block, at) = (Key::Block(pool.clone(), cidr), Key::Pool(pool.clone()));
        let Some(pool_modified) = self.view.modified(&at) else {
            return;
        };
        let stored = self.view.blocks.get(&(pool.clone(), cidr));
        if stored.is_none() && self.view.unreadable.contains_key(&block.path()) {
            return;
        }
        let key = block.path();
        let condition = match stored {
            Some(stored) => Condition::Unchanged {
                key,
                modified: stored.modified,
            },
            None => Condition::Absent { key },
        };
        let own = self.blocks.get(cidr).map_or(0, |own| own.epoch);
        let epoch = stored.map_or(0, |stored| stored.value.epoch).max(own) + 1;
        let mut entries = stored.map_or_else(Vec::new, |stored| stored.value.entries.clone());
        for entry in &mut entries {
            if let Use::Live { .. } = entry.used {
                entry.used = Use::Cooling;
            }
        }
        // What this node's containers still have of it, where it was lost and is had again.
        if let Some(own) = self.blocks.record(cidr, None, None) {
            let ours = own.entries.into_iter();
            let ours: Vec<_> = ours
                .filter(|own| match own.used {
                    Use::Live { .. } => true,
                    Use::Cooling => entries.iter().all(|entry| entry.ip != own.ip),
                    Use::Claimed { .. } => false,
                })
                .collect();
            entries.retain(|entry| ours.iter().all(|own| own.ip != entry.ip));
            entries.extend(ours);
            entries.sort_by_key(|entry| entry.ip);
        }
        let range = self
            .view
            .pools
            .get(pool)
            .and_then(|pool| pool.value.range_of(cidr.first()));
        let free = (0..cidr.size())
            .filter_map(|index| cidr.nth(index))
            .filter(|ip| range.is_some_and(|range| range.gives(*ip)))
            .filter(|ip| entries.iter().all(|entry| entry.ip != *ip));
        let record = BlockRecord {
            owner: Some(self.owner()),
            epoch: epoch.max(pool_modified.0),
            free: u32::try_from(free.count()).unwrap_or(u32::MAX),
            entries,
        };
        let txn = Txn {
            conditions: vec![
                condition,
                Condition::Unchanged {
                    key: at.path(),
                    modified: pool_modified,
                },
            ],
            writes: vec![Write::Put {
                key: block.path(),
                value: record.encode(),
                lease: None,
            }],
        };
        self.commit(txn, Purpose::Take(pool.clone(), cidr));
    }

    /// The store says that a block is this node's: it is taken up. Nothing is given out of it until the
    /// mirror has told of all claims that were granted before.
    pub(super) fn adopt(&mut self, pool: &PoolName, cidr: Cidr) {
        let Some(stored) = self.view.blocks.get(&(pool.clone(), cidr)).cloned() else {
            return;
        };
        let (now, rested) = (self.clock.now, self.clock.now + self.cooldown(pool));
        let phase = Phase::From(stored.modified);
        if self
            .blocks
            .get(cidr)
            .is_some_and(|block| block.pool != *pool)
        {
            self.drop_block(cidr);
        }
        let known = self.blocks.contains(cidr);
        if !known {
            let block = Block::new(pool.clone(), cidr, stored.value.epoch, phase, now);
            self.blocks.insert(block);
        }
        self.set_phase(cidr, stored.value.epoch, phase);
        self.keep_pool(pool);
        for entry in stored.value.entries {
            if known && self.own_slot(entry.ip).is_some() {
                continue;
            }
            let used = match entry.used {
                Use::Claimed { uid } => {
                    let granted = Some(stored.modified);
                    Used::Claimed { uid, granted }
                }
                Use::Cooling => Used::Cooling { until: rested },
                // Only a block that was taken over from a former life of this node shows these. Where the
                // container is known to have gone, or to have other addresses, the record is older than that.
                Use::Live { attachment, .. }
                    if self.ended.contains(&attachment)
                        || self.has_others(&attachment, entry.ip) =>
                {
                    Used::Cooling { until: rested }
                }
                Use::Live {
                    attachment,
                    workload,
                } => {
                    let given = self.given(entry.ip, false);
                    self.revive(&attachment, workload.clone(), given, None);
                    let label = workload;
                    Used::Live { attachment, label }
                }
            };
            self.set_slot(entry.ip, Some(used));
        }
        self.make_ready(cidr);
    }

    /// Does the kernel show the attachment with other addresses, or has it got others since?
    pub(super) fn has_others(&self, attachment: &AttachmentId, ip: IpAddr) -> bool {
        let shown = self.sightings.get(attachment);
        let shown = shown.is_some_and(|s| !s.addresses.is_empty() && !s.addresses.contains(&ip));
        let live = self.live.get(attachment);
        shown || live.is_some_and(|live| live.whole && !live.ips().contains(&ip))
    }

    /// Blocks whose claims are all known by now can be given out of.
    pub(super) fn make_ready(&mut self, cidr: Cidr) {
        let Some(block) = self.blocks.get(cidr) else {
            return;
        };
        let epoch = block.epoch;
        match block.phase {
            Phase::From(revision) if self.view.revision >= revision => {}
            _ => return,
        }
        for (ip, uid, modified) in self.view.granted_in(cidr) {
            if self
                .own_slot(ip)
                .is_none_or(|slot| matches!(slot.used, Used::Cooling { .. }))
            {
                let granted = Some(modified);
                self.set_slot(ip, Some(Used::Claimed { uid, granted }));
            }
        }
        self.set_phase(cidr, epoch, Phase::Ready);
        let asks = |part: &Part| matches!(part, Part::Asked { block, .. } if *block == cidr);
        let asking = self
            .view
            .claims
            .iter()
            .filter(|(_, stored)| match &stored.value {
                ClaimRecord::Claim(claim) => claim.parts.iter().any(asks),
                ClaimRecord::Set(_) => false,
            });
        self.asks.extend(asking.map(|(at, _)| at.clone()));
        // What the record showed may have ended before this node heard of it.
        let aside = self.claimed.iter();
        let here = aside.filter(|(_, ips)| ips.iter().any(|ip| cidr.contains(*ip)));
        self.ending.extend(here.map(|(uid, _)| uid.clone()));
    }

    /// Free addresses of this pool are kept at hand from now on.
    pub(super) fn note_use(&mut self, pool: &PoolName, family: Family) {
        let at: Millis = self.clock.now;
        self.used_pools.insert((pool.clone(), family), at);
    }

    /// The revision of a block's record, where this node's view of it is that it owns it.
    pub(super) fn own_revision(&self, pool: &PoolName, cidr: Cidr) -> Option<Revision> {
        let stored = self.view.blocks.get(&(pool.clone(), cidr))?;
        let owner = stored.value.owner.as_ref()?;
        self.is_me(owner).then_some(stored.modified)
    }
}

/// FNV-1a: spreads names, and is the same everywhere and always.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
