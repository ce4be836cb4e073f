//! Lightweight tunnels of routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_route::route::{
    RouteAttribute, RouteIp6Tunnel, RouteIp6TunnelFlags, RouteIpTunnel, RouteIpTunnelFlags,
    RouteLwEnCapType, RouteLwTunnelEncap,
};

use crate::encap::{Encap, Tunnel, TunnelEnds, TunnelFlags};
use crate::raw::attr::Attrs;

const LWTUNNEL_ENCAP_IP: u16 = 2;
const LWTUNNEL_ENCAP_IP6: u16 = 4;
// The same numbers for both families.
const LWTUNNEL_IP_ID: u16 = 1;
const LWTUNNEL_IP_DST: u16 = 2;
const LWTUNNEL_IP_SRC: u16 = 3;
const LWTUNNEL_IP_TTL: u16 = 4;
const LWTUNNEL_IP_TOS: u16 = 5;
const LWTUNNEL_IP_FLAGS: u16 = 6;

/// The two attributes of a route; nothing for what cannot be written.
pub(super) fn attributes(encap: &Encap) -> Vec<RouteAttribute> {
    parts(encap).map_or_else(Vec::new, |(kind, values)| {
        vec![
            RouteAttribute::EncapType(kind),
            RouteAttribute::Encap(values),
        ]
    })
}

/// The type and the values of the two attributes.
pub(super) fn parts(encap: &Encap) -> Option<(RouteLwEnCapType, Vec<RouteLwTunnelEncap>)> {
    let Encap::Tunnel(tunnel) = encap else {
        return None;
    };
    Some(match tunnel.ends {
        TunnelEnds::V4 { src, dst } => (RouteLwEnCapType::Ip, over_v4(tunnel, src, dst)),
        TunnelEnds::V6 { src, dst } => (RouteLwEnCapType::Ip6, over_v6(tunnel, src, dst)),
    })
}

fn over_v4(tunnel: &Tunnel, src: Ipv4Addr, dst: Ipv4Addr) -> Vec<RouteLwTunnelEncap> {
    let flags = RouteIpTunnelFlags::from_bits_retain(tunnel.flags.0);
    let values = [
        RouteIpTunnel::Id(tunnel.id),
        RouteIpTunnel::Destination(dst),
        RouteIpTunnel::Source(src),
        RouteIpTunnel::Ttl(tunnel.ttl),
        RouteIpTunnel::Tos(tunnel.tos),
        RouteIpTunnel::Flags(flags),
    ];
    values.map(RouteLwTunnelEncap::Ip).to_vec()
}

fn over_v6(tunnel: &Tunnel, src: Ipv6Addr, dst: Ipv6Addr) -> Vec<RouteLwTunnelEncap> {
    let flags = RouteIp6TunnelFlags::from_bits_retain(tunnel.flags.0);
    let values = [
        RouteIp6Tunnel::Id(tunnel.id),
        RouteIp6Tunnel::Destination(dst),
        RouteIp6Tunnel::Source(src),
        RouteIp6Tunnel::Hoplimit(tunnel.ttl),
        RouteIp6Tunnel::Tc(tunnel.tos),
        RouteIp6Tunnel::Flags(flags),
    ];
    values.map(RouteLwTunnelEncap::Ip6).to_vec()
}

/// Reads RTA_ENCAP of that type. What is no sound tunnel is [`Encap::Other`].
pub(super) fn decode(kind: u16, attrs: Attrs<'_>) -> Encap {
    tunnel(kind, attrs).map_or(Encap::Other(kind), Encap::Tunnel)
}

fn tunnel(kind: u16, attrs: Attrs<'_>) -> Option<Tunnel> {
    let unspecified = match kind {
        LWTUNNEL_ENCAP_IP => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        LWTUNNEL_ENCAP_IP6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let (mut src, mut dst) = (unspecified, unspecified);
    let (mut id, mut ttl, mut tos, mut flags) = (0, 0, 0, 0);
    for attr in attrs {
        match attr.kind {
            LWTUNNEL_IP_ID => id = attr.u64_be()?,
            LWTUNNEL_IP_DST => dst = attr.ip()?,
            LWTUNNEL_IP_SRC => src = attr.ip()?,
            LWTUNNEL_IP_TTL => ttl = attr.u8()?,
            LWTUNNEL_IP_TOS => tos = attr.u8()?,
            LWTUNNEL_IP_FLAGS => flags = attr.u16_be()?,
            _ => {}
        }
    }
    if src.is_ipv4() != unspecified.is_ipv4() {
        return None;
    }
    Some(Tunnel {
        id,
        ends: TunnelEnds::new(src, dst)?,
        ttl,
        tos,
        flags: TunnelFlags(flags),
    })
}
