//! Each state of RFC 4271, 8.2.2, and each event: what is done, and which state comes of it.

use super::*;
use crate::message::{HeaderError, OpenError, UpdateError};

const STATES: [State; 6] = [
    State::Idle,
    State::Connect,
    State::Active,
    State::OpenSent,
    State::OpenConfirm,
    State::Established,
];

fn check(event: &str, happens: impl Fn(&mut Bench) -> String, expected: [&str; 6]) {
    for (state, expected) in STATES.into_iter().zip(expected) {
        let mut bench = Bench::usual();
        bench.reach(state);
        let done = happens(&mut bench);
        let found = format!("{}: {done}", bench.session.state());
        assert_eq!(found.trim_end_matches(": "), expected, "{event} in {state}");
    }
}

fn receives(message: impl Fn(&Bench) -> Message) -> impl Fn(&mut Bench) -> String {
    move |bench| {
        let message = message(bench);
        bench.receive(OURS, message)
    }
}

fn unreadable(reason: Reason) -> impl Fn(&mut Bench) -> String {
    move |bench| bench.give(Input::Malformed(OURS, said(reason)))
}

#[test]
fn an_operator_starts_and_stops() {
    check(
        "ManualStart (1)",
        |bench| bench.start(),
        [
            "Connect: connect ours/1",
            "Connect",
            "Active",
            "OpenSent",
            "OpenConfirm",
            "Established",
        ],
    );
    check(
        "ManualStop (2)",
        |bench| bench.stop(Cease::Shutdown),
        [
            "Idle",
            "Idle: close ours/1",
            "Idle",
            "Idle: send ours/1 NOTIFICATION 6/2, close ours/1",
            "Idle: send ours/1 NOTIFICATION 6/2, close ours/1",
            // Both keep routes through NOTIFICATIONs: that they are not to is said by a hard reset.
            "Idle: send ours/1 NOTIFICATION 6/9, close ours/1, down []",
        ],
    );
}

#[test]
fn timers_expire() {
    check(
        "ConnectRetryTimer_Expires (9)",
        |bench| bench.pass(secs(20)),
        [
            "Idle",
            "Connect: close ours/1, connect ours/2",
            "Connect: connect ours/2",
            "OpenSent",
            "OpenConfirm",
            "Established",
        ],
    );
    check(
        "HoldTimer_Expires (10)",
        |bench| {
            let hold = match bench.session.state() {
                State::OpenSent => 240,
                State::OpenConfirm | State::Established => 90,
                _ => 0,
            };
            bench.now = bench.now + secs(hold);
            bench.give(Input::Tick)
        },
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 4/0, close ours/1",
            "Active: send ours/1 NOTIFICATION 4/0, close ours/1",
            "Active: send ours/1 NOTIFICATION 4/0, close ours/1, down []",
        ],
    );
    check(
        "KeepaliveTimer_Expires (11)",
        |bench| {
            let before = bench.session.state();
            match before {
                State::Connect | State::Active => String::new(),
                _ => bench.pass(secs(30)),
            }
        },
        [
            "Idle",
            "Connect",
            "Active",
            "OpenSent",
            "OpenConfirm: send ours/1 KEEPALIVE",
            "Established: send ours/1 KEEPALIVE",
        ],
    );
}

#[test]
fn connections_come_and_go() {
    check(
        "Tcp_CR_Acked (16)",
        |bench| bench.give(Input::Connected(OURS)),
        [
            "Idle: close ours/1",
            "OpenSent: send ours/1 OPEN",
            // The attempt had been given up.
            "Active: close ours/1",
            "OpenSent",
            "OpenConfirm",
            "Established",
        ],
    );
    check(
        "TcpConnectionConfirmed (17)",
        |bench| bench.give(Input::Connected(THEIRS)),
        [
            "Idle: close theirs/1",
            "OpenSent: send theirs/1 OPEN",
            "OpenSent: send theirs/1 OPEN",
            // It is looked at until its OPEN.
            "OpenSent: send theirs/1 OPEN",
            "OpenConfirm: send theirs/1 OPEN",
            "Established: send theirs/1 OPEN",
        ],
    );
    check(
        "TcpConnectionFails (18)",
        |bench| match bench.session.state() {
            State::Connect => bench.give(Input::ConnectFailed(OURS, "refused".to_owned())),
            _ => bench.give(Input::Closed(OURS, "reset".to_owned())),
        },
        [
            "Idle",
            "Active",
            "Active",
            "Active",
            "Active",
            "Active: down []",
        ],
    );
}

