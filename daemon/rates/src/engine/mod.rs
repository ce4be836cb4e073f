//! What follows from what is said.
//!
//! What was learned is remembered; when somebody asks, all of it is judged anew and compared with what held. Where
//! nothing was learned but of a few endpoints, in places where there are others, only they are: nothing else can be
//! another, and a container that comes does not wait for all the others to be judged.
//!
//! A namespace shares one limit for each direction on a node, and so does a network: where several objects speak
//! of it, the least of each kind holds for all who are under any of them, also where one of those objects is
//! only about other networks (or namespaces) of it. Who is held lower so is told.

mod history;
mod judge;
mod numbers;
mod place;
mod said;
mod warn;

pub use history::Changed;
pub use numbers::MOST;

use crate::model::{
    Direction, Endpoint, EndpointId, Held, Input, Override, Picture, RateLimit, Scope,
};
use history::History;
use judge::{All, Judged};
use numbers::Numbers;
use said::Word;
use std::collections::{BTreeMap, BTreeSet};

/// Who share a limit. The first get numbers first, where there are few left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sharers {
    Network(String),
    Namespace(String),
    Container(EndpointId),
}

impl Sharers {
    fn scope(&self) -> Scope {
        match self {
            Sharers::Network(_) => Scope::Network,
            Sharers::Namespace(_) => Scope::Namespace,
            Sharers::Container(_) => Scope::Container,
        }
    }
}

/// A limit's identity.
type Key = (Sharers, Direction);

/// What was learned since the picture was made.
#[derive(Debug, Default)]
enum Learned {
    #[default]
    Nothing,
    /// Something of these endpoints.
    Of(BTreeSet<EndpointId>),
    /// Anything else.
    More,
}

impl Learned {
    fn of(&mut self, id: EndpointId) {
        match self {
            Learned::Nothing => *self = Learned::Of([id].into()),
            Learned::Of(ids) => drop(ids.insert(id)),
            Learned::More => {}
        }
    }
}

/// Knows what is said, and says what holds.
#[derive(Debug, Default)]
pub struct Engine {
    limits: BTreeMap<String, RateLimit>,
    overrides: BTreeMap<(String, String), Override>,
    endpoints: BTreeMap<EndpointId, Endpoint>,
    learned: Learned,
    /// Namespaces and networks where there was anybody when the picture was made.
    occupied: BTreeSet<(String, Option<String>)>,
    numbers: Numbers,
    held: BTreeMap<Key, Held>,
    picture: Picture,
    history: History,
}

impl Engine {
    /// Learns something.
    pub fn take(&mut self, input: Input) {
        let more = match input {
            Input::RateLimit(limit) => put(&mut self.limits, limit.name.clone(), limit),
            Input::RateLimitGone(name) => self.limits.remove(&name).is_some(),
            Input::Override(namespace, pod, word) => {
                put(&mut self.overrides, (namespace, pod), word)
            }
            Input::OverrideGone(namespace, pod) => {
                self.overrides.remove(&(namespace, pod)).is_some()
            }
            Input::Endpoint(endpoint) => {
                let id = endpoint.id.clone();
                if put(&mut self.endpoints, id.clone(), endpoint) {
                    self.learned.of(id);
                }
                false
            }
            Input::EndpointGone(id) => {
                if self.endpoints.remove(&id).is_some() {
                    self.learned.of(id);
                }
                false
            }
        };
        if more {
            self.learned = Learned::More;
        }
    }

    /// What holds, by all that was learned until `at` (seconds since 1970).
    pub fn picture(&mut self, at: u64) -> &Picture {
        match std::mem::take(&mut self.learned) {
            Learned::Nothing => {}
            Learned::Of(ids) => self.judge(at, Some(ids)),
            Learned::More => self.judge(at, None),
        }
        &self.picture
    }

    /// What held when that was asked last.
    pub fn held(&self) -> &Picture {
        &self.picture
    }

    /// What has changed, the newest last; the oldest are forgotten.
    pub fn history(&self) -> impl Iterator<Item = &Changed> {
        self.history.iter()
    }

