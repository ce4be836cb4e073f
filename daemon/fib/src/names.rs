//! The marks by which what is ours is known, and where it lies. Operators see these numbers in `ip route`
//! and `ip rule`; they do not change.

use fairway_netlink::MacAddr;
use fairway_rib::Vni;
use std::net::{IpAddr, Ipv6Addr};

/// The overlay's device.
pub const DEVICE: &str = "fairway.vx";
/// Its alias; without it the device is somebody else's.
pub const ALIAS: &str = "fairway overlay";
/// The protocol number of routes, rules, neighbours and next hops.
pub const PROTOCOL: u8 = 250;
/// The metric of routes.
pub const METRIC: u32 = 250;
/// The first of the tables; it holds the fence, and each network's is as much above it as its VNI is large.
pub const TABLES: u32 = 2_500_000_000;
/// The last.
const LAST_TABLE: u32 = TABLES + 0xff_ffff;
/// Next hops are numbered from here.
pub(crate) const HOPS: u32 = 250_000_000;

/// This machine's own packets to prefixes in pools that somebody else's routes know look in the main table.
pub const FOREIGN: u32 = 24_999;
/// Packets out of the overlay look in their network's table.
pub const FROM_OVERLAY: u32 = 25_000;
/// And find no other network.
pub const OVERLAY_FENCE: u32 = 25_001;
/// Packets of containers look in their network's table.
pub const FROM_CONTAINERS: u32 = 25_002;
/// And find no other network.
pub const CONTAINER_FENCE: u32 = 25_003;
/// Packets of this machine, and of those that it forwards for, to containers.
pub const TO_CONTAINERS: u32 = 25_004;
/// What else comes out of the overlay goes nowhere, where nobody else sees to that.
pub const OVERLAY_REST: u32 = 25_005;

/// The table of a network.
pub fn table(vni: Vni) -> u32 {
    TABLES + vni.number()
}

/// Is the table one of ours?
pub fn is_table(table: u32) -> bool {
    (TABLES..=LAST_TABLE).contains(&table)
}

/// The hardware address of a node's overlay device, by its VTEP: every node can tell it of every other.
/// Of two with one address each would drop what the other sends.
pub fn mac(vtep: IpAddr) -> MacAddr {
    match vtep {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            MacAddr([0x0a, 0xfa, a, b, c, d])
        }
        IpAddr::V6(ip) => {
            let [.., a, b, c, d, e] = hash(ip).to_be_bytes();
            MacAddr([0x0e, a, b, c, d, e])
        }
    }
}

/// The link-local address that stands for a VTEP on the overlay's device: routes of both families may
/// have it as their gateway.
pub fn gateway(vtep: IpAddr) -> Ipv6Addr {
    let id = match vtep {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        // With the highest bit, so that it cannot be that of an IPv4 address.
        IpAddr::V6(ip) => hash(ip) | 1 << 63,
    };
    Ipv6Addr::from_bits(0xfe80 << 112 | u128::from(id))
}

/// FNV-1a, 64 bits.
fn hash(ip: Ipv6Addr) -> u64 {
    ip.octets()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_stable_and_different() {
        let v4 = mac("192.0.2.1".parse().unwrap());
        assert_eq!(v4.to_string(), "0a:fa:c0:00:02:01");
        assert_eq!(
            gateway("192.0.2.1".parse().unwrap()).to_string(),
            "fe80::c000:201"
        );
        let v6 = |n: u32| IpAddr::V6(Ipv6Addr::from_bits(0xfd00 << 112 | u128::from(n)));
        let all: Vec<_> = (0..5_000).map(v6).collect();
        let macs: BTreeSet<_> = all.iter().map(|ip| mac(*ip).0).collect();
        let gateways: BTreeSet<_> = all.iter().map(|ip| gateway(*ip)).collect();
        assert_eq!((macs.len(), gateways.len()), (5_000, 5_000));
        // Locally administered, and no group's.
        assert!(macs.iter().chain([&v4.0]).all(|mac| mac[0] & 3 == 2));
        assert!(gateways.iter().all(|ip| ip.segments()[0] == 0xfe80));
    }

    #[test]
    fn tables_are_told_by_their_number() {
        let vni = |number| Vni::new(number).unwrap();
        assert_eq!(table(vni(4096)), 2_500_004_096);
        assert!(is_table(table(vni(0xff_ffff))) && is_table(TABLES));
        assert!(!is_table(254) && !is_table(TABLES - 1) && !is_table(LAST_TABLE + 1));
    }
}
