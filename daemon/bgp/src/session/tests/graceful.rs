//! The neighbour restarts (RFC 4724, 4.2; RFC 8538).

use super::*;
use crate::message::{Capability, GracefulRestart, HeaderError};

/// Both families, and the neighbour wants both kept.
fn helper() -> Bench {
    let mut bench = Bench::new(both_families(here()), &both_families(graceful(there())));
    bench.up();
    bench
}

/// What the neighbour says of restarts from now on.
fn says(bench: &mut Bench, change: impl Fn(&mut GracefulRestart)) {
    for one in &mut bench.open.capabilities {
        if let Capability::GracefulRestart(restart) = one {
            change(restart);
        }
    }
}

fn lost(bench: &mut Bench) -> String {
    let (id, _) = bench.session.established().unwrap();
    bench.give(Input::Closed(id, "reset".to_owned()))
}

/// Up once more, by a connection of the neighbour.
fn back(bench: &mut Bench) -> String {
    bench.give(Input::Connected(THEIRS));
    bench.receive(THEIRS, Message::Open(bench.open.clone()));
    bench.receive(THEIRS, Message::Keepalive)
}

const BOTH: &str = "down [ipv4-unicast, ipv6-unicast]";

#[test]
fn routes_are_kept_until_all_are_told_anew() {
    let mut bench = helper();
    assert_eq!(lost(&mut bench), BOTH);
    assert_eq!(
        bench.session.status().stale,
        Families::from_iter(Family::ALL)
    );
    says(&mut bench, |restart| restart.restarting = true);
    assert_eq!(back(&mut bench), "up theirs/1");
    assert_eq!(
        bench.receive(THEIRS, end_of_rib(V4)),
        "drop stale ipv4-unicast, complete ipv4-unicast EndOfRib"
    );
    assert_eq!(
        bench.receive(THEIRS, end_of_rib(V6)),
        "drop stale ipv6-unicast, complete ipv6-unicast EndOfRib"
    );
    // Once only.
    assert_eq!(
        bench.receive(THEIRS, end_of_rib(V6)),
        "complete ipv6-unicast EndOfRib"
    );
    assert_eq!(bench.session.stale.until(), None);
}

#[test]
fn a_neighbour_that_does_not_come_back_has_no_routes() {
    let mut bench = helper();
    lost(&mut bench);
    let before = bench.pass(secs(119));
    assert!(!before.contains("stale"), "{before}");
    let after = bench.pass(secs(1));
    assert!(
        after.contains("drop stale ipv4-unicast, drop stale ipv6-unicast"),
        "{after}"
    );
    assert_eq!(bench.session.status().stale, Families::NONE);
}

#[test]
fn a_neighbour_that_does_not_tell_all_loses_the_rest() {
    let mut bench = helper();
    lost(&mut bench);
    back(&mut bench);
    bench.receive(THEIRS, end_of_rib(V4));
    let mut passed = String::new();
    for _ in 0..6 {
        assert!(!passed.contains("stale"), "{passed}");
        passed += &bench.pass(secs(60));
        bench.receive(THEIRS, Message::Keepalive);
    }
    assert!(passed.ends_with("drop stale ipv6-unicast"), "{passed}");
    assert_eq!(bench.session.state(), State::Established);
}

#[test]
fn what_was_not_forwarded_goes_at_once() {
    let mut bench = helper();
    lost(&mut bench);
    says(&mut bench, |restart| {
        restart.families = vec![(V4, true), (V6, false)]
    });
    assert_eq!(back(&mut bench), "up theirs/1, drop stale ipv6-unicast");
}

