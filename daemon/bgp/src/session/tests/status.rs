//! What operators get to see, and how many prefixes there may be.

use super::*;
use crate::session::config::{Limit, Over, Password};

fn why(bench: &Bench) -> String {
    bench.session.status().why.unwrap()
}

#[test]
fn why_it_is_not_up_is_a_sentence() {
    let mut bench = Bench::usual();
    assert_eq!(why(&bench), "it is stopped");
    bench.start();
    assert_eq!(why(&bench), "it is connecting");
    bench.give(Input::ConnectFailed(OURS, "connection refused".to_owned()));
    assert_eq!(
        why(&bench),
        "it waits for the next attempt to connect; connecting failed: connection refused"
    );
    assert!(bench.session.status().next.is_some());
    bench.give(Input::Connected(THEIRS));
    bench.give(Input::Connected(THEIRS));
    let bad = Open {
        asn: Asn::new(65003).unwrap(),
        ..bench.open.clone()
    };
    bench.receive(THEIRS, Message::Open(bad.clone()));
    bench.session.connect_failed = None;
    let wrong = "the neighbour is of AS 65003; AS 65002 is wanted";
    assert_eq!(
        why(&bench),
        format!("it waits for the next attempt to connect; {wrong}")
    );
    bench.give(Input::Connected(Connection::Theirs(2)));
    bench.receive(Connection::Theirs(2), Message::Open(bad));
    assert_eq!(why(&bench), format!("it rests after failures; {wrong}"));
    bench.give(Input::Stop {
        reason: Cease::Shutdown,
        text: Text::from("new cable"),
    });
    assert_eq!(why(&bench), "it is stopped; shut down here: \"new cable\"");
}

#[test]
fn what_the_neighbours_operator_says_is_shown() {
    let mut bench = Bench::usual();
    bench.up();
    assert_eq!(bench.session.status().why, None);
    bench.receive(
        OURS,
        Message::Notification(Notification {
            reason: Reason::Cease(Cease::Shutdown),
            data: b"\x05night".to_vec(),
        }),
    );
    assert_eq!(
        why(&bench),
        "it waits for the next attempt to connect; \
         the neighbour ended it: Cease, Administrative Shutdown: \"night\""
    );
}

#[test]
fn messages_are_counted_by_type() {
    let mut bench = Bench::usual();
    bench.up();
    for _ in 0..3 {
        bench.give(Input::Tell(Update::default()));
    }
    bench.give(Input::Told(V4));
    bench.give(Input::Refresh(V4));
    for message in [Message::Update(Update::default()), Message::Keepalive] {
        bench.receive(OURS, message);
    }
    bench.receive(OURS, Message::Notification(said(Reason::HoldTimer)));
    let at = bench.now;
    let counters = bench.session.status().counters;
    assert_eq!(
        counters.sent,
        Messages {
            open: 1,
            update: 4,
            notification: 0,
            keepalive: 1,
            refresh: 1,
        }
    );
    assert_eq!(
        counters.received,
        Messages {
            open: 1,
            update: 1,
            notification: 1,
            keepalive: 2,
            refresh: 0,
        }
    );
    assert_eq!((counters.sent.all(), counters.received.all()), (7, 5));
    assert_eq!((counters.ups, counters.flaps), (1, 1));
    assert_eq!(counters.error_received, Some((at, said(Reason::HoldTimer))));
    assert_eq!(counters.error_sent, None);
}

#[test]
fn since_when_it_is_up() {
    let mut bench = Bench::usual();
    bench.pass(secs(7));
    bench.up();
    let at = bench.now;
    bench.pass(secs(10));
    let status = bench.session.status();
    assert_eq!((status.state, status.since), (State::Established, at));
    assert_eq!(status.established, Some(at));
    assert_eq!(status.connection, Some(OURS));
    bench.give(Input::Closed(OURS, "reset".to_owned()));
    let status = bench.session.status();
    assert_eq!((status.established, status.since), (None, bench.now));
    assert_eq!(status.agreed, None);
}

fn limited(over: Over) -> Bench {
    let mut settings = here();
    settings.families[0].limit = Some(Limit {
        prefixes: 100,
        warn_at: 80,
        over,
    });
    let mut bench = Bench::new(settings, &there());
    bench.up();
    bench
}

fn tells(bench: &mut Bench, prefixes: u32) -> Vec<Output> {
    let mut out = Vec::new();
    let input = Input::Prefixes(V4, prefixes);
    bench.session.handle(bench.now, input, &mut out);
    out
}

#[test]
fn a_neighbour_near_its_limit_is_warned_of_once() {
    let mut bench = limited(Over::Warn);
    assert_eq!(tells(&mut bench, 79), []);
    let near = Output::Event(Event::Near {
        family: V4,
        prefixes: 80,
        limit: 100,
    });
    assert_eq!(tells(&mut bench, 80), [near]);
    assert_eq!(tells(&mut bench, 99), []);
    assert_eq!(tells(&mut bench, 1000), []);
    assert_eq!(bench.session.status().prefixes, [(V4, 1000)]);
    assert_eq!(tells(&mut bench, 79), []);
    assert_eq!(tells(&mut bench, 80).len(), 1);
}

#[test]
fn a_neighbour_over_its_limit_goes_and_comes_back_after_its_time() {
    let again = Some(secs(300));
    let mut bench = limited(Over::Down { again });
    tells(&mut bench, 100);
    assert_eq!(bench.session.state(), State::Established);
    let out = bench.raw(Input::Prefixes(V4, 101));
    let [
        Output::Send(_, Message::Notification(said)),
        Output::Close(OURS),
        Output::Down { why, kept },
    ] = &out[..]
    else {
        panic!("{out:?}");
    };
    // The neighbour is not to keep routes either.
    assert_eq!(said.reason, Reason::Cease(Cease::HardReset));
    assert_eq!(said.data, [6, 1, 0, 1, 1, 0, 0, 0, 100]);
    assert!(kept.is_empty());
    assert_eq!(
        why.to_string(),
        "the neighbour told 101 prefixes of ipv4-unicast; 100 are allowed"
    );
    assert_eq!(bench.session.state(), State::Idle);
    assert_eq!(bench.pass(secs(299)), "");
    assert_eq!(bench.pass(secs(1)), "connect ours/2");
}

#[test]
fn or_when_an_operator_starts_it() {
    let mut bench = limited(Over::Down { again: None });
    tells(&mut bench, 101);
    assert_eq!(bench.session.state(), State::Idle);
    assert_eq!(bench.session.deadline(), None);
    assert!(why(&bench).contains("101 prefixes"), "{}", why(&bench));
    assert_eq!(bench.start(), "connect ours/2");
}

#[test]
fn a_password_is_nowhere_to_be_seen() {
    let settings = Settings {
        password: Some(Password::new(b"hunter2").unwrap()),
        ..here()
    };
    let mut bench = Bench::new(settings, &there());
    bench.up();
    for text in [
        format!("{:?}", bench.session),
        format!("{:?}", bench.session.status()),
        format!("{:?}", bench.session.neighbour()),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("104, 117"), "{text}");
    }
}
