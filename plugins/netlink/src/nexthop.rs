//! Next hops as objects of their own, which routes refer to by number (Linux 5.3).
//!
//! What makes them worth having: one serves routes of both families (if its
//! gateway is of IPv6), replacing it moves all its routes at once, and the kernel
//! finds it by its number. Tunnels written into IPv4 routes it has to look for one
//! by one, which takes longer the more there are.

use std::net::IpAddr;

use crate::encap::Encap;

/// A next hop, as the kernel has it or is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nexthop {
    /// Its number in its namespace, above 0. Others choose numbers too.
    pub id: u32,
    /// Where packets go; routes of IPv6 need one of IPv6.
    pub gateway: IpAddr,
    /// Index of the link to send by. With it down or gone, the next hop and its
    /// routes are gone.
    pub oif: u32,
    /// Who set it, as with routes.
    pub protocol: u8,
    /// Take the gateway for reachable on the link even if no subnet covers it.
    pub onlink: bool,
    /// What packets are wrapped in before the link gets them.
    pub encap: Option<Encap>,
}
