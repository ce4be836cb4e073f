//! Policies as they stand in every guide, and what people expect of them.

use fairway_policy::{
    Engine, Image, Limits,
    input::{Direction, Endpoint, EndpointId, Input},
    spec::{
        Action, Block, ClusterPolicy, Labels, NamedPort, Namespace, Namespaces, NetworkPolicy,
        Object, Operator, Peer, Ports, Protocol, Requirement, Rule, Selector, Tier,
    },
};
use std::{collections::BTreeSet, net::IpAddr};

pub(crate) const ROOM: Limits = Limits {
    addresses: 100,
    prefixes: 100,
    sets: 100,
    peers: 1000,
    ports: 1000,
};

/// Three namespaces x, y, z of three pods a, b, c each, all on this node: x/a is 10.0.0.1, z/c 10.0.0.9.
pub(crate) struct Bed {
    engine: Engine,
    image: Image,
}

pub(crate) fn all() -> Selector {
    Selector::default()
}

pub(crate) fn is(key: &str, value: &str) -> Selector {
    Selector {
        requirements: vec![Requirement {
            key: key.to_owned(),
            operator: Operator::In(BTreeSet::from([value.to_owned()])),
        }],
    }
}

fn labels(key: &str, value: &str) -> Labels {
    Labels::from([(key.to_owned(), value.to_owned())])
}

fn address(name: &str) -> IpAddr {
    let names = [
        "x/a", "x/b", "x/c", "y/a", "y/b", "y/c", "z/a", "z/b", "z/c",
    ];
    let at = names.iter().position(|known| *known == name);
    let text = at.map_or(name.to_owned(), |at| format!("10.0.0.{}", at + 1));
    text.parse().expect("an address")
}

pub(crate) fn id(name: &str) -> EndpointId {
    EndpointId {
        node: "here".to_owned(),
        container: name.to_owned(),
        ifname: "eth0".to_owned(),
        network: "default".to_owned(),
    }
}

pub(crate) fn endpoint(namespace: &str, pod: &str) -> Endpoint {
    let name = format!("{namespace}/{pod}");
    Endpoint {
        id: id(&name),
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        labels: labels("pod", pod),
        groups: BTreeSet::new(),
        ports: vec![NamedPort {
            name: "serve-80".to_owned(),
            protocol: Protocol::Tcp,
            // Each calls another port so.
            port: if pod == "a" { 80 } else { 81 },
        }],
        addresses: vec![address(&name)],
        local: true,
    }
}

impl Bed {
    fn new() -> Self {
        let mut bed = Self {
            engine: Engine::new(ROOM),
            image: Image::default(),
        };
        for namespace in ["x", "y", "z"] {
            bed.tell(Input::Object(Object::Namespace(Namespace {
                name: namespace.to_owned(),
                labels: labels("ns", namespace),
                audit: false,
            })));
            for pod in ["a", "b", "c"] {
                bed.tell(Input::Endpoint(endpoint(namespace, pod)));
            }
        }
        bed
    }

    fn tell(&mut self, input: Input) {
        self.engine.handle(input);
        for change in self.engine.changes().expect("there is room") {
            assert_eq!(self.image.apply(&change), Ok(()));
        }
    }

    fn with(policy: NetworkPolicy) -> Self {
        let mut bed = Self::new();
        bed.tell(Input::Object(Object::NetworkPolicy(policy)));
        bed
    }

    fn passes(&self, from: &str, to: &str, protocol: Protocol, port: u16) -> bool {
        let ask = |at: &str, direction, remote: &str| {
            let protocol = Some(protocol);
            let verdict = self
                .image
                .verdict(&id(at), direction, address(remote), protocol, port);
            verdict.is_none_or(|verdict| verdict.allowed)
        };
        ask(from, Direction::Egress, to) && ask(to, Direction::Ingress, from)
    }

    /// Who of all pods gets through to `to` by TCP port 80.
    fn reach(&self, to: &str) -> Vec<String> {
        let names = ["x", "y", "z"].into_iter().flat_map(|namespace| {
            ["a", "b", "c"]
                .into_iter()
                .map(move |pod| format!("{namespace}/{pod}"))
        });
        names
            .filter(|from| from != to && self.passes(from, to, Protocol::Tcp, 80))
            .collect()
    }
}

