//! Random histories, and what is so at their end.

use super::world::*;
use crate::{
    Encap, Input, Rib,
    route::{Key, Target},
};
use fairway_ipam::{Millis, NodeName, PoolName};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Few names and addresses, so that they meet.
const NODES: [&str; 4] = ["n0", "n1", "n2", "n3"];
const NETWORKS: [&str; 3] = ["a", "b", "c"];
const POOLS: [&str; 3] = ["p", "q", "r"];
const IPS: [&str; 6] = [
    "10.1.0.1",
    "10.1.0.2",
    "10.1.1.1",
    "10.1.1.65",
    "fd01::1",
    "fd01::41",
];
const BLOCKS: [&str; 6] = [
    "10.1.0.0/26",
    "10.1.1.0/26",
    "10.1.1.64/26",
    "fd01::/122",
    "fd01::40/122",
    "10.1.0.2/32",
];
const NETS: [&str; 5] = [
    "0.0.0.0/0",
    "::/0",
    "10.1.0.0/16",
    "10.1.1.0/26",
    "10.1.0.1/32",
];

fn one<T: Copy + std::fmt::Debug + 'static>(
    from: &'static [T],
) -> impl Strategy<Value = T> + Clone {
    proptest::sample::select(from)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::Unreachable),
        Just(Target::Blackhole),
        one(&["192.0.2.1", "192.0.2.2"]).prop_map(|ip| Target::Gateway(gateway(ip))),
        (one(&NODES), encap()).prop_map(|(node, encap)| Target::Node {
            node: name(node),
            encap
        }),
    ]
}

fn encap() -> impl Strategy<Value = Encap> {
    one(&[Encap::Always, Encap::CrossSubnet, Encap::Never])
}

fn underlays() -> impl Strategy<Value = Vec<&'static str>> {
    let v4 = one(&["192.0.2.10/24", "192.0.2.11/24", "198.51.100.12/24"]);
    let v6 = one(&["fd00:a::10/64", "fd00:a::11/64", "fd00:b::12/64"]);
    prop_oneof![
        v4.clone().prop_map(|v4| vec![v4]),
        v6.clone().prop_map(|v6| vec![v6]),
        (v4, v6).prop_map(|(v4, v6)| vec![v4, v6]),
    ]
}

fn ips() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(IPS.to_vec(), 1..=2)
}

fn any_route() -> impl Strategy<Value = Input> {
    prop_oneof![
        (one(&NETWORKS), one(&["c1", "c2"]), ips(), 0..3u64)
            .prop_map(|(net, id, ips, seq)| container(net, id, &ips, seq)),
        (one(&POOLS), one(&BLOCKS), one(&NODES)).prop_map(|(p, b, n)| block(p, b, n)),
        (one(&POOLS), one(&["x", "y"]), ips(), one(&NODES))
            .prop_map(|(pool, c, ips, node)| claim(pool, c, &ips, node)),
        (
            one(&NETWORKS),
            one(&["s", "t"]),
            one(&NETS),
            0..2u32,
            target()
        )
            .prop_map(|(net, s, to, metric, target)| fixed(net, s, to, metric, target)),
        (
            one(&NETWORKS),
            one(&["192.0.2.1", "fd00:a::1"]),
            one(&NETS),
            0..2u32,
            0..2u16,
            0..2u32
        )
            .prop_map(|(net, peer, to, a, b, c)| bgp(net, peer, to, (a, b, c))),
    ]
    .prop_map(add)
}

/// Anything but the time and the nodes' going.
fn any_fact() -> impl Strategy<Value = Input> {
    let imports = proptest::sample::subsequence(NETWORKS.to_vec(), 0..=2);
    prop_oneof![
        6 => any_route(),
        2 => (one(&NODES), one(&[1300, 1500]), underlays())
            .prop_map(|(n, mtu, underlays)| node(n, mtu, &underlays)),
        1 => (one(&NETWORKS), one(&[7, 8, 9]), 1..3u64, imports).prop_map(
            |(net, vni, created, imports)| {
                let others: Vec<_> = imports.into_iter().filter(|i| *i != net).collect();
                network(net, vni, created, &others)
            }
        ),
        1 => (one(&POOLS), one(&NETWORKS), encap()).prop_map(|(p, net, e)| pool(p, net, e)),
    ]
}

