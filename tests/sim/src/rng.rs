//! Chance, out of one seed.

/// All chance of a run.
#[derive(Debug)]
pub(crate) struct Rng(fastrand::Rng);

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng(fastrand::Rng::with_seed(seed))
    }

    /// A number below `n`; 0 where there is none.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        match n {
            0 => 0,
            n => self.0.u64(..n),
        }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn span(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of them.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len() as u64) as usize)
    }

    /// One of them, where it is known that there is one.
    pub(crate) fn of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        const { assert!(N > 0) };
        all[self.below(N as u64) as usize]
    }

    /// A delay in milliseconds that is usually below `usual`, now and then ten times as long, rarely a
    /// hundred times.
    pub(crate) fn delay(&mut self, usual: u64) -> u64 {
        let longest = match self.below(200) {
            0 => usual * 100,
            1..=9 => usual * 10,
            _ => usual,
        };
        self.below(longest + 1)
    }
}
