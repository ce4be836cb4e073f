//! What is wrong in a message has the consequence that RFC 7606 and RFC 4271 give it, for that neighbour alone.

use crate::bed::SOON;
use crate::beside::{Beside, PEER};
use crate::raw::{KEEPALIVE, OPEN, RIGHT, Raw, attributes, keepalive, message, open, update};
use anyhow::{Context as _, Result, ensure};
use fairway_lab::poll;

/// 203.0.113.0/24, whose fate tells what was made of an UPDATE.
const TRIED: &[u8] = &[24, 203, 0, 113];

/// The right ones, of which one is another.
fn with(code: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let all = RIGHT.map(|one| match one.1 == code {
        true => (flags, code, value),
        false => one,
    });
    attributes(&all)
}

/// The right ones but one.
fn without(code: u8) -> Vec<u8> {
    let all: Vec<_> = RIGHT.into_iter().filter(|one| one.1 != code).collect();
    attributes(&all)
}

/// The right ones and one more.
fn and(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut all = RIGHT.to_vec();
    all.push((flags, code, value));
    attributes(&all)
}

/// The right ones and bytes after them.
fn then(bytes: &[u8]) -> Vec<u8> {
    [&attributes(&RIGHT), bytes].concat()
}

/// What is wrong; what is said of it; whether the route goes for it.
fn borne() -> Vec<(&'static str, Vec<u8>, bool)> {
    vec![
        ("ORIGIN: length 2", with(1, 0x40, &[0, 0]), true),
        ("ORIGIN: value", with(1, 0x40, &[5]), true),
        ("ORIGIN: flags 0xc0", with(1, 0xC0, &[0]), true),
        ("ORIGIN: missing", without(1), true),
        ("ORIGIN: repeated", and(0x40, 1, &[9]), false),
        (
            "AS_PATH: malformed segment",
            with(2, 0x40, &[9, 1, 0, 0, 0xFD, 0xE9]),
            true,
        ),
        (
            "AS_PATH: malformed segment",
            with(2, 0x40, &[2, 2, 0, 0, 0xFD, 0xE9]),
            true,
        ),
        ("AS_PATH: malformed segment", with(2, 0x40, &[2, 0]), true),
        (
            "AS_PATH: AS 0",
            with(2, 0x40, &[2, 2, 0, 0, 0xFD, 0xE9, 0, 0, 0, 0]),
            true,
        ),
        ("AS_PATH: missing", without(2), true),
        ("NEXT_HOP: length 5", with(3, 0x40, &[10, 9, 1, 2, 0]), true),
        ("NEXT_HOP: value", with(3, 0x40, &[0, 0, 0, 0]), true),
        ("NEXT_HOP: missing", without(3), true),
        ("MULTI_EXIT_DISC: length 3", and(0x80, 4, &[0, 0, 1]), true),
        (
            "LOCAL_PREF: not expected",
            and(0x40, 5, &[0, 0, 0, 9]),
            false,
        ),
        ("ATOMIC_AGGREGATE: length 1", and(0x40, 6, &[1]), false),
        (
            "AGGREGATOR: length 5",
            and(0xC0, 7, &[0, 0, 0, 1, 2]),
            false,
        ),
        (
            "COMMUNITIES: length 5",
            and(0xC0, 8, &[0, 0, 0, 1, 2]),
            true,
        ),
        ("COMMUNITIES: length 0", and(0xC0, 8, &[]), true),
        ("ORIGINATOR_ID: not expected", and(0x80, 9, &[1]), false),
        ("CLUSTER_LIST: not expected", and(0x80, 10, &[1]), false),
        (
            "EXTENDED COMMUNITIES: length 7",
            and(0xC0, 16, &[0; 7]),
            true,
        ),
        ("AS4_PATH: not expected", and(0xC0, 17, &[9]), false),
        ("LARGE_COMMUNITY: length 11", and(0xC0, 32, &[0; 11]), true),
        ("attributes: longer", then(&[0xC0, 99, 200, 1]), true),
        ("attributes: ends amid", then(&[0xC0, 99]), true),
    ]
}

#[test]
fn what_can_be_borne_is() -> Result<()> {
    let mut bed = Beside::new()?;
    let mut peer = Raw::up(&bed.peer, 0)?;
    let right = attributes(&RIGHT);
    let up = || bed.ours.is_up(PEER);
    poll(SOON, "the session is up", up)?;
    let since = bed.ours.status(PEER)?.session.established;
    for ((what, wrong, goes), number) in borne().into_iter().zip(1u8..) {
        let context = || format!("{number}: {what}");
        peer.send(&update(&right, TRIED))?;
        bed.ours
            .uses("203.0.113.0/24", Some(PEER))
            .with_context(context)?;
        // What is told after it is taken as ever.
        peer.send(&update(&wrong, TRIED))?;
        peer.send(&update(&right, &[24, 100, 64, number]))?;
        bed.ours
            .uses(&format!("100.64.{number}.0/24"), Some(PEER))
            .with_context(context)?;
        let used = bed.ours.used()?.contains_key(&"203.0.113.0/24".parse()?);
        ensure!(used != goes, "{what}: used is {used}");
        let status = bed.ours.status(PEER)?;
        let last = status.last_fault.map(|fault| fault.to_string());
        let last = last.with_context(context)?;
        ensure!(last.starts_with(what), "{what}: {last}");
        ensure!(
            status.faults == u64::from(number),
            "{what}: {} faults",
            status.faults
        );
        ensure!(status.session.established == since, "{what}: {status:#?}");
    }
    bed.others_are_fine()
}

