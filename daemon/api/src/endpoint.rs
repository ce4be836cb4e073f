//! What the `vxlan` plugin and the daemon say to each other, and what `netctl` asks of containers.

use crate::ipam::{Attachment, Sourced};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

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

/// Asks, when the host's end of a link is there and still down, that nothing passes it before its policy is
/// in place. Answer: [`Guarded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Where policies cannot be enforced: is that an error?
    pub required: bool,
}

/// The answer to [`Guard`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// Nothing passes the link until [`Open`] is answered. False: this node enforces no policy.
    pub enforced: bool,
}

/// Asks that the policy of a guarded link is put in place. Answered when the kernel has it:
/// [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Whose it is.
    pub workload: Workload,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The hardware address inside.
    pub mac: String,
    /// The addresses are of the cluster's pools, and mean the same container on every node.
    pub cluster: bool,
    /// The network of ours that it is in: `network` of the `vxlan` plugin's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// What policies can know a container by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Workload {
    /// Its namespace; absent: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The pod's or task's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its groups, as Mesos has them: who has one talks with members of a common one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// CHECK: is the policy of an endpoint in place? Answer: [`crate::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Where policies cannot be enforced: is that an error?
    pub required: bool,
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
