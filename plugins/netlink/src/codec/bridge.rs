//! Bridge ports and VLANs: rtnetlink's AF_BRIDGE.

use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{
    AfSpecBridge, BridgeFlag, BridgeVlanInfo, BridgeVlanInfoFlags as VlanFlags, LinkAttribute,
    LinkExtentMask, LinkMessage,
};
use nix::libc;

use super::emit;
use super::link::HEADER;
use crate::bridge::{BridgePort, BridgePortState, PortState, PortVlan, PortVlanRange};
use crate::raw::attr::{Attrs, Writer};

const IFLA_BRPORT_STATE: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const BRIDGE_VLANDB_ENTRY: u16 = 1;
const BRIDGE_VLANDB_ENTRY_INFO: u16 = 1;
const BRIDGE_VLANDB_ENTRY_RANGE: u16 = 2;

fn message(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    message
}

/// Changes a port.
pub(crate) fn set_port(index: u32, port: &BridgePort) -> Vec<u8> {
    let mut writer = Writer::with_header(&emit(&message(index)));
    writer.nest(libc::IFLA_PROTINFO, |info| {
        for (kind, wanted) in [
            (IFLA_BRPORT_MODE, port.hairpin),
            (IFLA_BRPORT_ISOLATED, port.isolated),
        ] {
            if let Some(on) = wanted {
                info.put_u8(kind, on.into());
            }
        }
    });
    // Two attributes of a byte each are never too long.
    writer.finish().unwrap_or_default()
}

/// Asks for the VLANs of one port or bridge by `RTM_GETVLAN` (Linux 5.6).
pub(crate) fn list_vlans_of(index: u32) -> Vec<u8> {
    // struct br_vlan_msg: family, three bytes of nothing, index.
    let mut body = vec![u8::from(AddressFamily::Bridge), 0, 0, 0];
    body.extend_from_slice(&index.to_ne_bytes());
    body
}

/// Reads the VLANs out of an `RTM_NEWVLAN`, with the link's index.
pub(crate) fn decode_vlan_db(body: &[u8]) -> Option<(u32, Vec<PortVlan>)> {
    let [_, _, _, _, i0, i1, i2, i3] = *body.first_chunk()?;
    let mut vlans = Vec::new();
    for entry in Attrs::after(8, body).filter(|attr| attr.kind == BRIDGE_VLANDB_ENTRY) {
        let info = entry.nested().find_kind(BRIDGE_VLANDB_ENTRY_INFO)?;
        let (flags, first) = vlan_info(info.value)?;
        let last = entry.nested().find_kind(BRIDGE_VLANDB_ENTRY_RANGE);
        let last = last.and_then(|attr| attr.u16()).unwrap_or(first);
        vlans.extend((first..=last).map(|vid| port_vlan(vid, flags)));
    }
    vlans.sort_unstable();
    Some((u32::from_ne_bytes([i0, i1, i2, i3]), vlans))
}

/// `struct bridge_vlan_info`.
fn vlan_info(bytes: &[u8]) -> Option<(VlanFlags, u16)> {
    let [f0, f1, v0, v1] = *bytes.first_chunk()?;
    let flags = VlanFlags::from_bits_retain(u16::from_ne_bytes([f0, f1]));
    Some((flags, u16::from_ne_bytes([v0, v1])))
}

fn port_vlan(vid: u16, flags: VlanFlags) -> PortVlan {
    PortVlan {
        vid,
        pvid: flags.contains(VlanFlags::Pvid),
        untagged: flags.contains(VlanFlags::Untagged),
    }
}

/// Asks for the VLANs of all ports and bridges, which every kernel can tell.
pub(crate) fn list_vlans() -> Vec<u8> {
    let mut message = message(0);
    message.attributes.push(LinkAttribute::ExtMask(vec![
        LinkExtentMask::BrvlanCompressed,
    ]));
    emit(&message)
}

/// Adds VLANs to a port or takes them away, as the message's type says.
pub(crate) fn change_vlans(index: u32, vlans: &[PortVlanRange], on_bridge_itself: bool) -> Vec<u8> {
    let mut spec = Vec::with_capacity(2 * vlans.len() + 1);
    if on_bridge_itself {
        spec.push(AfSpecBridge::Flags(BridgeFlag::LowerDev));
    }
    for range in vlans {
        let mut flags = VlanFlags::empty();
        flags.set(VlanFlags::Pvid, range.pvid);
        flags.set(VlanFlags::Untagged, range.untagged);
        let mut push = |vid, extra| {
            spec.push(AfSpecBridge::VlanInfo(BridgeVlanInfo {
                flags: flags | extra,
                vid,
            }));
        };
        if range.first == range.last {
            push(range.first, VlanFlags::empty());
        } else {
            push(range.first, VlanFlags::RangeBegin);
            push(range.last, VlanFlags::RangeEnd);
        }
    }
    let mut message = message(index);
    message.attributes.push(LinkAttribute::AfSpecBridge(spec));
    emit(&message)
}

/// Reads the VLANs out of an AF_BRIDGE RTM_NEWLINK, with the link's index.
pub(crate) fn decode_vlans(body: &[u8]) -> Option<(u32, Vec<PortVlan>)> {
    let header = body.first_chunk::<HEADER>()?;
    let [_, _, _, _, i0, i1, i2, i3, ..] = *header;
    let mut vlans = Vec::new();
    let mut range_begin = None;
    let spec = Attrs::after(HEADER, body).find_kind(libc::IFLA_AF_SPEC);
    for attr in spec.into_iter().flat_map(|spec| spec.nested()) {
        if attr.kind != IFLA_BRIDGE_VLAN_INFO {
            continue;
        }
        let (flags, vid) = vlan_info(attr.value)?;
        if flags.contains(VlanFlags::RangeBegin) {
            range_begin = Some(vid);
            continue;
        }
        let first = match range_begin.take() {
            Some(first) if flags.contains(VlanFlags::RangeEnd) => first,
            _ => vid,
        };
        vlans.extend((first..=vid).map(|vid| port_vlan(vid, flags)));
    }
    vlans.sort_unstable();
    Some((u32::from_ne_bytes([i0, i1, i2, i3]), vlans))
}

/// Reads a port's settings.
pub(super) fn port(attrs: Attrs<'_>) -> BridgePortState {
    let mut port = BridgePortState {
        hairpin: false,
        isolated: false,
        state: PortState::Disabled,
    };
    for attr in attrs {
        match (attr.kind, attr.u8()) {
            (IFLA_BRPORT_MODE, Some(mode)) => port.hairpin = mode != 0,
            (IFLA_BRPORT_ISOLATED, Some(on)) => port.isolated = on != 0,
            (IFLA_BRPORT_STATE, Some(state)) => port.state = port_state(state),
            _ => {}
        }
    }
    port
}

fn port_state(state: u8) -> PortState {
    match state {
        0 => PortState::Disabled,
        1 => PortState::Listening,
        2 => PortState::Learning,
        3 => PortState::Forwarding,
        4 => PortState::Blocking,
        other => PortState::Other(other),
    }
}
