//! What garbage collection must not touch.

use std::collections::HashSet;

use crate::Attachment;
use crate::names::{instance_hash, network_hash};

/// A network's attachments that are to stay.
#[derive(Debug)]
pub(crate) struct Valid {
    pub(crate) network: String,
    /// What the hashes of all its attachments begin with.
    pub(crate) network_prefix: String,
    /// Their containers, whatever the interface.
    pub(crate) containers: HashSet<String>,
    instances: HashSet<String>,
}

/// Length of an instance hash: two times 16 digits and the dash.
const INSTANCE_LEN: usize = 33;

impl Valid {
    pub(crate) fn new(network: &str, attachments: &[(String, String)]) -> Self {
        Self {
            network: network.to_owned(),
            network_prefix: format!("{}-", network_hash(network)),
            containers: attachments.iter().map(|(id, _)| id.clone()).collect(),
            instances: attachments
                .iter()
                .map(|(container_id, ifname)| {
                    instance_hash(&Attachment {
                        network,
                        container_id,
                        ifname,
                    })
                })
                .collect(),
        }
    }

    /// Whether a text that begins with an instance hash is of this network.
    pub(crate) fn is_of_network(&self, text: &str) -> bool {
        text.starts_with(&self.network_prefix)
    }

    /// The same, and of none of its valid attachments.
    pub(crate) fn disowns_instance(&self, text: &str) -> bool {
        self.is_of_network(text)
            && text
                .get(..INSTANCE_LEN)
                .is_some_and(|instance| !self.instances.contains(instance))
    }
}
