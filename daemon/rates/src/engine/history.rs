//! What has become of limits.

use super::Key;
use crate::model::{Direction, Held, Scope};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many changes are remembered.
const KEPT: usize = 1_000;

/// A change of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Seconds since 1970, UTC.
    pub at: u64,
    /// Who share the limit.
    pub scope: Scope,
    /// As [`crate::Held::of`].
    pub of: String,
    /// Which way.
    pub direction: Direction,
    /// What it was, such as `20Mbit`; none: there was none.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
    /// By whose word.
    pub reason: String,
}

#[derive(Debug, Default)]
pub(super) struct History {
    changes: VecDeque<Changed>,
}

impl History {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Changed> {
        self.changes.iter()
    }

    /// Remembers these; the oldest are forgotten.
    pub(super) fn keep(&mut self, changes: Vec<Changed>) {
        self.changes.extend(changes);
        let over = self.changes.len().saturating_sub(KEPT);
        self.changes.drain(..over);
    }
}

/// What differs between two pictures; `why` says why a limit is none any more.
pub(super) fn changes(
    at: u64,
    before: &BTreeMap<Key, Held>,
    now: &BTreeMap<Key, Held>,
    why: impl Fn(&Key, &Held) -> String,
) -> Vec<Changed> {
    let keys: BTreeSet<&Key> = before.keys().chain(now.keys()).collect();
    let change = |key: &Key| {
        let (was, is) = (before.get(key), now.get(key));
        let allowance = |held: &Held| held.allowance;
        if was.map(allowance) == is.map(allowance) {
            return None;
        }
        let which = is.or(was)?;
        let text = |held: &Held| held.allowance.to_string();
        Some(Changed {
            at,
            scope: which.scope,
            of: which.of.clone(),
            direction: which.direction,
            from: was.map(text),
            to: is.map(text),
            reason: is.map_or_else(|| why(key, which), |is| is.reason.clone()),
        })
    };
    keys.into_iter().filter_map(change).collect()
}
