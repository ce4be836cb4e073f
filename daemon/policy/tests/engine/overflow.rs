//! Too much is refused by name, and what was there stays.

use crate::recipes::{ROOM, endpoint, is};
use fairway_policy::{
    Cause, Engine, Image, Limits, Resource,
    input::{Change, Input},
    spec::{Action, Block, Kind, NetworkPolicy, Object, ObjectName, Peer, Rule},
};

fn blocks(name: &str, count: usize) -> NetworkPolicy {
    let rule = |nth: usize| Rule {
        name: None,
        action: Action::Accept,
        peers: Some(vec![Peer::Block(Block {
            cidr: format!("192.0.2.{nth}/32").parse().expect("a prefix"),
            except: vec![],
        })]),
        ports: None,
    };
    NetworkPolicy {
        namespace: "x".to_owned(),
        name: name.to_owned(),
        pods: is("pod", "a"),
        ingress: Some((0..count).map(rule).collect()),
        egress: None,
        audit: false,
    }
}

fn put(policy: NetworkPolicy) -> Input {
    Input::Object(Object::NetworkPolicy(policy))
}

fn object(name: &str) -> ObjectName {
    ObjectName {
        kind: Kind::NetworkPolicy,
        namespace: "x".to_owned(),
        name: name.to_owned(),
    }
}

fn apply(image: &mut Image, changes: &[Change]) {
    for change in changes {
        assert_eq!(image.apply(change), Ok(()));
    }
}

#[test]
fn the_cause_is_named_and_can_be_taken_away() {
    let limits = Limits {
        prefixes: 10,
        ..ROOM
    };
    let (mut engine, mut image) = (Engine::new(limits), Image::default());
    engine.handle(Input::Endpoint(endpoint("x", "a")));
    engine.handle(put(blocks("small", 4)));
    apply(&mut image, &engine.changes().expect("it fits"));
    let good = image.clone();
    engine.handle(put(blocks("large", 11)));
    for _ in 0..2 {
        let overflow = engine.changes().expect_err("it does not fit");
        assert_eq!(overflow.what, Resource::Prefixes);
        assert_eq!((overflow.wanted, overflow.limit), (11, 10));
        assert_eq!(overflow.because_of, Cause::Object(object("large")));
    }
    let mut again = Image::default();
    apply(&mut again, &engine.snapshot());
    assert_eq!(again, good, "what was there is still what is there");
    engine.handle(Input::ObjectGone(object("large")));
    assert_eq!(
        engine.changes().expect("it fits"),
        vec![],
        "as if nothing had been"
    );
    engine.handle(put(blocks("large", 10)));
    apply(&mut image, &engine.changes().expect("it just fits"));
    assert_eq!(image.sizes().prefixes, 10);
}

#[test]
fn more_room_helps_as_well() {
    let mut engine = Engine::new(Limits { peers: 3, ..ROOM });
    engine.handle(Input::Endpoint(endpoint("x", "a")));
    engine.handle(put(blocks("four", 4)));
    let overflow = engine.changes().expect_err("it does not fit");
    assert_eq!(
        overflow.to_string(),
        "policies need 4 peers of sets, and 3 fit; the last that came is for NetworkPolicy x/four"
    );
    engine.set_limits(ROOM);
    let mut image = Image::default();
    apply(&mut image, &engine.changes().expect("it fits"));
    assert_eq!(image.sizes().peers, 4);
}

#[test]
fn what_fits_but_not_beside_what_it_replaces_closes_endpoints_meanwhile() {
    let limits = Limits { peers: 6, ..ROOM };
    let (mut engine, mut image) = (Engine::new(limits), Image::default());
    let one = endpoint("x", "a");
    engine.handle(Input::Endpoint(one.clone()));
    engine.handle(put(blocks("it", 5)));
    apply(&mut image, &engine.changes().expect("it fits"));
    // Another set is made beside the old one, because anybody gets in now as well.
    let mut other = blocks("it", 6);
    other
        .ingress
        .iter_mut()
        .flatten()
        .for_each(|rule| rule.action = Action::Accept);
    other
        .ingress
        .iter_mut()
        .flatten()
        .take(1)
        .for_each(|rule| rule.peers = None);
    engine.handle(put(other));
    let changes = engine.changes().expect("it fits in the end");
    let closes = |change: &Change| matches!(change, Change::Endpoint { sets: None, id, .. } if *id == one.id);
    assert_eq!(changes.iter().filter(|change| closes(change)).count(), 1);
    for change in &changes {
        assert_eq!(image.apply(change), Ok(()));
        assert!(image.sizes().peers <= 6);
    }
    assert_eq!(image.endpoints().len(), 1, "it is open again");
}
