//! Limits on what links send: the program that keeps to them, and its maps.
//!
//! It is an object of its own, apart from the programs of policy: limits hold whether policies are enforced or
//! not. Here, too, each start of the daemon fills maps of its own and then puts its program in place of the one
//! before, link by link. Nothing is kept in files: what a link's filter has, it has as long as it is there, so
//! limits hold without the daemon. What waits in a queue by departure times, the next program goes on from; what a
//! change of the program forgets elsewhere is a few milliseconds' worth.
//!
//! What a container sends is limited on its own end of the link, where it may have a hand in it: it can send past
//! a qdisc, or take it off. So the same program stands behind that, where packets come out of the link
//! ([`Hook::Backstop`]), with slots whose limits are a little above ([`backstop`]).

mod hook;
mod limit;
mod past;
mod raise;
#[cfg(test)]
mod summed;

use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aya::programs::SchedClassifier;
use aya::{Ebpf, EbpfLoader};
use fairway_dataplane_abi::{Clock, Limit, Sent, Share, Slot};
use fairway_netlink::{Filter, FilterSpec, TrafficControl};

use crate::error::{Error, Result};
use crate::object;
use crate::run::{self, Context};
use crate::table::Table;

use past::{Numbers, Past};

pub use hook::{Hook, detach, is_shaped};
pub use limit::{Allowance, backstop, limit, shared};

const OBJECT: &[u8] = aya::include_bytes_aligned!("../../object/shaper.bpf.o");
const PROGRAM: &str = "shape";
/// The program and its maps.
#[derive(Debug)]
pub struct Shaper {
    limits: Table<u32, Limit>,
    clocks: Table<u32, Clock>,
    slots: Table<u32, Slot>,
    shares: Table<u32, Share>,
    sent: Table<u32, Sent>,
    ebpf: Ebpf,
    /// A program that was replaced, and its maps: most links have the same one.
    before: Mutex<Option<(u32, Option<Numbers>)>>,
}

impl Shaper {
    /// How many limits there can be, and how many slots: number 0 is none.
    pub const ROOM: u32 = 32_768;

    /// Loads the program that this crate was built with, with empty maps. Nothing that runs changes by it.
    ///
    /// # Errors
    /// Where the kernel refuses a map or the program.
    pub fn load() -> Result<Self> {
        object::unlock_memory();
        let ebpf = EbpfLoader::new().load(OBJECT);
        let mut ebpf = ebpf.map_err(object::object_error)?;
        let program = ebpf.program_mut(PROGRAM);
        let program: Option<&mut SchedClassifier> = program.and_then(|some| some.try_into().ok());
        let program = program.ok_or(MISSING)?;
        let loaded = object::verified(program);
        loaded.map_err(|error| object::refused(PROGRAM, error))?;
        let mut map = |name| object::map(&mut ebpf, name);
        Ok(Self {
            limits: Table::new("LIMITS", map("LIMITS")?)?,
            clocks: Table::new("CLOCKS", map("CLOCKS")?)?,
            slots: Table::new("SLOTS", map("SLOTS")?)?,
            shares: Table::new("SHARES", map("SHARES")?)?,
            sent: Table::new("SENT", map("SENT")?)?,
            ebpf,
            before: Mutex::default(),
        })
    }

    /// Sets a limit; from the next packet on it holds for all slots that have it. What waits already keeps its
    /// time; if the limit was raised, what comes next waits no longer than if all of it had gone at the new rate.
    ///
    /// # Errors
    /// Where the number is out of range.
    pub fn set_limit(&self, number: u32, limit: &Limit) -> Result<()> {
        let (Some(before), Some(clock)) = (self.limits.get(&number)?, self.clocks.get(&number)?)
        else {
            return self.limits.set(&number, limit);
        };
        let (limit, clock) = raise::change(&before, limit, clock, crate::track::now()?);
        // First the limit: it says that times of before are about, which the clock does not know then.
        self.limits.set(&number, &limit)?;
        match clock {
            // What is sent by other processors at this very moment is not counted.
            Some(clock) => self.clocks.set(&number, &clock),
            None => Ok(()),
        }
    }

