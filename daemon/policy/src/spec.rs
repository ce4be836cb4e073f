//! Policy objects as they hold: what an invalid one would say cannot be said here.
//!
//! [`crate::object`] makes these of what users write; [`crate::Engine`] makes verdicts of these.

use ipnetwork::IpNetwork;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of a pod, a namespace or a node.
pub type Labels = BTreeMap<String, String>;

/// Which labels fit; an empty one fits all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Selector {
    /// All of them must hold.
    pub requirements: Vec<Requirement>,
}

/// One condition on labels; `matchLabels` are those with `In` and one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must hold of it.
    pub operator: Operator,
}

/// What must hold of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// It is there, with one of these.
    In(BTreeSet<String>),
    /// It is not there, or has none of these.
    NotIn(BTreeSet<String>),
    /// It is there.
    Exists,
    /// It is not there.
    Absent,
}

impl Selector {
    /// Do these labels fit?
    pub fn fits(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.operator {
                Operator::In(values) => value.is_some_and(|value| values.contains(value)),
                Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
            }
        })
    }
}

/// A transport protocol that policies can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// Destination ports that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// All ports of a protocol.
    All(Protocol),
    /// `first..=last`, `1 <= first <= last`.
    Range(Protocol, u16, u16),
    /// What the receiving pod calls so; `None`: of any protocol (cluster-wide policies).
    Named(Option<Protocol>, String),
}

/// Addresses: within `cidr`, and in none of `except`. No host bits; each of `except` is within `cidr`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The addresses.
    pub cidr: IpNetwork,
    /// But for these.
    pub except: Vec<IpNetwork>,
}

/// Which namespaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespaces {
    /// That of the policy.
    Own,
    /// Those that fit.
    Matching(Selector),
}

/// The other end, as a rule names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Pods.
    Pods {
        /// Where.
        namespaces: Namespaces,
        /// Which.
        pods: Selector,
    },
    /// Addresses, whoever has them.
    Block(Block),
    /// Nodes.
    Nodes(Selector),
}

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Action {
    /// Let through.
    Accept,
    /// Refused.
    Deny,
    /// Left to network policies, and to the baseline where there are none.
    Pass,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What it decides; of a network policy always [`Action::Accept`].
    pub action: Action,
    /// With whom, any of them; `None`: anybody at all.
    pub peers: Option<Vec<Peer>>,
    /// By which ports, any of them; `None`: everything, whatever the protocol.
    pub ports: Option<Vec<Ports>>,
}

/// `networking.k8s.io/v1 NetworkPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// For which pods of the namespace.
    pub pods: Selector,
    /// `None`: it says nothing about packets to them.
    pub ingress: Option<Vec<Rule>>,
    /// `None`: it says nothing about packets from them.
    pub egress: Option<Vec<Rule>>,
    /// It only reports what it would refuse.
    pub audit: bool,
}

/// Before or after network policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Tier {
    /// Before.
    Admin,
    /// Only for pods (and a direction) of which no network policy says anything.
    Baseline,
}

/// `policy.networking.k8s.io ClusterNetworkPolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicy {
    /// Its name.
    pub name: String,
    /// When it is asked.
    pub tier: Tier,
    /// The less, the earlier in its tier: 0 to 1000.
    pub priority: u16,
    /// For pods of which namespaces.
    pub namespaces: Selector,
    /// For which of their pods.
    pub pods: Selector,
    /// For packets to them; the first that fits decides.
    pub ingress: Vec<Rule>,
    /// For packets from them.
    pub egress: Vec<Rule>,
    /// It only reports what it would refuse.
    pub audit: bool,
}

/// `v1 Namespace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its labels, `kubernetes.io/metadata.name` among them.
    pub labels: Labels,
    /// Its policies only report what they would refuse.
    pub audit: bool,
}

/// A port of a pod that has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedPort {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub port: u16,
}

/// `v1 Pod`: what policies need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its ports that have names.
    pub ports: Vec<NamedPort>,
}

/// Any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// See [`NetworkPolicy`].
    NetworkPolicy(NetworkPolicy),
    /// See [`ClusterPolicy`].
    ClusterPolicy(ClusterPolicy),
    /// See [`Namespace`].
    Namespace(Namespace),
    /// See [`Pod`].
    Pod(Pod),
}

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// `NetworkPolicy`.
    NetworkPolicy,
    /// `ClusterNetworkPolicy`.
    ClusterNetworkPolicy,
    /// `Namespace`.
    Namespace,
    /// `Pod`.
    Pod,
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectName {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}
