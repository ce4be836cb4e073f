//! What is written down of a container whose rates are kept: in the node's own folder, for its next daemon.

use crate::{policy::NAMESPACE, registry::Filed};
use fairway_api::endpoint::{AskedRate, Workload};
use fairway_ipam::{AttachmentId, Netns, record::Record};
use fairway_rates::{Allowance, Asked, Direction, Endpoint, EndpointId};
use fairway_shape::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RateRecord {
    /// The network's name in CNI.
    pub(crate) network: String,
    /// The container's id.
    pub(crate) container: String,
    /// The interface.
    pub(crate) ifname: String,
    /// Where it is.
    pub(crate) netns: Netns,
    /// The host's end: its index, and its name, as indices come again.
    pub(crate) index: u32,
    /// See [`RateRecord::index`].
    pub(crate) link: String,
    /// Whose it is.
    #[serde(default)]
    pub(crate) workload: Workload,
    /// The network of ours that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// What is asked for, by who asks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) asked: BTreeMap<String, Vec<AskedRate>>,
}

impl Record for RateRecord {}

impl Filed for RateRecord {
    const FOLDER: &'static str = "rates";
    const BROKEN: &'static str =
        "its container keeps the limits that it has until its DEL, or another ADD";

    fn attachment(&self) -> AttachmentId {
        AttachmentId {
            network: self.network.clone(),
            container: self.container.clone(),
            ifname: self.ifname.clone(),
        }
    }
}

impl RateRecord {
    /// What others have asked for the same container before, and what they know of it that the newest does not:
    /// a plugin that is chained behind is told less.
    pub(crate) fn follow(&mut self, before: &RateRecord) {
        let asked = std::mem::replace(&mut self.asked, before.asked.clone());
        self.asked.extend(asked);
        self.asked.retain(|_, asked| !asked.is_empty());
        let (own, other) = (&mut self.workload, &before.workload);
        own.namespace = own.namespace.take().or_else(|| other.namespace.clone());
        own.pod = own.pod.take().or_else(|| other.pod.clone());
        if own.labels.is_empty() {
            own.labels = other.labels.clone();
        }
        if own.groups.is_empty() {
            own.groups = other.groups.clone();
        }
        self.tenant = self.tenant.take().or_else(|| before.tenant.clone());
    }

    /// Has its own configuration asked for something this way?
    pub(super) fn asks(&self, way: Direction) -> bool {
        let mut asked = self.asked.values().flatten();
        asked.any(|one| direction(one.direction) == way)
    }

    /// `NAMESPACE/POD`, where it has a name.
    pub(crate) fn workload(&self) -> Option<String> {
        let pod = self.workload.pod.as_ref()?;
        Some(format!("{}/{pod}", self.namespace()))
    }

    fn namespace(&self) -> &str {
        self.workload.namespace.as_deref().unwrap_or(NAMESPACE)
    }

    /// For the engine.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            id: id(&self.attachment()),
            namespace: self.namespace().to_owned(),
            pod: self.workload.pod.clone(),
            labels: self.workload.labels.clone(),
            network: self.tenant.clone(),
            asked: self.asked.values().flatten().filter_map(asked).collect(),
        }
    }
}

/// In the engine's words; none where it is out of range, which nobody has written.
fn asked(asked: &AskedRate) -> Option<Asked> {
    Some(Asked {
        direction: direction(asked.direction),
        allowance: Allowance {
            rate: Some(Rate::new(asked.bits).ok()?),
            burst: asked.burst.and_then(|burst| u32::try_from(burst).ok()),
            packets: None,
        },
        field: asked.field.clone(),
    })
}

pub(super) fn direction(direction: fairway_api::admin::Direction) -> Direction {
    match direction {
        fairway_api::admin::Direction::Ingress => Direction::Ingress,
        fairway_api::admin::Direction::Egress => Direction::Egress,
    }
}

/// For the engine.
pub(crate) fn id(attachment: &AttachmentId) -> EndpointId {
    EndpointId {
        network: attachment.network.clone(),
        container: attachment.container.clone(),
        ifname: attachment.ifname.clone(),
    }
}

/// From the engine.
pub(crate) fn attachment(id: &EndpointId) -> AttachmentId {
    AttachmentId {
        network: id.network.clone(),
        container: id.container.clone(),
        ifname: id.ifname.clone(),
    }
}
