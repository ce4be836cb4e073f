//! Small random worlds: few names, so that things meet.

use fairway_policy::{
    input::{Endpoint, EndpointId, Input, Node, Packet},
    spec::{
        Action, Block, ClusterPolicy, Kind, Labels, NamedPort, Namespace, Namespaces,
        NetworkPolicy, Object, ObjectName, Operator, Peer, Pod, Ports, Protocol, Requirement, Rule,
        Selector, Tier,
    },
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::{collections::BTreeSet, net::IpAddr};

const NETS: [&str; 11] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/24",
    "10.0.0.0/29",
    "10.0.0.4/30",
    "10.0.0.5/32",
    "192.168.0.0/16",
    "::/0",
    "fd00::/64",
    "fd00::4/126",
    "fd00::5/128",
];

/// All addresses that anybody asks about.
pub(crate) fn remotes() -> Vec<IpAddr> {
    let v4 = (1..=8).map(|n| format!("10.0.0.{n}"));
    let v6 = (4..=6).map(|n| format!("fd00::{n}"));
    let others = [
        "10.1.0.1",
        "10.1.0.2",
        "192.168.7.7",
        "8.8.8.8",
        "2001:db8::1",
    ];
    let all = v4.chain(v6).chain(others.map(str::to_owned));
    all.map(|address| address.parse().expect("an address"))
        .collect()
}

/// Packets at the edges of what rules say.
pub(crate) fn packets() -> Vec<Packet> {
    let ports = [1, 53, 79, 80, 81, 443, 8080, 65535];
    let mut packets = vec![Packet {
        protocol: None,
        port: 0,
    }];
    for port in ports {
        packets.push(Packet {
            protocol: Some(Protocol::Tcp),
            port,
        });
    }
    for (protocol, port) in [
        (Protocol::Udp, 53),
        (Protocol::Udp, 80),
        (Protocol::Sctp, 80),
    ] {
        packets.push(Packet {
            protocol: Some(protocol),
            port,
        });
    }
    packets
}

fn labels() -> impl Strategy<Value = Labels> {
    let pair = (select(vec!["x", "y"]), select(vec!["1", "2"]));
    vec(pair, 0..3).prop_map(|pairs| {
        let pairs = pairs.into_iter();
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    })
}

fn selector() -> impl Strategy<Value = Selector> {
    let values = vec(select(vec!["1", "2", "3"]), 0..3).prop_map(|values| {
        let values = values.into_iter().map(str::to_owned);
        values.collect::<BTreeSet<String>>()
    });
    let operator = prop_oneof![
        4 => values.clone().prop_map(Operator::In),
        1 => values.prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::Absent),
    ];
    let requirement = (select(vec!["x", "y"]), operator).prop_map(|(key, operator)| Requirement {
        key: key.to_owned(),
        operator,
    });
    let named = select(vec!["a", "b", "c"]).prop_map(|name| Selector {
        requirements: vec![Requirement {
            key: "kubernetes.io/metadata.name".to_owned(),
            operator: Operator::In(BTreeSet::from([name.to_owned()])),
        }],
    });
    prop_oneof![
        4 => vec(requirement, 0..2).prop_map(|requirements| Selector { requirements }),
        1 => named,
    ]
}

fn protocol() -> impl Strategy<Value = Protocol> {
    select(vec![
        Protocol::Tcp,
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Sctp,
    ])
}

fn port_name() -> impl Strategy<Value = String> {
    select(vec!["web", "dns"]).prop_map(str::to_owned)
}

