//! What is wanted, what is known, and what of it has to be looked at.

mod device;
mod routes;
mod tunnels;

use crate::{
    error::Problem,
    have::{Have, Touched},
    names,
    overlap::lies_in,
    peer::Peer,
    place::Place,
    render, rules,
    settings::Settings,
    want::Want,
};
use fairway_netlink::{Event, Link, Netlink, Rule};
use fairway_rib::{Change, Entry, Forward, Prefix, Vni};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

/// How it stands with a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The kernel has its route, as it is wanted.
    Installed,
    /// Not yet: a link, a next hop or the whole look is missing.
    Pending,
    /// Somebody else's route is in its place.
    Conflict,
}

/// What came of a [`Fib::sync`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Synced {
    /// So many changes were made.
    pub changes: usize,
    /// The overlay's device was made: its kernel settings are the default ones.
    pub device_made: bool,
    /// All was listed anew.
    pub listed: bool,
    /// Something was refused: [`Fib::doubt`] after a while has it tried again.
    pub again: bool,
    /// Of the changes, those that put right what somebody else had changed: nothing else was wanted than before.
    pub repairs: usize,
    /// So many changes were refused.
    pub refused: usize,
}

/// What all [`Fib::sync`] so far came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Changes that were made.
    pub changes: u64,
    /// Of these, repairs.
    pub repairs: u64,
    /// Changes that were refused.
    pub refused: u64,
    /// How often all was listed.
    pub lists: u64,
}

impl Counted {
    fn add(&mut self, synced: &Synced) {
        self.changes += synced.changes as u64;
        self.repairs += synced.repairs as u64;
        self.refused += synced.refused as u64;
        self.lists += u64::from(synced.listed);
    }
}

/// See the crate's head.
#[derive(Debug)]
pub struct Fib<N> {
    netlink: N,
    settings: Settings,
    pools: Vec<IpNetwork>,
    want: Want,
    have: Have,
    /// Numbers of next hops that the kernel has.
    hops: BTreeMap<Peer, u32>,
    dirty: BTreeSet<Place>,
    /// Device, neighbours, next hops and rules have to be looked at.
    rest: bool,
    /// All has to be listed anew.
    doubt: bool,
    complete: bool,
    /// Somebody else drops what comes out of the overlay for nobody.
    guarded: bool,
    /// The kernel was listed once.
    listed: bool,
    /// What is wrong now, by what it is about.
    problems: BTreeMap<String, Problem>,
    news: News,
    counted: Counted,
}

/// What is wanted otherwise than when it was last in place: whatever else has to be changed was changed by somebody.
#[derive(Debug, Default)]
struct News {
    /// Until all was in place once, nothing is a repair: a daemon before may have left anything.
    begun: bool,
    places: BTreeSet<Place>,
    /// Device, neighbours, next hops or rules.
    rest: bool,
}

impl<N: Netlink> Fib<N> {
    /// Nothing is wanted, nothing is known.
    pub fn new(netlink: N) -> Fib<N> {
        Fib {
            netlink,
            settings: Settings::default(),
            pools: Vec::new(),
            want: Want::default(),
            have: Have::default(),
            hops: BTreeMap::new(),
            dirty: BTreeSet::new(),
            rest: true,
            doubt: true,
            complete: false,
            guarded: false,
            problems: BTreeMap::new(),
            listed: false,
            news: News::default(),
            counted: Counted::default(),
        }
    }

    /// What is wanted besides routes, in place of what was before.
    pub fn configure(&mut self, settings: Settings) {
        if settings == self.settings {
            return;
        }
        let pools = rules::pools(&settings);
        let gone = self.pools.iter().filter(|pool| !pools.contains(pool));
        for gone in gone.copied().collect::<Vec<_>>() {
            self.set(fence(gone), None);
        }
        for pool in &pools {
            self.set(fence(*pool), Some(Forward::Unreachable));
        }
        // Which routes of others matter, and which link and source routes of ours have.
        if pools != self.pools {
            self.doubt = true;
        } else if (&settings.uplink, settings.source_v4, settings.source_v6)
            != (
                &self.settings.uplink,
                self.settings.source_v4,
                self.settings.source_v6,
            )
        {
            self.dirty.extend(self.want.places());
            self.news.places.extend(self.want.places());
        }
        self.pools = pools;
        self.settings = settings;
        self.rest = true;
        self.news.rest = true;
    }

