//! Two connections at once (RFC 4271, 6.8; RFC 6286, 2.3).

use super::*;

/// Both connections are made, and OPENs come in this order, after ours was silent for some seconds.
fn collide(
    here: Settings,
    there: &Settings,
    order: [Connection; 2],
    silent: u64,
) -> (String, Bench) {
    let mut bench = Bench::new(here, there);
    bench.start();
    bench.give(Input::Connected(OURS));
    bench.now = bench.now + secs(silent);
    bench.give(Input::Connected(THEIRS));
    let [first, second] = order;
    let open = Message::Open(bench.open.clone());
    let done = bench.receive(first, open.clone());
    assert_eq!(done, format!("send {first} KEEPALIVE"));
    (bench.receive(second, open), bench)
}

#[test]
fn the_connection_of_the_greater_identifier_stays() {
    let greater = |settings: Settings, router| Settings {
        local: speaker(settings.local.asn.get(), router),
        ..settings
    };
    let theirs_first = [THEIRS, OURS];
    let ours_first = [OURS, THEIRS];
    for (router, order, done) in [
        // The neighbour has 20.
        (
            10,
            ours_first,
            "send ours/1 NOTIFICATION 6/7, close ours/1, send theirs/1 KEEPALIVE",
        ),
        (
            10,
            theirs_first,
            "send ours/1 NOTIFICATION 6/7, close ours/1",
        ),
        (
            30,
            ours_first,
            "send theirs/1 NOTIFICATION 6/7, close theirs/1",
        ),
        (
            30,
            theirs_first,
            "send theirs/1 NOTIFICATION 6/7, close theirs/1, send ours/1 KEEPALIVE",
        ),
        // Of two AS, the same identifier may be there twice: the greater AS counts.
        (
            20,
            ours_first,
            "send ours/1 NOTIFICATION 6/7, close ours/1, send theirs/1 KEEPALIVE",
        ),
    ] {
        let (found, bench) = collide(greater(here(), router), &there(), order, 20);
        assert_eq!(found, done, "{router} {order:?}");
        assert_eq!(bench.session.state(), State::OpenConfirm);
    }
}

#[test]
fn a_connection_that_is_to_stay_is_waited_for_a_moment() {
    let greater = Settings {
        local: speaker(65001, 30),
        ..here()
    };
    let mut bench = Bench::new(greater, &there());
    bench.start();
    bench.give(Input::Connected(OURS));
    bench.pass(secs(19));
    bench.give(Input::Connected(THEIRS));
    let open = Message::Open(bench.open.clone());
    let done = bench.receive(THEIRS, open.clone());
    assert_eq!(done, "send theirs/1 NOTIFICATION 6/7, close theirs/1");
    // If it stays silent, the neighbour's counts.
    bench.pass(secs(1));
    let next = Connection::Theirs(2);
    bench.give(Input::Connected(next));
    assert_eq!(bench.receive(next, open), "send theirs/2 KEEPALIVE");
}

#[test]
fn a_collision_is_no_failure() {
    let (_, mut bench) = collide(here(), &there(), [OURS, THEIRS], 0);
    assert_eq!(bench.session.failures, 0);
    // The neighbour found it, too, and its word comes late.
    let collision = Message::Notification(said(Reason::Cease(Cease::Collision)));
    assert_eq!(bench.receive(OURS, collision.clone()), "");
    // Even where it finds against the last one, that is tried again and not held down.
    assert_eq!(bench.receive(THEIRS, collision), "close theirs/1");
    assert_eq!(bench.session.state(), State::Active);
    assert_eq!(bench.session.failures, 0);
}

#[test]
fn while_the_session_is_up_another_connection_is_refused() {
    let off = Settings {
        graceful: Graceful::OFF,
        ..here()
    };
    let mut bench = Bench::new(off, &there());
    bench.up();
    let done = bench.give(Input::Connected(THEIRS));
    assert_eq!(done, "send theirs/1 NOTIFICATION 6/7, close theirs/1");
    assert_eq!(bench.receive(THEIRS, Message::Open(bench.open.clone())), "");
    assert_eq!(bench.session.state(), State::Established);
    assert_eq!(bench.session.status().counters.refused, 1);
}

#[test]
fn a_connection_of_before_the_session_is_no_restart() {
    // Both speak of graceful restart, and the neighbour's connection was made while ours was not yet up.
    let greater = Settings {
        local: speaker(65001, 30),
        ..graceful(here())
    };
    let mut bench = Bench::new(greater, &graceful(there()));
    bench.start();
    bench.give(Input::Connected(OURS));
    bench.give(Input::Connected(THEIRS));
    let open = Message::Open(bench.open.clone());
    bench.receive(OURS, open.clone());
    bench.receive(OURS, Message::Keepalive);
    assert_eq!(bench.session.state(), State::Established);
    let done = bench.receive(THEIRS, open);
    assert_eq!(done, "send theirs/1 NOTIFICATION 6/7, close theirs/1");
    assert_eq!(bench.session.established().unwrap().0, OURS);
}

#[test]
fn no_attempt_goes_on_once_the_neighbour_spoke() {
    let mut bench = Bench::usual();
    bench.start();
    bench.give(Input::Connected(THEIRS));
    let done = bench.receive(THEIRS, Message::Open(bench.open.clone()));
    assert_eq!(done, "close ours/1, send theirs/1 KEEPALIVE");
    // But one that only connects, and says nothing, does not keep this speaker from trying.
    let mut bench = Bench::usual();
    bench.reach(State::Active);
    bench.give(Input::Connected(THEIRS));
    assert_eq!(bench.pass(secs(5)), "connect ours/2");
}

#[test]
fn three_connections_come_to_one() {
    // An old one of ours that says nothing, the session, and the neighbour anew.
    let mut bench = Bench::new(graceful(here()), &graceful(there()));
    bench.start();
    bench.give(Input::Connected(OURS));
    bench.up_by(THEIRS);
    bench.pass(secs(20));
    let anew = Connection::Theirs(2);
    bench.give(Input::Connected(anew));
    assert_eq!(bench.session.links.len(), 3);
    let open = Message::Open(bench.open.clone());
    assert_eq!(
        bench.receive(anew, open.clone()),
        "close theirs/1, down [ipv4-unicast], send theirs/2 KEEPALIVE"
    );
    assert_eq!(
        bench.receive(OURS, open),
        "send ours/1 NOTIFICATION 6/7, close ours/1"
    );
    assert_eq!(bench.receive(anew, Message::Keepalive), "up theirs/2");
    assert_eq!(bench.session.links.len(), 1);
}
