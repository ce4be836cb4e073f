//! The numbers of rules: what counters, events and traces call them by.

use crate::{
    input::{Direction, Number},
    number::Numbers,
    policy::PolicyId,
    spec::ObjectName,
};
use serde::Serialize;
use std::collections::HashMap;

/// The rule that lets members of a common group in.
pub(crate) const GROUPS: Number = 1;

/// What a number stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleName {
    /// Its policy; `None`: what groups say.
    pub policy: Option<ObjectName>,
    /// Where several policies together let nothing more through: the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<ObjectName>,
    /// Whether it is about packets to or from the endpoint.
    pub direction: Direction,
    /// Which of the policy's rules of that direction, from 0; `None`: the endpoint is selected, and nothing
    /// lets the packet through.
    pub index: Option<usize>,
    /// Its own name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A rule of a policy.
    Rule(PolicyId, Direction, usize),
    /// None of these policies lets it through; of groups too, where the flag is set.
    Nothing(Direction, Vec<PolicyId>, bool),
    /// Members of a common group.
    Groups,
}

/// All that have numbers.
#[derive(Debug)]
pub(crate) struct Rules {
    all: HashMap<Number, Origin>,
    nothing: HashMap<Origin, (Number, usize)>,
    numbers: Numbers,
}

impl Rules {
    pub(crate) fn new() -> Self {
        Self {
            all: HashMap::from([(GROUPS, Origin::Groups)]),
            nothing: HashMap::new(),
            numbers: Numbers::from(GROUPS + 1),
        }
    }

    pub(crate) fn get(&self, number: Number) -> Option<&Origin> {
        self.all.get(&number)
    }

    /// `number` (or a new one) is this rule now.
    pub(crate) fn put(&mut self, number: Option<Number>, origin: Origin) -> Number {
        let number = number.unwrap_or_else(|| self.numbers.take());
        self.all.insert(number, origin);
        number
    }

    pub(crate) fn remove(&mut self, number: Number) {
        if self.all.remove(&number).is_some() {
            self.numbers.retire(number);
        }
    }

    /// One more set needs a number for [`Origin::Nothing`].
    pub(crate) fn acquire(&mut self, origin: Origin) -> Number {
        if let Some((number, count)) = self.nothing.get_mut(&origin) {
            *count += 1;
            return *number;
        }
        let number = self.put(None, origin.clone());
        self.nothing.insert(origin, (number, 1));
        number
    }

    /// One fewer does.
    pub(crate) fn release(&mut self, number: Number) {
        let Some(origin) = self.all.get(&number).cloned() else {
            return;
        };
        if let Some((_, count)) = self.nothing.get_mut(&origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.nothing.remove(&origin);
                self.remove(number);
            }
        }
    }

    pub(crate) fn settle(&mut self) {
        self.numbers.settle();
    }
}
