//! Prefixes, as BGP has them: any address, any length, host bits zero.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A family of routes (AFI and SAFI of RFC 4760): unicast ones are all that there are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// AFI 1, SAFI 1.
    Ipv4,
    /// AFI 2, SAFI 1.
    Ipv6,
}

impl Family {
    /// All there are.
    pub const ALL: [Family; 2] = [Family::Ipv4, Family::Ipv6];

    /// Of AFI and SAFI; none of those that are not spoken here.
    pub const fn of(afi: u16, safi: u8) -> Option<Family> {
        match (afi, safi) {
            (1, 1) => Some(Family::Ipv4),
            (2, 1) => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// The address family identifier.
    pub const fn afi(self) -> u16 {
        match self {
            Family::Ipv4 => 1,
            Family::Ipv6 => 2,
        }
    }

    /// The subsequent address family identifier.
    pub const fn safi(self) -> u8 {
        1
    }

    /// Bits of an address.
    pub const fn bits(self) -> u8 {
        match self {
            Family::Ipv4 => 32,
            Family::Ipv6 => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ipv4 => "ipv4-unicast",
            Family::Ipv6 => "ipv6-unicast",
        })
    }
}

/// An address as bits: `u32` is IPv4's, `u128` IPv6's.
pub trait Bits: Copy + Eq + Ord + std::hash::Hash + fmt::Debug + Send + Sync + 'static {
    /// How many.
    const LENGTH: u8;

    /// Whose addresses they are.
    const FAMILY: Family;

    /// The first so many bits; the rest are zero.
    fn masked(self, length: u8) -> Self;

    /// A prefix of this family as one of any.
    fn any(net: Net<Self>) -> Prefix;
}

impl Bits for u32 {
    const LENGTH: u8 = 32;

    const FAMILY: Family = Family::Ipv4;

    fn masked(self, length: u8) -> u32 {
        match length {
            0 => 0,
            length => self & (u32::MAX << (32 - length.min(32))),
        }
    }

    fn any(net: Net<u32>) -> Prefix {
        Prefix::V4(net)
    }
}

impl Bits for u128 {
    const LENGTH: u8 = 128;

    const FAMILY: Family = Family::Ipv6;

    fn masked(self, length: u8) -> u128 {
        match length {
            0 => 0,
            length => self & (u128::MAX << (128 - length.min(128))),
        }
    }

    fn any(net: Net<u128>) -> Prefix {
        Prefix::V6(net)
    }
}

/// A prefix of one family. Host bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Net<A> {
    address: A,
    length: u8,
}

impl<A: Bits> Net<A> {
    /// Host bits are made zero; none where the length is more than the family's.
    pub fn new(address: A, length: u8) -> Option<Net<A>> {
        (length <= A::LENGTH).then(|| Net {
            address: address.masked(length),
            length,
        })
    }

    /// The first address.
    pub fn address(self) -> A {
        self.address
    }

    /// In bits.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether all of the other lies in it.
    pub fn holds(self, other: Net<A>) -> bool {
        self.length <= other.length && other.address.masked(self.length) == self.address
    }
}

/// A prefix of either family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// Of IPv4.
    V4(Net<u32>),
    /// Of IPv6.
    V6(Net<u128>),
}

impl Prefix {
    /// Host bits are made zero; none where the length is more than the family's.
    pub fn new(address: IpAddr, length: u8) -> Option<Prefix> {
        match address {
            IpAddr::V4(address) => Net::new(address.to_bits(), length).map(Prefix::V4),
            IpAddr::V6(address) => Net::new(address.to_bits(), length).map(Prefix::V6),
        }
    }

    /// Its family.
    pub fn family(self) -> Family {
        match self {
            Prefix::V4(_) => Family::Ipv4,
            Prefix::V6(_) => Family::Ipv6,
        }
    }

    /// The first address.
    pub fn address(self) -> IpAddr {
        match self {
            Prefix::V4(net) => IpAddr::V4(Ipv4Addr::from_bits(net.address)),
            Prefix::V6(net) => IpAddr::V6(Ipv6Addr::from_bits(net.address)),
        }
    }

    /// In bits.
    pub fn length(self) -> u8 {
        match self {
            Prefix::V4(net) => net.length,
            Prefix::V6(net) => net.length,
        }
    }

    /// Whether all of the other lies in it.
    pub fn holds(self, other: Prefix) -> bool {
        match (self, other) {
            (Prefix::V4(net), Prefix::V4(other)) => net.holds(other),
            (Prefix::V6(net), Prefix::V6(other)) => net.holds(other),
            _ => false,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length())
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<A: Bits> fmt::Debug for Net<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        A::any(*self).fmt(f)
    }
}

/// Why a text is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPrefix {
    /// It has no slash.
    #[error("{0:?} has no length: ADDRESS/LENGTH is wanted")]
    NoLength(String),
    /// What is before the slash.
    #[error("{0:?} is no IP address")]
    Address(String),
    /// What is after it.
    #[error("/{length} is no length of an {family} prefix")]
    Length {
        /// As it was written.
        length: String,
        /// Of the address.
        family: Family,
    },
    /// Bits after the length.
    #[error("{text} has bits beyond its length; {meant} is meant?")]
    HostBits {
        /// As it was written.
        text: String,
        /// With zeros.
        meant: Prefix,
    },
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    /// Only as it is shown: what has host bits was meant otherwise.
    fn from_str(text: &str) -> Result<Prefix, NotAPrefix> {
        let Some((address, length)) = text.split_once('/') else {
            return Err(NotAPrefix::NoLength(text.to_owned()));
        };
        let Ok(ip) = address.parse::<IpAddr>() else {
            return Err(NotAPrefix::Address(address.to_owned()));
        };
        let family = match ip {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        };
        let number = length.parse().ok().filter(|_| !length.starts_with('+'));
        let Some(prefix) = number.and_then(|length| Prefix::new(ip, length)) else {
            let length = length.to_owned();
            return Err(NotAPrefix::Length { length, family });
        };
        match prefix.address() == ip {
            true => Ok(prefix),
            false => Err(NotAPrefix::HostBits {
                text: text.to_owned(),
                meant: prefix,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_there_and_back() {
        for text in [
            "0.0.0.0/0",
            "10.1.0.0/16",
            "10.0.0.1/32",
            "::/0",
            "fd00::/48",
            "fd00::1/128",
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        for (text, error) in [
            (
                "10.0.0.0",
                "\"10.0.0.0\" has no length: ADDRESS/LENGTH is wanted",
            ),
            ("10.0.0/8", "\"10.0.0\" is no IP address"),
            ("10.0.0.0/33", "/33 is no length of an ipv4-unicast prefix"),
            ("fd00::/129", "/129 is no length of an ipv6-unicast prefix"),
            ("10.0.0.0/+8", "/+8 is no length of an ipv4-unicast prefix"),
            (
                "10.0.0.1/8",
                "10.0.0.1/8 has bits beyond its length; 10.0.0.0/8 is meant?",
            ),
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn what_lies_in_what() {
        let holds = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse::<Prefix>().unwrap());
            one.holds(other)
        };
        assert!(holds("0.0.0.0/0", "10.0.0.0/8"));
        assert!(holds("10.0.0.0/8", "10.0.0.0/8"));
        assert!(holds("fd00::/8", "fd12::/16"));
        assert!(!holds("10.0.0.0/9", "10.0.0.0/8"));
        assert!(!holds("10.0.0.0/8", "11.0.0.0/16"));
        assert!(!holds("::/0", "10.0.0.0/8"));
    }
}
