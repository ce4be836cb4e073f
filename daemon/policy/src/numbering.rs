//! Which rule of an edited policy is which: those that go on keep their numbers and orders, and whatever
//! was compiled of them.

use crate::{
    input::{Direction, Number},
    order::{self, Carried},
    policy::{Compiled, Policy, PolicyId, PolicySpec},
    rule::Origin,
    spec::{ClusterPolicy, ObjectName, Rule, Tier},
    wanted::Wanted,
};
use std::{collections::BTreeSet, ops::Range};

/// Rules of one direction of a policy.
#[derive(Debug, Default)]
pub(crate) struct Numbered {
    /// All of them, in the policy's order.
    pub(crate) rules: Vec<Compiled>,
    /// Which of them are not as they were.
    pub(crate) changed: Vec<bool>,
    /// Numbers of those that have only got another order.
    pub(crate) moved: BTreeSet<Number>,
    /// What was there and is not any more, or not so.
    pub(crate) gone: Vec<Compiled>,
    /// All of the policy's rules are asked at another time than before.
    pub(crate) everything: bool,
}

/// Where a rule of the new list was in the old one.
fn origin(carried: &Carried, at: usize, old: usize, new: usize) -> Option<usize> {
    let middle = middle(carried, new);
    match at {
        at if at < middle.start => Some(at),
        at if at < middle.end => carried.middle.get(at - middle.start).copied().flatten(),
        at => Some(at + old - new),
    }
}

fn middle(carried: &Carried, new: usize) -> Range<usize> {
    carried.head..new - carried.tail
}

impl Wanted {
    /// The rules of a policy as it is now; takes those of the policy as it was.
    pub(crate) fn number(
        &mut self,
        id: PolicyId,
        direction: Direction,
        spec: &PolicySpec,
        mut before: Option<&mut Policy>,
    ) -> Numbered {
        let old_spec = before.as_ref().map(|policy| policy.spec.clone());
        let old: &[Rule] = match &old_spec {
            Some(old) => old.rules(direction).unwrap_or_default(),
            None => &[],
        };
        let new = spec.rules(direction).unwrap_or_default();
        let had = before
            .as_mut()
            .map(|policy| std::mem::take(&mut policy.rules[direction as usize]));
        let mut had: Vec<Option<Compiled>> = had.into_iter().flatten().map(Some).collect();
        let carried = order::carry(old, new);
        let mut numbered = Numbered::default();
        for (at, rule) in new.iter().enumerate() {
            let from = origin(&carried, at, old.len(), new.len());
            let slot = from.and_then(|from| had.get_mut(from));
            let edited = middle(&carried, new.len()).contains(&at);
            let same = !edited || from.is_some_and(|from| old.get(from) == Some(rule));
            let was = slot.as_ref().and_then(|slot| slot.as_ref());
            let (number, order) = match was {
                Some(was) => (Some(was.number), was.order),
                None => (None, 0),
            };
            let kept = if same {
                slot.and_then(Option::take)
            } else {
                None
            };
            numbered.changed.push(kept.is_none());
            let mut compiled = kept
                .unwrap_or_else(|| Compiled::new(spec, rule, direction, |key| self.selector(key)));
            let moved = number.is_none() || from != Some(at);
            compiled.order = order;
            compiled.number = match number {
                Some(number) if !moved => number,
                number => self.rules.put(number, Origin::Rule(id, direction, at)),
            };
            numbered.rules.push(compiled);
        }
        numbered.gone = had.into_iter().flatten().collect();
        let mut gone: BTreeSet<Number> = numbered.gone.iter().map(|rule| rule.number).collect();
        if !gone.is_empty() {
            for rule in &numbered.rules {
                gone.remove(&rule.number);
            }
        }
        for number in gone {
            self.rules.remove(number);
        }
        match spec {
            PolicySpec::Network(_) => {
                // All of them allow: any order is right, and this one never changes.
                let rules = numbered.rules.iter_mut();
                rules.for_each(|rule| rule.order = rule.number);
            }
            PolicySpec::Cluster(policy) => {
                let moved = old_spec.as_ref().is_none_or(|old| match &**old {
                    PolicySpec::Cluster(old) => {
                        (old.tier, old.priority) != (policy.tier, policy.priority)
                    }
                    PolicySpec::Network(_) => true,
                });
                numbered.everything = moved;
                let span = match moved {
                    true => 0..new.len(),
                    false if old.len() == new.len() => 0..0,
                    false => middle(&carried, new.len()),
                };
                self.order(policy, direction, span, &mut numbered);
            }
        }
        numbered
    }

    /// Gives the rules in `span` orders between those around them.
    fn order(
        &mut self,
        policy: &ClusterPolicy,
        direction: Direction,
        span: Range<usize>,
        numbered: &mut Numbered,
    ) {
        if span.is_empty() {
            return;
        }
        let (low, high) = self.policies.room(policy, direction);
        let rules = &mut numbered.rules;
        let below = span.start.checked_sub(1).and_then(|at| rules.get(at));
        let below = below.map_or(low, |rule| rule.order);
        let above = rules.get(span.end).map_or(high, |rule| rule.order);
        let Some(orders) = order::spread(below, above, span.len()) else {
            numbered.everything = true;
            self.spread(policy.tier, policy.priority, &policy.name, direction, rules);
            return;
        };
        let changed = numbered.changed.iter_mut();
        let spread = rules.iter_mut().zip(changed).skip(span.start).zip(orders);
        for ((rule, changed), order) in spread {
            rule.order = order;
            if !*changed {
                *changed = true;
                numbered.moved.insert(rule.number);
            }
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
        let level: BTreeSet<PolicyId> = self.policies.level(tier, priority).into_iter().collect();
        let direction = direction as usize;
        let mut sets = Vec::new();
        let mut ordered: Vec<(&ObjectName, &mut Vec<Compiled>)> = Vec::new();
        for (id, policy) in &mut self.policies.all {
            if level.contains(id) {
                sets.extend(policy.users[direction].iter().copied());
                ordered.push((&policy.name, &mut policy.rules[direction]));
            }
        }
        ordered.sort_by_key(|(name, _)| *name);
        let mut all: Vec<&mut Compiled> = Vec::new();
        let mut own = Some(own);
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
