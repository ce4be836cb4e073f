//! Kinds and names of objects, as they are shown and as admins type them.

use crate::spec::{Kind, Object, ObjectName};
use std::{fmt, str::FromStr};

/// Not a kind that there is here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a kind of object; there are {}", Kind::ALL.map(Kind::plural).join(", "))]
pub struct UnknownKind {
    /// What was typed.
    pub given: String,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [
        Kind::NetworkPolicy,
        Kind::ClusterNetworkPolicy,
        Kind::Namespace,
        Kind::Pod,
    ];

    /// Its name in an object.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NetworkPolicy => "NetworkPolicy",
            Kind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Kind::Namespace => "Namespace",
            Kind::Pod => "Pod",
        }
    }

    /// Its name in the API and in the store.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::NetworkPolicy => "networkpolicies",
            Kind::ClusterNetworkPolicy => "clusternetworkpolicies",
            Kind::Namespace => "namespaces",
            Kind::Pod => "pods",
        }
    }

    /// Its short name.
    pub fn short(self) -> &'static str {
        match self {
            Kind::NetworkPolicy => "netpol",
            Kind::ClusterNetworkPolicy => "cnp",
            Kind::Namespace => "ns",
            Kind::Pod => "po",
        }
    }

    /// The API versions that are taken; the last is the newest.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Kind::NetworkPolicy => &["networking.k8s.io/v1"],
            Kind::ClusterNetworkPolicy => &[
                "policy.networking.k8s.io/v1alpha2",
                "policy.networking.k8s.io/v1beta1",
            ],
            Kind::Namespace | Kind::Pod => &["v1"],
        }
    }

    /// Do its objects stand in namespaces?
    pub fn namespaced(self) -> bool {
        matches!(self, Kind::NetworkPolicy | Kind::Pod)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    /// As kubectl takes them: singular, plural or short, in any case, the group after a dot or not.
    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        let typed = text.to_ascii_lowercase();
        let (word, group) = match typed.split_once('.') {
            Some((word, group)) => (word, Some(group)),
            None => (typed.as_str(), None),
        };
        let fits = |kind: &Kind| {
            let own = kind.versions()[0].split_once('/').map(|(group, _)| group);
            (word == kind.plural()
                || word == kind.short()
                || word.eq_ignore_ascii_case(kind.name()))
                && (group.is_none() || group == own)
        };
        let unknown = || UnknownKind {
            given: text.to_owned(),
        };
        Kind::ALL.into_iter().find(fits).ok_or_else(unknown)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

impl Object {
    /// Which it is.
    pub fn object_name(&self) -> ObjectName {
        let (kind, namespace, name) = match self {
            Object::NetworkPolicy(policy) => {
                (Kind::NetworkPolicy, policy.namespace.as_str(), &policy.name)
            }
            Object::ClusterPolicy(policy) => (Kind::ClusterNetworkPolicy, "", &policy.name),
            Object::Namespace(namespace) => (Kind::Namespace, "", &namespace.name),
            Object::Pod(pod) => (Kind::Pod, pod.namespace.as_str(), &pod.name),
        };
        let (namespace, name) = (namespace.to_owned(), name.clone());
        ObjectName {
            kind,
            namespace,
            name,
        }
    }
}
