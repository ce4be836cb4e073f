//! All policies, whom they select, and what is odd about them.

use crate::{
    engine::Engine,
    explanation::Stage,
    input::{Direction, Number},
    policy::{self, Compiled, Policy, PolicySpec, Target},
    ports::named,
    selector::SelectorId,
    spec::{Block, NamedPort, ObjectName, Ports},
    wanted::Wanted,
};
use ipnetwork::IpNetwork;
use serde::Serialize;

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyRow {
    /// Which.
    pub policy: ObjectName,
    /// When it is asked.
    pub stage: Stage,
    /// Of a cluster-wide one: the less, the earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// It only reports, by its own or its namespace's will.
    pub audit: bool,
    /// How many rules for packets to those it selects; `None`: it says nothing about them.
    pub ingress: Option<usize>,
    /// How many for packets from them.
    pub egress: Option<usize>,
    /// How many endpoints of this node it selects.
    pub here: usize,
    /// How many in the cluster.
    pub everywhere: usize,
    /// What is odd about it.
    pub problems: Vec<Problem>,
}

/// Something that is allowed, and hardly meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Nobody who receives has a port of that name.
    #[error("{direction:?} rule {rule}: nobody has a port named {port:?}")]
    NoSuchPort {
        /// Of packets to or from whom it selects.
        direction: Direction,
        /// Which rule, from 0.
        rule: usize,
        /// The name.
        port: String,
    },
    /// A name in a rule that means addresses: it is not known who calls what so.
    #[error("{direction:?} rule {rule}: port {port:?} has a name, and the peers are addresses")]
    NameOfBlock {
        /// Of packets to or from whom it selects.
        direction: Direction,
        /// Which rule, from 0.
        rule: usize,
        /// The name.
        port: String,
    },
    /// Its exceptions leave nothing of a block.
    #[error("{direction:?} rule {rule}: nothing is left of {cidr} but exceptions")]
    EmptyBlock {
        /// Of packets to or from whom it selects.
        direction: Direction,
        /// Which rule, from 0.
        rule: usize,
        /// The block.
        #[serde(serialize_with = "as_text")]
        cidr: IpNetwork,
    },
}

fn as_text<S: serde::Serializer>(net: &IpNetwork, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(net)
}

impl Engine {
    /// All policies in the order in which they are asked: administrators', network, baseline.
    pub fn policies(&self) -> Vec<PolicyRow> {
        let wanted = &self.wanted;
        let mut rows: Vec<PolicyRow> = wanted
            .policies
            .all
            .values()
            .map(|it| row(wanted, it))
            .collect();
        rows.sort_by(|a, b| {
            let key = |row: &PolicyRow| (row.stage, row.priority);
            key(a).cmp(&key(b)).then_with(|| a.policy.cmp(&b.policy))
        });
        rows
    }
}

fn row(wanted: &Wanted, policy: &Policy) -> PolicyRow {
    let slot = wanted.selectors.get(policy.subject);
    let members = slot.into_iter().flat_map(|slot| &slot.members);
    let members = members.filter_map(|number| wanted.identities.get(*number));
    let (here, everywhere) = members.fold((0, 0), |(here, everywhere), who| {
        (here + who.locals.len(), everywhere + who.count)
    });
    let count = |direction| policy.spec.rules(direction).map(<[_]>::len);
    let mut problems = Vec::new();
    for direction in Direction::BOTH {
        for (at, rule) in policy.rules[direction as usize].iter().enumerate() {
            odd(wanted, policy, (direction, at), rule, &mut problems);
        }
    }
    PolicyRow {
        policy: policy.name.clone(),
        stage: match policy.spec.stage() {
            policy::Stage::High => Stage::Admin,
            policy::Stage::Network => Stage::Network,
            policy::Stage::Baseline => Stage::Baseline,
        },
        priority: match &*policy.spec {
            PolicySpec::Cluster(policy) => Some(policy.priority),
            PolicySpec::Network(_) => None,
        },
        audit: policy.audit,
        ingress: count(Direction::Ingress),
        egress: count(Direction::Egress),
        here,
        everywhere,
        problems,
    }
}

fn odd(
    wanted: &Wanted,
    policy: &Policy,
    (direction, rule): (Direction, usize),
    compiled: &Compiled,
    problems: &mut Vec<Problem>,
) {
    let targets = compiled.peers.iter().flatten();
    for target in targets.clone() {
        if let Target::Block(block) = target
            && is_covered(block.block.cidr, &block.block)
        {
            problems.push(Problem::EmptyBlock {
                direction,
                rule,
                cidr: block.block.cidr,
            });
        }
    }
    let selectors = targets.filter_map(|target| match target {
        Target::Selector(id) => Some(*id),
        Target::Block(_) => None,
    });
    let receivers: Vec<SelectorId> = match (direction, &compiled.peers) {
        (Direction::Ingress, _) => vec![policy.subject],
        (Direction::Egress, None) => compiled.owners.clone(),
        (Direction::Egress, Some(_)) => selectors.collect(),
    };
    for port in &compiled.named {
        let Ports::Named(_, name) = port else {
            continue;
        };
        let port_name = name.clone();
        if receivers.is_empty() {
            let block = compiled
                .peers
                .as_ref()
                .is_some_and(|peers| !peers.is_empty());
            if block {
                problems.push(Problem::NameOfBlock {
                    direction,
                    rule,
                    port: port_name,
                });
            }
            continue;
        }
        let mut owners = receivers.iter().flat_map(|id| members(wanted, *id));
        if !owners.any(|owned| named(std::slice::from_ref(port), owned).next().is_some()) {
            problems.push(Problem::NoSuchPort {
                direction,
                rule,
                port: port_name,
            });
        }
    }
}

fn members(wanted: &Wanted, id: SelectorId) -> impl Iterator<Item = &[NamedPort]> {
    let slot = wanted.selectors.get(id);
    let members = slot.into_iter().flat_map(|slot| slot.members.iter());
    let who = |number: &Number| wanted.identities.get(*number);
    members.filter_map(who).map(|who| who.key.ports())
}

/// Do exceptions leave nothing of `net`?
fn is_covered(net: IpNetwork, block: &Block) -> bool {
    let within = |outer: IpNetwork, inner: IpNetwork| {
        outer.prefix() <= inner.prefix() && outer.contains(inner.ip())
    };
    if block.except.iter().any(|except| within(*except, net)) {
        return true;
    }
    if !block.except.iter().any(|except| within(net, *except)) {
        return false;
    }
    let halves = halves(net);
    !halves.is_empty() && halves.into_iter().all(|half| is_covered(half, block))
}

fn halves(net: IpNetwork) -> Vec<IpNetwork> {
    let length = net.prefix() + 1;
    let upper = match net {
        IpNetwork::V4(net) if length <= 32 => (u32::from(net.ip()) | 1 << (32 - length))
            .to_be_bytes()
            .to_vec(),
        IpNetwork::V6(net) if length <= 128 => (u128::from(net.ip()) | 1 << (128 - length))
            .to_be_bytes()
            .to_vec(),
        _ => return Vec::new(),
    };
    let upper = match (<[u8; 4]>::try_from(&*upper), <[u8; 16]>::try_from(&*upper)) {
        (Ok(octets), _) => Some(octets.into()),
        (_, Ok(octets)) => Some(octets.into()),
        _ => None,
    };
    let halves = [Some(net.ip()), upper].into_iter().flatten();
    halves
        .filter_map(|address| IpNetwork::new(address, length).ok())
        .collect()
}
