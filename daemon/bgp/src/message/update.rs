//! UPDATE.

use crate::attr::{Attributes, NextHop};
use crate::{Family, Prefix};

/// Routes that came and went. A prefix that did both has come (RFC 4271, 4.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Gone, of either family.
    pub withdrawn: Vec<Prefix>,
    /// Come, or changed: all of them with these attributes. None where nothing is announced.
    pub attributes: Option<Attributes>,
    /// By family and next hop: no two have both of them alike, and none is empty. Two of a family are rare: IPv4 routes in
    /// their own field, and others of them in MP_REACH_NLRI.
    pub announced: Vec<Announced>,
    /// The sign that all routes of the family were told (RFC 4724, 2): an UPDATE with nothing in it.
    pub end_of_rib: Option<Family>,
}

/// Prefixes by one next hop, all of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Where their packets go.
    pub next_hop: NextHop,
    /// To where.
    pub prefixes: Vec<Prefix>,
}
