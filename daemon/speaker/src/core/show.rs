//! Routes, as whoever asks sees them.
//!
//! Why a route is chosen takes long to say of a million of them. So there is a list first, and then it is said of some of
//! it at a time, between which sessions have their turns.

use super::Core;
use fairway_bgp::policy::Source;
use fairway_bgp::table::{Change, Fate, Outcome, Route, Unfit};
use fairway_bgp::{Family, Prefix};
use std::net::IpAddr;
use std::sync::Arc;

/// Which routes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are used.
    Used,
    /// All paths to a prefix, the best first.
    To(Prefix),
    /// Those that a neighbour told, as it told them.
    Heard(IpAddr),
    /// Those that a neighbour was told.
    Told(IpAddr),
}

/// A route.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its prefix.
    pub prefix: Prefix,
    /// Who told it; none of own routes.
    pub peer: Option<IpAddr>,
    /// Where it is from.
    pub source: Source,
    /// Its attributes and its next hop.
    pub route: Arc<Route>,
    /// Whether it is used.
    pub best: bool,
    /// Why it is, or is not.
    pub why: String,
    /// It is not, since its next hop is not reached.
    pub unreached: bool,
}

/// What a list has of a prefix: what it takes to tell of it.
#[derive(Debug)]
pub(crate) enum Listed {
    /// What is used.
    Used(Change),
    /// All paths to it.
    All(Prefix),
    /// What a neighbour told.
    Heard(IpAddr, Prefix, Arc<Route>),
    /// What a neighbour was told.
    Told(Prefix, Arc<Route>),
}

impl Listed {
    pub(crate) fn prefix(&self) -> Prefix {
        match self {
            Listed::Used(change) => change.prefix,
            Listed::All(prefix) | Listed::Heard(_, prefix, _) | Listed::Told(prefix, _) => *prefix,
        }
    }
}

impl Core {
    /// All that is to be told of, in no order. None: there is no such neighbour.
    pub(super) fn list(&self, which: Which) -> Option<Vec<Listed>> {
        let id = |address: IpAddr| Some(self.peers.get(&address)?.id);
        let mut all = Vec::new();
        for family in Family::ALL {
            match which {
                Which::Used => all.extend(self.table.used(family).into_iter().map(Listed::Used)),
                Which::To(_) => {}
                Which::Heard(address) => {
                    let heard = id(address)?.map(|id| self.table.heard(id, family));
                    let heard = heard.into_iter().flatten();
                    all.extend(heard.map(|(prefix, route)| Listed::Heard(address, prefix, route)));
                }
                Which::Told(address) => {
                    let told = id(address)?.map(|id| self.table.told(id, family));
                    let told = told.into_iter().flatten();
                    all.extend(told.map(|(prefix, route)| Listed::Told(prefix, route)));
                }
            }
        }
        if let Which::To(prefix) = which {
            all.push(Listed::All(prefix));
        }
        Some(all)
    }

    /// Some of a list. What a neighbour told and has withdrawn meanwhile is left out.
    pub(super) fn explain(&mut self, some: Vec<Listed>) -> Vec<Seen> {
        let mut all = Vec::new();
        for one in some {
            match one {
                Listed::Used(change) => all.extend(used(change)),
                Listed::All(prefix) => {
                    let fates = self.table.why(prefix).into_iter();
                    all.extend(fates.map(|fate| self.fate(prefix, fate)));
                }
                Listed::Heard(address, prefix, route) => {
                    let heard = self.heard(prefix, address);
                    all.extend(heard.map(|seen| Seen { route, ..seen }));
                }
                Listed::Told(prefix, route) => all.push(self.told_of(prefix, route)),
            }
        }
        all
    }

    fn fate(&self, prefix: Prefix, fate: Fate) -> Seen {
        let neighbour = fate.peer.and_then(|id| self.table.neighbour(id));
        let policy = neighbour.and_then(|neighbour| neighbour.filters.import.as_deref());
        Seen {
            prefix,
            peer: neighbour.map(|neighbour| neighbour.address),
            source: fate.source,
            unreached: fate.outcome == Outcome::Unfit(Unfit::NextHop),
            best: matches!(fate.outcome, Outcome::Best | Outcome::Beside),
            why: match fate.stale {
                true => format!("{}; kept from before", fate.outcome.explain(policy)),
                false => fate.outcome.explain(policy),
            },
            route: fate.chosen.unwrap_or(fate.received),
        }
    }

    /// What became of what a neighbour told.
    fn heard(&mut self, prefix: Prefix, address: IpAddr) -> Option<Seen> {
        let id = self.peers.get(&address)?.id?;
        let mut fates = self.table.why(prefix).into_iter();
        let fate = fates.find(|fate| fate.peer == Some(id))?;
        Some(self.fate(prefix, fate))
    }

    fn told_of(&self, prefix: Prefix, route: Arc<Route>) -> Seen {
        let best = self.table.best(prefix).into_iter().next();
        Seen {
            prefix,
            peer: best.as_ref().and_then(|best| best.address),
            source: best.map_or(Source::Neighbour, |best| best.source),
            route,
            best: true,
            why: Outcome::Best.to_string(),
            unreached: false,
        }
    }
}

fn used(change: Change) -> impl Iterator<Item = Seen> {
    let Change { prefix, best } = change;
    best.into_iter().enumerate().map(move |(number, one)| Seen {
        prefix,
        peer: one.address,
        source: one.source,
        route: one.route,
        best: true,
        why: match number {
            0 => Outcome::Best.to_string(),
            _ => Outcome::Beside.to_string(),
        },
        unreached: false,
    })
}
