//! Bytes and values, both ways.
//!
//! Requests are compared with bytes; what the kernel says is written with
//! netlink-packet-route, which this crate does not read with, so the two check
//! each other. Where the kernel of a build machine may lack VLAN filtering, the
//! bytes were taken from one that has it.

use ipnetwork::IpNetwork;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    AfSpecBridge, BridgeVlanInfo, BridgeVlanInfoFlags as VlanFlags, InfoBridge, InfoBridgePort,
    InfoData, InfoKind, InfoPortData, InfoPortKind, LinkAttribute, LinkFlags, LinkInfo,
    LinkMessage, State,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::bridge::{BridgePort, BridgePortState, PortState, PortVlan, PortVlanRange};
use crate::link::{LinkKind, OperState};
use crate::route::Route;

/// Numbers in hexadecimal, little end first, spaces and `|` for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|byte| char::from(byte).to_digit(16)?.try_into().ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn tagged(vid: u16) -> PortVlan {
    PortVlan {
        vid,
        pvid: false,
        untagged: false,
    }
}

fn access(vid: u16) -> PortVlan {
    PortVlan {
        vid,
        pvid: true,
        untagged: true,
    }
}

#[cfg(target_endian = "little")]
mod bytes {
    use super::*;

    #[test]
    fn vlans_of_a_port() {
        let wanted = [
            PortVlanRange::access(100),
            PortVlanRange::range(200, 4094),
            PortVlanRange::single(5),
        ];
        let expected = "07 00 0000 09000000 00000000 00000000 \
            | 2400 1a00 \
            | 0800 0200 0600 6400 \
            | 0800 0200 0800 c800 | 0800 0200 1000 fe0f \
            | 0800 0200 0000 0500";
        assert_eq!(bridge::change_vlans(9, &wanted, false), hex(expected));
    }

    #[test]
    fn vlans_of_a_bridge_itself() {
        let expected = "07 00 0000 03000000 00000000 00000000 \
            | 1400 1a00 | 0600 0000 0200 0000 | 0800 0200 0000 6400";
        let wanted = [PortVlanRange::single(100)];
        assert_eq!(bridge::change_vlans(3, &wanted, true), hex(expected));
    }

    #[test]
    fn an_untagged_range() {
        let range = PortVlanRange {
            untagged: true,
            ..PortVlanRange::range(2, 3)
        };
        let expected = "07 00 0000 03000000 00000000 00000000 \
            | 1400 1a00 | 0800 0200 0c00 0200 | 0800 0200 1400 0300";
        assert_eq!(bridge::change_vlans(3, &[range], false), hex(expected));
    }

    #[test]
    fn all_vlans() {
        // IFLA_EXT_MASK: RTEXT_FILTER_BRVLAN_COMPRESSED.
        let expected = "07 00 0000 00000000 00000000 00000000 | 0800 1d00 04000000";
        assert_eq!(bridge::list_vlans(), hex(expected));
    }

    /// What `bridge vlan add dev port0 vid 100 pvid untagged`, `vid 200-202` and
    /// `vid 300 untagged` left, as Linux 6.12 tells it.
    fn told() -> Vec<PortVlan> {
        let untagged = |vid| PortVlan {
            untagged: true,
            ..tagged(vid)
        };
        let run = [tagged(200), tagged(201), tagged(202)];
        [&[untagged(1), access(100)][..], &run, &[untagged(300)]].concat()
    }

    #[test]
    fn vlans_as_the_kernel_tells_them_of_all() {
        let bytes = "07000100 05000000 02100000 00000000 \
            | 0a000300 706f727430000000 | 08000a00 03000000 | 08000400 dc050000 \
            | 05001000 02000000 | 0a000100 e29b49d6465b0000 | 08000500 04000000 \
            | 14000c80 0500010000000000 0600020020000000 \
            | 2c001a00 08000200 0400 0100 | 08000200 0600 6400 \
            | 08000200 0800 c800 | 08000200 1000 ca00 | 08000200 0400 2c01";
        assert_eq!(bridge::decode_vlans(&hex(bytes)), Some((5, told())));
    }

    #[test]
    fn vlans_as_the_kernel_tells_them_of_one() {
        let entry = |length: &str, info: &str| {
            format!(
                "{length}000180 08000100 {info} 0500030003000000 0500090000000000 0500060001000000"
            )
        };
        let bytes = [
            "07000000 05000000".to_owned(),
            entry("24", "0400 0100"),
            entry("24", "0600 6400"),
            entry("2c", "0000 c800 | 06000200 ca000000"),
            entry("24", "0400 2c01"),
        ];
        let bytes = hex(&bytes.join(" | "));
        assert_eq!(bridge::decode_vlan_db(&bytes), Some((5, told())));
        assert_eq!(bridge::list_vlans_of(5), hex("07000000 05000000"));
    }

    #[test]
    fn a_port() {
        let port = BridgePort {
            hairpin: Some(true),
            isolated: Some(false),
        };
        let expected = "07 00 0000 09000000 00000000 00000000 \
            | 1400 0c80 | 0500 0400 01 000000 | 0500 2100 00 000000";
        assert_eq!(bridge::set_port(9, &port), hex(expected));
    }
}

