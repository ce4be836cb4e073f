//! From the routing table's words to the kernel's.

use crate::{links::Links, names, peer::Peer, place::Place, settings::Settings};
use fairway_netlink::{Hop, Route, RouteKind, Scope};
use fairway_rib::Forward;
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// What a prefix needs before it can have its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rendered {
    /// This one.
    Route(Box<Route>),
    /// The underlay's link or a next hop is not there (yet): what the kernel has may still lead there.
    Waits,
    /// The container's link is not there: whatever the kernel has leads to somebody else.
    Absent,
    /// Whatever the kernel has stays.
    Hold,
}

/// The route of a prefix. `hop`: the number of a peer's next hop.
pub(crate) fn route(
    place: Place,
    forward: &Forward,
    links: &Links,
    settings: &Settings,
    hop: impl FnOnce(&Peer) -> Option<u32>,
) -> Rendered {
    let base = Route {
        table: place.table,
        protocol: names::PROTOCOL,
        priority: Some(names::METRIC),
        ..Route::to(place.dst)
    };
    let prefsrc = match place.dst {
        IpNetwork::V4(_) => settings.source_v4.map(IpAddr::V4),
        IpNetwork::V6(_) => settings.source_v6.map(IpAddr::V6),
    };
    let route = match forward {
        Forward::Hold => return Rendered::Hold,
        Forward::Unreachable => Route {
            kind: RouteKind::UNREACHABLE,
            ..base
        },
        Forward::Blackhole => Route {
            kind: RouteKind::BLACKHOLE,
            ..base
        },
        Forward::Link { link } => match links.up(link.as_str()) {
            Some(index) => Route {
                oif: Some(index),
                scope: Scope::LINK,
                prefsrc,
                ..base
            },
            None => return Rendered::Absent,
        },
        Forward::Direct { gateway, mtu } => {
            let named = gateway.link().map(|link| link.as_str());
            let link = named.or(settings.uplink.as_deref());
            match link.and_then(|link| links.up(link)) {
                Some(index) => Route {
                    gateway: Some(gateway.address()),
                    oif: Some(index),
                    // A network's table may itself know the gateway by another way.
                    onlink: true,
                    mtu: mtu.map(|mtu| u32::from(mtu.bytes())),
                    prefsrc,
                    ..base
                },
                None => return Rendered::Waits,
            }
        }
        Forward::Multipath { gateways } => {
            let mut hops: Vec<Hop> = gateways
                .iter()
                .filter_map(|gateway| {
                    let named = gateway.link().map(|link| link.as_str());
                    let link = named.or(settings.uplink.as_deref())?;
                    Some(Hop {
                        gateway: Some(gateway.address()),
                        oif: links.up(link)?,
                        onlink: true,
                        weight: 1,
                    })
                })
                .collect();
            hops.sort_unstable();
            match hops[..] {
                [] => return Rendered::Waits,
                // Packets go by those that are left.
                [hop] => Route {
                    gateway: hop.gateway,
                    oif: Some(hop.oif),
                    onlink: true,
                    prefsrc,
                    ..base
                },
                _ => Route {
                    hops,
                    prefsrc,
                    ..base
                },
            }
        }
        Forward::Encap {
            vni,
            source,
            vtep,
            mtu,
        } => match Peer::new(*vni, *source, *vtep).and_then(|peer| hop(&peer)) {
            Some(id) => Route {
                nexthop: Some(id),
                mtu: Some(u32::from(mtu.bytes())),
                prefsrc,
                ..base
            },
            None => return Rendered::Waits,
        },
    };
    Rendered::Route(Box::new(route))
}

/// Is what the kernel has what was asked for? Of scope and link it says of its own what was not asked.
pub(crate) fn is(have: &Route, want: &Route) -> bool {
    let have = normal(have.clone());
    have == normal(want.clone())
}

fn normal(route: Route) -> Route {
    let mut route = route.without_hop();
    route.scope = Scope::UNIVERSE;
    if route.kind != RouteKind::UNICAST {
        (route.oif, route.gateway, route.prefsrc) = (None, None, None);
        route.hops.clear();
    }
    route.advmss = None;
    route
}

/// The peer that a way leads to.
pub(crate) fn peer(forward: &Forward) -> Option<Peer> {
    match forward {
        Forward::Encap {
            vni, source, vtep, ..
        } => Peer::new(*vni, *source, *vtep),
        _ => None,
    }
}