    /// Begins a limit anew, for somebody else: nothing of it is used up.
    ///
    /// # Errors
    /// As [`Shaper::set_limit`].
    pub fn begin_limit(&self, number: u32, limit: &Limit) -> Result<()> {
        self.clocks.set(&number, &Clock::default())?;
        self.limits.set(&number, limit)
    }

    /// Says which limits hold for a link's direction, and how. What it has used of its share of a limit is kept
    /// as long as the limit keeps its place. What waits for a limit that it has no more keeps its time, and of no
    /// flow anything departs before that.
    ///
    /// # Errors
    /// As [`Shaper::set_limit`].
    pub fn set_slot(&self, number: u32, slot: &Slot) -> Result<()> {
        let before = self.slots.get(&number)?.unwrap_or_default();
        for (at, limits) in (0..).zip(before.limits.iter().zip(&slot.limits)) {
            if limits.0 != limits.1 {
                self.begin_share(number, at)?;
            }
        }
        let mut held = before.held.max(slot.held);
        for limit in before.limits {
            if limit != 0 && !slot.limits.contains(&limit) {
                held = held.max(self.waits_until(limit)?);
            }
        }
        if held != before.held {
            // First what the limits that stay do not know.
            self.slots.set(&number, &Slot { held, ..before })?;
        }
        self.slots.set(&number, &Slot { held, ..*slot })
    }

    /// Begins a slot anew, for another link: nothing waits there, and nothing of its shares is used up.
    ///
    /// # Errors
    /// As [`Shaper::set_limit`].
    pub fn begin_slot(&self, number: u32, slot: &Slot) -> Result<()> {
        for at in 0..Slot::LIMITS as u32 {
            self.begin_share(number, at)?;
        }
        self.slots.set(&number, slot)
    }

    /// Until then packets may wait for a limit.
    fn waits_until(&self, limit: u32) -> Result<u64> {
        let clock = self.clocks.get(&limit)?.unwrap_or_default();
        let held = self.limits.get(&limit)?.map_or(0, |limit| limit.held);
        Ok(clock.bytes.max(clock.packets).max(held))
    }

    fn begin_share(&self, slot: u32, at: u32) -> Result<()> {
        let place = slot.saturating_mul(Slot::LIMITS as u32).saturating_add(at);
        self.shares.set(&place, &Share::default())
    }

    /// What was sent by a slot since the program was loaded.
    ///
    /// # Errors
    /// As [`Shaper::set_limit`].
    pub fn sent(&self, number: u32) -> Result<Sent> {
        let values = self.sent.values(&number)?;
        let add = |sum: Sent, one: &Sent| Sent {
            bytes: sum.bytes.wrapping_add(one.bytes),
            packets: sum.packets.wrapping_add(one.packets),
            delayed: sum.delayed.wrapping_add(one.delayed),
            marked: sum.marked.wrapping_add(one.marked),
            dropped: sum.dropped.wrapping_add(one.dropped),
        };
        Ok(values.iter().fold(Sent::default(), add))
    }

    /// Hangs the program on a link, for a slot, in place of that of another generation, from which its clocks go
    /// on. Done again, nothing changes.
    ///
    /// # Errors
    /// Where there is no such link or another qdisc has the place of clsact.
    pub fn attach(
        &self,
        netlink: &mut impl TrafficControl,
        index: u32,
        hook: Hook,
        number: u32,
    ) -> Result<()> {
        netlink.ensure_clsact(index)?;
        let there = netlink.filters(index)?.into_iter();
        let mut there = there.filter(|filter| filter.id == hook.id(index));
        if let Some(before) = there.find_map(|filter| filter.program) {
            self.go_on(before.id, before.class, number)?;
        }
        let program = self.program()?.fd();
        let program = program.map_err(|error| Error::Program {
            program: PROGRAM,
            call: "get its descriptor",
            source: std::io::Error::other(error),
        })?;
        netlink.put_filter(&FilterSpec {
            id: hook.id(index),
            name: hook.filter(),
            class: number,
            program: program.as_fd(),
        })?;
        Ok(())
    }

