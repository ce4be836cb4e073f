//! What is not taken, and what is taken away.

use super::*;

const NET: &str = "10.0.0.0/8";

fn outcome(neighbour: Neighbour, set: &Attributes) -> Outcome {
    let mut table = table();
    let id = table.add(neighbour).unwrap();
    table.announce(id, set, hop(1), &[prefix(NET)]).unwrap();
    table.why(prefix(NET))[0].outcome
}

#[test]
fn loops() {
    let unfit = |unfit| Outcome::Unfit(unfit);
    let looped = attributes(&[65_001, ME, 65_009]);
    assert_eq!(outcome(external(1), &looped), unfit(Unfit::AsLoop));
    assert_eq!(outcome(internal(1), &looped), unfit(Unfit::AsLoop));
    let mut set = attributes(&[65_001]);
    set.originator = Some(router(1000));
    assert_eq!(outcome(internal(1), &set), unfit(Unfit::OwnOriginator));
    // Another AS has its own identifiers.
    assert_eq!(outcome(external(1), &set), Outcome::Best);
    set.originator = None;
    set.clusters = vec![router(5), router(1000)];
    assert_eq!(outcome(client(1), &set), unfit(Unfit::OwnCluster));
    assert_eq!(outcome(external(1), &set), Outcome::Best);
}

#[test]
fn a_path_begins_with_the_neighbour() {
    let first = |all: &[u32], neighbour| outcome(neighbour, &attributes(all));
    let unfit = |asn| Outcome::Unfit(Unfit::FirstAs(asn));
    assert_eq!(
        first(&[65_002, 65_001], external(1)),
        unfit(Some(asn(65_002)))
    );
    assert_eq!(first(&[], external(1)), unfit(None));
    assert_eq!(first(&[65_002], internal(1)), Outcome::Best);
    let server = Neighbour {
        enforce_first_as: false,
        local: None,
        ..external(1)
    };
    assert_eq!(first(&[65_002], server), Outcome::Best);
}

#[test]
fn without_a_policy_nothing_goes_in_or_out() {
    let none = |neighbour: Neighbour| Neighbour {
        filters: Filters::none(),
        ..neighbour
    };
    let set = attributes(&[65_001]);
    assert!(matches!(
        outcome(none(external(1)), &set),
        Outcome::Unfit(Unfit::Policy(_))
    ));
    assert_eq!(outcome(none(internal(1)), &set), Outcome::Best);
    let unneeded = Filters {
        needed: false,
        ..Filters::none()
    };
    let open = Neighbour {
        filters: unneeded,
        ..external(1)
    };
    assert_eq!(outcome(open, &set), Outcome::Best);
    let mut table = table();
    table.originate(Source::Block, prefix(NET), attributes(&[]));
    let [out, inside] = [external(1), internal(2)].map(|neighbour| {
        let id = table.add(none(neighbour)).unwrap();
        table.join(id, Family::Ipv4);
        (id, listen(&mut table, id))
    });
    assert_eq!((out.1.knows.len(), out.1.ends), (0, 1));
    assert_eq!(inside.1.knows.len(), 1);
    let why = table.why_told(out.0, prefix(NET)).unwrap_err().to_string();
    assert_eq!(
        why,
        "refused: a neighbour of another AS needs a policy, and has none (RFC 8212)"
    );
}

#[test]
fn the_default_route_has_to_be_named() {
    let default = prefix("0.0.0.0/0");
    let all = Arc::new(Policy::new("all", [Rule::accept("all")]).unwrap());
    for (policy, taken) in [(Some(open()), true), (Some(all), false), (None, false)] {
        let mut table = table();
        let filters = Filters {
            import: policy.clone(),
            export: policy,
            needed: false,
        };
        let id = table
            .add(Neighbour {
                filters,
                ..internal(1)
            })
            .unwrap();
        table
            .announce(id, &attributes(&[65_001]), hop(1), &[default])
            .unwrap();
        assert_eq!(table.best(default).len(), usize::from(taken));
        table.originate(Source::Chosen, default, attributes(&[]));
        table.join(id, Family::Ipv4);
        assert_eq!(listen(&mut table, id).knows.len(), usize::from(taken));
    }
}

#[test]
fn more_prefixes_than_allowed() {
    let mut table = table();
    let most = [Some(2), None];
    let id = table
        .add(Neighbour {
            most,
            ..external(1)
        })
        .unwrap();
    let nets = ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"].map(prefix);
    let set = attributes(&[65_001]);
    table.announce(id, &set, hop(1), &nets[..2]).unwrap();
    // The same ones again are no more.
    table
        .announce(id, &attributes(&[65_001, 5]), hop(1), &nets[..2])
        .unwrap();
    let over = table.announce(id, &set, hop(1), &nets).unwrap_err();
    assert_eq!(over.to_string(), "more than 2 prefixes of ipv4-unicast");
    assert_eq!(table.counts(id, Family::Ipv4).received, 2);
    assert!(table.best(nets[2]).is_empty());
    table.withdraw(id, &nets[..1]);
    table.announce(id, &set, hop(1), &nets[2..3]).unwrap();
    table
        .announce(
            id,
            &set,
            NextHop::V6("fd00::1".parse().unwrap(), None),
            &[prefix("fd00::/48")],
        )
        .unwrap();
}

