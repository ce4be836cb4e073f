//! `advertise`: what nodes announce of their own.

use crate::Prefix;
use crate::object::fill;
use crate::object::read::{self, Fields};
use fairway_policy::object::{
    field::{Faults, Path},
    form::Form,
};
use serde_json::{Map, Value};

/// Names of pools, as the daemon has them.
const POOL: Form = (
    pool,
    "1 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends",
);

fn pool(text: &str) -> bool {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    text.len() <= 63
        && text.bytes().all(fits)
        && end(text.bytes().next())
        && end(text.bytes().last())
}

/// What nodes announce of their own. Whom it is told to, export rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertise {
    /// The blocks that a node has of pools.
    pub blocks: bool,
    /// Addresses that claims hold on a node outside its blocks, each by itself.
    pub claims: bool,
    /// Blocks and claims of these pools; absent: of all.
    pub pools: Option<Vec<String>>,
    /// These pools as a whole, from each of the nodes.
    pub whole_pools: Vec<String>,
    /// Other prefixes, from each of the nodes.
    pub addresses: Vec<Prefix>,
}

impl Default for Advertise {
    fn default() -> Advertise {
        Advertise {
            blocks: true,
            claims: true,
            pools: None,
            whole_pools: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

impl Advertise {
    /// Whether blocks and claims of the pool are announced.
    pub fn has_pool(&self, pool: &str) -> bool {
        let pools = self.pools.as_ref();
        pools.is_none_or(|pools| pools.iter().any(|one| one == pool))
    }
}

pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Advertise> {
    let known = ["blocks", "claims", "pools", "wholePools", "addresses"];
    let fields = Fields::of(value, &known, at, faults)?;
    let blocks = fields.or(("blocks", true), faults, read::flag);
    let claims = fields.or(("claims", true), faults, read::flag);
    let pools = fields.maybe("pools", faults, pools);
    if (blocks, claims) == (Some(false), Some(false)) {
        let when = "neither blocks nor claims are announced";
        fields.misplaced("pools", when, faults);
    }
    let whole_pools = fields.or(("wholePools", Vec::new()), faults, self::pools);
    let addresses = fields.or(("addresses", Vec::new()), faults, |value, at, faults| {
        read::each(value, at, faults, address)
    });
    Some(Advertise {
        blocks: blocks?,
        claims: claims?,
        pools: pools?,
        whole_pools: whole_pools?,
        addresses: addresses?,
    })
}

fn pools(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    read::names(value, POOL, at, faults)
}

/// A prefix that others can have a route to.
fn address(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Prefix> {
    let prefix = read::prefix(value, at, faults)?;
    let first = prefix.address();
    let link = match first {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let what = match () {
        () if first.is_multicast() => "are groups'",
        () if first.is_loopback() => "are each machine's own",
        () if link => "are of a link only",
        () => return Some(prefix),
    };
    let what = format!("{prefix} cannot be announced: its addresses {what}");
    faults.add(at, read::refused(what))
}

pub(super) fn defaults(advertise: &mut Map<String, Value>) {
    fill(advertise, "blocks", true);
    fill(advertise, "claims", true);
}
