//! Routes of what are exchanged, and how many a neighbour may tell.

use super::{BgpPeer, family};
use crate::Family;
use crate::object::{
    fill,
    read::{self, Fields},
};
use crate::session::config::{FamilySettings, Limit, Over, Peer};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::{Map, Value};

const FAMILIES: &[&str] = &["ipv4", "ipv6"];
const OVER: (&[&str; 2], [Over; 2]) = (&["Down", "Warn"], [Over::Down { again: None }, Over::Warn]);
/// At which share of the limit there is a warning, in percent.
const WARN_AT: u8 = 75;

pub(super) fn name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    }
}

/// `families`; absent: that of the neighbour's address.
pub(super) fn parse(
    spec: Fields<'_, '_>,
    peer: Option<Peer>,
    faults: &mut Faults,
) -> Option<Vec<FamilySettings>> {
    match spec.maybe("families", faults, all)? {
        Some(all) => Some(all),
        None => Some(vec![FamilySettings::new(family(peer?))]),
    }
}

fn all(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<FamilySettings>> {
    let map = field::object(value, at, faults)?;
    let families = Fields::of(value, FAMILIES, at, faults)?;
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: FAMILIES });
    }
    let read = Family::ALL.map(|family| {
        families.maybe(name(family), faults, |value, at, faults| {
            one(family, value, at, faults)
        })
    });
    let read: Option<Vec<_>> = read.into_iter().collect();
    Some(read?.into_iter().flatten().collect())
}

fn one(
    family: Family,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<FamilySettings> {
    let fields = Fields::of(value, &["maxPrefixes", "ipv6NextHops"], at, faults)?;
    let limit = fields.maybe("maxPrefixes", faults, limit);
    let ipv6_next_hops = fields.or(("ipv6NextHops", false), faults, read::flag);
    if family == Family::Ipv6 {
        let when = "routes are IPv6: their next hops always are";
        fields.misplaced("ipv6NextHops", when, faults);
    }
    Some(FamilySettings {
        limit: limit?,
        ipv6_next_hops: ipv6_next_hops?,
        ..FamilySettings::new(family)
    })
}

/// `maxPrefixes`.
fn limit(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Limit> {
    let known = ["limit", "warnAt", "over", "restartAfter"];
    let fields = Fields::of(value, &known, at, faults)?;
    let prefixes = fields.must("limit", faults, |value, at, faults| {
        field::number(value, (1, u32::MAX), at, faults)
    });
    let warn_at = fields.or(("warnAt", WARN_AT), faults, |value, at, faults| {
        field::number(value, (1, 100), at, faults)
    });
    let over = ("over", Over::Down { again: None });
    let over = fields.or(over, faults, |value, at, faults| {
        field::word(value, OVER, at, faults)
    });
    let again = fields.maybe("restartAfter", faults, |value, at, faults| {
        read::time(value, (1, u16::MAX), at, faults)
    });
    if over == Some(Over::Warn) {
        fields.misplaced("restartAfter", "over is Warn", faults);
    }
    let again = again?;
    Some(Limit {
        prefixes: prefixes?,
        warn_at: warn_at?,
        over: match over? {
            Over::Down { .. } => Over::Down { again },
            Over::Warn => Over::Warn,
        },
    })
}

pub(super) fn defaults(spec: &mut Map<String, Value>, peer: &BgpPeer) {
    let families = spec.entry("families").or_insert_with(|| {
        let named = |one: &FamilySettings| (name(one.family).to_owned(), Map::new().into());
        Value::Object(peer.families.iter().map(named).collect())
    });
    let families = families.as_object_mut().into_iter();
    let limits = families.flat_map(|map| map.values_mut());
    for limit in limits.filter_map(|family| family.get_mut("maxPrefixes")?.as_object_mut()) {
        fill(limit, "warnAt", WARN_AT);
        fill(limit, "over", "Down");
    }
}
