//! Links.

use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::DefaultNla;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoBridge, InfoData, InfoKind, InfoVeth,
    LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
};
use nix::libc;

use super::{bridge, child, emit, vrf, vxlan};
use crate::bridge::{BridgeChange, BridgeSpec};
use crate::link::{AddrGenMode, Link, LinkChange, LinkKind, OperState, VethPeer, VethSpec};
use crate::mac::MacAddr;
use crate::raw::attr::{Attr, Attrs};

/// Length of `struct ifinfomsg`.
pub(super) const HEADER: usize = 16;
/// The kernel's IFNAMSIZ, without the NUL.
const NAME_MAX: usize = 15;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_PARENT_DEV_NAME: u16 = 56;

/// Asks for the link of an index, a name or, with neither, for all.
pub(crate) fn get(index: u32, name: Option<&str>) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.extend(name.map(|name| {
        if name.len() <= NAME_MAX {
            LinkAttribute::IfName(name.to_owned())
        } else {
            let mut bytes = name.as_bytes().to_vec();
            bytes.push(0);
            LinkAttribute::Other(DefaultNla::new(IFLA_ALT_IFNAME, bytes))
        }
    }));
    message
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    emit(&message)
}

pub(crate) fn by_index(index: u32) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    emit(&message)
}

pub(crate) fn create_bridge(spec: &BridgeSpec) -> Vec<u8> {
    let mut message = named(&spec.name, spec.mtu, spec.mac, spec.up);
    let mut info = vec![LinkInfo::Kind(InfoKind::Bridge)];
    // A kernel that cannot sort by VLAN refuses the attribute, so it is sent
    // only where it is wanted.
    if spec.vlan_filtering {
        info.push(vlan_filtering(true));
    }
    message.attributes.push(LinkAttribute::LinkInfo(info));
    emit(&message)
}

pub(crate) fn set_bridge(index: u32, change: &BridgeChange) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    let mut info = vec![LinkInfo::Kind(InfoKind::Bridge)];
    info.extend(change.vlan_filtering.map(vlan_filtering));
    message.attributes.push(LinkAttribute::LinkInfo(info));
    emit(&message)
}

fn vlan_filtering(on: bool) -> LinkInfo {
    LinkInfo::Data(InfoData::Bridge(vec![InfoBridge::VlanFiltering(on)]))
}

pub(crate) fn create_veth(spec: &VethSpec<'_>) -> Vec<u8> {
    let mut message = named(&spec.name, spec.mtu, spec.mac, spec.up);
    message
        .attributes
        .extend(spec.master.map(LinkAttribute::Controller));
    message
        .attributes
        .extend(spec.netns.map(|fd| LinkAttribute::NetNsFd(fd.as_raw_fd())));
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer(&spec.peer)))),
    ]));
    emit(&message)
}

fn peer(spec: &VethPeer<'_>) -> LinkMessage {
    let mut message = named(&spec.name, spec.mtu, spec.mac, false);
    message
        .attributes
        .extend(spec.netns.map(|fd| LinkAttribute::NetNsFd(fd.as_raw_fd())));
    message
}

pub(super) fn named(name: &str, mtu: Option<u32>, mac: Option<MacAddr>, up: bool) -> LinkMessage {
    let mut message = LinkMessage::default();
    if up {
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
    }
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(name.to_owned()));
    attributes.extend(mtu.map(LinkAttribute::Mtu));
    attributes.extend(mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    message
}

/// Changes a link, in the namespace that it is taken to.
pub(crate) fn change(index: u32, netns: Option<BorrowedFd<'_>>, change: &LinkChange) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    for (flag, wanted) in [
        (LinkFlags::Up, change.up),
        (LinkFlags::Promisc, change.promisc),
        (LinkFlags::Allmulti, change.allmulti),
    ] {
        if let Some(on) = wanted {
            message.header.change_mask |= flag;
            message.header.flags.set(flag, on);
        }
    }
    let attributes = &mut message.attributes;
    attributes.extend(netns.map(|fd| LinkAttribute::NetNsFd(fd.as_raw_fd())));
    attributes.extend(change.name.clone().map(LinkAttribute::IfName));
    attributes.extend(change.mtu.map(LinkAttribute::Mtu));
    attributes.extend(change.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
    attributes.extend(change.tx_queue_len.map(LinkAttribute::TxQueueLen));
    attributes.extend(
        change
            .master
            .map(|master| LinkAttribute::Controller(master.unwrap_or(0))),
    );
    // Without the NUL that the typed attribute appends: the kernel would count it
    // into the 255 bytes that an alias may have.
    attributes.extend(change.alias.as_ref().map(|alias| {
        LinkAttribute::Other(DefaultNla::new(
            libc::IFLA_IFALIAS,
            alias.as_bytes().to_vec(),
        ))
    }));
    attributes.extend(change.addr_gen_mode.map(addr_gen_mode));
    attributes.extend(change.gso_max_segs.map(|segments| {
        let bytes = segments.to_ne_bytes().to_vec();
        LinkAttribute::Other(DefaultNla::new(libc::IFLA_GSO_MAX_SEGS, bytes))
    }));
    emit(&message)
}

