//! Links that stand on another one.

use std::os::fd::AsRawFd;

use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoVlan, LinkAttribute, LinkInfo,
};

use super::emit;
use super::link::named;
use crate::child::{ChildKind, ChildSpec, IpvlanMode, MacvlanMode};
use crate::link::LinkKind;
use crate::raw::attr::Attr;

/// IFLA_MACVLAN_MODE, IFLA_IPVLAN_MODE and IFLA_VLAN_ID alike.
const FIRST: u16 = 1;

/// Creates one, down and without its alias: the kernel takes that only for a link
/// that exists.
pub(crate) fn create(spec: &ChildSpec<'_>) -> Vec<u8> {
    let mut message = named(&spec.name, spec.mtu, spec.mac, false);
    message.header.index = spec.index.unwrap_or(0);
    let attributes = &mut message.attributes;
    attributes.extend(spec.parent.map(LinkAttribute::Link));
    attributes.extend(spec.netns.map(|fd| LinkAttribute::NetNsFd(fd.as_raw_fd())));
    let (kind, data) = match spec.kind {
        ChildKind::Macvlan { mode, bc_queue_len } => {
            let mut data = vec![InfoMacVlan::Mode(mode.number().into())];
            data.extend(bc_queue_len.map(InfoMacVlan::BcQueueLen));
            (InfoKind::MacVlan, Some(InfoData::MacVlan(data)))
        }
        ChildKind::Ipvlan { mode } => {
            let data = vec![InfoIpVlan::Mode(mode.number().into())];
            (InfoKind::IpVlan, Some(InfoData::IpVlan(data)))
        }
        ChildKind::Vlan { id } => (InfoKind::Vlan, Some(InfoData::Vlan(vec![InfoVlan::Id(id)]))),
        ChildKind::Dummy => (InfoKind::Dummy, None),
    };
    let mut info = vec![LinkInfo::Kind(kind)];
    info.extend(data.map(LinkInfo::Data));
    attributes.push(LinkAttribute::LinkInfo(info));
    emit(&message)
}

/// Reads a kind and its IFLA_INFO_DATA; None for one that this module does not know,
/// or of a mode that it does not.
pub(super) fn decode(kind: &str, data: Option<&Attr<'_>>) -> Option<LinkKind> {
    let first = data.and_then(|data| data.nested().find_kind(FIRST));
    match kind {
        "macvlan" => {
            let mode = first.and_then(|attr| attr.u32())?;
            MacvlanMode::from_number(mode).map(LinkKind::Macvlan)
        }
        "ipvlan" => {
            let mode = first.and_then(|attr| attr.u16())?;
            IpvlanMode::from_number(mode).map(LinkKind::Ipvlan)
        }
        "vlan" => first
            .and_then(|attr| attr.u16())
            .map(|id| LinkKind::Vlan { id }),
        _ => None,
    }
}
