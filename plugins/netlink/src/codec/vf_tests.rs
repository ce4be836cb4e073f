//! Bytes and values of virtual functions.

use proptest::prelude::*;

use super::*;
use crate::mac::MacAddr;
use crate::raw::attr::{Attrs, Writer};
use crate::vf::{Vf, VfChange, VfLinkState, VfRate, VfVlan, VlanProto};

#[cfg(target_endian = "little")]
fn hex(text: &str) -> Vec<u8> {
    let text: String = text.chars().filter(|c| c.is_ascii_hexdigit()).collect();
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}

/// As `ip link set DEV vf 3 …` of iproute2 6.1 sends them, traced, but for the flag on what is nested.
#[cfg(target_endian = "little")]
#[test]
fn requests() {
    let header = "00 00 0000 07000000 00000000 00000000";
    for (change, list) in [
        (
            VfChange::Mac(MacAddr([2, 0, 0, 0, 0, 0x10])),
            "3000 1680 | 2c00 0180 | 2800 0100 03000000 020000000010 0000 \
             0000000000000000 0000000000000000 0000000000000000",
        ),
        (
            VfChange::Vlan(VfVlan {
                id: 100,
                qos: 3,
                proto: VlanProto::Dot1q,
            }),
            "1800 1680 | 1400 0180 | 1000 0200 03000000 64000000 03000000",
        ),
        (
            VfChange::Vlan(VfVlan {
                id: 4094,
                qos: 0,
                proto: VlanProto::Dot1ad,
            }),
            "2000 1680 | 1c00 0180 | 1800 0c80 | 1400 0100 03000000 fe0f0000 00000000 88a8 0000",
        ),
        (
            VfChange::Rate(VfRate { min: 10, max: 500 }),
            "1800 1680 | 1400 0180 | 1000 0600 03000000 0a000000 f4010000",
        ),
        (
            VfChange::Spoofchk(true),
            "1400 1680 | 1000 0180 | 0c00 0400 03000000 01000000",
        ),
        (
            VfChange::Trust(false),
            "1400 1680 | 1000 0180 | 0c00 0900 03000000 00000000",
        ),
        (
            VfChange::LinkState(VfLinkState::Disable),
            "1400 1680 | 1000 0180 | 0c00 0500 03000000 02000000",
        ),
    ] {
        let expected = hex(&format!("{header} | {list}"));
        assert_eq!(vf::set(7, 3, change).unwrap(), expected, "{change:?}");
    }
    let get = hex(&format!("{header} | 0800 1d00 09000000"));
    assert_eq!(vf::get(7).unwrap(), get);
}

/// An answer with two functions, the attributes in the kernel's order (`rtnl_fill_vfinfo`).
#[cfg(target_endian = "little")]
#[test]
fn an_answer() {
    let of = |vf: &str, mac: &str, vlan: &str, max: &str, spoofchk: &str, trust: &str| {
        let mac = format!("2800 0100 {vf} {mac} 0000 {}", "00".repeat(24));
        let vlan_list = format!("1800 0c00 | 1400 0100 {vf} {vlan} 00000000 8100 0000");
        hex(&format!(
            "c400 0100 | {mac} | 2400 0d00 {} | 1000 0200 {vf} {vlan} 00000000 \
             | 1000 0600 {vf} 00000000 {max} | 0c00 0300 {vf} {max} | 0c00 0400 {vf} {spoofchk} \
             | 0c00 0500 {vf} 00000000 | 0c00 0700 {vf} ffffffff | 0c00 0900 {vf} {trust} | {vlan_list}",
            "00".repeat(32)
        ))
    };
    let mut list = of(
        "01000000",
        "020000000011",
        "64000000",
        "f4010000",
        "01000000",
        "00000000",
    );
    list.extend(of(
        "00000000",
        "000000000000",
        "00000000",
        "00000000",
        "ffffffff",
        "ffffffff",
    ));
    let mut answer = Writer::with_header(&[0; 16]);
    answer.put_str(3, "eth0").put(22, &list);
    let second = Vf {
        mac: MacAddr([2, 0, 0, 0, 0, 0x11]),
        vlan: VfVlan {
            id: 100,
            ..VfVlan::default()
        },
        spoofchk: Some(true),
        trust: Some(false),
        rate: VfRate { min: 0, max: 500 },
        ..Vf::new(1)
    };
    assert_eq!(vf::decode(&answer.finish().unwrap()), [Vf::new(0), second]);
    assert_eq!(vf::decode(&[0; 16]), []);
}

fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

fn vlan() -> impl Strategy<Value = VfVlan> {
    let proto = prop_oneof![Just(VlanProto::Dot1q), Just(VlanProto::Dot1ad)];
    (1..4095_u16, 0..8_u8, proto).prop_map(|(id, qos, proto)| VfVlan { id, qos, proto })
}

proptest! {
    /// What is asked for and what is told have one form, so the reader must understand the writer.
    #[test]
    fn what_is_written_is_read(
        index in any::<u32>(), mac in mac(), vlan in vlan(), min in any::<u32>(), max in any::<u32>(),
        spoofchk in any::<bool>(), trust in any::<bool>(), state in 0..3_usize,
    ) {
        let state = [VfLinkState::Auto, VfLinkState::Enable, VfLinkState::Disable][state];
        let mut info = Vec::new();
        for change in [
            VfChange::Mac(mac), VfChange::Vlan(vlan), VfChange::Rate(VfRate { min, max }),
            VfChange::Spoofchk(spoofchk), VfChange::Trust(trust), VfChange::LinkState(state),
        ] {
            let body = vf::set(1, index, change).unwrap();
            let list = Attrs::after(16, &body).find_kind(22).unwrap();
            info.extend(list.nested().find_kind(1).unwrap().value);
        }
        let mut answer = Writer::with_header(&[0; 16]);
        answer.nest(22, |list| { list.put(1, &info); });
        let expected = Vf {
            index, mac, vlan, spoofchk: Some(spoofchk), trust: Some(trust), link_state: state,
            rate: VfRate { min, max },
        };
        prop_assert_eq!(vf::decode(&answer.finish().unwrap()), [expected]);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut answer = Writer::with_header(&[0; 16]);
        answer.put(22, &bytes);
        let _ = vf::decode(&answer.finish().unwrap());
        let _ = vf::decode(&bytes);
    }
}
