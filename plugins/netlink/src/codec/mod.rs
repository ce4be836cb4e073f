//! From this crate's types to the kernel's bytes and back.
//!
//! Requests are built with netlink-packet-route's types. Answers are read with
//! [`raw::attr`](crate::raw::attr) instead, and only the attributes that this
//! crate tells of: a plugin sees every interface of the host, and one odd
//! attribute of a driver that it has nothing to do with must not be its end.

pub(crate) mod address;
pub(crate) mod bridge;
pub(crate) mod child;
#[cfg(test)]
mod child_tests;
mod encap;
pub(crate) mod filter;
#[cfg(test)]
mod filter_tests;
pub(crate) mod link;
pub(crate) mod neighbour;
pub(crate) mod nexthop;
#[cfg(test)]
mod overlay_tests;
pub(crate) mod qdisc;
#[cfg(test)]
mod qdisc_tests;
pub(crate) mod route;
pub(crate) mod rule;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
pub(crate) mod traffic;
pub(crate) mod vf;
#[cfg(test)]
mod vf_tests;
pub(crate) mod vrf;
pub(crate) mod vxlan;

use netlink_packet_core::Emitable;
use netlink_packet_route::AddressFamily;

use crate::route::Family;

/// The bytes of a message's body.
pub(crate) fn emit(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

pub(crate) const fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}