/// What is wrong, and the NOTIFICATION.
fn fatal() -> Vec<(&'static str, Vec<u8>, (u8, u8))> {
    let broken = |at: usize, octet: u8| {
        let mut bytes = keepalive();
        bytes[at] = octet;
        bytes
    };
    let reach = |value: &'static [u8]| update(&and(0x80, 14, value), &[]);
    let twice = |code: u8, value: &'static [u8]| {
        let mut all = RIGHT.to_vec();
        all.extend([(0x80, code, value), (0x80, code, value)]);
        update(&attributes(&all), &[])
    };
    // Of IPv4: AFI, SAFI, next hop, reserved, a prefix.
    const REACH: &[u8] = &[0, 1, 1, 4, 10, 9, 1, 2, 0, 24, 203, 0, 113];
    vec![
        ("a marker", broken(3, 0), (1, 1)),
        ("a length that is too small", broken(17, 18), (1, 2)),
        ("a length that is too great", broken(16, 0xFF), (1, 2)),
        ("a KEEPALIVE with a body", message(KEEPALIVE, &[0]), (1, 2)),
        ("no such type", message(9, &[]), (1, 3)),
        ("an OPEN in a session", open(0), (5, 3)),
        ("an UPDATE without a length", message(2, &[0, 0, 0]), (1, 2)),
        (
            "withdrawn routes longer than all",
            message(2, &[0, 9, 0, 0]),
            (3, 1),
        ),
        (
            "attributes longer than all",
            message(2, &[0, 0, 0, 9]),
            (3, 1),
        ),
        (
            "a prefix of 33 bits",
            update(&attributes(&RIGHT), &[33, 1, 2, 3, 4, 5]),
            (3, 10),
        ),
        (
            "half a prefix",
            update(&attributes(&RIGHT), &[24, 1, 2]),
            (3, 10),
        ),
        (
            "withdrawn routes of 33 bits",
            message(2, &[0, 6, 33, 1, 2, 3, 4, 5, 0, 0]),
            (3, 10),
        ),
        (
            "no such well-known attribute",
            update(&and(0x40, 99, &[1]), TRIED),
            (3, 2),
        ),
        ("MP_REACH_NLRI twice", twice(14, REACH), (3, 1)),
        ("MP_UNREACH_NLRI twice", twice(15, &[0, 1, 1]), (3, 1)),
        ("MP_REACH_NLRI that is too short", reach(&[0, 1]), (3, 9)),
        (
            "MP_REACH_NLRI with a prefix of 33 bits",
            reach(&[0, 1, 1, 4, 10, 9, 1, 2, 0, 33, 1, 2, 3, 4, 5]),
            (3, 9),
        ),
        (
            "MP_UNREACH_NLRI with half a prefix",
            update(&attributes(&[(0x80, 15, &[0, 1, 1, 24, 1])]), &[]),
            (3, 9),
        ),
        (
            "nothing to be withdrawn instead",
            update(&attributes(&[(0x40, 1, &[9])]), &[]),
            (3, 6),
        ),
    ]
}

#[test]
fn what_cannot_be_borne_ends_the_session_by_name() -> Result<()> {
    let mut bed = Beside::new()?;
    for (what, bytes, said) in fatal() {
        let mut peer = Raw::up(&bed.peer, 0).context(what)?;
        peer.send(&update(&attributes(&RIGHT), TRIED))?;
        bed.ours.uses("203.0.113.0/24", Some(PEER)).context(what)?;
        peer.send(&bytes)?;
        let found = peer.ended().context(what)?;
        ensure!(found == said, "{what}: {found:?} and not {said:?}");
        bed.ours.uses("203.0.113.0/24", None).context(what)?;
        let status = bed.ours.status(PEER)?.session;
        let sent = status.counters.error_sent.context(what)?.1;
        ensure!(sent.reason.codes() == said, "{what}: {sent}");
    }
    bed.others_are_fine()
}

#[test]
fn an_open_that_is_wrong_is_refused_by_name() -> Result<()> {
    let mut bed = Beside::new()?;
    let other = |at: usize, octets: &[u8]| {
        let mut bytes = open(90);
        bytes[at..at + octets.len()].copy_from_slice(octets);
        bytes
    };
    let all = [
        ("version 3", other(19, &[3]), (2, 1)),
        ("another AS", other(46, &[9]), (2, 2)),
        ("a hold time of 1 s", other(22, &[0, 1]), (2, 6)),
        ("no identifier", other(24, &[0; 4]), (2, 3)),
        ("an optional parameter", other(29, &[7]), (2, 4)),
        ("parameters longer than all", other(28, &[99]), (2, 0)),
        (
            "an UPDATE before it",
            update(&attributes(&RIGHT), TRIED),
            (5, 1),
        ),
        ("a KEEPALIVE before it", keepalive(), (5, 1)),
        ("one that is cut", message(OPEN, &[4, 0xFD]), (1, 2)),
    ];
    for (what, bytes, said) in all {
        let found = || -> Result<(u8, u8)> {
            let mut peer = Raw::connect(&bed.peer)?;
            peer.expect(OPEN)?;
            peer.send(&bytes)?;
            peer.ended()
        };
        // While it rests after the one before, it takes none.
        let mut last = None;
        let is_so = || {
            last = found().ok();
            last.is_some()
        };
        poll(SOON, what, is_so)?;
        ensure!(last == Some(said), "{what}: {last:?} and not {said:?}");
    }
    // None of it keeps it from a session.
    let mut peer = Raw::up(&bed.peer, 0)?;
    peer.send(&update(&attributes(&RIGHT), TRIED))?;
    bed.ours.uses("203.0.113.0/24", Some(PEER))?;
    bed.others_are_fine()
}
