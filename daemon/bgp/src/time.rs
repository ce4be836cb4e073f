//! Time, as whoever has a clock tells it.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: so long after some moment of the caller's, which does not jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(Duration);

impl Time {
    /// So long after the caller's zero.
    pub const fn after(zero: Duration) -> Time {
        Time(zero)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, more: Duration) -> Time {
        Time(self.0.saturating_add(more))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// Nothing, where the other is later.
    fn sub(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
