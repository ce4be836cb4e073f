//! Bytes and values of what overlays are made of.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use netlink_packet_core::Parseable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::route::{
    RouteAttribute, RouteIpTunnel, RouteLwEnCapType, RouteLwTunnelEncap, RouteMessage, RouteNextHop,
};
use proptest::prelude::*;

use super::*;
use crate::encap::{Encap, Tunnel, TunnelEnds, TunnelFlags};
use crate::link::LinkKind;
use crate::mac::MacAddr;
use crate::neighbour::{NeighbourSpec, NeighbourState};
use crate::route::{Family, Route, RouteFilter};
use crate::vxlan::VxlanSpec;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ends(src: &str, dst: &str) -> TunnelEnds {
    TunnelEnds::new(ip(src), ip(dst)).unwrap()
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>()
}

prop_compose! {
    fn any_tunnel()(
        id in any::<u64>(), v6 in any::<bool>(), src in any::<u128>(), dst in any::<u128>(),
        ttl in any::<u8>(), tos in any::<u8>(), flags in any::<u16>(),
    ) -> Tunnel {
        let ends = match v6 {
            true => TunnelEnds::V6 { src: src.into(), dst: dst.into() },
            false => TunnelEnds::V4 { src: (src as u32).into(), dst: (dst as u32).into() },
        };
        Tunnel { id, ends, ttl, tos, flags: TunnelFlags(flags) }
    }
}

/// The library reads what is written for it, and the other way round.
fn parsed(bytes: &[u8]) -> Vec<RouteAttribute> {
    let buffer = RouteMessage::parse(bytes);
    buffer.unwrap().attributes
}

#[test]
fn an_overlay_route_is_written_as_the_kernel_reads_it() {
    let tunnel = Tunnel::new(4096, ends("192.0.2.1", "192.0.2.2"));
    let route = Route {
        gateway: Some(ip("fe80::fa")),
        oif: Some(7),
        onlink: true,
        encap: Some(Encap::Tunnel(tunnel)),
        ..Route::to("10.1.1.0/26".parse().unwrap())
    };
    let attributes = parsed(&route::add(&route));
    assert!(attributes.contains(&RouteAttribute::EncapType(RouteLwEnCapType::Ip)));
    let encap = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Encap(values) => Some(values.clone()),
        _ => None,
    });
    let encap = encap.unwrap();
    for value in [
        RouteIpTunnel::Id(4096),
        RouteIpTunnel::Source([192, 0, 2, 1].into()),
        RouteIpTunnel::Destination([192, 0, 2, 2].into()),
        RouteIpTunnel::Ttl(64),
    ] {
        assert!(encap.contains(&RouteLwTunnelEncap::Ip(value)), "{encap:?}");
    }
}

#[test]
fn each_next_hop_has_its_own_tunnel() {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    let hop = |dst: [u8; 4]| {
        let mut hop = RouteNextHop::default();
        hop.interface_index = 7;
        hop.attributes = vec![
            RouteAttribute::EncapType(RouteLwEnCapType::Ip),
            RouteAttribute::Encap(vec![RouteLwTunnelEncap::Ip(RouteIpTunnel::Destination(
                dst.into(),
            ))]),
        ];
        hop
    };
    let hops = vec![hop([10, 0, 0, 1]), hop([10, 0, 0, 2])];
    message.attributes.push(RouteAttribute::MultiPath(hops));
    let told = route::decode(&emit(&message));
    let far = told.iter().map(|route| match route.encap {
        Some(Encap::Tunnel(tunnel)) => tunnel.ends.dst(),
        _ => ip("::"),
    });
    assert_eq!(far.collect::<Vec<_>>(), [ip("10.0.0.1"), ip("10.0.0.2")]);
}

#[test]
fn encapsulations_of_others_are_told_by_number() {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet6;
    message.attributes = vec![
        RouteAttribute::EncapType(RouteLwEnCapType::Seg6),
        RouteAttribute::Encap(vec![]),
    ];
    let told = route::decode(&emit(&message));
    assert_eq!(told[0].encap, Some(Encap::Other(5)));
    // Addresses of the other family make no tunnel.
    message.attributes = vec![
        RouteAttribute::EncapType(RouteLwEnCapType::Ip6),
        RouteAttribute::Encap(vec![
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Destination([1, 2, 3, 4].into())),
            RouteLwTunnelEncap::Ip(RouteIpTunnel::Source([1, 2, 3, 4].into())),
        ]),
    ];
    let told = route::decode(&emit(&message));
    assert_eq!(told[0].encap, Some(Encap::Other(4)));
}

#[test]
fn the_kernel_is_asked_to_filter_by_protocol() {
    let filter = RouteFilter {
        protocol: Some(77),
        ..RouteFilter::default()
    };
    // Sixth byte of struct rtmsg.
    assert_eq!(route::list(Family::V4, &filter)[5], 77);
}

