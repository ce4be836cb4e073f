//! What time brings: flows that have ended, trouble that is to be mended, and what the programs tell.

use super::{AGAIN, Plane, State};
use crate::news::news;
use fairway_dataplane::abi;
use std::{
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};

/// Between two generations that were given up, at most.
const LONGEST: Duration = Duration::from_secs(60);
/// Trouble after so long is another trouble.
const CALM: Duration = Duration::from_secs(300);
/// Between two looks at open flows.
const SWEEP: Duration = Duration::from_secs(1);
/// So many open flows are looked at at once.
const SWEPT: usize = 16_384;
/// Events are taken no more often than this: each wakes a thread, and may take a processor from a container.
const GATHER: Duration = Duration::from_millis(50);
/// So many events are taken in a turn.
const EVENTS: usize = 1024;

impl Plane {
    /// When to come back.
    pub(in crate::policy) fn deadline(&self) -> Option<Instant> {
        let gather = (self.gathered.elapsed() < GATHER).then(|| self.gathered + GATHER);
        let sweep = self.swept + SWEEP;
        let all = [gather, self.may_lead().err(), Some(sweep)];
        self.is_there()
            .then(|| all.into_iter().flatten().min().unwrap_or(sweep))
    }

    /// Forgets flows that have ended; starts anew after trouble.
    pub(in crate::policy) fn tend(&mut self) {
        if self.swept.elapsed() < SWEEP {
            return;
        }
        self.swept = Instant::now();
        let Some(loaded) = self.loaded() else {
            return;
        };
        // A large table is gone through within ten minutes all the same.
        let share = loaded
            .data
            .fill()
            .iter()
            .map(|fill| fill.room as usize)
            .max();
        let swept = loaded
            .data
            .sweep(SWEPT.max(share.unwrap_or(0) / 600))
            .map(drop);
        loaded.bear(swept);
        let trouble = loaded.trouble.clone();
        if let Some(trouble) = trouble.filter(|_| Instant::now() >= self.renew_at) {
            news!(error, "{trouble}; a new generation is filled");
            let last = self.renew_at.elapsed();
            self.pause = match last < CALM {
                true => (self.pause * 2).min(LONGEST),
                false => AGAIN,
            };
            self.renew_at = Instant::now() + self.pause;
            self.state = State::Idle;
        }
    }

    /// Readable when there are flows.
    pub(in crate::policy) fn events(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Loaded(loaded) if self.gathered.elapsed() >= GATHER => {
                loaded.events.as_ref().map(|events| events.as_fd())
            }
            _ => None,
        }
    }

    /// What the programs have told.
    pub(in crate::policy) fn drain(&mut self) -> Vec<abi::FlowEvent> {
        if self.gathered.elapsed() < GATHER {
            return Vec::new();
        }
        let events = self.loaded().and_then(|loaded| loaded.events.as_mut());
        let Some(events) = events else {
            return Vec::new();
        };
        let events = std::iter::from_fn(|| events.next_event()).take(EVENTS);
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            self.gathered = Instant::now();
        }
        events
    }
}
