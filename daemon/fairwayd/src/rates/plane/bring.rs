//! Puts a way's limits in place, and takes them away.

use super::{
    Kernel, LimitKey, Means, Place, Plane, Program, SlotKey, WayKey,
    known::{Known, Wanted},
    place::Away,
    plan::{Plan, plan},
};
use crate::{code::Coded, news::news};
use fairway_cni::Code;
use fairway_dataplane::{
    abi::{self, Slot},
    shaper::{self, Hook},
};
use fairway_netlink::Link;
use fairway_rates::{Allowance, Direction};
use fairway_shape::{Burst, Limit, Rate, Side};
use std::time::{Duration, Instant};

/// What waits at a qdisc that has no limit any more has gone by then.
const DRAINED: Duration = Duration::from_millis(250);
/// The same where packets wait for their times: no later than this (`most` in the loader's limits).
const DEPARTED: Duration = Duration::from_secs(9);
/// What cannot be taken away is tried again after so long.
const LATER: Duration = Duration::from_secs(10);

/// What is in the way of a limit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Away(#[from] Away),
    #[error(transparent)]
    Shape(#[from] fairway_shape::Error),
    #[error(transparent)]
    Dataplane(#[from] fairway_dataplane::Error),
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    #[error("there are too many limits on this node")]
    Full,
}

impl Coded for Fault {
    fn code(&self) -> Code {
        match self {
            Fault::Away(_) | Fault::Full => Code::TRY_AGAIN,
            Fault::Shape(_) => Code::KERNEL,
            Fault::Dataplane(error) => error.code(),
            Fault::Netlink(error) => error.code(),
        }
    }
}

impl<K: Kernel> Plane<K> {
    /// Maps, the backstop, and what the way itself needs, each whatever becomes of the others: a container that has
    /// its own end out of our reach is held at the host's. Says by what it is kept, and the first fault.
    pub(super) fn put(
        &mut self,
        key: &WayKey,
        wanted: &Wanted,
        before: Option<&Known>,
    ) -> (Means, Option<Fault>) {
        let mut faults = Vec::new();
        let mut means = before.map_or(Means::None, |before| before.means);
        if before.is_some() {
            faults.extend(self.fill(key, wanted, means).err());
        }
        // All that differs is in the maps.
        let light = before.is_some_and(|before| {
            let places = (&before.wanted.place, &before.wanted.host);
            let same = places == (&wanted.place, &wanted.host);
            same && before.sound && before.leaves.is_none() && means == Means::Edt
        });
        if !light {
            faults.extend(self.put_back(key, wanted).err());
            match self.put_own(key, wanted) {
                Ok(found) => means = found,
                Err(fault) => faults.push(fault),
            }
        }
        (means, faults.into_iter().next())
    }

    /// The qdisc, the maps, the program.
    fn put_own(&mut self, key: &WayKey, wanted: &Wanted) -> Result<Means, Fault> {
        let (mut links, link) = wanted.place.open(&self.kernel)?;
        let means = self.qdisc(&mut links, &link, wanted, side(key.1))?;
        if let Some(slot) = self.fill(key, wanted, means)?
            && let Ok(program) = &self.program
        {
            hang(&**program, &mut links, &link, Hook::Egress, slot)?;
        }
        Ok(means)
    }

    /// What stands behind a container's own end.
    fn put_back(&mut self, key: &WayKey, wanted: &Wanted) -> Result<(), Fault> {
        if let Some(host) = &wanted.host
            && let Some(slot) = self.back(key, wanted)?
            && let Ok(program) = &self.program
        {
            let (mut links, link) = host.open(&self.kernel)?;
            hang(&**program, &mut links, &link, Hook::Backstop, slot)?;
        }
        Ok(())
    }

    /// Its limit; the number of its slot.
    fn back(&mut self, key: &WayKey, wanted: &Wanted) -> Result<Option<u32>, Fault> {
        if wanted.host.is_none() || self.program.is_err() {
            return Ok(None);
        }
        let number = match wanted.least.is_none() {
            true => 0,
            false => {
                let limit = shaper::backstop(&counted(&wanted.least));
                self.limit(&LimitKey::Back(key.clone()), limit)?
            }
        };
        let slot = Slot {
            limits: [number, 0, 0, 0],
            ..Slot::default()
        };
        self.slot(SlotKey::Back(key.clone()), &slot).map(Some)
    }

    /// The best that the kernel has.
    fn qdisc(
        &mut self,
        links: &mut K::Links,
        link: &Link,
        wanted: &Wanted,
        side: Side,
    ) -> Result<Means, Fault> {
        let programmed = self.program.is_ok();
        if programmed && self.fair != Some(false) {
            let fair = fairway_shape::departures(links, link.index, side)?;
            self.fair = Some(fair);
            if fair {
                return Ok(Means::Edt);
            }
        }
        let last = match programmed {
            true => Means::Police,
            false => Means::None,
        };
        let Some(limit) = limit(&wanted.least, link.mtu) else {
            fairway_shape::remove(links, link.index)?;
            return Ok(last);
        };
        match fairway_shape::apply(links, link.index, &limit, side) {
            Ok(fairway_shape::Means::Htb) => Ok(Means::Htb),
            Ok(fairway_shape::Means::Tbf) => Ok(Means::Tbf),
            Err(fairway_shape::Error::NoMeans) => Ok(last),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes limits and slots; the own slot's number, where there is a program.
    fn fill(&mut self, key: &WayKey, wanted: &Wanted, means: Means) -> Result<Option<u32>, Fault> {
        if self.program.is_err() {
            return Ok(None);
        }
        let plan = plan(key, wanted, means);
        let slot = self.write(&plan)?;
        let number = self.slot(SlotKey::Way(key.clone()), &slot)?;
        self.back(key, wanted)?;
        Ok(Some(number))
    }

    fn write(&mut self, plan: &Plan) -> Result<Slot, Fault> {
        let mut slot = Slot {
            flags: plan.flags,
            dscp: plan.dscp,
            ..Slot::default()
        };
        let first = usize::from(plan.skips);
        for (at, kept) in plan.limits.iter().enumerate() {
            let place = slot.limits.get_mut(first + at).ok_or(Fault::Full)?;
            let allowance = counted(&kept.allowance);
            let limit = match kept.shared {
                true => shaper::shared(&allowance),
                false => shaper::limit(&allowance),
            };
            *place = self.limit(&kept.key, limit)?;
        }
        Ok(slot)
    }

    fn limit(&mut self, key: &LimitKey, limit: abi::Limit) -> Result<u32, Fault> {
        let (number, new) = self.limits.of(key).ok_or(Fault::Full)?;
        let Ok(program) = &self.program else {
            return Ok(number);
        };
        if new {
            // Where that fails nobody has the number yet, and it is to begin anew the next time.
            let begun = program.begin_limit(number, &limit);
            begun.inspect_err(|_| {
                self.limits.free(key);
            })?;
        } else if self.written.get(&number) != Some(&limit) {
            program.set_limit(number, &limit)?;
        }
        self.written.insert(number, limit);
        Ok(number)
    }

    fn slot(&mut self, key: SlotKey, slot: &Slot) -> Result<u32, Fault> {
        let (number, new) = self.slots.of(&key).ok_or(Fault::Full)?;
        if let Ok(program) = &self.program {
            if new {
                let sent = program.sent(number);
                let sent = sent.and_then(|sent| program.begin_slot(number, slot).map(|()| sent));
                let sent = sent.inspect_err(|_| {
                    self.slots.free(&key);
                })?;
                self.since.insert(number, sent);
            } else {
                program.set_slot(number, slot)?;
            }
        }
        Ok(number)
    }

    /// A way that is not wanted any more: first nothing is held back, and when what waits has gone, all goes. What
    /// cannot be taken away keeps its numbers, until it can or its link goes.
    pub(super) fn leave(&mut self, key: &WayKey, now: Instant) {
        let Some(known) = self.ways.get_mut(key) else {
            return;
        };
        match known.leaves {
            None => {
                known.leaves = match known.means {
                    Means::Edt => Some(now + DEPARTED),
                    _ => Some(now + DRAINED),
                };
                let (place, means) = (known.wanted.place.clone(), known.means);
                if let Err(fault) = self.loosen(key, &place, means) {
                    news!(warn, code = fault.number(), "rates: {}: {fault}", key.0);
                }
            }
            Some(leaves) if now >= leaves => {
                match strip(
                    &self.kernel,
                    &known.wanted.place,
                    known.wanted.host.as_ref(),
                ) {
                    Ok(()) => self.drop_numbers(key),
                    Err(fault) => {
                        news!(warn, code = fault.number(), "rates: {}: {fault}", key.0);
                        known.leaves = Some(now + LATER);
                    }
                }
            }
            Some(_) => {}
        }
    }

    fn loosen(&mut self, key: &WayKey, place: &Place, means: Means) -> Result<(), Fault> {
        let flags = match means {
            Means::Edt => Slot::DEPART,
            _ => 0,
        };
        let free = Slot {
            flags,
            ..Slot::default()
        };
        if self.slots.known(&SlotKey::Way(key.clone())).is_some() {
            self.slot(SlotKey::Way(key.clone()), &free)?;
        }
        if self.slots.known(&SlotKey::Back(key.clone())).is_some() {
            self.slot(SlotKey::Back(key.clone()), &Slot::default())?;
        }
        if matches!(means, Means::Htb | Means::Tbf) {
            let (mut links, link) = place.open(&self.kernel)?;
            let most = Limit::new(Rate::MAX);
            fairway_shape::apply(&mut links, link.index, &most, side(key.1))?;
        }
        Ok(())
    }
}

/// Takes program and qdisc from a link, and the backstop from the host's end; all that can be taken.
pub(super) fn strip(
    kernel: &impl Kernel,
    place: &Place,
    host: Option<&Place>,
) -> Result<(), Fault> {
    let opened = place.open(kernel).map_err(Fault::from);
    let own = opened.and_then(|(mut links, link)| {
        shaper::detach(&mut links, link.index, Hook::Egress)?;
        fairway_shape::remove(&mut links, link.index)?;
        Ok(())
    });
    let back = host.map_or(Ok(()), |host| {
        let (mut links, link) = host.open(kernel)?;
        shaper::detach(&mut links, link.index, Hook::Backstop)?;
        Ok(())
    });
    // A link of this namespace that has gone took all with it, the other end as well.
    match (own, back) {
        (_, Err(Fault::Away(Away::Gone(_)))) | (Err(Fault::Away(Away::Gone(_))), _) => Ok(()),
        (own, back) => own.and(back),
    }
}

fn hang<L>(
    program: &impl Program<L>,
    links: &mut L,
    link: &Link,
    hook: Hook,
    slot: u32,
) -> Result<(), Fault> {
    if !program.is_attached(links, link.index, hook, slot)? {
        program.attach(links, link.index, hook, slot)?;
    }
    Ok(())
}

const fn side(direction: Direction) -> Side {
    match direction {
        Direction::Ingress => Side::Host,
        Direction::Egress => Side::Container,
    }
}

/// For a qdisc. A burst is a packet of the link at least.
fn limit(allowance: &Allowance, mtu: u32) -> Option<Limit> {
    let burst = allowance.burst.map(|burst| u64::from(burst.max(mtu)));
    Some(Limit {
        rate: allowance.rate?,
        burst: burst.and_then(|burst| Burst::new(burst).ok()),
    })
}

/// For the program.
fn counted(allowance: &Allowance) -> shaper::Allowance {
    shaper::Allowance {
        bits: allowance.rate.map_or(0, Rate::bits_per_second),
        packets: allowance.packets.map_or(0, u64::from),
        burst: allowance.burst.map_or(0, u64::from),
    }
}
