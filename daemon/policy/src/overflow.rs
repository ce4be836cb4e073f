//! What is wanted does not fit into the dataplane's maps.

use crate::{
    input::{Direction, EndpointId},
    placed::{Op, Placed, Resource},
    plan::Full,
    policy::Policy,
    spec::ObjectName,
    wanted::Wanted,
};
use ipnetwork::IpNetwork;
use serde::Serialize;

/// Who or what was the one too many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// An object.
    Object(ObjectName),
    /// An endpoint.
    Endpoint(EndpointId),
    /// A node, by name.
    Node(String),
    /// Groups, by a group's name.
    Group(String),
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Object(object) if object.namespace.is_empty() => {
                write!(f, "{:?} {}", object.kind, object.name)
            }
            Cause::Object(object) => {
                write!(f, "{:?} {}/{}", object.kind, object.namespace, object.name)
            }
            Cause::Endpoint(id) => write!(
                f,
                "{} of container {} on node {}",
                id.ifname, id.container, id.node
            ),
            Cause::Node(name) => write!(f, "node {name}"),
            Cause::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// See the module's head. The dataplane keeps what it had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("policies need {wanted} {what}, and {limit} fit; the last that came is for {because_of}")]
pub struct Overflow {
    /// Which map.
    pub what: Resource,
    /// How many entries would be needed.
    pub wanted: usize,
    /// How many there can be.
    pub limit: usize,
    /// The one for which there was no room.
    pub because_of: Cause,
}

pub(crate) fn overflow(full: &Full, wanted: &Wanted, placed: &Placed) -> Overflow {
    let what = full.resource;
    let limit = placed.limits.of(what);
    let sets = || wanted.sets.all.values().filter(|set| !set.users.is_empty());
    let needed = match what {
        Resource::Addresses => wanted.claims.len(),
        Resource::Prefixes => {
            let nets = wanted.universe.iter();
            let v6 = nets.filter(|(net, _)| net.is_ipv6()).count();
            v6.max(wanted.universe.iter().count() - v6)
        }
        Resource::Sets => sets().count(),
        Resource::Peers => sets().map(|set| set.content.peers.len()).sum(),
        Resource::Ports => wanted.tables.wanted_entries(),
    };
    Overflow {
        what,
        // It would fit in the end, but not beside what it replaces.
        wanted: needed.max(limit + 1),
        limit,
        because_of: cause(full, wanted),
    }
}

fn cause(full: &Full, wanted: &Wanted) -> Cause {
    use crate::address::Claim;
    if let Op::Address(address, _) = &full.op {
        match wanted.claims.first(*address) {
            Some(Claim::Here(name) | Claim::Node(name)) => return Cause::Node(name.clone()),
            Some(Claim::Local(id) | Claim::Remote(id)) => {
                return Cause::Endpoint(EndpointId::clone(id));
            }
            None => {}
        }
    }
    let net = match &full.op {
        Op::Prefix(net, _) => Some(*net),
        Op::Peer(_, peer, _) => wanted.dirty.prefixes.get(peer).map(|(net, _)| *net),
        _ => None,
    };
    if let Some(policy) = net.and_then(|net| speaker(wanted, net)) {
        return Cause::Object(policy.name.clone());
    }
    let set = full.set.and_then(|id| wanted.sets.all.get(&id));
    let policies = set.map(|set| (set.key.direction, set.key.high.iter().chain(&set.key.low)));
    let largest = policies.and_then(|(direction, ids)| {
        ids.filter_map(|id| wanted.policies.all.get(id))
            .max_by_key(|policy| policy.rules[direction as usize].len())
    });
    if let Some(policy) = largest {
        return Cause::Object(policy.name.clone());
    }
    let group = set.and_then(|set| set.key.groups.first());
    let newest = wanted.policies.all.iter().max_by_key(|(id, _)| **id);
    match (group, newest.map(|(_, policy)| policy)) {
        (Some(group), _) => Cause::Group(group.clone()),
        (None, Some(policy)) => Cause::Object(policy.name.clone()),
        (None, None) => Cause::Group(String::new()),
    }
}

/// The newest policy that names a prefix.
fn speaker(wanted: &Wanted, net: IpNetwork) -> Option<&Policy> {
    let speaks = |policy: &Policy| {
        Direction::BOTH.into_iter().any(|direction| {
            let mut blocks = policy.spec.blocks(direction);
            blocks.any(|block| block.cidr == net || block.except.contains(&net))
        })
    };
    let policies = wanted.policies.all.iter();
    let speakers = policies.filter(|(_, policy)| speaks(policy));
    let newest = speakers.max_by_key(|(id, _)| **id);
    newest.map(|(_, policy)| policy)
}
