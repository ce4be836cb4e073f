//! BGP: neighbours of this node, what they told and are told, and why a route is chosen.
//!
//! States, capabilities and attributes have the names of their RFCs (4271, 5492). Times are seconds since the epoch.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One neighbour, whole. Answer: [`BgpNeighbor`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpNeighborGet {
    /// Its address.
    pub address: IpAddr,
}

/// What is done with a session. Answer: [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpReset {
    /// The neighbour's address.
    pub address: IpAddr,
    /// Its routes are asked for once more, and it is told all once more; the session stays.
    #[serde(default)]
    pub soft: bool,
}

/// Which routes are wanted. Answer: a list of [`BgpRoute`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpRouteList {
    /// Of this prefix: all paths to it, each with why it is chosen or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Those that this neighbour told, as it told them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<IpAddr>,
    /// Those that this neighbour was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised: Option<IpAddr>,
}

/// The speaker of this node, and its neighbours in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpPeers {
    /// The own AS; absent: no `BgpConfig` and no `BgpPeer` is for this node, and the speaker is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// The own identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// Where neighbours can connect to.
    pub listening: Vec<String>,
    /// What is wrong with the objects on this node.
    pub problems: Vec<String>,
    /// By address.
    pub peers: Vec<BgpPeer>,
}

/// A neighbour in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpPeer {
    /// Its address.
    pub address: IpAddr,
    /// The object that it is from, such as `BgpPeer/rack-1`.
    pub object: String,
    /// Its AS, once it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// `Idle`, `Connect`, `Active`, `OpenSent`, `OpenConfirm` or `Established`.
    pub state: String,
    /// Since when it is in that state; absent where it has no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Why it is not up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// By family.
    pub routes: Vec<BgpCounts>,
    /// How often a session went down.
    pub flaps: u64,
}

/// Prefixes of a family that go between two neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpCounts {
    /// `ipv4-unicast` or `ipv6-unicast`.
    pub family: String,
    /// What it told.
    pub received: u64,
    /// Of these, what policy let through.
    pub accepted: u64,
    /// What it was told.
    pub advertised: u64,
    /// What it told before it went away, and is kept for a while (RFC 4724).
    pub stale: bool,
}

/// A neighbour, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpNeighbor {
    /// In short.
    #[serde(flatten)]
    pub peer: BgpPeer,
    /// Its identifier, once it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// What both agreed on: `4-octet AS`, `route refresh (enhanced)`, `graceful restart (120 s)` and the like.
    pub agreed: Vec<String>,
    /// Seconds of the hold time that both agreed on; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_time: Option<u64>,
    /// Messages that came, by type.
    pub received: BgpMessages,
    /// Messages that went.
    pub sent: BgpMessages,
    /// The last NOTIFICATION that came, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_received: Option<BgpError>,
    /// The last that went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_sent: Option<BgpError>,
    /// What was wrong in its UPDATEs and could be borne (RFC 7606): how often, and the last of it.
    pub faults: u64,
    /// The last of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fault: Option<String>,
    /// What an administrator should know of what is configured: no policy, say (RFC 8212).
    pub warnings: Vec<String>,
}

/// Messages by type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpMessages {
    /// OPEN.
    pub open: u64,
    /// UPDATE.
    pub update: u64,
    /// NOTIFICATION.
    pub notification: u64,
    /// KEEPALIVE.
    pub keepalive: u64,
    /// ROUTE-REFRESH.
    pub refresh: u64,
}

/// A NOTIFICATION.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpError {
    /// Code and subcode in words, with its text.
    pub what: String,
    /// When.
    pub at: u64,
}

/// A path to a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BgpRoute {
    /// The prefix.
    pub prefix: String,
    /// Who told it; absent: a route of this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// `neighbour`, or of this node's own: `block`, `claim`, `pool`, `address`.
    pub source: String,
    /// Where packets go; absent: they are here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<IpAddr>,
    /// What the next hop is reached by, such as `192.0.2.1 dev eth0`; itself where it is on a link. None: it is not
    /// reached, or is told to a neighbour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// The path, the nearest AS first, a set in braces.
    pub as_path: String,
    /// `igp`, `egp` or `incomplete`.
    pub origin: String,
    /// LOCAL_PREF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_pref: Option<u32>,
    /// MULTI_EXIT_DISC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub med: Option<u32>,
    /// Communities, large ones among them.
    pub communities: Vec<String>,
    /// Whether it is used.
    pub best: bool,
    /// Why it is used, or is not.
    pub why: String,
}