#[test]
fn entries_of_proxies_and_bridges_are_no_neighbours() {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.ifindex = 7;
    assert_eq!(neighbour::decode(&emit(&message)), None);
    let address = NeighbourAttribute::Destination(ip("10.0.0.1").into());
    message.attributes.push(address);
    let told = neighbour::decode(&emit(&message)).unwrap();
    assert_eq!((told.index, told.ip, told.mac), (7, ip("10.0.0.1"), None));
    message.header.family = AddressFamily::Bridge;
    assert_eq!(neighbour::decode(&emit(&message)), None);
    message.header.family = AddressFamily::Inet;
    message.header.flags = netlink_packet_route::neighbour::NeighbourFlags::Proxy;
    assert_eq!(neighbour::decode(&emit(&message)), None);
}

proptest! {
    /// A neighbour that is asked for and told back is the same.
    #[test]
    fn neighbours(ip in any_ip(), index in any::<u32>(), mac in any::<[u8; 6]>(), protocol in any::<u8>()) {
        let spec = NeighbourSpec { index, ip, mac: MacAddr(mac), protocol };
        let told = neighbour::decode(&neighbour::set(&spec)).unwrap();
        prop_assert!(told.is(&spec), "{:?}", told);
        prop_assert_eq!(told.state, NeighbourState::PERMANENT);
    }

    /// So is a VXLAN device.
    #[test]
    fn vxlan_devices(
        port in any::<u16>(), mtu in any::<u32>(), mac in any::<[u8; 6]>(),
        udp_csum in any::<bool>(), udp6_zero_csum_tx in any::<bool>(),
        udp6_zero_csum_rx in any::<bool>(),
    ) {
        let mac = Some(MacAddr(mac));
        let spec = VxlanSpec {
            port, mtu: Some(mtu), mac, udp_csum, udp6_zero_csum_tx, udp6_zero_csum_rx,
            ..VxlanSpec::new("vx")
        };
        let mut bytes = vxlan::create(&spec);
        // The index, which the kernel gives.
        bytes[4] = 1;
        let told = link::decode(&bytes).unwrap();
        prop_assert_eq!((told.name.as_str(), told.mtu, told.mac), ("vx", mtu, mac));
        prop_assert_eq!(told.kind, Some(LinkKind::Vxlan(spec.settings())));
    }

    /// A route in a tunnel that is asked for and told back is the same.
    #[test]
    fn overlay_routes(
        v6 in any::<bool>(), tunnel in any_tunnel(), gateway in any_ip(),
        mtu_lock in any::<bool>(), mtu in 1_u32..,
    ) {
        let dst: IpNetwork = if v6 { "fd01::/64" } else { "10.1.1.0/26" }.parse().unwrap();
        // IPv6 has no gateways of IPv4.
        let gateway = gateway.is_ipv6() || !v6;
        let gateway = gateway.then_some(ip("fe80::fa"));
        let route = Route {
            gateway, oif: Some(7), onlink: true, mtu: Some(mtu), mtu_lock,
            encap: Some(Encap::Tunnel(tunnel)), ..Route::to(dst)
        };
        prop_assert_eq!(route::decode(&route::add(&route)), [route]);
    }

    /// So is a next hop.
    #[test]
    fn next_hops(
        tunnel in any_tunnel(), gateway in any_ip(), id in any::<u32>(), oif in any::<u32>(),
        protocol in any::<u8>(), onlink in any::<bool>(), plain in any::<bool>(),
    ) {
        let encap = Some(Encap::Tunnel(tunnel)).filter(|_| !plain);
        let hop = crate::Nexthop { id, gateway, oif, protocol, onlink, encap };
        let bytes = nexthop::set(&hop).unwrap();
        prop_assert_eq!(nexthop::decode(&bytes), Some(hop));
    }

    /// Whatever is damaged in it, reading it does not panic.
    #[test]
    fn damaged_overlay(
        tunnel in any_tunnel(), at in any::<prop::sample::Index>(), with in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let route = Route {
            gateway: Some(ip("fe80::fa")), mtu: Some(1400), mtu_lock: true,
            encap: Some(Encap::Tunnel(tunnel)), ..Route::to("10.1.1.0/26".parse().unwrap())
        };
        let vxlan = vxlan::create(&VxlanSpec::new("vx"));
        let spec = NeighbourSpec { index: 7, ip: ip("::1"), mac: MacAddr([2; 6]), protocol: 9 };
        let hop = crate::Nexthop {
            id: 1, gateway: ip("::1"), oif: 7, protocol: 9, onlink: true, encap: route.encap,
        };
        let hop = nexthop::set(&hop).unwrap();
        for mut bytes in [route::add(&route), vxlan, neighbour::set(&spec), hop] {
            *at.get_mut(&mut bytes) = with;
            bytes.truncate(cut.index(bytes.len()) + 1);
            let _ = route::decode(&bytes);
            let _ = link::decode(&bytes);
            let _ = neighbour::decode(&bytes);
            let _ = nexthop::decode(&bytes);
        }
    }
}