#[test]
fn opens_come() {
    check(
        "BGPOpen (19)",
        receives(|bench| Message::Open(bench.open.clone())),
        [
            "Idle",
            "Connect",
            "Active",
            "OpenConfirm: send ours/1 KEEPALIVE",
            "Active: send ours/1 NOTIFICATION 5/2, close ours/1",
            "Active: send ours/1 NOTIFICATION 5/3, close ours/1, down []",
        ],
    );
    check(
        "BGPOpenMsgErr (22), found by the codec",
        unreadable(Reason::Open(OpenError::Version)),
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 2/1, close ours/1",
            "Active: send ours/1 NOTIFICATION 2/1, close ours/1",
            "Active: send ours/1 NOTIFICATION 2/1, close ours/1, down []",
        ],
    );
    check(
        "BGPOpenMsgErr (22), found here",
        receives(|bench| {
            Message::Open(Open {
                asn: Asn::new(65003).unwrap(),
                ..bench.open.clone()
            })
        }),
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 2/2, close ours/1",
            "Active: send ours/1 NOTIFICATION 5/2, close ours/1",
            "Active: send ours/1 NOTIFICATION 5/3, close ours/1, down []",
        ],
    );
}

#[test]
fn what_cannot_be_read() {
    for (event, reason, number) in [
        (
            "BGPHeaderErr (21)",
            Reason::Header(HeaderError::BadType),
            "1/3",
        ),
        (
            "UpdateMsgErr (28)",
            Reason::Update(UpdateError::AttributeList),
            "3/1",
        ),
    ] {
        let ends = format!("Active: send ours/1 NOTIFICATION {number}, close ours/1");
        let down = format!("{ends}, down []");
        check(
            event,
            unreadable(reason),
            ["Idle", "Connect", "Active", &ends, &ends, &down],
        );
    }
}

#[test]
fn notifications_come() {
    for (event, reason) in [
        ("NotifMsgVerErr (24)", Reason::Open(OpenError::Version)),
        ("NotifMsg (25)", Reason::Cease(Cease::Shutdown)),
    ] {
        let ends = "Active: close ours/1";
        let down = "Active: close ours/1, down []";
        check(
            event,
            receives(|_| Message::Notification(said(reason))),
            ["Idle", "Connect", "Active", ends, ends, down],
        );
    }
}

#[test]
fn other_messages_come() {
    check(
        "KeepAliveMsg (26)",
        receives(|_| Message::Keepalive),
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 5/1, close ours/1",
            "Established: up ours/1",
            "Established",
        ],
    );
    check(
        "UpdateMsg (27)",
        receives(|_| Message::Update(Update::default())),
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 5/1, close ours/1",
            "Active: send ours/1 NOTIFICATION 5/2, close ours/1",
            "Established: update",
        ],
    );
    check(
        "ROUTE-REFRESH",
        receives(|_| refresh(V4, RefreshKind::Begin)),
        [
            "Idle",
            "Connect",
            "Active",
            "Active: send ours/1 NOTIFICATION 5/1, close ours/1",
            "Active: send ours/1 NOTIFICATION 5/2, close ours/1",
            "Established",
        ],
    );
}

#[test]
fn the_type_of_what_does_not_belong_there_is_told() {
    for (state, kind, message) in [
        (State::OpenSent, 4, Message::Keepalive),
        (State::OpenSent, 2, Message::Update(Update::default())),
        (State::OpenConfirm, 5, refresh(V4, RefreshKind::Wanted)),
        (State::Established, 1, Message::Open(open_of(&there()))),
    ] {
        let mut bench = Bench::usual();
        bench.reach(state);
        let out = bench.raw(Input::Received(OURS, message));
        let Some(Output::Send(_, Message::Notification(said))) = out.first() else {
            panic!("{out:?}");
        };
        assert_eq!(said.data, [kind]);
    }
}

#[test]
fn what_the_table_does_outside_established_is_nothing() {
    for state in STATES {
        if state == State::Established {
            continue;
        }
        let inputs = [
            Input::Tell(Update::default()),
            Input::Told(V4),
            Input::Refresh(V4),
            Input::Prefixes(V4, 1_000_000),
            Input::Wrote(OURS, 1),
        ];
        for input in inputs {
            let mut bench = Bench::usual();
            bench.reach(state);
            assert_eq!(bench.give(input), "");
            assert_eq!(bench.session.state(), state);
        }
    }
}