fn policy(pods: Selector, ingress: Option<Vec<Rule>>, egress: Option<Vec<Rule>>) -> NetworkPolicy {
    NetworkPolicy {
        namespace: "x".to_owned(),
        name: "recipe".to_owned(),
        pods,
        ingress,
        egress,
        audit: false,
    }
}

fn rule(peers: Option<Vec<Peer>>, ports: Option<Vec<Ports>>) -> Rule {
    Rule {
        name: None,
        action: Action::Accept,
        peers,
        ports,
    }
}

fn pods(namespaces: Namespaces, pods: Selector) -> Peer {
    Peer::Pods { namespaces, pods }
}

#[test]
fn deny_all_to_a_namespace() {
    let bed = Bed::with(policy(all(), Some(vec![]), None));
    assert!(bed.reach("x/a").is_empty());
    assert_eq!(
        bed.reach("y/a").len(),
        8,
        "others are as they were, x itself may go out"
    );
}

#[test]
fn deny_all_from_a_namespace() {
    let bed = Bed::with(policy(all(), None, Some(vec![])));
    assert_eq!(bed.reach("x/a").len(), 6, "only those of x cannot go out");
    assert_eq!(bed.reach("y/a").len(), 5);
    assert!(!bed.passes("x/a", "8.8.8.8", Protocol::Udp, 53));
}

#[test]
fn allow_all_is_a_rule_that_says_nothing() {
    let bed = Bed::with(policy(all(), Some(vec![rule(None, None)]), None));
    assert_eq!(bed.reach("x/a").len(), 8);
    assert!(bed.passes("8.8.8.8", "x/a", Protocol::Sctp, 7));
}

#[test]
fn a_list_of_no_peers_means_nobody() {
    let bed = Bed::with(policy(all(), Some(vec![rule(Some(vec![]), None)]), None));
    assert!(bed.reach("x/a").is_empty());
}

#[test]
fn pods_of_the_same_namespace() {
    let from = vec![pods(Namespaces::Own, all())];
    let bed = Bed::with(policy(
        is("pod", "a"),
        Some(vec![rule(Some(from), None)]),
        None,
    ));
    assert_eq!(bed.reach("x/a"), ["x/b", "x/c"]);
    assert!(!bed.passes("8.8.8.8", "x/a", Protocol::Tcp, 80));
    assert_eq!(bed.reach("x/b").len(), 8, "it is not selected");
}

#[test]
fn all_of_a_namespace() {
    let from = vec![pods(Namespaces::Matching(is("ns", "y")), all())];
    let bed = Bed::with(policy(all(), Some(vec![rule(Some(from), None)]), None));
    assert_eq!(bed.reach("x/a"), ["y/a", "y/b", "y/c"]);
}

#[test]
fn both_selectors_in_one_peer_are_and_in_two_are_or() {
    let and = vec![pods(Namespaces::Matching(is("ns", "y")), is("pod", "b"))];
    let bed = Bed::with(policy(all(), Some(vec![rule(Some(and), None)]), None));
    assert_eq!(bed.reach("x/a"), ["y/b"]);
    let or = vec![
        pods(Namespaces::Matching(is("ns", "y")), all()),
        pods(Namespaces::Own, is("pod", "b")),
    ];
    let bed = Bed::with(policy(all(), Some(vec![rule(Some(or), None)]), None));
    assert_eq!(bed.reach("x/a"), ["x/b", "y/a", "y/b", "y/c"]);
}

#[test]
fn a_range_of_ports_ends_where_it_ends() {
    let ports = vec![Ports::Range(Protocol::Tcp, 80, 95)];
    let bed = Bed::with(policy(all(), Some(vec![rule(None, Some(ports))]), None));
    let open = |port| bed.passes("y/a", "x/a", Protocol::Tcp, port);
    assert_eq!(
        [79, 80, 88, 95, 96].map(open),
        [false, true, true, true, false]
    );
    assert!(!bed.passes("y/a", "x/a", Protocol::Udp, 80));
}

#[test]
fn a_name_means_what_the_receiver_calls_so() {
    let named = || {
        Some(vec![Ports::Named(
            Some(Protocol::Tcp),
            "serve-80".to_owned(),
        )])
    };
    let bed = Bed::with(policy(all(), Some(vec![rule(None, named())]), None));
    let open = |to, port| bed.passes("y/a", to, Protocol::Tcp, port);
    assert!(open("x/a", 80) && !open("x/a", 81) && open("x/b", 81) && !open("x/b", 80));
    let bed = Bed::with(policy(all(), None, Some(vec![rule(None, named())])));
    let open = |to, port| bed.passes("x/a", to, Protocol::Tcp, port);
    assert!(open("y/a", 80) && !open("y/a", 81) && open("y/b", 81) && !open("y/b", 80));
    assert!(
        !open("8.8.8.8", 80),
        "nobody is known to call anything so there"
    );
}

