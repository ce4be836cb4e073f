//! Routes are told once more (RFC 2918, 7313).

use super::*;
use crate::message::Capability;

/// Up, and all was told to both.
fn told(enhanced: bool) -> Bench {
    let mut bench = Bench::new(here(), &there());
    if !enhanced {
        bench
            .open
            .capabilities
            .retain(|one| *one != Capability::EnhancedRefresh);
    }
    bench.up();
    bench.give(Input::Told(V4));
    bench.receive(OURS, end_of_rib(V4));
    bench
}

fn wanted() -> Message {
    refresh(V4, RefreshKind::Wanted)
}

#[test]
fn beginning_and_end_are_told() {
    let mut bench = told(true);
    assert_eq!(
        bench.receive(OURS, wanted()),
        "send ours/1 Begin ipv4-unicast, refresh wanted ipv4-unicast"
    );
    assert_eq!(bench.give(Input::Told(V4)), "send ours/1 End ipv4-unicast");
    assert_eq!(bench.give(Input::Told(V4)), "");
}

#[test]
fn whoever_does_not_know_them_is_not_told() {
    let mut bench = told(false);
    assert_eq!(bench.receive(OURS, wanted()), "refresh wanted ipv4-unicast");
    assert_eq!(bench.give(Input::Told(V4)), "");
    assert_eq!(bench.receive(OURS, wanted()), "refresh wanted ipv4-unicast");
}

#[test]
fn whoever_asks_all_the_time_is_told_one_after_the_other() {
    let mut bench = told(true);
    bench.receive(OURS, wanted());
    for _ in 0..1000 {
        assert_eq!(bench.receive(OURS, wanted()), "");
    }
    assert_eq!(
        bench.give(Input::Told(V4)),
        "send ours/1 End ipv4-unicast, send ours/1 Begin ipv4-unicast, refresh wanted ipv4-unicast"
    );
    assert_eq!(bench.give(Input::Told(V4)), "send ours/1 End ipv4-unicast");
}

#[test]
fn nothing_is_told_anew_before_it_was_told() {
    let mut bench = Bench::usual();
    bench.up();
    assert_eq!(bench.receive(OURS, wanted()), "");
    assert_eq!(
        bench.give(Input::Told(V4)),
        "send ours/1 End-of-RIB ipv4-unicast, send ours/1 Begin ipv4-unicast, refresh wanted ipv4-unicast"
    );
}

#[test]
fn what_the_neighbour_tells_anew_replaces_what_it_told() {
    let mut bench = told(true);
    assert_eq!(
        bench.give(Input::Refresh(V4)),
        "send ours/1 Wanted ipv4-unicast"
    );
    let begin = refresh(V4, RefreshKind::Begin);
    let end = refresh(V4, RefreshKind::End);
    assert_eq!(
        bench.receive(OURS, begin.clone()),
        "mark stale ipv4-unicast"
    );
    // One that begins once more, begins anew.
    assert_eq!(bench.receive(OURS, begin), "mark stale ipv4-unicast");
    assert_eq!(bench.receive(OURS, end.clone()), "drop stale ipv4-unicast");
    // An end without a beginning is none.
    assert_eq!(bench.receive(OURS, end), "");
}

#[test]
fn a_refresh_without_an_end_has_one() {
    let mut bench = told(true);
    bench.receive(OURS, refresh(V4, RefreshKind::Begin));
    let mut passed = String::new();
    for _ in 0..6 {
        assert!(!passed.contains("stale"), "{passed}");
        passed += &bench.pass(secs(60));
        bench.receive(OURS, Message::Keepalive);
    }
    assert!(passed.ends_with("drop stale ipv4-unicast"), "{passed}");
}

#[test]
fn a_refresh_before_the_first_end_of_rib_is_none() {
    let mut bench = Bench::usual();
    bench.up();
    assert_eq!(bench.receive(OURS, refresh(V4, RefreshKind::Begin)), "");
    assert_eq!(bench.receive(OURS, refresh(V4, RefreshKind::End)), "");
}

#[test]
fn what_was_not_agreed_on_is_not_asked_for() {
    let mut bench = told(true);
    for kind in [RefreshKind::Wanted, RefreshKind::Begin, RefreshKind::End] {
        assert_eq!(bench.receive(OURS, refresh(V6, kind)), "");
    }
    assert_eq!(bench.give(Input::Refresh(V6)), "");
    let mut bench = told(false);
    assert_eq!(bench.receive(OURS, refresh(V4, RefreshKind::Begin)), "");
    let mut bench = Bench::usual();
    bench
        .open
        .capabilities
        .retain(|one| !matches!(one, Capability::Refresh | Capability::EnhancedRefresh));
    bench.up();
    bench.give(Input::Told(V4));
    assert_eq!(bench.give(Input::Refresh(V4)), "");
    assert_eq!(bench.receive(OURS, wanted()), "");
}

#[test]
fn a_new_session_knows_nothing_of_the_one_before() {
    let mut bench = told(true);
    bench.receive(OURS, wanted());
    bench.receive(OURS, wanted());
    bench.receive(OURS, refresh(V4, RefreshKind::Begin));
    bench.give(Input::Closed(OURS, "reset".to_owned()));
    bench.up_by(THEIRS);
    assert_eq!(
        bench.give(Input::Told(V4)),
        "send theirs/1 End-of-RIB ipv4-unicast"
    );
    assert_eq!(bench.receive(THEIRS, refresh(V4, RefreshKind::End)), "");
}
