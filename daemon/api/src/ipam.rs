//! What the IPAM plugin and the daemon say to each other.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which interface of which container in which network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
}

/// A network namespace: its path and the file that was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Netns {
    /// `CNI_NETNS`.
    pub path: String,
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

/// A value and the field of the configuration that it was read from, for errors that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Such as `runtimeConfig.ips[0]` or `CNI_ARGS: IP`.
    pub field: String,
}

/// What is known of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The pod's namespace, or what stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The pod's or task's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// `fairway.network/owner`: `KIND/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Sourced<String>>,
    /// A claim named by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Sourced<String>>,
    /// A pool named by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Sourced<String>>,
    /// A release policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Sourced<String>>,
    /// A handover mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Sourced<String>>,
    /// Explicit addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Sourced<IpAddr>>,
}

/// ADD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocate {
    /// For which interface of which container.
    pub attachment: Attachment,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<Netns>,
    /// What is known of the workload.
    #[serde(default)]
    pub facts: Facts,
    /// Send the answer as `early` before it is durable.
    #[serde(default)]
    pub early: bool,
}

/// One address that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The prefix length of its pool's prefix.
    pub prefix: u8,
    /// The prefix's gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Its pool.
    pub pool: String,
    /// Its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

/// The answer to [`Allocate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocated {
    /// IPv4 first.
    pub addresses: Vec<Address>,
    /// The number of this giving.
    pub seq: u64,
    /// The workload's claim is still held by another container.
    #[serde(default)]
    pub temporary: bool,
}

/// DEL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Which interface of which container.
    pub attachment: Attachment,
}

/// The answer to [`Release`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Released {
    /// What was freed; nothing where nothing was known.
    pub addresses: Vec<IpAddr>,
}

/// CHECK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// What it should have.
    pub addresses: Vec<IpAddr>,
}

/// GC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gc {
    /// The network's name.
    pub network: String,
    /// The (container id, interface) that are there.
    pub keep: Vec<(String, String)>,
}

/// The answer to [`Gc`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// What was freed.
    pub attachments: Vec<Attachment>,
}

/// STATUS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusQuery {
    /// `ipam.pool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Sourced<String>>,
}

/// How a pool stands on this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headroom {
    /// The pool.
    pub pool: String,
    /// 4 or 6.
    pub family: u8,
    /// Free addresses in blocks of this node.
    pub free: u64,
    /// Blocks of this node.
    pub blocks: u64,
    /// Blocks that nobody owns; as text, since there may be more than a number of JSON holds.
    pub unowned: String,
}

/// The answer to [`StatusQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headrooms {
    /// Is the store there?
    pub connected: bool,
    /// Each family of each pool that an ADD could use.
    pub pools: Vec<Headroom>,
}
