//! Prefixes and the arithmetic on them. Host bits are always zero.
//!
//! A prefix is part of keys in the store, so that two ways to write one would be two blocks of the same
//! addresses: what is read is strict about the length, and what is written is the one canonical form.

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Of an address.
    pub fn of(ip: IpAddr) -> Family {
        match ip {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// 32 or 128.
    pub fn bits(self) -> u8 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }

    /// The address with that number.
    pub(crate) fn address(self, number: u128) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(number as u32)),
            Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// The number of an address.
pub(crate) fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// IPv4 prefixes that no pool may touch, and what they are (RFC 6890).
pub(crate) const V4_SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0/8", "\"this network\""),
    ("127.0.0.0/8", "loopback"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "the limited broadcast address"),
];

/// As above, for IPv6. Link-local addresses are made by each link for itself; an IPv4-mapped address
/// would be an IPv4 address that no comparison finds.
pub(crate) const V6_SPECIAL: &[(&str, &str)] = &[
    ("::/127", "the unspecified and the loopback address"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
];

/// A prefix without host bits, such as 10.1.0.0/16 or fd00:1::/48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

/// A text that is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not `ADDRESS/LENGTH`.
    #[error("{text:?} is no address with a prefix length, such as 10.1.0.0/16 or fd00:1::/48")]
    Form {
        /// As it was given.
        text: String,
    },
    /// Host bits are set.
    #[error("{text:?} has host bits set; its network is {network}")]
    HostBits {
        /// As it was given.
        text: String,
        /// What may have been meant.
        network: Cidr,
    },
}

