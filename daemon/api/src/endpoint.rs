//! What the `vxlan` plugin and the daemon say to each other, and what `netctl` asks of containers.

use crate::{
    admin::Direction,
    ipam::{Attachment, Sourced},
};
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

/// Asks, when a container's links are there, that its rates are kept: what is asked for here and by others, and
/// whatever an administrator says of it, now and later. Answered when they are: [`Shaped`].
///
/// Several plugins of a list may ask for one attachment. All that they ask for holds. Whatever limit of
/// ours was on the links before, as plugins make them without a daemon, gives way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Who asks: the plugin's type. Its word replaces its own former one only.
    pub by: String,
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The path of the container's network namespace; empty at a DEL that knows none.
    pub netns: String,
    /// The host's end of its link.
    pub link: String,
    /// Whose it is.
    pub workload: Workload,
    /// The network of ours that it is in: `network` of the `vxlan` plugin's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What is asked for; all of it holds. None: a former word is taken back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<AskedRate>,
}

/// A limit that a container's configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRate {
    /// Which way.
    pub direction: Direction,
    /// Bits of Ethernet frames a second: 1000 to 10^12.
    pub bits: u64,
    /// Bytes that may go at once after a pause: the MTU at least; absent: what suits the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
    /// Where it stands, such as `bandwidth.ingressRate`: errors and `netctl rate ls` name it.
    pub field: String,
}

/// The answer to [`Shape`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shaped {
    /// What an administrator should know, such as a namespace's limit below the container's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// CHECK: are the rates of an endpoint kept? Answer: [`crate::Nothing`], or code 3 where nobody has asked
/// for any: then the plugin judges by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyRates {
    /// Which interface of which container.
    pub attachment: Attachment,
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
