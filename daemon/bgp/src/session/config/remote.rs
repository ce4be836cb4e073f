//! Where a neighbour is, and of which AS.

use crate::{Asn, Prefix};
use std::fmt;
use std::net::IpAddr;

/// Where neighbours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// One, at an address.
    At(IpAddr),
    /// Whoever connects from a prefix.
    Within(Prefix),
}

impl Peer {
    /// Whether the address is one of them.
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Peer::At(one) => one == address,
            Peer::Within(prefix) => {
                Prefix::new(address, prefix.family().bits()).is_some_and(|host| prefix.holds(host))
            }
        }
    }

    pub(super) fn is_ipv4(self) -> bool {
        match self {
            Peer::At(address) => address.is_ipv4(),
            Peer::Within(prefix) => prefix.address().is_ipv4(),
        }
    }
}

/// Of which AS a neighbour has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteAs {
    /// This one.
    Is(Asn),
    /// One's own.
    Internal,
    /// Any but one's own.
    External,
    /// One of these; there is one.
    OneOf(Vec<Asn>),
}

impl RemoteAs {
    /// Whether a neighbour of the AS is one of them.
    pub fn admits(&self, local: Asn, found: Asn) -> bool {
        match self {
            RemoteAs::Is(asn) => *asn == found,
            RemoteAs::Internal => local == found,
            RemoteAs::External => local != found,
            RemoteAs::OneOf(all) => all.contains(&found),
        }
    }
}

impl fmt::Display for RemoteAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteAs::Is(asn) => write!(f, "AS {asn}"),
            RemoteAs::Internal => f.write_str("the AS of this speaker"),
            RemoteAs::External => f.write_str("another AS than this speaker's"),
            RemoteAs::OneOf(all) => {
                let all: Vec<_> = all.iter().map(Asn::to_string).collect();
                write!(f, "one of AS {}", all.join(", "))
            }
        }
    }
}
