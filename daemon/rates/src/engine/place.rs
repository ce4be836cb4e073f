//! Namespace and network of endpoints: what objects say of all who are there, found once for all of them.

use super::{
    Key, Sharers,
    said::{Said, Word},
};
use crate::model::{Direction, Endpoint, EndpointId, RateLimit, Scope, Wish};
use std::collections::{BTreeMap, BTreeSet};

/// What is said of endpoints at one place.
pub(super) struct Place<'w> {
    /// Objects with a limit for each of them, if their labels fit.
    pub(super) own: Vec<&'w RateLimit>,
    /// Objects about all of the namespace together, and about all of the network.
    about: [(Sharers, Vec<&'w RateLimit>); 2],
    ingress: [Shared<'w>; 2],
    egress: [Shared<'w>; 2],
}

/// What is said of those with whom endpoints share a limit.
pub(super) struct Shared<'w> {
    /// The limit; none: nothing is limited.
    pub(super) key: Option<Key>,
    /// How much is said of these endpoints.
    pub(super) said: Said<'w>,
    /// Their mark.
    pub(super) dscp: Option<u8>,
}

/// A namespace, and a network if any.
type At<'w> = (&'w str, Option<&'w str>);

/// Of all endpoints.
pub(super) struct Places<'w> {
    places: BTreeMap<At<'w>, Place<'w>>,
    /// What all objects together say of a shared limit that somebody is under.
    pub(super) shared: BTreeMap<Key, Said<'w>>,
}

fn at(endpoint: &Endpoint) -> At<'_> {
    (&endpoint.namespace, endpoint.network.as_deref())
}

impl<'w> Places<'w> {
    pub(super) fn new(
        limits: &'w BTreeMap<String, RateLimit>,
        endpoints: &'w BTreeMap<EndpointId, Endpoint>,
    ) -> Places<'w> {
        let mut places = BTreeMap::new();
        for endpoint in endpoints.values() {
            let at = at(endpoint);
            places.entry(at).or_insert_with(|| Place::new(limits, at));
        }
        let mut sayers: BTreeMap<Key, BTreeMap<&str, &Wish>> = BTreeMap::new();
        for (sharers, limits) in places.values().flat_map(|place: &Place<'w>| &place.about) {
            for direction in Direction::BOTH {
                let wishes = limits
                    .iter()
                    .filter_map(|l| Some((&l.name, l.wish(direction)?)));
                for (name, wish) in wishes.filter(|(_, wish)| !wish.allowance.is_none()) {
                    let key = (sharers.clone(), direction);
                    sayers.entry(key).or_default().insert(name, wish);
                }
            }
        }
        let together = |(key, wishes): (Key, BTreeMap<&'w str, &'w Wish>)| {
            let mut said = Said::default();
            for (name, wish) in wishes {
                said.hear(wish.allowance, Word::RateLimit(name));
            }
            (key, said)
        };
        let shared = sayers.into_iter().map(together).collect();
        Places { places, shared }
    }

    /// Where there is anybody.
    pub(super) fn occupied(&self) -> BTreeSet<(String, Option<String>)> {
        let owned = |(namespace, network): &At<'_>| {
            let network = network.map(str::to_owned);
            ((*namespace).to_owned(), network)
        };
        self.places.keys().map(owned).collect()
    }

    pub(super) fn of(&self, endpoint: &'w Endpoint) -> Option<&Place<'w>> {
        self.places.get(&at(endpoint))
    }
}

impl<'w> Place<'w> {
    fn new(limits: &'w BTreeMap<String, RateLimit>, (namespace, network): At<'_>) -> Place<'w> {
        let among = |list: &[String], name: Option<&str>| {
            list.is_empty() || name.is_some_and(|name| list.iter().any(|other| other == name))
        };
        let fits = |per, limit: &&RateLimit| {
            limit.per == per
                && among(&limit.namespaces, Some(namespace))
                && among(&limit.networks, network)
                && (per != Scope::Network || network.is_some())
        };
        let fitting = |per| -> Vec<_> { limits.values().filter(|l| fits(per, l)).collect() };
        let of = Sharers::Namespace(namespace.to_owned());
        let namespace = (of, fitting(Scope::Namespace));
        let of = Sharers::Network(network.unwrap_or_default().to_owned());
        let about = [namespace, (of, fitting(Scope::Network))];
        let shared = |direction| {
            let about = about.each_ref();
            about.map(|(sharers, limits)| Shared::new(sharers, limits, direction))
        };
        Place {
            own: fitting(Scope::Container),
            ingress: shared(Direction::Ingress),
            egress: shared(Direction::Egress),
            about,
        }
    }

    /// What is said of all of the namespace, and of all of the network.
    pub(super) fn shared(&self, direction: Direction) -> &[Shared<'w>; 2] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl<'w> Shared<'w> {
    fn new(sharers: &Sharers, limits: &[&'w RateLimit], direction: Direction) -> Shared<'w> {
        let (mut said, mut dscp) = (Said::default(), None);
        for limit in limits {
            if let Some(wish) = limit.wish(direction) {
                said.hear(wish.allowance, Word::RateLimit(&limit.name));
                dscp = dscp.or(wish.dscp);
            }
        }
        let key = said.by().map(|_| (sharers.clone(), direction));
        Shared { key, said, dscp }
    }
}
