//! Policies as the engine keeps them: rules with numbers and orders, selectors and blocks resolved.

use crate::{
    input::{Direction, Number},
    order,
    ports::{EVERYTHING, Span, fixed},
    prefix::BlockMatch,
    selector::{Scope, SelectorId, SelectorKey},
    set::SetId,
    spec::{
        Action, Block, ClusterPolicy, Kind, Namespaces, NetworkPolicy, ObjectName, Peer, Ports,
        Rule, Tier,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(crate) type PolicyId = u32;

/// A policy of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicySpec {
    Network(NetworkPolicy),
    Cluster(ClusterPolicy),
}

/// When a policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before network policies.
    High,
    /// It is a network policy.
    Network,
    /// Where there is no network policy.
    Baseline,
}

impl PolicySpec {
    pub(crate) fn name(&self) -> ObjectName {
        match self {
            PolicySpec::Network(policy) => ObjectName {
                kind: Kind::NetworkPolicy,
                namespace: policy.namespace.clone(),
                name: policy.name.clone(),
            },
            PolicySpec::Cluster(policy) => ObjectName {
                kind: Kind::ClusterNetworkPolicy,
                namespace: String::new(),
                name: policy.name.clone(),
            },
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self {
            PolicySpec::Network(_) => Stage::Network,
            PolicySpec::Cluster(policy) if policy.tier == Tier::Admin => Stage::High,
            PolicySpec::Cluster(_) => Stage::Baseline,
        }
    }

    /// `None`: it says nothing about packets in that direction.
    pub(crate) fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        let (ingress, egress) = match self {
            PolicySpec::Network(policy) => (policy.ingress.as_deref(), policy.egress.as_deref()),
            PolicySpec::Cluster(policy) => (
                Some(policy.ingress.as_slice()).filter(|rules| !rules.is_empty()),
                Some(policy.egress.as_slice()).filter(|rules| !rules.is_empty()),
            ),
        };
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Its own, not that of its namespace.
    pub(crate) fn audit(&self) -> bool {
        match self {
            PolicySpec::Network(policy) => policy.audit,
            PolicySpec::Cluster(policy) => policy.audit,
        }
    }

    /// For whom it is.
    pub(crate) fn subject(&self) -> SelectorKey {
        match self {
            PolicySpec::Network(policy) => SelectorKey::Pods {
                scope: Scope::Own(policy.namespace.clone()),
                pods: policy.pods.clone(),
            },
            PolicySpec::Cluster(policy) => SelectorKey::Pods {
                scope: Scope::Any(policy.namespaces.clone()),
                pods: policy.pods.clone(),
            },
        }
    }

    /// Whom a peer of one of its rules means; `None`: addresses.
    pub(crate) fn peer(&self, peer: &Peer) -> Option<SelectorKey> {
        let (namespaces, pods) = match peer {
            Peer::Block(_) => return None,
            Peer::Nodes(nodes) => return Some(SelectorKey::Nodes(nodes.clone())),
            Peer::Pods { namespaces, pods } => (namespaces, pods.clone()),
        };
        let scope = match (namespaces, self) {
            (Namespaces::Own, PolicySpec::Network(policy)) => Scope::Own(policy.namespace.clone()),
            // A policy without a namespace has no other pods of its own than all.
            (Namespaces::Own, PolicySpec::Cluster(_)) => Scope::Any(Default::default()),
            (Namespaces::Matching(selector), PolicySpec::Network(_)) => {
                Scope::Namespaced(selector.clone())
            }
            (Namespaces::Matching(selector), PolicySpec::Cluster(_)) => {
                Scope::Any(selector.clone())
            }
        };
        Some(SelectorKey::Pods { scope, pods })
    }

    /// The blocks that its rules of a direction name.
    pub(crate) fn blocks(&self, direction: Direction) -> impl Iterator<Item = &Block> {
        let rules = self.rules(direction).into_iter().flatten();
        let peers = rules.flat_map(|rule| rule.peers.iter().flatten());
        peers.filter_map(|peer| match peer {
            Peer::Block(block) => Some(block),
            Peer::Pods { .. } | Peer::Nodes(_) => None,
        })
    }
}

/// The other end.
#[derive(Debug)]
pub(crate) enum Target {
    Selector(SelectorId),
    Block(Arc<BlockMatch>),
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) number: Number,
    pub(crate) order: u32,
    pub(crate) action: Action,
    /// `None`: anybody.
    pub(crate) peers: Option<Vec<Target>>,
    /// Ports by number.
    pub(crate) fixed: Arc<[Span]>,
    /// Ports by name.
    pub(crate) named: Vec<Ports>,
    /// Egress to anybody: endpoints that have a port that the rule names.
    pub(crate) owners: Vec<SelectorId>,
}

