//! Tier by tier, rule by rule: may a packet pass?

use super::{Holder, World};
use crate::{
    input::{Direction, Endpoint, Packet},
    spec::{Action, Block, ClusterPolicy, Namespaces, Peer, Ports, Rule, Tier},
};
use std::net::IpAddr;

/// May this packet pass here?
pub(super) struct Question<'a> {
    pub(super) world: &'a World,
    pub(super) subject: &'a Endpoint,
    pub(super) direction: Direction,
    pub(super) remote: IpAddr,
    pub(super) holder: Option<Holder<'a>>,
    pub(super) packet: Packet,
}

impl Question<'_> {
    /// `all`: as if nothing were in audit.
    pub(super) fn allowed(&self, all: bool) -> bool {
        match self.first(Tier::Admin, all) {
            Some(Action::Accept) => return true,
            Some(Action::Deny) => return false,
            Some(Action::Pass) | None => {}
        }
        if let Some(allowed) = self.network(all) {
            return allowed;
        }
        self.first(Tier::Baseline, all) != Some(Action::Deny)
    }

    /// What the first rule of a tier that fits says.
    fn first(&self, tier: Tier, all: bool) -> Option<Action> {
        let labels = self.world.labels(self.subject);
        let mut policies: Vec<&ClusterPolicy> = self
            .world
            .cluster
            .values()
            .filter(|policy| policy.tier == tier && (all || !policy.audit))
            .filter(|policy| {
                policy.pods.fits(&labels)
                    && self
                        .world
                        .namespace_fits(&self.subject.namespace, &policy.namespaces)
            })
            .collect();
        policies.sort_by_key(|policy| (policy.priority, &policy.name));
        let rules = policies
            .into_iter()
            .flat_map(|policy| match self.direction {
                Direction::Ingress => &policy.ingress,
                Direction::Egress => &policy.egress,
            });
        let mut rules = rules.filter(|rule| self.rule_fits(rule, None));
        rules.next().map(|rule| rule.action)
    }

    /// What network policies and groups say; `None`: none is for this endpoint.
    fn network(&self, all: bool) -> Option<bool> {
        let world = self.world;
        let labels = world.labels(self.subject);
        let mut isolated = false;
        let mut allowed = false;
        for policy in world.network.values() {
            let namespace = world.namespaces.get(&policy.namespace);
            let audit = policy.audit || namespace.is_some_and(|namespace| namespace.audit);
            if audit && !all
                || policy.namespace != self.subject.namespace
                || !policy.pods.fits(&labels)
            {
                continue;
            }
            let rules = match self.direction {
                Direction::Ingress => &policy.ingress,
                Direction::Egress => &policy.egress,
            };
            let Some(rules) = rules else { continue };
            isolated = true;
            allowed |= rules
                .iter()
                .any(|rule| self.rule_fits(rule, Some(&policy.namespace)));
        }
        if self.direction == Direction::Ingress && !self.subject.groups.is_empty() {
            isolated = true;
            allowed |= match &self.holder {
                Some(Holder::Endpoint(peer)) => !peer.groups.is_disjoint(&self.subject.groups),
                _ => false,
            };
        }
        isolated.then_some(allowed)
    }

    /// `own`: the namespace of its policy.
    fn rule_fits(&self, rule: &Rule, own: Option<&str>) -> bool {
        match &rule.peers {
            None => self.ports_fit(rule, self.holder.as_ref()),
            Some(peers) => peers.iter().any(|peer| {
                // Who is meant by address is not asked for names.
                let owner = match peer {
                    Peer::Block(_) => None,
                    Peer::Pods { .. } | Peer::Nodes(_) => self.holder.as_ref(),
                };
                self.peer_fits(peer, own) && self.ports_fit(rule, owner)
            }),
        }
    }

    fn peer_fits(&self, peer: &Peer, own: Option<&str>) -> bool {
        match (peer, &self.holder) {
            (Peer::Block(block), _) => in_block(block, self.remote),
            (Peer::Nodes(nodes), Some(Holder::Node(node))) => nodes.fits(&node.labels),
            (Peer::Pods { namespaces, pods }, Some(Holder::Endpoint(endpoint))) => {
                let there = match (namespaces, own) {
                    (Namespaces::Own, Some(own)) => endpoint.namespace == own,
                    (Namespaces::Own, None) => true,
                    (Namespaces::Matching(selector), own) => {
                        (own.is_none() || !endpoint.namespace.is_empty())
                            && self.world.namespace_fits(&endpoint.namespace, selector)
                    }
                };
                there && pods.fits(&self.world.labels(endpoint))
            }
            _ => false,
        }
    }

    fn ports_fit(&self, rule: &Rule, peer: Option<&Holder<'_>>) -> bool {
        let Some(ports) = &rule.ports else {
            return true;
        };
        let Some(protocol) = self.packet.protocol else {
            return false;
        };
        // A name means what the one who receives calls so.
        let names = match (self.direction, peer) {
            (Direction::Ingress, _) => self.world.ports(self.subject),
            (Direction::Egress, Some(Holder::Endpoint(peer))) => self.world.ports(peer),
            (Direction::Egress, _) => Vec::new(),
        };
        ports.iter().any(|port| match port {
            Ports::All(of) => *of == protocol,
            Ports::Range(of, first, last) => {
                *of == protocol && (*first..=*last).contains(&self.packet.port)
            }
            Ports::Named(of, name) => {
                of.is_none_or(|of| of == protocol)
                    && names.iter().any(|own| {
                        (own.name == *name && own.protocol == protocol)
                            && own.port == self.packet.port
                    })
            }
        })
    }
}

fn in_block(block: &Block, address: IpAddr) -> bool {
    block.cidr.contains(address) && !block.except.iter().any(|net| net.contains(address))
}
