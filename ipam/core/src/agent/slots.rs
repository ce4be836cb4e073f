//! The one place where an address's use changes, in memory and in the journal.

use super::{
    Agent,
    block::{Block, Phase, Slot, Used},
    saved,
};
use crate::{Cidr, Millis, PoolName};
use std::net::IpAddr;

/// How long an address rests whose pool is not known any more.
const DEFAULT_COOLDOWN: u64 = 30_000;

impl Agent {
    /// The block of this node that an address is in.
    pub(super) fn own_block(&self, ip: IpAddr) -> Option<&Block> {
        self.blocks.holding(ip)
    }

    pub(super) fn own_slot(&self, ip: IpAddr) -> Option<&Slot> {
        self.own_block(ip)?.slots.get(&ip)
    }

    /// Changes what an address of a block of this node is used for. None: it is free.
    pub(super) fn set_slot(&mut self, ip: IpAddr, used: Option<Used>) {
        let Some(cidr) = self.own_block(ip).map(|block| block.cidr) else {
            return;
        };
        let slot = used.map(|used| Slot {
            seq: self.next_seq(),
            used,
        });
        self.put_slot(cidr, ip, slot);
    }

    fn put_slot(&mut self, cidr: Cidr, ip: IpAddr, slot: Option<Slot>) {
        let (now, due) = (self.clock.now, self.clock.now + self.settings.publish_after);
        let was = self.blocks.put(cidr, ip, slot.clone());
        self.blocks.touch(cidr, now, due);
        let changes = saved::slot(ip, was.as_ref(), slot.as_ref());
        self.out.journal.extend(changes);
        if let Some(was) = was {
            self.unlist(ip, &was.used);
        }
        match slot.map(|slot| slot.used) {
            Some(Used::Cooling { until }) => {
                self.rests.insert((until, ip));
            }
            Some(Used::Claimed { uid, .. }) => {
                self.claimed.entry(uid).or_default().insert(ip);
            }
            Some(Used::Live { .. }) => {}
            None => self.stirred = true,
        }
        if !matches!(
            self.own_slot(ip).map(|slot| &slot.used),
            Some(Used::Claimed { granted: None, .. })
        ) {
            self.unsure.remove(&ip);
        }
    }

    fn unlist(&mut self, ip: IpAddr, was: &Used) {
        match was {
            Used::Cooling { until } => drop(self.rests.remove(&(*until, ip))),
            Used::Claimed { uid, .. } => {
                if let Some(ips) = self.claimed.get_mut(uid) {
                    ips.remove(&ip);
                    if ips.is_empty() {
                        self.claimed.remove(uid);
                    }
                }
            }
            Used::Live { .. } => {}
        }
    }

    /// An address that was used rests from now on.
    pub(super) fn rest(&mut self, ip: IpAddr) {
        if let Some(pool) = self.own_block(ip).map(|block| block.pool.clone()) {
            let until = self.clock.now + self.cooldown(&pool);
            self.set_slot(ip, Some(Used::Cooling { until }));
        }
    }

    /// Where a pool's cooldown became shorter, what rests already rests no longer than that. Neither the
    /// journal nor the store says how long an address rests, so neither has to be told.
    pub(super) fn shorten_rests(&mut self, pool: &PoolName) {
        let until = self.clock.now + self.cooldown(pool);
        let later = self.rests.iter().rev().take_while(|(at, _)| *at > until);
        for (at, ip) in later.copied().collect::<Vec<_>>() {
            let Some(block) = self.own_block(ip).filter(|block| block.pool == *pool) else {
                continue;
            };
            let (cidr, slot) = (block.cidr, block.slots.get(&ip));
            if let Some(seq) = slot.map(|slot| slot.seq) {
                let used = Used::Cooling { until };
                self.blocks.put(cidr, ip, Some(Slot { seq, used }));
                self.rests.remove(&(at, ip));
                self.rests.insert((until, ip));
            }
        }
    }

    pub(super) fn cooldown(&self, pool: &PoolName) -> u64 {
        let pool = self.view.pools.get(pool);
        pool.map_or(DEFAULT_COOLDOWN, |pool| pool.value.cooldown())
    }

    /// Addresses that have rested are free.
    pub(super) fn end_rests(&mut self) {
        while let Some((until, ip)) = self.rests.first().copied() {
            if until > self.clock.now {
                break;
            }
            self.rests.remove(&(until, ip));
            let resting =
                |slot: &Slot| matches!(slot.used, Used::Cooling { until: at } if at == until);
            if self.own_slot(ip).is_some_and(resting) {
                self.set_slot(ip, None);
            }
        }
    }

    /// The block is this node's, with that phase; it stands so in the journal.
    pub(super) fn set_phase(&mut self, cidr: Cidr, epoch: u64, phase: Phase) {
        self.blocks.set_phase(cidr, epoch, phase);
        let Some(block) = self.blocks.get(cidr) else {
            return;
        };
        let change = saved::block(&block.pool, cidr, epoch, phase);
        self.note(change);
        self.stirred = true;
    }

    /// The block is another's, or nobody's: all that this node kept of it goes.
    pub(super) fn drop_block(&mut self, cidr: Cidr) {
        let Some(block) = self.blocks.remove(cidr) else {
            return;
        };
        for (ip, slot) in &block.slots {
            self.out.journal.extend(saved::slot(*ip, Some(slot), None));
            self.unsure.remove(ip);
            self.unlist(*ip, &slot.used);
        }
        self.note(saved::no_block(&block.pool, cidr));
        self.forget_pool(&block.pool);
        self.stirred = true;
    }

    /// A pool is kept in the journal as long as a block of it is.
    fn forget_pool(&mut self, pool: &PoolName) {
        if self.blocks.iter().all(|block| block.pool != *pool) {
            self.note(saved::no_pool(pool));
        }
    }

    /// Keeps a pool in the journal.
    pub(super) fn keep_pool(&mut self, name: &PoolName) {
        if let Some(pool) = self.view.pools.get(name) {
            let change = saved::pool(name, &pool.value.spec, pool.modified);
            self.note(change);
        }
    }

    /// How long an address still rests, for people.
    pub(super) fn remaining(&self, until: Millis) -> u64 {
        until.0.saturating_sub(self.clock.now.0)
    }
}
