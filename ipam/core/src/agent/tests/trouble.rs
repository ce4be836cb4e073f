//! Restarts, lost journals, nodes that were removed.

use super::super::{Action, Answer, Input, RequestId};
use super::world::{World, attachment, spec, wish};
use crate::{
    Allocate, ClaimKind, ClaimName, PoolName, Release, Request, Sighting, Workload,
    keys::Key,
    record::{BlockRecord, Record, Use},
};

pub(super) fn by_hand(container: &str) -> Allocate {
    Allocate {
        workload: Some(Workload {
            claim: ClaimName::new("db").unwrap(),
            kind: ClaimKind::Single,
            app: None,
            ordinal: None,
            by_hand: true,
        }),
        release: Some(Release::Never),
        ..wish(container)
    }
}

#[test]
fn a_restart_changes_nothing() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let plain = world.add(0, wish("a")).unwrap();
    let sticky = world.add(0, by_hand("b")).unwrap();
    world.restart(0);
    assert_eq!(world.add(0, wish("a")).unwrap(), plain);
    assert_eq!(world.add(0, by_hand("b")).unwrap(), sticky);
    for number in 0..40 {
        let other = world.add(number % 2, wish(&format!("o{number}"))).unwrap();
        assert!(other != plain && other != sticky);
    }
}

