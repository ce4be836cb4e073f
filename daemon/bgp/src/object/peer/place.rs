//! Where a neighbour is, and from where one connects to it.

use super::family;
use crate::object::read::{self, Fields};
use crate::session::config::Peer;
use fairway_policy::object::{
    Reason,
    field::{Faults, Path},
};
use std::net::IpAddr;

const PLACES: &[&str] = &["address", "prefix"];

/// Those of a prefix connect by themselves.
const MANY: &str = "prefix is: such neighbours connect by themselves";

pub(super) fn parse(spec: Fields<'_, '_>, at: &Path<'_>, faults: &mut Faults) -> Option<Peer> {
    let address = spec.maybe("address", faults, read::address);
    let prefix = spec.maybe("prefix", faults, read::prefix);
    match spec.given(PLACES)[..] {
        ["address"] => address?.map(Peer::At),
        ["prefix"] => {
            spec.misplaced("port", MANY, faults);
            prefix?.map(Peer::Within)
        }
        _ => faults.add(at, Reason::ExactlyOne { of: PLACES }),
    }
}

/// `sourceAddress`, of the neighbour's family.
pub(super) fn source(
    spec: Fields<'_, '_>,
    peer: Option<Peer>,
    faults: &mut Faults,
) -> Option<Option<IpAddr>> {
    let source = spec.maybe("sourceAddress", faults, read::address)?;
    match (source, peer) {
        (Some(_), Some(Peer::Within(_))) => spec.misplaced("sourceAddress", MANY, faults),
        (Some(source), Some(peer)) if family(Peer::At(source)) != family(peer) => {
            let what = format!("{source} is not of the neighbour's address family");
            return spec.refuse("sourceAddress", read::refused(what), faults);
        }
        _ => {}
    }
    Some(source)
}

/// Neighbours of a prefix are always waited for.
pub(super) fn passive(spec: Fields<'_, '_>, faults: &mut Faults) -> Option<bool> {
    let passive = spec.maybe("passive", faults, read::flag)?;
    let many = spec.has("prefix");
    if many && passive == Some(false) {
        spec.misplaced("passive", MANY, faults);
    }
    Some(passive.unwrap_or(many))
}
