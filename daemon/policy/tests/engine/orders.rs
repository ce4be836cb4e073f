//! Rules come between others until there is no number left between them.

use crate::recipes::{ROOM, all, endpoint, id};
use fairway_policy::{
    Engine, Image, Limits,
    input::{Direction, Input, Packet},
    oracle::World,
    spec::{Action, ClusterPolicy, Object, Ports, Protocol, Rule, Tier},
};

const PORTS: u16 = 16;

/// A rule about some ports, another one for each number.
fn rule(nth: u16) -> Rule {
    let first = nth * 7 % PORTS + 1;
    Rule {
        name: Some(format!("rule-{nth}")),
        action: [Action::Accept, Action::Deny, Action::Pass][usize::from(nth % 3)],
        peers: None,
        ports: Some(vec![Ports::Range(
            Protocol::Tcp,
            first,
            (first + 3).min(PORTS),
        )]),
    }
}

fn policy(name: String, rules: Vec<Rule>) -> Input {
    Input::Object(Object::ClusterPolicy(ClusterPolicy {
        name,
        tier: Tier::Admin,
        priority: 7,
        namespaces: all(),
        pods: all(),
        ingress: rules,
        egress: vec![],
        audit: false,
    }))
}

fn follow(inputs: impl IntoIterator<Item = Input>) {
    let limits = Limits {
        ports: 10_000,
        ..ROOM
    };
    let (mut engine, mut image, mut world) =
        (Engine::new(limits), Image::default(), World::default());
    let inputs = std::iter::once(Input::Endpoint(endpoint("x", "a"))).chain(inputs);
    for (at, input) in inputs.enumerate() {
        world.apply(&input);
        engine.handle(input);
        for change in engine.changes().expect("there is room") {
            assert_eq!(image.apply(&change), Ok(()));
        }
        for port in 1..=PORTS {
            let remote = "192.0.2.1".parse().expect("an address");
            let tcp = Some(Protocol::Tcp);
            let done = image.verdict(&id("x/a"), Direction::Ingress, remote, tcp, port);
            let packet = Packet {
                protocol: tcp,
                port,
            };
            let said = world.judge(&id("x/a"), Direction::Ingress, remote, packet);
            assert_eq!(
                done.map(|verdict| verdict.allowed),
                said.map(|verdict| verdict.allowed),
                "port {port} after {at}"
            );
        }
    }
}

#[test]
fn policies_each_after_the_last() {
    follow((0..80).map(|nth| policy(format!("p{nth:03}"), vec![rule(nth)])));
}

#[test]
fn policies_each_before_the_last() {
    follow(
        (0..80)
            .rev()
            .map(|nth| policy(format!("p{nth:03}"), vec![rule(nth)])),
    );
}

#[test]
fn policies_always_between_the_same_two() {
    let names = (0..80).map(|nth| match nth % 2 {
        0 => format!("a{nth:03}"),
        _ => format!("b{:03}", 100 - nth),
    });
    follow(
        (0..)
            .zip(names)
            .map(|(nth, name)| policy(name, vec![rule(nth), rule(nth + 1)])),
    );
}

#[test]
fn rules_of_one_policy() {
    let mut rules: Vec<Rule> = Vec::new();
    let grown = (0..80).map(|nth| {
        rules.insert(rules.len() / 2, rule(nth));
        policy("one".to_owned(), rules.clone())
    });
    let mut inputs: Vec<Input> = grown.collect();
    while rules.len() > 1 {
        rules.remove(rules.len() / 3);
        inputs.push(policy("one".to_owned(), rules.clone()));
    }
    rules.clear();
    inputs.push(policy("one".to_owned(), rules));
    follow(inputs);
}

#[test]
fn many_rules_around_one() {
    let one = rule(1);
    // Each allows a port that the one refuses: it matters which comes first.
    let other = |name: &str, nth: u16| Rule {
        name: Some(format!("{name}-{nth}")),
        action: Action::Accept,
        peers: None,
        ports: Some(vec![Ports::Range(Protocol::Tcp, 8 + nth % 4, 8 + nth % 4)]),
    };
    let around = |before: u16, after: u16| {
        let mut rules: Vec<Rule> = (0..before).map(|nth| other("before", nth)).collect();
        rules.push(one.clone());
        rules.extend((0..after).map(|nth| other("after", nth)));
        policy("one".to_owned(), rules)
    };
    // The one in the midst stays the same rule and gets another order.
    follow([
        around(0, 0),
        around(4, 1),
        around(1, 6),
        around(7, 0),
        around(0, 0),
    ]);
}