#[test]
fn what_is_not_named_any_more_goes_at_once() {
    let mut bench = helper();
    lost(&mut bench);
    says(&mut bench, |restart| restart.families = vec![(V6, true)]);
    assert_eq!(back(&mut bench), "up theirs/1, drop stale ipv4-unicast");
    // And a neighbour that speaks of restarts no longer has nothing kept.
    let mut bench = helper();
    lost(&mut bench);
    bench
        .open
        .capabilities
        .retain(|one| !matches!(one, Capability::GracefulRestart(_)));
    assert_eq!(
        back(&mut bench),
        "up theirs/1, drop stale ipv4-unicast, drop stale ipv6-unicast"
    );
    // Nor has one that no longer speaks a family.
    let mut bench = helper();
    lost(&mut bench);
    bench
        .open
        .capabilities
        .retain(|one| *one != Capability::Multiprotocol(2, 1));
    assert_eq!(back(&mut bench), "up theirs/1, drop stale ipv6-unicast");
}

#[test]
fn a_neighbour_that_fails_again_keeps_only_what_it_told_since() {
    let mut bench = helper();
    lost(&mut bench);
    bench.pass(secs(60));
    says(&mut bench, |restart| restart.families = vec![(V4, true)]);
    back(&mut bench);
    // The time begins anew, and only for what was agreed on last.
    bench.pass(secs(1));
    assert_eq!(lost(&mut bench), "down [ipv4-unicast]");
    bench.pass(secs(119));
    assert_eq!(bench.session.status().stale, Families::from_iter([V4]));
    bench.pass(secs(1));
    assert_eq!(bench.session.status().stale, Families::NONE);
}

#[test]
fn a_neighbour_that_connects_anew_has_restarted() {
    let mut bench = helper();
    bench.pass(secs(20));
    assert_eq!(bench.give(Input::Connected(THEIRS)), "send theirs/1 OPEN");
    // Whoever only connects changes nothing.
    bench.give(Input::Closed(THEIRS, "reset".to_owned()));
    assert_eq!(bench.session.established().unwrap().0, OURS);
    let again = Connection::Theirs(2);
    bench.give(Input::Connected(again));
    let bad = Open {
        asn: Asn::new(65009).unwrap(),
        ..bench.open.clone()
    };
    assert_eq!(
        bench.receive(again, Message::Open(bad)),
        "send theirs/2 NOTIFICATION 2/2, close theirs/2"
    );
    assert_eq!(bench.session.established().unwrap().0, OURS);
    let third = Connection::Theirs(3);
    bench.give(Input::Connected(third));
    // There is nobody to be told at the other end of the old one.
    assert_eq!(
        bench.receive(third, Message::Open(bench.open.clone())),
        format!("close ours/1, {BOTH}, send theirs/3 KEEPALIVE")
    );
    assert_eq!(bench.receive(third, Message::Keepalive), "up theirs/3");
    assert_eq!(bench.session.failures, 0);
}

#[test]
fn a_neighbour_whose_connection_was_slower_has_not_restarted() {
    let refused = "send theirs/1 NOTIFICATION 6/7, close theirs/1";
    let anew = |bench: &mut Bench| {
        bench.give(Input::Connected(THEIRS));
        bench.receive(THEIRS, Message::Open(bench.open.clone()))
    };
    let mut bench = helper();
    bench.pass(secs(19));
    assert_eq!(anew(&mut bench), refused);
    assert_eq!(bench.session.state(), State::Established);
    // But if it says so, it has.
    let mut bench = helper();
    says(&mut bench, |restart| restart.restarting = true);
    assert_ne!(anew(&mut bench), refused);
    // And if it has said so on both, they were made at once.
    let mut bench = Bench::new(both_families(here()), &both_families(graceful(there())));
    says(&mut bench, |restart| restart.restarting = true);
    bench.up();
    assert_eq!(anew(&mut bench), refused);
}

