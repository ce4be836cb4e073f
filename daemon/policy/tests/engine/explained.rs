//! What people are told.

use crate::recipes::{ROOM, all, endpoint, is};
use fairway_policy::{
    Engine, Party, Problem, RuleFits,
    input::{Direction, Input, Node, Packet},
    spec::{Action, Block, Namespaces, NetworkPolicy, Object, Peer, Ports, Protocol, Rule},
};

fn engine() -> Engine {
    let mut engine = Engine::new(ROOM);
    for (namespace, pod) in [("x", "a"), ("x", "b"), ("y", "a")] {
        engine.handle(Input::Endpoint(endpoint(namespace, pod)));
    }
    let web = Ports::Named(Some(Protocol::Tcp), "serve-80".to_owned());
    let nowhere = Ports::Named(None, "nowhere".to_owned());
    let empty = Block {
        cidr: "192.0.2.0/30".parse().expect("a prefix"),
        except: ["192.0.2.0/31", "192.0.2.2/31"]
            .map(|net| net.parse().expect("a prefix"))
            .to_vec(),
    };
    let everybody = Block {
        cidr: "10.0.0.0/24".parse().expect("a prefix"),
        except: vec![],
    };
    let own = Peer::Pods {
        namespaces: Namespaces::Own,
        pods: all(),
    };
    let rule = |name: &str, peers, ports| Rule {
        name: Some(name.to_owned()),
        action: Action::Accept,
        peers: Some(peers),
        ports: Some(ports),
    };
    engine.handle(Input::Object(Object::NetworkPolicy(NetworkPolicy {
        namespace: "x".to_owned(),
        name: "web".to_owned(),
        pods: is("pod", "a"),
        ingress: Some(vec![
            rule("neighbours", vec![own.clone()], vec![web.clone()]),
            rule("typo", vec![own.clone()], vec![nowhere]),
        ]),
        egress: Some(vec![rule(
            "names",
            vec![Peer::Block(empty), Peer::Block(everybody)],
            vec![web],
        )]),
        audit: false,
    })));
    engine.changes().expect("there is room");
    engine
}

fn pod(namespace: &str, pod: &str) -> Party {
    Party::Pod {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
    }
}

fn tcp(port: u16) -> Packet {
    Packet {
        protocol: Some(Protocol::Tcp),
        port,
    }
}

#[test]
fn a_pod_to_its_neighbour() {
    let engine = engine();
    let explain = |from: &str, port| {
        let (namespace, name) = from.split_once('/').expect("a name");
        let explanation = engine.explain(&pod(namespace, name), &pod("x", "a"), tcp(port));
        serde_json::to_value(explanation.expect("they are known")).expect("it can be written")
    };
    let allowed = explain("x/b", 80);
    assert_eq!(allowed["allowed"], true);
    assert_eq!(allowed["egress"]["by"], "nothing");
    assert_eq!(allowed["ingress"]["by"]["rule"]["name"], "neighbours");
    assert_eq!(allowed["from"]["who"]["endpoint"]["labels"]["pod"], "b");
    let other_port = explain("x/b", 81);
    assert_eq!(other_port["allowed"], false);
    assert_eq!(
        other_port["ingress"]["policies"][0]["rules"][0]["fits"],
        "other-port"
    );
    let stranger = explain("y/a", 80);
    assert_eq!(
        stranger["ingress"]["policies"][0]["rules"][0]["fits"],
        "other-peer"
    );
    assert_eq!(
        stranger["ingress"]["by"]["not-allowed"]["policies"][0]["name"],
        "web"
    );
    let number = &stranger["ingress"]["by"]["not-allowed"]["number"];
    let number = number
        .as_u64()
        .and_then(|number| u32::try_from(number).ok());
    let rule = engine.rule(number.expect("a number")).expect("a rule");
    assert_eq!((rule.index, rule.direction), (None, Direction::Ingress));
}

#[test]
fn nobody_and_addresses() {
    let engine = engine();
    let unknown = engine.explain(&pod("x", "z"), &pod("x", "a"), tcp(80));
    assert_eq!(
        unknown.map_err(|error| error.to_string()).err().as_deref(),
        Some("no endpoint is known of pod x/z")
    );
    let outside = Party::Address("2001:db8::1".parse().expect("an address"));
    let explanation = engine
        .explain(&pod("x", "a"), &outside, tcp(443))
        .expect("it is known");
    assert!(!explanation.allowed && explanation.ingress.policies.is_empty());
    assert_eq!(explanation.egress.word(), "denied");
    // It is meant by its address: what it calls its ports does not matter.
    let inside = engine
        .explain(&pod("x", "a"), &pod("y", "a"), tcp(80))
        .expect("they are known");
    assert!(!inside.egress.allowed);
    assert_eq!(inside.egress.policies[0].rules[0].fits, RuleFits::OtherPort);
}

#[test]
fn the_node_itself_as_it_is_set() {
    let mut engine = engine();
    let own = "192.0.2.1";
    engine.handle(Input::Node(Node {
        name: "n".to_owned(),
        labels: Default::default(),
        addresses: vec![own.parse().expect("an address")],
        here: true,
    }));
    engine.changes().expect("there is room");
    let own = Party::Address(own.parse().expect("an address"));
    let explained = |engine: &Engine| {
        engine
            .explain(&own, &pod("x", "a"), tcp(80))
            .expect("it is known")
    };
    assert!(explained(&engine).allowed);
    engine.judge_node(true);
    let judged = explained(&engine);
    assert!(!judged.allowed && judged.ingress.policies[0].policy.is_some());
}

#[test]
fn odd_policies() {
    let rows = engine().policies();
    let problems: Vec<String> = rows[0].problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        problems,
        [
            "Ingress rule 1: nobody has a port named \"nowhere\"",
            "Egress rule 0: nothing is left of 192.0.2.0/30 but exceptions",
            "Egress rule 0: port \"serve-80\" has a name, and the peers are addresses",
        ]
    );
    assert_eq!((rows[0].here, rows[0].everywhere), (1, 1));
    assert_eq!((rows[0].ingress, rows[0].egress), (Some(2), Some(1)));
}
