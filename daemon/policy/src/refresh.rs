//! Brings what is to be in the dataplane up to date with what is known: first who has which set, then what
//! the sets say.

use crate::{
    compile::{self, Known, compile},
    identity::{IdentityKey, SetIds},
    input::{Direction, Number},
    placed::Placed,
    policy::{PolicyId, Stage},
    rule::Origin,
    selector::SelectorKey,
    set::{Role, Set, SetId, SetKey, Touched},
    wanted::Wanted,
};
use std::{collections::BTreeSet, sync::Arc};

impl Wanted {
    /// See the module's head.
    pub(crate) fn refresh(&mut self) {
        for number in std::mem::take(&mut self.dirty.identities) {
            self.choose_sets(number);
        }
        let changed = self.universe.take_changed();
        for id in &self.sets.with_blocks {
            if let Some(set) = self.sets.all.get_mut(id)
                && !set.stale
                && !changed.is_empty()
            {
                set.stale_peers.extend(changed.keys());
                self.sets.stale.insert(*id);
            }
        }
        self.dirty.prefixes.extend(changed);
        for id in std::mem::take(&mut self.sets.stale) {
            let Some(set) = self.sets.all.get_mut(&id) else {
                continue;
            };
            if set.users.is_empty() {
                continue;
            }
            let known = Known {
                policies: &self.policies,
                identities: &self.identities,
                universe: &self.universe,
            };
            if set.stale {
                compile(id, set, &known, &mut self.selectors, &mut self.tables);
            } else {
                compile::refresh(set, &self.dirty.prefixes, &known, &mut self.tables);
            }
            match set.content.header.prefixes {
                true => self.sets.with_blocks.insert(id),
                false => self.sets.with_blocks.remove(&id),
            };
            self.sets.dirty.insert(id);
        }
    }

    /// Looks up the policies of those of this node who are so.
    fn choose_sets(&mut self, number: Number) {
        let Some(who) = self.identities.get(number) else {
            return;
        };
        let before = who.sets;
        let keys = match who.locals.is_empty() {
            true => [const { None }; 4],
            false => self.keys(&who.key, &who.selectors),
        };
        let mut after: SetIds = [None; 4];
        for ((role, key), set) in keys.into_iter().enumerate().zip(&mut after) {
            *set = key.map(|key| self.acquire_set(key, number, role));
        }
        for (role, (old, new)) in before.into_iter().zip(after).enumerate() {
            if let Some(old) = old
                && new != Some(old)
            {
                self.release_set(old, number, role);
            }
        }
        if let Some(who) = self.identities.get_mut(number)
            && before != after
        {
            who.sets = after;
            self.dirty.endpoints.extend(who.locals.iter().cloned());
        }
    }

    /// What the sets of an identity follow from, by [`Role`].
    fn keys(&self, who: &IdentityKey, selectors: &[u32]) -> [Option<SetKey>; 4] {
        let mut selecting: BTreeSet<PolicyId> = BTreeSet::new();
        for selector in selectors {
            if let Some(slot) = self.selectors.get(*selector) {
                selecting.extend(&slot.subject_of);
            }
        }
        let mut keys = Role::ALL.map(|role| self.key(role, who, &selecting));
        let [ingress, egress, ingress_audit, egress_audit] = &mut keys;
        for (force, audit) in [(ingress, ingress_audit), (egress, egress_audit)] {
            if force == audit {
                *audit = None;
            }
        }
        keys
    }

    fn key(&self, role: Role, who: &IdentityKey, selecting: &BTreeSet<PolicyId>) -> Option<SetKey> {
        let (mut high, mut network, mut baseline) = (Vec::new(), Vec::new(), Vec::new());
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for id in selecting {
            let Some(policy) = self.policies.all.get(id) else {
                continue;
            };
            if policy.spec.rules(role.direction).is_none() || policy.audit && !role.audit {
                continue;
            }
            match policy.spec.stage() {
                Stage::High => high.push(*id),
                Stage::Network => network.push(*id),
                Stage::Baseline => baseline.push(*id),
            }
            if role.direction == Direction::Ingress {
                names.extend(policy.port_names(role.direction));
            }
        }
        let groups: Vec<String> = match who {
            IdentityKey::Pod { groups, .. } if role.direction == Direction::Ingress => {
                groups.iter().cloned().collect()
            }
            _ => Vec::new(),
        };
        let isolated = !network.is_empty() || !groups.is_empty();
        let low = if isolated { network } else { baseline };
        if high.is_empty() && low.is_empty() && !isolated {
            return None;
        }
        let ports = who.ports().iter();
        Some(SetKey {
            direction: role.direction,
            high,
            low,
            network: isolated,
            groups,
            ports: ports
                .filter(|port| names.contains(port.name.as_str()))
                .cloned()
                .collect(),
        })
    }