impl Compiled {
    /// A rule; `selector` gives the number of a selector.
    pub(crate) fn new(
        spec: &PolicySpec,
        rule: &Rule,
        direction: Direction,
        mut selector: impl FnMut(SelectorKey) -> SelectorId,
    ) -> Self {
        let named: Vec<Ports> = rule
            .ports
            .iter()
            .flatten()
            .filter(|port| matches!(port, Ports::Named(..)))
            .cloned()
            .collect();
        let mut owners = Vec::new();
        if direction == Direction::Egress && rule.peers.is_none() {
            for port in &named {
                if let Ports::Named(protocol, name) = port {
                    owners.push(selector(SelectorKey::Port(*protocol, name.clone())));
                }
            }
        }
        let peers = rule.peers.as_ref().map(|peers| {
            let targets = peers
                .iter()
                .filter_map(|peer| match (spec.peer(peer), peer) {
                    (Some(key), _) => Some(Target::Selector(selector(key))),
                    (None, Peer::Block(block)) => {
                        Some(Target::Block(Arc::new(BlockMatch::new(block.clone()))))
                    }
                    (None, _) => None,
                });
            targets.collect()
        });
        Self {
            number: 0,
            order: 0,
            action: rule.action,
            peers,
            fixed: match &rule.ports {
                None => Arc::clone(&EVERYTHING),
                Some(ports) => fixed(ports).collect(),
            },
            named,
            owners,
        }
    }

    /// The blocks that it names.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Arc<BlockMatch>> {
        self.peers.iter().flatten().filter_map(|peer| match peer {
            Target::Block(block) => Some(block),
            Target::Selector(_) => None,
        })
    }

    /// The selectors that it has a hold of.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = SelectorId> + '_ {
        let peers = self.peers.iter().flatten().filter_map(|peer| match peer {
            Target::Selector(id) => Some(*id),
            Target::Block(_) => None,
        });
        peers.chain(self.owners.iter().copied())
    }
}

/// A policy.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) name: ObjectName,
    pub(crate) spec: Arc<PolicySpec>,
    /// It only reports, by its own or its namespace's will.
    pub(crate) audit: bool,
    pub(crate) subject: SelectorId,
    /// By direction.
    pub(crate) rules: [Vec<Compiled>; 2],
    /// The sets that have it, by direction.
    pub(crate) users: [BTreeSet<SetId>; 2],
}

impl Policy {
    /// Names of ports that its rules of a direction have.
    pub(crate) fn port_names(&self, direction: Direction) -> impl Iterator<Item = &str> {
        let rules = self.rules[direction as usize].iter();
        rules
            .flat_map(|rule| &rule.named)
            .filter_map(|port| match port {
                Ports::Named(_, name) => Some(name.as_str()),
                Ports::All(_) | Ports::Range(..) => None,
            })
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    pub(crate) all: HashMap<PolicyId, Policy>,
    pub(crate) by_name: BTreeMap<ObjectName, PolicyId>,
    /// Cluster-wide ones in the order in which they are asked.
    pub(crate) levels: BTreeMap<(Tier, u16, String), PolicyId>,
    pub(crate) next: PolicyId,
}

impl Policies {
    /// Between which numbers the rules of a cluster-wide policy have to be.
    pub(crate) fn room(&self, policy: &ClusterPolicy, direction: Direction) -> (u32, u32) {
        let (low, high) = order::bounds(policy.priority);
        let own = (policy.tier, policy.priority, policy.name.clone());
        let first = (policy.tier, policy.priority, String::new());
        let rules = |id: &PolicyId| {
            let policy = self.all.get(id)?;
            Some(policy.rules[direction as usize].as_slice()).filter(|rules| !rules.is_empty())
        };
        let before = self.levels.range(first..own.clone()).rev();
        let below = before.filter_map(|(_, id)| rules(id)?.last()).next();
        let after = self
            .levels
            .range((std::ops::Bound::Excluded(own), std::ops::Bound::Unbounded))
            .take_while(|((tier, priority, _), _)| {
                (*tier, *priority) == (policy.tier, policy.priority)
            });
        let above = after.filter_map(|(_, id)| rules(id)?.first()).next();
        (
            below.map_or(low, |rule| rule.order),
            above.map_or(high, |rule| rule.order),
        )
    }

    /// The policies of one tier and priority, in order.
    pub(crate) fn level(&self, tier: Tier, priority: u16) -> Vec<PolicyId> {
        let from = (tier, priority, String::new());
        let level = self
            .levels
            .range(from..)
            .take_while(|(key, _)| (key.0, key.1) == (tier, priority));
        level.map(|(_, id)| *id).collect()
    }
}
