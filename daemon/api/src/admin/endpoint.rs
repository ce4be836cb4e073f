//! What goes to containers and comes from them, as their links count it.

use crate::ipam::Attachment;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The answer to `endpoint.traffic`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Traffic {
    /// When it was looked: milliseconds of a clock that only goes forward.
    pub at: u64,
    /// Containers whose links are of ours: by network, container and interface.
    pub endpoints: Vec<EndpointTraffic>,
}

/// What went past one interface of a container since it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointTraffic {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// `NAMESPACE/POD`, where the daemon knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The network that it is in, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The host's end.
    pub link: String,
    /// Its addresses, where the daemon knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// What the container got.
    pub received: TrafficCount,
    /// What it sent.
    pub sent: TrafficCount,
}

/// One direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrafficCount {
    /// Bytes of frames.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets that the link itself dropped: a full queue, mostly.
    pub dropped: u64,
}
