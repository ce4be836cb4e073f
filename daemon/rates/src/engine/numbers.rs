//! Numbers of limits: the same for as long as a limit is there, and never another's at once.
//!
//! The dataplane is told of a new picture piece by piece. Were a number that is given up anew in use in the same
//! picture, packets of one limit would for a moment be counted on another.

use super::Key;
use crate::model::Number;
use std::collections::{BTreeMap, BTreeSet};

/// How many limits there can be on a node, and the greatest number.
pub const MOST: Number = 32_767;

#[derive(Debug, Default)]
pub(super) struct Numbers {
    given: BTreeMap<Key, Number>,
}

impl Numbers {
    pub(super) fn get(&self, key: &Key) -> Option<Number> {
        self.given.get(key).copied()
    }

    /// Is there one for so many more?
    pub(super) fn has_room(&self, more: usize) -> bool {
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        self.given.len().saturating_add(more) <= most
    }

    /// Gives each of these one, as far as there are any; all others lose theirs. `true`: some did.
    pub(super) fn assign<'k>(&mut self, wanted: impl Iterator<Item = &'k Key>) -> bool {
        let wanted: BTreeSet<&Key> = wanted.collect();
        let taken = self.taken();
        let before = self.given.len();
        self.given.retain(|key, _| wanted.contains(key));
        let lost = self.given.len() < before;
        self.give(&taken, wanted.into_iter());
        lost
    }

    /// Gives each of these one, in their order, as far as there are any; those lose theirs. All others keep theirs.
    pub(super) fn exchange<'k>(
        &mut self,
        wanted: impl Iterator<Item = &'k Key>,
        lost: impl Iterator<Item = &'k Key>,
    ) {
        let taken = self.taken();
        for key in lost {
            self.given.remove(key);
        }
        self.give(&taken, wanted);
    }

    fn taken(&self) -> BTreeSet<Number> {
        self.given.values().copied().collect()
    }

    fn give<'k>(&mut self, taken: &BTreeSet<Number>, wanted: impl Iterator<Item = &'k Key>) {
        let mut free = (1..=MOST).filter(|number| !taken.contains(number));
        for key in wanted {
            if !self.given.contains_key(key) {
                let Some(number) = free.next() else {
                    break;
                };
                self.given.insert(key.clone(), number);
            }
        }
    }
}
