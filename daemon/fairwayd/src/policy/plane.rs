//! The dataplane, as this daemon has it: not there, not loaded yet, or a generation of maps and programs that is
//! filled and then takes over.
//!
//! Whatever fails in writing makes the generation doubtful: what the maps hold is not known any more. Then a
//! new generation is filled and takes over, and until then the old one decides.

mod hooks;
mod tend;
mod ways;
mod words;

pub(super) use hooks::clear;
pub(super) use words::endpoint;

use crate::{config::Policing, news::news};
use fairway_dataplane::{Dataplane, Events, Options, Sizes, abi};
use fairway_policy::{
    Limits,
    input::{Change, EndpointId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tracing::info;

/// After a failure.
const AGAIN: Duration = Duration::from_secs(2);

pub(super) struct Plane {
    policing: Policing,
    options: Options,
    state: State,
    /// When open flows were looked at last.
    swept: Instant,
    /// When events were taken last.
    gathered: Instant,
    /// Links of containers are to be looked at.
    look: bool,
    /// And those by which ways lead.
    look_ways: bool,
    /// A generation in trouble is given up no earlier.
    renew_at: Instant,
    pause: Duration,
    wanted: ways::Wanted,
    born: Instant,
}

enum State {
    /// Policies are not enforced here, and why; when it may be tried again.
    Absent(String, Option<Instant>),
    /// Nobody has needed it yet.
    Idle,
    Loaded(Box<Loaded>),
}

struct Loaded {
    data: Dataplane,
    events: Option<Events>,
    config: abi::Config,
    /// It holds all that it should.
    filled: bool,
    /// All links have its programs, and no older generation is there.
    alone: bool,
    endpoints: BTreeMap<u32, abi::Endpoint>,
    /// Links that have its programs, as far as is known.
    attached: BTreeSet<u32>,
    /// Links that were closed, whose flows are still known.
    closed: BTreeSet<u32>,
    /// The overlay's device and the underlay's link, where they have their programs.
    hung: [Option<u32>; 2],
    /// Where they were wanted when that was tried last, and what came in the way.
    tried: [Option<u32>; 2],
    unhung: Option<String>,
    there: ways::There,
    /// Generations before it have no ways any more.
    stopped: bool,
    /// All that was written is followed by another epoch.
    judged: bool,
    /// What could not be done: what the maps hold is not known any more.
    trouble: Option<String>,
    /// What found no room; all else is as it should be.
    full: Option<String>,
    /// What failed and says nothing of what the maps hold; it is tried again.
    nuisance: Option<String>,
}

impl Plane {
    pub(super) fn new(policing: Policing, node: &str) -> Plane {
        let sizes = Sizes {
            track_open: policing.flows,
            track_new: (policing.flows / 4).max(1024),
            ..Sizes::default()
        };
        let state = match policing.enforce {
            true => State::Idle,
            false => State::Absent("policy.enforce is false".to_owned(), None),
        };
        Plane {
            options: Options {
                sizes,
                pins: Some(policing.pins.join(node)),
            },
            policing,
            state,
            swept: Instant::now(),
            gathered: Instant::now(),
            look: false,
            look_ways: false,
            renew_at: Instant::now(),
            pause: AGAIN,
            wanted: ways::Wanted::default(),
            born: Instant::now(),
        }
    }

    /// What fits in.
    pub(super) fn limits(&self) -> Limits {
        fairway_enforce::limits(&self.options.sizes)
    }

    /// Loads it if it is not there.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn must_be_there(&mut self) -> Result<(), String> {
        match &self.state {
            State::Loaded(_) => return Ok(()),
            State::Absent(reason, None) => return Err(reason.clone()),
            State::Absent(reason, Some(again)) if Instant::now() < *again => {
                return Err(reason.clone());
            }
            _ => {}
        }
        match self.load() {
            Ok(loaded) => {
                self.state = State::Loaded(Box::new(loaded));
                Ok(())
            }
            Err(reason) => {
                news!(warn, "policies are not enforced on this node: {reason}");
                let again = Instant::now() + 15 * AGAIN;
                self.state = State::Absent(reason.clone(), Some(again));
                Err(reason)
            }
        }
    }

    fn load(&self) -> Result<Loaded, String> {
        let text = |error: fairway_dataplane::Error| error.to_string();
        let data = Dataplane::load(&self.options);
        // What the kernel lacks says more than the call that failed for want of it.
        let mut data = data.map_err(|error| match fairway_dataplane::probe() {
            Err(unavailable) => unavailable.reason(),
            Ok(()) => error.to_string(),
        })?;
        let config = abi::Config {
            epoch: data.inherited_epoch().unwrap_or(0).wrapping_add(1),
            flags: words::flags(&self.policing),
            sample: self.policing.sample,
            events: self.policing.events,
        };
        data.set_config(&config).map_err(text)?;
        let events = data.take_events();
        info!(
            "eBPF programs are loaded, generation {}",
            data.number().unwrap_or(0)
        );
        Ok(Loaded {
            data,
            events,
            config,
            filled: false,
            alone: false,
            endpoints: BTreeMap::new(),
            attached: BTreeSet::new(),
            closed: BTreeSet::new(),
            hung: [None; 2],
            tried: [None; 2],
            unhung: None,
            there: ways::There::default(),
            stopped: false,
            judged: true,
            trouble: None,
            full: None,
            nuisance: None,
        })
    }

    fn loaded(&mut self) -> Option<&mut Loaded> {
        match &mut self.state {
            State::Loaded(loaded) => Some(loaded),
            _ => None,
        }
    }

    /// The generation, as long as it is known what its maps hold: after a write that failed, nothing more is
    /// built on it.
    fn sound(&mut self) -> Option<&mut Loaded> {
        self.loaded().filter(|loaded| loaded.trouble.is_none())
    }

    /// Its maps, where it is loaded.
    pub(super) fn data(&self) -> Option<&Dataplane> {
        match &self.state {
            State::Loaded(loaded) => Some(&loaded.data),
            _ => None,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.data().is_some()
    }

    /// Does it hold all that it should?
    pub(super) fn is_filled(&self) -> bool {
        matches!(&self.state, State::Loaded(loaded) if loaded.filled)
    }

    /// Is it known what the maps hold, if there are any?
    pub(super) fn is_sound(&self) -> bool {
        !matches!(&self.state, State::Loaded(loaded) if loaded.trouble.is_some())
    }

    /// Why policies are not enforced here.
    pub(super) fn absence(&self) -> Option<&str> {
        match &self.state {
            State::Absent(reason, _) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        match &self.state {
            State::Absent(reason, _) => {
                vec![format!("policies are not enforced on this node: {reason}")]
            }
            State::Loaded(loaded) => {
                let troubles = loaded.trouble.iter().chain(&loaded.full);
                let troubles = troubles.chain(&loaded.nuisance);
                let ways = loaded.unhung.iter().chain(&loaded.there.lacks);
                troubles.chain(ways).cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The entry of a link, as the programs have it.
    pub(super) fn entry(&self, link: u32) -> Option<&abi::Endpoint> {
        match &self.state {
            State::Loaded(loaded) if loaded.filled && loaded.trouble.is_none() => {
                loaded.endpoints.get(&link)
            }
            _ => None,
        }
    }

    /// Nothing passes the link from now on.
    pub(super) fn close(&mut self, link: u32) {
        if let Some(loaded) = self.loaded()
            && loaded.endpoints.remove(&link).is_some()
        {
            let removed = loaded.data.remove_endpoint(link).map(drop);
            loaded.note(removed);
            loaded.closed.insert(link);
        }
    }

    /// A link's policy is in place.
    pub(super) fn put(&mut self, link: u32, endpoint: abi::Endpoint) {
        let Some(loaded) = self.sound() else {
            return;
        };
        if loaded.endpoints.get(&link) == Some(&endpoint) {
            return;
        }
        let written = loaded.data.put_endpoint(link, &endpoint);
        if written.is_ok() {
            loaded.endpoints.insert(link, endpoint);
            loaded.judged = false;
        }
        loaded.note(written);
    }

    /// Brings a change to the maps. `index` is the link of an endpoint of this node.
    pub(super) fn write(&mut self, change: &Change, index: impl Fn(&EndpointId) -> u32) {
        if let Some(loaded) = self.sound() {
            let written = fairway_enforce::write(&mut loaded.data, change, index);
            loaded.note(written);
            loaded.judged = false;
        }
    }

    /// It holds all that it should.
    pub(super) fn filled(&mut self) {
        if let Some(loaded) = self.loaded() {
            loaded.filled = loaded.trouble.is_none();
        }
    }

    /// These links are open, and no other.
    pub(super) fn match_endpoints(&mut self, wanted: BTreeMap<u32, abi::Endpoint>) {
        let Some(loaded) = self.loaded().filter(|loaded| loaded.filled) else {
            return;
        };
        let differs = loaded.endpoints != wanted;
        if differs {
            let gone = loaded
                .endpoints
                .keys()
                .filter(|link| !wanted.contains_key(link));
            let gone: Vec<u32> = gone.copied().collect();
            gone.into_iter().for_each(|link| self.close(link));
            if let Some(loaded) = self.loaded() {
                loaded.full = None;
            }
            for (link, endpoint) in wanted {
                self.put(link, endpoint);
            }
        }
        self.forget_closed();
    }

    /// Flows of links that were closed for good.
    fn forget_closed(&mut self) {
        let Some(loaded) = self.loaded() else {
            return;
        };
        let mut closed = std::mem::take(&mut loaded.closed);
        closed.retain(|link| !loaded.endpoints.contains_key(link));
        if closed.is_empty() {
            return;
        }
        loaded.attached.retain(|link| !closed.contains(link));
        let removed = loaded.data.remove_tracks_of(&closed).map(drop);
        loaded.bear(removed);
    }

    /// Flows that were judged before are judged anew, where something has changed since.
    pub(super) fn judge_anew(&mut self) {
        if let Some(loaded) = self.sound().filter(|loaded| !loaded.judged) {
            loaded.judged = true;
            loaded.config.epoch = loaded.config.epoch.wrapping_add(1);
            let written = loaded.data.set_config(&loaded.config);
            loaded.note(written);
        }
    }

    /// Links are looked at with the next turn.
    pub(super) fn doubt(&mut self) {
        (self.look, self.look_ways) = (true, true);
    }
}

impl Loaded {
    fn note(&mut self, done: Result<(), fairway_dataplane::Error>) {
        match done {
            Ok(()) => {}
            Err(error) if error.is_full() => self.full = Some(error.to_string()),
            Err(error) => drop(self.trouble.get_or_insert(error.to_string())),
        }
    }

    /// Of what says nothing of the maps that verdicts come from.
    fn bear(&mut self, done: Result<(), fairway_dataplane::Error>) {
        self.nuisance = done.err().map(|error| error.to_string());
    }
}
