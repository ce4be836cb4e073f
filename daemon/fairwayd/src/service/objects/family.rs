//! Objects of each family: those of policy, `RateLimit`, those of BGP, and definitions of networks. What differs between them stands here only.

use crate::{
    bgp, definitions,
    policy::{self, reference},
    rates, stored,
};
use fairway_api::admin::ObjectRef;
use fairway_bgp::object as peering;
use fairway_definitions as definition;
use fairway_policy::{
    object::{ObjectError, Reason, UnknownKind},
    spec,
};
use fairway_rates::object as rate;
use serde_json::Value;
use std::fmt;

/// All of all.
const KINDS: &[&str] = &[
    "NetworkPolicy",
    "ClusterNetworkPolicy",
    "Namespace",
    "Pod",
    rate::KIND,
    peering::Kind::BgpConfig.name(),
    peering::Kind::BgpPeer.name(),
    definition::KIND,
    // Not kept as objects, and so not of this module.
    fairway_pools::Kind::IPPool.name(),
    fairway_pools::Kind::IPClaim.name(),
    fairway_pools::Kind::Network.name(),
];

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Policy(spec::Kind),
    RateLimit,
    Bgp(peering::Kind),
    Definition,
}

impl Kind {
    /// As admins type it.
    pub(super) fn read(text: &str) -> Result<Kind, UnknownKind> {
        if rate::is_kind(text) {
            return Ok(Kind::RateLimit);
        }
        if definition::is_kind(text) {
            return Ok(Kind::Definition);
        }
        match peering::Kind::read(text) {
            Some(kind) => Ok(Kind::Bgp(kind)),
            None => text.parse().map(Kind::Policy),
        }
    }

    /// Do its objects stand in namespaces?
    pub(super) fn namespaced(self) -> bool {
        match self {
            Kind::Policy(kind) => kind.namespaced(),
            Kind::RateLimit | Kind::Bgp(_) => false,
            Kind::Definition => true,
        }
    }

    /// Where all of them lie.
    pub(super) fn folder(self) -> String {
        match self {
            Kind::Policy(kind) => policy::keys::folder(kind),
            Kind::RateLimit => rates::keys::limits(),
            Kind::Bgp(kind) => bgp::keys::folder(kind),
            Kind::Definition => definitions::keys::folder(),
        }
    }

    /// One of them; of what has no namespace it is empty.
    pub(super) fn named(self, namespace: String, name: String) -> Name {
        match self {
            Kind::Policy(kind) => Name::Policy(spec::ObjectName {
                kind,
                namespace,
                name,
            }),
            Kind::RateLimit => Name::RateLimit(name),
            Kind::Bgp(kind) => Name::Bgp(bgp::keys::Key { kind, name }),
            Kind::Definition => Name::Definition(definitions::keys::Key { namespace, name }),
        }
    }
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Policy(spec::ObjectName),
    RateLimit(String),
    Bgp(bgp::keys::Key),
    Definition(definitions::keys::Key),
}

impl Name {
    /// Its key in the store.
    pub(super) fn path(&self) -> String {
        match self {
            Name::Policy(name) => policy::keys::Key::Object(name.clone()).path(),
            Name::RateLimit(name) => rates::keys::Key::Limit(name.clone()).path(),
            Name::Bgp(key) => key.path(),
            Name::Definition(key) => key.path(),
        }
    }

    /// Reads a key.
    pub(super) fn of_path(path: &str) -> Option<Name> {
        match policy::keys::Key::parse(path) {
            Some(policy::keys::Key::Object(name)) => return Some(Name::Policy(name)),
            Some(_) => return None,
            None => {}
        }
        match rates::keys::Key::parse(path) {
            Some(rates::keys::Key::Limit(name)) => return Some(Name::RateLimit(name)),
            Some(_) => return None,
            None => {}
        }
        match bgp::keys::Key::parse(path) {
            Some(key) => Some(Name::Bgp(key)),
            None => definitions::keys::Key::parse(path).map(Name::Definition),
        }
    }