fn addr_gen_mode(mode: AddrGenMode) -> LinkAttribute {
    let mode = match mode {
        AddrGenMode::Eui64 => In6AddrGenMode::Eui64,
        AddrGenMode::None => In6AddrGenMode::None,
        AddrGenMode::StablePrivacy => In6AddrGenMode::StablePrivacy,
        AddrGenMode::Random => In6AddrGenMode::Random,
    };
    LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(
        mode,
    )])])
}

/// Reads an RTM_NEWLINK. None without an index or a name.
pub(crate) fn decode(body: &[u8]) -> Option<Link> {
    let header = body.first_chunk::<HEADER>()?;
    let [_, _, _, _, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *header;
    let flags = LinkFlags::from_bits_retain(u32::from_ne_bytes([f0, f1, f2, f3]));
    let mut link = Link::new(u32::from_ne_bytes([i0, i1, i2, i3]), String::new());
    link.up = flags.contains(LinkFlags::Up);
    link.promisc = flags.contains(LinkFlags::Promisc);
    link.allmulti = flags.contains(LinkFlags::Allmulti);
    link.oper = OperState::Unknown;
    for attr in Attrs::after(HEADER, body) {
        match attr.kind {
            libc::IFLA_IFNAME => link.name = attr.text(),
            libc::IFLA_ADDRESS => link.mac = MacAddr::from_bytes(attr.value),
            libc::IFLA_MTU => link.mtu = attr.u32()?,
            libc::IFLA_PROMISCUITY => link.promiscuity = attr.u32().unwrap_or(0),
            libc::IFLA_OPERSTATE => link.oper = oper_state(attr.u8()?),
            libc::IFLA_MASTER => link.master = attr.u32().filter(|index| *index != 0),
            libc::IFLA_LINK => link.peer_index = attr.u32().filter(|index| *index != 0),
            libc::IFLA_LINK_NETNSID => link.peer_nsid = attr.i32(),
            libc::IFLA_IFALIAS => link.alias = Some(attr.text()).filter(|text| !text.is_empty()),
            libc::IFLA_TXQLEN => link.tx_queue_len = attr.u32(),
            libc::IFLA_GSO_MAX_SEGS => link.gso_max_segs = attr.u32(),
            libc::IFLA_TSO_MAX_SEGS => link.tso_max_segs = attr.u32(),
            IFLA_PARENT_DEV_NAME => link.parent_dev = Some(attr.text()),
            libc::IFLA_LINKINFO => info(&mut link, attr.nested()),
            _ => {}
        }
    }
    (link.index != 0 && !link.name.is_empty()).then_some(link)
}

fn info(link: &mut Link, attrs: Attrs<'_>) {
    let find = |kind| attrs.clone().find_kind(kind);
    if let Some(kind) = find(libc::IFLA_INFO_KIND) {
        link.kind = Some(kind_of(kind.text(), find(libc::IFLA_INFO_DATA)));
    }
    let slave_of = find(libc::IFLA_INFO_SLAVE_KIND).map(|kind| kind.text());
    if slave_of.as_deref() == Some("bridge") {
        link.port = find(libc::IFLA_INFO_SLAVE_DATA).map(|data| bridge::port(data.nested()));
    }
}

fn kind_of(name: String, data: Option<Attr<'_>>) -> LinkKind {
    const IFLA_BR_VLAN_FILTERING: u16 = 7;
    match name.as_str() {
        "veth" => LinkKind::Veth,
        "vrf" => LinkKind::Vrf {
            table: vrf::decode(data),
        },
        "vxlan" => {
            let settings = data.map(|data| vxlan::decode(data.nested()));
            LinkKind::Vxlan(settings.unwrap_or_default())
        }
        "bridge" => LinkKind::Bridge {
            vlan_filtering: data
                .and_then(|data| data.nested().find_kind(IFLA_BR_VLAN_FILTERING))
                .and_then(|attr| attr.u8())
                .is_some_and(|on| on != 0),
        },
        _ => child::decode(&name, data.as_ref()).unwrap_or(LinkKind::Other(name)),
    }
}

fn oper_state(state: u8) -> OperState {
    match state {
        1 => OperState::NotPresent,
        2 => OperState::Down,
        3 => OperState::LowerLayerDown,
        4 => OperState::Testing,
        5 => OperState::Dormant,
        6 => OperState::Up,
        _ => OperState::Unknown,
    }
}
