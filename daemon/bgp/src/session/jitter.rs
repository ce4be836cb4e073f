//! What keeps neighbours from doing the same thing at the same moment (RFC 4271, section 10).

use std::time::Duration;

/// Numbers that follow from the first one (splitmix64): the same seed replays the same session.
#[derive(Debug, Clone)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Between three quarters of the time and all of it.
    pub(super) fn of(&mut self, time: Duration) -> Duration {
        let share = (self.next() >> 40) as u32;
        // 24 bits: a share of 2^24.
        time * 3 / 4 + time.mul_f64(f64::from(share) / f64::from(1u32 << 24)) / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_and_never_less_than_three_quarters() {
        let mut jitter = Jitter::new(7);
        let whole = Duration::from_secs(120);
        let all: Vec<_> = (0..1000).map(|_| jitter.of(whole)).collect();
        let least = all.iter().min().unwrap();
        let most = all.iter().max().unwrap();
        assert!(*least >= Duration::from_secs(90) && *least < Duration::from_secs(91));
        assert!(*most <= whole && *most > Duration::from_secs(119));
        assert_eq!(jitter.of(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn one_seed_is_one_session() {
        let of = |seed| Jitter::new(seed).of(Duration::from_secs(1));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
