//! What is wanted of a way, and how it stands.

use super::{LimitKey, Means, Place};
use fairway_rates::{Allowance, Number, Scope};
use std::time::{Duration, Instant};

/// After something has failed; each time longer.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_MOST: Duration = Duration::from_secs(60);

/// One limit of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rates) struct Part {
    pub(in crate::rates) number: Number,
    pub(in crate::rates) scope: Scope,
    pub(in crate::rates) of: String,
    pub(in crate::rates) allowance: Allowance,
    /// Other ways have it, too. How many is not said here: they would all be others with each that comes.
    pub(in crate::rates) shared: bool,
}

impl Part {
    /// Its place in the program's maps.
    pub(super) fn key(&self) -> LimitKey {
        LimitKey::Shared(self.number, self.scope, self.of.clone())
    }
}

/// What is wanted of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::rates) struct Wanted {
    /// Where it is kept.
    pub(in crate::rates) place: Place,
    /// The host's end, where what goes round that place comes by.
    pub(in crate::rates) host: Option<Place>,
    pub(in crate::rates) chain: Vec<Part>,
    /// The least of the chain.
    pub(in crate::rates) least: Allowance,
    pub(in crate::rates) dscp: Option<u8>,
}

/// A way that was put in place, or tried to be.
#[derive(Debug)]
pub(in crate::rates) struct Known {
    pub(super) wanted: Wanted,
    pub(in crate::rates) means: Means,
    /// It is as is wanted, as far as is known.
    pub(super) sound: bool,
    /// What came in the way.
    pub(in crate::rates) problem: Option<String>,
    /// What cannot be kept here at all.
    pub(in crate::rates) lack: Option<String>,
    /// What is new of both.
    told: bool,
    failures: u32,
    again: Instant,
    /// It is not wanted any more: when what waits in it will have gone.
    pub(super) leaves: Option<Instant>,
}

impl Known {
    /// After it was put in place.
    pub(super) fn after(
        before: Option<Known>,
        wanted: Wanted,
        means: Means,
        problem: Option<String>,
        lack: Option<String>,
        now: Instant,
    ) -> Known {
        let (was, failures) = match &before {
            Some(before) => ((&before.problem, &before.lack), before.failures),
            None => ((&None, &None), 0),
        };
        let failures = match problem {
            Some(_) => failures.saturating_add(1),
            None => 0,
        };
        let pause = AGAIN.saturating_mul(1 << failures.min(6)).min(AGAIN_MOST);
        Known {
            told: was == (&problem, &lack),
            sound: problem.is_none(),
            wanted,
            means,
            problem,
            lack,
            failures,
            again: now + pause,
            leaves: None,
        }
    }

    /// What is to be told and was not.
    pub(super) fn news(&self) -> Option<&String> {
        let what = self.problem.as_ref().or(self.lack.as_ref());
        what.filter(|_| !self.told)
    }

    pub(super) fn doubt(&mut self, now: Instant) {
        self.sound = false;
        self.again = now;
    }

    /// Is there nothing to do for it now?
    pub(super) fn is_done(&self, wanted: &Wanted, now: Instant) -> bool {
        self.leaves.is_none() && self.wanted == *wanted && (self.sound || now < self.again)
    }

    /// When there is something to do for it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.leaves {
            Some(leaves) => Some(leaves),
            None => (!self.sound).then_some(self.again),
        }
    }
}
