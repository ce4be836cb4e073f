//! The kernel's side: which qdisc and which slot of the program keep each way's limits, as it is wanted, and what
//! is there.
//!
//! The best there is, in this order: departure times, which fq keeps; classes of htb, which keep the least rate
//! of a chain where the packet still belongs to its socket; a token bucket; and dropping. A limit's place in the
//! program's maps is shared by all ways that have it, so a change is one write, and where htb keeps it, a change of
//! its class.
//!
//! All is done again without harm: what is as it should be is left. What fails is told, and tried again. A number
//! in the maps is given to somebody else only when no filter can have it any more: where it was taken off, or its
//! link has gone.

mod bring;
#[cfg(test)]
pub(super) mod fake;
mod kernel;
mod known;
mod means;
mod numbers;
mod place;
mod plan;
#[cfg(test)]
mod tests;

pub(super) use kernel::{Kernel, Running};
pub(super) use known::{Part, Wanted};
pub(super) use means::Means;
pub(super) use place::Place;

use crate::error::Error;
use fairway_dataplane::{
    Shaper, abi,
    shaper::{self, Hook},
};
use fairway_ipam::AttachmentId;
use fairway_rates::{Direction, Number, Scope};
use kernel::Program;
use known::Known;
use numbers::Numbers;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tracing::{info, warn};

/// A kernel that refuses the program is asked again.
const LOAD_AGAIN: Duration = Duration::from_secs(60);

/// One direction of an interface.
pub(super) type WayKey = (AttachmentId, Direction);

/// A limit in the program's maps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum LimitKey {
    /// One of the engine's. Numbers come again, for others.
    Shared(Number, Scope, String),
    /// What a way's qdisc keeps by itself.
    Kept(WayKey),
    /// What comes from a container that goes round its own end.
    Back(WayKey),
}

/// Filters have slots: a way's own, and that of what comes from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum SlotKey {
    Way(WayKey),
    Back(WayKey),
}

pub(super) struct Plane<K: Kernel> {
    kernel: K,
    /// Or why it is not there, and when to try again.
    program: Result<Box<K::Program>, (String, Instant)>,
    /// Has this kernel fq? None: that was not tried.
    fair: Option<bool>,
    ways: BTreeMap<WayKey, Known>,
    slots: Numbers<SlotKey>,
    limits: Numbers<LimitKey>,
    /// What slots had sent for others before.
    since: BTreeMap<u32, abi::Sent>,
    /// What was sent by ways that are gone, by direction.
    past: [abi::Sent; 2],
    /// What the program's maps hold.
    written: BTreeMap<u32, abi::Limit>,
    /// There may be limits that no way has any more.
    untidy: bool,
}

impl<K: Kernel> Plane<K> {
    pub(super) fn new(kernel: K) -> Plane<K> {
        Plane {
            program: Err(("not loaded".to_owned(), kernel.now())),
            kernel,
            fair: None,
            ways: BTreeMap::new(),
            slots: Numbers::below(Shaper::ROOM),
            limits: Numbers::below(Shaper::ROOM),
            since: BTreeMap::new(),
            past: [abi::Sent::default(); 2],
            written: BTreeMap::new(),
            untidy: false,
        }
    }

    /// Loads the program if it is not there. Without it, a qdisc keeps the least rate of each chain.
    fn load(&mut self) {
        match &self.program {
            Ok(_) => return,
            Err((_, again)) if self.kernel.now() < *again => return,
            Err(_) => {}
        }
        match self.kernel.load() {
            Ok(program) => {
                info!("rates: the program is loaded");
                self.program = Ok(Box::new(program));
                self.doubt();
            }
            Err(error) => {
                let again = self.kernel.now() + LOAD_AGAIN;
                self.program = Err((error.to_string(), again));
            }
        }
    }

    /// What all is put in place with.
    pub(super) fn kernel(&self) -> &K {
        &self.kernel
    }

    /// What is there may be another by now.
    pub(super) fn doubt(&mut self) {
        let now = self.kernel.now();
        self.ways.values_mut().for_each(|known| known.doubt(now));
    }

    /// The same of one container.
    pub(super) fn doubt_of(&mut self, attachment: &AttachmentId) {
        let now = self.kernel.now();
        for direction in Direction::BOTH {
            if let Some(known) = self.ways.get_mut(&(attachment.clone(), direction)) {
                known.doubt(now);
            }
        }
    }

