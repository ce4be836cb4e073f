//! VXLAN devices.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkInfo};

use super::emit;
use super::link::named;
use crate::raw::attr::Attrs;
use crate::vxlan::{Vxlan, VxlanSpec};

const IFLA_VXLAN_ID: u16 = 1;
const IFLA_VXLAN_LEARNING: u16 = 7;
const IFLA_VXLAN_PORT: u16 = 15;
const IFLA_VXLAN_UDP_CSUM: u16 = 18;
const IFLA_VXLAN_UDP_ZERO_CSUM6_TX: u16 = 19;
const IFLA_VXLAN_UDP_ZERO_CSUM6_RX: u16 = 20;
const IFLA_VXLAN_COLLECT_METADATA: u16 = 25;
const IFLA_VXLAN_GPE: u16 = 27;

/// Creates an external device, down and without its alias: the kernel takes
/// that only for a device that exists.
pub(crate) fn create(spec: &VxlanSpec) -> Vec<u8> {
    let mut message = named(&spec.name, spec.mtu, spec.mac, false);
    let data = vec![
        InfoVxlan::CollectMetadata(true),
        InfoVxlan::Learning(false),
        InfoVxlan::Port(spec.port),
        InfoVxlan::UDPCsum(spec.udp_csum),
        InfoVxlan::UDPZeroCsumTX(spec.udp6_zero_csum_tx),
        InfoVxlan::UDPZeroCsumRX(spec.udp6_zero_csum_rx),
    ];
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vxlan),
        LinkInfo::Data(InfoData::Vxlan(data)),
    ]));
    emit(&message)
}

/// Reads IFLA_INFO_DATA.
pub(super) fn decode(attrs: Attrs<'_>) -> Vxlan {
    let mut vxlan = Vxlan::default();
    for attr in attrs {
        let on = || attr.u8().is_some_and(|on| on != 0);
        match attr.kind {
            IFLA_VXLAN_ID => vxlan.vni = attr.u32().unwrap_or(0),
            IFLA_VXLAN_PORT => vxlan.port = attr.u16_be().unwrap_or(0),
            IFLA_VXLAN_COLLECT_METADATA => vxlan.external = on(),
            IFLA_VXLAN_LEARNING => vxlan.learning = on(),
            IFLA_VXLAN_UDP_CSUM => vxlan.udp_csum = on(),
            IFLA_VXLAN_UDP_ZERO_CSUM6_TX => vxlan.udp6_zero_csum_tx = on(),
            IFLA_VXLAN_UDP_ZERO_CSUM6_RX => vxlan.udp6_zero_csum_rx = on(),
            // There or not, without a value.
            IFLA_VXLAN_GPE => vxlan.gpe = true,
            _ => {}
        }
    }
    vxlan
}