/// One step of a history.
pub(super) fn any_step() -> impl Strategy<Value = Input> {
    let gone = any_fact().prop_filter_map("nodes go otherwise", |fact| undo(&fact));
    prop_oneof![
        8 => any_fact(),
        3 => gone,
        1 => one(&NODES).prop_map(|n| Input::NodeLost { node: name(n), now: Millis(0) }),
        1 => one(&NODES).prop_map(|n| Input::NodeLeft(name(n))),
        1 => (0..200_000u64).prop_map(|now| Input::Tick(Millis(now))),
    ]
}

/// What takes a fact back; nothing takes a node back at once.
pub(super) fn undo(fact: &Input) -> Option<Input> {
    match fact {
        Input::Route(route) => Some(Input::Withdraw(route.key())),
        Input::Network(network) => Some(Input::NetworkGone(network.name().clone())),
        Input::Pool(pool) => Some(Input::PoolGone(pool.pool.clone())),
        _ => None,
    }
}

/// A history; some nodes, networks and pools are there from the start.
pub(super) fn any_history() -> impl Strategy<Value = Vec<Input>> {
    let steps = proptest::collection::vec(any_step(), 1..60);
    steps.prop_map(|steps| {
        let mut history = vec![
            node("n0", 1500, &["192.0.2.10/24", "fd00:a::10/64"]),
            node("n1", 1500, &["192.0.2.11/24"]),
            network("a", 7, 1, &["b"]),
            network("b", 8, 1, &[]),
            pool("p", "a", Encap::CrossSubnet),
            pool("q", "b", Encap::Always),
        ];
        history.extend(steps);
        history
    })
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Node(NodeName),
    Network(crate::NetworkName),
    Pool(PoolName),
    Route(Key),
}

/// What is so at the end of a history, each fact once. Nodes that went are not there.
pub(super) fn facts(history: &[Input]) -> Vec<Input> {
    let mut facts = BTreeMap::new();
    for input in history {
        let subject = match input {
            Input::Node(node) => Subject::Node(node.name().clone()),
            Input::NodeLost { node, .. } | Input::NodeLeft(node) => Subject::Node(node.clone()),
            Input::Network(network) => Subject::Network(network.name().clone()),
            Input::NetworkGone(name) => Subject::Network(name.clone()),
            Input::Pool(pool) => Subject::Pool(pool.pool.clone()),
            Input::PoolGone(name) => Subject::Pool(name.clone()),
            Input::Route(route) => Subject::Route(route.key()),
            Input::Withdraw(key) => Subject::Route(key.clone()),
            Input::Tick(_) => continue,
        };
        match input {
            Input::NodeLost { node, .. } | Input::NodeLeft(node) if *node == name("n0") => {}
            Input::Node(_) | Input::Network(_) | Input::Pool(_) | Input::Route(_) => {
                facts.insert(subject, input.clone());
            }
            _ => {
                facts.remove(&subject);
            }
        }
    }
    facts.into_values().collect()
}

pub(super) fn fresh() -> Rib {
    Rib::new(name("n0"), GRACE)
}

/// Long after everything.
pub(super) fn the_end() -> Input {
    Input::Tick(Millis(1_000_000_000))
}

/// All that can be asked: entries, problems, and what is said of each address.
pub(super) fn all_said(rib: &Rib) -> String {
    let mut said = format!("{:#?}\n{:?}\n", rib.snapshot(), rib.problems());
    for network in NETWORKS {
        for address in IPS {
            let explained = rib.explain(&net(network), ip(address));
            said += &format!("{network} {address} {explained:?}\n");
        }
    }
    said
}
