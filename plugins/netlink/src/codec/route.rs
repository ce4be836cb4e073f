//! Routes.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop,
    RouteNextHopFlags, RouteProtocol, RouteScope, RouteType, RouteVia,
};
use nix::libc;

use super::{address_family, emit, encap};
use crate::raw::attr::{Attrs, aligned, ip_of};
use crate::route::{Family, Hop, Route, RouteFilter, RouteKind, Scope};

/// Length of `struct rtmsg`.
const HEADER: usize = 12;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_NH_ID: u16 = 30;
const RTAX_LOCK: u16 = 1;
const RTAX_MTU: u16 = 2;
const RTAX_ADVMSS: u16 = 8;
/// A copy of a route for one destination, not a route of its own.
const RTM_F_CLONED: u32 = 0x200;
/// Asks for a route of a table, and not for a copy of it.
const RTM_F_FIB_MATCH: u32 = 0x2000;
/// Asks for its table as well. IPv6 tells it in any case, and refuses to be asked.
const RTM_F_LOOKUP_TABLE: u32 = 0x1000;
const RTNH_F_ONLINK: u32 = 4;

/// Asks for the routes of a family.
pub(crate) fn list(family: Family, filter: &RouteFilter) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    // These three only where the kernel checks strictly; others ignore them.
    message.header.protocol = RouteProtocol::from(filter.protocol.unwrap_or(0));
    let attributes = &mut message.attributes;
    attributes.extend(filter.table.map(RouteAttribute::Table));
    attributes.extend(filter.oif.map(RouteAttribute::Oif));
    emit(&message)
}

/// Asks by which route packets to an address go.
pub(crate) fn lookup(to: IpAddr) -> Vec<u8> {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = address_family(Family::of(to));
    header.destination_prefix_length = IpNetwork::from(to).prefix();
    let table = if to.is_ipv4() { RTM_F_LOOKUP_TABLE } else { 0 };
    header.flags = RouteFlags::from_bits_retain(RTM_F_FIB_MATCH | table);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Destination(address(to)));
    emit(&message)
}

/// Adds a route.
pub(crate) fn add(route: &Route) -> Vec<u8> {
    let mut message = with_destination(route);
    let header = &mut message.header;
    header.protocol = RouteProtocol::from(route.protocol);
    header.scope = RouteScope::from(route.scope.0);
    header.kind = RouteType::from(route.kind.0);
    if route.onlink && route.nexthop.is_none() && route.hops.is_empty() {
        header.flags |= RouteFlags::Onlink;
    }
    let attributes = &mut message.attributes;
    attributes.extend(
        route
            .prefsrc
            .map(|ip| RouteAttribute::PrefSource(address(ip))),
    );
    let metrics: Vec<_> = [
        route.mtu_lock.then_some(RouteMetric::Lock(1 << RTAX_MTU)),
        route.mtu.map(RouteMetric::Mtu),
        route.advmss.map(RouteMetric::Advmss),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    if !route.hops.is_empty() && route.nexthop.is_none() {
        let hops = route.hops.iter().map(|hop| multipath(route.dst, *hop));
        attributes.push(RouteAttribute::MultiPath(hops.collect()));
    }
    // The next hop has its own.
    let encap = route.encap.iter();
    let encap = encap.filter(|_| route.nexthop.is_none() && route.hops.is_empty());
    attributes.extend(encap.flat_map(encap::attributes));
    emit(&message)
}

/// Deletes a route, whoever set it.
pub(crate) fn delete(route: &Route) -> Vec<u8> {
    delete_of(route, 0)
}

/// Deletes a route of its own protocol number and none of another.
pub(crate) fn delete_own(route: &Route) -> Vec<u8> {
    delete_of(route, route.protocol)
}

fn delete_of(route: &Route, protocol: u8) -> Vec<u8> {
    let mut message = with_destination(route);
    message.header.protocol = RouteProtocol::from(protocol);
    message.header.scope = RouteScope::from(Scope::NOWHERE.0);
    emit(&message)
}

fn with_destination(route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = address_family(Family::of(route.dst.ip()));
    header.destination_prefix_length = route.dst.prefix();
    // Numbers above 255 are told by the attribute alone.
    header.table = u8::try_from(route.table).unwrap_or(libc::RT_TABLE_UNSPEC);
    let attributes = &mut message.attributes;
    if !route.is_default() {
        // The kernel refuses a destination with host bits.
        let network = route.dst.network();
        attributes.push(RouteAttribute::Destination(address(network)));
    }
    attributes.push(RouteAttribute::Table(route.table));
    if let Some(id) = route.nexthop {
        attributes.push(RouteAttribute::NhId(id));
    } else if route.hops.is_empty() {
        attributes.extend(route.gateway.map(|gateway| next_hop(route.dst, gateway)));
        attributes.extend(route.oif.map(RouteAttribute::Oif));
    }
    attributes.extend(route.priority.map(RouteAttribute::Priority));
    message
}

fn next_hop(dst: IpNetwork, gateway: IpAddr) -> RouteAttribute {
    match gateway {
        IpAddr::V6(v6) if dst.is_ipv4() => RouteAttribute::Via(RouteVia::Inet6(v6)),
        same => RouteAttribute::Gateway(address(same)),
    }
}

fn multipath(dst: IpNetwork, hop: Hop) -> RouteNextHop {
    let mut told = RouteNextHop::default();
    if hop.onlink {
        told.flags |= RouteNextHopFlags::Onlink;
    }
    // The kernel counts from 0.
    told.hops = u8::try_from(hop.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    told.interface_index = hop.oif;
    let gateway = hop.gateway.map(|gateway| next_hop(dst, gateway));
    told.attributes.extend(gateway);
    told
}

fn address(ip: IpAddr) -> RouteAddress {
    match ip {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }
}

/// Reads an RTM_NEWROUTE: one route for each next hop, none if it is of another
/// family or a copy out of the cache.
pub(crate) fn decode(body: &[u8]) -> Vec<Route> {
    read(body).unwrap_or_default()
}

fn read(body: &[u8]) -> Option<Vec<Route>> {
    let [
        family,
        prefix,
        _,
        _,
        table,
        protocol,
        scope,
        kind,
        f0,
        f1,
        f2,
        f3,
    ] = *body.first_chunk::<HEADER>()?;
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]);
    let family = match i32::from(family) {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return None,
    };
    if flags & RTM_F_CLONED != 0 {
        return None;
    }
    let mut route = Route {
        table: table.into(),
        scope: Scope(scope),
        protocol,
        kind: RouteKind(kind),
        onlink: flags & RTNH_F_ONLINK != 0,
        ..Route::to(family.all())
    };
    let mut hops = Vec::new();
    for attr in Attrs::after(HEADER, body) {
        match attr.kind {
            libc::RTA_DST => route.dst = IpNetwork::new(attr.ip()?, prefix).ok()?,
            libc::RTA_TABLE => route.table = attr.u32()?,
            libc::RTA_PREFSRC => route.prefsrc = attr.ip(),
            RTA_NH_ID => route.nexthop = attr.u32(),
            libc::RTA_PRIORITY => route.priority = attr.u32(),
            libc::RTA_METRICS => metrics(&mut route, attr.nested()),
            libc::RTA_MULTIPATH => hops = next_hops(attr.value),
            _ => {}
        }
    }
    via(&mut route, Attrs::after(HEADER, body));
    if hops.is_empty() {
        return Some(vec![route]);
    }
    Some(hops.into_iter().map(|hop| hop.apply(&route)).collect())
}

