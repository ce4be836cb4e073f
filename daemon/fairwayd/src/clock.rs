//! The clocks: one that never jumps for deadlines, one for people.

use fairway_ipam::{Clock, Millis, UnixSeconds};
use std::time::{Duration, Instant, SystemTime};

/// Reads the clocks of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    start: Instant,
}

impl Clocks {
    /// Starts to count.
    pub fn start() -> Clocks {
        Clocks {
            start: Instant::now(),
        }
    }

    /// Both of the core's clocks, now.
    pub fn now(self) -> Clock {
        let wall = SystemTime::UNIX_EPOCH.elapsed();
        Clock {
            now: self.millis(),
            wall: UnixSeconds(wall.map_or(0, |time| time.as_secs())),
        }
    }

    /// Milliseconds since the start.
    pub fn millis(self) -> Millis {
        Millis(millis(self.start.elapsed()))
    }
}

/// Whole milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
