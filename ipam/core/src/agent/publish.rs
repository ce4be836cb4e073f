//! Telling the store what is inside this node's blocks, and giving blocks back.

use super::{
    Agent,
    block::{Block, Phase},
    outcome::Purpose,
    saved,
};
use crate::{
    Cidr, Family, PoolName, PoolPhase,
    keys::Key,
    record::{Record, WantRecord},
};
use fairway_kv::{Condition, Txn, Write};

impl Agent {
    /// The record of a block, to be written if nobody else has; it counts as told from then on. `None`:
    /// another transaction speaks of it, or the store says that it is not this node's.
    pub(super) fn block_write(&mut self, cidr: Cidr) -> Option<(Condition, Write)> {
        let pool = self.blocks.get(cidr)?.pool.clone();
        let key = Key::Block(pool.clone(), cidr).path();
        let modified = self.own_revision(&pool, cidr)?;
        if self.busy.contains(&key) {
            return None;
        }
        let known = self.view.pools.get(&pool).map(|pool| &pool.value);
        let owner = self.owner();
        let record = self.blocks.record(cidr, Some(owner), known)?;
        self.blocks.tell(cidr, None);
        let write = Write::Put {
            key: key.clone(),
            value: record.encode(),
            lease: None,
        };
        Some((Condition::Unchanged { key, modified }, write))
    }

    /// Tells the store of blocks that it is time for.
    pub(super) fn publish(&mut self) {
        for cidr in self.blocks.due(self.clock.now) {
            if let Some((condition, write)) = self.block_write(cidr) {
                let txn = Txn {
                    conditions: vec![condition],
                    writes: vec![write],
                };
                self.commit(txn, Purpose::Publish(cidr));
            }
        }
    }

    /// Gives a block back in which nobody has anything. From now on nothing is given out of it.
    pub(super) fn give_back(&mut self, cidr: Cidr) {
        let Some(block) = self.blocks.get(cidr) else {
            return;
        };
        let (pool, epoch) = (block.pool.clone(), block.epoch);
        let key = Key::Block(pool.clone(), cidr).path();
        let Some(modified) = self.own_revision(&pool, cidr) else {
            return;
        };
        if self.busy.contains(&key) || !self.may_write() {
            return;
        }
        self.set_phase(cidr, epoch, Phase::Giving);
        let known = self.view.pools.get(&pool).map(|pool| &pool.value);
        let Some(record) = self.blocks.record(cidr, None, known) else {
            return;
        };
        self.blocks.tell(cidr, None);
        let txn = Txn::if_unchanged(
            modified,
            Write::Put {
                key,
                value: record.encode(),
                lease: None,
            },
        );
        self.commit(txn, Purpose::Give(cidr));
    }

    /// Blocks that are not needed here: idle ones, those that another node asks for, those of pools that
    /// are drained.
    pub(super) fn give_back_spare(&mut self) {
        let mut begun: Vec<(PoolName, Family)> = Vec::new();
        for cidr in self.blocks.cidrs() {
            let Some(block) = self.blocks.get(cidr) else {
                continue;
            };
            let at = (block.pool.clone(), cidr.family());
            match block.phase {
                Phase::Giving => {
                    self.give_back(cidr);
                    continue;
                }
                Phase::Ready if block.is_empty() => {}
                _ => continue,
            }
            let asked = self.others_want(&at.0, at.1) && self.tasks.is_empty();
            let idle = block.used_at + self.settings.idle_block <= self.clock.now;
            let drained = !self.gives(block);
            let reserve = self.reserve(&at.0, at.1);
            let give = drained
                || (asked && !begun.contains(&at))
                || (idle && self.spare(cidr, &at.0, reserve) >= reserve);
            if give {
                begun.push(at);
                self.give_back(cidr);
            }
        }
    }

    /// Does another node ask for a block?
    fn others_want(&self, pool: &PoolName, family: Family) -> bool {
        let mut wants = self.view.wants.keys();
        wants.any(|(of, node, of_family)| {
            of == pool && *of_family == family && *node != self.settings.node
        })
    }

