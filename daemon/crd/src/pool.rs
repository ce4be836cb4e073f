//! `IPPool`: where addresses come from.

use crate::{
    status::conditions,
    text::{Gateway, Prefix, Release, Span},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pool of addresses that the whole cluster shares. Nodes take blocks of it, containers addresses of the blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, CustomResource, JsonSchema)]
#[kube(
    group = "fairway.network",
    version = "v1alpha1",
    kind = "IPPool",
    plural = "ippools",
    shortname = "ipp",
    category = "fairway",
    status = "IPPoolStatus",
    derive = "PartialEq",
    schema = "disabled",
    printcolumn(
        name = "CIDR",
        type_ = "string",
        json_path = ".spec.ranges[*].cidr",
        description = "Its first prefix."
    ),
    printcolumn(
        name = "Network",
        type_ = "string",
        json_path = ".status.network",
        description = "The network that it is in."
    ),
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.phase",
        description = "Whether it gives addresses."
    ),
    printcolumn(
        name = "Live",
        type_ = "integer",
        json_path = ".status.live",
        description = "Addresses of containers."
    ),
    printcolumn(
        name = "Size",
        type_ = "string",
        json_path = ".status.size",
        description = "Addresses that can be given in all."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct IPPoolSpec {
    /// Its prefixes. A container gets one address of each family that is there.
    #[schemars(extend("minItems" = 1, "maxItems" = 64, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["cidr"]))]
    pub ranges: Vec<PoolRange>,
    /// How long a freed address rests before it is given anew, in seconds; at most a week.
    #[serde(default = "cooldown")]
    #[schemars(range(min = 0, max = 604_800))]
    pub cooldown: u32,
    /// How many free addresses a node keeps at hand for when the store is away.
    #[serde(default = "reserve")]
    #[schemars(range(min = 0, max = 4096))]
    pub reserve: u32,
    /// When addresses are given back, for workloads that do not say: `on-delete`, `on-app-delete`, `on-scale-down`,
    /// `after:2h`, `never`.
    #[serde(default = "release")]
    pub release: Release,
    /// What a newcomer gets while a claim is held, for claims that do not say.
    #[serde(default)]
    pub handover: Handover,
    /// Nodes that may use it, by a selector of their labels such as `rack in (a,b)`; empty: all.
    // Without a default in the schema: old servers take an empty one for null where it is applied on their side.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub nodes: String,
    /// Namespaces that may use it, by a selector of `kubernetes.io/metadata.name`; empty: all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub namespaces: String,
    /// How its addresses are reached on other nodes, where it is in a network.
    #[serde(default)]
    pub encap: Encap,
    /// Whether packets to the outside of all networks get the node's address.
    #[serde(default = "yes")]
    pub masquerade: bool,
    /// Whether it gives addresses. It retires by being deleted.
    #[serde(default)]
    pub phase: Phase,
}

/// One prefix of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolRange {
    /// The prefix, without host bits. It overlaps no other of any pool.
    pub cidr: Prefix,
    /// The prefix length of its blocks; IPv4: 20 to 32, IPv6: 116 to 128. Absent: 26 and 122, or the prefix's own length
    /// where that is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 20, max = 128))]
    pub block: Option<u8>,
    /// An address in it that no container gets, or `none`. Absent: the first after the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Addresses, prefixes or `FIRST-LAST` of it that are never given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 1024))]
    pub exclude: Vec<Span>,
    /// It gives no addresses any more; what is out stays out. Only such a prefix can be taken away.
    #[serde(default)]
    pub draining: bool,
}

/// What a newcomer gets while a claim's holder is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handover {
    /// It waits for the holder to go.
    #[default]
    Wait,
    /// An ordinary address of the pool, for this container's life.
    Temporary,
    /// An error that says who holds it.
    Strict,
}

/// How addresses are reached on other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encap {
    /// Through VXLAN.
    #[default]
    Always,
    /// Through VXLAN where the other node is in another subnet.
    CrossSubnet,
    /// Plainly.
    Never,
}

/// Whether a pool gives addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It does.
    #[default]
    Active,
    /// It does not; what is out stays out.
    Draining,
}

/// How a pool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PoolPhase {
    /// It gives addresses.
    Active,
    /// It gives none.
    Draining,
    /// It gives none, and goes when the last is back.
    Retiring,
}

/// How a pool stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IPPoolStatus {
    /// The generation of the object that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`: the object is valid, or what is wrong with it, by field; `Ready`: it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// Whether it gives addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<PoolPhase>,
    /// The network that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// How many addresses can be given in all; text, for IPv6 has more than a number holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// How many containers have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<i64>,
    /// How many are claims' that nobody holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<i64>,
    /// How many rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooling: Option<i64>,
    /// How many blocks have an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<i64>,
}

fn cooldown() -> u32 {
    30
}

fn reserve() -> u32 {
    8
}

fn release() -> Release {
    Release::from("on-delete")
}

fn yes() -> bool {
    true
}
