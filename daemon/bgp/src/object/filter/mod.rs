//! `import` and `export`: rules, of which the first that matches decides.
//!
//! They become a [`Policy`], which checks them once more; what it finds is told with the rule's field.

mod change;
mod community;
mod matching;

use super::{
    fill,
    read::{self, Fields, MOST},
};
use crate::policy::{Fault, Policy, PolicyError, Rule};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
    form,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const VERDICTS: (&[&str; 2], [bool; 2]) = (&["Accept", "Reject"], [true, false]);

/// What decides where no rule does. No rule of an object can have the name.
pub(super) const DEFAULT: &str = "(default)";

/// A policy. `many`: there may be more than one neighbour.
pub(super) fn parse(
    name: &str,
    value: &Value,
    many: bool,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Policy> {
    let filter = Fields::of(value, &["default", "rules"], at, faults)?;
    let default = filter.or(("default", false), faults, verdict);
    let rules = filter.or(("rules", Vec::new()), faults, |value, at, faults| {
        field::counted(value, (0, MOST), at, faults);
        let mut names = BTreeSet::new();
        let mut number = 0;
        let rules = field::list(value, at, faults, |value, at, faults| {
            number += 1;
            rule((value, number), many, &mut names, at, faults)
        })?;
        reached(&rules, at, faults)?;
        Some(rules)
    });
    let (default, mut rules) = (default?, rules?);
    // What comes after a rule that has everything would be refused.
    if default && rules.last().is_none_or(|last| !last.terms().is_empty()) {
        rules.push(Rule::accept(DEFAULT));
    }
    match Policy::new(name, rules) {
        Ok(policy) => Some(policy),
        Err(error) => faults.add(at, read::refused(error)),
    }
}

fn verdict(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<bool> {
    field::word(value, VERDICTS, at, faults)
}

fn rule<'v>(
    (value, number): (&'v Value, usize),
    many: bool,
    names: &mut BTreeSet<&'v str>,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Rule> {
    let fields = Fields::of(value, &["name", "match", "set", "then"], at, faults)?;
    let name = fields.maybe("name", faults, |value, at, faults| {
        let name = field::formed(value, form::LABEL, at, faults)?;
        match names.insert(name) {
            true => Some(name),
            false => faults.add(at, Reason::Twice),
        }
    });
    let terms = fields.or(("match", Vec::new()), faults, |value, at, faults| {
        matching::parse(value, many, at, faults)
    });
    let accepts = fields.must("then", faults, verdict);
    let actions = fields.or(("set", Vec::new()), faults, change::parse);
    if accepts == Some(false) {
        fields.misplaced("set", "then is Reject", faults);
    }
    let name = match name? {
        Some(name) => name.to_owned(),
        None => format!("number {number}"),
    };
    let rule = match accepts? {
        true => Rule::accept(name),
        false => Rule::refuse(name),
    };
    let rule = terms?.into_iter().fold(rule, Rule::when);
    let rule = match rule.accepts() {
        true => actions?.into_iter().fold(rule, Rule::then),
        false => rule,
    };
    sound(rule, fields, faults)
}

/// What only the policy's own check finds.
fn sound(rule: Rule, fields: Fields<'_, '_>, faults: &mut Faults) -> Option<Rule> {
    match Policy::new("", [rule.clone()]) {
        Ok(_) => Some(rule),
        Err(PolicyError::Rule { fault, .. }) => {
            let name = match fault {
                Fault::NextHopFamily | Fault::NoHop(_) | Fault::Prepend(_) => "set",
                _ => "match",
            };
            fields.refuse(name, read::refused(fault), faults)
        }
        Err(error) => fields.refuse("match", read::refused(error), faults),
    }
}

/// Each rule can be reached.
fn reached(rules: &[Rule], at: &Path<'_>, faults: &mut Faults) -> Option<()> {
    let all = rules.iter().position(|rule| rule.terms().is_empty());
    let Some((all, rule)) = all.and_then(|all| Some((all, rules.get(all)?))) else {
        return Some(());
    };
    match all + 1 == rules.len() {
        true => Some(()),
        false => {
            let name = rule.name();
            let what = format!("is never reached: rule {name} before it matches everything");
            faults.add(&at.index(all + 1), read::refused(what))
        }
    }
}

/// What is absent, as it is then.
pub(super) fn defaults(filter: &mut Map<String, Value>) {
    fill(filter, "default", "Reject");
    fill(filter, "rules", Value::Array(Vec::new()));
}
