//! Orders of changes that are easily got wrong and that random worlds seldom meet: what was allowed before
//! and is allowed after must not be refused in between.

use crate::recipes::{ROOM, all, endpoint, id, is};
use fairway_policy::{
    Engine, Image,
    input::{Direction, Endpoint, Input},
    spec::{
        Action, Block, ClusterPolicy, Labels, Namespace, Namespaces, NetworkPolicy, Object, Peer,
        Rule, Tier,
    },
};
use std::net::IpAddr;

struct Bed {
    engine: Engine,
    image: Image,
}

impl Bed {
    fn new(inputs: impl IntoIterator<Item = Input>) -> Self {
        let mut engine = Engine::new(ROOM);
        inputs.into_iter().for_each(|input| engine.handle(input));
        let mut image = Image::default();
        for change in engine.changes().expect("there is room") {
            assert_eq!(image.apply(&change), Ok(()));
        }
        Self { engine, image }
    }

    fn lets_in(&self, to: &str, from: IpAddr) -> bool {
        let verdict = self
            .image
            .verdict(&id(to), Direction::Ingress, from, None, 0);
        verdict.is_some_and(|verdict| verdict.allowed)
    }

    /// All the way through a change `to` can be reached.
    fn stays_open(&mut self, input: Input, to: &str, from: IpAddr) {
        assert!(self.lets_in(to, from), "before");
        self.engine.handle(input);
        let changes = self.engine.changes().expect("there is room");
        assert!(!changes.is_empty());
        for (at, change) in changes.iter().enumerate() {
            assert_eq!(self.image.apply(change), Ok(()));
            assert!(self.lets_in(to, from), "after {at} of {changes:#?}");
        }
    }
}

fn namespace(name: &str, team: &str) -> Input {
    Input::Object(Object::Namespace(Namespace {
        name: name.to_owned(),
        labels: Labels::from([("team".to_owned(), team.to_owned())]),
        audit: false,
    }))
}

fn rule(action: Action, peers: Option<Vec<Peer>>) -> Rule {
    Rule {
        name: None,
        action,
        peers,
        ports: None,
    }
}

/// Pods of a team let each other in, and nobody else.
fn among(team: &str) -> Input {
    let own = Peer::Pods {
        namespaces: Namespaces::Matching(is("team", team)),
        pods: all(),
    };
    Input::Object(Object::ClusterPolicy(ClusterPolicy {
        name: format!("among-{team}"),
        tier: Tier::Baseline,
        priority: 0,
        namespaces: is("team", team),
        pods: all(),
        ingress: vec![
            rule(Action::Accept, Some(vec![own])),
            rule(Action::Deny, None),
        ],
        egress: vec![],
        audit: false,
    }))
}

fn address(of: &Endpoint) -> IpAddr {
    of.addresses[0]
}

#[test]
fn a_namespace_goes_from_one_team_to_another() {
    let ends = [("x", "a"), ("x", "b"), ("y", "a"), ("z", "a")];
    let ends = ends.map(|(namespace, pod)| endpoint(namespace, pod));
    let peer = address(&ends[1]);
    let mut bed = Bed::new(
        [
            among("red"),
            among("blue"),
            namespace("x", "red"),
            namespace("y", "red"),
            namespace("z", "blue"),
        ]
        .into_iter()
        .chain(ends.into_iter().map(Input::Endpoint)),
    );
    // The red team's set loses x's pods, the blue team's gets them, and x's own endpoints change over: while
    // they have the red one it must still know them.
    bed.stays_open(namespace("x", "blue"), "x/a", peer);
}

fn blocks(blocks: &[(&str, &[&str])]) -> Input {
    let rules = blocks.iter().map(|(cidr, except)| {
        let block = Block {
            cidr: cidr.parse().expect("a prefix"),
            except: except
                .iter()
                .map(|net| net.parse().expect("a prefix"))
                .collect(),
        };
        rule(Action::Accept, Some(vec![Peer::Block(block)]))
    });
    Input::Object(Object::NetworkPolicy(NetworkPolicy {
        namespace: "x".to_owned(),
        name: "blocks".to_owned(),
        pods: all(),
        ingress: Some(rules.collect()),
        egress: None,
        audit: false,
    }))
}

#[test]
fn a_prefix_within_an_exception_goes_with_it() {
    let from = "192.0.2.5".parse().expect("an address");
    let many: &[(&str, &[&str])] = &[("192.0.0.0/16", &["192.0.2.0/24"]), ("192.0.2.5/32", &[])];
    let one: &[(&str, &[&str])] = &[("192.0.0.0/16", &[])];
    let ends = || [Input::Endpoint(endpoint("x", "a"))];
    let mut bed = Bed::new(ends().into_iter().chain([blocks(many)]));
    bed.stays_open(blocks(one), "x/a", from);
    // And back.
    bed.stays_open(blocks(many), "x/a", from);
}

#[test]
fn what_anybody_may_becomes_what_one_peer_may() {
    let peer = endpoint("x", "b");
    let from = address(&peer);
    let policy = |peers| {
        Input::Object(Object::NetworkPolicy(NetworkPolicy {
            namespace: "x".to_owned(),
            name: "it".to_owned(),
            pods: is("pod", "a"),
            ingress: Some(vec![rule(Action::Accept, peers)]),
            egress: None,
            audit: false,
        }))
    };
    let only = || {
        Some(vec![Peer::Pods {
            namespaces: Namespaces::Own,
            pods: is("pod", "b"),
        }])
    };
    let ends = [endpoint("x", "a"), peer].map(Input::Endpoint);
    let mut bed = Bed::new(ends.into_iter().chain([policy(None)]));
    bed.stays_open(policy(only()), "x/a", from);
    bed.stays_open(policy(None), "x/a", from);
    let address: Block = Block {
        cidr: "10.0.0.0/24".parse().expect("a prefix"),
        except: vec![],
    };
    bed.stays_open(policy(Some(vec![Peer::Block(address)])), "x/a", from);
    bed.stays_open(policy(only()), "x/a", from);
}

#[test]
fn a_new_prefix_of_which_nothing_is_said() {
    let from = "192.0.2.5".parse().expect("an address");
    let mut bed = Bed::new([
        Input::Endpoint(endpoint("x", "a")),
        blocks(&[("192.0.0.0/16", &[])]),
    ]);
    assert!(bed.lets_in("x/a", from));
    // It begins as the one around it, and must not stay so.
    bed.engine
        .handle(blocks(&[("192.0.2.0/24", &["192.0.2.0/28"])]));
    for change in bed.engine.changes().expect("there is room") {
        assert_eq!(bed.image.apply(&change), Ok(()));
    }
    assert!(!bed.lets_in("x/a", from));
}
