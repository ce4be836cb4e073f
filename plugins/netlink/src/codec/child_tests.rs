//! Bytes and values of links that stand on another one.

use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoVlan, IpVlanMode, LinkAttribute, LinkInfo,
    LinkMessage, MacVlanMode,
};

use super::*;
use crate::child::{ChildKind, ChildSpec, IpvlanMode, MacvlanMode};
use crate::link::LinkKind;

fn spec(kind: ChildKind) -> ChildSpec<'static> {
    ChildSpec {
        name: "a".into(),
        index: None,
        parent: Some(7),
        netns: None,
        mtu: None,
        mac: None,
        kind,
    }
}

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.chars().filter(|c| c.is_ascii_hexdigit()).collect();
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

#[cfg(target_endian = "little")]
#[test]
fn requests() {
    let header = "00 00 0000 00000000 00000000 00000000";
    let name_and_parent = "0600 0300 6100 0000 | 0800 0500 07000000";
    for (kind, info) in [
        (
            ChildKind::Macvlan {
                mode: MacvlanMode::Bridge,
                bc_queue_len: Some(500),
            },
            // IFLA_INFO_KIND "macvlan"; IFLA_MACVLAN_MODE, IFLA_MACVLAN_BC_QUEUE_LEN.
            "2400 1200 | 0c00 0100 6d6163766c616e00 | 1400 0200 | 0800 0100 04000000 | 0800 0700 f4010000",
        ),
        (
            ChildKind::Ipvlan {
                mode: IpvlanMode::L3s,
            },
            "1c00 1200 | 0b00 0100 6970766c616e0000 | 0c00 0200 | 0600 0100 0200 0000",
        ),
        (
            ChildKind::Vlan { id: 100 },
            "1c00 1200 | 0900 0100 766c616e00000000 | 0c00 0200 | 0600 0100 6400 0000",
        ),
    ] {
        let expected = hex(&format!("{header} | {name_and_parent} | {info}"));
        assert_eq!(child::create(&spec(kind)), expected, "{kind:?}");
    }
}

#[cfg(target_endian = "little")]
#[test]
fn an_index_of_ones_own_and_no_parent() {
    let spec = ChildSpec {
        index: Some(9),
        parent: None,
        mtu: Some(1400),
        ..spec(ChildKind::Dummy)
    };
    let expected = "00 00 0000 09000000 00000000 00000000 | 0600 0300 6100 0000 \
        | 0800 0400 78050000 | 1000 1200 | 0a00 0100 64756d6d7900 0000";
    assert_eq!(child::create(&spec), hex(expected));
}

#[test]
fn kinds_as_the_kernel_tells_them() {
    let kind = |kind, data| {
        let mut message = LinkMessage::default();
        message.header.index = 1;
        message.attributes = vec![
            LinkAttribute::IfName("a".into()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]),
        ];
        link::decode(&emit(&message)).unwrap().kind.unwrap()
    };
    let macvlan = |mode| {
        kind(
            InfoKind::MacVlan,
            InfoData::MacVlan(vec![InfoMacVlan::Mode(mode)]),
        )
    };
    assert_eq!(
        macvlan(MacVlanMode::Private),
        LinkKind::Macvlan(MacvlanMode::Private)
    );
    // A mode that nobody here can ask for.
    assert_eq!(
        macvlan(MacVlanMode::Source),
        LinkKind::Other("macvlan".into())
    );
    let ipvlan = InfoData::IpVlan(vec![InfoIpVlan::Mode(IpVlanMode::L3)]);
    assert_eq!(
        kind(InfoKind::IpVlan, ipvlan),
        LinkKind::Ipvlan(IpvlanMode::L3)
    );
    let vlan = InfoData::Vlan(vec![InfoVlan::Id(4094)]);
    assert_eq!(kind(InfoKind::Vlan, vlan), LinkKind::Vlan { id: 4094 });
}
