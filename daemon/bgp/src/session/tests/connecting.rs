//! Attempts, and how long nothing is tried after failures.

use super::*;
use crate::session::config::Backoff;

fn fails(bench: &mut Bench) -> Duration {
    let id = bench.session.attempt.unwrap().id;
    bench.give(Input::ConnectFailed(id, "refused".to_owned()));
    assert_eq!(bench.session.state(), State::Active);
    let due = bench.session.deadline().unwrap();
    let pause = due - bench.now;
    bench.skip();
    assert_eq!(bench.session.state(), State::Connect);
    pause
}

#[test]
fn attempts_become_rarer_up_to_a_limit() {
    let mut bench = Bench::usual();
    bench.start();
    for whole in [5, 10, 20, 40, 80, 120, 120, 120] {
        let pause = fails(&mut bench);
        let range = secs(whole) * 3 / 4..=secs(whole);
        assert!(range.contains(&pause), "{pause:?} of {whole}");
    }
    // A session that came up begins anew.
    let id = bench.session.attempt.unwrap().id;
    bench.up_by(id);
    bench.give(Input::Closed(id, "reset".to_owned()));
    let pause = bench.session.deadline().unwrap() - bench.now;
    assert!(pause <= secs(5), "{pause:?}");
}

#[test]
fn whoever_accepts_and_closes_is_not_asked_all_the_time() {
    let mut bench = Bench::usual();
    bench.start();
    let mut asked = 0;
    let end = bench.now + secs(3600);
    while bench.now < end {
        if let Some(attempt) = bench.session.attempt {
            asked += 1;
            bench.give(Input::Connected(attempt.id));
            bench.give(Input::Closed(attempt.id, "closed".to_owned()));
        }
        bench.skip();
    }
    assert!((30..50).contains(&asked), "{asked}");
}

#[test]
fn two_neighbours_do_not_try_at_the_same_moment() {
    let pause = |seed| {
        let mut session = Session::new(Neighbour::new(here()).unwrap(), seed);
        let mut out = Vec::new();
        let now = Time::default();
        session.handle(now, Input::Start { restarted: None }, &mut out);
        let failed = Input::ConnectFailed(OURS, String::new());
        session.handle(now, failed, &mut out);
        session.deadline().unwrap()
    };
    assert_ne!(pause(1), pause(2));
    assert_eq!(pause(1), pause(1));
}

#[test]
fn a_passive_neighbour_is_waited_for() {
    let mut bench = Bench::new(
        Settings {
            passive: true,
            ..here()
        },
        &there(),
    );
    assert_eq!(bench.start(), "");
    assert_eq!(bench.session.state(), State::Active);
    assert_eq!(bench.session.deadline(), None);
    bench.up_by(THEIRS);
    bench.give(Input::Closed(THEIRS, "reset".to_owned()));
    assert_eq!(bench.session.state(), State::Active);
    assert_eq!(bench.session.deadline(), None);
}

#[test]
fn an_attempt_that_was_given_up_comes_to_nothing() {
    let mut bench = Bench::usual();
    bench.start();
    assert_eq!(bench.pass(secs(20)), "close ours/1, connect ours/2");
    assert_eq!(bench.give(Input::Connected(OURS)), "close ours/1");
    assert_eq!(bench.give(Input::ConnectFailed(OURS, String::new())), "");
    assert_eq!(bench.session.state(), State::Connect);
    bench.stop(Cease::Shutdown);
    let second = Connection::Ours(2);
    assert_eq!(bench.give(Input::Connected(second)), "close ours/2");
    assert_eq!(bench.session.deadline(), None);
}

#[test]
fn a_newer_connection_of_the_neighbour_replaces_an_older_one() {
    let newer = Connection::Theirs(2);
    for opened in [false, true] {
        let mut bench = Bench::usual();
        bench.reach(State::Active);
        bench.give(Input::Connected(THEIRS));
        if opened {
            bench.receive(THEIRS, Message::Open(bench.open.clone()));
        }
        let done = bench.give(Input::Connected(newer));
        assert_eq!(done, "close theirs/1, send theirs/2 OPEN");
        bench.up_by(newer);
    }
}

/// Wrong identifiers are found each time.
fn fails_always(bench: &mut Bench) -> Duration {
    let begun = bench.now;
    loop {
        if let Some(attempt) = bench.session.attempt {
            bench.give(Input::Connected(attempt.id));
            let out = bench.receive(attempt.id, Message::Keepalive);
            assert!(out.contains("NOTIFICATION 5/1"), "{out}");
            return bench.now - begun;
        }
        bench.skip();
    }
}

#[test]
fn failures_hold_the_session_down_longer_each_time() {
    let mut bench = Bench::usual();
    bench.start();
    fails_always(&mut bench);
    // The first is free: Idle is passed through.
    assert_eq!(bench.session.state(), State::Active);
    fails_always(&mut bench);
    for whole in [2, 4, 8, 16, 32, 64, 120, 120] {
        assert_eq!(bench.session.state(), State::Idle);
        let refused = bench.give(Input::Connected(Connection::Theirs(whole)));
        assert_eq!(refused, format!("close theirs/{whole}"));
        let pause = fails_always(&mut bench);
        let whole = secs(whole.into());
        assert!((whole * 3 / 4..=whole).contains(&pause), "{pause:?}");
    }
    // An operator need not wait.
    assert!(bench.start().starts_with("connect"));
}

#[test]
fn a_session_that_lasted_is_no_flap() {
    let settings = Settings {
        idle_hold: Backoff {
            first: secs(2),
            most: secs(100),
        },
        ..hold(here(), 0)
    };
    let mut bench = Bench::new(settings, &there());
    bench.start();
    for (lasts, state) in [
        (99, State::Active),
        (99, State::Idle),
        (99, State::Idle),
        (100, State::Active),
        (1, State::Idle),
    ] {
        while bench.session.attempt.is_none() {
            bench.skip();
        }
        let id = bench.session.attempt.unwrap().id;
        bench.up_by(id);
        bench.pass(secs(lasts));
        bench.give(Input::Closed(id, "reset".to_owned()));
        assert_eq!(bench.session.state(), state, "after {lasts}");
    }
    assert_eq!(bench.session.status().counters.flaps, 5);
}