    fn acquire_set(&mut self, key: SetKey, number: Number, role: usize) -> SetId {
        let id = match self.sets.by_key.get(&key) {
            Some(id) => *id,
            None => self.new_set(key),
        };
        if let Some(set) = self.sets.all.get_mut(&id) {
            let first = set.users.is_empty();
            set.users.insert((number, role));
            if first {
                set.stale = true;
                let key = Arc::clone(&set.key);
                self.sets.stale.insert(id);
                self.dirty.sets.remove(&id);
                self.enlist(id, &key, true);
            }
        }
        id
    }

    fn new_set(&mut self, key: SetKey) -> SetId {
        self.sets.next += 1;
        let (id, key) = (self.sets.next, Arc::new(key));
        let mut set = Set::new(Arc::clone(&key));
        if key.network {
            let grouped = !key.groups.is_empty();
            let origin = Origin::Nothing(key.direction, key.low.clone(), grouped);
            set.nothing = self.rules.acquire(origin);
        }
        for group in &key.groups {
            let key = SelectorKey::Group(group.clone());
            let selectors = &mut self.selectors;
            let selector = selectors.acquire(key, &mut self.identities, &self.namespaces);
            set.groups.push(selector);
        }
        self.sets.by_key.insert(key, id);
        self.sets.all.insert(id, set);
        id
    }

    /// One fewer has the set. What nobody has is kept until the dataplane does not have it either: it may
    /// come back.
    pub(crate) fn release_set(&mut self, id: SetId, number: Number, role: usize) {
        let Some(set) = self.sets.all.get_mut(&id) else {
            return;
        };
        set.users.remove(&(number, role));
        if !set.users.is_empty() {
            return;
        }
        compile::detach(id, set, &mut self.selectors);
        set.clear(&mut self.tables);
        let key = Arc::clone(&set.key);
        self.sets.with_blocks.remove(&id);
        self.sets.stale.remove(&id);
        self.sets.dirty.remove(&id);
        self.dirty.sets.insert(id);
        self.enlist(id, &key, false);
    }

    /// The set has its policies now, or has them no longer.
    fn enlist(&mut self, id: SetId, key: &SetKey, has: bool) {
        let direction = key.direction;
        for policy in key.high.iter().chain(&key.low) {
            let Some(policy) = self.policies.all.get_mut(policy) else {
                continue;
            };
            let users = &mut policy.users[direction as usize];
            let before = users.is_empty();
            match has {
                true => users.insert(id),
                false => users.remove(&id),
            };
            if before == users.is_empty() {
                continue;
            }
            for block in policy.spec.blocks(direction) {
                match has {
                    true => self.universe.acquire(block),
                    false => self.universe.release(block),
                }
            }
        }
    }

    /// The dataplane has all sets as they are: `numbers` are those that were given out for that.
    pub(crate) fn settle_sets(&mut self, numbers: &[(SetId, Number)]) {
        for (id, number) in numbers {
            if let Some(set) = self.sets.all.get_mut(id)
                && let Some(old) = set.number.replace(*number)
            {
                self.set_numbers.retire(old);
            }
        }
        for id in std::mem::take(&mut self.sets.dirty) {
            if let Some(set) = self.sets.all.get_mut(&id) {
                set.touched = Touched::default();
            }
        }
        for id in std::mem::take(&mut self.dirty.sets) {
            self.drop_set(id);
        }
    }

    /// Forgets a set that nobody has and the dataplane does not have either.
    fn drop_set(&mut self, id: SetId) {
        let Some(set) = self.sets.all.remove(&id) else {
            return;
        };
        self.sets.by_key.remove(&set.key);
        self.rules.release(set.nothing);
        for group in set.groups {
            self.selectors.release(group, &mut self.identities);
        }
        if let Some(number) = set.number {
            self.set_numbers.retire(number);
        }
    }

    /// Forgets what came and went while there was no room: it must not heap up until there is some.
    pub(crate) fn prune(&mut self, placed: &Placed) {
        let dirty = &mut self.dirty;
        let (claims, endpoints, universe) = (&self.claims, &self.endpoints, &self.universe);
        dirty.addresses.retain(|address| {
            claims.first(*address).is_some() || placed.addresses.contains_key(address)
        });
        dirty
            .endpoints
            .retain(|id| endpoints.contains_key(id) || placed.endpoints.contains_key(id));
        dirty.prefixes.retain(|number, (net, _)| {
            universe.number(*net) == Some(*number) || placed.prefixes.get(*net) == Some(number)
        });
        let sets = &self.sets.all;
        let never: Vec<SetId> = dirty.sets.iter().copied().collect();
        let never = never
            .into_iter()
            .filter(|id| sets.get(id).is_none_or(|set| set.number.is_none()));
        for id in never.collect::<Vec<_>>() {
            self.dirty.sets.remove(&id);
            self.drop_set(id);
        }
    }
}
