//! What `netctl top` makes of two looks at a node: traffic by the second, and how the rest stands.
//!
//! It does not go over the socket; it is here, since what netctl writes is described where all of that is.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// A node at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Top {
    /// Its name.
    pub node: String,
    /// Its daemon's version.
    pub daemon: String,
    /// `redb` or `etcd`.
    pub store: String,
    /// Is the store there?
    pub connected: bool,
    /// Milliseconds between the two looks: what "a second" is an average over.
    pub over_ms: u64,
    /// Who sends and gets most comes first.
    pub containers: Vec<TopContainer>,
    /// Drops by policy, by reason: of all containers, for a reason that was met since the daemon began.
    pub drops: Vec<TopDrops>,
    /// How full pools are.
    pub pools: Vec<TopPool>,
    /// Neighbours of this node.
    pub peers: Vec<TopPeer>,
    /// What is not as it should be.
    pub problems: Vec<String>,
}

/// One interface of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopContainer {
    /// `NAMESPACE/POD`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The container's id.
    pub container: String,
    /// The interface.
    pub ifname: String,
    /// The network that it is in, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The host's end.
    pub link: String,
    /// Its addresses, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// What it gets.
    pub received: TopSpeed,
    /// What it sends.
    pub sent: TopSpeed,
    /// Packets that policy dropped between the two looks, by reason, as far as they were told of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drops: BTreeMap<String, u64>,
}

/// One direction, by the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopSpeed {
    /// Bytes of frames.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets that the link or a limit dropped.
    pub dropped: u64,
    /// The least of its limits, bits a second; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Drops by policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopDrops {
    /// Why; see docs/policy for the list.
    pub reason: String,
    /// `ingress` or `egress`, as the container sees it.
    pub direction: String,
    /// Packets a second.
    pub packets: u64,
    /// Packets since the daemon began.
    pub all: u64,
}

/// How full a pool is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopPool {
    /// Its name.
    pub name: String,
    /// How many addresses can be given in all.
    pub size: String,
    /// Those that are not free: containers', claims', and those that rest.
    pub used: u64,
    /// `used` in hundredths of `size`, rounded up.
    pub percent: u64,
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TopPeer {
    /// Its address.
    pub address: IpAddr,
    /// As RFC 4271 has it.
    pub state: String,
    /// Since when, in seconds since 1970; absent where it has no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Prefixes that it told.
    pub received: u64,
    /// Prefixes that it was told.
    pub advertised: u64,
}
