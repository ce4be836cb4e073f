//! How policy stands, in numbers: for metrics.

use super::turn::Turn;
use fairway_dataplane::{Counter, Fill};

/// How policy stands.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) enforced: bool,
    pub(crate) endpoints: usize,
    /// Objects that do not fit.
    pub(crate) aside: usize,
    pub(crate) problems: usize,
    pub(crate) maps: Vec<Fill>,
    pub(crate) packets: Vec<Counter>,
}

/// Loads nothing: a node that needs no policy has no maps.
pub(super) fn of(turn: &Turn) -> Tally {
    let data = turn.plane.data();
    let packets = data.and_then(|data| data.counters().ok());
    Tally {
        enforced: turn.is_enforced(),
        endpoints: turn.registry.all().count(),
        aside: turn.fit.problems().count(),
        problems: turn.problems().len(),
        maps: data.map(|data| data.fill()).unwrap_or_default(),
        packets: packets.unwrap_or_default(),
    }
}
