//! Routes, as whoever asks sees them.

use super::Core;
use fairway_bgp::policy::Source;
use fairway_bgp::table::{Change, Fate, Outcome, PeerId, Route};
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
}

impl Core {
    /// None: there is no such neighbour.
    pub(super) fn show(&mut self, which: Which) -> Option<Vec<Seen>> {
        match which {
            Which::Used => Some(self.used()),
            Which::To(prefix) => {
                let fates = self.table.why(prefix).into_iter();
                Some(fates.map(|fate| self.fate(prefix, fate)).collect())
            }
            Which::Heard(address) => {
                let id = self.peers.get(&address)?.id;
                Some(id.map_or_else(Vec::new, |id| self.heard(id)))
            }
            Which::Told(address) => {
                let id = self.peers.get(&address)?.id;
                Some(id.map_or_else(Vec::new, |id| self.told_to(id)))
            }
        }
    }

    fn used(&self) -> Vec<Seen> {
        let all = Family::ALL.into_iter();
        let all = all.flat_map(|family| self.table.used(family));
        let each = all.flat_map(|Change { prefix, best }| {
            let beside = best.into_iter().enumerate();
            beside.map(move |(number, one)| Seen {
                prefix,
                peer: one.address,
                source: one.source,
                route: one.route,
                best: true,
                why: match number {
                    0 => Outcome::Best.to_string(),
                    _ => Outcome::Beside.to_string(),
                },
            })
        });
        let mut each: Vec<Seen> = each.collect();
        each.sort_by_key(|seen| seen.prefix);
        each
    }

    fn fate(&self, prefix: Prefix, fate: Fate) -> Seen {
        let neighbour = fate.peer.and_then(|id| self.table.neighbour(id));
        let policy = neighbour.and_then(|neighbour| neighbour.filters.import.as_deref());
        Seen {
            prefix,
            peer: neighbour.map(|neighbour| neighbour.address),
            source: fate.source,
            best: matches!(fate.outcome, Outcome::Best | Outcome::Beside),
            why: match fate.stale {
                true => format!("{}; kept from before", fate.outcome.explain(policy)),
                false => fate.outcome.explain(policy),
            },
            route: fate.chosen.unwrap_or(fate.received),
        }
    }

    /// As it told them, before policy.
    fn heard(&mut self, id: PeerId) -> Vec<Seen> {
        let mut all = Vec::new();
        for family in Family::ALL {
            for (prefix, route) in self.table.heard(id, family) {
                let mut fates = self.table.why(prefix).into_iter();
                let fate = fates.find(|fate| fate.peer == Some(id));
                let seen = fate.map(|fate| self.fate(prefix, fate));
                all.extend(seen.map(|seen| Seen { route, ..seen }));
            }
        }
        all.sort_by_key(|seen| seen.prefix);
        all
    }

    fn told_to(&self, id: PeerId) -> Vec<Seen> {
        let mut all = Vec::new();
        for family in Family::ALL {
            for (prefix, route) in self.table.told(id, family) {
                let best = self.table.best(prefix).into_iter().next();
                all.push(Seen {
                    prefix,
                    peer: best.as_ref().and_then(|best| best.address),
                    source: best.map_or(Source::Neighbour, |best| best.source),
                    route,
                    best: true,
                    why: Outcome::Best.to_string(),
                });
            }
        }
        all.sort_by_key(|seen| seen.prefix);
        all
    }
}
