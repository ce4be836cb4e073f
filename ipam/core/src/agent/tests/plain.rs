//! Ordinary and explicit addresses, blocks, borrowing.

use super::world::{World, attachment, spec, wish};
use crate::{Allocate, Answer, Input, Refusal, Request, agent::block::Phase};

#[test]
fn one_of_each_family_and_none_twice() {
    let mut world = World::new(2, spec(&["10.0.0.0/24", "fd00::/120"], 28, 124));
    let first = world.add(0, wish("a")).unwrap();
    assert_eq!(first.len(), 2, "{first:?}");
    let mut seen = std::collections::BTreeSet::new();
    seen.extend(first);
    for number in 0..60 {
        for ip in world.add(number % 2, wish(&format!("c{number}"))).unwrap() {
            assert!(seen.insert(ip.clone()), "{ip} twice");
        }
    }
    assert!(!seen.contains("10.0.0.1") && !seen.contains("10.0.0.0"));
}

#[test]
fn an_add_again_gets_the_same_and_another_namespace_an_error() {
    let mut world = World::new(1, spec(&["10.0.0.0/24"], 28, 124));
    let first = world.add(0, wish("a")).unwrap();
    assert_eq!(world.add(0, wish("a")).unwrap(), first);
    let elsewhere = Allocate {
        netns: None,
        ..wish("a")
    };
    let refusal = world.add(0, elsewhere).unwrap_err();
    assert!(
        matches!(refusal, Refusal::AlreadyAttached { .. }),
        "{refusal}"
    );
}

#[test]
fn what_is_freed_rests_and_then_is_given_again() {
    let mut world = World::new(1, spec(&["10.0.0.0/29"], 29, 124));
    for number in 0..5 {
        world.add(0, wish(&format!("c{number}"))).unwrap();
    }
    let refusal = world.add(0, wish("x")).unwrap_err();
    assert!(matches!(refusal, Refusal::Exhausted { .. }), "{refusal}");
    let freed = world.del(0, "c3");
    assert!(world.add(0, wish("x")).is_err());
    world.pass(31_000);
    assert_eq!(world.add(0, wish("x")).unwrap(), [freed[0].to_string()]);
    assert!(world.del(0, "nobody").is_empty());
}

#[test]
fn explicit_addresses_are_given_or_refused() {
    let mut world = World::new(2, spec(&["10.0.0.0/26"], 28, 124));
    let at = |container: &str, ip: &str| Allocate {
        addresses: vec![ip.parse().unwrap()],
        ..wish(container)
    };
    assert_eq!(world.add(0, at("a", "10.0.0.5")).unwrap(), ["10.0.0.5"]);
    for node in [0, 1] {
        world.pass(1_000);
        let refusal = world.add(node, at("b", "10.0.0.5")).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("taken by net/a/eth0 on node n0"),
            "{refusal}"
        );
    }
    // Out of another node's block.
    assert_eq!(world.add(1, at("b", "10.0.0.6")).unwrap(), ["10.0.0.6"]);
    let refusal = world.add(0, at("c", "10.0.0.6")).unwrap_err();
    assert!(
        refusal
            .to_string()
            .contains("held by net/b/eth0 on node n1"),
        "{refusal}"
    );
    world.del(1, "b");
    let refusal = world.add(0, at("c", "10.0.0.6")).unwrap_err();
    assert!(matches!(refusal, Refusal::Resting { .. }), "{refusal}");
    world.pass(31_000);
    assert_eq!(world.add(0, at("c", "10.0.0.6")).unwrap(), ["10.0.0.6"]);
    for (ip, reason) in [("10.0.0.1", "keeps it back"), ("10.9.0.1", "is in no pool")] {
        let refusal = world.add(0, at("d", ip)).unwrap_err();
        assert!(refusal.to_string().contains(reason), "{refusal}");
    }
}

#[test]
fn where_no_block_is_left_others_lend_or_give_theirs() {
    let mut world = World::new(3, spec(&["10.0.0.0/27"], 28, 124));
    world.add(0, wish("a")).unwrap();
    world.add(1, wish("b")).unwrap();
    let lent = world.add(2, wish("c")).unwrap();
    assert_eq!(lent.len(), 1);
    world.del(2, "c");
    world.del(1, "b");
    world.pass(35_000);
    let now = world.add(2, wish("d")).unwrap();
    assert_eq!(now.len(), 1);
    world.pass(200_000);
    assert!(
        world.store.keys().all(|key| !key.contains("/claims/")),
        "what was borrowed is back"
    );
}

#[test]
fn a_store_that_is_away_matters_only_for_blocks() {
    let mut world = World::new(1, spec(&["10.0.0.0/24"], 29, 124));
    world.add(0, wish("a")).unwrap();
    world.cut(0, true);
    for number in 0..5 {
        world.add(0, wish(&format!("c{number}"))).unwrap();
    }
    world.del(0, "c0");
    // Six or eight to a block, one of them kept back in the first.
    let mut more = (0..20).map(|number| world.add(0, wish(&format!("d{number}"))));
    let refusal = more.find_map(Result::err).expect("the block ends");
    drop(more);
    assert!(matches!(refusal, Refusal::StoreAway { .. }), "{refusal}");
    let pool = None;
    let status = world.ask(
        0,
        Request::Status {
            pool,
            namespace: None,
        },
    );
    assert!(
        matches!(status, Err(Refusal::StoreAway { .. })),
        "{status:?}"
    );
    // Also after a restart.
    world.del(0, "c1");
    world.restart(0);
    world.pass(31_000);
    world.add(0, wish("e")).unwrap();
    world.cut(0, false);
    world.pass(2_000);
    world.add(0, wish("f")).unwrap();
    let status = world.ask(
        0,
        Request::Status {
            pool: None,
            namespace: None,
        },
    );
    assert!(matches!(status, Ok(Answer::Status(_))), "{status:?}");
}

