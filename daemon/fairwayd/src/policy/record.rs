//! What is written down of an endpoint: in the node's own folder for its next daemon, and in the store for
//! all others.

use super::groups::Grouped;
use crate::registry::Filed;
use fairway_api::endpoint::Workload;
use fairway_ipam::{AttachmentId, record::Record};
use fairway_policy::input::{Endpoint, EndpointId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Where a container is that names no namespace.
pub(crate) const NAMESPACE: &str = "default";

/// `endpoints/NODE/CONTAINER/IFNAME`, and a file of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EndpointRecord {
    /// The network's name in CNI.
    pub(crate) network: String,
    /// The container's id.
    pub(crate) container: String,
    /// The interface.
    pub(crate) ifname: String,
    /// Whose it is.
    #[serde(default)]
    pub(crate) workload: Workload,
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// The hardware address inside.
    pub(crate) mac: String,
    /// Its addresses mean the same container on every node; else nobody is told of them.
    #[serde(default)]
    pub(crate) cluster: bool,
    /// The network of ours that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
}

impl Record for EndpointRecord {}

impl Filed for EndpointRecord {
    const FOLDER: &'static str = "endpoints";
    const BROKEN: &'static str = "its container is cut off until its DEL, or another ADD";

    fn attachment(&self) -> AttachmentId {
        self.attachment()
    }
}

impl EndpointRecord {
    /// Which it is.
    pub(crate) fn attachment(&self) -> AttachmentId {
        AttachmentId {
            network: self.network.clone(),
            container: self.container.clone(),
            ifname: self.ifname.clone(),
        }
    }

    /// Which it is, for the engine.
    pub(crate) fn id(&self, node: &str) -> EndpointId {
        id(node, &self.attachment())
    }

    /// `NAMESPACE/NAME`, or the container's id where it has no name.
    pub(crate) fn title(&self) -> String {
        let name = self.workload.pod.as_ref().unwrap_or(&self.container);
        format!("{}/{name}", self.namespace())
    }

    pub(super) fn namespace(&self) -> &str {
        self.workload.namespace.as_deref().unwrap_or(NAMESPACE)
    }

    /// For the engine.
    pub(crate) fn endpoint(&self, node: &str, local: bool, grouped: &Grouped) -> Endpoint {
        Endpoint {
            id: self.id(node),
            namespace: self.namespace().to_owned(),
            pod: self.workload.pod.clone().unwrap_or_default(),
            labels: self.workload.labels.clone(),
            groups: grouped.of(self),
            ports: Vec::new(),
            addresses: self.addresses.clone(),
            local,
        }
    }
}

/// Which it is, for the engine.
pub(crate) fn id(node: &str, attachment: &AttachmentId) -> EndpointId {
    EndpointId {
        node: node.to_owned(),
        container: attachment.container.clone(),
        ifname: attachment.ifname.clone(),
        network: attachment.network.clone(),
    }
}
