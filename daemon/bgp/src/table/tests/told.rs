//! What is told when: once, in bounded pieces, no more than is needed.

use super::*;

fn nets(count: u32) -> Vec<Prefix> {
    let all = (0..count).map(|n| Ipv4Addr::from_bits(0x0A00_0000 | n << 8));
    all.map(|ip| Prefix::new(IpAddr::V4(ip), 24).unwrap())
        .collect()
}

fn joined(table: &mut Table, neighbour: Neighbour) -> PeerId {
    let id = table.add(neighbour).unwrap();
    table.join(id, Family::Ipv4);
    id
}

fn announce(table: &mut Table, from: PeerId, all: &[u32], nets: &[Prefix]) {
    table
        .announce(from, &attributes(all), hop(1), nets)
        .unwrap();
}

#[test]
fn what_flaps_while_a_neighbour_is_slow_is_told_once_as_it_is_then() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let to = joined(&mut table, external(2));
    assert_eq!(listen(&mut table, to).ends, 1);
    let all = nets(3);
    for round in 0..10 {
        announce(&mut table, from, &[65_001, 1 + round], &all);
        table.withdraw(from, &all[1..]);
    }
    announce(&mut table, from, &[65_001, 99], &all[..2]);
    let heard = listen(&mut table, to);
    assert_eq!((heard.lines, heard.knows.len()), (2, 2));
    assert_eq!(
        heard.knows[&all[1]].attributes.as_path,
        path(&[ME, 65_001, 99])
    );
    // What comes and goes in between was never there.
    announce(&mut table, from, &[65_001], &all[2..]);
    table.withdraw(from, &all[2..]);
    assert_eq!(listen(&mut table, to).lines, 0);
}

#[test]
fn a_slow_neighbour_harms_no_other() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let [fast, slow] = [2, 3].map(|last| joined(&mut table, external(last)));
    let (mut quick, mut late) = (Receiver::default(), Receiver::default());
    let all = nets(50);
    for round in 0..200 {
        announce(&mut table, from, &[65_001, 1 + round], &all);
        quick.listen(&mut table, fast, Family::Ipv4);
    }
    assert_eq!(quick.lines, 50 * 200);
    late.listen(&mut table, slow, Family::Ipv4);
    assert_eq!(late.lines, 50);
    assert_eq!(late.knows, quick.knows);
}

#[test]
fn no_one_is_told_what_it_told() {
    let mut table = table();
    let [one, other, third] = [1, 2, 3].map(|last| joined(&mut table, external(last)));
    let net = nets(1);
    announce(&mut table, one, &[65_001, 9], &net);
    assert_eq!(listen(&mut table, one).lines, 0);
    let mut hears = Receiver::default();
    hears.listen(&mut table, other, Family::Ipv4);
    assert_eq!(hears.lines, 1);
    // It has a better one itself: what it was told is taken back, and the first one hears of it.
    announce(&mut table, other, &[65_002], &net);
    hears.listen(&mut table, other, Family::Ipv4);
    assert!(hears.knows.is_empty());
    assert_eq!(listen(&mut table, one).lines, 1);
    assert_eq!(listen(&mut table, third).lines, 1);
    assert_eq!(table.why_told(other, net[0]), Err(NotTold::ItsOwn));
}

#[test]
fn the_same_from_another_is_told_to_the_two_alone() {
    let mut table = table();
    // Their routes are told alike: nothing of who told them is left.
    let [one, other] =
        [1, 2].map(|last| joined(&mut table, neighbour(last, 65_001, Relation::External)));
    let third = joined(&mut table, neighbour(3, 65_001, Relation::External));
    let net = nets(1);
    announce(&mut table, one, &[65_001], &net);
    announce(&mut table, other, &[65_001], &net);
    let mut all = [one, other, third].map(|peer| (peer, Receiver::default()));
    for (peer, receiver) in &mut all {
        receiver.listen(&mut table, *peer, Family::Ipv4);
        receiver.lines = 0;
    }
    assert_eq!(
        all.each_ref().map(|(_, receiver)| receiver.knows.len()),
        [0, 1, 1]
    );
    table.withdraw(one, &net);
    for (peer, receiver) in &mut all {
        receiver.listen(&mut table, *peer, Family::Ipv4);
    }
    assert_eq!(
        all.each_ref().map(|(_, receiver)| receiver.lines),
        [1, 1, 0]
    );
    assert_eq!(
        all.each_ref().map(|(_, receiver)| receiver.knows.len()),
        [1, 0, 1]
    );
}

