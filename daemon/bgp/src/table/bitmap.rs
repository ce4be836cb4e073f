//! A bit for each number.

use super::nets::Id;

/// Bits; those beyond its end are not set.
#[derive(Debug, Clone, Default)]
pub(super) struct Bitmap(Vec<u64>);

impl Bitmap {
    pub(super) fn has(&self, id: Id) -> bool {
        let word = self.0.get(id.at() / 64).copied().unwrap_or(0);
        word >> (id.at() % 64) & 1 == 1
    }

    /// What it was before.
    pub(super) fn put(&mut self, id: Id, set: bool) -> bool {
        let (at, bit) = (id.at() / 64, 1 << (id.at() % 64));
        if at >= self.0.len() {
            if !set {
                return false;
            }
            self.0.resize(at + 1, 0);
        }
        let Some(word) = self.0.get_mut(at) else {
            return false;
        };
        let before = *word & bit != 0;
        match set {
            true => *word |= bit,
            false => *word &= !bit,
        }
        before
    }

    /// How many are set.
    pub(super) fn count(&self) -> usize {
        let ones = self.0.iter().map(|word| word.count_ones() as usize);
        ones.sum()
    }
}