    /// What waits by the clocks of a program before, it waits by ours.
    fn go_on(&self, program: u32, class: u32, number: u32) -> Result<()> {
        if self.id()? == program {
            return Ok(());
        }
        let (Some(past), Some(slot)) = (self.past(program), self.slots.get(&number)?) else {
            return Ok(());
        };
        for (number, limit, clock) in past.of_slot(class, &slot) {
            let (wanted, there) = (self.limits.get(&number)?, self.clocks.get(&number)?);
            if let (Some(wanted), Some(there)) = (wanted, there) {
                let clock = past::go_on(&there, &wanted, &limit, clock, crate::track::now()?);
                self.clocks.set(&number, &clock)?;
            }
        }
        Ok(())
    }

    /// The maps of a program before.
    fn past(&self, program: u32) -> Option<Past> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = match before.as_ref() {
            Some((id, numbers)) if *id == program => numbers.clone(),
            _ => {
                let numbers = Numbers::of(program);
                *before = Some((program, numbers.clone()));
                numbers
            }
        };
        drop(before);
        Past::open(&numbers?)
    }

    /// The kernel's number of the program.
    fn id(&self) -> Result<u32> {
        let info = self.program()?.info();
        let info = info.map_err(|error| Error::Program {
            program: PROGRAM,
            call: "BPF_OBJ_GET_INFO_BY_FD",
            source: std::io::Error::other(error),
        })?;
        Ok(info.id())
    }

    /// Is the program of this very generation on the link, for that slot?
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn is_attached(
        &self,
        netlink: &mut impl TrafficControl,
        index: u32,
        hook: Hook,
        number: u32,
    ) -> Result<bool> {
        let id = self.id()?;
        let ours = |filter: &Filter| {
            let program = filter.program.as_ref();
            filter.id == hook.id(index)
                && program.is_some_and(|program| {
                    (program.id, program.class, program.direct) == (id, number, true)
                })
        };
        Ok(netlink.filters(index)?.iter().any(ours))
    }

    /// Runs the program for slot 0, which no link has, on a packet with its Ethernet header, as if `wire` bytes
    /// would go out for it, in `packets`: what a test sees of it.
    ///
    /// # Errors
    /// Where the kernel refuses the packet.
    pub fn test_run(&self, packet: &[u8], wire: u32, packets: u32) -> Result<Shaped> {
        let (shaped, _) = self.time_run(packet, wire, packets, 1)?;
        Ok(shaped)
    }

    /// As [`Shaper::test_run`], `repeat` times: what became of the packet in the last run, and how long one took in
    /// the mean.
    ///
    /// # Errors
    /// As there.
    pub fn time_run(
        &self,
        packet: &[u8],
        wire: u32,
        packets: u32,
        repeat: u32,
    ) -> Result<(Shaped, Duration)> {
        let context = Context::default().wire(wire, packets);
        let (ran, context) = run::run(self.program()?, PROGRAM, packet, context, repeat)?;
        let shaped = Shaped {
            verdict: ran.verdict.cast_signed(),
            departs: context.timestamp(),
            class: context.priority(),
            packet: ran.packet,
        };
        Ok((shaped, ran.duration))
    }

    fn program(&self) -> Result<&SchedClassifier> {
        let found = self.ebpf.program(PROGRAM);
        found
            .and_then(|program| program.try_into().ok())
            .ok_or(MISSING)
    }
}

const MISSING: Error = Error::Missing {
    what: "program",
    name: PROGRAM,
};

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// -1: it goes on; 2: it is dropped.
    pub verdict: i32,
    /// Its departure time, nanoseconds of the monotonic clock; 0: none.
    pub departs: u64,
    /// Its class of the qdisc; 0: none.
    pub class: u32,
    /// The packet afterwards.
    pub packet: Vec<u8>,
}
