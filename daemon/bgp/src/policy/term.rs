//! What a rule asks of a route.

use super::PrefixSet;
use crate::attr::{AsPath, Attributes, Community, LargeCommunity, Origin};
use crate::{Asn, Family, Prefix};
use std::fmt;
use std::net::IpAddr;

/// A route, and who tells it or is to be told.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where to.
    pub prefix: Prefix,
    /// As they are before the rule changes them; what is told is asked for before the own AS is in front.
    pub attributes: &'a Attributes,
    /// Of an import policy, who told it; of an export policy, who is to be told.
    pub neighbour: Party,
    /// Where it is from.
    pub source: Source,
}

impl Subject<'_> {
    /// Whether all that has no other route goes there.
    pub fn is_default(&self) -> bool {
        self.prefix.length() == 0
    }
}

/// A neighbour, as policies see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
    /// Whether it is of the same AS.
    pub internal: bool,
}

/// Where a route is from. Of own routes to one prefix, the earlier kind comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A claim that is held here and lies outside the blocks here: a single address.
    Claim,
    /// An address that somebody chose to announce.
    Chosen,
    /// A block of addresses of this node, as one.
    Block,
    /// A whole pool.
    Pool,
    /// A neighbour told it.
    Neighbour,
}

impl Source {
    /// Those of own routes.
    pub const OWN: [Source; 4] = [Source::Claim, Source::Chosen, Source::Block, Source::Pool];
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Claim => "claim",
            Source::Chosen => "chosen address",
            Source::Block => "block",
            Source::Pool => "pool",
            Source::Neighbour => "neighbour",
        })
    }
}

/// One question. Of a list, one has to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The prefix.
    Prefixes(PrefixSet),
    /// Its family.
    Family(Family),
    /// One of its communities.
    Communities(Vec<CommunityMatch>),
    /// One of its large communities.
    Large(Vec<LargeMatch>),
    /// The AS it came through.
    Path(PathMatch),
    /// The neighbour's address.
    Neighbour(Vec<IpAddr>),
    /// The neighbour's AS.
    NeighbourAs(Vec<Asn>),
    /// Whether the neighbour is of the same AS.
    Internal(bool),
    /// How it began.
    Origin(Origin),
    /// Where it is from.
    Source(Vec<Source>),
}

/// Communities that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommunityMatch {
    /// This one.
    Exact(Community),
    /// All that begin with this AS.
    Of(u16),
}

/// Large communities that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeMatch {
    /// This one.
    Exact(LargeCommunity),
    /// All that begin with this AS.
    Of(u32),
}

/// Paths that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatch {
    /// The AS is anywhere in it.
    Contains(Asn),
    /// The AS told it last.
    BeginsWith(Asn),
    /// The route began at the AS.
    OriginatedBy(Asn),
    /// At least and at most so long, as it counts in the choice.
    Length(usize, usize),
    /// It was not in any other AS.
    Empty,
}

impl CommunityMatch {
    /// Whether it does.
    pub fn has(self, community: Community) -> bool {
        match self {
            CommunityMatch::Exact(exact) => exact == community,
            CommunityMatch::Of(asn) => community.0 >> 16 == u32::from(asn),
        }
    }
}

impl LargeMatch {
    /// Whether it does.
    pub fn has(self, community: LargeCommunity) -> bool {
        match self {
            LargeMatch::Exact(exact) => exact == community,
            LargeMatch::Of(asn) => community.global == asn,
        }
    }
}

impl PathMatch {
    /// Whether it does.
    pub fn has(&self, path: &AsPath) -> bool {
        match self {
            PathMatch::Contains(asn) => path.has(*asn),
            PathMatch::BeginsWith(asn) => path.neighbour() == Some(*asn),
            PathMatch::OriginatedBy(asn) => path.originator() == Some(*asn),
            PathMatch::Length(least, most) => (*least..=*most).contains(&path.len()),
            PathMatch::Empty => path.is_empty(),
        }
    }
}

impl Term {
    /// Whether the answer is yes.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let attributes = subject.attributes;
        match self {
            Term::Prefixes(set) => set.has(subject.prefix),
            Term::Family(family) => subject.prefix.family() == *family,
            Term::Communities(any) => any
                .iter()
                .any(|one| attributes.communities.iter().any(|c| one.has(*c))),
            Term::Large(any) => any
                .iter()
                .any(|one| attributes.large.iter().any(|c| one.has(*c))),
            Term::Path(path) => path.has(&attributes.as_path),
            Term::Neighbour(any) => any.contains(&subject.neighbour.address),
            Term::NeighbourAs(any) => any.contains(&subject.neighbour.asn),
            Term::Internal(internal) => subject.neighbour.internal == *internal,
            Term::Origin(origin) => attributes.origin == *origin,
            Term::Source(any) => any.contains(&subject.source),
        }
    }

    pub(super) fn asks_neighbour(&self) -> bool {
        matches!(self, Term::Neighbour(_) | Term::NeighbourAs(_))
    }
}

/// `{one, other}`; a single one by itself.
pub(super) fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, all: &[T]) -> fmt::Result {
    if let [one] = all {
        return one.fmt(f);
    }
    for (item, between) in all
        .iter()
        .zip(std::iter::once("{").chain(std::iter::repeat(", ")))
    {
        write!(f, "{between}{item}")?;
    }
    f.write_str("}")
}

impl fmt::Display for CommunityMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommunityMatch::Exact(exact) => exact.fmt(f),
            CommunityMatch::Of(asn) => write!(f, "{asn}:*"),
        }
    }
}

impl fmt::Display for LargeMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LargeMatch::Exact(exact) => exact.fmt(f),
            LargeMatch::Of(asn) => write!(f, "{asn}:*:*"),
        }
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathMatch::Contains(asn) => write!(f, "contains AS {asn}"),
            PathMatch::BeginsWith(asn) => write!(f, "begins with AS {asn}"),
            PathMatch::OriginatedBy(asn) => write!(f, "ends with AS {asn}"),
            PathMatch::Length(least, most) if least == most => write!(f, "is {least} long"),
            PathMatch::Length(least, most) => write!(f, "is {least} to {most} long"),
            PathMatch::Empty => f.write_str("is empty"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Prefixes(set) => write!(f, "prefix {set}"),
            Term::Family(family) => write!(f, "family {family}"),
            Term::Communities(any) => f.write_str("community ").and_then(|()| list(f, any)),
            Term::Large(any) => f.write_str("large community ").and_then(|()| list(f, any)),
            Term::Path(path) => write!(f, "AS path {path}"),
            Term::Neighbour(any) => f.write_str("neighbour ").and_then(|()| list(f, any)),
            Term::NeighbourAs(any) => f.write_str("neighbour AS ").and_then(|()| list(f, any)),
            Term::Internal(true) => f.write_str("neighbour internal"),
            Term::Internal(false) => f.write_str("neighbour external"),
            Term::Origin(Origin::Igp) => f.write_str("origin igp"),
            Term::Origin(Origin::Egp) => f.write_str("origin egp"),
            Term::Origin(Origin::Incomplete) => f.write_str("origin incomplete"),
            Term::Source(any) => f.write_str("source ").and_then(|()| list(f, any)),
        }
    }
}
