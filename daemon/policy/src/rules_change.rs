//! Policies come, change and go: which rule is which afterwards, and whom that concerns.

use crate::{
    compile::detach,
    input::{Direction, Number},
    order,
    policy::{Compiled, Policy, PolicyId, PolicySpec},
    rule::Origin,
    selector::SelectorId,
    set::SetId,
    spec::{Kind, ObjectName, Tier},
    wanted::Wanted,
};
use std::{collections::BTreeSet, sync::Arc};

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
        // What the new rules need is taken first, what the old ones had is given back last: what both have
        // stays as it is.
        let subject = self.selector(spec.subject());
        let mut rules = Direction::BOTH.map(|direction| {
            let rules = spec.rules(direction).unwrap_or_default();
            let rules = rules.iter().map(|rule| {
                Compiled::new(&spec, rule, direction, |key| {
                    self.selectors
                        .acquire(key, &mut self.identities, &self.namespaces)
                })
            });
            rules.collect::<Vec<_>>()
        });
        let before = known.and_then(|id| self.unlink(id));
        let id = known.unwrap_or_else(|| {
            self.policies.next += 1;
            self.policies.next
        });
        for direction in Direction::BOTH {
            let rules = &mut rules[direction as usize];
            self.number(id, direction, &spec, rules, before.as_ref());
        }
        let users = match &before {
            Some(before) => before.users.clone(),
            None => Default::default(),
        };
        for direction in Direction::BOTH {
            if !users[direction as usize].is_empty() {
                let blocks = spec.blocks(direction);
                blocks.for_each(|block| self.universe.acquire(block));
            }
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
            self.give_back(&before);
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
        for rule in before.rules.iter().flatten() {
            self.rules.remove(rule.number);
        }
        self.give_back(&before);
    }

    /// Takes a policy out; sets that have it are to be made anew, and those whom it selects looked at.
    fn unlink(&mut self, id: PolicyId) -> Option<Policy> {
        let policy = self.policies.all.remove(&id)?;
        if let PolicySpec::Cluster(spec) = &*policy.spec {
            let level = (spec.tier, spec.priority, spec.name.clone());
            self.policies.levels.remove(&level);
        }
        self.stale(policy.users.iter().flatten().copied().collect());
        self.subjects_changed(policy.subject);
        if let Some(slot) = self.selectors.get_mut(policy.subject) {
            slot.subject_of.remove(&id);
        }
        Some(policy)
    }

    fn give_back(&mut self, policy: &Policy) {
        for direction in Direction::BOTH {
            if !policy.users[direction as usize].is_empty() {
                let blocks = policy.spec.blocks(direction);
                blocks.for_each(|block| self.universe.release(block));
            }
        }
        for selector in policy.rules.iter().flatten().flat_map(Compiled::selectors) {
            self.selectors.release(selector, &mut self.identities);
        }
        self.selectors.release(policy.subject, &mut self.identities);
    }

    fn selector(&mut self, key: crate::selector::SelectorKey) -> SelectorId {
        self.selectors
            .acquire(key, &mut self.identities, &self.namespaces)
    }

    /// Sets have to be compiled anew.
    fn stale(&mut self, sets: Vec<SetId>) {
        for id in sets {
            if let Some(set) = self.sets.all.get_mut(&id) {
                detach(id, set, &mut self.selectors);
                self.sets.stale.insert(id);
            }
        }
    }

    /// Those whom the selector fits may have other policies now.
    fn subjects_changed(&mut self, subject: SelectorId) {
        for member in crate::compile::members(&self.selectors, subject) {
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

    /// Gives rules their numbers and orders; those that go on keep theirs.
    fn number(
        &mut self,
        id: PolicyId,
        direction: Direction,
        spec: &PolicySpec,
        rules: &mut [Compiled],
        before: Option<&Policy>,
    ) {
        let new = spec.rules(direction).unwrap_or_default();
        let old = before.and_then(|policy| policy.spec.rules(direction));
        let old = old.unwrap_or_default();
        let had: &[Compiled] = before.map_or(&[], |policy| &policy.rules[direction as usize]);
        let carried = order::carry(old, new);
        let middle = carried.head..new.len() - carried.tail;
        let from = |at: usize| match at {
            at if at < middle.start => Some(at),
            at if at < middle.end => carried.middle[at - middle.start],
            at => Some(at + old.len() - new.len()),
        };
        let mut left: BTreeSet<Number> = had.iter().map(|rule| rule.number).collect();
        for (at, rule) in rules.iter_mut().enumerate() {
            let known = from(at).and_then(|at| had.get(at));
            if let Some(known) = known {
                left.remove(&known.number);
                rule.order = known.order;
            }
            let origin = Origin::Rule(id, direction, at);
            rule.number = self.rules.put(known.map(|rule| rule.number), origin);
        }
        for number in left {
            self.rules.remove(number);
        }
        let PolicySpec::Cluster(policy) = spec else {
            // All of them allow: any order is right, and this one never changes.
            rules.iter_mut().for_each(|rule| rule.order = rule.number);
            return;
        };
        let (low, high) = self.policies.room(policy, direction);
        let moved = before.is_none_or(|before| match &*before.spec {
            PolicySpec::Cluster(before) => {
                (before.tier, before.priority) != (policy.tier, policy.priority)
            }
            PolicySpec::Network(_) => true,
        });
        let span = if moved { 0..rules.len() } else { middle };
        if !moved && old.len() == new.len() {
            return;
        }
        let below = span.start.checked_sub(1).and_then(|at| rules.get(at));
        let below = below.map_or(low, |rule| rule.order);
        let above = rules.get(span.end).map_or(high, |rule| rule.order);
        match order::spread(below, above, span.len()) {
            Some(orders) => {
                let spread = rules.iter_mut().skip(span.start).zip(orders);
                spread.for_each(|(rule, order)| rule.order = order);
            }
            None if span.is_empty() => {}
            None => self.spread(policy.tier, policy.priority, &policy.name, direction, rules),
        }
    }

    /// Spreads all rules of a priority anew; `own` are those of a policy that is on its way in.
    fn spread(
        &mut self,
        tier: Tier,
        priority: u16,
        name: &str,
        direction: Direction,
        own: &mut [Compiled],
    ) {
        let level = self.policies.level(tier, priority);
        let direction = direction as usize;
        let mut all: Vec<&mut Compiled> = Vec::new();
        let mut own = Some(own);
        let mut sets = Vec::new();
        let mut ordered: Vec<(&ObjectName, &mut Vec<Compiled>)> = Vec::new();
        for (id, policy) in &mut self.policies.all {
            if level.contains(id) {
                sets.extend(policy.users[direction].iter().copied());
                ordered.push((&policy.name, &mut policy.rules[direction]));
            }
        }
        ordered.sort_by_key(|(name, _)| *name);
        for (other, rules) in ordered {
            if other.name.as_str() > name {
                all.extend(own.take().into_iter().flatten());
            }
            all.extend(rules);
        }
        all.extend(own.take().into_iter().flatten());
        let (low, high) = order::bounds(priority);
        // More than four million rules of one priority: the last ones are equals.
        let orders = order::spread(low, high, all.len());
        let orders = orders.unwrap_or_else(|| (low + 1..high).collect());
        let last = high.saturating_sub(1);
        for (at, rule) in all.into_iter().enumerate() {
            rule.order = orders.get(at).copied().unwrap_or(last);
        }
        self.stale(sets);
    }
}