    /// Its namespace, empty where it has none, and its name within.
    pub(super) fn parts(&self) -> (&str, &str) {
        match self {
            Name::Policy(name) => (&name.namespace, &name.name),
            Name::RateLimit(name) => ("", name),
            Name::Bgp(key) => ("", &key.name),
            Name::Definition(key) => (&key.namespace, &key.name),
        }
    }

    /// For the socket.
    pub(super) fn reference(&self) -> ObjectRef {
        match self {
            Name::Policy(name) => reference(name),
            Name::RateLimit(name) => ObjectRef {
                kind: rate::KIND.to_owned(),
                namespace: None,
                name: name.clone(),
            },
            Name::Bgp(key) => ObjectRef {
                kind: key.kind.name().to_owned(),
                namespace: None,
                name: key.name.clone(),
            },
            Name::Definition(key) => ObjectRef {
                kind: definition::KIND.to_owned(),
                namespace: Some(key.namespace.clone()),
                name: key.name.clone(),
            },
        }
    }

    /// Reads what lies at its key.
    pub(super) fn decode(&self, value: &[u8]) -> Result<Parsed, String> {
        match self {
            Name::Policy(_) => stored::decode(value).map(Parsed::Policy),
            Name::RateLimit(_) => stored::decode(value).map(Parsed::RateLimit),
            Name::Bgp(_) => stored::decode(value).map(Parsed::Bgp),
            Name::Definition(_) => stored::decode(value).map(Parsed::Definition),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Policy(name) => name.fmt(f),
            Name::RateLimit(name) => write!(f, "{} {name}", rate::KIND),
            Name::Bgp(key) => write!(f, "{} {}", key.kind, key.name),
            Name::Definition(key) => {
                write!(f, "{} {}/{}", definition::KIND, key.namespace, key.name)
            }
        }
    }
}

/// An object that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    Policy(fairway_policy::object::Parsed),
    RateLimit(rate::Parsed),
    Bgp(peering::Parsed),
    Definition(definition::Parsed),
}

impl Parsed {
    /// From JSON.
    pub(super) fn read(value: Value) -> Result<Parsed, ObjectError> {
        let kind = value.get("kind").and_then(Value::as_str);
        if kind == Some(rate::KIND) {
            return rate::parse(value).map(Parsed::RateLimit);
        }
        if peering::Kind::ALL
            .iter()
            .any(|one| kind == Some(one.name()))
        {
            return peering::parse(value).map(Parsed::Bgp);
        }
        if kind == Some(definition::KIND) {
            return definition::parse(&value).map(Parsed::Definition);
        }
        let parsed = fairway_policy::object::parse(value).map(Parsed::Policy);
        parsed.map_err(|mut error| {
            for fault in &mut error.faults {
                if let ("kind", Reason::NoneOf { known, .. }) =
                    (fault.field.as_str(), &mut fault.reason)
                {
                    *known = KINDS;
                }
            }
            error
        })
    }

    /// Which it is.
    pub(super) fn name(&self) -> Name {
        match self {
            Parsed::Policy(parsed) => Name::Policy(parsed.name.clone()),
            Parsed::RateLimit(parsed) => Name::RateLimit(parsed.limit.name.clone()),
            Parsed::Bgp(parsed) => Name::Bgp(bgp::keys::Key {
                kind: parsed.object.kind(),
                name: parsed.object.name().to_owned(),
            }),
            Parsed::Definition(parsed) => Name::Definition(definitions::keys::Key {
                namespace: parsed.namespace.clone(),
                name: parsed.name.clone(),
            }),
        }
    }

    /// As it was applied.
    pub(super) fn json(&self) -> &Value {
        match self {
            Parsed::Policy(parsed) => &parsed.json,
            Parsed::RateLimit(parsed) => &parsed.json,
            Parsed::Bgp(parsed) => &parsed.json,
            Parsed::Definition(parsed) => &parsed.json,
        }
    }

