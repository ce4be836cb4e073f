//! The model's rules.

use nix::errno::Errno;

use super::recorder::deleted;
use super::{Change, Recorder};
use crate::error::Result;
use crate::rule::Rule;

impl Recorder {
    pub(super) fn new_rule(&self, rule: &Rule) -> Result<()> {
        let change = Change::AddRule(rule.clone());
        self.change(change, "add rule", rule, |model, place| {
            if rule.fault().is_some() {
                return Err(Errno::EINVAL);
            }
            let same = |(at, known): &(_, Rule)| *at == place && known == rule;
            if model.rules.iter().any(same) {
                return Err(Errno::EEXIST);
            }
            let key = |rule: &Rule| (rule.family, rule.priority);
            let rules = model.rules.iter();
            let before = rules.take_while(|(_, known)| key(known) <= key(rule));
            model.rules.insert(before.count(), (place, rule.clone()));
            Ok(())
        })
    }

    pub(super) fn take_rule(&self, rule: &Rule) -> Result<bool> {
        let change = Change::DeleteRule(rule.clone());
        deleted(self.change(change, "delete rule", rule, |model, place| {
            let mut rules = model.rules.iter();
            let found = rules.position(|(at, known)| *at == place && known == rule);
            model.rules.remove(found.ok_or(Errno::ENOENT)?);
            Ok(())
        }))
    }

    pub(super) fn listed_rules(&self, protocol: Option<u8>) -> Vec<Rule> {
        self.look(|model, place| {
            let here = model.rules.iter().filter(|(at, _)| *at == place);
            let rules = here.map(|(_, rule)| rule);
            rules
                .filter(|rule| protocol.is_none_or(|number| rule.protocol == number))
                .cloned()
                .collect()
        })
    }
}
