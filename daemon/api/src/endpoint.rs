//! What the `vxlan` plugin and the daemon say to each other, and what `netctl` asks of containers.

use crate::ipam::{Attachment, Sourced};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Asks, before anything is made, what a container of a network is to be like. Answer: [`Prepared`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    /// The network (`network` of the configuration).
    pub network: Sourced<String>,
}

/// The answer to [`Prepare`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The pools whose addresses belong to the network; the first is the one for workloads that name none.
    pub pools: Vec<String>,
    /// The largest packet, in bytes with its IP header, that gets to a container on every other node.
    pub mtu: u32,
}

/// Asks, after a container's links are there, that everybody on this node reaches it. Answered when the
/// kernel has its routes: [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Its network.
    pub network: String,
    /// What it has.
    pub addresses: Vec<IpAddr>,
}

/// A container on this node, as routes see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Its network.
    pub network: String,
    /// The host's end.
    pub link: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Do the kernel's routes lead to it?
    pub ready: bool,
}
