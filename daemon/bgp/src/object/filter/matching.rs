//! `match`: what a rule asks of a route. All that is asked has to hold; of a list, one.

use super::community;
use crate::Family;
use crate::attr::Origin;
use crate::object::read::{self, Fields};
use crate::policy::{PathMatch, PrefixMatch, Source, Term};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::Value;

const FAMILIES: (&[&str; 2], [Family; 2]) = (&["IPv4", "IPv6"], Family::ALL);
const ORIGINS: (&[&str; 3], [Origin; 3]) = (
    &["IGP", "EGP", "Incomplete"],
    [Origin::Igp, Origin::Egp, Origin::Incomplete],
);
const SOURCES: (&[&str; 5], [Source; 5]) = (
    &["Block", "Claim", "Pool", "Address", "Peer"],
    [
        Source::Block,
        Source::Claim,
        Source::Pool,
        Source::Chosen,
        Source::Neighbour,
    ],
);

/// Lengths of paths; longer ones are refused by most.
const LENGTH: (u16, u16) = (0, 1000);

const KNOWN: &[&str] = &[
    "prefixes",
    "family",
    "communities",
    "largeCommunities",
    "asPath",
    "origin",
    "sources",
    "peerAddresses",
    "peerAsns",
];

/// `many`: there may be more than one neighbour.
pub(super) fn parse(
    value: &Value,
    many: bool,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<Term>> {
    let fields = Fields::of(value, KNOWN, at, faults)?;
    let map = field::object(value, at, faults)?;
    // To some it means everything, to others nothing. What is there under a wrong name was meant to be one of them.
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: KNOWN });
    }
    let prefixes = fields.maybe("prefixes", faults, |value, at, faults| {
        let all = read::some(value, at, faults, prefix)?;
        Some(Term::Prefixes(all.into_iter().collect()))
    });
    let family = fields.maybe("family", faults, |value, at, faults| {
        field::word(value, FAMILIES, at, faults).map(Term::Family)
    });
    let communities = fields.maybe("communities", faults, |value, at, faults| {
        read::some(value, at, faults, community::some).map(Term::Communities)
    });
    let large = fields.maybe("largeCommunities", faults, |value, at, faults| {
        read::some(value, at, faults, community::some_large).map(Term::Large)
    });
    let path = fields.or(("asPath", Vec::new()), faults, path);
    let origin = fields.maybe("origin", faults, |value, at, faults| {
        field::word(value, ORIGINS, at, faults).map(Term::Origin)
    });
    let sources = fields.maybe("sources", faults, |value, at, faults| {
        let one = |value: &Value, at: &Path<'_>, faults: &mut Faults| {
            field::word(value, SOURCES, at, faults)
        };
        read::each(value, at, faults, one).map(Term::Source)
    });
    let addresses = fields.maybe("peerAddresses", faults, |value, at, faults| {
        read::each(value, at, faults, read::address).map(Term::Neighbour)
    });
    if !many {
        let when = "address is: there is one neighbour";
        fields.misplaced("peerAddresses", when, faults);
    }
    let asns = fields.maybe("peerAsns", faults, |value, at, faults| {
        read::each(value, at, faults, read::asn).map(Term::NeighbourAs)
    });
    let terms = [
        prefixes?,
        family?,
        communities?,
        large?,
        origin?,
        sources?,
        addresses?,
        asns?,
    ];
    Some(terms.into_iter().flatten().chain(path?).collect())
}

/// A prefix, or those in it that have certain lengths, as prefix lists of others have it.
fn prefix(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<PrefixMatch> {
    let fields = Fields::of(value, &["prefix", "ge", "le"], at, faults)?;
    let prefix = fields.must("prefix", faults, read::prefix);
    let (least, most) = match prefix {
        Some(prefix) => (prefix.length(), prefix.family().bits()),
        None => (0, 128),
    };
    let length = |name, faults: &mut Faults| {
        fields.maybe(name, faults, |value, at, faults| {
            field::number(value, (least, most), at, faults)
        })
    };
    let (ge, le) = (length("ge", faults), length("le", faults));
    let (prefix, ge, le) = (prefix?, ge?, le?);
    let (from, to) = match (ge, le) {
        (None, None) => return Some(PrefixMatch::exact(prefix)),
        (Some(ge), None) => (ge, most),
        (None, Some(le)) => (least, le),
        (Some(ge), Some(le)) if le < ge => {
            let rule = "at least ge,";
            let (start, end) = (ge.into(), le.into());
            return fields.refuse("le", Reason::Order { end, rule, start }, faults);
        }
        (Some(ge), Some(le)) => (ge, le),
    };
    match PrefixMatch::lengths(prefix, from, to) {
        Ok(lengths) => Some(lengths),
        Err(error) => faults.add(at, read::refused(error)),
    }
}

/// `asPath`: each field is a question of its own.
fn path(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<Term>> {
    const KNOWN: &[&str] = &[
        "contains",
        "beginsWith",
        "originatedBy",
        "minLength",
        "maxLength",
        "empty",
    ];
    let map = field::object(value, at, faults)?;
    let fields = Fields::of(value, KNOWN, at, faults)?;
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: KNOWN });
    }
    let contains = fields.maybe("contains", faults, read::asn);
    let begins = fields.maybe("beginsWith", faults, read::asn);
    let originated = fields.maybe("originatedBy", faults, read::asn);
    let length = |value: &Value, at: &Path<'_>, faults: &mut Faults| {
        field::number(value, LENGTH, at, faults)
    };
    let least = fields.maybe("minLength", faults, length);
    let most = fields.maybe("maxLength", faults, length);
    let empty = fields.maybe("empty", faults, read::flag);
    if fields.has("empty") && map.len() > 1 {
        let (given, with) = ("empty", "other questions about the path");
        return faults.add(at, Reason::Together { given, with });
    }
    let (contains, begins, originated) = (contains?, begins?, originated?);
    let (least, most, empty) = (least?, most?, empty?);
    let mut terms = Vec::new();
    terms.extend(contains.map(PathMatch::Contains));
    terms.extend(begins.map(PathMatch::BeginsWith));
    terms.extend(originated.map(PathMatch::OriginatedBy));
    match (least, most) {
        (None, None) => {}
        (Some(start), Some(end)) if end < start => {
            let rule = "at least minLength,";
            return fields.refuse("maxLength", Reason::Order { end, rule, start }, faults);
        }
        (least, most) => terms.push(PathMatch::Length(
            least.unwrap_or(0).into(),
            most.map_or(usize::MAX, usize::from),
        )),
    }
    match empty {
        None => {}
        Some(true) => terms.push(PathMatch::Empty),
        Some(false) => terms.push(PathMatch::Length(1, usize::MAX)),
    }
    Some(terms.into_iter().map(Term::Path).collect())
}
