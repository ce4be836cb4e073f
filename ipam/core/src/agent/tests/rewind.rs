//! A store that went back: restored from a backup, or another one.

use super::{
    trouble::by_hand,
    world::{World, spec, wish},
};
use crate::{Allocate, ClaimName};
use std::collections::BTreeMap;

type Kept = (BTreeMap<String, fairway_kv::Entry>, u64);

fn backup(world: &World) -> Kept {
    (world.store.clone(), world.revision)
}

/// The store is that one from now on, and all nodes list it.
fn rewind(world: &mut World, store: &BTreeMap<String, fairway_kv::Entry>, revision: u64) {
    (world.store, world.revision) = (store.clone(), revision);
    for node in 0..world.nodes.len() {
        world.cut(node, true);
        world.cut(node, false);
    }
    world.pass(3_000);
}

#[test]
fn a_store_that_was_restored_is_told_anew() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let old = world.add(0, by_hand("old")).unwrap();
    world.add(1, wish("there")).unwrap();
    world.pass(1_000);
    let (store, revision) = (world.store.clone(), world.revision);
    // Since the backup: another block, a claim, a container, and one that has gone.
    let mut given = std::collections::BTreeSet::from([old[0].clone()]);
    for number in 0..20 {
        given.extend(world.add(0, wish(&format!("c{number}"))).unwrap());
    }
    let mut other = by_hand("claimed");
    if let Some(workload) = &mut other.workload {
        workload.claim = ClaimName::new("other").unwrap();
    }
    given.extend(world.add(0, other).unwrap());
    world.pass(1_000);
    for restart in [false, true] {
        if restart {
            world.cut(0, true);
            world.restart(0);
        }
        rewind(&mut world, &store, revision);
        let leases = world.nodes[0].agent.leases();
        assert_eq!(leases.len(), 22);
        assert!(leases.iter().all(|lease| !lease.cut_off), "{leases:?}");
        assert!(world.nodes[0].cut.is_empty() && world.nodes[1].cut.is_empty());
        let before = world.revision;
        world.pass(10_000);
        assert!(
            world.revision - before < 20,
            "{} writes",
            world.revision - before
        );
    }
    // Nothing is given twice, and nothing is lost to those who ask.
    for number in 0..100 {
        let ip = world.add(number % 2, wish(&format!("n{number}"))).unwrap();
        assert!(given.insert(ip[0].clone()), "{ip:?}");
    }
    assert_eq!(world.del(0, "claimed").len(), 1);
    assert_eq!(world.del(0, "old").len(), 1);
    world.pass(1_000);
    assert_eq!(world.add(1, by_hand("again")).unwrap(), old);
}

#[test]
fn another_store_takes_the_node_as_it_is() {
    let mut world = World::new(1, spec(&["10.0.0.0/24"], 28, 124));
    let old = world.add(0, wish("old")).unwrap();
    for number in 0..40 {
        world.add(0, wish(&format!("c{number}"))).unwrap();
        world.del(0, &format!("c{number}"));
        world.pass(1_000);
    }
    world.cut(0, true);
    world.restart(0);
    (world.store, world.revision) = (BTreeMap::new(), 0);
    world.pool("p", spec(&["10.0.0.0/24"], 28, 124));
    world.cut(0, false);
    world.pass(3_000);
    let leases = world.nodes[0].agent.leases();
    assert!(leases.len() == 1 && !leases[0].cut_off, "{leases:?}");
    let ips: std::collections::BTreeSet<_> = (0..50)
        .map(|number| world.add(0, wish(&format!("n{number}"))).unwrap())
        .collect();
    assert!(ips.len() == 50 && !ips.contains(&old));
}

fn of_claim(container: &str, claim: &str) -> Allocate {
    let mut wish = by_hand(container);
    if let Some(workload) = &mut wish.workload {
        workload.claim = ClaimName::new(claim).unwrap();
    }
    wish
}

fn nobody_is_cut_off(world: &World) {
    for node in &world.nodes {
        let leases = node.agent.leases();
        assert!(node.cut.is_empty(), "{:?}", node.cut);
        assert!(leases.iter().all(|lease| !lease.cut_off), "{leases:?}");
    }
}

#[test]
fn a_store_without_the_pool_cuts_nobody_off() {
    for restart in [false, true] {
        let mut world = World::new(1, spec(&["10.0.0.0/24"], 28, 124));
        let old = world.add(0, wish("old")).unwrap();
        world.pass(1_000);
        world.cut(0, true);
        if restart {
            world.restart(0);
        }
        rewind(&mut world, &BTreeMap::new(), 0);
        world.restart(0);
        world.pass(3_000);
        nobody_is_cut_off(&world);
        assert!(world.add(0, wish("early")).is_err(), "there is no pool");
        // The pool is made again: all goes on.
        world.pool("p", spec(&["10.0.0.0/24"], 28, 124));
        world.pass(3_000);
        nobody_is_cut_off(&world);
        for number in 0..30 {
            assert_ne!(world.add(0, wish(&format!("n{number}"))).unwrap(), old);
        }
        assert_eq!(world.del(0, "old").len(), 1);
    }
}

#[test]
fn a_claim_that_moved_since_stays_where_it_is() {
    for first in [0, 1] {
        let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
        let kept = world.add(0, by_hand("c0")).unwrap();
        world.add(1, wish("x")).unwrap();
        world.pass(1_000);
        let (store, revision) = backup(&world);
        world.del(0, "c0");
        world.pass(1_000);
        assert_eq!(world.add(1, by_hand("c1")).unwrap(), kept);
        world.pass(1_000);
        (world.store, world.revision) = (store, revision);
        for node in [first, 1 - first] {
            world.cut(node, true);
            world.cut(node, false);
            world.pass(1_000);
        }
        world.pass(3_000);
        nobody_is_cut_off(&world);
        assert!(world.add(0, by_hand("c2")).is_err(), "it is held");
        world.del(1, "c1");
        world.pass(1_000);
        assert_eq!(world.add(0, by_hand("c3")).unwrap(), kept);
    }
}

#[test]
fn a_copy_with_a_higher_revision_is_an_older_copy_too() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    world.add(0, wish("before")).unwrap();
    world.add(1, wish("there")).unwrap();
    world.pass(1_000);
    let (store, _) = backup(&world);
    for number in 0..20 {
        world.add(0, wish(&format!("c{number}"))).unwrap();
    }
    world.add(0, of_claim("claimed", "other")).unwrap();
    world.pass(1_000);
    let revision = world.revision + 1_000;
    rewind(&mut world, &store, revision);
    nobody_is_cut_off(&world);
    world.pass(10_000);
    assert!(world.nodes[0].agent.is_settled());
    world.add(0, of_claim("new", "newdb")).unwrap();
}

#[test]
fn what_was_given_back_since_is_given_back_again() {
    for taken in [false, true] {
        let mut world = World::new(2, spec(&["10.0.0.0/28"], 28, 124));
        world.add(0, wish("ghost")).unwrap();
        world.pass(1_000);
        let (store, revision) = backup(&world);
        world.del(0, "ghost");
        world.pass(200_000);
        if taken {
            world.add(1, wish("one")).unwrap();
            world.pass(2_000);
        }
        rewind(&mut world, &store, revision);
        world.pass(40_000);
        nobody_is_cut_off(&world);
        assert!(world.nodes[0].agent.leases().is_empty(), "no ghosts");
        let other = usize::from(taken);
        world.add(other, wish("two")).unwrap();
    }
}
