//! Where a route lies: the two things by which the kernel knows it.

use crate::names;
use fairway_rib::{Prefix, Vni};
use ipnetwork::IpNetwork;

/// Where a route of ours lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) table: u32,
    pub(crate) dst: IpNetwork,
}

impl Place {
    pub(crate) fn new(vni: Vni, prefix: Prefix) -> Place {
        let table = names::table(vni);
        Place {
            table,
            dst: network(prefix),
        }
    }
}

/// A prefix as the kernel's side writes it.
pub fn network(prefix: Prefix) -> IpNetwork {
    let cidr = prefix.cidr();
    // Of a prefix the length always fits.
    IpNetwork::new(cidr.first(), cidr.prefix()).unwrap_or_else(|_| cidr.first().into())
}
