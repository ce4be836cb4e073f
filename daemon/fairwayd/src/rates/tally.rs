//! How rates stand, in numbers: for metrics.

use super::{
    plane::Kernel,
    told::{scope, shown},
    turn::Turn,
};
use fairway_api::admin;
use fairway_dataplane::abi::Sent;
use fairway_rates::Direction;
use std::collections::BTreeMap;

/// How rates stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Limits, by who share them.
    pub(crate) limits: BTreeMap<&'static str, usize>,
    /// Interfaces, by direction and means.
    pub(crate) ways: BTreeMap<(admin::Direction, &'static str), usize>,
    /// What was sent in each direction, also by those that are gone.
    pub(crate) sent: BTreeMap<admin::Direction, Sent>,
    pub(crate) problems: usize,
}

pub(super) fn of(turn: &Turn<impl Kernel>) -> Tally {
    let mut tally = Tally {
        problems: turn.problems().len(),
        ..Tally::default()
    };
    for held in turn.engine.held().limits.values() {
        *tally.limits.entry(scope(held.scope)).or_default() += 1;
    }
    for (direction, means) in turn.plane.means() {
        *tally.ways.entry((shown(direction), means)).or_default() += 1;
    }
    for direction in Direction::BOTH {
        tally
            .sent
            .insert(shown(direction), turn.plane.sent_in_all(direction));
    }
    tally
}