#[test]
fn those_that_are_told_alike_get_one_batch() {
    let mut table = table();
    let from = joined(&mut table, external(1));
    let all: Vec<_> = (2..6)
        .map(|last| joined(&mut table, external(last)))
        .collect();
    let inside = joined(&mut table, internal(9));
    announce(&mut table, from, &[65_001], &nets(10));
    let mut serial = |peer| table.tell(peer, Family::Ipv4, 100).unwrap().batch.serial();
    let serials: Vec<_> = all.iter().map(|peer| serial(*peer)).collect();
    assert!(
        serials.iter().all(|other| *other == serials[0]),
        "{serials:?}"
    );
    assert_ne!(serial(inside), serials[0]);
    announce(&mut table, from, &[65_001], &nets(11));
    let mut serial = |peer| table.tell(peer, Family::Ipv4, 100).unwrap().batch.serial();
    let later: Vec<_> = all.iter().map(|peer| serial(*peer)).collect();
    assert!(
        later
            .iter()
            .all(|other| *other == later[0] && *other != serials[0])
    );
}

#[test]
fn all_that_there_is_comes_in_pieces_and_has_an_end() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let all = nets(1000);
    announce(&mut table, from, &[65_001], &all);
    let to = joined(&mut table, external(2));
    let mut heard = Receiver::default();
    let mut calls = 0;
    while let Some(told) = table.tell(to, Family::Ipv4, 64) {
        assert!(told.batch.len() <= 64, "{}", told.batch.len());
        assert_eq!(heard.ends, 0, "nothing comes after the end");
        heard.hear(&told);
        calls += 1;
    }
    assert!(calls >= 1000 / 64);
    assert_eq!(
        (heard.knows.len(), heard.lines, heard.ends),
        (1000, 1000, 1)
    );
    // Another of the same kind needs no work of its own, and one that comes back is told all once more.
    for peer in [joined(&mut table, external(3)), to] {
        table.join(peer, Family::Ipv4);
        let heard = listen(&mut table, peer);
        assert_eq!(
            (heard.knows.len(), heard.lines, heard.ends),
            (1000, 1000, 1)
        );
    }
}

#[test]
fn what_changes_while_all_is_told_is_told_once() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let all = nets(1000);
    announce(&mut table, from, &[65_001], &all);
    let to = joined(&mut table, external(2));
    let mut heard = Receiver::default();
    for round in 0..5 {
        heard.hear(&table.tell(to, Family::Ipv4, 50).unwrap());
        let more = &all[900..];
        announce(&mut table, from, &[65_001, 1 + round], more);
    }
    table.withdraw(from, &all[950..]);
    // What was there before the end comes before it.
    while heard.ends == 0 {
        heard.hear(&table.tell(to, Family::Ipv4, 50).unwrap());
    }
    assert!(!table.is_waiting(to, Family::Ipv4));
    assert_eq!(heard.knows.len(), 950);
    assert_eq!(
        heard.knows[&all[949]].attributes.as_path,
        path(&[ME, 65_001, 5])
    );
    assert_eq!(heard.ends, 1);
}

#[test]
fn what_changed_before_the_end_comes_before_it() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let all = nets(1000);
    announce(&mut table, from, &[65_001], &all);
    let to = joined(&mut table, external(2));
    let mut heard = Receiver::default();
    while heard.knows.len() < 900 {
        heard.hear(&table.tell(to, Family::Ipv4, 50).unwrap());
    }
    announce(&mut table, from, &[65_001, 9], &all);
    while heard.ends == 0 {
        heard.hear(&table.tell(to, Family::Ipv4, 50).unwrap());
    }
    let new = path(&[ME, 65_001, 9]);
    let mut knows = heard.knows.values();
    assert!(knows.all(|route| route.attributes.as_path == new));
    assert_eq!(heard.knows.len(), 1000);
    assert!(!table.is_waiting(to, Family::Ipv4));
}

#[test]
fn a_refresh_tells_all_anew_and_says_where_it_ends() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    announce(&mut table, from, &[65_001], &nets(100));
    let to = joined(&mut table, external(2));
    assert_eq!(listen(&mut table, to).refreshed, 0);
    table.refresh(to, Family::Ipv4);
    let heard = listen(&mut table, to);
    assert_eq!((heard.knows.len(), heard.lines), (100, 100));
    assert_eq!((heard.ends, heard.refreshed), (0, 1));
}

