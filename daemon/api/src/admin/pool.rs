//! Pools.

use serde::{Deserialize, Serialize};

/// One prefix of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolRange {
    /// The prefix.
    pub cidr: String,
    /// The prefix length of its blocks; default /26 and /122.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u8>,
    /// An address in it, or `none`; default: the first address after the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Addresses, prefixes, `FIRST-LAST`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// It gives no addresses any more.
    #[serde(default)]
    pub draining: bool,
}

/// A pool's settings; none: as it is, or the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PoolSettings {
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<u64>,
    /// Free addresses that a node keeps at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u32>,
    /// For workloads that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// For claims that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<String>,
    /// Nodes that may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// Namespaces that may use it, by `name` or `kubernetes.io/metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<String>,
    /// How its addresses are reached on other nodes: `always`, `cross-subnet`, `never` encapsulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encap: Option<String>,
    /// Whether packets to the outside of all networks get the node's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masquerade: Option<bool>,
}

/// Makes a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolCreate {
    /// Its name.
    pub name: String,
    /// Its prefixes.
    pub ranges: Vec<PoolRange>,
    /// Its settings.
    #[serde(default)]
    pub settings: PoolSettings,
}

/// Changes a pool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PoolSet {
    /// Its name.
    pub name: String,
    /// Prefixes that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<PoolRange>,
    /// Prefixes that it has, and what changes of them: block length, gateway, exclusions. What is left out
    /// stays; exclusions come to those that are there, which `none` among them drops first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<PoolRange>,
    /// Prefixes that are drained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drain: Vec<String>,
    /// Prefixes that give addresses again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undrain: Vec<String>,
    /// Prefixes that go; they must be drained and empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// `active` or `draining`, for the pool as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What else changes.
    #[serde(default)]
    pub settings: PoolSettings,
}

/// Retires a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRemove {
    /// Its name.
    pub name: String,
    /// Wait until it is gone, with progress; else answer when it is marked.
    #[serde(default)]
    pub wait: bool,
}

/// A pool and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its prefixes.
    pub ranges: Vec<PoolRange>,
    /// Seconds.
    pub cooldown: u64,
    /// Free addresses that a node keeps at hand.
    pub reserve: u32,
    /// For workloads that do not say.
    pub release: String,
    /// For claims that do not say.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["wait", "temporary", "strict"])))]
    pub handover: String,
    /// Nodes that may use it.
    pub nodes: String,
    /// Namespaces that may use it.
    pub namespaces: String,
    /// How its addresses are reached on other nodes, where it is in a network.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["always", "cross-subnet", "never"])))]
    pub encap: String,
    /// Whether packets to the outside of all networks get the node's address.
    pub masquerade: bool,
    /// The network that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// `active`, `draining` or `retiring`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["active", "draining", "retiring"])))]
    pub phase: String,
    /// How many addresses of it can be given in all.
    pub size: String,
    /// How many containers have.
    pub live: u64,
    /// How many are claims' that nobody holds now.
    pub claimed: u64,
    /// How many rest.
    pub cooling: u64,
    /// How many blocks have an owner.
    pub blocks: u64,
}
