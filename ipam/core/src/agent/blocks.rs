//! The blocks of this node, and what is looked for in them with each input: which may have a free address,
//! which the store is to be told of, which wait for the mirror. A node has thousands of blocks where many
//! addresses rest, so nothing that is done often walks through all of them.

use super::block::{Block, Phase, Slot};
use crate::{
    Cidr, Family, Millis, Pool, PoolName,
    record::{BlockOwner, BlockRecord},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// All blocks of this node. Each change goes through here, so that what is kept of them fits.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    all: BTreeMap<Cidr, Block>,
    /// Those that may have a free address: all that have one, and some that were found full since.
    open: BTreeMap<(PoolName, Family), BTreeSet<Cidr>>,
    /// Those that are to be told to the store, by when.
    due: BTreeSet<(Millis, Cidr)>,
    /// Those that wait for the mirror.
    waiting: BTreeSet<Cidr>,
}

impl Blocks {
    pub(super) fn get(&self, cidr: Cidr) -> Option<&Block> {
        self.all.get(&cidr)
    }

    pub(super) fn contains(&self, cidr: Cidr) -> bool {
        self.all.contains_key(&cidr)
    }

    /// The block that an address is in.
    pub(super) fn holding(&self, ip: IpAddr) -> Option<&Block> {
        let last = Cidr::holding(ip, Family::of(ip).bits())?;
        let (_, block) = self.all.range(..=last).next_back()?;
        block.cidr.contains(ip).then_some(block)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Block> {
        self.all.values()
    }

    pub(super) fn cidrs(&self) -> Vec<Cidr> {
        self.all.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn insert(&mut self, block: Block) {
        let cidr = block.cidr;
        self.remove(cidr);
        self.all.insert(cidr, block);
        self.list(cidr);
    }

    pub(super) fn remove(&mut self, cidr: Cidr) -> Option<Block> {
        self.unlist(cidr);
        self.all.remove(&cidr)
    }

    fn list(&mut self, cidr: Cidr) {
        let Some(block) = self.all.get(&cidr) else {
            return;
        };
        if matches!(block.phase, Phase::From(_)) {
            self.waiting.insert(cidr);
        }
        if matches!(block.phase, Phase::From(_) | Phase::Ready) {
            self.due.extend(block.dirty.map(|due| (due, cidr)));
            let at = (block.pool.clone(), cidr.family());
            self.open.entry(at).or_default().insert(cidr);
        }
    }

    fn unlist(&mut self, cidr: Cidr) {
        let Some(block) = self.all.get(&cidr) else {
            return;
        };
        if let Some(due) = block.dirty {
            self.due.remove(&(due, cidr));
        }
        self.waiting.remove(&cidr);
        let at = (block.pool.clone(), cidr.family());
        if let Some(open) = self.open.get_mut(&at) {
            open.remove(&cidr);
            if open.is_empty() {
                self.open.remove(&at);
            }
        }
    }

    /// Its phase is another one from now on.
    pub(super) fn set_phase(&mut self, cidr: Cidr, epoch: u64, phase: Phase) {
        self.unlist(cidr);
        if let Some(block) = self.all.get_mut(&cidr) {
            (block.epoch, block.phase) = (epoch, phase);
        }
        self.list(cidr);
    }

    /// Changes what an address is used for, and says what it was.
    pub(super) fn put(&mut self, cidr: Cidr, ip: IpAddr, slot: Option<Slot>) -> Option<Slot> {
        let frees = slot.is_none();
        let was = self.all.get_mut(&cidr)?.put(ip, slot);
        if frees {
            self.list(cidr);
        }
        was
    }

    /// An address of the block was given or freed; the store is to be told by then at the latest.
    pub(super) fn touch(&mut self, cidr: Cidr, now: Millis, due: Millis) {
        if let Some(block) = self.all.get_mut(&cidr) {
            block.used_at = now;
            if block.dirty.is_none() {
                self.tell(cidr, Some(due));
            }
        }
    }

    /// The store is to be told of the block at that time; `None`: it knows all.
    pub(super) fn tell(&mut self, cidr: Cidr, at: Option<Millis>) {
        let Some(block) = self.all.get_mut(&cidr) else {
            return;
        };
        if let Some(due) = block.dirty {
            self.due.remove(&(due, cidr));
        }
        block.dirty = at;
        if matches!(block.phase, Phase::From(_) | Phase::Ready) {
            self.due.extend(at.map(|due| (due, cidr)));
        }
    }

    /// When the store is to be told of one.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Those that the store is to be told of by now.
    pub(super) fn due(&self, now: Millis) -> Vec<Cidr> {
        let due = self.due.iter().take_while(|(due, _)| *due <= now);
        due.map(|(_, cidr)| *cidr).collect()
    }

    /// Those that wait for the mirror.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Block> {
        self.waiting.iter().filter_map(|cidr| self.all.get(cidr))
    }

    /// A pool changed: what it lets be given is counted anew. Is any of its blocks here?
    pub(super) fn recount(&mut self, pool: &PoolName) -> bool {
        let of: Vec<_> = self.iter().filter(|block| block.pool == *pool).collect();
        let of: Vec<_> = of.into_iter().map(|block| block.cidr).collect();
        for cidr in &of {
            if let Some(block) = self.all.get_mut(cidr) {
                block.recount();
            }
            self.list(*cidr);
        }
        !of.is_empty()
    }

    /// A free address of the pool.
    pub(super) fn find(&mut self, pool: &Pool, family: Family) -> Option<IpAddr> {
        let at = (pool.name.clone(), family);
        let (all, open) = (&mut self.all, self.open.get_mut(&at)?);
        let (mut full, mut found) = (Vec::new(), None);
        for cidr in open.iter() {
            let Some(block) = all.get_mut(cidr) else {
                continue;
            };
            let range = pool.range_of(cidr.first());
            if range.is_none_or(|range| range.draining) || block.phase != Phase::Ready {
                continue;
            }
            found = block.find(pool);
            match found {
                Some(_) => break,
                None => full.push(*cidr),
            }
        }
        for cidr in full {
            open.remove(&cidr);
        }
        found
    }

    /// A free address of a block.
    pub(super) fn find_in(&mut self, cidr: Cidr, pool: &Pool) -> Option<IpAddr> {
        self.all.get_mut(&cidr)?.find(pool)
    }

    /// How many addresses of the pool could be given out of those blocks; beyond `enough` it does not count.
    pub(super) fn free(
        &mut self,
        pool: &Pool,
        family: Family,
        enough: u32,
        which: impl Fn(&Block) -> bool,
    ) -> u32 {
        let at = (pool.name.clone(), family);
        let (all, mut free) = (&mut self.all, 0_u32);
        for cidr in self.open.get(&at).into_iter().flatten() {
            if free >= enough {
                break;
            }
            if let Some(block) = all.get_mut(cidr).filter(|block| which(block)) {
                free = free.saturating_add(block.free(pool));
            }
        }
        free
    }

    /// A block as the store is to have it.
    pub(super) fn record(
        &mut self,
        cidr: Cidr,
        owner: Option<BlockOwner>,
        pool: Option<&Pool>,
    ) -> Option<BlockRecord> {
        let block = self.all.get_mut(&cidr)?;
        Some(block.record(owner, pool))
    }
}
