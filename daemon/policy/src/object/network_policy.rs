//! `networking.k8s.io/v1 NetworkPolicy`.

use super::{
    cidr,
    error::Reason,
    field::{self, Faults, Path},
    meta::Meta,
    ports, selector,
};
use crate::spec::{Action, Namespaces, NetworkPolicy, Peer, Rule, Selector};
use serde_json::{Map, Value};

/// About packets to the pods or from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

const TYPES: (&[&str; 2], [Direction; 2]) = (
    &["Ingress", "Egress"],
    [Direction::Ingress, Direction::Egress],
);

/// What it says, without its name.
pub(crate) struct Spec {
    pods: Selector,
    ingress: Option<Vec<Rule>>,
    egress: Option<Vec<Rule>>,
}

impl Spec {
    /// With its name.
    pub(crate) fn named(self, meta: &Meta) -> NetworkPolicy {
        NetworkPolicy {
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            pods: self.pods,
            ingress: self.ingress,
            egress: self.egress,
            audit: meta.audit,
        }
    }
}

/// Its `spec`.
pub(crate) fn parse(value: Option<&Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Spec> {
    let empty = Map::new();
    let map = match value {
        None => &empty,
        Some(value) => field::object(value, at, faults)?,
    };
    let known = ["podSelector", "policyTypes", "ingress", "egress"];
    field::only(map, &known, at, faults);
    let given = field::optional(map, "podSelector", at, faults);
    let pods = selector::or_all(given, &at.field("podSelector"), faults);
    let ingress = rules(map, ("ingress", "from"), at, faults);
    let egress = rules(map, ("egress", "to"), at, faults);
    let types = match field::optional(map, "policyTypes", at, faults) {
        None => Some(Vec::new()),
        Some(value) => types(value, &at.field("policyTypes"), faults),
    };
    let (pods, ingress, egress, mut types) = (pods?, ingress?, egress?, types?);
    if types.is_empty() {
        types.push(Direction::Ingress);
        // Empty egress is as good as none here: who wants to cut it all says so by policyTypes.
        types.extend((!egress.is_empty()).then_some(Direction::Egress));
    }
    Some(Spec {
        pods,
        ingress: types.contains(&Direction::Ingress).then_some(ingress),
        egress: types.contains(&Direction::Egress).then_some(egress),
    })
}

fn types(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<Direction>> {
    match value.as_array().map_or(0, Vec::len) {
        count @ 3.. => {
            let (of, most) = ("elements", 2);
            faults.add(at, Reason::Many { count, of, most })
        }
        _ => field::list(value, at, faults, |value, at, faults| {
            field::word(value, TYPES, at, faults)
        }),
    }
}

fn rules(
    map: &Map<String, Value>,
    (name, peers): (&str, &str),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<Rule>> {
    let Some(value) = field::optional(map, name, at, faults) else {
        return Some(Vec::new());
    };
    field::list(value, &at.field(name), faults, |value, at, faults| {
        rule(value, peers, at, faults)
    })
}

fn rule(value: &Value, name: &str, at: &Path<'_>, faults: &mut Faults) -> Option<Rule> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["ports", name], at, faults);
    let ports = match field::optional(map, "ports", at, faults) {
        None => Some(Vec::new()),
        Some(value) => {
            let each = ports::of_network_policy;
            field::list(value, &at.field("ports"), faults, each)
        }
    };
    let peers = match field::optional(map, name, at, faults) {
        None => Some(Vec::new()),
        Some(value) => field::list(value, &at.field(name), faults, peer),
    };
    let (ports, peers) = (ports?, peers?);
    Some(Rule {
        name: None,
        action: Action::Accept,
        // An empty list means everybody, and everything, in this API.
        peers: (!peers.is_empty()).then_some(peers),
        ports: (!ports.is_empty()).then_some(ports),
    })
}

fn peer(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Peer> {
    const FORMS: &[&str] = &["podSelector", "namespaceSelector", "ipBlock"];
    let map = field::object(value, at, faults)?;
    let fine = field::only(map, FORMS, at, faults);
    let pods = field::optional(map, "podSelector", at, faults);
    let namespaces = field::optional(map, "namespaceSelector", at, faults);
    let block = field::optional(map, "ipBlock", at, faults);
    if pods.is_none() && namespaces.is_none() && block.is_none() {
        // What is there under a wrong name was meant to be one of them.
        return match fine {
            true => faults.add(at, Reason::OneAtLeast { of: FORMS }),
            false => None,
        };
    }
    if let Some(block) = block {
        let block = cidr::block(block, &at.field("ipBlock"), faults);
        if pods.is_none() && namespaces.is_none() {
            return block.map(Peer::Block);
        }
        let (given, with) = ("ipBlock", "podSelector or namespaceSelector");
        faults.add::<()>(at, Reason::Together { given, with });
    }
    let pods = selector::or_all(pods, &at.field("podSelector"), faults);
    let namespaces = match namespaces {
        None => Some(Namespaces::Own),
        Some(value) => {
            selector::parse(value, &at.field("namespaceSelector"), faults).map(Namespaces::Matching)
        }
    };
    let (namespaces, pods) = (namespaces?, pods?);
    Some(Peer::Pods { namespaces, pods })
}
