//! The best path: the one rule, step by step.
//!
//! Each step looks at one thing of both routes, so that the whole is an order and the winner does not
//! depend on who was there first. The last step tells any two routes apart.

use crate::{
    NetworkName,
    hop::{Unusable, Way},
    route::{BgpRoute, Key, Route},
};
use fairway_ipam::NodeName;
use std::{cmp::Ordering, fmt};

/// What kind of route it is, seen from this node; the earlier wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A claim that another node holds. It was decided by compare-and-swap, so that a container here that
    /// still has the address has it no longer.
    ClaimElsewhere,
    /// A container on this node.
    Container,
    /// A claim that this node holds: unless its container is here the address is nowhere.
    ClaimHere,
    /// Somebody wrote it.
    Static,
    /// A block.
    Block,
    /// A BGP peer told it.
    Bgp,
}

impl Class {
    pub(crate) fn of(route: &Route, me: &NodeName) -> Class {
        match route {
            Route::Claim(claim) if claim.holder == *me => Class::ClaimHere,
            Route::Claim(_) => Class::ClaimElsewhere,
            Route::Endpoint(_) => Class::Container,
            Route::Static(_) => Class::Static,
            Route::Block(_) => Class::Block,
            Route::Bgp(_) => Class::Bgp,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::ClaimElsewhere => "claim held by another node",
            Class::Container => "local container",
            Class::ClaimHere => "claim held by this node",
            Class::Static => "static route",
            Class::Block => "block",
            Class::Bgp => "BGP route",
        })
    }
}

/// At which step a route lost against the best one. In this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An own route comes before an imported one.
    Imported,
    /// The other kind comes first.
    Class {
        /// The winner's.
        best: Class,
        /// The loser's.
        this: Class,
    },
    /// Of two containers with one address, the later giving counts.
    Giving {
        /// The winner's number.
        best: u64,
        /// The loser's.
        this: u64,
    },
    /// The lower metric of static routes.
    Metric {
        /// The winner's.
        best: u32,
        /// The loser's.
        this: u32,
    },
    /// The higher preference of BGP routes.
    Preference {
        /// The winner's.
        best: u32,
        /// The loser's.
        this: u32,
    },
    /// The shorter AS path.
    AsPath {
        /// The winner's length.
        best: u16,
        /// The loser's.
        this: u16,
    },
    /// The lower MED.
    Med {
        /// The winner's.
        best: u32,
        /// The loser's.
        this: u32,
    },
    /// The same in all that counts; the lower name or peer address.
    Name,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Imported => f.write_str("imported, and the network has a route of its own"),
            Step::Class { best, this } => write!(f, "{best} comes before {this}"),
            Step::Giving { best, this } => {
                write!(f, "the address was given anew: number {best} after {this}")
            }
            Step::Metric { best, this } => write!(f, "metric {this}, the best has {best}"),
            Step::Preference { best, this } => {
                write!(f, "local preference {this}, the best has {best}")
            }
            Step::AsPath { best, this } => write!(f, "AS path of {this}, the best has {best}"),
            Step::Med { best, this } => write!(f, "MED {this}, the best has {best}"),
            Step::Name => f.write_str("equal but for the name"),
        }
    }
}

/// A route for a prefix, judged.
#[derive(Debug)]
pub(crate) struct Contender<'a> {
    pub(crate) key: &'a Key,
    pub(crate) route: &'a Route,
    pub(crate) network: &'a NetworkName,
    pub(crate) imported: bool,
    pub(crate) class: Class,
    pub(crate) way: Result<Way, Unusable>,
}

/// The rule. `Less`: `a` is the better one. With the step that decided.
pub(crate) fn compare(a: &Contender<'_>, b: &Contender<'_>) -> (Ordering, Step) {
    let class = Step::Class {
        best: a.class.min(b.class),
        this: a.class.max(b.class),
    };
    let first = [
        (a.imported.cmp(&b.imported), Step::Imported),
        (a.class.cmp(&b.class), class),
    ];
    let last = (a.key.cmp(b.key), Step::Name);
    let steps = first.into_iter().chain(within(a.route, b.route));
    let mut steps = steps.filter(|(order, _)| order.is_ne());
    steps.next().unwrap_or(last)
}

/// Between two of one class.
fn within(a: &Route, b: &Route) -> Vec<(Ordering, Step)> {
    match (a, b) {
        (Route::Endpoint(a), Route::Endpoint(b)) => {
            let (best, this) = (a.seq.max(b.seq), a.seq.min(b.seq));
            vec![(b.seq.cmp(&a.seq), Step::Giving { best, this })]
        }
        (Route::Static(a), Route::Static(b)) => {
            let (best, this) = (a.metric.min(b.metric), a.metric.max(b.metric));
            vec![(a.metric.cmp(&b.metric), Step::Metric { best, this })]
        }
        (Route::Bgp(a), Route::Bgp(b)) => bgp(a, b),
        _ => Vec::new(),
    }
}

fn bgp(a: &BgpRoute, b: &BgpRoute) -> Vec<(Ordering, Step)> {
    let (a, b) = (a.path, b.path);
    let preference = Step::Preference {
        best: a.preference.max(b.preference),
        this: a.preference.min(b.preference),
    };
    let as_path = Step::AsPath {
        best: a.as_path_len.min(b.as_path_len),
        this: a.as_path_len.max(b.as_path_len),
    };
    let med = Step::Med {
        best: a.med.min(b.med),
        this: a.med.max(b.med),
    };
    vec![
        (b.preference.cmp(&a.preference), preference),
        (a.as_path_len.cmp(&b.as_path_len), as_path),
        (a.med.cmp(&b.med), med),
    ]
}

/// The best of those that can be used.
pub(crate) fn best<'c, 'a>(contenders: &'c [Contender<'a>]) -> Option<&'c Contender<'a>> {
    let usable = contenders.iter().filter(|contender| contender.way.is_ok());
    usable.min_by(|a, b| compare(a, b).0)
}