fn metrics(route: &mut Route, attrs: Attrs<'_>) {
    for attr in attrs {
        match attr.kind {
            RTAX_LOCK => route.mtu_lock = attr.u32().is_some_and(|bits| bits & 1 << RTAX_MTU != 0),
            RTAX_MTU => route.mtu = attr.u32(),
            RTAX_ADVMSS => route.advmss = attr.u32(),
            _ => {}
        }
    }
}

/// Reads the attributes that a route and each of several next hops can have.
fn via(route: &mut Route, attrs: Attrs<'_>) {
    let encap_type = attrs.clone().find_kind(RTA_ENCAP_TYPE);
    let encap_type = encap_type.and_then(|attr| attr.u16());
    for attr in attrs {
        match attr.kind {
            libc::RTA_GATEWAY => route.gateway = attr.ip(),
            // Two bytes of family before the address.
            libc::RTA_VIA => route.gateway = attr.value.get(2..).and_then(ip_of),
            libc::RTA_OIF => route.oif = attr.u32(),
            RTA_ENCAP => {
                route.encap = encap_type.map(|kind| encap::decode(kind, attr.nested()));
            }
            _ => {}
        }
    }
}

/// One element of RTA_MULTIPATH: `struct rtnexthop` and attributes.
struct NextHop<'a> {
    flags: u8,
    /// One less than its weight.
    hops: u8,
    index: u32,
    attrs: Attrs<'a>,
}

impl NextHop<'_> {
    fn apply(self, route: &Route) -> Route {
        let mut route = route.clone();
        route.oif = Some(self.index);
        route.onlink = u32::from(self.flags) & RTNH_F_ONLINK != 0;
        route.weight = u16::from(self.hops) + 1;
        via(&mut route, self.attrs);
        route
    }
}

fn next_hops(mut bytes: &[u8]) -> Vec<NextHop<'_>> {
    let mut hops = Vec::new();
    while let Some([l0, l1, flags, weight, i0, i1, i2, i3]) = bytes.first_chunk::<8>().copied() {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(attrs) = bytes.get(8..length) else {
            break;
        };
        hops.push(NextHop {
            flags,
            hops: weight,
            index: u32::from_ne_bytes([i0, i1, i2, i3]),
            attrs: Attrs::new(attrs),
        });
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    hops
}
