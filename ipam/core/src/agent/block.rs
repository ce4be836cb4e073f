//! A block that this node owns: which of its addresses are free.

use crate::{
    AttachmentId, Cidr, Millis, Pool, PoolName, Uid,
    cidr::number,
    record::{BlockEntry, BlockOwner, BlockRecord, Use},
};
use fairway_kv::Revision;
use std::{collections::BTreeMap, net::IpAddr};

/// What an address that is not free is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) seq: u64,
    pub(super) used: Used,
}

/// What an address that is not free is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Used {
    /// An attachment of this node has it.
    Live {
        attachment: AttachmentId,
        label: Option<String>,
    },
    /// It rests until then.
    Cooling { until: Millis },
    /// It is a claim's. `granted`: the revision at which the store said so; none: not known yet.
    Claimed { uid: Uid, granted: Option<Revision> },
}

/// Whether addresses can be given out of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Once the mirror has reached this revision: from then on all claims in it are known.
    From(Revision),
    /// They can.
    Ready,
    /// It is being given back.
    Giving,
    /// It was taken away while this node was thought dead, and is to be had again if nobody has it.
    Lost,
}

/// A block that this node owns.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) pool: PoolName,
    pub(super) cidr: Cidr,
    pub(super) epoch: u64,
    pub(super) phase: Phase,
    pub(super) slots: BTreeMap<IpAddr, Slot>,
    /// The store does not know all yet; to be told at that time.
    pub(super) dirty: Option<Millis>,
    /// The last time that an address was given or freed.
    pub(super) used_at: Millis,
    /// Where the next search begins, so that an address is not given again at once.
    next: u128,
    /// Which of its addresses the pool lets be given, and how many of those are free; none: not counted.
    /// Counted once and then kept, since each allocation asks every block of the node.
    room: Option<(Box<[bool]>, u32)>,
}

impl Block {
    pub(super) fn new(pool: PoolName, cidr: Cidr, epoch: u64, phase: Phase, now: Millis) -> Block {
        Block {
            pool,
            cidr,
            epoch,
            phase,
            slots: BTreeMap::new(),
            dirty: None,
            used_at: now,
            next: 0,
            room: None,
        }
    }

    /// The pool changed: what it lets be given is counted anew.
    pub(super) fn recount(&mut self) {
        self.room = None;
    }

    /// Changes what an address is used for.
    pub(super) fn put(&mut self, ip: IpAddr, slot: Option<Slot>) -> Option<Slot> {
        let (was, is) = match slot {
            Some(slot) => (self.slots.insert(ip, slot), true),
            None => (self.slots.remove(&ip), false),
        };
        let index = usize::try_from(number(ip) - number(self.cidr.first())).unwrap_or(usize::MAX);
        if let Some((gives, free)) = &mut self.room
            && gives.get(index) == Some(&true)
        {
            match (was.is_some(), is) {
                (false, true) => *free -= 1,
                (true, false) => *free += 1,
                _ => {}
            }
        }
        was
    }

    /// Which addresses can be given, and how many of them are free.
    fn room(&mut self, pool: &Pool) -> &(Box<[bool]>, u32) {
        let (cidr, slots) = (self.cidr, &self.slots);
        self.room.get_or_insert_with(|| {
            let range = pool.range_of(cidr.first());
            let all = (0..cidr.size()).filter_map(|index| cidr.nth(index));
            let gives = |ip| range.is_some_and(|range| range.gives(ip));
            let map: Box<[bool]> = all.clone().map(gives).collect();
            let free = all
                .zip(&map)
                .filter(|(ip, gives)| **gives && !slots.contains_key(ip));
            let free = u32::try_from(free.count()).unwrap_or(u32::MAX);
            (map, free)
        })
    }

    /// How many addresses could be given now.
    pub(super) fn free(&mut self, pool: &Pool) -> u32 {
        self.room(pool).1
    }

    /// The next free address that the pool lets be given.
    pub(super) fn find(&mut self, pool: &Pool) -> Option<IpAddr> {
        if self.free(pool) == 0 {
            return None;
        }
        let (cidr, size, start) = (self.cidr, self.cidr.size(), self.next);
        let (gives, _) = self.room.as_ref()?;
        let found = (0..size).find_map(|step| {
            let index = (start + step) % size;
            let ip = cidr.nth(index)?;
            let given = gives.get(usize::try_from(index).ok()?) == Some(&true);
            (given && !self.slots.contains_key(&ip)).then_some((index, ip))
        });
        let (index, ip) = found?;
        self.next = (index + 1) % size;
        Some(ip)
    }

    /// Nobody has or claims any of it.
    pub(super) fn is_empty(&self) -> bool {
        let mut slots = self.slots.values();
        slots.all(|slot| matches!(slot.used, Used::Cooling { .. }))
    }

    /// As the store is to have it.
    pub(super) fn record(&mut self, owner: Option<BlockOwner>, pool: Option<&Pool>) -> BlockRecord {
        let entry = |(ip, slot): (&IpAddr, &Slot)| BlockEntry {
            ip: *ip,
            seq: slot.seq,
            used: match &slot.used {
                Used::Live { attachment, label } => Use::Live {
                    attachment: attachment.clone(),
                    workload: label.clone(),
                },
                Used::Cooling { .. } => Use::Cooling,
                Used::Claimed { uid, .. } => Use::Claimed { uid: uid.clone() },
            },
        };
        BlockRecord {
            owner,
            epoch: self.epoch,
            free: pool.map_or(0, |pool| self.free(pool)),
            entries: self.slots.iter().map(entry).collect(),
        }
    }
}