    /// To be stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Parsed::Policy(parsed) => stored::encode(parsed),
            Parsed::RateLimit(parsed) => stored::encode(parsed),
            Parsed::Bgp(parsed) => stored::encode(parsed),
            Parsed::Definition(parsed) => stored::encode(parsed),
        }
    }

    /// To be stored as what came from an API server.
    #[cfg(feature = "k8s")]
    pub(super) fn encode_mirrored(&self) -> Vec<u8> {
        match self {
            Parsed::Policy(parsed) => stored::encode_mirrored(parsed),
            Parsed::RateLimit(parsed) => stored::encode_mirrored(parsed),
            Parsed::Bgp(parsed) => stored::encode_mirrored(parsed),
            Parsed::Definition(parsed) => stored::encode_mirrored(parsed),
        }
    }

    /// What is valid and may not be what was meant, as far as the object itself says.
    pub(super) fn warnings(&self) -> Vec<String> {
        match self {
            Parsed::Bgp(parsed) => {
                let warnings = parsed.object.warnings().into_iter();
                warnings.map(|warning| warning.to_string()).collect()
            }
            Parsed::Policy(_) | Parsed::RateLimit(_) | Parsed::Definition(_) => Vec::new(),
        }
    }

    /// As a policy that has a place in the order of cluster-wide policies.
    pub(super) fn ordered(&self) -> Option<&spec::Object> {
        match self {
            Parsed::Policy(parsed) if parsed.name.kind == spec::Kind::ClusterNetworkPolicy => {
                Some(&parsed.object)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn limit() -> Value {
        json!({"apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit", "metadata": {"name": "web"},
               "spec": {"ingress": {"rate": "20M"}}})
    }

    fn peer() -> Value {
        json!({"apiVersion": "fairway.network/v1alpha1", "kind": "BgpPeer", "metadata": {"name": "web"},
               "spec": {"address": "192.0.2.1", "asn": 65001}})
    }

    fn defined() -> Value {
        json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
               "metadata": {"name": "web", "namespace": "shop"}, "spec": {"config": "{\"type\":\"x\"}"}})
    }

    fn namespace() -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}})
    }

    #[test]
    fn all_families_are_read_written_and_named() {
        for (value, title, path) in [
            (
                defined(),
                "NetworkAttachmentDefinition shop/web",
                "/fairway/v1/definitions/shop/web",
            ),
            (limit(), "RateLimit web", "/fairway/v1/ratelimits/web"),
            (peer(), "BgpPeer web", "/fairway/v1/bgp/peers/web"),
            (
                namespace(),
                "Namespace web",
                "/fairway/v1/workloads/Namespace/-/web",
            ),
        ] {
            let parsed = Parsed::read(value).unwrap();
            let name = parsed.name();
            assert_eq!(name.to_string(), title);
            assert_eq!(name.path(), path);
            let namespace = match name {
                Name::Definition(_) => "shop",
                _ => "",
            };
            assert_eq!(name.parts(), (namespace, "web"));
            assert_eq!(Name::of_path(path), Some(name.clone()));
            assert_eq!(name.decode(&parsed.encode()), Ok(parsed));
            let kind = Kind::read(&name.reference().kind).unwrap();
            assert!(path.starts_with(&kind.folder()), "{path}");
            assert_eq!(kind.named(namespace.to_owned(), "web".into()), name);
        }
        for path in ["/fairway/v1/rates/web/a", "/fairway/v1/nodes/n1", "/other"] {
            assert_eq!(Name::of_path(path), None);
        }
    }

    #[test]
    fn a_peer_that_gets_nothing_is_warned_of() {
        let warnings = Parsed::read(peer()).unwrap().warnings();
        assert!(
            warnings
                .iter()
                .any(|text| text.starts_with("spec.export: ")),
            "{warnings:?}"
        );
        assert_eq!(Parsed::read(limit()).unwrap().warnings(), [""; 0]);
    }

    #[test]
    fn a_kind_that_nobody_knows_is_told_all() {
        let mut other = limit();
        other["kind"] = json!("Ratelimit");
        let error = Parsed::read(other).unwrap_err().to_string();
        let text = "kind: \"Ratelimit\" is not known; there are NetworkPolicy, ClusterNetworkPolicy, Namespace, \
                    Pod, RateLimit, BgpConfig, BgpPeer, NetworkAttachmentDefinition, IPPool, IPClaim, Network";
        assert_eq!(error, text);
        assert_eq!(Kind::read("ratelimit"), Ok(Kind::RateLimit));
        assert!(Kind::read("rate").is_err());
    }
}