    /// Does somebody else drop what comes out of the overlay for nobody, and knows the answers among it? Then
    /// there is no rule that drops all of it. Whoever does so begins before this says yes, and ends after it
    /// says no, and once [`drops_the_rest`](Self::drops_the_rest) does.
    pub fn guarded(&mut self, by_others: bool) {
        let other = mem::replace(&mut self.guarded, by_others) != by_others;
        self.rest |= other;
        self.news.rest |= other;
    }

    /// Does the kernel drop by a rule what comes out of the overlay for nobody? Where there are no networks,
    /// nothing comes.
    pub fn drops_the_rest(&self) -> bool {
        let wanted = rules::rules(&self.settings, std::iter::empty(), false);
        let rest = |rule: &&Rule| rule.priority == names::OVERLAY_REST;
        let mut wanted = wanted.iter().filter(rest);
        wanted.all(|rule| self.have.rules.contains(rule))
    }

    /// The routing table's changes.
    pub fn change(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Upsert(entry) => {
                    self.set(Place::new(entry.vni, entry.prefix), Some(entry.forward));
                }
                Change::Remove { vni, prefix } => self.set(Place::new(vni, prefix), None),
            }
        }
    }

    /// All of the routing table, in place of what was before.
    pub fn replace(&mut self, entries: Vec<Entry>) {
        let mut gone: BTreeSet<Place> = self.want.places().collect();
        gone.retain(|place| place.table != names::TABLES);
        for entry in entries {
            let place = Place::new(entry.vni, entry.prefix);
            gone.remove(&place);
            self.set(place, Some(entry.forward));
        }
        for place in gone {
            self.set(place, None);
        }
    }

    /// The whole picture of the store is there: from now on what is not wanted is taken away.
    pub fn complete(&mut self) {
        if !mem::replace(&mut self.complete, true) {
            self.doubt = true;
            self.news.begun = false;
        }
    }

    /// Takes away all that is ours, the device included.
    pub fn clear(&mut self) {
        self.replace(Vec::new());
        self.configure(Settings::default());
        self.complete();
        self.doubt();
        self.sync();
    }

    /// Was the kernel listed? Before that no link is known, and nothing may be concluded from it.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// The next sync lists anew.
    pub fn doubt(&mut self) {
        self.doubt = true;
    }

    /// What the kernel tells. Is there something to be done about it?
    pub fn event(&mut self, event: &Event) -> bool {
        let touched = self.have.learn(event, &self.pools);
        let Touched {
            places,
            links,
            rest,
            all,
        } = touched;
        self.doubt |= all;
        self.rest |= rest;
        self.dirty.extend(places);
        for name in links {
            if name == names::DEVICE {
                self.rest = true;
                self.dirty.extend(self.want.places());
            }
            self.dirty.extend(self.want.on_link(&name));
            let uplink = Some(&name) == self.settings.uplink.as_ref();
            self.dirty.extend(self.want.direct(&name, uplink));
        }
        self.is_due()
    }

    /// Is there something that [`Fib::sync`] would look at?
    pub fn is_due(&self) -> bool {
        self.doubt || self.rest || !self.dirty.is_empty()
    }

    /// Does what is missing. Problems are those of this look and of what they concern.
    pub fn sync(&mut self) -> Synced {
        let synced = self.bring();
        self.counted.add(&synced);
        synced
    }

    fn bring(&mut self) -> Synced {
        let mut synced = Synced::default();
        if self.doubt {
            match Have::list(&mut self.netlink, &self.pools) {
                Ok(have) => {
                    self.have = have;
                    (self.doubt, self.listed, synced.listed) = (false, true, true);
                    self.rest = true;
                    self.dirty.extend(self.want.places());
                    self.dirty.extend(self.have.routes.keys());
                    self.problems.clear();
                }
                Err(source) => {
                    let what = "the kernel's routes cannot be listed".to_owned();
                    let problem = Problem::Refused { what, source };
                    self.problems.insert(String::new(), problem);
                    synced.again = true;
                    return synced;
                }
            }
        }
        let rest = mem::take(&mut self.rest);
        if rest {
            self.problems.clear();
            self.conflicts();
            self.device(&mut synced);
            self.tunnels(&mut synced);
        } else if self.needs_tunnels() {
            self.tunnels(&mut synced);
        }
        let before = synced.changes;
        let repaired = self.routes(&mut synced);
        let of_routes = synced.changes - before;
        if rest {
            self.rules(&mut synced);
        }
        if self.complete {
            self.surplus(&mut synced);
            self.surplus_device(&mut synced);
        }
        if self.news.begun {
            synced.repairs = repaired;
            if !self.news.rest {
                synced.repairs += synced.changes - of_routes;
            }
        }
        if rest && !synced.again {
            self.news.rest = false;
            self.news.begun |= self.complete;
        }
        synced
    }

    /// What all was done so far.
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// How many routes of ours the kernel has.
    pub fn installed(&self) -> usize {
        self.have.routes.len()
    }

    /// How many places are to be looked at.
    pub fn pending(&self) -> usize {
        self.dirty.len()
    }

    /// What keeps the kernel from being as it is wanted.
    pub fn problems(&self) -> Vec<&Problem> {
        self.problems.values().collect()
    }

    /// How it stands with a prefix.
    pub fn standing(&self, vni: Vni, prefix: Prefix) -> Standing {
        let place = Place::new(vni, prefix);
        if self.have.squatters.contains_key(&place) {
            return Standing::Conflict;
        }
        match (self.rendered(place), self.have.routes.get(&place)) {
            (Some(render::Rendered::Route(want)), Some(have)) if render::is(have, &want) => {
                Standing::Installed
            }
            (Some(render::Rendered::Hold), Some(_)) => Standing::Installed,
            _ => Standing::Pending,
        }
    }

    /// A link as the kernel has it, as far as was told.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.have.links.named(name)
    }

    /// All links, as far as was told.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.have.links.iter()
    }

    /// How many routes are wanted, the fence included.
    pub fn wanted(&self) -> usize {
        self.want.len()
    }

    /// What makes the changes.
    pub fn netlink(&mut self) -> &mut N {
        &mut self.netlink
    }

    fn set(&mut self, place: Place, way: Option<Forward>) {
        let peer = |way: Option<&Forward>| way.and_then(render::peer);
        self.news.rest |= peer(way.as_ref()) != peer(self.want.get(place));
        self.want.set(place, way);
        self.news.places.insert(place);
        self.dirty.insert(place);
    }

    /// What a place needs; none: nothing is wanted there.
    fn rendered(&self, place: Place) -> Option<render::Rendered> {
        let forward = self.want.get(place)?;
        Some(render::route(
            place,
            forward,
            &self.have.links,
            &self.settings,
            |peer| self.hop_of(peer),
        ))
    }

    /// Routes of others that pools overlap.
    fn conflicts(&mut self) {
        for (foreign, protocol) in &self.have.foreign {
            let mut pools = self.pools.iter().copied();
            if let Some(ours) = pools.find(|pool| lies_in(foreign.dst, *pool)) {
                let problem = Problem::Conflict {
                    ours,
                    foreign: foreign.dst,
                    table: fairway_netlink::Route::MAIN,
                    protocol: *protocol,
                };
                self.problems.insert(foreign.dst.to_string(), problem);
            }
        }
    }

    /// Adds rules that are missing; those that are too many go once the picture is whole.
    fn rules(&mut self, synced: &mut Synced) {
        let foreign = self.have.foreign.keys().map(|foreign| foreign.dst);
        let wanted = rules::rules(&self.settings, foreign, self.guarded);
        let missing: Vec<Rule> = wanted.difference(&self.have.rules).cloned().collect();
        for rule in missing {
            match self.netlink.add_rule(&rule) {
                Ok(()) => {}
                Err(error) if error.is_exists() => {}
                Err(source) => {
                    self.refused(format!("rule {}", rule.priority), source, synced);
                    continue;
                }
            }
            synced.changes += 1;
            self.have.rules.insert(rule);
        }
        if !self.complete {
            return;
        }
        let surplus: Vec<Rule> = self.have.rules.difference(&wanted).cloned().collect();
        for rule in surplus {
            match self.netlink.delete_rule(&rule) {
                Ok(_) => {
                    synced.changes += 1;
                    self.have.rules.remove(&rule);
                }
                Err(source) => self.refused(format!("rule {}", rule.priority), source, synced),
            }
        }
    }

    fn refused(&mut self, what: String, source: fairway_netlink::Error, synced: &mut Synced) {
        let about = what.clone();
        self.problems
            .insert(about, Problem::Refused { what, source });
        synced.again = true;
        synced.refused += 1;
    }
}

fn fence(pool: IpNetwork) -> Place {
    Place {
        table: names::TABLES,
        dst: pool,
    }
}
