//! Where policy's things lie in the store.
//!
//! `policies/KIND/NAMESPACE/NAME` and `workloads/KIND/NAMESPACE/NAME` hold objects as they were applied (`-` is
//! the namespace of what has none), `endpoints/NODE/CONTAINER/IFNAME` what a node says of its containers.

use fairway_ipam::AttachmentId;
use fairway_kv::ROOT;
use fairway_policy::spec::{Kind, ObjectName};

/// Stands for the namespace of what has none; no namespace has this name.
const NONE: &str = "-";

/// A key that policy knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// An object.
    Object(ObjectName),
    /// What a node says of a container's interface.
    Endpoint {
        /// The node.
        node: String,
        /// The container's id.
        container: String,
        /// The interface.
        ifname: String,
    },
    /// A node that is alive.
    Node(String),
    /// A network.
    Network(String),
}

impl Key {
    /// An endpoint's.
    pub(crate) fn endpoint(node: &str, attachment: &AttachmentId) -> Key {
        Key::Endpoint {
            node: node.to_owned(),
            container: attachment.container.clone(),
            ifname: attachment.ifname.clone(),
        }
    }

    /// As it stands in the store.
    pub(crate) fn path(&self) -> String {
        match self {
            Key::Object(name) => {
                let (folder, kind) = place(name.kind);
                let namespace = match name.namespace.as_str() {
                    "" => NONE,
                    namespace => namespace,
                };
                format!("{ROOT}{folder}/{kind}/{namespace}/{}", name.name)
            }
            Key::Endpoint {
                node,
                container,
                ifname,
            } => format!("{ROOT}endpoints/{node}/{container}/{ifname}"),
            Key::Node(node) => format!("{ROOT}nodes/{node}"),
            Key::Network(network) => format!("{ROOT}networks/{network}"),
        }
    }

    /// Reads a key; none: nothing that policy knows.
    pub(crate) fn parse(path: &str) -> Option<Key> {
        let rest = path.strip_prefix(ROOT)?;
        let (folder, rest) = rest.split_once('/')?;
        Some(match folder {
            "policies" | "workloads" => {
                let mut parts = rest.splitn(3, '/');
                let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
                let kind = KINDS
                    .into_iter()
                    .find(|known| place(*known) == (folder, kind))?;
                Key::Object(ObjectName {
                    kind,
                    namespace: match namespace {
                        NONE => String::new(),
                        namespace => namespace.to_owned(),
                    },
                    name: name.to_owned(),
                })
            }
            "endpoints" => {
                let mut parts = rest.splitn(3, '/').map(str::to_owned);
                Key::Endpoint {
                    node: parts.next()?,
                    container: parts.next()?,
                    ifname: parts.next()?,
                }
            }
            "nodes" => Key::Node(rest.to_owned()),
            "networks" => Key::Network(rest.to_owned()),
            _ => return None,
        })
    }
}

/// Where all objects of a kind lie.
pub(crate) fn folder(kind: Kind) -> String {
    let (folder, kind) = place(kind);
    format!("{ROOT}{folder}/{kind}/")
}

/// Is written with each cluster-wide policy, so that no two are judged beside the same others; no object's.
pub(crate) fn order() -> String {
    format!("{ROOT}policies/order")
}

const KINDS: [Kind; 4] = [
    Kind::NetworkPolicy,
    Kind::ClusterNetworkPolicy,
    Kind::Namespace,
    Kind::Pod,
];

/// The folder of a kind, and its name there.
pub(crate) fn place(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::NetworkPolicy => ("policies", "NetworkPolicy"),
        Kind::ClusterNetworkPolicy => ("policies", "ClusterNetworkPolicy"),
        Kind::Namespace => ("workloads", "Namespace"),
        Kind::Pod => ("workloads", "Pod"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for path in [
            "policies/NetworkPolicy/web/allow",
            "policies/ClusterNetworkPolicy/-/base",
            "workloads/Namespace/-/web",
            "workloads/Pod/web/front-0",
            "endpoints/n1/abc/eth0",
            "nodes/n1",
            "networks/apps",
        ] {
            let path = format!("{ROOT}{path}");
            assert_eq!(Key::parse(&path).expect("a key").path(), path);
        }
        for path in [
            "policies/Pod/a/b",
            "policies/NetworkPolicy/a",
            "policies/order",
            "pools/a",
            "other",
        ] {
            assert_eq!(Key::parse(&format!("{ROOT}{path}")), None, "{path}");
        }
    }
}