/// A restart keeps what is told again and nothing else.
#[test]
fn stale_paths_are_used_until_they_are_purged() {
    let mut table = table();
    let id = table.add(external(1)).unwrap();
    let nets = ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"].map(prefix);
    let set = attributes(&[65_001]);
    table.announce(id, &set, hop(1), &nets).unwrap();
    table.changes(10);
    table.mark_stale(id, Family::Ipv4);
    work(&mut table);
    assert!(table.why(nets[0])[0].stale);
    assert!(table.changes(10).is_empty());
    table.announce(id, &set, hop(1), &nets[..1]).unwrap();
    table
        .announce(id, &attributes(&[65_001, 7]), hop(1), &nets[1..2])
        .unwrap();
    assert!(!table.why(nets[0])[0].stale);
    assert_eq!(table.changes(10).len(), 1);
    table.purge_stale(id, Family::Ipv4);
    work(&mut table);
    let changes = table.changes(10);
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].prefix, changes[0].best.len()), (nets[2], 0));
    assert_eq!(table.counts(id, Family::Ipv4).received, 2);
    // It restarts twice: what it did not tell in between goes at the second time.
    table.mark_stale(id, Family::Ipv4);
    table.announce(id, &set, hop(1), &nets[..1]).unwrap();
    table.mark_stale(id, Family::Ipv4);
    work(&mut table);
    assert_eq!(table.counts(id, Family::Ipv4).received, 1);
    table.purge(id, Family::Ipv4);
    work(&mut table);
    assert_eq!(table.counts(id, Family::Ipv4).received, 0);
}

/// Another that a long random run found: the withdrawal seemed to change nothing, since nothing was used any more.
#[test]
fn what_goes_before_its_next_hop_was_looked_at_is_said() {
    use std::sync::atomic::{AtomicBool, Ordering};
    for multipath in [1, 2] {
        let reached = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&reached);
        let settings = Settings {
            multipath,
            ..settings()
        };
        let resolve = move |_: NextHop| asked.load(Ordering::Relaxed).then_some(1);
        let mut table = Table::new(settings, resolve);
        let id = table.add(external(1)).unwrap();
        let net = [prefix(NET)];
        let set = attributes(&[65_001]);
        table.announce(id, &set, hop(1), &net).unwrap();
        assert_eq!(table.changes(10).len(), 1);
        reached.store(false, Ordering::Relaxed);
        table.resolve_anew();
        table.withdraw(id, &net);
        let changes = table.changes(10);
        assert_eq!(changes.len(), 1);
        assert!(changes[0].best.is_empty());
    }
}

/// A long random run found it: of a number that was free already the node was told that its prefix had no route, while
/// the prefix had another number, and a route.
#[test]
fn a_number_that_is_free_is_nobodys() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let cost = Arc::new(AtomicU32::new(1));
    let asked = Arc::clone(&cost);
    let settings = Settings {
        multipath: 2,
        ..settings()
    };
    let mut table = Table::new(settings, move |_| Some(asked.load(Ordering::Relaxed)));
    let id = table.add(external(1)).unwrap();
    let nets = ["10.0.0.0/8", "11.0.0.0/8"].map(prefix);
    let set = attributes(&[65_001]);
    table.announce(id, &set, hop(1), &nets).unwrap();
    table.withdraw(id, &nets);
    table.changes(10);
    table.work(10);
    // The number that was free last is taken first.
    table.announce(id, &set, hop(1), &nets[..1]).unwrap();
    assert_eq!(table.changes(10).len(), 1);
    cost.store(2, Ordering::Relaxed);
    table.resolve_anew();
    work(&mut table);
    let changes = table.changes(10);
    assert!(
        changes
            .iter()
            .all(|change| change.prefix == nets[0] && change.best.len() == 1)
    );
}

