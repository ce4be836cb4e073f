//! Prefixes and the arithmetic on them. Host bits are always zero.

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
        if !text.contains('/') {
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
