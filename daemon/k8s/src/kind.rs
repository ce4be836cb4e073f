//! The kinds that are mirrored.

use kube::core::ApiResource;
use std::fmt;

/// The group of our own kinds.
const GROUP: &str = "fairway.network";

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Namespaces: labels and annotations.
    Namespace,
    /// Pods: labels, annotations, ports with names.
    Pod,
    /// `networking.k8s.io`.
    NetworkPolicy,
    /// `policy.networking.k8s.io`, where the server has it.
    ClusterNetworkPolicy,
    /// Pools of addresses.
    IpPool,
    /// Claims of addresses.
    IpClaim,
    /// Networks.
    Network,
    /// Networks by any plugin, of the Network Plumbing Working Group, where the server has it.
    NetworkAttachmentDefinition,
    /// Rates.
    RateLimit,
    /// Neighbours of BGP.
    BgpPeer,
    /// What nodes are in BGP.
    BgpConfig,
}

impl Kind {
    /// All, in the order in which they are begun: what others point to first.
    pub const ALL: [Kind; 11] = [
        Kind::Namespace,
        Kind::IpPool,
        Kind::Network,
        Kind::NetworkAttachmentDefinition,
        Kind::IpClaim,
        Kind::BgpConfig,
        Kind::BgpPeer,
        Kind::RateLimit,
        Kind::NetworkPolicy,
        Kind::ClusterNetworkPolicy,
        Kind::Pod,
    ];

    /// As it stands in an object.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Namespace => "Namespace",
            Kind::Pod => "Pod",
            Kind::NetworkPolicy => "NetworkPolicy",
            Kind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Kind::IpPool => "IPPool",
            Kind::IpClaim => "IPClaim",
            Kind::Network => "Network",
            Kind::NetworkAttachmentDefinition => "NetworkAttachmentDefinition",
            Kind::RateLimit => "RateLimit",
            Kind::BgpPeer => "BgpPeer",
            Kind::BgpConfig => "BgpConfig",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Group, versions with the preferred one first, plural.
    pub(crate) const fn served(self) -> (&'static str, &'static [&'static str], &'static str) {
        const OWN: &[&str] = &["v1alpha1"];
        match self {
            Kind::Namespace => ("", &["v1"], "namespaces"),
            Kind::Pod => ("", &["v1"], "pods"),
            Kind::NetworkPolicy => ("networking.k8s.io", &["v1"], "networkpolicies"),
            Kind::ClusterNetworkPolicy => (
                "policy.networking.k8s.io",
                &["v1beta1", "v1alpha2"],
                "clusternetworkpolicies",
            ),
            Kind::IpPool => (GROUP, OWN, "ippools"),
            Kind::IpClaim => (GROUP, OWN, "ipclaims"),
            Kind::Network => (GROUP, OWN, "networks"),
            Kind::NetworkAttachmentDefinition => {
                ("k8s.cni.cncf.io", &["v1"], "network-attachment-definitions")
            }
            Kind::RateLimit => (GROUP, OWN, "ratelimits"),
            Kind::BgpPeer => (GROUP, OWN, "bgppeers"),
            Kind::BgpConfig => (GROUP, OWN, "bgpconfigs"),
        }
    }

    /// A server need not have it.
    pub(crate) const fn optional(self) -> bool {
        !matches!(self, Kind::Namespace | Kind::Pod | Kind::NetworkPolicy)
    }

    /// Its objects tell in their status what became of them.
    pub(crate) const fn has_status(self) -> bool {
        self.optional() && !matches!(self, Kind::NetworkAttachmentDefinition)
    }

    /// They have none, and an event tells what is wrong with one.
    pub(crate) const fn has_events(self) -> bool {
        matches!(
            self,
            Kind::NetworkPolicy | Kind::NetworkAttachmentDefinition
        )
    }

    /// It is of our own group.
    pub(crate) fn is_own(self) -> bool {
        self.served().0 == GROUP
    }

    /// For requests.
    pub(crate) fn resource(self, version: &str) -> ApiResource {
        let (group, _, plural) = self.served();
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: match group {
                "" => version.to_owned(),
                group => format!("{group}/{version}"),
            },
            kind: self.name().to_owned(),
            plural: plural.to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which object of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name {
    /// Empty where it is in none.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => f.write_str(&self.name),
            namespace => write!(f, "{namespace}/{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_where_the_server_has_them() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("Service"), None);
        assert_eq!(Kind::Pod.resource("v1").api_version, "v1");
        let own = Kind::IpPool.resource("v1alpha1");
        assert_eq!(own.api_version, "fairway.network/v1alpha1");
    }
}
