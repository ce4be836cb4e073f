//! VRFs.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVrf, LinkAttribute, LinkInfo};

use super::emit;
use super::link::named;
use crate::raw::attr::Attr;
use crate::vrf::VrfSpec;

const IFLA_VRF_TABLE: u16 = 1;

pub(crate) fn create(spec: &VrfSpec) -> Vec<u8> {
    let mut message = named(&spec.name, None, None, true);
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vrf),
        LinkInfo::Data(InfoData::Vrf(vec![InfoVrf::TableId(spec.table)])),
    ]));
    emit(&message)
}

/// Reads IFLA_INFO_DATA: the table.
pub(super) fn decode(data: Option<Attr<'_>>) -> u32 {
    let table = data.and_then(|data| data.nested().find_kind(IFLA_VRF_TABLE));
    table.and_then(|attr| attr.u32()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::LinkKind;

    /// As `ip link add red up type vrf table 10` sends it, but for the padding of the kind.
    #[test]
    fn what_is_sent_is_read() {
        let spec = VrfSpec {
            name: "red".into(),
            table: 10,
        };
        let mut bytes = create(&spec);
        // The kernel's answer has an index.
        bytes[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        let link = crate::codec::link::decode(&bytes).unwrap();
        assert_eq!((link.index, link.name.as_str(), link.up), (7, "red", true));
        assert_eq!(link.kind, Some(LinkKind::Vrf { table: 10 }));
        let data = [8, 0, 1, 0, 10, 0, 0, 0];
        assert!(bytes.windows(data.len()).any(|part| part == data));
    }
}
