//! `match`: what a rule asks of a route.

use crate::text::{Address, CommunityMatch, LargeMatch, Prefix};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a rule asks of a route. All that is asked has to hold; of a list, one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
pub struct Match {
    /// Its prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub prefixes: Vec<LengthRange>,
    /// Its family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<FamilyName>,
    /// A community that it has: `64512:100`, all of an AS as `64512:*`, or a name such as `no-export`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub communities: Vec<CommunityMatch>,
    /// A large community that it has: `64512:1:2`, or all of an AS as `64512:*:*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000))]
    pub large_communities: Vec<LargeMatch>,
    /// The AS that it went through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_path: Option<AsPath>,
    /// Its origin attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub sources: Vec<Source>,
    /// Which neighbour told it; for objects with a `prefix`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    pub peer_addresses: Vec<Address>,
    /// Of which AS the neighbour is that told it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("minItems" = 1, "maxItems" = 1000, "x-kubernetes-list-type" = "set"))]
    #[schemars(inner(range(min = 1, max = 4_294_967_295u32)))]
    pub peer_asns: Vec<u32>,
}

/// A prefix, or those in it that have certain lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.ge) || !has(self.le) || self.ge <= self.le",
    "message": "le: at least ge"
}]))]
pub struct LengthRange {
    /// The prefix.
    pub prefix: Prefix,
    /// Those of at least this length. Without `ge` and `le`: the prefix itself alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 128))]
    pub ge: Option<u8>,
    /// Those of at most this length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 128))]
    pub le: Option<u8>,
}

/// A family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FamilyName {
    /// IPv4.
    IPv4,
    /// IPv6.
    IPv6,
}

/// An origin attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Origin {
    /// Of an interior protocol.
    #[serde(rename = "IGP")]
    Igp,
    /// Of EGP.
    #[serde(rename = "EGP")]
    Egp,
    /// Of something else.
    Incomplete,
}

/// Where a route comes from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Source {
    /// A block of the node.
    Block,
    /// A claim that is held on the node.
    Claim,
    /// A pool as a whole.
    Pool,
    /// `advertise.addresses`.
    Address,
    /// A neighbour.
    Peer,
}

/// Questions about the AS that a route went through. All that is asked has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "x-kubernetes-validations" = [{
    "rule": "!has(self.empty) || !(has(self.contains) || has(self.beginsWith) || has(self.originatedBy) || has(self.minLength) || has(self.maxLength))",
    "message": "empty: not together with other questions about the path"
}, {
    "rule": "!has(self.minLength) || !has(self.maxLength) || self.minLength <= self.maxLength",
    "message": "maxLength: at least minLength"
}]))]
pub struct AsPath {
    /// It went through this AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295u32))]
    pub contains: Option<u32>,
    /// It came from this AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295u32))]
    pub begins_with: Option<u32>,
    /// It began in this AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295u32))]
    pub originated_by: Option<u32>,
    /// It has at least so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub min_length: Option<u16>,
    /// It has at most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub max_length: Option<u16>,
    /// It has none, or (`false`) at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<bool>,
}