    /// Does the pool still let addresses of the block be given?
    pub(super) fn gives(&self, block: &Block) -> bool {
        let pool = self.view.pools.get(&block.pool);
        pool.is_none_or(|pool| {
            let range = pool.value.range_of(block.cidr.first());
            pool.value.spec.phase == PoolPhase::Active && range.is_some_and(|range| !range.draining)
        })
    }

    /// Free addresses of the same pool and family that this node would have without the block.
    fn spare(&mut self, without: Cidr, name: &PoolName, enough: u32) -> u32 {
        let Some(pool) = self.view.pools.get(name) else {
            return 0;
        };
        let (family, other) = (without.family(), |block: &Block| {
            block.cidr != without && block.phase == Phase::Ready
        });
        self.blocks.free(&pool.value, family, enough, other)
    }

    /// How many free addresses are to be kept at hand.
    fn reserve(&self, pool: &PoolName, family: Family) -> u32 {
        let used = self.used_pools.get(&(pool.clone(), family));
        let recent = used
            .is_some_and(|at| *at + self.settings.idle_block.saturating_mul(10) > self.clock.now);
        let live = || {
            self.blocks
                .iter()
                .any(|block| block.pool == *pool && !block.is_empty())
        };
        let pool = self.view.pools.get(pool).map(|pool| &pool.value);
        match pool.filter(|pool| pool.spec.phase == PoolPhase::Active) {
            Some(pool) if recent || live() => pool.spec.reserve,
            _ => 0,
        }
    }

    /// Gets another block before the last one is used up.
    pub(super) fn keep_reserve(&mut self) {
        let used: Vec<_> = self.used_pools.keys().cloned().collect();
        for (name, family) in used {
            let reserve = self.reserve(&name, family);
            let pool = self.view.pools.get(&name).map(|pool| &pool.value);
            let free = pool.map_or(0, |pool| self.blocks.free(pool, family, reserve, |_| true));
            // What is wanted elsewhere is not kept at hand here.
            if free < reserve && !self.others_want(&name, family) {
                self.demand(&name, family, None);
            }
        }
    }

    /// Asks the other nodes to give back blocks that they do not need.
    pub(super) fn want(&mut self, pool: &PoolName, family: Family) {
        let node = self.settings.node.clone();
        let key = Key::Want(pool.clone(), node, family);
        let path = key.path();
        if self.view.modified(&key).is_some() || self.busy.contains(&path) || !self.may_write() {
            return;
        }
        let value = WantRecord {
            since: self.clock.wall,
        }
        .encode();
        let txn = Txn {
            conditions: vec![Condition::Absent { key: path.clone() }],
            writes: vec![Write::Put {
                key: path,
                value,
                lease: None,
            }],
        };
        self.commit(txn, Purpose::Other);
    }

    /// A wish that was met, or of which nobody thinks any more, is taken back.
    pub(super) fn end_wants(&mut self) {
        let wants = self.view.wants.iter();
        let mine = wants.filter(|((_, node, _), _)| *node == self.settings.node);
        let mine: Vec<_> = mine
            .map(|(at, stored)| (at.clone(), stored.modified))
            .collect();
        for ((pool, node, family), modified) in mine {
            let wait = self.settings.idle_block / 2;
            let recent = self
                .used_pools
                .get(&(pool.clone(), family))
                .is_some_and(|at| *at + wait > self.clock.now);
            let known = self.view.pools.get(&pool).map(|pool| &pool.value);
            let ready = |block: &Block| block.phase == Phase::Ready;
            let met = known.is_some_and(|known| self.blocks.free(known, family, 1, ready) > 0);
            let key = Key::Want(pool, node, family).path();
            if (met || !recent) && !self.busy.contains(&key) && self.may_write() {
                let txn = Txn::if_unchanged(modified, Write::Delete { key });
                self.commit(txn, Purpose::Other);
            }
        }
    }

    /// Pools that blocks of this node are of stand in the journal as they are now, and are followed.
    pub(super) fn pool_changed(&mut self, name: &PoolName) {
        let used = self.blocks.recount(name);
        let pool = self.view.pools.get(name);
        if let (true, Some(pool)) = (used, pool) {
            let change = saved::pool(name, &pool.value.spec, pool.modified);
            self.note(change);
            self.shorten_rests(name);
        }
        self.stirred = true;
    }
}