#[test]
fn odd_vlans_are_no_reason_to_fail() {
    let told = |vlans: &[(u16, VlanFlags)]| {
        let mut message = LinkMessage::default();
        message.header.interface_family = AddressFamily::Bridge;
        message.header.index = 9;
        let entry = |(vid, flags): &(u16, VlanFlags)| {
            AfSpecBridge::VlanInfo(BridgeVlanInfo {
                flags: *flags,
                vid: *vid,
            })
        };
        let spec = vlans.iter().map(entry).collect();
        message.attributes.push(LinkAttribute::AfSpecBridge(spec));
        bridge::decode_vlans(&emit(&message)).unwrap().1
    };
    let (begin, end) = (VlanFlags::RangeBegin, VlanFlags::RangeEnd);
    assert_eq!(told(&[]), []);
    // A range that never ends, one that never began, one the wrong way round.
    assert_eq!(told(&[(5, begin)]), []);
    assert_eq!(told(&[(5, end)]), [tagged(5)]);
    assert_eq!(told(&[(5, begin), (4, end)]), []);
    assert_eq!(told(&[(5, begin), (7, VlanFlags::empty())]), [tagged(7)]);
    assert_eq!(bridge::decode_vlans(&[0; 15]), None);
    assert_eq!(bridge::decode_vlans(&[0; 16]), Some((0, vec![])));
}

#[test]
fn a_port_of_a_bridge_is_read() {
    let mut message = LinkMessage::default();
    message.header.index = 7;
    message.header.flags = LinkFlags::Up | LinkFlags::Promisc;
    message.attributes = vec![
        LinkAttribute::IfName("a".into()),
        LinkAttribute::Mtu(1400),
        LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
        LinkAttribute::OperState(State::LowerLayerDown),
        LinkAttribute::Controller(3),
        LinkAttribute::Link(2),
        LinkAttribute::LinkNetNsId(0),
        LinkAttribute::Promiscuity(2),
        LinkAttribute::IfAlias("näme".into()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::PortKind(InfoPortKind::Bridge),
            LinkInfo::PortData(InfoPortData::BridgePort(vec![
                InfoBridgePort::State(netlink_packet_route::link::BridgePortState::Forwarding),
                InfoBridgePort::HairpinMode(true),
                InfoBridgePort::Isolated(true),
            ])),
        ]),
    ];
    let link = link::decode(&emit(&message)).unwrap();
    assert_eq!((link.index, link.name.as_str(), link.mtu), (7, "a", 1400));
    assert!(link.up && link.promisc && link.is_veth());
    assert_eq!(link.mac, Some([2, 0, 0, 0, 0, 1].into()));
    assert_eq!(link.oper, OperState::LowerLayerDown);
    assert_eq!((link.master, link.promiscuity), (Some(3), 2));
    assert_eq!((link.peer_index, link.peer_nsid), (Some(2), Some(0)));
    assert_eq!(link.alias.as_deref(), Some("näme"));
    let port = BridgePortState {
        hairpin: true,
        isolated: true,
        state: PortState::Forwarding,
    };
    assert_eq!(link.port, Some(port));
}

#[test]
fn kinds_are_told_apart() {
    let kind = |info| {
        let mut message = LinkMessage::default();
        message.header.index = 1;
        message.attributes = vec![
            LinkAttribute::IfName("a".into()),
            LinkAttribute::LinkInfo(info),
        ];
        link::decode(&emit(&message)).unwrap().kind.unwrap()
    };
    for vlan_filtering in [true, false] {
        let data = InfoData::Bridge(vec![InfoBridge::VlanFiltering(vlan_filtering)]);
        let info = vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(data)];
        assert_eq!(kind(info), LinkKind::Bridge { vlan_filtering });
    }
    let info = vec![LinkInfo::Kind(InfoKind::Dummy)];
    assert_eq!(kind(info), LinkKind::Other("dummy".into()));
}

#[test]
fn copies_in_the_cache_are_no_routes() {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet6;
    assert_eq!(route::decode(&emit(&message)).len(), 1);
    message.header.flags = netlink_packet_route::route::RouteFlags::Cloned;
    assert_eq!(route::decode(&emit(&message)), []);
    // Nor are those of other families.
    message.header = Default::default();
    message.header.address_family = AddressFamily::Mpls;
    assert_eq!(route::decode(&emit(&message)), []);
}

