//! A program takes the place of another, of a daemon before, while packets wait.
//!
//! Where the link's qdisc sends by departure times, these are all that keeps the rate: a program that knew nothing
//! of what waits would have its first packets go at once, beside and before those. So its clocks go on from where
//! the other's have got to, read from that program's own maps. Limits are told apart by their places in the slot,
//! as numbers are each daemon's own; a slot that has as many of them has the same ones.
//!
//! What cannot be read, or has another layout, is as if nothing waited.

use aya::maps::{MapData, MapInfo};
use aya::programs::loaded_programs;
use fairway_dataplane_abi::{Clock, Limit, Slot};

use super::raise;
use crate::plain::Plain;
use crate::table::Table;

/// The kernel's numbers of a program's maps. They keep nothing alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers(Vec<u32>);

impl Numbers {
    /// None where the program is gone, or may not be asked.
    pub(super) fn of(program: u32) -> Option<Self> {
        let mut all = loaded_programs().flatten();
        let info = all.find(|info| info.id() == program)?;
        info.map_ids().ok()?.map(Numbers)
    }

    fn open<V: Plain>(&self, name: &'static str) -> Option<Table<u32, V>> {
        let named = |number: &&u32| {
            let info = MapInfo::from_id(**number);
            info.is_ok_and(|info| info.name_as_str() == Some(name))
        };
        let number = self.0.iter().find(named)?;
        Table::new(name, MapData::from_id(*number).ok()?).ok()
    }
}

/// The maps of a program before.
#[derive(Debug)]
pub(super) struct Past {
    limits: Table<u32, Limit>,
    clocks: Table<u32, Clock>,
    slots: Table<u32, Slot>,
}

impl Past {
    pub(super) fn open(numbers: &Numbers) -> Option<Self> {
        Some(Self {
            limits: numbers.open("LIMITS")?,
            clocks: numbers.open("CLOCKS")?,
            slots: numbers.open("SLOTS")?,
        })
    }

    /// The limits of a slot that go on, by number, each with what was known of it by the program before, for which
    /// the slot was `class`.
    pub(super) fn of_slot(&self, class: u32, slot: &Slot) -> Vec<(u32, Limit, Clock)> {
        let Ok(Some(before)) = self.slots.get(&class) else {
            return Vec::new();
        };
        let known = |(old, new): (u32, u32)| {
            let limit = self.limits.get(&old).ok().flatten()?;
            let clock = self.clocks.get(&old).ok().flatten()?;
            Some((new, limit, clock))
        };
        same(&before, slot).into_iter().filter_map(known).collect()
    }
}

/// Numbers of the same limits in slots of two programs.
fn same(before: &Slot, slot: &Slot) -> Vec<(u32, u32)> {
    let departs = |slot: &Slot| slot.flags & Slot::DEPART != 0;
    let numbers = |slot: &Slot| -> Vec<u32> {
        let all = slot.limits.into_iter();
        all.filter(|number| *number != 0).collect()
    };
    let (old, new) = (numbers(before), numbers(slot));
    match departs(before) && departs(slot) && old.len() == new.len() {
        true => old.into_iter().zip(new).collect(),
        false => Vec::new(),
    }
}

/// Where a clock goes on that may have begun already, as others share it.
pub(super) fn go_on(there: &Clock, wanted: &Limit, limit: &Limit, clock: Clock, now: u64) -> Clock {
    let (_, moved) = raise::change(limit, wanted, clock, now);
    let before = moved.unwrap_or(clock);
    Clock {
        bytes: there.bytes.max(before.bytes),
        packets: there.packets.max(before.packets),
        ahead: there.ahead.max(before.ahead),
        used: there.used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(limits: [u32; Slot::LIMITS], flags: u32) -> Slot {
        Slot {
            limits,
            flags,
            ..Slot::default()
        }
    }

    #[test]
    fn limits_are_the_same_by_their_places() {
        let before = slot([7, 3, 0, 0], Slot::DEPART);
        let marked = Slot::DEPART | Slot::DSCP;
        let now = slot([1, 2, 0, 0], marked);
        assert_eq!(same(&before, &now), [(7, 1), (3, 2)]);
        // Another came, or one went: which is which nobody knows.
        assert!(same(&before, &slot([1, 2, 4, 0], marked)).is_empty());
        assert!(same(&before, &slot([1, 0, 0, 0], marked)).is_empty());
        // A qdisc that keeps the rate by itself goes on by itself.
        assert!(same(&before, &slot([1, 2, 0, 0], Slot::CLASSES)).is_empty());
        assert!(same(&slot([7, 3, 0, 0], 0), &now).is_empty());
    }

    #[test]
    fn clocks_go_on() {
        const NOW: u64 = 1_000;
        let clock = |bytes| Clock {
            bytes,
            ..Clock::default()
        };
        let limit = |byte| Limit {
            byte,
            ..Limit::default()
        };
        let of = |there, byte| go_on(&clock(there), &limit(byte), &limit(100), clock(1_800), NOW);
        assert_eq!(of(0, 100).bytes, 1_800);
        // Of those that share it, one has gone on already.
        assert_eq!(of(2_000, 100).bytes, 2_000);
        // It was changed while no daemon was there.
        assert_eq!((of(0, 50).bytes, of(0, 200).bytes), (1_400, 1_800));
    }
}
