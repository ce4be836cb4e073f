//! Addresses as programs have them.

use std::net::{IpAddr, Ipv6Addr};

use fairway_dataplane_abi::Addr;

/// An IPv6 address that stands for an IPv4 one is the latter: packets can bear no other.
pub fn addr_of(ip: IpAddr) -> Addr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => Addr::v4(u32::from_ne_bytes(v4.octets())),
        IpAddr::V6(v6) => Addr::from_octets(v6.octets()),
    }
}

/// The address of either family.
pub fn ip_of(addr: Addr) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(addr.octets())).to_canonical()
}

/// Four words as they stand in a packet.
pub(crate) const fn words_of(octets: [u8; 16]) -> [u32; 4] {
    Addr::from_octets(octets).0
}

/// And back.
pub(crate) const fn octets_of(words: [u32; 4]) -> [u8; 16] {
    Addr(words).octets()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_families_have_their_form() {
        let v4: IpAddr = "10.1.2.3".parse().unwrap();
        assert_eq!(addr_of(v4).octets()[10..], [0xff, 0xff, 10, 1, 2, 3]);
        assert_eq!(addr_of("::ffff:10.1.2.3".parse().unwrap()), addr_of(v4));
        let v6: IpAddr = "fd00::1".parse().unwrap();
        assert_eq!(addr_of(v6).octets()[..2], [0xfd, 0]);
        assert_eq!((ip_of(addr_of(v4)), ip_of(addr_of(v6))), (v4, v6));
    }

    proptest! {
        #[test]
        fn there_and_back(ip in any::<IpAddr>()) {
            prop_assert_eq!(ip_of(addr_of(ip)), ip.to_canonical());
        }
    }
}
