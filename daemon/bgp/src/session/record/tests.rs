use super::*;
use crate::message::{Capability, Cease, HeaderError, Message, Notification, Open, Reason, Update};
use crate::session::config::{Backoff, FamilySettings, Graceful, Limit, Over, Peer, Settings};
use crate::session::tests::{Bench, OURS, THEIRS, V4, V6, here, open_of, secs, there};
use crate::session::{Connection, Families, Input, RemoteAs, State, Text};
use crate::wire::{self, Coding};
use crate::{Asn, Family, HoldTime};
use std::time::Duration;

fn every_input() -> Vec<Input> {
    vec![
        Input::Start { restarted: None },
        Input::Start {
            restarted: Some(Families::NONE),
        },
        Input::Start {
            restarted: Some(Families::from_iter(Family::ALL)),
        },
        Input::Stop {
            reason: Cease::Reset,
            text: Text::from("two words\nand \\ a line"),
        },
        Input::Stop {
            reason: Cease::Unspecific,
            text: Text::none(),
        },
        Input::Connected(OURS),
        Input::Connected(Connection::Theirs(u32::MAX)),
        Input::ConnectFailed(OURS, "connection refused".to_owned()),
        Input::Closed(THEIRS, String::new()),
        Input::Tick,
        Input::Wrote(OURS, u64::MAX),
        Input::Told(V4),
        Input::Refresh(V6),
        Input::Prefixes(V4, 7),
        Input::Blocked(OURS),
        Input::Flowing(OURS),
    ]
}

#[test]
fn every_input_is_a_line_and_comes_back() {
    for input in every_input() {
        let at = Time::after(Duration::new(12, 345));
        let text = line(at, &input, &[]);
        assert!(text.starts_with("12.000000345 "), "{text}");
        assert!(!text.contains('\n'), "{text}");
        assert_eq!(parse(&text), Ok((at, Step::Input(Box::new(input)))));
    }
    let at = Time::after(Duration::from_secs(3));
    let frame = line(
        at,
        &Input::Received(OURS, Message::Keepalive),
        &[0xFF, 0, 0x1A],
    );
    assert_eq!(frame, "3.000000000 frame ours/1 ff001a");
    assert_eq!(
        parse(&frame),
        Ok((at, Step::Frame(OURS, vec![0xFF, 0, 0x1A])))
    );
    let tell = line(at, &Input::Tell(Update::default()), &[1, 2]);
    assert_eq!(tell, "3.000000000 tell 0102");
    assert_eq!(parse(&tell), Ok((at, Step::Tell(vec![1, 2]))));
}

#[test]
fn what_is_no_line_is_refused_by_the_word() {
    for (line, error) in [
        ("", "\"\" is no time: SECONDS.NANOSECONDS is wanted"),
        ("1 tick", "\"1\" is no time: SECONDS.NANOSECONDS is wanted"),
        (
            "1.5 tick",
            "\"1.5\" is no time: SECONDS.NANOSECONDS is wanted",
        ),
        ("1.000000000", "\"\" is nothing that happens to a session"),
        (
            "1.000000000 ticks",
            "\"ticks\" is nothing that happens to a session",
        ),
        ("1.000000000 connected 1", "\"1\" is no connection"),
        (
            "1.000000000 frame ours/1 abc",
            "\"abc\" is no row of hexadecimal bytes",
        ),
        (
            "1.000000000 frame ours/1 ag",
            "\"ag\" is no row of hexadecimal bytes",
        ),
        ("1.000000000 told ipv4", "\"ipv4\" is no family"),
        ("1.000000000 stop 77", "\"77\" is no subcode of Cease"),
        ("1.000000000 prefixes ipv4-unicast x", "\"x\" is no number"),
        ("1.000000000 start over", "\"over\" is no kind of start"),
    ] {
        assert_eq!(parse(line).unwrap_err().to_string(), error, "{line:?}");
    }
}

fn bytes_of(input: &Input) -> Vec<u8> {
    let message = match input {
        Input::Received(_, message) => message.clone(),
        Input::Tell(update) => Message::Update(update.clone()),
        Input::Malformed(..) => return vec![0],
        _ => return Vec::new(),
    };
    let mut bytes = Vec::new();
    let coding = Coding {
        four_octets: true,
        ..Coding::default()
    };
    wire::write(&message, &coding, &mut bytes).unwrap();
    bytes
}

fn end_of_rib(family: Family) -> Update {
    Update {
        end_of_rib: Some(family),
        ..Update::default()
    }
}

