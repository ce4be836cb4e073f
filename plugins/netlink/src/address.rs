//! Addresses of links.

use std::net::Ipv4Addr;

use ipnetwork::IpNetwork;

use crate::route::Scope;

/// An address as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The link that bears it.
    pub index: u32,
    /// The address with its host bits and the length of its subnet's prefix.
    pub ip: IpNetwork,
    /// Reach of the address.
    pub scope: Scope,
    /// Duplicate detection is under way; the address cannot be used yet.
    pub tentative: bool,
    /// Duplicate detection found another owner; the address cannot be used.
    pub dad_failed: bool,
    /// Without a lifetime: set by hand, not by router advertisement or DHCP.
    pub permanent: bool,
    /// Of IPv4: a further address of a subnet that the link has already. Of IPv6: a temporary one (RFC 8981).
    pub secondary: bool,
}

impl Address {
    /// An address that was set by hand and can be used: a start for models and tests.
    pub fn new(index: u32, ip: IpNetwork) -> Self {
        Self {
            index,
            ip,
            scope: Scope::UNIVERSE,
            tentative: false,
            dad_failed: false,
            permanent: true,
            secondary: false,
        }
    }
}

/// An address to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSpec {
    /// The address with its host bits and the length of its subnet's prefix.
    pub ip: IpNetwork,
    /// IPv6 only: usable at once, without duplicate detection.
    pub nodad: bool,
    /// Do not add the route to the subnet that comes with an address.
    pub no_prefix_route: bool,
    /// Reach; [`Scope::UNIVERSE`] unless said otherwise.
    pub scope: Scope,
    /// IPv4 only. None: the subnet's last address where the prefix is shorter
    /// than 31, nothing otherwise.
    pub broadcast: Option<Ipv4Addr>,
}

impl AddressSpec {
    /// An address with nothing special about it.
    pub fn new(ip: IpNetwork) -> Self {
        Self {
            ip,
            nodad: false,
            no_prefix_route: false,
            scope: Scope::UNIVERSE,
            broadcast: None,
        }
    }
}
