//! What is taken from a neighbour, and what is told to it.
//!
//! A [`Policy`] is a list of [`Rule`]s. The first whose [`Term`]s all hold decides; where none does, the route is
//! refused. Rules are checked when the policy is made, so that one that could never match, or that would say two things
//! of one attribute, is an error with the rule's name and not a surprise.
//!
//! Three things are not left to rules:
//!
//! - A neighbour of another AS that has no policy is told nothing, and nothing is taken from it (RFC 8212).
//! - The default route goes through only where the rule that accepts it names it: `0.0.0.0/0` or `::/0`, exactly. "All
//!   IPv4 prefixes" is often written without the default route in mind, and one node that announces it has the traffic
//!   of the whole network.
//! - What [`Community::NO_EXPORT`](crate::attr::Community::NO_EXPORT) and its kin forbid (RFC 1997).
//!
//! Each [`Decision`] says which rule it was, or why it was none.

mod action;
mod decision;
mod error;
mod prefixes;
mod rule;
mod term;
#[cfg(test)]
mod tests;

pub use action::{Action, HopChange};
pub use decision::{Decision, Why};
pub use error::{Fault, PolicyError};
pub use prefixes::{PrefixMatch, PrefixSet};
pub use rule::Rule;
pub use term::{CommunityMatch, LargeMatch, Party, PathMatch, Source, Subject, Term};

use std::collections::HashSet;
use std::fmt;

/// Rules, of which the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    name: String,
    rules: Vec<Rule>,
}

impl Policy {
    /// Of these rules, in this order.
    ///
    /// # Errors
    ///
    /// Where a rule is wrong in itself, has the name of an earlier one, or comes after one that matches everything.
    pub fn new(
        name: impl Into<String>,
        rules: impl IntoIterator<Item = Rule>,
    ) -> Result<Policy, PolicyError> {
        let rules: Vec<Rule> = rules.into_iter().collect();
        let mut names = HashSet::new();
        let mut all = None;
        for rule in &rules {
            let name = rule.name();
            rule.check().map_err(|fault| PolicyError::Rule {
                rule: name.to_owned(),
                fault,
            })?;
            if !names.insert(name) {
                return Err(PolicyError::Twice(name.to_owned()));
            }
            if let Some(after) = all {
                return Err(PolicyError::Unreachable {
                    rule: name.to_owned(),
                    after,
                });
            }
            all = rule.terms().is_empty().then(|| name.to_owned());
        }
        let name = name.into();
        Ok(Policy { name, rules })
    }

    /// As it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether it asks who the neighbour is: then two neighbours with this policy may be told different things.
    pub fn asks_neighbour(&self) -> bool {
        let terms = self.rules.iter().flat_map(Rule::terms);
        terms.into_iter().any(Term::asks_neighbour)
    }

    /// What it says of a route.
    pub fn decide(&self, subject: &Subject<'_>) -> Decision {
        let found = self.rules.iter().zip(0..).find(|(r, _)| r.matches(subject));
        let Some((rule, number)) = found else {
            return Decision::refused(Why::NoRule);
        };
        match rule.accepts() {
            false => Decision::refused(Why::Rule(number)),
            true if subject.is_default() && !rule.names(subject.prefix) => {
                Decision::refused(Why::DefaultRoute(Some(number)))
            }
            true => Decision::accepted(Why::Rule(number)),
        }
    }

    /// What a neighbour's policy says, where it may have none: a neighbour of another AS then gets and gives nothing
    /// (RFC 8212), unless that is not wanted of it, and one of the same AS everything but the default route.
    pub fn decide_for(policy: Option<&Policy>, wanted: bool, subject: &Subject<'_>) -> Decision {
        match policy {
            Some(policy) => policy.decide(subject),
            None if wanted => Decision::refused(Why::NoPolicy),
            None if subject.is_default() => Decision::refused(Why::DefaultRoute(None)),
            None => Decision::accepted(Why::NotNeeded),
        }
    }

    /// The rule that decided.
    pub fn rule(&self, decision: Decision) -> Option<&Rule> {
        let number = decision.why.rule()?;
        self.rules.get(usize::try_from(number).ok()?)
    }
}

impl fmt::Display for Policy {
    /// One rule a line, numbered from one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}", self.name)?;
        for (rule, number) in self.rules.iter().zip(1..) {
            write!(f, "\n  {number}. {rule}")?;
        }
        f.write_str("\n  else refuse")
    }
}
