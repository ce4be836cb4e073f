//! Pauses between tries: longer each time, and never the same on two nodes.
//!
//! A thousand nodes that lost the same etcd member must not come back in the same millisecond.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Waits a random half to whole of the pause, and doubles it.
    pub(crate) async fn pause(&mut self) {
        let pause = jitter(self.next);
        self.next = (self.next * 2).min(LONGEST);
        tokio::time::sleep(pause).await;
    }
}

/// A random time between the half and the whole of it.
pub(crate) fn jitter(whole: Duration) -> Duration {
    let share = u32::from(random_bits());
    whole / 2 + whole / 2 * share / u32::from(u16::MAX)
}

/// A random number below `count`, or 0.
#[cfg(feature = "etcd")]
pub(crate) fn random(count: usize) -> usize {
    usize::from(random_bits()).checked_rem(count).unwrap_or(0)
}

/// The keys of a hasher are random; that is random enough here.
fn random_bits() -> u16 {
    let [a, b, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    u16::from_ne_bytes([a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_half_and_whole() {
        let whole = Duration::from_secs(4);
        let tries: Vec<_> = (0..200).map(|_| jitter(whole)).collect();
        assert!(tries.iter().all(|t| (whole / 2..=whole).contains(t)));
        assert!(tries.iter().any(|t| *t < Duration::from_millis(2500)));
        assert!(tries.iter().any(|t| *t > Duration::from_millis(3500)));
    }
}