    /// Nothing was learned but of these, if any.
    fn judge(&mut self, at: u64, only: Option<BTreeSet<EndpointId>>) {
        let all = All {
            limits: &self.limits,
            overrides: &self.overrides,
            endpoints: &self.endpoints,
        };
        let places = all.places();
        let occupied = places.occupied();
        let only = only.filter(|ids| occupied == self.occupied && self.has_room(ids));
        let judged = match &only {
            Some(ids) => all.judge_some(ids, &places),
            None => all.judge(&places),
        };
        self.occupied = occupied;
        match only {
            Some(ids) => self.change(at, &ids, judged),
            None => self.replace(at, judged),
        }
    }

    /// Does each get numbers, whatever becomes of the others' limits?
    fn has_room(&self, ids: &BTreeSet<EndpointId>) -> bool {
        self.picture.overflow.is_empty() && self.numbers.has_room(2 * ids.len())
    }

    /// What holds for these endpoints is another; all else is as it was.
    fn change(&mut self, at: u64, ids: &BTreeSet<EndpointId>, judged: Judged) {
        let of = |id: &EndpointId| Direction::BOTH.map(|way| (id.clone(), way));
        let mut before = BTreeMap::new();
        for (id, way) in ids.iter().flat_map(of) {
            self.picture.ways.remove(&(id.clone(), way));
            before.extend(self.held.remove_entry(&(Sharers::Container(id), way)));
        }
        let numbers = before.keys().filter_map(|key| self.numbers.get(key));
        for number in numbers {
            self.picture.limits.remove(&number);
        }
        let lost = before.keys().filter(|key| !judged.held.contains_key(*key));
        self.numbers.exchange(judged.held.keys(), lost);
        let now = judged.held.clone();
        self.hold(judged);
        self.remember(at, &before, &now);
    }

    /// What holds is this.
    fn replace(&mut self, at: u64, judged: Judged) {
        let freed = self.numbers.assign(judged.held.keys());
        let before = std::mem::take(&mut self.held);
        self.picture = Picture::default();
        self.hold(judged);
        let now = std::mem::take(&mut self.held);
        self.remember(at, &before, &now);
        self.held = now;
        // What was given up now has room for others the next time.
        if freed && !self.picture.overflow.is_empty() {
            self.learned = Learned::More;
        }
    }

    /// Takes up what has a number; for what has none there is no room.
    fn hold(&mut self, judged: Judged) {
        let numbers = &self.numbers;
        for (key, one) in judged.held {
            match numbers.get(&key) {
                Some(number) => {
                    self.picture.limits.insert(number, one.clone());
                    self.held.insert(key, one);
                }
                None => {
                    let title = format!("{} {} {}", one.scope, one.of, one.direction);
                    self.picture.overflow.push(title);
                }
            }
        }
        for (at, way) in judged.ways {
            let way = way.numbered(|key| numbers.get(key));
            if way.dscp.is_some() || way.limits.iter().any(Option::is_some) {
                self.picture.ways.insert(at, way);
            }
        }
    }

    fn remember(&mut self, at: u64, before: &BTreeMap<Key, Held>, now: &BTreeMap<Key, Held>) {
        let why = |key: &Key, was: &Held| self.why_gone(key, was);
        let changes = history::changes(at, before, now, why);
        self.history.keep(changes);
    }

    /// Why a limit is none any more.
    fn why_gone(&self, (sharers, direction): &Key, was: &Held) -> String {
        let mut endpoints = self.endpoints.values();
        let there = match sharers {
            Sharers::Container(id) => self.endpoints.contains_key(id),
            Sharers::Namespace(name) => endpoints.any(|e| e.namespace == *name),
            Sharers::Network(name) => endpoints.any(|e| e.network.as_ref() == Some(name)),
        };
        if !there {
            return match sharers {
                Sharers::Container(_) => "the container is gone".to_owned(),
                _ => "its last container is gone".to_owned(),
            };
        }
        if let Sharers::Container(id) = sharers
            && let Some(endpoint) = self.endpoints.get(id)
            && let Some(word) = judge::word(&self.overrides, endpoint)
            && word.wish(*direction).is_some()
        {
            return Word::Override(word.reason.as_deref()).to_string();
        }
        format!("{} holds no more", was.reason)
    }
}

/// Is it another than it was?
fn put<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) -> bool {
    match map.get_mut(&key) {
        Some(there) if *there == value => false,
        Some(there) => {
            *there = value;
            true
        }
        None => {
            map.insert(key, value);
            true
        }
    }
}
