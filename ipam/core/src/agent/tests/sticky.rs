//! Claims, sets, handover.

use super::super::{Action, Input, Outcome, RequestId};
use super::world::{World, attachment, spec, wish};
use crate::{
    Allocate, Answer, AppName, ClaimKind, ClaimName, CreateClaim, Handover, Millis, PoolName,
    Refusal, Release, Request, UnixSeconds, Workload, admin,
    keys::Key,
    record::{ClaimRecord, Record},
};
use fairway_kv::Committed;

fn pod(container: &str, claim: &str, kind: ClaimKind) -> Allocate {
    Allocate {
        workload: Some(Workload {
            claim: ClaimName::new(claim).unwrap(),
            kind,
            app: None,
            ordinal: None,
            by_hand: false,
        }),
        release: Some(Release::OnAppDelete),
        ..wish(container)
    }
}

fn single(container: &str) -> Allocate {
    pod(container, "web/db-0", ClaimKind::Single)
}

#[test]
fn a_workload_keeps_its_addresses_on_any_node() {
    let mut world = World::new(3, spec(&["10.0.0.0/24", "fd00::/120"], 28, 124));
    let first = world.add(0, single("c0")).unwrap();
    assert_eq!(first.len(), 2);
    for round in 0..30 {
        let (from, to) = (round % 3, (round + 1) % 3);
        world.del(from, &format!("c{round}"));
        assert_eq!(
            world.add(to, single(&format!("c{}", round + 1))).unwrap(),
            first,
            "{round}"
        );
    }
    // Nobody else gets them meanwhile.
    world.del(0, "c30");
    world.pass(60_000);
    for number in 0..40 {
        let other = world.add(number % 3, wish(&format!("o{number}"))).unwrap();
        assert_ne!(other[0], first[0]);
        assert_ne!(other[1], first[1]);
    }
}

#[test]
fn the_node_that_has_it_needs_no_store() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let first = world.add(0, single("a")).unwrap();
    world.cut(0, true);
    world.del(0, "a");
    assert_eq!(world.add(0, single("b")).unwrap(), first);
    world.del(0, "b");
    world.restart(0);
    assert_eq!(world.add(0, single("c")).unwrap(), first);
    // The other one must wait, and has it when the holder has gone.
    let refusal = world.add(1, single("d")).unwrap_err();
    assert!(
        matches!(refusal, Refusal::Held { again: true, .. }),
        "{refusal}"
    );
    world.del(0, "c");
    assert!(
        world.add(1, single("d")).is_err(),
        "the store does not know yet"
    );
    world.cut(0, false);
    world.pass(500);
    assert_eq!(world.add(1, single("d")).unwrap(), first);
}