#[test]
fn a_block_but_for_a_part_of_it() {
    let block = |cidr: &str, except: &[&str]| {
        Peer::Block(Block {
            cidr: cidr.parse().expect("a prefix"),
            except: except
                .iter()
                .map(|net| net.parse().expect("a prefix"))
                .collect(),
        })
    };
    let to = vec![
        block("10.0.0.0/24", &["10.0.0.4/30"]),
        block("10.0.0.5/32", &[]),
    ];
    let bed = Bed::with(policy(all(), None, Some(vec![rule(Some(to), None)])));
    let open = |to: &str| bed.passes("x/a", to, Protocol::Tcp, 80);
    // 10.0.0.4 to .7 are y/a, y/b, y/c and z/a; .5 is named by itself.
    assert_eq!(
        [
            "x/b",
            "y/a",
            "y/b",
            "y/c",
            "z/a",
            "z/b",
            "8.8.8.8",
            "10.0.0.77"
        ]
        .map(open),
        [true, false, true, false, false, true, false, true]
    );
}

#[test]
fn tiers_are_asked_in_their_order() {
    let mut bed = Bed::with(policy(all(), Some(vec![rule(None, None)]), None));
    let cluster = |tier, priority, name: &str, action, from: &str| {
        let peers = vec![pods(Namespaces::Matching(is("ns", from)), all())];
        Input::Object(Object::ClusterPolicy(ClusterPolicy {
            name: name.to_owned(),
            tier,
            priority,
            namespaces: all(),
            pods: is("pod", "a"),
            ingress: vec![Rule {
                action,
                ..rule(Some(peers), None)
            }],
            egress: vec![],
            audit: false,
        }))
    };
    bed.tell(cluster(Tier::Admin, 10, "deny-y", Action::Deny, "y"));
    assert_eq!(bed.reach("x/a"), ["x/b", "x/c", "z/a", "z/b", "z/c"]);
    bed.tell(cluster(Tier::Admin, 5, "pass-y", Action::Pass, "y"));
    assert_eq!(
        bed.reach("x/a").len(),
        8,
        "passed on to the namespace's own policy"
    );
    assert_eq!(bed.reach("z/a").len(), 8, "passed on where there is none");
    bed.tell(cluster(Tier::Baseline, 0, "deny-x", Action::Deny, "x"));
    assert_eq!(
        bed.reach("x/a").len(),
        8,
        "the namespace has its own policy"
    );
    assert_eq!(bed.reach("z/a").len(), 5, "here there is none");
}

#[test]
fn only_a_common_group_gets_in() {
    let mut bed = Bed::new();
    for (pod, groups) in [("a", vec!["g"]), ("b", vec!["g", "h"]), ("c", vec!["h"])] {
        bed.tell(Input::Endpoint(Endpoint {
            groups: groups.into_iter().map(str::to_owned).collect(),
            ..endpoint("x", pod)
        }));
    }
    assert_eq!(bed.reach("x/a"), ["x/b"]);
    assert_eq!(bed.reach("x/b"), ["x/a", "x/c"]);
    assert_eq!(
        bed.reach("y/a").len(),
        8,
        "it says nothing of packets from them"
    );
}

#[test]
fn audit_refuses_nothing_and_tells() {
    let bed = Bed::with(NetworkPolicy {
        audit: true,
        ..policy(all(), Some(vec![]), None)
    });
    assert_eq!(bed.reach("x/a").len(), 8);
    let tcp = Some(Protocol::Tcp);
    let at = |name| {
        bed.image
            .verdict(&id(name), Direction::Ingress, address("y/b"), tcp, 80)
    };
    let audited = at("x/a").and_then(|verdict| verdict.audited);
    let rule = audited
        .and_then(|rule| bed.engine.rule(rule))
        .expect("a rule");
    assert_eq!(
        rule.policy.map(|policy| policy.name).as_deref(),
        Some("recipe")
    );
    assert_eq!(rule.index, None);
    assert_eq!(at("y/a").and_then(|verdict| verdict.audited), None);
}