proptest! {
    /// A route that is asked for and told back is the same.
    #[test]
    fn routes(
        v6 in any::<bool>(), bits in any::<u128>(), length in 0_u8..=128,
        gateway in option::of(any::<u128>()), oif in option::of(1_u32..),
        prefsrc in option::of(any::<u128>()), priority in option::of(any::<u32>()),
        table in 1_u32.., scope in any::<u8>(), protocol in any::<u8>(),
        mtu in option::of(any::<u32>()), advmss in option::of(any::<u32>()),
        onlink in any::<bool>(),
    ) {
        let ip = |bits: u128| match v6 {
            true => std::net::Ipv6Addr::from(bits).into(),
            false => std::net::Ipv4Addr::from(bits as u32).into(),
        };
        let dst = IpNetwork::new(ip(bits), if v6 { length } else { length / 4 }).unwrap();
        let dst = IpNetwork::new(dst.network(), dst.prefix()).unwrap();
        let route = Route {
            gateway: gateway.map(ip), oif, prefsrc: prefsrc.map(ip), priority, table,
            scope: crate::Scope(scope), protocol, mtu, advmss, onlink, ..Route::to(dst)
        };
        prop_assert_eq!(route::decode(&route::add(&route)), [route]);
    }

    /// So is one with several next hops, told as one for each, in whatever order.
    #[test]
    fn multipath_routes(
        v6 in any::<bool>(), order in any::<bool>(),
        hops in prop::collection::btree_set(
            (option::of((any::<bool>(), any::<u128>())), 1_u32.., any::<bool>(), 1_u16..=256), 2..9,
        ),
    ) {
        // An IPv4 route may have an IPv6 gateway.
        let gateway = |(other, bits): (bool, u128)| match v6 || other {
            true => std::net::Ipv6Addr::from(bits).into(),
            false => std::net::Ipv4Addr::from(bits as u32).into(),
        };
        let hop = |(via, oif, onlink, weight): (Option<(bool, u128)>, u32, bool, u16)| crate::Hop {
            gateway: via.map(gateway), oif, onlink, weight,
        };
        let mut hops: Vec<_> = hops.into_iter().map(hop).collect();
        hops.sort_unstable();
        let dst = if v6 { "2001:db8::/32" } else { "192.0.2.0/24" };
        let route = Route { hops, priority: Some(7), ..Route::to(dst.parse().unwrap()) };
        let mut told = route::decode(&route::add(&route));
        prop_assert_eq!(told.len(), route.hops.len());
        if order {
            told.reverse();
        }
        prop_assert_eq!(Route::joined(&told), Some(route));
    }

    /// So is an address.
    #[test]
    fn addresses(v6 in any::<bool>(), bits in any::<u128>(), length in 0_u8..=128, index in any::<u32>()) {
        let ip = match v6 {
            true => IpNetwork::new(std::net::Ipv6Addr::from(bits).into(), length),
            false => IpNetwork::new(std::net::Ipv4Addr::from(bits as u32).into(), length / 4),
        };
        let spec = crate::AddressSpec::new(ip.unwrap());
        let told = address::decode(&address::add(index, &spec)).unwrap();
        prop_assert_eq!((told.ip, told.index, told.scope), (spec.ip, index, spec.scope));
    }

    /// VLANs that are asked for and told back are the same.
    #[test]
    fn vlans(mut ids in vec(1_u16..4095, 0..40), on_bridge in any::<bool>()) {
        ids.sort_unstable();
        ids.dedup();
        let ranges: Vec<_> = ids.chunk_by(|a, b| a + 1 == *b)
            .map(|run| PortVlanRange::range(run[0], run[run.len() - 1]))
            .collect();
        let told = bridge::decode_vlans(&bridge::change_vlans(7, &ranges, on_bridge));
        let expected: Vec<_> = ids.into_iter().map(tagged).collect();
        prop_assert_eq!(told, Some((7, expected)));
    }

    /// Whatever comes in, reading it does not panic.
    #[test]
    fn garbage(bytes in vec(any::<u8>(), 0..300)) {
        let _ = link::decode(&bytes);
        let _ = address::decode(&bytes);
        let _ = route::decode(&bytes);
        let _ = neighbour::decode(&bytes);
        let _ = nexthop::decode(&bytes);
        let _ = bridge::decode_vlans(&bytes);
        let _ = bridge::decode_vlan_db(&bytes);
    }

    /// Nor does it where the bytes begin well.
    #[test]
    fn damaged(at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut link = LinkMessage::default();
        link.header.index = 1;
        link.attributes = vec![
            LinkAttribute::IfName("a".into()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]),
        ];
        let mut address = AddressMessage::default();
        address.header.family = AddressFamily::Inet;
        address.attributes = vec![
            AddressAttribute::Local([10, 0, 0, 1].into()),
            AddressAttribute::Flags(AddressFlags::Permanent),
        ];
        let mut route = RouteMessage::default();
        route.header.address_family = AddressFamily::Inet6;
        let via = RouteAddress::Inet6(std::net::Ipv6Addr::LOCALHOST);
        route.attributes = vec![RouteAttribute::Gateway(via), RouteAttribute::Oif(1)];
        for mut bytes in [emit(&link), emit(&address), emit(&route)] {
            *at.get_mut(&mut bytes) = with;
            bytes.truncate(cut.index(bytes.len()) + 1);
            let _ = link::decode(&bytes);
            let _ = address::decode(&bytes);
            let _ = route::decode(&bytes);
            let _ = bridge::decode_vlans(&bytes);
            let _ = bridge::decode_vlan_db(&bytes);
        }
    }
}
