//! Path attributes (RFC 4271, 5; RFC 1997, 4360, 4456, 8092).

mod community;
mod path;

pub use community::{Community, ExtendedCommunity, LargeCommunity};
pub use path::{AsPath, Segment};

use crate::{Asn, RouterId};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a route began, the better before the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In its AS.
    Igp,
    /// Learned by EGP.
    Egp,
    /// By other means.
    Incomplete,
}

/// Where packets go. An IPv6 one of a neighbour on the same link may have its link-local address beside it (RFC 2545);
/// routes of IPv4 may have an IPv6 one (RFC 8950).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// IPv4.
    V4(Ipv4Addr),
    /// IPv6, and the same machine's address on the link.
    V6(Ipv6Addr, Option<Ipv6Addr>),
}

impl NextHop {
    /// The global one.
    pub fn address(self) -> IpAddr {
        match self {
            NextHop::V4(ip) => IpAddr::V4(ip),
            NextHop::V6(ip, _) => IpAddr::V6(ip),
        }
    }
}

/// Who made an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Aggregator {
    /// Its AS.
    pub asn: Asn,
    /// Its identifier.
    pub router: Ipv4Addr,
}

/// An attribute that nobody here knows, and that goes on to others (optional and transitive): its type and its bytes.
/// It is told with the Partial bit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// Its type code.
    pub code: u8,
    /// As it came.
    pub value: Box<[u8]>,
}

/// What a route has beside its prefix, but for its next hop. Equal ones are one: tables keep each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// ORIGIN.
    pub origin: Origin,
    /// AS_PATH, of four-octet numbers.
    pub as_path: AsPath,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF; only within an AS.
    pub local_pref: Option<u32>,
    /// ATOMIC_AGGREGATE.
    pub atomic_aggregate: bool,
    /// AGGREGATOR.
    pub aggregator: Option<Aggregator>,
    /// COMMUNITIES, ascending, each once.
    pub communities: Vec<Community>,
    /// EXTENDED COMMUNITIES, ascending, each once.
    pub extended: Vec<ExtendedCommunity>,
    /// LARGE_COMMUNITY, ascending, each once.
    pub large: Vec<LargeCommunity>,
    /// ORIGINATOR_ID (RFC 4456).
    pub originator: Option<RouterId>,
    /// CLUSTER_LIST (RFC 4456), the nearest first.
    pub clusters: Vec<RouterId>,
    /// What nobody here knows, by type, ascending.
    pub unknown: Vec<Unknown>,
}

impl Attributes {
    /// With nothing but these.
    pub fn new(origin: Origin, as_path: AsPath) -> Attributes {
        Attributes {
            origin,
            as_path,
            med: None,
            local_pref: None,
            atomic_aggregate: false,
            aggregator: None,
            communities: Vec::new(),
            extended: Vec::new(),
            large: Vec::new(),
            originator: None,
            clusters: Vec::new(),
            unknown: Vec::new(),
        }
    }
}