    /// When something is to be done again, or to be taken away.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ways.values().filter_map(Known::deadline).min()
    }

    /// Makes all ways what is wanted; those that `judged` does not fit are left as they are.
    pub(super) fn keep(
        &mut self,
        wanted: BTreeMap<WayKey, Wanted>,
        judged: impl Fn(&AttachmentId) -> bool,
    ) {
        if !wanted.is_empty() {
            self.load();
        }
        let now = self.kernel.now();
        let unwanted = self.ways.keys();
        let unwanted = unwanted.filter(|key| !wanted.contains_key(key) && judged(&key.0));
        for key in unwanted.cloned().collect::<Vec<WayKey>>() {
            self.leave(&key, now);
        }
        for (key, wanted) in wanted {
            let known = self.ways.get(&key);
            if judged(&key.0) && !known.is_some_and(|known| known.is_done(&wanted, now)) {
                self.bring(key, wanted);
            }
        }
        self.tidy();
    }

    fn bring(&mut self, key: WayKey, wanted: Wanted) {
        let before = self.ways.remove(&key);
        let (means, fault) = self.put(&key, &wanted, before.as_ref());
        let lack = self.lack(means, &wanted);
        // One that is new has what it was given, and nobody has less.
        self.untidy |= before.is_some() || fault.is_some();
        let problem = fault.map(|fault| fault.to_string());
        let known = Known::after(before, wanted, means, problem, lack, self.kernel.now());
        if let Some(news) = known.news() {
            warn!("rates: {} ({}): {news}", key.0, word(key.1));
        }
        self.ways.insert(key, known);
    }

    /// What means that were found cannot do.
    fn lack(&self, means: Means, wanted: &Wanted) -> Option<String> {
        let Err((reason, _)) = &self.program else {
            return None;
        };
        let more = wanted.dscp.is_some()
            || wanted.least.packets.is_some()
            || wanted.chain.iter().any(|part| part.shared);
        let what = match means {
            Means::None => "nothing is kept",
            _ if more => "no more than a rate of its own is kept",
            _ => return None,
        };
        Some(format!("{what}: the program cannot be loaded: {reason}"))
    }

    /// Links that are gone took all with them.
    pub(super) fn forget(&mut self, attachment: &AttachmentId) {
        for direction in Direction::BOTH {
            self.drop_numbers(&(attachment.clone(), direction));
        }
    }

    fn drop_numbers(&mut self, key: &WayKey) {
        self.untidy = true;
        if let Some(sent) = self.sent(key) {
            let past = &mut self.past[key.1 as usize];
            *past = both(past, &sent);
        }
        self.ways.remove(key);
        self.slots.free(&SlotKey::Way(key.clone()));
        self.slots.free(&SlotKey::Back(key.clone()));
    }

    /// Forgets limits that no way has.
    fn tidy(&mut self) {
        if !std::mem::take(&mut self.untidy) {
            return;
        }
        let mut used = BTreeSet::new();
        for (key, known) in &self.ways {
            let plan = plan::plan(key, &known.wanted, known.means);
            used.extend(plan.limits.into_iter().map(|kept| kept.key));
            used.insert(LimitKey::Back(key.clone()));
        }
        for number in self.limits.retain(|key| used.contains(key)) {
            self.written.remove(&number);
        }
    }

    /// Attachments whose way in has a queue or a program that all packets must pass.
    pub(super) fn shaped(&self) -> BTreeSet<AttachmentId> {
        let keys = self.ways.keys();
        let ways = keys.filter(|(_, direction)| *direction == Direction::Ingress);
        ways.map(|(attachment, _)| attachment.clone()).collect()
    }

    /// How a way stands; none: nothing is known of it.
    pub(super) fn standing(&self, key: &WayKey) -> Option<&Known> {
        self.ways.get(key)
    }

    /// What was sent.
    pub(super) fn sent(&self, key: &WayKey) -> Option<abi::Sent> {
        let program = self.program.as_ref().ok()?;
        let slot = self.slots.known(&SlotKey::Way(key.clone()))?;
        let all = program.sent(slot).ok()?;
        let before = self.since.get(&slot).copied().unwrap_or_default();
        Some(all.since(&before))
    }

    /// What was sent in a direction since the daemon began.
    pub(super) fn sent_in_all(&self, direction: Direction) -> abi::Sent {
        let ways = self.ways.keys().filter(|key| key.1 == direction);
        let sent = ways.filter_map(|key| self.sent(key));
        sent.fold(self.past[direction as usize], |sum, sent| both(&sum, &sent))
    }

    /// By what ways are kept.
    pub(super) fn means(&self) -> impl Iterator<Item = (Direction, &'static str)> {
        let ways = self.ways.iter();
        ways.map(|(key, known)| (key.1, known.means.name()))
    }

    /// What keeps limits from being kept.
    pub(super) fn problems(&self) -> Vec<String> {
        let told = |(key, known): (&WayKey, &Known)| {
            let what = known.problem.as_ref().or(known.lack.as_ref())?;
            Some(format!("rates of {} ({}): {what}", key.0, word(key.1)))
        };
        self.ways.iter().filter_map(told).collect()
    }
}

fn both(one: &abi::Sent, other: &abi::Sent) -> abi::Sent {
    abi::Sent {
        bytes: one.bytes.wrapping_add(other.bytes),
        packets: one.packets.wrapping_add(other.packets),
        delayed: one.delayed.wrapping_add(other.delayed),
        marked: one.marked.wrapping_add(other.marked),
        dropped: one.dropped.wrapping_add(other.dropped),
    }
}

pub(super) const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// Has a link's way out our program, of whatever daemon?
pub(super) fn is_shaped(kernel: &impl Kernel, place: &Place) -> bool {
    let Ok((mut links, link)) = place.open(kernel) else {
        return false;
    };
    shaper::is_shaped(&mut links, link.index, Hook::Egress).unwrap_or(false)
}

/// Takes all of ours of a direction from its links: those of [`Wanted::place`] and [`Wanted::host`].
///
/// # Errors
/// What the kernel refuses; all that could be taken is.
pub(super) fn clear(
    kernel: &impl Kernel,
    place: &Place,
    host: Option<&Place>,
) -> Result<(), Error> {
    bring::strip(kernel, place, host).map_err(|fault| Error::System {
        what: "rates",
        source: std::io::Error::other(fault.to_string()),
    })
}