#[test]
fn which_ends_keep_routes() {
    let cease = |reason| Message::Notification(said(Reason::Cease(reason)));
    let received = |message: Message| Input::Received(OURS, message);
    let malformed = Input::Malformed(OURS, said(Reason::Header(HeaderError::NotSynchronized)));
    let stop = |reason| Input::Stop {
        reason,
        text: Text::none(),
    };
    // By RFC 4724 alone, and with NOTIFICATIONs (RFC 8538).
    for (input, alone, with) in [
        (Input::Closed(OURS, String::new()), true, true),
        (received(cease(Cease::Reset)), false, true),
        (received(cease(Cease::Shutdown)), false, true),
        (received(cease(Cease::HardReset)), false, false),
        (
            received(Message::Notification(said(Reason::HoldTimer))),
            false,
            true,
        ),
        (received(Message::Open(open_of(&there()))), false, true),
        (malformed, false, true),
        (stop(Cease::Shutdown), false, false),
        (stop(Cease::Deconfigured), false, false),
        (stop(Cease::Reset), false, true),
        (stop(Cease::ConfigChange), false, true),
    ] {
        for (notification, kept) in [(false, alone), (true, with)] {
            let mut there = graceful(there());
            there.graceful.notification = notification;
            let mut bench = Bench::new(here(), &there);
            bench.up();
            let done = bench.give(input.clone());
            let down = if kept {
                "down [ipv4-unicast]"
            } else {
                "down []"
            };
            assert!(done.ends_with(down), "{input:?} {notification}: {done}");
            let hard = done.contains("6/9");
            let wanted = matches!(
                input,
                Input::Stop {
                    reason: Cease::Shutdown | Cease::Deconfigured,
                    ..
                }
            );
            assert_eq!(hard, wanted && notification, "{input:?}: {done}");
        }
    }
}

#[test]
fn silence_keeps_routes_where_both_say_so() {
    for (notification, down) in [(true, "down [ipv4-unicast]"), (false, "down []")] {
        let mut there = graceful(there());
        there.graceful.notification = notification;
        let mut bench = Bench::new(here(), &there);
        bench.up();
        bench.now = bench.now + secs(90);
        let done = bench.give(Input::Tick);
        assert!(done.contains("NOTIFICATION 4/0"), "{done}");
        assert!(done.ends_with(down), "{done}");
    }
}

#[test]
fn what_is_meant_by_a_hard_reset_is_in_it() {
    let mut bench = helper();
    let out = bench.raw(Input::Stop {
        reason: Cease::Shutdown,
        text: Text::from("bye"),
    });
    let Some(Output::Send(_, Message::Notification(said))) = out.first() else {
        panic!("{out:?}");
    };
    assert_eq!(said.reason, Reason::Cease(Cease::HardReset));
    assert_eq!(said.data, b"\x06\x02\x03bye");
}

#[test]
fn a_stopped_session_lets_go_of_what_it_kept() {
    let mut bench = helper();
    lost(&mut bench);
    assert_eq!(
        bench.stop(Cease::Shutdown),
        "drop stale ipv4-unicast, drop stale ipv6-unicast"
    );
    assert_eq!(bench.session.deadline(), None);
    // After a reset it keeps it for the neighbour's time, and no longer.
    let mut bench = helper();
    assert!(bench.stop(Cease::Reset).ends_with(BOTH));
    assert_eq!(
        bench.pass(secs(120)),
        "drop stale ipv4-unicast, drop stale ipv6-unicast"
    );
    let mut bench = helper();
    bench.stop(Cease::Reset);
    assert_eq!(
        bench.stop(Cease::Deconfigured),
        "drop stale ipv4-unicast, drop stale ipv6-unicast"
    );
}

#[test]
fn a_neighbour_without_time_has_nothing_kept() {
    let mut there = graceful(there());
    there.graceful.restart_time = 0;
    let mut bench = Bench::new(here(), &there);
    bench.up();
    assert_eq!(lost(&mut bench), "down []");
}

#[test]
fn a_speaker_that_does_not_help_keeps_nothing() {
    let off = Settings {
        graceful: Graceful::OFF,
        ..here()
    };
    let mut bench = Bench::new(off, &graceful(there()));
    bench.up();
    assert_eq!(lost(&mut bench), "down []");
}
