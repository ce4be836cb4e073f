//! Rates: what containers may send and get, by whose word, and by what it is kept.
//!
//! Rates are in bits of Ethernet frames a second, bursts in bytes.

use crate::ipam::Attachment;
use serde::{Deserialize, Serialize};

/// Which way packets go, as the container sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// What it gets.
    Ingress,
    /// What it sends.
    Egress,
}

/// Says how much a workload may send or get from now on, on whatever node it is. Answer: [`RateOverride`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSet {
    /// `NAMESPACE/POD`.
    pub workload: String,
    /// What it gets; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<RateWish>,
    /// What it sends; absent: as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<RateWish>,
    /// Why, for whoever looks at it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A limit as it is wished. All absent: none, whatever the workload's own configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateWish {
    /// Bits a second, as `20M` or `1.5Gbit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Bytes that may go at once after a pause, as `64Ki`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<String>,
    /// Packets a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// The DSCP that packets get (RFC 2474): 0 to 63.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dscp: Option<u64>,
}

/// A workload's rates as an administrator has set them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateOverride {
    /// `NAMESPACE/POD`.
    pub workload: String,
    /// What it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<RateWish>,
    /// What it sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<RateWish>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What an administrator should know of it; empty where all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Takes back what [`RateSet`] has set. Answer: [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRemove {
    /// `NAMESPACE/POD`.
    pub workload: String,
}

/// Lists limits of this node, or what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateList {
    /// Of this workload only: `NAMESPACE/POD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
}

/// One direction of a container's interface that is limited or marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rate {
    /// `NAMESPACE/POD`; absent where the container has no such name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Which way.
    pub direction: Direction,
    /// The least of its limits, bits a second; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// The least of its limits, packets a second; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// The DSCP that its packets get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dscp: Option<u8>,
    /// All limits that hold.
    pub limits: Vec<RateHeld>,
    /// By what they are kept: `edt` (departure times and fq), `htb`, `tbf`, `police` (what is too much is
    /// dropped) or `none`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["edt", "htb", "tbf", "police", "none"])))]
    pub means: String,
    /// Packets since the daemon or the container began; absent where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<RateSent>,
    /// What keeps the limits from being kept, or is worth knowing; empty where all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateHeld {
    /// Who share it: `container`, `namespace` or `network`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["container", "namespace", "network"])))]
    pub scope: String,
    /// The container's interface, the namespace or the network.
    pub of: String,
    /// Bits a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// Bytes that may go at once after a pause; absent: what suits the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
    /// Packets a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<u64>,
    /// By whose word, such as `RateLimit/web` or `netctl rate set: incident 17`.
    pub reason: String,
}

/// What was sent under limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateSent {
    /// Bytes of frames that were let through.
    pub bytes: u64,
    /// Packets that were.
    pub packets: u64,
    /// Of these, packets that had to wait.
    pub delayed: u64,
    /// Of these, packets that were marked (ECN, RFC 3168).
    pub marked: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

/// A change of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateChanged {
    /// Seconds since 1970, UTC.
    pub at: u64,
    /// Who share the limit: `container`, `namespace` or `network`.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["container", "namespace", "network"])))]
    pub scope: String,
    /// The workload (else the container), the namespace or the network.
    pub of: String,
    /// Which way.
    pub direction: Direction,
    /// What it was, such as `20Mbit`; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// By whose word.
    pub reason: String,
}
