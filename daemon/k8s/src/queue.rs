//! What is still to be written of one kind: desired against actual, without either being kept whole.
//!
//! A list says of each object how it is, and what it does not name is gone; that is only known when it has come to its
//! end. Between lists, each object is told of when it changes. What is not written yet is kept, the newest state of each;
//! what was refused, or cannot go yet, is kept too and tried again after a while, since what was in its way may have gone.

use crate::kind::Name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// What a list has named so far, while it comes in.
    listing: Option<BTreeSet<Name>>,
    /// The newest state of what is not written; none: it is to go.
    due: BTreeMap<Name, Option<Value>>,
    /// What was refused; none: what is to go, and cannot yet.
    held: BTreeMap<Name, Option<Value>>,
    /// A list has come to its end, and all of it was compared.
    synced: bool,
}

impl Queue {
    /// A list begins.
    pub(crate) fn list(&mut self) {
        self.listing = Some(BTreeSet::new());
    }

    /// An object is so; none: it does not concern us, and is to be as if it were not there.
    pub(crate) fn seen(&mut self, name: Name, object: Option<Value>) {
        if let (Some(listing), Some(_)) = (&mut self.listing, &object) {
            listing.insert(name.clone());
        }
        self.held.remove(&name);
        self.due.insert(name, object);
    }

    /// An object is gone.
    pub(crate) fn gone(&mut self, name: Name) {
        self.held.remove(&name);
        self.due.insert(name, None);
    }

    /// The list has come to its end; `there` is what came from the server before. A list that was cut off never
    /// comes here.
    pub(crate) fn listed(&mut self, there: BTreeSet<Name>) {
        let Some(listing) = self.listing.take() else {
            return;
        };
        self.held.retain(|name, _| listing.contains(name));
        // What is not written yet may be of before the list.
        for (name, object) in &mut self.due {
            if !listing.contains(name) {
                *object = None;
            }
        }
        for name in there {
            if !listing.contains(&name) {
                self.due.insert(name, None);
            }
        }
        self.synced = true;
    }

    /// Is a list coming in?
    pub(crate) fn is_listing(&self) -> bool {
        self.listing.is_some()
    }

    /// Has everything been compared once, and is written?
    pub(crate) fn is_synced(&self) -> bool {
        self.synced && self.due.is_empty()
    }

    /// The next to be written.
    pub(crate) fn take(&mut self, most: usize) -> Vec<(Name, Option<Value>)> {
        let mut taken = Vec::new();
        while taken.len() < most {
            match self.due.pop_first() {
                Some(next) => taken.push(next),
                None => break,
            }
        }
        taken
    }

    /// It could not be written, and is to be tried again at once, unless something newer is known.
    pub(crate) fn again(&mut self, name: Name, object: Option<Value>) {
        self.due.entry(name).or_insert(object);
    }

    /// It was refused, or cannot go yet.
    pub(crate) fn hold(&mut self, name: Name, object: Option<Value>) {
        if !self.due.contains_key(&name) {
            self.held.insert(name, object);
        }
    }

    /// What was refused is tried again.
    pub(crate) fn retry(&mut self) {
        for (name, object) in std::mem::take(&mut self.held) {
            self.due.entry(name).or_insert(object);
        }
    }

    /// So many wait.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests;
