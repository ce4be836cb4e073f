//! The program.

use super::{Fake, way};
use crate::rates::plane::kernel::Program;
use fairway_dataplane::{
    Error,
    abi::{Limit, Sent, Slot},
    shaper::Hook,
};
use fairway_netlink::{FilterSpec, TrafficControl as _, fake::Recorder};
use std::{
    collections::BTreeMap,
    fs::File,
    os::fd::{AsFd as _, AsRawFd as _},
    rc::Rc,
};

#[derive(Debug, Default)]
pub(super) struct Maps {
    pub(super) limits: BTreeMap<u32, Limit>,
    pub(super) slots: BTreeMap<u32, Slot>,
}

/// A program of which only what it was told is known.
#[derive(Debug)]
pub(in crate::rates) struct Written {
    pub(super) fake: Fake,
    pub(super) file: Rc<File>,
}

pub(super) const REFUSED: Error = Error::Missing {
    what: "program",
    name: "test",
};

impl Written {
    pub(super) fn number(&self) -> u32 {
        self.file.as_raw_fd().cast_unsigned()
    }

    /// Writes to its maps, unless that is to be refused.
    fn write(&self, what: String, write: impl FnOnce(&mut Maps)) -> Result<(), Error> {
        let refusal = self.fake.shared.borrow_mut().refusal.take();
        if refusal == Some(0) {
            self.fake.write_down(what + ": refused");
            return Err(REFUSED);
        }
        self.fake.write_down(what);
        let shared = &mut *self.fake.shared.borrow_mut();
        shared.refusal = refusal.map(|nth| nth - 1);
        write(shared.maps.get_mut(&self.number()).unwrap());
        Ok(())
    }
}

impl Program<Recorder> for Written {
    fn begin_limit(&self, number: u32, limit: &Limit) -> Result<(), Error> {
        let what = format!("limit {number} begins: {}", told(limit));
        self.write(what, |maps| {
            maps.limits.insert(number, *limit);
        })
    }

    fn set_limit(&self, number: u32, limit: &Limit) -> Result<(), Error> {
        let what = format!("limit {number}: {}", told(limit));
        self.write(what, |maps| {
            maps.limits.insert(number, *limit);
        })
    }

    fn begin_slot(&self, number: u32, slot: &Slot) -> Result<(), Error> {
        let what = format!("slot {number} begins: {:?}{}", limits(slot), flags(slot));
        self.write(what, |maps| {
            maps.slots.insert(number, *slot);
        })
    }

    fn set_slot(&self, number: u32, slot: &Slot) -> Result<(), Error> {
        let what = format!("slot {number}: {:?}{}", limits(slot), flags(slot));
        self.write(what, |maps| {
            maps.slots.insert(number, *slot);
        })
    }

    fn sent(&self, _slot: u32) -> Result<Sent, Error> {
        Ok(Sent::default())
    }

    fn is_attached(
        &self,
        links: &mut Recorder,
        index: u32,
        hook: Hook,
        slot: u32,
    ) -> Result<bool, Error> {
        let filters = links.filters(index)?;
        Ok(filters.iter().any(|filter| {
            let program = filter.program.as_ref();
            let ours = program.map(|program| (program.id, program.class));
            filter.id == hook.id(index) && ours == Some((self.number(), slot))
        }))
    }

    fn attach(&self, links: &mut Recorder, index: u32, hook: Hook, slot: u32) -> Result<(), Error> {
        links.ensure_clsact(index)?;
        let id = hook.id(index);
        links.put_filter(&FilterSpec {
            id,
            name: "test",
            class: slot,
            program: self.file.as_fd(),
        })?;
        let what = format!("attach {index} {}: slot {slot}", way(id.hook));
        self.fake.write_down(what);
        Ok(())
    }
}

/// The numbers of a slot's limits.
fn limits(slot: &Slot) -> Vec<u32> {
    let last = slot.limits.iter().rposition(|number| *number != 0);
    slot.limits[..last.map_or(0, |last| last + 1)].to_vec()
}

pub(super) fn flags(slot: &Slot) -> String {
    let all = [
        (Slot::DEPART, " departs"),
        (Slot::CLASSES, " classes"),
        (Slot::DSCP, " marks"),
    ];
    let set = all.into_iter().filter(|(flag, _)| slot.flags & flag != 0);
    set.map(|(_, word)| word).collect()
}

/// In kbit/s and packets a second; where several share it, with a star.
pub(super) fn told(limit: &Limit) -> String {
    let star = if limit.epoch > 0 { "*" } else { "" };
    let bits = (8_000_000 * Limit::SCALE).checked_div(limit.byte);
    let packets = 1_000_000_000_u64.checked_div(limit.packet);
    let bits = bits.map(|kbit| format!("{kbit}k{star}"));
    let packets = packets.map(|packets| format!("{packets}p{star}"));
    let both: Vec<String> = bits.into_iter().chain(packets).collect();
    both.join(" ")
}