#[test]
fn handover_modes() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let first = world.add(0, single("a")).unwrap();
    let mode = |handover, container: &str| Allocate {
        handover: Some(handover),
        ..single(container)
    };
    let refusal = world.add(1, mode(Handover::Strict, "b")).unwrap_err();
    assert!(
        refusal.to_string().contains("net/a/eth0 on node n0"),
        "{refusal}"
    );
    let other = world.add(1, mode(Handover::Temporary, "c")).unwrap();
    assert_ne!(other, first);
    let deadline = world.clock.now + 10_000;
    let waiting = Allocate {
        deadline,
        ..mode(Handover::Wait, "d")
    };
    let id = world.begin(1, Request::Allocate(Box::new(waiting)));
    world.pass(1_000);
    assert!(world.answer(id).is_none());
    world.del(0, "a");
    world.pass(1_000);
    match world.answer(id) {
        Some(Ok(Answer::Allocated(given))) => {
            assert_eq!(given.addresses[0].ip.to_string(), first[0]);
            assert!(!given.temporary);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_set_keeps_its_addresses_and_grows_by_its_surge() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let member = |container: &str| pod(container, "web/Deployment/front", ClaimKind::Set);
    let mut first: Vec<_> = (0..3)
        .map(|number| {
            world
                .add(number % 2, member(&format!("a{number}")))
                .unwrap()[0]
                .clone()
        })
        .collect();
    let surge = world.add(0, member("surge")).unwrap()[0].clone();
    assert!(!first.contains(&surge));
    first.push(surge);
    for number in 0..3 {
        world.del(number % 2, &format!("a{number}"));
        world.pass(100);
        let ip = world.add(1, member(&format!("b{number}"))).unwrap()[0].clone();
        assert!(first.contains(&ip), "{ip} of {first:?}");
    }
}

fn by_hand(name: &str, ip: &str, deadline: Millis) -> Request {
    Request::CreateClaim(Box::new(CreateClaim {
        pool: PoolName::new("p").unwrap(),
        name: ClaimName::new(name).unwrap(),
        addresses: vec![ip.parse().unwrap()],
        release: Release::Never,
        handover: Handover::Strict,
        app: None,
        only_while: Vec::new(),
        deadline,
    }))
}

#[test]
fn a_claim_by_hand_is_made_anywhere() {
    let mut world = World::new(2, spec(&["10.0.0.0/26"], 28, 124));
    world.add(0, wish("a")).unwrap();
    world.add(1, wish("b")).unwrap();
    for (number, ip) in ["10.0.0.9", "10.0.0.20", "10.0.0.40", "10.0.0.50"]
        .iter()
        .enumerate()
    {
        let name = format!("web/db-{number}");
        let deadline: Millis = world.clock.now + 10_000;
        let made = world.ask(0, by_hand(&name, ip, deadline));
        assert_eq!(made, Ok(Answer::Claimed(vec![ip.parse().unwrap()])));
        let pod = pod(&format!("c{number}"), &name, ClaimKind::Single);
        assert_eq!(world.add(1, pod).unwrap(), [*ip]);
        let refusal = world
            .ask(1, by_hand("web/other", ip, deadline))
            .unwrap_err();
        assert!(matches!(refusal, Refusal::Taken { .. }), "{refusal}");
    }
}

/// What `netctl claim move --force` does, with or without a new name.
fn oust(world: &mut World, name: &str, rename: Option<&str>) {
    let view = world.nodes[0].agent.view().clone();
    let wish = admin::Move {
        name: ClaimName::new(name).unwrap(),
        pool: None,
        keep: None,
        rename: rename.map(|name| ClaimName::new(name).unwrap()),
        force: true,
    };
    let txn = admin::move_claim(&view, &wish, world.clock).unwrap();
    assert!(matches!(world.commit(&txn), Committed::Yes { .. }));
    world.pass(2_000);
}

#[test]
fn who_is_ousted_is_cut_off_and_takes_nothing_back() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let first = world.add(0, single("a")).unwrap();
    oust(&mut world, "web/db-0", None);
    assert_eq!(world.nodes[0].cut, [attachment("a")]);
    assert_eq!(world.add(1, single("b")).unwrap(), first);
    // The same container may come again, and is not thought ousted for ever.
    world.del(1, "b");
    world.del(0, "a");
    world.pass(1_000);
    assert_eq!(world.add(0, single("a")).unwrap(), first);
    world.restart(0);
    world.pass(2_000);
    assert!(world.nodes[0].cut.is_empty(), "only the one time");
    assert_eq!(world.add(0, single("a")).unwrap(), first);
}

#[test]
fn who_is_ousted_of_a_renamed_claim_leaves_it_to_the_new_workload() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let first = world.add(0, single("a")).unwrap();
    world.restart(0);
    oust(&mut world, "web/db-0", Some("web/pg-0"));
    assert_eq!(world.nodes[0].cut, [attachment("a")]);
    let new = pod("b", "web/pg-0", ClaimKind::Single);
    assert_eq!(world.add(1, new).unwrap(), first);
    assert_ne!(world.add(1, single("c")).unwrap(), first);
}

#[test]
fn an_owner_that_does_not_answer_is_named() {
    let mut world = World::new(2, spec(&["10.0.0.0/26"], 28, 124));
    let given = world.add(1, wish("b")).unwrap();
    world.cut(1, true);
    let deadline = world.clock.now + 10_000;
    let other = if given[0] == "10.0.0.9" { ".8" } else { ".9" };
    let (block, _) = given[0].rsplit_once('.').unwrap();
    let refusal = world
        .ask(0, by_hand("db", &format!("{block}{other}"), deadline))
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "node n1 (it owns block 10.0.0.0/28) does not answer"
    );
}

