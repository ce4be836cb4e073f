//! Sessions that were, once more.
//!
//! `recordings/bird.bgp` is one with BIRD 2.0.12: an attempt that failed, refreshes of either side, withdrawn routes, a
//! restart by which routes stayed, keepalives, and the end. `tests/bgp` makes it (`recorded.rs`).
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use fairway_bgp::session::State;
use fairway_bgp::session::record::{Differs, Recording};

const BIRD: &str = include_str!("recordings/bird.bgp");

fn replay(text: &str) -> Result<(), Differs> {
    Recording::parse(text).unwrap().replay().map(drop)
}

#[test]
fn a_session_with_bird_does_the_same_again() {
    let recording = Recording::parse(BIRD).unwrap();
    assert_eq!(recording.to_string(), BIRD);
    let session = recording.replay().unwrap();
    let status = session.status();
    assert_eq!(status.state, State::Idle);
    let counters = status.counters;
    assert_eq!((counters.ups, counters.flaps), (2, 2));
    assert!(counters.received.refresh > 0 && counters.received.update > 0);
    let (_, said) = counters.error_received.unwrap();
    assert_eq!(said.reason.codes(), (6, 2));
}

/// Whatever of it is another, the first difference is found: a line that is missing, timers that are spread otherwise.
#[test]
fn no_line_can_be_missing() {
    let lines: Vec<&str> = BIRD.lines().collect();
    let head = lines.iter().position(|line| line.ends_with(" start -"));
    let without = |at: usize| {
        let mut some = lines.clone();
        some.remove(at);
        some.join("\n")
    };
    let mut silent = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(head.unwrap() + 1) {
        if replay(&without(at)).is_ok() {
            silent.push(line.split_once(' ').map_or(*line, |(_, rest)| rest));
        }
    }
    // These are only counted; the rest of the KEEPALIVEs keeps the session up.
    let counts = |line: &&str| {
        let keepalive = line.starts_with("frame ") && line.ends_with("001304");
        keepalive
            || ["prefixes ", "wrote "]
                .iter()
                .any(|word| line.starts_with(word))
    };
    let others: Vec<_> = silent.iter().filter(|line| !counts(line)).collect();
    // All was told again that nobody had asked for, and the last line is told to one that is down.
    assert_eq!(others, [&"told ipv4-unicast", &"stop 2 "]);

    let seed = lines.iter().find(|line| line.starts_with("seed ")).unwrap();
    let differs = |other: u64| replay(&BIRD.replacen(seed, &format!("seed {other}"), 1)).is_err();
    assert!((0..16).any(differs), "timers do not count");
}
