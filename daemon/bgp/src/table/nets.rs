//! Prefixes have numbers, one after the other, so that what is known of them is in lists and not in maps.

use crate::{Bits, Net};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// The number of a prefix, for as long as anybody has something of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(pub(super) u32);

impl Id {
    pub(super) fn at(self) -> usize {
        self.0 as usize
    }
}

/// All that have a number.
pub(super) struct Nets<A> {
    nets: Vec<Net<A>>,
    index: HashTable<Id>,
    free: Vec<Id>,
    hasher: DefaultHashBuilder,
}

impl<A: Bits> Nets<A> {
    pub(super) fn new() -> Nets<A> {
        Nets {
            nets: Vec::new(),
            index: HashTable::new(),
            free: Vec::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// One more than the greatest number.
    pub(super) fn end(&self) -> u32 {
        self.nets.len() as u32
    }

    /// Whether no prefix has a number.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub(super) fn get(&self, id: Id) -> Option<Net<A>> {
        self.nets.get(id.at()).copied()
    }

    pub(super) fn find(&self, net: Net<A>) -> Option<Id> {
        let hash = self.hasher.hash_one(net);
        let found = self.index.find(hash, |id| self.get(*id) == Some(net));
        found.copied()
    }

    /// Its number; a new one where it has none. None where four octets are too few.
    pub(super) fn number(&mut self, net: Net<A>) -> Option<Id> {
        let Nets {
            nets,
            index,
            free,
            hasher,
        } = self;
        let hash = hasher.hash_one(net);
        let known = |id: &Id| nets.get(id.at()).copied();
        if let Some(id) = index.find(hash, |id| known(id) == Some(net)) {
            return Some(*id);
        }
        let id = match free.pop() {
            Some(id) => id,
            // The last number is kept for "none".
            None => Id(u32::try_from(nets.len()).ok().filter(|n| *n < u32::MAX)?),
        };
        match nets.get_mut(id.at()) {
            Some(place) => *place = net,
            None => nets.push(net),
        }
        index.insert_unique(hash, id, |id| match nets.get(id.at()) {
            Some(net) => hasher.hash_one(net),
            None => 0,
        });
        Some(id)
    }

    /// The number is free for another. It must not be free already.
    pub(super) fn forget(&mut self, id: Id) {
        let Some(net) = self.get(id) else { return };
        let hash = self.hasher.hash_one(net);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == id) {
            entry.remove();
            self.free.push(id);
        }
    }
}