/// A neighbour that does not read does not make all others wait for numbers that cannot be freed.
#[test]
fn numbers_that_are_not_free_cost_little() {
    let mut table = table();
    let slow = table.add(external(1)).unwrap();
    table.join(slow, Family::Ipv4);
    let all =
        (0..1_000u32).map(|number| Prefix::new(IpAddr::from((number << 8).to_be_bytes()), 24));
    let all: Vec<Prefix> = all.map(Option::unwrap).collect();
    for prefix in &all {
        table.originate(Source::Block, *prefix, attributes(&[]));
    }
    let mut receiver = listen(&mut table, slow);
    table.changes(usize::MAX);
    for prefix in &all {
        table.retract(Source::Block, *prefix);
    }
    table.changes(usize::MAX);
    let first = |table: &Table| table.v4.idle.front().copied().unwrap();
    let before = first(&table);
    table.work(100_000);
    let looked_at = first(&table).0 - before.0;
    assert_eq!(looked_at as usize, sweep::VAIN);
    assert_eq!(table.v4.idle.len(), all.len());
    receiver.listen(&mut table, slow, Family::Ipv4);
    assert!(receiver.knows.is_empty());
    // Nobody has to hear of them any more, so that all are free at once.
    table.work(100_000);
    assert_eq!(table.v4.idle.len(), 0);
    assert_eq!(table.v4.freed as usize, all.len());
}

#[test]
fn a_neighbour_that_is_back_may_have_another_identifier() {
    let mut table = table();
    let [one, other, to] = [client(1), client(2), client(3)].map(|one| table.add(one).unwrap());
    let net = prefix(NET);
    for from in [one, other] {
        table
            .announce(from, &attributes(&[65_009]), hop(1), &[net])
            .unwrap();
    }
    table.join(to, Family::Ipv4);
    let mut heard = Receiver::default();
    for (number, best) in [(1, one), (7, other)] {
        let renewed = Neighbour {
            router: router(number),
            ..client(1)
        };
        table.renew(one, renewed);
        work(&mut table);
        assert_eq!(table.best(net)[0].peer, Some(best));
        heard.listen(&mut table, to, Family::Ipv4);
    }
    table.withdraw(other, &[net]);
    heard.listen(&mut table, to, Family::Ipv4);
    assert_eq!(heard.knows[&net].attributes.originator, Some(router(7)));
    table.renew(
        one,
        Neighbour {
            router: router(9),
            ..client(1)
        },
    );
    work(&mut table);
    heard.listen(&mut table, to, Family::Ipv4);
    let told = &heard.knows[&net].attributes;
    assert_eq!(told.originator, Some(router(9)));
}

#[test]
fn a_neighbour_that_is_gone_leaves_nothing() {
    let mut table = table();
    let [gone, stays] = [1, 2].map(|last| table.add(external(last)).unwrap());
    let net = [prefix(NET)];
    table
        .announce(gone, &attributes(&[65_001]), hop(1), &net)
        .unwrap();
    table
        .announce(stays, &attributes(&[65_002, 5]), hop(1), &net)
        .unwrap();
    table.remove(gone);
    assert!(table.neighbour(gone).is_none());
    table
        .announce(gone, &attributes(&[65_001]), hop(3), &net)
        .unwrap();
    // Its paths are there until they were looked at, and are chosen no more.
    let fates = table.why(net[0]);
    let outcomes = fates.iter().map(|fate| (fate.peer, fate.outcome));
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [
            (Some(stays), Outcome::Best),
            (Some(gone), Outcome::Unfit(Unfit::Gone))
        ]
    );
    table
        .announce(stays, &attributes(&[65_002, 6]), hop(1), &net)
        .unwrap();
    assert_eq!(table.best(net[0])[0].peer, Some(stays));
    // It is back before all of it was looked at: another than before.
    let back = table.add(external(1)).unwrap();
    assert_ne!(back, gone);
    work(&mut table);
    let fates = table.why(net[0]);
    assert_eq!(fates.len(), 1);
    assert_eq!(
        (fates[0].peer, fates[0].outcome),
        (Some(stays), Outcome::Best)
    );
    assert_eq!(
        table.add(external(1)).unwrap(),
        gone,
        "numbers are used again"
    );
}

#[test]
fn other_ways_to_next_hops_choose_anew() {
    use std::sync::Mutex;
    let costs = Arc::new(Mutex::new([1, 2]));
    let asked = Arc::clone(&costs);
    let mut table = Table::new(settings(), move |hop: NextHop| {
        let NextHop::V4(ip) = hop else { return None };
        let cost = asked.lock().unwrap()[usize::from(ip.octets()[3]) % 2];
        (cost > 0).then_some(cost)
    });
    let ids = [1, 2].map(|last| {
        table
            .add(neighbour(last, 65_001, Relation::External))
            .unwrap()
    });
    let net = [prefix(NET)];
    for (id, to) in ids.iter().zip([0, 1]) {
        table
            .announce(*id, &attributes(&[65_001]), hop(to), &net)
            .unwrap();
    }
    assert_eq!(table.best(net[0])[0].peer, Some(ids[0]));
    for (now, best) in [
        ([3, 2], Some(ids[1])),
        ([3, 0], Some(ids[0])),
        ([0, 0], None),
    ] {
        *costs.lock().unwrap() = now;
        table.resolve_anew();
        work(&mut table);
        let used = table.best(net[0]);
        assert_eq!(used.first().and_then(|used| used.peer), best);
    }
}
