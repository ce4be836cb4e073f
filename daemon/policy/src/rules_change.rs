//! Policies come, change and go: which of their rules go on, and whom a change concerns.

use crate::{
    compile::{detach, members, patch},
    input::Direction,
    numbering::Numbered,
    policy::{Compiled, Policy, PolicyId, PolicySpec, Stage},
    selector::{SelectorId, SelectorKey},
    set::SetId,
    spec::{Kind, ObjectName},
    wanted::Wanted,
};
use std::{collections::BTreeSet, sync::Arc};

/// Where more rules than this change, the policy's sets are compiled as a whole.
const PATCHED: usize = 64;

impl Wanted {
    pub(crate) fn put_policy(&mut self, spec: PolicySpec) {
        let name = spec.name();
        let audit = spec.audit()
            || (name.kind == Kind::NetworkPolicy && self.namespaces.audit(&name.namespace));
        let known = self.policies.by_name.get(&name).copied();
        if let Some(policy) = known.and_then(|id| self.policies.all.get(&id))
            && (*policy.spec == spec && policy.audit == audit)
        {
            return;
        }
        let spec = Arc::new(spec);
        // What the new rules need is taken before what the old ones had is given back: what both have stays.
        let subject = self.selector(spec.subject());
        let mut before = known.and_then(|id| self.unlink(id));
        let id = known.unwrap_or_else(|| {
            self.policies.next += 1;
            self.policies.next
        });
        let users = match &before {
            Some(before) => before.users.clone(),
            None => Default::default(),
        };
        let mut rules = [Vec::new(), Vec::new()];
        for direction in Direction::BOTH {
            let numbered = self.number(id, direction, &spec, before.as_mut());
            let used = !users[direction as usize].is_empty();
            if used {
                let sets = users[direction as usize].iter().copied().collect();
                self.put_in(sets, &spec, &numbered);
            }
            self.exchange(&numbered, used);
            rules[direction as usize] = numbered.rules;
        }
        if let Some(slot) = self.selectors.get_mut(subject) {
            slot.subject_of.insert(id);
        }
        self.policies.by_name.insert(name.clone(), id);
        if let PolicySpec::Cluster(policy) = &*spec {
            let level = (policy.tier, policy.priority, policy.name.clone());
            self.policies.levels.insert(level, id);
        }
        let policy = Policy {
            name,
            spec,
            audit,
            subject,
            rules,
            users,
        };
        self.policies.all.insert(id, policy);
        if let Some(before) = before {
            self.selectors.release(before.subject, &mut self.identities);
        }
        self.subjects_changed(subject);
    }

    pub(crate) fn remove_policy(&mut self, name: &ObjectName) {
        let Some(id) = self.policies.by_name.remove(name) else {
            return;
        };
        let Some(before) = self.unlink(id) else {
            return;
        };
        self.stale(before.users.iter().flatten().copied().collect());
        for direction in Direction::BOTH {
            let used = !before.users[direction as usize].is_empty();
            for rule in &before.rules[direction as usize] {
                self.rules.remove(rule.number);
                self.give_back(rule, used);
            }
        }
        self.selectors.release(before.subject, &mut self.identities);
    }

    /// Takes a policy out; those whom it selects are looked at.
    fn unlink(&mut self, id: PolicyId) -> Option<Policy> {
        let policy = self.policies.all.remove(&id)?;
        if let PolicySpec::Cluster(spec) = &*policy.spec {
            let level = (spec.tier, spec.priority, spec.name.clone());
            self.policies.levels.remove(&level);
        }
        self.subjects_changed(policy.subject);
        if let Some(slot) = self.selectors.get_mut(policy.subject) {
            slot.subject_of.remove(&id);
        }
        Some(policy)
    }

    /// The sets that have the policy get its rules as they are now.
    fn put_in(&mut self, sets: Vec<SetId>, spec: &PolicySpec, numbered: &Numbered) {
        let new = numbered.rules.iter().zip(&numbered.changed);
        let added: Vec<&Compiled> = new.filter(|(_, is)| **is).map(|(rule, _)| rule).collect();
        // What only moved is taken out as it is put in: by its number.
        let moved = added.iter().copied();
        let moved = moved.filter(|rule| numbered.moved.contains(&rule.number));
        let removed: Vec<&Compiled> = numbered.gone.iter().chain(moved).collect();
        if numbered.everything || removed.len() + added.len() > PATCHED {
            self.stale(sets);
            return;
        }
        if removed.is_empty() && added.is_empty() {
            return;
        }
        let high = spec.stage() == Stage::High;
        for id in sets {
            if let Some(set) = self.sets.all.get_mut(&id)
                && !set.stale
            {
                patch(id, set, high, (&removed, &added), &mut self.selectors);
                self.sets.stale.insert(id);
            }
        }
    }

    /// Prefixes of new rules are spoken of, those of old ones no longer; selectors of the old ones go.
    fn exchange(&mut self, numbered: &Numbered, used: bool) {
        if used {
            let new = numbered.rules.iter().zip(&numbered.changed);
            let new = new.filter(|(rule, is)| **is && !numbered.moved.contains(&rule.number));
            for block in new.flat_map(|(rule, _)| rule.blocks()) {
                self.universe.acquire(&block.block);
            }
        }
        for rule in &numbered.gone {
            self.give_back(rule, used);
        }
    }

    fn give_back(&mut self, rule: &Compiled, used: bool) {
        if used {
            for block in rule.blocks() {
                self.universe.release(&block.block);
            }
        }
        for selector in rule.selectors() {
            self.selectors.release(selector, &mut self.identities);
        }
    }

    pub(crate) fn selector(&mut self, key: SelectorKey) -> SelectorId {
        self.selectors
            .acquire(key, &mut self.identities, &self.namespaces)
    }

    /// Sets have to be compiled anew.
    pub(crate) fn stale(&mut self, sets: Vec<SetId>) {
        for id in sets {
            if let Some(set) = self.sets.all.get_mut(&id) {
                detach(id, set, &mut self.selectors);
                self.sets.stale.insert(id);
            }
        }
    }

    /// Those whom the selector fits may have other policies now.
    fn subjects_changed(&mut self, subject: SelectorId) {
        for member in members(&self.selectors, subject) {
            let who = self.identities.get(member);
            if who.is_some_and(|who| !who.locals.is_empty()) {
                self.dirty.identities.insert(member);
            }
        }
    }

    /// The namespace's own word on audit may have changed.
    pub(crate) fn audit_changed(&mut self, namespace: &str) {
        let first = ObjectName {
            kind: Kind::NetworkPolicy,
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let audit = self.namespaces.audit(namespace);
        let there = self
            .policies
            .by_name
            .range(first..)
            .take_while(|(name, _)| {
                name.kind == Kind::NetworkPolicy && name.namespace == namespace
            });
        let mut subjects = BTreeSet::new();
        for (_, id) in there {
            if let Some(policy) = self.policies.all.get_mut(id) {
                let now = audit || policy.spec.audit();
                if policy.audit != now {
                    policy.audit = now;
                    subjects.insert(policy.subject);
                }
            }
        }
        for subject in subjects {
            self.subjects_changed(subject);
        }
    }
}
