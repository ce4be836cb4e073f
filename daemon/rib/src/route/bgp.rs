//! Routes of BGP peers, as far as they are compared (RFC 4271, 9.1).
//!
//! What else an update says stays with whoever speaks BGP. RFC 4271 compares MED only between routes of
//! one neighbouring AS, which makes the choice hang on the order of arrival (RFC 3345); here it is always
//! compared, so that routes have one order.

use super::Gateways;
use crate::{NetworkName, Prefix};
use std::net::IpAddr;

/// What of a route's path attributes decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// LOCAL_PREF; the higher is better.
    pub preference: u32,
    /// How many AS the path has, a set counting as one; the shorter is better.
    pub as_path_len: u16,
    /// MULTI_EXIT_DISC, 0 where it is missing; the lower is better.
    pub med: u32,
}

/// A prefix that a BGP peer told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpRoute {
    /// The peer.
    pub peer: IpAddr,
    /// In whose table.
    pub network: NetworkName,
    /// To where.
    pub prefix: Prefix,
    /// Its next hops, as they were told, of paths that are used beside each other the best first.
    pub next_hops: Vec<IpAddr>,
    /// What they are reached by: themselves, where they are on a link.
    pub gateways: Gateways,
    /// What decides between several.
    pub path: Path,
    /// It lies within a pool of its network: it counts only beside a block or a claim of exactly this prefix, and so
    /// only where no way of those can be used. Neighbours have no word on where containers are.
    pub beside: bool,
}
