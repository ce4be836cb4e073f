//! The choice among paths to one prefix (RFC 4271, 9.1.2.2, with RFC 4456, 9).
//!
//! MEDs are no order: of three paths, each may be better than another. So paths are not compared two by two as they
//! come. All are there at once, and each step takes out those that are worse than the best of those that are left. What
//! is left last does not depend on who came first.

use super::peers::PeerId;
use super::store::RouteId;
use std::fmt;

/// At which step a path lost. In this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Own routes come before those of neighbours.
    Own,
    /// The higher local preference.
    LocalPref,
    /// The shorter AS path.
    PathLength,
    /// The lower origin.
    Origin,
    /// The lower MED, of those of one neighbouring AS.
    Med,
    /// What a neighbour of another AS told comes before what one of the same AS told.
    External,
    /// The nearer next hop.
    Cost,
    /// The lower identifier: of who brought it into the AS, else of the neighbour.
    RouterId,
    /// The shorter list of clusters.
    Clusters,
    /// The lower address of the neighbour.
    Address,
    /// Of own routes, the earlier kind.
    Source,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Own => "an own route comes first",
            Step::LocalPref => "a higher local preference",
            Step::PathLength => "a shorter AS path",
            Step::Origin => "a lower origin",
            Step::Med => "a lower MED of the same neighbouring AS",
            Step::External => "an external neighbour comes before an internal one",
            Step::Cost => "a nearer next hop",
            Step::RouterId => "a lower router identifier",
            Step::Clusters => "a shorter cluster list",
            Step::Address => "a lower neighbour address",
            Step::Source => "an own route of an earlier kind",
        })
    }
}

/// A path that may be chosen. Of all keys the lower is the better.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// Which one.
    pub(super) path: u32,
    pub(super) peer: PeerId,
    pub(super) route: RouteId,
    /// Own, preference (32 bits), length (16), origin (2).
    pub(super) first: u64,
    pub(super) med: u32,
    /// The AS whose MEDs are of one kind.
    pub(super) neighbour: u32,
    /// Internal, cost (32 bits).
    pub(super) second: u64,
    /// Identifier (32 bits), clusters (16).
    pub(super) third: u64,
    pub(super) address: u128,
    pub(super) lost: Option<Stage>,
}

/// Steps, by the key that they look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    First,
    Med,
    Second,
    Third,
}

impl Candidate {
    /// Set in the first key of all but own routes.
    pub(super) const OTHERS: u64 = 1 << 63;

    fn last(&self) -> (u64, u128, PeerId) {
        (self.third, self.address, self.peer)
    }

    /// Whether it is the best or as good as it until the identifier.
    pub(super) fn is_equal(&self) -> bool {
        matches!(self.lost, None | Some(Stage::Third))
    }

    /// At which step it lost to the best.
    pub(super) fn step(&self, best: &Candidate) -> Option<Step> {
        Some(match self.lost? {
            Stage::First if (self.first ^ best.first) >> 63 != 0 => Step::Own,
            Stage::First if (self.first ^ best.first) >> 18 != 0 => Step::LocalPref,
            Stage::First if (self.first ^ best.first) >> 2 != 0 => Step::PathLength,
            Stage::First => Step::Origin,
            Stage::Med => Step::Med,
            Stage::Second if (self.second ^ best.second) >> 32 != 0 => Step::External,
            Stage::Second => Step::Cost,
            Stage::Third if (self.third ^ best.third) >> 16 != 0 => Step::RouterId,
            Stage::Third if self.third != best.third => Step::Clusters,
            Stage::Third if best.peer.is_own() => Step::Source,
            Stage::Third => Step::Address,
        })
    }
}

/// Says of each where it lost; the best is the one that did not.
pub(super) fn choose(all: &mut [Candidate], always_compare_med: bool) -> Option<Candidate> {
    if let [one] = all {
        return Some(*one);
    }
    keep_least(all, Stage::First, |one| one.first);
    keep_least_med(all, always_compare_med);
    keep_least(all, Stage::Second, |one| one.second);
    keep_least(all, Stage::Third, Candidate::last);
    all.iter().find(|one| one.lost.is_none()).copied()
}

fn left(all: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    all.iter().filter(|one| one.lost.is_none())
}

fn keep_least<K: Ord>(all: &mut [Candidate], stage: Stage, key: impl Fn(&Candidate) -> K) {
    let Some(least) = left(all).map(&key).min() else {
        return;
    };
    for one in all.iter_mut().filter(|one| one.lost.is_none()) {
        if key(one) != least {
            one.lost = Some(stage);
        }
    }
}

fn keep_least_med(all: &mut [Candidate], always: bool) {
    let kind = |one: &Candidate| match always {
        true => 0,
        false => one.neighbour,
    };
    let med = left(all).map(|one| one.med).next();
    if left(all).all(|one| Some(one.med) == med) {
        return;
    }
    let mut least: Vec<(u32, u32)> = left(all).map(|one| (kind(one), one.med)).collect();
    least.sort_unstable();
    least.dedup_by_key(|(kind, _)| *kind);
    for one in all.iter_mut().filter(|one| one.lost.is_none()) {
        let found = least.binary_search_by_key(&kind(one), |(kind, _)| *kind);
        let least = found.ok().and_then(|at| least.get(at));
        if least.is_some_and(|(_, med)| one.med > *med) {
            one.lost = Some(Stage::Med);
        }
    }
}
