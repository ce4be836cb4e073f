//! Pauses that end when the test does, and dice that can be thrown again.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells threads to end, and wakes those that pause.
#[derive(Debug, Default)]
pub struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// All pauses end.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Is it time to end?
    pub fn stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until it is time to end; tells whether it is.
    pub fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(stopped, left);
            stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *stopped
    }
}

/// What a thread of a scope gave; its panic passes through.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    let done = thread.join();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A line of the test's own output.
#[expect(clippy::print_stdout, reason = "shown where the test fails")]
pub fn say(text: impl std::fmt::Display) {
    println!("{text}");
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as those with the same seed did.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `FAIRWAY_SEED`, else one that is new; it is said.
    pub fn seed() -> u64 {
        let given = std::env::var("FAIRWAY_SEED").ok();
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let fresh = time.as_secs() ^ u64::from(time.subsec_nanos()) << 20;
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or(fresh);
        say(format_args!("FAIRWAY_SEED={seed}"));
        seed
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.any() % (n.max(1) as u64)).unwrap_or(0)
    }

    /// So many of a hundred times.
    pub fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    /// A length of time in this range.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.any() % (to - from).max(1))
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_told() {
        let stop = Stop::default();
        assert!(!stop.pause(Duration::from_millis(1)) && !stop.stopped());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.pause(Duration::from_secs(600)));
            stop.stop();
            assert!(waiting.join().unwrap() && stop.stopped());
        });
    }

    #[test]
    fn dice_fall_again_as_they_fell() {
        let throw = || {
            let mut dice = Dice::new(7);
            [(); 4].map(|()| dice.below(6))
        };
        assert_eq!(throw(), throw());
        assert!(throw().iter().all(|n| *n < 6));
    }
}
