//! Nodes, and the daemon about itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `alive` (its lease holds), `away` (it owns blocks or claims, and its lease is gone).
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["alive", "away"])))]
    pub state: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The daemon's version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub daemon: String,
    /// Its machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Blocks that it owns.
    pub blocks: u64,
    /// Addresses of containers.
    pub live: u64,
    /// Claims that it holds.
    pub claims: u64,
    /// Where other nodes reach it: addresses with the length of their subnet's prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub underlay: Vec<String>,
    /// The largest packet that its underlay takes, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// It takes no new containers.
    #[serde(default)]
    pub drained: bool,
    /// It is the one that answers.
    #[serde(default)]
    pub here: bool,
}

/// Removes a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRemove {
    /// Its name.
    pub name: String,
    /// Also where its lease still holds.
    #[serde(default)]
    pub force: bool,
    /// Only its claims: they are free at once; the blocks stay its own.
    #[serde(default)]
    pub claims_only: bool,
}

/// Has a node take no new containers, or take them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDrain {
    /// Its name.
    pub name: String,
    /// It takes them again.
    #[serde(default)]
    pub undo: bool,
}

/// The answer to [`NodeRemove`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeRemoved {
    /// Blocks that have no owner now.
    pub blocks: u64,
    /// Addresses that rest now.
    pub addresses: u64,
    /// Claims that are free now.
    pub claims: u64,
}

/// The daemon about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Info {
    /// Its node.
    pub node: String,
    /// Its version.
    pub daemon: String,
    /// `redb` or `etcd`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["redb", "etcd"])))]
    pub store: String,
    /// Is the store there?
    pub connected: bool,
    /// Why the journal cannot be written; until it can, nothing is given or freed. Absent: it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What keeps packets of this node's containers from going where they should.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The protocol's version.
    pub api: u32,
}
