//! Claims.

use crate::ipam::Attachment;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Makes a claim, or with `set` what holds for a set. Of a set that is there, what is none stays as it is.
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
    /// `KIND/NAMESPACE/NAME`. Default: what the name of a single claim says, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Makes a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetSize>,
}

/// How large a set is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Its pool.
    pub pool: String,
    /// `claim`, `set` or `borrowed`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["claim", "set", "borrowed"])))]
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
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["wait", "temporary", "strict"])))]
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
    /// Its pool, needed where the name is in more than one; with `app` only those of this pool.
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

/// Moves a claim. At least one of `node`, `anywhere`, `name_to`, `force`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClaimMove {
    /// Its name.
    pub name: String,
    /// Its pool; needed where the name is in more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Keep it for this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Any node may take it again; not with `node`.
    #[serde(default)]
    pub anywhere: bool,
    /// Give it to this workload's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_to: Option<String>,
    /// Take it from its holder, also where that cannot be reached; its container is cut off.
    #[serde(default)]
    pub force: bool,
}