#[test]
fn a_cooldown_that_is_made_shorter_holds_for_what_rests_already() {
    let day = crate::PoolSpec {
        cooldown: 86_400,
        ..spec(&["10.0.0.0/30"], 30, 124)
    };
    let mut world = World::new(1, day.clone());
    let first = world.add(0, wish("a")).unwrap();
    world.del(0, "a");
    world.pass(1_000);
    assert!(world.add(0, wish("b")).is_err(), "it is the only one");
    let cooldown = |cooldown| crate::PoolSpec {
        cooldown,
        ..day.clone()
    };
    world.pool("p", cooldown(5));
    world.pass(4_000);
    assert!(
        world.add(0, wish("b")).is_err(),
        "it rests for 5 s from then on"
    );
    world.pool("p", cooldown(3_600));
    world.pass(2_000);
    assert_eq!(world.add(0, wish("b")).unwrap(), first, "and no longer");
    world.del(0, "b");
    world.pool("p", cooldown(0));
    world.pass(100);
    assert_eq!(world.add(0, wish("c")).unwrap(), first);
}

#[test]
fn check_and_collect() {
    let mut world = World::new(1, spec(&["10.0.0.0/24"], 28, 124));
    let a = world.add(0, wish("a")).unwrap();
    world.add(0, wish("b")).unwrap();
    let ips = vec![a[0].parse().unwrap()];
    assert!(
        world
            .ask(0, Request::Check(attachment("a"), ips.clone()))
            .is_ok()
    );
    assert!(
        world
            .ask(0, Request::Check(attachment("b"), ips.clone()))
            .is_err()
    );
    assert!(world.ask(0, Request::Check(attachment("x"), ips)).is_err());
    let before = world.nodes[0].agent.sequence();
    world.add(0, wish("young")).unwrap();
    let keep = [("a".to_owned(), "eth0".to_owned())].into();
    let network = "net".to_owned();
    let collected = world
        .ask(
            0,
            Request::Collect {
                network,
                keep,
                before,
            },
        )
        .unwrap();
    assert_eq!(collected, Answer::Collected(vec![attachment("b")]));
}

#[test]
fn status_of_a_pool_for_some_namespaces_is_as_good_as_the_pool() {
    let mut named = spec(&["10.0.0.0/29"], 29, 124);
    named.namespaces = "name=prod".to_owned();
    let mut world = World::new(1, named);
    let status = |namespace: Option<&str>| Request::Status {
        pool: Some("p".parse().unwrap()),
        namespace: namespace.map(str::to_owned),
    };
    let inside = |container: &str| Allocate {
        pool: Some("p".parse().unwrap()),
        namespace: Some("prod".to_owned()),
        ..wish(container)
    };
    world.add(0, inside("a")).unwrap();
    for namespace in [None, Some("prod")] {
        let told = world.ask(0, status(namespace));
        assert!(matches!(told, Ok(Answer::Status(_))), "{told:?}");
    }
    assert!(world.ask(0, status(Some("dev"))).is_err());
    let mut more = (0..10).map(|number| world.add(0, inside(&format!("c{number}"))));
    assert!(more.any(|added| added.is_err()));
    drop(more);
    assert!(world.ask(0, status(None)).is_err(), "it is used up");
}

#[test]
fn what_nobody_heard_is_freed_unless_another_did() {
    let mut world = World::new(1, spec(&["10.0.0.0/24"], 28, 124));
    let netns = crate::Netns {
        path: "/run/netns/a".to_owned(),
        device: 1,
        inode: 2,
    };
    let a = || Allocate {
        netns: Some(netns.clone()),
        ..wish("a")
    };
    let seq = |world: &World| world.nodes[0].agent.leases()[0].seq;
    let unheard = |seq| Request::Unheard(attachment("a"), seq);
    world.add(0, a()).unwrap();
    let first = seq(&world);
    let freed = world.ask(0, unheard(first)).unwrap();
    assert!(matches!(freed, Answer::Released(ips) if ips.len() == 1));
    // Asked once more before it is known that the first one has gone.
    world.add(0, a()).unwrap();
    let second = seq(&world);
    let again = world.ask(0, Request::Allocate(Box::new(a()))).unwrap();
    assert!(matches!(again, Answer::Allocated(given) if given.repeated));
    let freed = world.ask(0, unheard(second)).unwrap();
    assert!(matches!(freed, Answer::Released(ips) if ips.is_empty()));
    assert_eq!(world.nodes[0].agent.leases().len(), 1);
}

#[test]
fn a_block_that_is_just_being_given_back_is_had_again() {
    let mut world = World::new(1, spec(&["10.0.0.0/30"], 30, 124));
    world.add(0, wish("a")).unwrap();
    world.del(0, "a");
    // Until the block has been idle for so long that it goes back; the store has not heard of that.
    for _ in 0..200 {
        world.clock.now = world.clock.now + 1_000;
        let clock = world.clock;
        world.nodes[0].feed(clock, Input::Tick);
        let blocks = &world.nodes[0].agent.blocks;
        if blocks.iter().any(|block| block.phase == Phase::Giving) {
            break;
        }
        world.run();
    }
    assert!(!world.nodes[0].todo.is_empty(), "it is not given back");
    let given = world.add(0, wish("b"));
    assert!(given.is_ok(), "{given:?}");
}