#[test]
fn a_claim_by_hand_belongs_to_its_application() {
    let mut world = World::new(1, spec(&["10.0.0.0/26"], 28, 124));
    let app = |name: &str| AppName::new(name).unwrap();
    let db = app("StatefulSet/shop/db");
    let create = |name: &str, app: Option<AppName>, deadline| {
        Request::CreateClaim(Box::new(CreateClaim {
            pool: PoolName::new("p").unwrap(),
            name: ClaimName::new(name).unwrap(),
            addresses: Vec::new(),
            release: Release::OnScaleDown,
            handover: Handover::Strict,
            app,
            only_while: Vec::new(),
            deadline,
        }))
    };
    let other = app("Task/shop/other");
    for (name, said, belongs) in [
        ("shop/db-3", None, (Some(db.clone()), Some(3))),
        ("shop/db-4", Some(&db), (Some(db.clone()), Some(4))),
        ("shop/db-5", Some(&other), (Some(other.clone()), None)),
        ("db", None, (None, None)),
    ] {
        let deadline = world.clock.now + 10_000;
        let made = world.ask(0, create(name, said.cloned(), deadline));
        assert!(matches!(made, Ok(Answer::Claimed(_))), "{made:?}");
        assert_eq!(claimed_app(&world, name), belongs, "{name}");
    }
    // Of a name that says nothing, it is known when its workload comes.
    let mut pod = pod("c0", "db", ClaimKind::Single);
    if let Some(workload) = &mut pod.workload {
        (workload.app, workload.ordinal, workload.by_hand) = (Some(db.clone()), Some(0), true);
    }
    world.add(0, pod).unwrap();
    assert_eq!(claimed_app(&world, "db"), (Some(db), Some(0)));
}

fn claimed_app(world: &World, name: &str) -> (Option<AppName>, Option<u32>) {
    let key = Key::Claim(PoolName::new("p").unwrap(), ClaimName::new(name).unwrap());
    match ClaimRecord::decode(&world.store[&key.path()].value) {
        Ok(ClaimRecord::Claim(claim)) => (claim.app, claim.ordinal),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_claim_that_ended_by_a_clock_that_was_ahead_is_kept_no_longer_than_others() {
    let mut world = World::new(1, spec(&["10.0.0.0/28"], 28, 124));
    let wish = |container: &str| Allocate {
        release: Some(Release::After(10)),
        ..single(container)
    };
    let is_there = |world: &World| {
        let mut view = world.nodes[0].agent.view().claims.keys();
        view.any(|(_, name)| name.as_str() == "web/db-0")
    };
    let first = world.add(0, wish("a")).unwrap();
    let right = world.clock.wall;
    world.clock.wall = UnixSeconds(right.0 + 1_000_000);
    world.del(0, "a");
    world.pass(500);
    world.clock.wall = right;
    world.pass(8_000);
    assert!(is_there(&world));
    // Held and let go again, its time begins anew.
    assert_eq!(world.add(0, wish("b")).unwrap(), first);
    world.clock.wall = UnixSeconds(right.0 + 1_000_000);
    world.del(0, "b");
    world.pass(500);
    world.clock.wall = right;
    world.pass(8_000);
    assert!(is_there(&world));
    world.pass(5_000);
    assert!(!is_there(&world));
}

/// Each address hangs on the record of its own block; that of the other family may be older.
#[test]
fn what_may_have_been_granted_in_two_blocks_is_kept_aside_in_both() {
    let mut world = World::new(1, spec(&["10.0.0.0/28", "fd00::/124"], 28, 124));
    world.add(0, wish("first")).unwrap();
    world.pass(1_000);
    // The record of the first block is the younger one.
    let mut blocks = world.store.values();
    let block = blocks.find(|entry| entry.key.ends_with("10.0.0.0/28"));
    let block = block.unwrap().clone();
    world.put(block.key, block.value);
    // The store carries the transaction out, and the node does not hear of it.
    let asked = Allocate {
        deadline: world.clock.now + 1_000,
        ..single("c")
    };
    let request = Input::Request(RequestId(1_000), Request::Allocate(Box::new(asked)));
    world.nodes[0].away = true;
    let clock = world.clock;
    world.nodes[0].feed(clock, request);
    let Some(Action::Commit(id, txn)) = world.nodes[0].todo.pop_front() else {
        panic!("a claim is made in the store");
    };
    assert!(matches!(world.commit(&txn), Committed::Yes { .. }));
    world.nodes[0].feed(clock, Input::Txn(id, Outcome::Unknown));
    world.pass(2_000);
    assert!(matches!(
        world.answer(RequestId(1_000)),
        Some(Err(Refusal::TimedOut { .. }))
    ));
    let aside = |world: &World| {
        let keys = world.nodes[0].journal.keys();
        keys.filter(|key| key.starts_with("claimed/")).count()
    };
    assert_eq!(aside(&world), 2);
    world.cut(0, false);
    world.pass(2_000);
    let ips = world.add(0, single("d")).unwrap();
    assert_eq!((ips.len(), aside(&world)), (2, 2));
}
