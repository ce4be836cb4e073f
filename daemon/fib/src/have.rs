//! What the kernel has, as far as it was told: by lists, and since then by events.

use crate::{links::Links, names, overlap::lies_in, place::Place};
use fairway_netlink::{
    Event, Link, Neighbour, NeighbourState, Netlink, Nexthop, Result, Route, RouteFilter, Rule,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::IpAddr,
};

/// What an event leaves to be judged anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) places: BTreeSet<Place>,
    /// Names of links that came, went, or went up or down.
    pub(crate) links: BTreeSet<String>,
    /// Device, neighbours, next hops or rules.
    pub(crate) rest: bool,
    /// Nothing that is known is worth anything.
    pub(crate) all: bool,
}

/// A route of somebody else: of one prefix there may be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Foreign {
    pub(crate) dst: IpNetwork,
    metric: Option<u32>,
    oif: Option<u32>,
}

impl Foreign {
    fn of(route: &Route) -> Foreign {
        Foreign {
            dst: route.dst,
            metric: route.priority,
            oif: route.oif,
        }
    }
}

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Have {
    pub(crate) links: Links,
    /// Routes of ours.
    pub(crate) routes: BTreeMap<Place, Route>,
    /// Routes of others in our tables, that have our metric.
    pub(crate) squatters: BTreeMap<Place, u8>,
    /// Routes of others in the main table that lie in pools, and their protocol.
    pub(crate) foreign: BTreeMap<Foreign, u8>,
    pub(crate) hops: BTreeMap<u32, Nexthop>,
    /// Numbers of next hops of others.
    pub(crate) taken: BTreeSet<u32>,
    /// Neighbours on the overlay's device.
    pub(crate) neighbours: BTreeMap<IpAddr, Neighbour>,
    pub(crate) rules: HashSet<Rule>,
}

impl Have {
    /// Lists all. `pools`: which routes of the main table count.
    pub(crate) fn list(netlink: &mut impl Netlink, pools: &[IpNetwork]) -> Result<Have> {
        let mut have = Have::default();
        for link in netlink.links()? {
            have.links.put(link);
        }
        for hop in netlink.nexthops(None)? {
            have.put_hop(hop);
        }
        if let Some(device) = have.links.named(names::DEVICE) {
            let index = device.index;
            for neighbour in netlink.neighbours(Some(index))? {
                have.neighbours.insert(neighbour.ip, neighbour);
            }
        }
        have.rules.extend(netlink.rules(Some(names::PROTOCOL))?);
        let filter = RouteFilter {
            table: None,
            ..RouteFilter::default()
        };
        let routes = netlink.routes(&filter)?;
        for routes in routes.chunk_by(is_one) {
            have.put_routes(routes, pools);
        }
        Ok(have)
    }

    /// Learns of a change.
    pub(crate) fn learn(&mut self, event: &Event, pools: &[IpNetwork]) -> Touched {
        let mut touched = Touched::default();
        match event {
            Event::LinkChanged(link) => self.link_changed(link, &mut touched),
            Event::LinkGone(link) => {
                self.links.remove(link.index);
                self.lose_link(link.index, &mut touched);
                touched.links.insert(link.name.clone());
            }
            Event::AddressGone(address) => self.lose_source(address.ip.ip(), &mut touched),
            Event::RouteChanged { routes, .. } => {
                touched.places.extend(self.put_routes(routes, pools));
                let mut routes = routes.iter();
                touched.rest |= routes.any(|one| self.foreign.contains_key(&Foreign::of(one)));
            }
            Event::RouteGone(routes) => {
                for route in routes {
                    let place = self.lose_route(route);
                    // Somebody else's may have gone out of the way.
                    touched.rest |= route.protocol != names::PROTOCOL;
                    touched.places.extend(place);
                }
            }
            Event::NeighbourChanged(neighbour) if self.on_device(neighbour.index) => {
                self.neighbours.insert(neighbour.ip, *neighbour);
                touched.rest = true;
            }
            Event::NeighbourGone(neighbour) if self.on_device(neighbour.index) => {
                self.neighbours.remove(&neighbour.ip);
                touched.rest = true;
            }
            Event::NexthopChanged(hop) => {
                self.put_hop(hop.clone());
                touched.rest = true;
            }
            Event::NexthopGone(hop) => {
                self.lose_hop(hop.id, &mut touched);
                touched.rest = true;
            }
            Event::RuleChanged(rule) if rule.protocol == names::PROTOCOL => {
                self.rules.insert(rule.clone());
            }
            Event::RuleGone(rule) => touched.rest |= self.rules.remove(rule),
            Event::ListAnew => touched.all = true,
            _ => {}
        }
        touched
    }

    fn on_device(&self, index: u32) -> bool {
        let device = self.links.named(names::DEVICE);
        device.is_some_and(|device| device.index == index)
    }