impl Cidr {
    /// The network of that length that holds the address.
    ///
    /// `None` where the length is more than the family has.
    pub fn holding(ip: IpAddr, prefix: u8) -> Option<Cidr> {
        let family = Family::of(ip);
        let host = family.bits().checked_sub(prefix)?;
        let first = match host {
            128 => 0,
            bits => number(ip) >> bits << bits,
        };
        Some(Cidr {
            first: family.address(first),
            prefix,
        })
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub fn last(self) -> IpAddr {
        let family = self.family();
        family.address(number(self.first) | self.host_mask())
    }

    /// The prefix length.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Its family.
    pub fn family(self) -> Family {
        Family::of(self.first)
    }

    /// How many addresses; a whole IPv6 space counts as `u128::MAX`.
    pub fn size(self) -> u128 {
        self.host_mask().saturating_add(1)
    }

    fn host_mask(self) -> u128 {
        match self.family().bits() - self.prefix {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        }
    }

    /// Is the address in it?
    pub fn contains(self, ip: IpAddr) -> bool {
        Cidr::holding(ip, self.prefix) == Some(self)
    }

    /// Have the two an address in common?
    pub fn overlaps(self, other: Cidr) -> bool {
        let prefix = self.prefix.min(other.prefix);
        self.family() == other.family()
            && Cidr::holding(self.first, prefix) == Cidr::holding(other.first, prefix)
    }

    /// The `index`-th address. `None` beyond the last.
    pub fn nth(self, index: u128) -> Option<IpAddr> {
        (index <= self.host_mask()).then(|| {
            self.family()
                .address(number(self.first).wrapping_add(index))
        })
    }

    /// How many of `prefix` it is cut into.
    pub fn parts(self, prefix: u8) -> u128 {
        match prefix.checked_sub(self.prefix) {
            Some(128) => u128::MAX,
            Some(bits) => 1 << bits,
            None => 0,
        }
    }

    /// The `index`-th part of length `prefix`.
    pub fn part(self, prefix: u8, index: u128) -> Option<Cidr> {
        if index >= self.parts(prefix) {
            return None;
        }
        let host = self.family().bits().checked_sub(prefix)?;
        let first =
            number(self.first).wrapping_add(index.checked_shl(u32::from(host)).unwrap_or(0));
        Cidr::holding(self.family().address(first), prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let form = || CidrError::Form {
            text: text.to_owned(),
        };
        // Not `10.0.0.0/255.0.0.0`, `/08` or `/+8`.
        let length = text.split_once('/').map_or("", |(_, length)| length);
        let digits = !length.is_empty() && length.bytes().all(|c| c.is_ascii_digit());
        if !digits || (length.len() > 1 && length.starts_with('0')) {
            return Err(form());
        }
        let net: IpNetwork = text.parse().map_err(|_| form())?;
        let cidr = Cidr::holding(net.ip(), net.prefix()).ok_or_else(form)?;
        match cidr.first == net.ip() {
            true => Ok(cidr),
            false => Err(CidrError::HostBits {
                text: text.to_owned(),
                network: cidr,
            }),
        }
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> String {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_are_read_and_written() {
        for text in [
            "0.0.0.0/0",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "::/0",
            "fd00:1::/48",
            "fd00::1/128",
        ] {
            assert_eq!(cidr(text).to_string(), text);
        }
        assert_eq!(cidr("FD00:0:0::/48").to_string(), "fd00::/48");
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for bad in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/255.0.0.0",
            "10.0.0/24",
            "010.0.0.0/8",
            "10.0.0.0/8 ",
            "fd00::/129",
            "fd00::%eth0/64",
            "10.0.0.0/8/8",
        ] {
            let error = bad.parse::<Cidr>().unwrap_err();
            assert!(matches!(error, CidrError::Form { .. }), "{bad}");
        }
        let error = "10.1.2.3/16".parse::<Cidr>().unwrap_err();
        let text = "\"10.1.2.3/16\" has host bits set; its network is 10.1.0.0/16";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn the_ends_of_the_space_are_counted() {
        assert_eq!(cidr("::/0").size(), u128::MAX);
        assert_eq!(cidr("::/0").parts(128), u128::MAX);
        assert_eq!(cidr("::/0").part(0, 0), Some(cidr("::/0")));
        assert_eq!(cidr("0.0.0.0/0").size(), 1 << 32);
        assert_eq!(cidr("0.0.0.0/0").last().to_string(), "255.255.255.255");
        assert_eq!(cidr("10.0.0.0/31").nth(2), None);
        assert_eq!(cidr("10.0.0.0/12").parts(26), 1 << 14);
        assert_eq!(cidr("10.0.0.0/12").part(26, 1 << 14), None);
        assert_eq!(cidr("10.0.0.0/24").parts(23), 0);
        assert_eq!(cidr("10.0.0.0/24").part(23, 0), None);
        assert_eq!(cidr("10.0.0.0/24").part(33, 0), None);
        let last = cidr("fd00::/48").part(122, (1 << 74) - 1).unwrap();
        assert_eq!(last.last(), cidr("fd00::/48").last());
    }

    fn any_ip() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<Ipv4Addr>().prop_map(IpAddr::V4),
            any::<Ipv6Addr>().prop_map(IpAddr::V6),
        ]
    }

    fn any_cidr() -> impl Strategy<Value = Cidr> {
        (any_ip(), 0..=128u8).prop_map(|(ip, prefix)| {
            let most = Family::of(ip).bits();
            Cidr::holding(ip, prefix.min(most)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn text_and_back(cidr in any_cidr()) {
            prop_assert_eq!(cidr.to_string().parse(), Ok(cidr));
        }

        #[test]
        fn a_prefix_holds_what_lies_between_its_ends(cidr in any_cidr(), ip in any_ip()) {
            let between = Family::of(ip) == cidr.family() && cidr.first() <= ip && ip <= cidr.last();
            prop_assert_eq!(cidr.contains(ip), between);
            prop_assert!(cidr.contains(cidr.first()) && cidr.contains(cidr.last()));
        }

        #[test]
        fn two_overlap_where_one_holds_the_others_first(a in any_cidr(), b in any_cidr()) {
            let naive = a.contains(b.first()) || b.contains(a.first());
            prop_assert_eq!(a.overlaps(b), naive);
            prop_assert_eq!(b.overlaps(a), naive);
        }

        #[test]
        fn parts_lie_side_by_side(cidr in any_cidr(), more in 0..=12u8) {
            let prefix = cidr.prefix().saturating_add(more).min(cidr.family().bits());
            let count = cidr.parts(prefix);
            let parts: Vec<_> = (0..count).map(|i| cidr.part(prefix, i).unwrap()).collect();
            prop_assert_eq!(parts[0].first(), cidr.first());
            prop_assert_eq!(parts[parts.len() - 1].last(), cidr.last());
            for pair in parts.windows(2) {
                prop_assert_eq!(number(pair[0].last()) + 1, number(pair[1].first()));
            }
            prop_assert_eq!(cidr.part(prefix, count), None);
        }
    }
}
