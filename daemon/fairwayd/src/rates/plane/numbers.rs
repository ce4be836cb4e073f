//! Places in the program's arrays.

use std::collections::{BTreeMap, BTreeSet};

/// Gives each key a number of its own, from 1; those that are given back are given again.
#[derive(Debug)]
pub(super) struct Numbers<K> {
    given: BTreeMap<K, u32>,
    back: BTreeSet<u32>,
    next: u32,
    room: u32,
}

impl<K: Ord + Clone> Numbers<K> {
    /// Numbers below `room`.
    pub(super) fn below(room: u32) -> Numbers<K> {
        Numbers {
            given: BTreeMap::new(),
            back: BTreeSet::new(),
            next: 1,
            room,
        }
    }

    /// The number of a key, and whether it is new; none where there is no room.
    pub(super) fn of(&mut self, key: &K) -> Option<(u32, bool)> {
        if let Some(number) = self.given.get(key) {
            return Some((*number, false));
        }
        let number = match self.back.pop_first() {
            Some(number) => number,
            None if self.next < self.room => {
                self.next += 1;
                self.next - 1
            }
            None => return None,
        };
        self.given.insert(key.clone(), number);
        Some((number, true))
    }

    pub(super) fn known(&self, key: &K) -> Option<u32> {
        self.given.get(key).copied()
    }

    /// Takes a number back.
    pub(super) fn free(&mut self, key: &K) -> Option<u32> {
        let number = self.given.remove(key)?;
        self.back.insert(number);
        Some(number)
    }

    /// Takes back those of keys that are of no use.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) -> Vec<u32> {
        let gone: Vec<K> = self
            .given
            .keys()
            .filter(|key| !keep(key))
            .cloned()
            .collect();
        gone.iter().filter_map(|key| self.free(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_for_as_long_as_it_is_there() {
        let mut numbers = Numbers::below(4);
        assert_eq!(numbers.of(&"a"), Some((1, true)));
        assert_eq!(numbers.of(&"b"), Some((2, true)));
        assert_eq!(numbers.of(&"a"), Some((1, false)));
        assert_eq!(numbers.of(&"c"), Some((3, true)));
        assert_eq!(numbers.of(&"d"), None);
        assert_eq!(numbers.free(&"b"), Some(2));
        assert_eq!(numbers.free(&"b"), None);
        assert_eq!(numbers.of(&"d"), Some((2, true)));
        assert_eq!(numbers.retain(|key| *key == "c"), [1, 2]);
        assert_eq!(numbers.known(&"c"), Some(3));
        assert_eq!(numbers.of(&"e"), Some((1, true)));
    }
}