/// A session through most of what can happen to it, the recording of it, and how it was in the end.
fn trouble() -> (String, Session) {
    let mut session = Bench::usual().session;
    let mut recorder = Recorder::new(session.neighbour(), 1);
    let open = Message::Open(open_of(&there()));
    let bad = Message::Open(Open {
        asn: Asn::new(65009).unwrap(),
        hold_time: HoldTime::NEVER,
        capabilities: vec![Capability::Refresh],
        ..open_of(&there())
    });
    let second = Connection::Ours(2);
    // What a marker that is none is answered with.
    let marker = Notification {
        reason: Reason::Header(HeaderError::NotSynchronized),
        data: Vec::new(),
    };
    let steps = [
        (0, Input::Start { restarted: None }),
        (1, Input::Connected(OURS)),
        (0, Input::Received(OURS, bad)),
        (5, Input::Tick),
        (1, Input::Connected(second)),
        (0, Input::Connected(THEIRS)),
        (0, Input::Received(second, open.clone())),
        (0, Input::Received(THEIRS, open)),
        (0, Input::Received(THEIRS, Message::Keepalive)),
        (1, Input::Tell(end_of_rib(V4))),
        (30, Input::Tick),
        (0, Input::Received(THEIRS, Message::Update(end_of_rib(V4)))),
        (9, Input::Malformed(THEIRS, marker)),
        (300, Input::Tick),
    ];
    let mut text = "# a neighbour in trouble\n\n".to_owned();
    let mut now = Time::after(secs(1000));
    for (pause, input) in steps {
        now = now + secs(pause);
        recorder.told(now, &input, &bytes_of(&input));
        let mut out = Vec::new();
        session.handle(now, input, &mut out);
        recorder.answered(&out);
        text += &recorder.take();
    }
    (text, session)
}

#[test]
fn a_recording_replays_to_the_same_end() {
    let (text, session) = trouble();
    let recording = Recording::parse(&text).unwrap();
    let again = recording.replay().unwrap();
    assert_eq!(again.status(), session.status());
    assert_eq!(again.deadline(), session.deadline());
    assert_eq!(again.status().counters.ups, 1);
    assert_ne!(again.state(), State::Established);
    assert_eq!(recording.steps().count(), 14);
    // What was written once says the same when it is written again.
    let rest = text.strip_prefix("# a neighbour in trouble\n\n").unwrap();
    assert_eq!(recording.to_string(), rest);
}

/// Each word of it counts: of what happened, of what was answered, and of the neighbour.
#[test]
fn whatever_differs_is_found() {
    let (text, _) = trouble();
    let differs = |from: &str, to: &str| {
        assert!(text.contains(from), "{from:?} in {text}");
        let other = text.replacen(from, to, 1);
        Recording::parse(&other).unwrap().replay().unwrap_err()
    };
    let answers = |from: &str, to: &str| match differs(from, to) {
        Differs::Answers { number, .. } => number,
        other => panic!("{other}"),
    };
    let start = text.lines().position(|line| line.ends_with(" start -"));
    let start = start.unwrap() + 1;
    assert_eq!(answers("= connect ours/1\n", ""), start);
    assert_eq!(answers("= connect ours/1\n", "= connect ours/2\n"), start);
    assert_eq!(answers("hold-time 90", "hold-time 180"), start + 3);
    assert!(answers("local 65001", "local 65003") > start);
    assert!(answers("1038.000000000 tick", "1009.000000000 tick") > start);
    assert!(answers("graceful helper", "graceful full") > start);
    // A KEEPALIVE that is a little longer than it says.
    let at = text.find(" frame ours/2 ").unwrap();
    let (before, after) = text.split_at(at);
    let more = format!("{before}{}", after.replacen("\n", "00\n", 1));
    let error = Recording::parse(&more).unwrap().replay().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no message that a session is told of"),
        "{error}"
    );
}

#[test]
fn what_is_no_recording_says_where() {
    let (text, _) = trouble();
    let refused = |text: &str| Recording::parse(text).unwrap_err().to_string();
    assert_eq!(refused(""), "line 1: fairway-bgp-recording is wanted here");
    let but = |from: &str, to: &str| {
        assert!(text.contains(from), "{from:?} in {text}");
        refused(&text.replacen(from, to, 1))
    };
    for (from, to, error) in [
        (
            "recording 1",
            "recording 2",
            "line 3: \"2\" is no version that is known: 1",
        ),
        ("seed 1\n", "", "line 4: seed is wanted here"),
        ("seed 1\n", "seed x\n", "line 4: \"x\" is no number"),
        (
            "peer 192.0.2.2",
            "peer nobody",
            "line 5: \"nobody\" is no address or prefix",
        ),
        (
            "peer 192.0.2.2",
            "peer 0.0.0.0",
            "line 14: there can be no such neighbour: peer: no neighbour can be at it",
        ),
        (
            "local 65001 0.0.0.10",
            "local 65001 0.0.0.0",
            "line 6: \"0.0.0.0\" is no BGP identifier",
        ),
        (
            "hold-time 90",
            "hold-time 2",
            "line 9: \"2\" is no hold time: 1 and 2 are none",
        ),
        (
            "retry 5.000000000 ",
            "retry 99999999999.000000000 ",
            "line 10: \"99999999999.000000000\" is no time of a year at most: SECONDS.NANOSECONDS",
        ),
        (
            "abilities four-octets",
            "abilities more",
            "line 12: \"more\" is no ability",
        ),
        (
            "graceful helper",
            "graceful perhaps",
            "line 13: \"perhaps\" is no mode of graceful restart",
        ),
        (
            "family ipv4-unicast forwarding\n",
            "",
            "line 13: there can be no such neighbour: families: there is none",
        ),
        (
            "family ipv4-unicast",
            "family ipv5",
            "line 14: \"ipv5\" is no family",
        ),
        (
            "forwarding\n",
            "forwarding\n= connect ours/1\n",
            "line 15: nothing happened that this could be the answer to",
        ),
        (
            "start -",
            "begin",
            "line 15: \"begin\" is nothing that happens to a session",
        ),
    ] {
        assert_eq!(but(from, to), error, "{from:?}");
    }
}