#[test]
fn a_lost_journal_is_made_anew_from_store_and_kernel() {
    let mut world = World::new(2, spec(&["10.0.0.0/28"], 28, 124));
    let told = world.add(0, wish("told")).unwrap();
    let sticky = world.add(0, by_hand("sticky")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    let seen = world.add(0, wish("seen")).unwrap();
    let sighting = Sighting {
        attachment: attachment("seen"),
        netns: None,
        addresses: vec![seen[0].parse().unwrap()],
    };
    world.lose_journal(0, vec![sighting]);
    assert!(
        world.add(0, wish("x")).is_err(),
        "all rests that may have been given"
    );
    world.pass(31_000);
    let mut others = Vec::new();
    while let Ok(ip) = world.add(0, wish(&format!("o{}", others.len()))) {
        others.extend(ip);
    }
    assert_eq!(others.len(), 10, "{others:?}");
    for kept in [&told, &seen, &sticky] {
        assert!(!others.contains(&kept[0]), "{kept:?}");
    }
    assert_eq!(world.del(0, "seen").len(), 1);
    world.del(0, "sticky");
    world.pass(500);
    assert_eq!(world.add(1, by_hand("again")).unwrap(), sticky);
}

/// What `netctl node rm` does.
fn remove(world: &mut World, node: &str) {
    let entries: Vec<_> = world.store.values().cloned().collect();
    for entry in entries {
        let Some(Key::Block(..)) = Key::parse(&entry.key) else {
            continue;
        };
        let mut record = BlockRecord::decode(&entry.value).unwrap();
        if record
            .owner
            .as_ref()
            .is_some_and(|owner| owner.node.as_str() == node)
        {
            record.owner = None;
            record.epoch += 1;
            for entry in &mut record.entries {
                if matches!(entry.used, Use::Live { .. }) {
                    entry.used = Use::Cooling;
                }
            }
            world.put(entry.key, record.encode());
        }
    }
    world.run();
}

#[test]
fn a_removed_node_that_returns_takes_nothing_back() {
    let mut world = World::new(2, spec(&["10.0.0.0/28"], 28, 124));
    let first = world.add(0, wish("a")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    remove(&mut world, "n0");
    world.pass(1_000);
    // The block is the other's now; the address rests there.
    let mut others = Vec::new();
    while let Ok(ip) = world.add(1, wish(&format!("o{}", others.len()))) {
        assert_ne!(ip, first);
        others.extend(ip);
    }
    world.pass(31_000);
    assert_eq!(world.add(1, wish("late")).unwrap(), first);
    world.cut(0, false);
    world.pass(1_000);
    assert_eq!(world.nodes[0].cut, [attachment("a")]);
    assert!(world.nodes[0].agent.leases()[0].cut_off);
    let ips = vec![first[0].parse().unwrap()];
    let refusal = world
        .ask(0, Request::Check(attachment("a"), ips))
        .unwrap_err();
    assert!(
        refusal.to_string().contains("given to node n1"),
        "{refusal}"
    );
    assert_eq!(world.del(0, "a").len(), 1);
    assert!(world.add(1, wish("b")).is_err());
}

#[test]
fn a_block_that_nobody_took_is_had_again() {
    let mut world = World::new(2, spec(&["10.0.0.0/26"], 28, 124));
    let first = world.add(0, wish("a")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    remove(&mut world, "n0");
    world.cut(0, false);
    world.pass(2_000);
    assert!(world.nodes[0].cut.is_empty());
    let ips = vec![first[0].parse().unwrap()];
    assert!(world.ask(0, Request::Check(attachment("a"), ips)).is_ok());
    for number in 0..40 {
        assert_ne!(world.add(1, wish(&format!("o{number}"))).unwrap(), first);
    }
}

#[test]
fn what_was_live_before_the_machine_was_made_anew_is_not_live() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    world.nodes[0].settings.boot = Some("b1".to_owned());
    world.restart(0);
    let dead = world.add(0, wish("dead")).unwrap();
    let sticky = world.add(0, by_hand("sticky")).unwrap();
    world.pass(1_000);
    world.nodes[0].settings.boot = Some("b2".to_owned());
    world.lose_journal(0, Vec::new());
    assert!(world.nodes[0].agent.leases().is_empty());
    // The claim can be held elsewhere, and the rest has rested.
    assert_eq!(world.add(1, by_hand("again")).unwrap(), sticky);
    world.pass(31_000);
    let all: Vec<_> = (0..12)
        .map(|number| world.add(0, wish(&format!("o{number}"))).unwrap())
        .collect();
    assert!(all.contains(&dead), "{dead:?} in {all:?}");
}

#[test]
fn a_rebuild_that_was_broken_off_goes_on_with_what_the_kernel_shows() {
    let mut world = World::new(1, spec(&["10.0.0.0/28"], 28, 124));
    world.add(0, wish("told")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    let unseen = world.add(0, wish("unseen")).unwrap();
    let sighting = Sighting {
        attachment: attachment("unseen"),
        netns: None,
        addresses: vec![unseen[0].parse().unwrap()],
    };
    let wants = |world: &World| {
        let journal = world.nodes[0].journal.clone().into_iter().collect();
        crate::wants_sightings(&journal)
    };
    assert!(!wants(&world));
    // A new journal, and the daemon is killed before it has heard of the store.
    let mut settings = world.nodes[0].settings.clone();
    settings.journal = "new".parse().unwrap();
    let journal = std::collections::BTreeMap::new();
    world.nodes[0] = world.start(settings.clone(), journal, vec![sighting.clone()], true);
    assert!(wants(&world) && !world.nodes[0].journal.is_empty());
    let journal = world.nodes[0].journal.clone();
    world.nodes[0] = world.start(settings, journal, vec![sighting], false);
    world.pass(40_000);
    assert!(!wants(&world), "it is done");
    let mut others = Vec::new();
    while let Ok(ip) = world.add(0, wish(&format!("o{}", others.len()))) {
        others.extend(ip);
    }
    assert!(
        !others.is_empty() && !others.contains(&unseen[0]),
        "{others:?}"
    );
    assert_eq!(world.del(0, "unseen").len(), 1);
}

#[test]
fn what_a_claim_was_granted_meanwhile_is_the_claims() {
    let mut world = World::new(2, spec(&["10.0.0.0/28"], 28, 124));
    world.add(0, wish("first")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    let late = world.add(0, wish("late")).unwrap();
    remove(&mut world, "n0");
    world.pass(31_000);
    // Among what the other node gives, to claims, is what the first one has given too.
    let given = (0..12).find(|number| {
        let mut wish = by_hand(&format!("o{number}"));
        if let Some(workload) = &mut wish.workload {
            workload.claim = ClaimName::new(format!("db{number}")).unwrap();
        }
        world.add(1, wish).unwrap() == late
    });
    assert!(given.is_some(), "{late:?}");
    world.pass(1_000);
    remove(&mut world, "n1");
    world.cut(0, false);
    world.pass(1_000);
    assert_eq!(world.nodes[0].cut, [attachment("late")]);
}

#[test]
fn a_claim_that_was_handed_on_unseen_is_its_users() {
    let mut world = World::new(2, spec(&["10.0.0.0/24"], 28, 124));
    let kept = world.add(0, by_hand("first")).unwrap();
    world.pass(1_000);
    world.cut(0, true);
    world.del(0, "first");
    assert_eq!(world.add(0, by_hand("second")).unwrap(), kept);
    let sighting = Sighting {
        attachment: attachment("second"),
        netns: None,
        addresses: vec![kept[0].parse().unwrap()],
    };
    world.lose_journal(0, vec![sighting]);
    let leases = world.nodes[0].agent.leases();
    let holder = leases.first().map(|lease| lease.attachment.clone());
    assert_eq!(holder, Some(attachment("second")));
    assert!(world.add(1, by_hand("third")).is_err(), "it is held");
    assert_eq!(world.del(0, "second").len(), 1);
    world.pass(1_000);
    assert_eq!(world.add(1, by_hand("third")).unwrap(), kept);
}

/// The record of its block says what it had before; with that it would hold an address that it does not use.
#[test]
fn who_came_again_before_its_block_did_has_what_it_got_then() {
    let mut world = World::new(1, spec(&["10.0.0.0/28"], 28, 124));
    world.pool("q", spec(&["10.1.0.0/28", "fd00::/124"], 28, 124));
    let former = world.add(0, wish("a")).unwrap();
    world.pass(1_000);
    let mut settings = world.nodes[0].settings.clone();
    settings.journal = "new".parse().unwrap();
    let journal = std::collections::BTreeMap::new();
    let mut node = world.start(settings, journal, Vec::new(), false);
    let of_q = Allocate {
        pool: Some(PoolName::new("q").unwrap()),
        deadline: world.clock.now + 10_000,
        ..wish("a")
    };
    node.feed(
        world.clock,
        Input::Request(RequestId(1_000), Request::Release(attachment("a"))),
    );
    let add = Request::Allocate(Box::new(of_q));
    node.feed(world.clock, Input::Request(RequestId(1_001), add));
    // The former life's block comes last.
    let first = node.todo.pop_front().unwrap();
    assert!(matches!(first, Action::Commit(..)), "{first:?}");
    node.todo.push_back(first);
    world.nodes[0] = node;
    world.pass(1_000);
    let Some(Ok(Answer::Allocated(given))) = world.answer(RequestId(1_001)) else {
        panic!("it got an address");
    };
    let given: Vec<_> = given.addresses.iter().map(|address| address.ip).collect();
    assert_eq!(given.len(), 2);
    let leases = world.nodes[0].agent.leases();
    let has: Vec<_> = leases.iter().map(|lease| lease.addresses.clone()).collect();
    assert_eq!(has, std::slice::from_ref(&given));
    world.restart(0);
    // Also what rests can be given again, in time.
    world.pass(31_000);
    let all: Vec<_> = (0..12)
        .map_while(|number| world.add(0, wish(&format!("o{number}"))).ok())
        .collect();
    assert!(all.contains(&former), "{former:?} in {all:?}");
    assert_eq!(world.del(0, "a"), given);
}

/// The store says still what it had, and nobody else would ever free it.
fn released_before_its_block_was_taken_over(killed: bool) {
    let mut world = World::new(1, spec(&["10.0.0.0/28"], 28, 124));
    world.add(0, wish("stays")).unwrap();
    let former = world.add(0, wish("goes")).unwrap();
    let sticky = world.add(0, by_hand("sticky")).unwrap();
    world.pass(1_000);
    let seen = |name: &str, ip: &[String]| Sighting {
        attachment: attachment(name),
        netns: None,
        addresses: ip.iter().map(|ip| ip.parse().unwrap()).collect(),
    };
    // Their interfaces go a moment after the DEL.
    let sightings = vec![seen("goes", &former), seen("sticky", &sticky)];
    let mut settings = world.nodes[0].settings.clone();
    settings.journal = "new".parse().unwrap();
    let journal = std::collections::BTreeMap::new();
    world.nodes[0] = world.start(settings.clone(), journal, sightings.clone(), true);
    for name in ["goes", "sticky"] {
        world.del(0, name);
    }
    let ended = |world: &World| {
        let mut journal = world.nodes[0].journal.keys();
        journal.any(|key| key.starts_with("ended/"))
    };
    assert!(ended(&world));
    if killed {
        let journal = world.nodes[0].journal.clone();
        world.nodes[0] = world.start(settings, journal, sightings, false);
    } else {
        world.cut(0, false);
    }
    world.pass(3_000);
    let leases = world.nodes[0].agent.leases();
    let left: Vec<_> = leases
        .iter()
        .map(|one| &*one.attachment.container)
        .collect();
    assert_eq!(left, ["stays"]);
    assert!(!ended(&world), "that is over");
    world.pass(31_000);
    let all: Vec<_> = (0..16)
        .map_while(|number| world.add(0, wish(&format!("o{number}"))).ok())
        .collect();
    assert!(all.contains(&former) && !all.contains(&sticky), "{all:?}");
    assert_eq!(world.add(0, by_hand("sticky")).unwrap(), sticky);
}

#[test]
fn who_was_released_before_its_block_was_taken_over_has_nothing() {
    released_before_its_block_was_taken_over(false);
}

#[test]
fn who_was_released_stays_so_when_the_daemon_is_killed_meanwhile() {
    released_before_its_block_was_taken_over(true);
}

#[test]
fn who_is_seen_gets_nothing_on_top_before_its_block_is_taken_over() {
    let mut world = World::new(1, spec(&["10.0.0.0/28"], 28, 124));
    world.pool("q", spec(&["10.1.0.0/28"], 28, 124));
    let first = world.add(0, wish("a")).unwrap();
    world.pass(1_000);
    let sighting = Sighting {
        attachment: attachment("a"),
        netns: None,
        addresses: vec![first[0].parse().unwrap()],
    };
    let mut settings = world.nodes[0].settings.clone();
    settings.journal = "new".parse().unwrap();
    let journal = std::collections::BTreeMap::new();
    world.nodes[0] = world.start(settings, journal, vec![sighting], true);
    let again = Allocate {
        pool: Some(PoolName::new("q").unwrap()),
        ..wish("a")
    };
    let refusal = world.add(0, again.clone()).unwrap_err().to_string();
    let has = format!("a/eth0 has {} already", first[0]);
    assert!(refusal.ends_with(&has), "{refusal}");
    world.cut(0, false);
    assert!(world.add(0, again.clone()).is_err());
    assert_eq!(world.del(0, "a").len(), 1);
    assert!(world.add(0, again).unwrap()[0].starts_with("10.1.0."));
}
