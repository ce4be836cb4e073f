//! `import` and `export`: rules, of which the first that matches decides.

use super::Match;
use crate::{
    number::Med,
    text::{Community, CommunityMatch, LargeCommunity, LargeMatch, NextHop, RuleName},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules, of which the first that matches decides.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Filter {
    /// What decides where no rule does.
    #[serde(default)]
    pub default: Verdict,
    /// The rules. Their order counts.
    #[serde(default)]
    #[schemars(extend("maxItems" = 1000, "x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<Rule>,
}

/// Whether a route goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// It does.
    Accept,
    /// It does not.
    #[default]
    Reject,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.set) || self.then == 'Accept'",
    "message": "set: then is Reject"
}]))]
pub struct Rule {
    /// A name, for messages; each only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RuleName>,
    /// Which routes. Absent: all.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Match>,
    /// What is changed of a route that goes through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Change>,
    /// Whether they go through.
    pub then: Verdict,
}

/// What a rule changes of a route.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
pub struct Change {
    /// Its local preference; the highest wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295u32))]
    pub local_preference: Option<u32>,
    /// Its multi-exit discriminator, or `None`, by which it is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub med: Option<Med>,
    /// Its next hop: `Self`, `Unchanged`, or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<NextHop>,
    /// How often the own AS is put in front of its path, in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32))]
    pub prepend: Option<u8>,
    /// Its communities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communities: Option<Marks<Community, CommunityMatch>>,
    /// Its large communities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large_communities: Option<Marks<LargeCommunity, LargeMatch>>,
}

/// A change of communities: `replace`, or `remove` and then `add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("minProperties" = 1, "x-kubernetes-validations" = [{
    "rule": "!has(self.replace) || (!has(self.remove) && !has(self.add))",
    "message": "replace: not together with remove or add"
}]))]
#[serde(bound(deserialize = "One: Deserialize<'de>, Few: Deserialize<'de>"))]
pub struct Marks<One, Few> {
    /// These are all that it has; none: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxItems" = 1000))]
    pub replace: Option<Vec<One>>,
    /// These are taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub remove: Option<Vec<Few>>,
    /// These are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub add: Option<Vec<One>>,
}