#[test]
fn another_export_policy_tells_what_differs() {
    let inner = Term::Prefixes(
        [PrefixMatch::within(prefix("10.0.0.0/17"))]
            .into_iter()
            .collect(),
    );
    let half = Policy::new(
        "half",
        [Rule::refuse("inner").when(inner), Rule::accept("rest")],
    );
    let half = Arc::new(half.unwrap());
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    announce(&mut table, from, &[65_001], &nets(256));
    let peers = [2, 3, 4].map(|last| joined(&mut table, external(last)));
    let mut all = peers.map(|peer| (peer, Receiver::default()));
    let mut listen = |table: &mut Table| {
        all.each_mut().map(|(peer, receiver)| {
            receiver.lines = 0;
            receiver.listen(table, *peer, Family::Ipv4);
            (receiver.lines, receiver.knows.len())
        })
    };
    assert_eq!(listen(&mut table), [(256, 256); 3]);
    let half = || filters(open(), Arc::clone(&half));
    // Two part from the third, and stay together.
    table.change([(peers[0], half()), (peers[1], half())]);
    assert_eq!(listen(&mut table), [(128, 128), (128, 128), (0, 256)]);
    assert_eq!(table.v4.groups.iter().flatten().count(), 2);
    // An equal one is no other.
    table.change([(peers[0], half()), (peers[1], half())]);
    assert!(!table.is_waiting(peers[0], Family::Ipv4));
    // All of a group: it is the group's.
    table.change([(peers[2], filters(open(), prepend(1)))]);
    assert_eq!(listen(&mut table), [(0, 128), (0, 128), (256, 256)]);
    assert_eq!(table.v4.groups.iter().flatten().count(), 2);
    // None at all is needed, and not there (RFC 8212).
    table.change([(peers[2], Filters::none())]);
    assert_eq!(listen(&mut table)[2], (256, 0));
}

#[test]
fn another_import_policy_needs_nothing_told_anew() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    announce(&mut table, from, &[65_001], &nets(10));
    let received = Counts {
        received: 10,
        accepted: 10,
    };
    assert_eq!(table.counts(from, Family::Ipv4), received);
    table.change([(from, Filters::none())]);
    work(&mut table);
    assert_eq!(
        table.counts(from, Family::Ipv4),
        Counts {
            accepted: 0,
            ..received
        }
    );
    assert!(table.best(nets(1)[0]).is_empty());
    let why = table.why(nets(1)[0])[0].outcome.to_string();
    assert_eq!(
        why,
        "refused: a neighbour of another AS needs a policy, and has none (RFC 8212)"
    );
    table.change([(from, filters(prepend(2), open()))]);
    work(&mut table);
    assert_eq!(table.counts(from, Family::Ipv4), received);
    let best = table.best(nets(1)[0]);
    assert_eq!(best[0].route.attributes.as_path, path(&[65_001; 3]));
    assert_eq!(
        table.heard(from, Family::Ipv4)[0].1.attributes.as_path,
        path(&[65_001])
    );
}

#[test]
fn numbers_of_prefixes_that_are_gone_are_used_again() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let peers = [2, 3].map(|last| joined(&mut table, external(last)));
    let mut all = peers.map(|peer| (peer, Receiver::default()));
    let mut know = |table: &mut Table, wanted: &[Prefix]| {
        for (peer, receiver) in &mut all {
            receiver.listen(table, *peer, Family::Ipv4);
            let knows: Vec<_> = receiver.knows.keys().copied().collect();
            assert_eq!(knows, wanted);
        }
    };
    for round in 0..50u32 {
        let nets: Vec<_> = (0..100)
            .map(|n| Ipv4Addr::from_bits(0x0A00_0000 | (round * 100 + n) << 8))
            .map(|ip| Prefix::new(IpAddr::V4(ip), 24).unwrap())
            .collect();
        announce(&mut table, from, &[65_001], &nets);
        know(&mut table, &nets);
        table.withdraw(from, &nets);
        know(&mut table, &[]);
        table.changes(1000);
        table.work(1000);
    }
    assert!(table.v4.nets.end() <= 200, "{}", table.v4.nets.end());
}

#[test]
fn numbers_of_prefixes_that_somebody_has_to_hear_of_are_not_free() {
    let mut table = table();
    let from = table.add(external(1)).unwrap();
    let [fast, slow] = [2, 3].map(|last| joined(&mut table, external(last)));
    let all = nets(2);
    announce(&mut table, from, &[65_001], &all[..1]);
    let mut late = Receiver::default();
    late.listen(&mut table, slow, Family::Ipv4);
    listen(&mut table, fast);
    table.withdraw(from, &all[..1]);
    table.changes(10);
    // The group knows, but one of its neighbours does not.
    table.tell(fast, Family::Ipv4, 10).unwrap();
    table.work(10);
    announce(&mut table, from, &[65_001], &all[1..]);
    late.listen(&mut table, slow, Family::Ipv4);
    let knows: Vec<_> = late.knows.into_keys().collect();
    assert_eq!(knows, all[1..]);
}
