//! What `netctl` and the daemon say to each other.
//!
//! Numbers that can pass 2^53 (sizes of IPv6 pools) are text.

use crate::ipam::Attachment;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// One prefix of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRange {
    /// The prefix.
    pub cidr: String,
    /// The prefix length of its blocks; default /26 and /122.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u8>,
    /// Default: the first address after the network's own.
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
    /// Namespaces that may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSet {
    /// Its name.
    pub name: String,
    /// Prefixes that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<PoolRange>,
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
    pub handover: String,
    /// Nodes that may use it.
    pub nodes: String,
    /// Namespaces that may use it.
    pub namespaces: String,
    /// `active`, `draining` or `retiring`.
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

/// Which addresses to list. All that is none is not asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IpamList {
    /// Of this pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// This very address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// One address that is not free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRow {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: String,
    /// Its block.
    pub block: String,
    /// `live`, `claimed` or `cooling`.
    pub state: String,
    /// The node that has it: the claim's holder's, else the block's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// The workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The owner's sequence number.
    pub seq: u64,
}

/// `ipam check`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IpamAudit {
    /// Of this pool only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Repair what can be.
    #[serde(default)]
    pub fix: bool,
}

/// The equation for one pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The pool.
    pub pool: String,
    /// Addresses that are not free, over all blocks.
    pub allocated: u64,
    /// Those that a container has.
    pub live: u64,
    /// Those of claims that nobody holds.
    pub claimed: u64,
    /// Those that rest.
    pub cooling: u64,
    /// `allocated = live + claimed + cooling`, and no finding stands against it.
    pub holds: bool,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind, in kebab case: `leaked`, `duplicate`, `unknown-claim`, `stale-block`, `unreadable`, …
    pub kind: String,
    /// Its pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The address, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// One line for people.
    pub text: String,
    /// It was repaired.
    pub fixed: bool,
    /// How it can be repaired, where `--fix` does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// The answer to [`IpamAudit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Each pool's equation.
    pub pools: Vec<Balance>,
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// Nodes whose journal and kernel were looked at; of others only the store was.
    pub nodes: Vec<String>,
}

/// Frees an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpamFree {
    /// The address.
    pub address: IpAddr,
    /// Also where a container still has it.
    #[serde(default)]
    pub force: bool,
}

/// Makes a claim, or with `set` what holds for a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCreate {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// These very addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Default: the pool's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<String>,
    /// `KIND/NAMESPACE/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Makes a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetSize>,
}

/// How large a set is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSize {
    /// Members that it keeps; none: as many as there were at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// How many more there may be during an update; default a quarter of the size, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surge: Option<u32>,
}

/// Which claims to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimList {
    /// Of this pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of this application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// `claim`, `set` or `borrowed`.
    pub kind: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The node of its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Attachment>,
    /// When it is given back.
    pub release: String,
    /// What a newcomer gets while it is held.
    pub handover: String,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Only this node may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Of a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetSize>,
    /// Seconds since 1970.
    pub created: u64,
    /// When the last holder went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// Gives claims back. Either a name, or an application.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimRemove {
    /// One claim, or a set with all its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its pool; needed where the name is in more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// All of an application, which was deleted: those with `on-app-delete` and `on-scale-down`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// With `app`: it was scaled down to so many; only those with `on-scale-down` and a number from this on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Also where a container holds it: that one is cut off.
    #[serde(default)]
    pub force: bool,
}

/// Moves a claim. At least one of `node`, `name_to`, `free`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimMove {
    /// Its name.
    pub name: String,
    /// Its pool; needed where the name is in more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Keep it for this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Give it to this workload's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_to: Option<String>,
    /// Take it from its holder, also where that cannot be reached; its container is cut off.
    #[serde(default)]
    pub force: bool,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `alive` (its lease holds), `away` (it owns blocks or claims, and its lease is gone).
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

/// The answer to [`NodeRemove`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct Info {
    /// Its node.
    pub node: String,
    /// Its version.
    pub daemon: String,
    /// `redb` or `etcd`.
    pub store: String,
    /// Is the store there?
    pub connected: bool,
    /// The protocol's version.
    pub api: u32,
}