fn ports() -> impl Strategy<Value = Ports> {
    let edge = select(vec![1u16, 53, 80, 81, 443, 8080, 65535]);
    prop_oneof![
        1 => protocol().prop_map(Ports::All),
        3 => (protocol(), edge.clone()).prop_map(|(of, port)| Ports::Range(of, port, port)),
        2 => (protocol(), edge.clone(), edge)
            .prop_map(|(of, a, b)| Ports::Range(of, a.min(b), a.max(b))),
        2 => (option::of(protocol()), port_name()).prop_map(|(of, name)| Ports::Named(of, name)),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let net = || {
        select(NETS.to_vec()).prop_map(|net| net.parse::<ipnetwork::IpNetwork>().expect("a prefix"))
    };
    (net(), vec(net(), 0..3)).prop_map(|(cidr, others)| {
        let within = others.into_iter().filter(|net| {
            net.is_ipv4() == cidr.is_ipv4()
                && net.prefix() >= cidr.prefix()
                && cidr.contains(net.ip())
        });
        Block {
            cidr,
            except: within.collect(),
        }
    })
}

fn peer() -> impl Strategy<Value = Peer> {
    let namespaces = prop_oneof![
        Just(Namespaces::Own),
        selector().prop_map(Namespaces::Matching)
    ];
    prop_oneof![
        4 => (namespaces, selector()).prop_map(|(namespaces, pods)| Peer::Pods { namespaces, pods }),
        3 => block().prop_map(Peer::Block),
        1 => selector().prop_map(Peer::Nodes),
    ]
}

fn rule(action: impl Strategy<Value = Action>) -> impl Strategy<Value = Rule> {
    (
        action,
        option::weighted(0.8, vec(peer(), 0..3)),
        option::weighted(0.6, vec(ports(), 0..3)),
    )
        .prop_map(|(action, peers, ports)| Rule {
            name: None,
            action,
            peers,
            ports,
        })
}

fn network_policy() -> impl Strategy<Value = NetworkPolicy> {
    let rules = || option::weighted(0.7, vec(rule(Just(Action::Accept)), 0..3));
    (
        select(vec!["a", "b"]),
        select(vec!["q0", "q1", "q2"]),
        selector(),
        rules(),
        rules(),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(namespace, name, pods, ingress, egress, audit)| NetworkPolicy {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                pods,
                ingress,
                egress,
                audit,
            },
        )
}

fn cluster_policy() -> impl Strategy<Value = ClusterPolicy> {
    let action = || {
        select(vec![
            Action::Accept,
            Action::Deny,
            Action::Deny,
            Action::Pass,
        ])
    };
    let rules = || vec(rule(action()), 0..4);
    (
        select(vec!["c0", "c1", "c2"]),
        select(vec![Tier::Admin, Tier::Admin, Tier::Baseline]),
        0u16..3,
        selector(),
        selector(),
        rules(),
        rules(),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(name, tier, priority, namespaces, pods, ingress, egress, audit)| ClusterPolicy {
                name: name.to_owned(),
                tier,
                priority,
                namespaces,
                pods,
                ingress,
                egress,
                audit,
            },
        )
}

fn namespace() -> impl Strategy<Value = Namespace> {
    (select(vec!["a", "b"]), labels(), prop::bool::weighted(0.15)).prop_map(
        |(name, mut labels, audit)| {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
            Namespace {
                name: name.to_owned(),
                labels,
                audit,
            }
        },
    )
}

fn named_ports() -> impl Strategy<Value = Vec<NamedPort>> {
    let port = (port_name(), protocol(), select(vec![53u16, 80, 8080]));
    vec(
        port.prop_map(|(name, protocol, port)| NamedPort {
            name,
            protocol,
            port,
        }),
        0..3,
    )
}

fn pod_name() -> impl Strategy<Value = String> {
    select(vec!["", "p0", "p1", "p2", "p3"]).prop_map(str::to_owned)
}

fn pod() -> impl Strategy<Value = Pod> {
    (
        select(vec!["a", "b"]),
        select(vec!["p0", "p1", "p2", "p3"]),
        labels(),
        named_ports(),
    )
        .prop_map(|(namespace, name, labels, ports)| Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            labels,
            ports,
        })
}

fn endpoint_id() -> impl Strategy<Value = EndpointId> {
    (0..7u8).prop_map(|n| EndpointId {
        node: format!("n{}", n % 2),
        container: format!("e{n}"),
        ifname: "eth0".to_owned(),
        network: "net".to_owned(),
    })
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let groups = vec(select(vec!["g", "h"]), 0..2).prop_map(|groups| {
        let groups = groups.into_iter().map(str::to_owned);
        groups.collect::<BTreeSet<String>>()
    });
    let address = select(remotes().into_iter().take(11).collect::<Vec<_>>());
    (
        endpoint_id(),
        select(vec!["a", "a", "b", "b", "c", ""]),
        pod_name(),
        labels(),
        prop_oneof![3 => Just(BTreeSet::new()), 1 => groups],
        named_ports(),
        vec(address, 0..3),
        prop::bool::weighted(0.6),
    )
        .prop_map(
            |(id, namespace, pod, labels, groups, ports, addresses, local)| Endpoint {
                id,
                namespace: namespace.to_owned(),
                pod,
                labels,
                groups,
                ports,
                addresses,
                local,
            },
        )
}

fn node() -> impl Strategy<Value = Node> {
    let all = remotes();
    let address = select(vec![all[0], all[11], all[12]]);
    (
        select(vec!["n0", "n1"]),
        labels(),
        vec(address, 0..2),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(name, labels, addresses, here)| Node {
            name: name.to_owned(),
            labels,
            addresses,
            here,
        })
}

/// The name of an object.
pub(crate) fn name(object: &Object) -> ObjectName {
    let (kind, namespace, name) = match object {
        Object::NetworkPolicy(it) => (Kind::NetworkPolicy, it.namespace.as_str(), &it.name),
        Object::ClusterPolicy(it) => (Kind::ClusterNetworkPolicy, "", &it.name),
        Object::Namespace(it) => (Kind::Namespace, "", &it.name),
        Object::Pod(it) => (Kind::Pod, it.namespace.as_str(), &it.name),
    };
    ObjectName {
        kind,
        namespace: namespace.to_owned(),
        name: name.clone(),
    }
}

fn object() -> impl Strategy<Value = Object> {
    prop_oneof![
        4 => network_policy().prop_map(Object::NetworkPolicy),
        4 => cluster_policy().prop_map(Object::ClusterPolicy),
        2 => namespace().prop_map(Object::Namespace),
        2 => pod().prop_map(Object::Pod),
    ]
}

/// Something happens.
pub(crate) fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => object().prop_map(Input::Object),
        3 => object().prop_map(|object| Input::ObjectGone(name(&object))),
        8 => endpoint().prop_map(Input::Endpoint),
        2 => endpoint_id().prop_map(Input::EndpointGone),
        1 => node().prop_map(Input::Node),
        1 => node().prop_map(|node| Input::NodeGone(node.name)),
    ]
}

/// What takes back all that inputs brought.
pub(crate) fn undo(inputs: &[Input]) -> Vec<Input> {
    let gone = inputs.iter().filter_map(|input| match input {
        Input::Object(object) => Some(Input::ObjectGone(name(object))),
        Input::Endpoint(endpoint) => Some(Input::EndpointGone(endpoint.id.clone())),
        Input::Node(node) => Some(Input::NodeGone(node.name.clone())),
        _ => None,
    });
    gone.collect()
}
