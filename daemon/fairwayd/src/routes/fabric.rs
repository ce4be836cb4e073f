//! What BGP neighbours tell, in the tables of networks.
//!
//! A neighbour knows nothing of networks: what it tells is for containers of each. Two things are not. Where containers
//! are the store says, not a neighbour: within a pool, its word counts only for a prefix that is a block or a claim, and
//! only where the node has no way of its own to that (a node in another subnet, and `encap: never`). And what lies in
//! a pool of another network is that network's business.

use fairway_ipam::{Cidr, NetworkName};
use fairway_rib::{
    Input, Prefix,
    route::{BgpRoute, Gateway, Gateways, Key, Path, Route},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// How a prefix is reached, otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) prefix: Cidr,
    /// None: not by a neighbour any more.
    pub(crate) way: Option<Way>,
}

/// A way that a neighbour told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// The neighbour.
    pub(crate) peer: IpAddr,
    /// Next hops: of the best, and of those that are used beside it.
    pub(crate) next_hops: Vec<IpAddr>,
    /// What decides between several.
    pub(crate) path: Path,
}

/// A way, and what its next hops were reached by when that was looked up last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    way: Way,
    /// Those that were, each with its gateways.
    reached: Vec<(IpAddr, Vec<Gateway>)>,
}

/// Says what a next hop is reached by; by nothing: it is not.
pub(super) trait Reach: Fn(IpAddr) -> Vec<Gateway> {}

impl<F: Fn(IpAddr) -> Vec<Gateway>> Reach for F {}

fn reached(way: &Way, reach: &impl Reach) -> Vec<(IpAddr, Vec<Gateway>)> {
    let all = way.next_hops.iter().map(|hop| (*hop, reach(*hop)));
    all.filter(|(_, by)| !by.is_empty()).collect()
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Fabric {
    known: BTreeMap<Prefix, Known>,
    /// Networks, and the prefixes of their pools.
    places: BTreeMap<NetworkName, Vec<Cidr>>,
    /// What was told before the daemon began was told again, or is not waited for. Until then nothing is taken out of
    /// the kernel that was there.
    pub(super) again: bool,
}

impl Fabric {
    /// What the routing table is told of what is learned.
    pub(super) fn learn(&mut self, learned: Vec<Learned>, reach: &impl Reach) -> Vec<Input> {
        let mut inputs = Vec::new();
        for Learned { prefix, way } in learned {
            // What is not routed (loopback, multicast and the like) is not put into any table.
            let Ok(prefix) = Prefix::new(prefix) else {
                continue;
            };
            let known = way.map(|way| Known {
                reached: reached(&way, reach),
                way,
            });
            let before = match known {
                Some(known) => self.known.insert(prefix, known),
                None => self.known.remove(&prefix),
            };
            let before = self.routes(prefix, before.as_ref());
            let now = self.routes(prefix, self.known.get(&prefix));
            differ(before, now, &mut inputs);
        }
        inputs
    }

    /// Next hops are reached in other ways than before. By one that is not reached any more nothing goes: other ways are
    /// about to be chosen, or none.
    pub(super) fn reach(&mut self, reach: &impl Reach) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut known = std::mem::take(&mut self.known);
        for (prefix, one) in &mut known {
            let now = reached(&one.way, reach);
            if one.reached != now {
                let before = self.routes(*prefix, Some(one));
                one.reached = now;
                differ(before, self.routes(*prefix, Some(one)), &mut inputs);
            }
        }
        self.known = known;
        inputs
    }

    /// Networks or their pools are others than before.
    pub(super) fn place(&mut self, places: BTreeMap<NetworkName, Vec<Cidr>>) -> Vec<Input> {
        if self.places == places {
            return Vec::new();
        }
        let before = self.all();
        self.places = places;
        let mut inputs = Vec::new();
        differ(before, self.all(), &mut inputs);
        inputs
    }

    /// Nobody tells anything any more.
    pub(super) fn forget(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        differ(self.all(), BTreeMap::new(), &mut inputs);
        self.known.clear();
        inputs
    }

    fn all(&self) -> BTreeMap<Key, Route> {
        let all = self.known.iter();
        all.flat_map(|(prefix, known)| self.routes(*prefix, Some(known)))
            .collect()
    }

    /// In the table of each network that it is for.
    fn routes(&self, prefix: Prefix, known: Option<&Known>) -> BTreeMap<Key, Route> {
        let reached = known.and_then(|known| {
            let by = known.reached.iter().flat_map(|(_, by)| by).cloned();
            let next_hops: Vec<IpAddr> = known.reached.iter().map(|(hop, _)| *hop).collect();
            Some((&known.way, next_hops, Gateways::new(by)?))
        });
        let Some((way, next_hops, gateways)) = reached else {
            return BTreeMap::new();
        };
        let within = |ranges: &Vec<Cidr>| {
            let cidr = prefix.cidr();
            let holds =
                |range: &Cidr| range.prefix() <= cidr.prefix() && range.contains(cidr.first());
            ranges.iter().any(holds)
        };
        let inside = self.places.iter().filter(|(_, ranges)| within(ranges));
        let inside: BTreeSet<&NetworkName> = inside.map(|(network, _)| network).collect();
        let networks = self.places.keys();
        let networks = networks.filter(|network| inside.is_empty() || inside.contains(*network));
        let routes = networks.map(|network| {
            let route = Route::Bgp(BgpRoute {
                peer: way.peer,
                network: network.clone(),
                prefix,
                next_hops: next_hops.clone(),
                gateways: gateways.clone(),
                path: way.path,
                beside: !inside.is_empty(),
            });
            (route.key(), route)
        });
        routes.collect()
    }
}

fn differ(before: BTreeMap<Key, Route>, now: BTreeMap<Key, Route>, inputs: &mut Vec<Input>) {
    for key in before.keys().filter(|key| !now.contains_key(*key)) {
        inputs.push(Input::Withdraw(key.clone()));
    }
    for (key, route) in now {
        if before.get(&key) != Some(&route) {
            inputs.push(Input::Route(route));
        }
    }
}

#[cfg(test)]
#[path = "fabric_tests.rs"]
mod tests;