/// Settings as an operator may have them, and others than those of the tests above.
fn settings() -> impl proptest::strategy::Strategy<Value = Settings> {
    use proptest::prelude::*;
    let time = || (1u64..4_000_000_000).prop_map(Duration::from_millis);
    let backoff = move || {
        (time(), time()).prop_map(|(one, other)| Backoff {
            first: one.min(other),
            most: one.max(other),
        })
    };
    let asn = || (1..=u32::MAX).prop_map(|number| Asn::new(number).unwrap());
    let remote = prop_oneof![
        Just(RemoteAs::Internal),
        Just(RemoteAs::External),
        asn().prop_map(RemoteAs::Is),
        prop::collection::vec(asn(), 1..4).prop_map(RemoteAs::OneOf),
    ];
    let over = prop_oneof![
        Just(Over::Warn),
        prop::option::of(time()).prop_map(|again| Over::Down { again }),
    ];
    let limit = (1..=u32::MAX, 1..=100u8, over).prop_map(|(prefixes, warn_at, over)| Limit {
        prefixes,
        warn_at,
        over,
    });
    let family = (any::<[bool; 3]>(), prop::option::of(limit)).prop_map(
        |([required, ipv6_next_hops, forwarding], limit)| FamilySettings {
            family: V4,
            required,
            ipv6_next_hops,
            forwarding,
            limit,
        },
    );
    let graceful = (0..=4095u16, time(), time(), any::<bool>(), 0..3usize);
    let graceful = graceful.prop_map(
        |(restart_time, stale_time, deferral, notification, which)| Graceful {
            restart_time,
            stale_time,
            deferral,
            notification,
            ..[Graceful::OFF, Graceful::HELPER, Graceful::FULL][which]
        },
    );
    let peer = prop_oneof![
        Just(Peer::At("192.0.2.2".parse().unwrap())),
        Just(Peer::At("fd00::2".parse().unwrap())),
        Just(Peer::Within("fd00::/64".parse().unwrap())),
    ];
    let times = (backoff(), backoff());
    (peer, remote, times, family, graceful, any::<[bool; 6]>()).prop_map(
        |(peer, remote_as, (retry, idle_hold), family, graceful, flags)| {
            let [passive, refresh, enhanced, extended, both, first] = flags;
            let mut settings = Settings {
                peer,
                remote_as,
                retry,
                idle_hold,
                passive,
                graceful,
                families: vec![family],
                ..here()
            };
            settings.abilities.refresh = refresh;
            settings.abilities.enhanced_refresh = refresh && enhanced;
            settings.abilities.extended_messages = extended;
            if both {
                let at = if first { 0 } else { 1 };
                settings.families.insert(at, FamilySettings::new(V6));
            }
            settings
        },
    )
}

proptest::proptest! {
    #[test]
    fn every_neighbour_comes_back(settings in settings(), seed: u64) {
        let neighbour = Neighbour::new(settings).unwrap();
        let text = Recorder::new(&neighbour, seed).take();
        let recording = Recording::parse(&text).unwrap();
        proptest::prop_assert_eq!(recording.neighbour(), &neighbour);
        proptest::prop_assert_eq!(recording.seed, seed);
        proptest::prop_assert_eq!(recording.to_string(), text);
    }

    #[test]
    fn every_text_and_every_frame_comes_back(text: String, bytes: Vec<u8>, nanos: u64) {
        let at = Time::after(Duration::from_nanos(nanos));
        let closed = Input::Closed(THEIRS, text);
        let written = line(at, &closed, &[]);
        proptest::prop_assert_eq!(written.lines().count(), 1);
        proptest::prop_assert_eq!(parse(&written), Ok((at, Step::Input(Box::new(closed)))));
        let frame = line(at, &Input::Received(OURS, Message::Keepalive), &bytes);
        proptest::prop_assert_eq!(parse(&frame), Ok((at, Step::Frame(OURS, bytes))));
    }

    #[test]
    fn whatever_a_line_says_is_read_or_refused(rest: String) {
        for operation in ["", "start ", "stop ", "frame ours/1 ", "tell ", "wrote ours/1 ", "told "] {
            let _ = parse(&format!("1.000000000 {operation}{rest}"));
        }
        let _ = parse(&rest);
    }
}
