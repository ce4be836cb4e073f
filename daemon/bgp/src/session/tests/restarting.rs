//! This speaker restarts (RFC 4724, 4.1).

use super::*;
use crate::message::{Capability, GracefulRestart};

fn restarted(kept: Families) -> Bench {
    let mut bench = Bench::new(
        both_families(graceful(here())),
        &both_families(graceful(there())),
    );
    bench.give(Input::Start {
        restarted: Some(kept),
    });
    bench
}

/// What is said of restarts on a new connection.
fn says(bench: &mut Bench, id: Connection) -> GracefulRestart {
    let out = bench.raw(Input::Connected(id));
    let Some(Output::Send(_, Message::Open(open))) = out.first() else {
        panic!("{out:?}");
    };
    let mut all = open.capabilities.iter();
    all.find_map(|one| match one {
        Capability::GracefulRestart(restart) => Some(restart.clone()),
        _ => None,
    })
    .unwrap()
}

fn comes_up(bench: &mut Bench, id: Connection) -> String {
    bench.receive(id, Message::Open(bench.open.clone()));
    bench.receive(id, Message::Keepalive)
}

#[test]
fn the_table_waits_for_the_neighbours_routes_and_then_tells_all() {
    let all = Families::from_iter(Family::ALL);
    let mut bench = restarted(all);
    let open = says(&mut bench, OURS);
    assert!(open.restarting);
    assert_eq!(open.families, [(V4, true), (V6, true)]);
    assert_eq!(comes_up(&mut bench, OURS), "up ours/1");
    assert_eq!(
        bench.receive(OURS, end_of_rib(V4)),
        "complete ipv4-unicast EndOfRib"
    );
    assert_eq!(
        bench.receive(OURS, end_of_rib(V6)),
        "complete ipv6-unicast EndOfRib"
    );
    // It is not over before the neighbour was told.
    assert!(bench.session.status().restarting);
    assert_eq!(
        bench.give(Input::Told(V6)),
        "send ours/1 End-of-RIB ipv6-unicast"
    );
    assert_eq!(
        bench.give(Input::Told(V4)),
        "send ours/1 End-of-RIB ipv4-unicast"
    );
    assert!(!bench.session.status().restarting);
    // A later connection is no restart; forwarding is as it was.
    bench.give(Input::Closed(OURS, "reset".to_owned()));
    let open = says(&mut bench, THEIRS);
    assert!(!open.restarting);
    assert_eq!(open.families, [(V4, true), (V6, true)]);
}

#[test]
fn what_was_not_kept_is_said() {
    let mut bench = restarted(Families::from_iter([V6]));
    let open = says(&mut bench, OURS);
    assert_eq!(open.families, [(V4, false), (V6, true)]);
    let mut bench = restarted(Families::NONE);
    let open = says(&mut bench, OURS);
    assert!(open.restarting);
    assert_eq!(open.families, [(V4, false), (V6, false)]);
}

#[test]
fn a_neighbour_that_never_comes_is_not_waited_for_longer() {
    let mut bench = restarted(Families::NONE);
    bench.pass(secs(359));
    assert!(bench.session.status().restarting);
    let passed = bench.pass(secs(1));
    assert!(
        passed.contains("complete ipv4-unicast Late, complete ipv6-unicast Late"),
        "{passed}"
    );
    assert!(!bench.session.status().restarting);
}

#[test]
fn neighbours_that_say_nothing_are_not_waited_for() {
    let both = "complete ipv4-unicast NotTold, complete ipv6-unicast NotTold";
    let mut bench = restarted(Families::NONE);
    bench
        .open
        .capabilities
        .retain(|one| !matches!(one, Capability::GracefulRestart(_)));
    bench.give(Input::Connected(OURS));
    assert_eq!(comes_up(&mut bench, OURS), format!("up ours/1, {both}"));
    // A family that the neighbour does not speak is not waited for either; the other is.
    let mut bench = restarted(Families::NONE);
    bench.open = open_of(&graceful(there()));
    bench.give(Input::Connected(OURS));
    assert_eq!(
        comes_up(&mut bench, OURS),
        "up ours/1, complete ipv6-unicast NotTold"
    );
    bench.receive(OURS, end_of_rib(V4));
    bench.give(Input::Told(V4));
    assert!(!bench.session.status().restarting);
}

#[test]
fn two_that_restart_do_not_wait_for_each_other() {
    let mut bench = restarted(Families::NONE);
    for one in &mut bench.open.capabilities {
        if let Capability::GracefulRestart(restart) = one {
            restart.restarting = true;
        }
    }
    bench.give(Input::Connected(OURS));
    assert_eq!(
        comes_up(&mut bench, OURS),
        "up ours/1, complete ipv4-unicast AlsoRestarting, complete ipv6-unicast AlsoRestarting"
    );
}

#[test]
fn a_session_that_breaks_meanwhile_is_still_waited_for() {
    let mut bench = restarted(Families::from_iter(Family::ALL));
    bench.give(Input::Connected(OURS));
    comes_up(&mut bench, OURS);
    bench.receive(OURS, end_of_rib(V4));
    let done = bench.give(Input::Closed(OURS, "reset".to_owned()));
    assert!(!done.contains("complete"), "{done}");
    assert!(says(&mut bench, THEIRS).restarting);
    comes_up(&mut bench, THEIRS);
    bench.receive(THEIRS, end_of_rib(V6));
    bench.give(Input::Told(V4));
    bench.give(Input::Told(V6));
    assert!(!bench.session.status().restarting);
}

#[test]
fn a_session_that_is_stopped_is_not_waited_for() {
    let mut bench = restarted(Families::NONE);
    assert_eq!(
        bench.stop(Cease::Shutdown),
        "close ours/1, complete ipv4-unicast Stopped, complete ipv6-unicast Stopped"
    );
}

#[test]
fn the_end_is_told_to_those_who_speak_of_restarts() {
    let off = |settings: Settings| Settings {
        graceful: Graceful::OFF,
        ..settings
    };
    for (here, there, told) in [
        (
            here(),
            graceful(there()),
            "send ours/1 End-of-RIB ipv4-unicast",
        ),
        (here(), there(), "send ours/1 End-of-RIB ipv4-unicast"),
        (here(), off(there()), ""),
        (off(here()), graceful(there()), ""),
    ] {
        let mut bench = Bench::new(here, &there);
        bench.up();
        assert_eq!(bench.give(Input::Told(V4)), told);
        // Once.
        assert_eq!(bench.give(Input::Told(V4)), "");
    }
}
