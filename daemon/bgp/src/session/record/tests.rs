use super::*;
use crate::message::{Capability, Cease, Open, Reason, Update};
use crate::session::tests::{Bench, OURS, THEIRS, V4, V6, open_of, said, secs, there};
use crate::session::{Connection, Families, State, Text};
use crate::{Asn, Family, HoldTime};
use std::time::Duration;

/// Messages by number, as long as there is no codec here: what is not there cannot be read.
struct Numbered(Vec<Message>);

impl Numbered {
    fn bytes(&mut self, input: &Input) -> Vec<u8> {
        let message = match input {
            Input::Received(_, message) => message.clone(),
            Input::Tell(update) => Message::Update(update.clone()),
            Input::Malformed(..) => return vec![0xFF],
            _ => return Vec::new(),
        };
        self.0.push(message);
        vec![u8::try_from(self.0.len() - 1).unwrap()]
    }
}

impl Decode for Numbered {
    fn message(&mut self, bytes: &[u8], _: Option<&Agreed>) -> Result<Message, Notification> {
        let unknown = || said(Reason::HoldTimer);
        let [number] = bytes else {
            return Err(unknown());
        };
        self.0
            .get(usize::from(*number))
            .cloned()
            .ok_or_else(unknown)
    }
}

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

/// A session through most of what can happen to it, with a record of it.
#[test]
fn a_record_replays_to_the_same_end() {
    let mut bench = Bench::usual();
    let mut messages = Numbered(Vec::new());
    let mut record = "# a neighbour in trouble\n\n".to_owned();
    let mut answers = Vec::new();
    let open = Message::Open(open_of(&there()));
    let bad = Message::Open(Open {
        asn: Asn::new(65009).unwrap(),
        hold_time: HoldTime::NEVER,
        capabilities: vec![Capability::Refresh],
        ..open_of(&there())
    });
    let second = Connection::Ours(2);
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
        (1, Input::Tell(Update::default())),
        (30, Input::Tick),
        (
            0,
            Input::Received(THEIRS, Message::Update(Update::default())),
        ),
        (9, Input::Malformed(THEIRS, said(Reason::HoldTimer))),
        (300, Input::Tick),
    ];
    for (pause, input) in steps {
        bench.now = bench.now + secs(pause);
        let bytes = messages.bytes(&input);
        record += &line(bench.now, &input, &bytes);
        record.push('\n');
        let mut out = Vec::new();
        bench.session.handle(bench.now, input, &mut out);
        answers.push((bench.now, out));
    }
    let mut again = Bench::usual().session;
    let mut found = Vec::new();
    replay(&mut again, &record, &mut messages, |at, out| {
        found.push((at, out.to_vec()));
    })
    .unwrap();
    assert_eq!(found, answers);
    assert_eq!(again.status(), bench.session.status());
    assert_eq!(again.deadline(), bench.session.deadline());
    assert_eq!(again.status().counters.ups, 1);
    assert_ne!(again.state(), State::Established);
}

#[test]
fn a_record_that_cannot_be_replayed_says_where() {
    let mut session = Bench::usual().session;
    let record = "1.000000000 start -\n# well\n2.000000000 hm\n";
    let error = replay(&mut session, record, &mut Numbered(Vec::new()), |_, _| {});
    assert_eq!(
        error.unwrap_err().to_string(),
        "line 3: \"hm\" is nothing that happens to a session"
    );
    let record = "1.000000000 tell 00\n";
    let error = replay(
        &mut session,
        record,
        &mut Numbered(vec![Message::Keepalive]),
        |_, _| {},
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "line 1: these bytes are no UPDATE"
    );
}

proptest::proptest! {
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
