//! Time, as it is told to the core.
//!
//! Deadlines are on a clock that never jumps. Wall-clock time is kept only for people to read and for
//! `after:` releases; no safety hangs on it.

use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Milliseconds on a clock that only goes forward, with an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Add<u64> for Millis {
    type Output = Millis;

    fn add(self, millis: u64) -> Millis {
        Millis(self.0.saturating_add(millis))
    }
}

/// Seconds since 1970, by a clock that may be wrong.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

/// Both clocks, read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// For deadlines.
    pub now: Millis,
    /// For people.
    pub wall: UnixSeconds,
}
