//! `policy.networking.k8s.io ClusterNetworkPolicy`: v1alpha2, which is served, and v1beta1, which says
//! the same and comes after it.
//!
//! What cannot be enforced is refused. The API says that an unknown peer is to fail closed; a policy that
//! is not taken at all, with the reason, is better still.

use super::{
    cidr,
    error::Reason,
    field::{self, Faults, Path},
    meta::Meta,
    ports, selector,
};
use crate::spec::{Action, Block, ClusterPolicy, Namespaces, Peer, Ports, Rule, Selector, Tier};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Rules of a direction, peers of a rule, networks of a peer, protocols of a rule.
const MOST: usize = 25;
/// Of a rule's name, in characters.
const NAME: usize = 100;

const TIERS: (&[&str; 2], [Tier; 2]) = (&["Admin", "Baseline"], [Tier::Admin, Tier::Baseline]);
const ACTIONS: (&[&str; 3], [Action; 3]) = (
    &["Accept", "Deny", "Pass"],
    [Action::Accept, Action::Deny, Action::Pass],
);

/// What it says, without its name.
pub(crate) struct Spec {
    tier: Tier,
    priority: u16,
    subject: (Selector, Selector),
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
}

impl Spec {
    /// With its name.
    pub(crate) fn named(self, meta: &Meta) -> ClusterPolicy {
        let (namespaces, pods) = self.subject;
        ClusterPolicy {
            name: meta.name.clone(),
            tier: self.tier,
            priority: self.priority,
            namespaces,
            pods,
            ingress: self.ingress,
            egress: self.egress,
            audit: meta.audit,
        }
    }
}

/// Its `spec`.
pub(crate) fn parse(value: Option<&Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Spec> {
    let Some(value) = value else {
        return faults.add(at, Reason::Missing);
    };
    faults.strict = true;
    let map = field::object(value, at, faults)?;
    let known = ["tier", "priority", "subject", "ingress", "egress"];
    field::only(map, &known, at, faults);
    let tier = field::required(map, "tier", at, faults)
        .and_then(|value| field::word(value, TIERS, &at.field("tier"), faults));
    let priority = field::required(map, "priority", at, faults)
        .and_then(|value| field::number(value, (0, 1000), &at.field("priority"), faults));
    let subject = field::required(map, "subject", at, faults)
        .and_then(|value| subject(value, &at.field("subject"), faults));
    let ingress = rules(map, ("ingress", "from"), at, faults);
    let egress = rules(map, ("egress", "to"), at, faults);
    Some(Spec {
        tier: tier?,
        priority: priority?,
        subject: subject?,
        ingress: ingress?,
        egress: egress?,
    })
}

fn subject(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<(Selector, Selector)> {
    let map = field::object(value, at, faults)?;
    let (name, value) = field::exactly_one(map, &["namespaces", "pods"], at, faults)?;
    match name {
        "pods" => namespaced_pods(value, &at.field(name), faults),
        _ => whole_namespaces(value, &at.field(name), faults),
    }
}

/// All pods of namespaces.
fn whole_namespaces(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<(Selector, Selector)> {
    Some((selector::parse(value, at, faults)?, Selector::default()))
}

/// Some pods of namespaces.
fn namespaced_pods(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<(Selector, Selector)> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["namespaceSelector", "podSelector"], at, faults);
    let given = field::optional(map, "namespaceSelector", at, faults);
    let namespaces = selector::or_all(given, &at.field("namespaceSelector"), faults);
    let pods = field::required(map, "podSelector", at, faults)
        .and_then(|value| selector::parse(value, &at.field("podSelector"), faults));
    Some((namespaces?, pods?))
}

fn rules(
    map: &Map<String, Value>,
    (name, peers): (&str, &'static str),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<Rule>> {
    let Some(value) = field::optional(map, name, at, faults) else {
        return Some(Vec::new());
    };
    let at = at.field(name);
    field::counted(value, (0, MOST), &at, faults);
    field::list(value, &at, faults, |value, at, faults| {
        rule(value, peers, at, faults)
    })
}

fn rule(value: &Value, name: &'static str, at: &Path<'_>, faults: &mut Faults) -> Option<Rule> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["name", "action", name, "protocols"], at, faults);
    let title = title(map, at, faults);
    let action = field::required(map, "action", at, faults)
        .and_then(|value| field::word(value, ACTIONS, &at.field("action"), faults));
    let peers = field::required(map, name, at, faults).and_then(|value| {
        let at = at.field(name);
        field::counted(value, (1, MOST), &at, faults);
        field::list(value, &at, faults, |value, at, faults| {
            peer(value, name == "to", at, faults)
        })
    });
    let ports = match field::optional(map, "protocols", at, faults) {
        None => Some(None),
        Some(value) => {
            let at = at.field("protocols");
            field::counted(value, (1, MOST), &at, faults);
            field::list(value, &at, faults, ports::of_cluster_policy).map(Some)
        }
    };
    let (name, action, peers, ports) = (title?, action?, peers?.concat(), ports?);
    let nameless = |peer: &Peer| matches!(peer, Peer::Block(_) | Peer::Nodes(_));
    let named = |ports: &Ports| matches!(ports, Ports::Named(..));
    if peers.iter().any(nameless) && ports.iter().flatten().any(named) {
        let (given, with) = ("destinationNamedPort", "networks or nodes");
        return faults.add(at, Reason::Together { given, with });
    }
    let peers = Some(peers);
    Some(Rule {
        name,
        action,
        peers,
        ports,
    })
}

/// The name of a rule.
fn title(map: &Map<String, Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Option<String>> {
    let Some(value) = field::optional(map, "name", at, faults) else {
        return Some(None);
    };
    let at = at.field("name");
    let name = field::text(value, &at, faults)?;
    let (count, of, most) = (name.chars().count(), "characters", NAME);
    if count > most {
        return faults.add(&at, Reason::Many { count, of, most });
    }
    Some((!name.is_empty()).then(|| name.to_owned()))
}

fn peer(value: &Value, egress: bool, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<Peer>> {
    const FROM: &[&str] = &["namespaces", "pods"];
    const TO: &[&str] = &["namespaces", "pods", "nodes", "networks", "domainNames"];
    let map = field::object(value, at, faults)?;
    let forms = if egress { TO } else { FROM };
    let (name, value) = field::exactly_one(map, forms, at, faults)?;
    let at = at.field(name);
    let (namespaces, pods) = match name {
        "namespaces" => whole_namespaces(value, &at, faults)?,
        "pods" => namespaced_pods(value, &at, faults)?,
        "nodes" => return Some(vec![Peer::Nodes(selector::parse(value, &at, faults)?)]),
        "networks" => return networks(value, &at, faults),
        _ => {
            let what = "domain names are not supported yet; name their addresses under networks";
            return faults.add(&at, Reason::Unsupported { what });
        }
    };
    let namespaces = Namespaces::Matching(namespaces);
    Some(vec![Peer::Pods { namespaces, pods }])
}

fn networks(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<Peer>> {
    field::counted(value, (1, MOST), at, faults);
    let mut seen = BTreeSet::new();
    field::list(value, at, faults, |value, at, faults| {
        let cidr = cidr::parse(value, at, faults)?;
        if !seen.insert(cidr) {
            return faults.add(at, Reason::Twice);
        }
        let except = Vec::new();
        Some(Peer::Block(Block { cidr, except }))
    })
}
