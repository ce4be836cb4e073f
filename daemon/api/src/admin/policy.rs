//! Policies: what is in force, and why a packet goes or does not.

use super::ObjectRef;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A policy as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Policy {
    /// Which.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// `admin`, `namespace` (network policies) or `baseline`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["admin", "namespace", "baseline"])))]
    pub tier: String,
    /// When it is asked in its tier; absent for network policies, which have no order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Rules for packets to its endpoints; absent: it says nothing of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<u64>,
    /// Rules for packets from its endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<u64>,
    /// Its endpoints on this node.
    pub here: u64,
    /// Its endpoints in the cluster.
    pub endpoints: u64,
    /// `enforce`, or `audit`: it only reports what it would refuse.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["enforce", "audit"])))]
    pub mode: String,
    /// What is in its way; empty where all is well.
    pub problems: Vec<String>,
}

/// One end of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// A pod or task, as `NAMESPACE/NAME`.
    Pod(String),
    /// An address.
    Address(IpAddr),
}

/// Asks who decides about packets from one end to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyExplain {
    /// Who begins.
    pub from: Party,
    /// Who answers.
    pub to: Party,
    /// The destination port; absent where the protocol has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tcp`, `udp`, `sctp` or another protocol's name, such as `icmp`.
    pub protocol: String,
}

/// The answer to [`PolicyExplain`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyExplained {
    /// Who begins, as it is known here.
    pub from: End,
    /// Who answers.
    pub to: End,
    /// Such as `tcp 80`.
    pub port: String,
    /// `allowed` or `denied`: both directions taken together.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["allowed", "denied"])))]
    pub verdict: String,
    /// `egress` at the source, `ingress` at the destination; one that is no endpoint has no part in it.
    pub directions: Vec<DirectionExplained>,
}

/// Who is at an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct End {
    /// `pod`, `node` or `world`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["pod", "node", "world"])))]
    pub kind: String,
    /// `NAMESPACE/NAME`, a node's name, or an address.
    pub name: String,
    /// On which node, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its labels, `KEY=VALUE`.
    pub labels: Vec<String>,
    /// Groups that it asks for in vain: `policy.group_namespaces` does not name its namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_groups: Vec<String>,
}

/// One direction's verdict and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectionExplained {
    /// `egress` or `ingress`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["egress", "ingress"])))]
    pub direction: String,
    /// `allowed` or `denied`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["allowed", "denied"])))]
    pub verdict: String,
    /// Why, as a line.
    pub why: String,
    /// What the verdict were if nothing was in audit; absent where that is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<String>,
    /// All rules that hold for the endpoint, in the order in which they are asked.
    pub rules: Vec<RuleExplained>,
}

/// One rule and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleExplained {
    /// The policy.
    pub policy: String,
    /// Its tier.
    pub tier: String,
    /// Such as `ingress[0]`, and its name where it has one.
    pub rule: String,
    /// What it does: `accept`, `deny`, `pass`.
    pub action: String,
    /// `decides`, `fits` (another came first), or why it does not fit.
    pub outcome: String,
    /// It is in audit.
    #[serde(default)]
    pub audit: bool,
}

/// What a policy in audit would have refused, counted since the daemon's maps were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditRow {
    /// The policies, where none of several lets it through, else the one.
    pub policy: String,
    /// Such as `ingress[0]`, or `ingress` where no rule lets it through.
    pub rule: String,
    /// Flows that would have been refused.
    pub flows: u64,
}

/// How policy stands on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyStatus {
    /// Are policies enforced here?
    pub enforced: bool,
    /// Why not; or what keeps the last change from being in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Endpoints that are judged here.
    pub endpoints: u64,
    /// How full each map is.
    pub maps: Vec<MapFill>,
    /// Packets by reason, since the maps were made.
    pub packets: Vec<PacketCount>,
}

/// How full a map is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MapFill {
    /// The map.
    pub name: String,
    /// Entries.
    pub used: u64,
    /// What fits.
    pub size: u64,
}

/// Packets of one direction that had one fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PacketCount {
    /// The reason's number, which never changes.
    pub number: u32,
    /// The reason.
    pub reason: String,
    /// `ingress` or `egress`.
    pub direction: String,
    /// Packets.
    pub packets: u64,
    /// Bytes, with link headers.
    pub bytes: u64,
}