    fn link_changed(&mut self, link: &Link, touched: &mut Touched) {
        let before = self.links.put(link.clone());
        let renamed = before.as_ref().map(|before| before.name.clone());
        let same = before.as_ref().is_some_and(|before| {
            (
                before.up,
                &before.name,
                before.mac,
                before.master,
                &before.alias,
            ) == (link.up, &link.name, link.mac, link.master, &link.alias)
        });
        if before.is_some_and(|before| before.mtu != link.mtu) {
            self.lose_mtu(link.index, touched);
        }
        if same {
            return;
        }
        touched.links.insert(link.name.clone());
        touched.links.extend(renamed);
        if !link.up {
            self.lose_link(link.index, touched);
        }
    }

    /// A link carries nothing any more: all that hung on it is gone, and of IPv4's routes nothing else
    /// tells.
    fn lose_link(&mut self, index: u32, touched: &mut Touched) {
        let hops: Vec<_> = self.hops.values().filter(|hop| hop.oif == index).collect();
        let ids: Vec<_> = hops.iter().map(|hop| hop.id).collect();
        touched.rest |= !ids.is_empty();
        for id in ids {
            self.lose_hop(id, touched);
        }
        self.lose_routes(touched, |route| {
            route.nexthop.is_none() && route.uses_link(index)
        });
        let foreign = self.foreign.len();
        self.foreign.retain(|known, _| known.oif != Some(index));
        touched.rest |= foreign != self.foreign.len();
        let neighbours = self.neighbours.len();
        self.neighbours.retain(|_, known| known.index != index);
        touched.rest |= neighbours != self.neighbours.len();
    }

    /// A link's MTU changes, and with it, in silence, those of IPv6's routes by it.
    fn lose_mtu(&mut self, index: u32, touched: &mut Touched) {
        let hops = self.hops.values().filter(|hop| hop.oif == index);
        let hops: BTreeSet<u32> = hops.map(|hop| hop.id).collect();
        self.lose_routes(touched, |route| {
            let by_hop = route.nexthop.is_some_and(|id| hops.contains(&id));
            route.dst.is_ipv6() && (by_hop || route.uses_link(index))
        });
        touched.rest |= !hops.is_empty();
    }

    fn lose_hop(&mut self, id: u32, touched: &mut Touched) {
        self.taken.remove(&id);
        if self.hops.remove(&id).is_some() {
            self.lose_routes(touched, |route| route.nexthop == Some(id));
        }
    }

    fn lose_routes(&mut self, touched: &mut Touched, lost: impl Fn(&Route) -> bool) {
        let gone = self.routes.extract_if(.., |_, route| lost(route));
        touched.places.extend(gone.map(|(place, _)| place));
    }

    /// IPv4 routes go with the address that they name as their source, those of IPv6 lose the word.
    fn lose_source(&mut self, ip: IpAddr, touched: &mut Touched) {
        match ip {
            IpAddr::V4(_) => self.lose_routes(touched, |route| route.prefsrc == Some(ip)),
            IpAddr::V6(_) => {
                for (place, route) in &mut self.routes {
                    if route.prefsrc == Some(ip) {
                        route.prefsrc = None;
                        touched.places.insert(*place);
                    }
                }
            }
        }
    }

    pub(crate) fn put_hop(&mut self, hop: Nexthop) {
        if hop.protocol == names::PROTOCOL {
            self.hops.insert(hop.id, hop);
        } else {
            self.hops.remove(&hop.id);
            self.taken.insert(hop.id);
        }
    }

    /// Takes notice of a route, told as one for each next hop; its place, if that may matter.
    fn put_routes(&mut self, routes: &[Route], pools: &[IpNetwork]) -> Option<Place> {
        for route in routes.iter().filter(|route| route.table == Route::MAIN) {
            if pools.iter().any(|pool| lies_in(route.dst, *pool)) {
                self.foreign.insert(Foreign::of(route), route.protocol);
            }
        }
        let place = ours(routes.first()?)?;
        let route = Route::joined(routes)?;
        match route.protocol == names::PROTOCOL {
            true => {
                self.squatters.remove(&place);
                self.routes.insert(place, route);
            }
            false => {
                self.routes.remove(&place);
                self.squatters.insert(place, route.protocol);
            }
        }
        Some(place)
    }

    fn lose_route(&mut self, route: &Route) -> Option<Place> {
        if route.table == Route::MAIN {
            self.foreign.remove(&Foreign::of(route));
            return None;
        }
        let place = ours(route)?;
        if route.protocol == names::PROTOCOL {
            self.routes.remove(&place);
        } else {
            self.squatters.remove(&place);
        }
        Some(place)
    }

    /// Is that neighbour of ours there?
    pub(crate) fn has_neighbour(&self, spec: &fairway_netlink::NeighbourSpec) -> bool {
        let known = self.neighbours.get(&spec.ip);
        known.is_some_and(|known| {
            known.state == NeighbourState::PERMANENT
                && (known.index, known.mac) == (spec.index, Some(spec.mac))
        })
    }
}

/// Is one told as the next hop of the other's route?
fn is_one(one: &Route, other: &Route) -> bool {
    let of = |route: &Route| (ours(route), route.protocol, route.kind);
    ours(one).is_some() && of(one) == of(other)
}

/// The place of a route in one of our tables with our metric.
fn ours(route: &Route) -> Option<Place> {
    let counts = names::is_table(route.table) && route.priority == Some(names::METRIC);
    counts.then_some(Place {
        table: route.table,
        dst: route.dst,
    })
}
