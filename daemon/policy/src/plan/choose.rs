//! Which sets change as they are, which are made anew, and which endpoints change over. See the parent's head.

use super::Plan;
use crate::{
    identity::SetIds,
    input::{EndpointId, Number, Sets},
    placed::in_order,
    prefix::FIRST,
    set::{Set, Touched},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// Endpoints whose policy is to be another than it is, and that policy.
pub(super) type Switching = BTreeMap<Arc<EndpointId>, Option<(Number, Sets)>>;

impl Plan<'_> {
    /// Which sets are changed as they are, and which are made anew.
    pub(super) fn choose(&mut self) {
        let (mut joined, mut left) = (HashSet::new(), HashSet::new());
        for id in &self.wanted.dirty.endpoints {
            let Some((_, before)) = self.placed.endpoints.get(id) else {
                continue;
            };
            let Some(resident) = self.wanted.endpoints.get(id) else {
                continue;
            };
            let after = self.wanted.sets_of(resident.identity);
            for (number, set) in in_order(*before).into_iter().zip(after) {
                let known = set.and_then(|set| self.wanted.sets.all.get(&set)?.number);
                if Some(number) != known {
                    left.insert(number);
                    joined.extend(set);
                }
            }
        }
        for id in self.wanted.sets.dirty.clone() {
            let Some(set) = self.wanted.sets.all.get(&id) else {
                continue;
            };
            if set.users.is_empty() {
                continue;
            }
            let in_place = set.number.is_some_and(|number| {
                let there = self.placed.sets.get(&number).and_then(|set| set.header);
                match self.kinds(set, number) {
                    _ if there.is_none() => false,
                    _ if self.tight => {
                        there == Some(set.content.header) && self.differing(set, number).is_empty()
                    }
                    0 => true,
                    1 => !joined.contains(&id) && !left.contains(&number),
                    _ => false,
                }
            });
            if in_place {
                self.in_place.push(id);
            } else {
                let number = self.wanted.set_numbers.take();
                self.fresh.insert(id, number);
            }
        }
    }

    /// Entries of how many kinds would be seen to change.
    fn kinds(&self, set: &Set, number: Number) -> usize {
        let header = self.placed.sets.get(&number).and_then(|set| set.header);
        let (mut identities, mut prefixes) = (false, false);
        for peer in self.differing(set, number) {
            if peer < FIRST {
                identities |= self.placed.seen.contains_key(&peer)
                    && self.wanted.identities.get(peer).is_some();
            } else {
                prefixes |= !self.wanted.dirty.prefixes.contains_key(&peer);
            }
        }
        // One that comes says first what the one around it said; one that goes leaves that to say it.
        let said = |peer| set.content.peers.get(&peer).copied().unwrap_or_default();
        for (peer, (net, _)) in &self.wanted.dirty.prefixes {
            if self.wanted.universe.number(*net) == Some(*peer) {
                let around = self.placed.prefixes.containing(*net).next();
                let now = around.map_or(0, |(_, around)| self.placed.peer(number, *around));
                prefixes |= now != said(*peer);
            } else if self.placed.prefixes.get(*net) == Some(peer) {
                let around = self.wanted.universe.covering(*net);
                prefixes |= self.placed.peer(number, *peer) != around.map_or(0, said);
            }
        }
        usize::from(header != Some(set.content.header))
            + usize::from(identities)
            + usize::from(prefixes)
    }

    /// Peers of whom the dataplane does not say what it should.
    pub(super) fn differing(&self, set: &Set, number: Number) -> Vec<Number> {
        let none = BTreeMap::new();
        let placed = self.placed.sets.get(&number);
        let there = placed.map_or(&none, |placed| &placed.peers);
        let differs = |peer: &Number| there.get(peer) != set.content.peers.get(peer);
        match &set.touched {
            Touched::Some(peers) => peers.iter().copied().filter(differs).collect(),
            Touched::All => {
                let new = set.content.peers.keys().filter(|peer| differs(peer));
                let gone = there
                    .keys()
                    .filter(|peer| !set.content.peers.contains_key(peer));
                new.chain(gone).copied().collect()
            }
        }
    }

    /// Endpoints whose policy is to be another than it is, and that policy.
    pub(super) fn switching(&self) -> Switching {
        let mut concerned: BTreeSet<Arc<EndpointId>> = self.wanted.dirty.endpoints.clone();
        for id in self.fresh.keys() {
            let users = self.wanted.sets.all.get(id).map(|set| &set.users);
            for (identity, _) in users.into_iter().flatten() {
                if let Some(who) = self.wanted.identities.get(*identity) {
                    concerned.extend(who.locals.iter().cloned());
                }
            }
        }
        let mut switching = BTreeMap::new();
        for id in concerned {
            let resident = self.wanted.endpoints.get(&id);
            let resident = resident.filter(|resident| resident.endpoint.local);
            let policy = resident.map(|resident| {
                let sets = self.wanted.sets_of(resident.identity);
                (resident.identity, self.numbered(sets))
            });
            if policy.as_ref() != self.placed.endpoints.get(&id) {
                switching.insert(id, policy);
            }
        }
        switching
    }

    fn numbered(&self, sets: SetIds) -> Sets {
        let [ingress, egress, ingress_audit, egress_audit] = sets.map(|id| {
            let fresh = id.and_then(|id| self.fresh.get(&id).copied());
            let known = || self.wanted.sets.all.get(&id?)?.number;
            fresh.or_else(known).unwrap_or_default()
        });
        Sets {
            ingress,
            egress,
            ingress_audit,
            egress_audit,
        }
    }
}
