//! Histories that never were: one good one, and what must be seen when it is spoilt.

use super::*;
use fairway_api::admin::AddressRow;
use fairway_api::ipam::{Address, Sourced};

const MS: u64 = 1_000;
const RULES: Rules = Rules {
    cooldown: 1_000 * MS,
    families: 1,
};

fn who(container: &str) -> Attachment {
    Attachment {
        network: "net".into(),
        container: container.into(),
        ifname: "eth0".into(),
    }
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn call(start: u64, node: &str, ask: Ask, outcome: Outcome) -> Line {
    Line::Call(Call {
        start: start * MS,
        end: (start + 10) * MS,
        node: node.into(),
        ask,
        outcome,
    })
}

/// ADD, answered 10 ms after `start`.
fn add(start: u64, name: &str, last: u8, seq: u64, claim: Option<&str>) -> Line {
    let address = Address {
        ip: ip(last),
        prefix: 24,
        gateway: None,
        pool: "p".into(),
        claim: claim.map(str::to_owned),
    };
    let given = Allocated {
        addresses: vec![address],
        seq,
        temporary: false,
    };
    let (attachment, facts) = (who(name), Box::default());
    call(
        start,
        "n1",
        Ask::Add { attachment, facts },
        Outcome::Given(given),
    )
}

fn with(line: Line, change: impl FnOnce(&mut Call)) -> Line {
    let Line::Call(mut call) = line else { panic!() };
    change(&mut call);
    Line::Call(call)
}

fn facts(line: Line, change: impl FnOnce(&mut Facts)) -> Line {
    with(line, |call| {
        let Ask::Add { facts, .. } = &mut call.ask else {
            panic!()
        };
        change(facts);
    })
}

fn del(start: u64, name: &str, last: u8) -> Line {
    let attachment = who(name);
    call(
        start,
        "n1",
        Ask::Del { attachment },
        Outcome::Freed(vec![ip(last)]),
    )
}

fn unknown(line: Line) -> Line {
    let why = "cut".to_owned();
    with(line, |call| call.outcome = Outcome::Unknown { why })
}

fn refused(line: Line, code: u32) -> Line {
    let message = "no".to_owned();
    with(line, |call| {
        call.outcome = Outcome::Refused { code, message }
    })
}

fn row(name: Option<&str>, last: u8, state: &str) -> AddressRow {
    AddressRow {
        ip: ip(last),
        pool: "p".into(),
        block: "10.0.0.0/28".into(),
        state: state.into(),
        node: None,
        attachment: name.map(who),
        workload: None,
        claim: None,
        seq: 1,
    }
}

fn list(at: u64, rows: Vec<AddressRow>) -> Line {
    Line::Snapshot(Listed {
        start: at * MS,
        end: (at + 5) * MS,
        node: "n1".into(),
        rows,
    })
}

fn kinds(lines: &[Line]) -> Vec<&'static str> {
    let kind = |violation: &Violation| match violation {
        Violation::HeldTwice { .. } => "held twice",
        Violation::GivenTwice { .. } => "given twice",
        Violation::NotRested { .. } => "not rested",
        Violation::ClaimRobbed { .. } => "robbed",
        Violation::ClaimMoved { .. } => "moved",
        Violation::WrongAddresses { .. } => "wrong",
        Violation::FreedAnothers { .. } => "freed another's",
        Violation::SequenceBack { .. } => "back",
        Violation::Lost { .. } => "lost",
        Violation::Leaked { .. } => "leaked",
        Violation::ListedTwice { .. } => "listed twice",
    };
    judge(lines, RULES).iter().map(kind).collect()
}

#[test]
fn a_good_history_is_good() {
    let lines = [
        add(0, "a", 1, 1, None),
        add(5, "b", 2, 2, None),
        list(
            50,
            vec![row(Some("a"), 1, "live"), row(Some("b"), 2, "live")],
        ),
        del(100, "a", 1),
        add(200, "c", 3, 3, Some("db-0")),
        del(300, "c", 3),
        add(320, "d", 3, 4, Some("db-0")),
        list(
            400,
            vec![
                row(None, 1, "cooling"),
                row(Some("b"), 2, "live"),
                row(Some("d"), 3, "live"),
            ],
        ),
        add(1101, "e", 1, 5, None),
    ];
    assert_eq!(kinds(&lines), Vec::<&str>::new());
}

#[test]
fn an_address_at_two_containers_is_seen() {
    assert_eq!(
        kinds(&[add(0, "a", 1, 1, None), add(500, "b", 1, 2, None)]),
        ["held twice"]
    );
    // Also of one claim, and where somebody else's short hold lies in between.
    let same = [add(0, "a", 1, 1, Some("x")), add(500, "b", 1, 2, Some("x"))];
    assert_eq!(kinds(&same), ["held twice"]);
    let lines = [
        add(0, "a", 1, 1, None),
        add(20, "b", 1, 2, None),
        del(40, "b", 1),
        add(5000, "c", 1, 3, None),
    ];
    assert_eq!(kinds(&lines), ["held twice", "held twice"]);
}

#[test]
fn what_is_not_certain_is_not_counted() {
    // The first DEL was begun before the second ADD was answered: it may have been first.
    let lines = [
        add(0, "a", 1, 1, Some("x")),
        del(500, "a", 1),
        add(495, "b", 1, 2, Some("x")),
    ];
    assert_eq!(kinds(&lines), Vec::<&str>::new());
    // An ADD without an answer holds nothing that anybody could name, and its DEL may free anything.
    let lines = [
        unknown(add(0, "a", 1, 1, None)),
        add(20, "b", 1, 2, None),
        del(40, "a", 3),
    ];
    assert_eq!(kinds(&lines), Vec::<&str>::new());
    // A DEL without an answer may have freed.
    let lines = [
        add(0, "a", 1, 1, None),
        unknown(del(100, "a", 1)),
        add(1200, "b", 1, 2, None),
    ];
    assert_eq!(kinds(&lines), Vec::<&str>::new());
}

#[test]
fn a_rest_that_is_too_short_is_seen() {
    let lines = |again| {
        [
            add(0, "a", 1, 1, None),
            del(100, "a", 1),
            add(again, "b", 1, 2, None),
        ]
    };
    assert_eq!(kinds(&lines(1080)), ["not rested"]);
    assert_eq!(
        kinds(&lines(1089)),
        Vec::<&str>::new(),
        "it was answered at 1099; clocks have a grain"
    );
}

#[test]
fn a_claim_keeps_its_addresses() {
    let first = || [add(0, "a", 1, 1, Some("x")), del(100, "a", 1)];
    let then = |line| [first().to_vec(), vec![line]].concat();
    assert_eq!(kinds(&then(add(200, "b", 2, 2, Some("x")))), ["moved"]);
    assert_eq!(kinds(&then(add(9000, "b", 1, 2, None))), ["robbed"]);
    assert_eq!(kinds(&then(add(9000, "b", 1, 2, Some("y")))), ["robbed"]);
    let gone = Ask::Unclaim { claim: "x".into() };
    let unclaim = |outcome| call(300, "n1", gone.clone(), outcome);
    let lines = |outcome, line| [then(unclaim(outcome)), vec![line]].concat();
    let fresh = || add(400, "b", 2, 2, Some("x"));
    assert_eq!(kinds(&lines(Outcome::Fine, fresh())), Vec::<&str>::new());
    let no = Outcome::Refused {
        code: 11,
        message: String::new(),
    };
    assert_eq!(kinds(&lines(no, fresh())), ["moved"]);
    assert_eq!(
        kinds(&lines(Outcome::Fine, add(600, "b", 1, 2, None))),
        ["not rested"]
    );
    assert_eq!(
        kinds(&lines(Outcome::Fine, add(1300, "b", 1, 2, None))),
        Vec::<&str>::new()
    );
    // Taken away before it was made anew: that does not count.
    let before = call(0, "n1", Ask::Unclaim { claim: "x".into() }, Outcome::Fine);
    let lines = [before, add(50, "a", 1, 1, Some("x")), del(100, "a", 1)];
    let then = |line| kinds(&[lines.to_vec(), vec![line]].concat());
    assert_eq!(then(add(200, "b", 2, 2, Some("x"))), ["moved"]);
}

#[test]
fn a_claim_that_is_kept_for_a_while_is_kept_for_that_while() {
    let kept = |f: &mut Facts| {
        let (value, field) = ("after:5s".into(), String::new());
        f.release = Some(Sourced { value, field });
    };
    let lines = |line| {
        [
            facts(add(0, "a", 1, 1, Some("x")), kept),
            del(100, "a", 1),
            line,
        ]
    };
    assert_eq!(kinds(&lines(add(3000, "b", 2, 2, Some("x")))), ["moved"]);
    assert_eq!(
        kinds(&lines(add(6000, "b", 2, 2, Some("x")))),
        Vec::<&str>::new()
    );
    assert_eq!(kinds(&lines(add(3000, "b", 1, 2, None))), ["not rested"]);
}

#[test]
fn answers_must_fit_what_was_asked() {
    assert_eq!(
        kinds(&[add(0, "a", 1, 1, None), add(50, "a", 2, 2, None)]),
        ["given twice"]
    );
    let asked = |f: &mut Facts| {
        let (value, field) = (ip(9), String::new());
        f.addresses = vec![Sourced { value, field }];
    };
    assert_eq!(kinds(&[facts(add(0, "a", 1, 1, None), asked)]), ["wrong"]);
    let two = Rules {
        families: 2,
        ..RULES
    };
    assert_eq!(judge(&[add(0, "a", 1, 1, None)], two).len(), 1);
    assert_eq!(
        kinds(&[add(0, "a", 1, 1, None), del(50, "a", 2)]),
        ["freed another's"]
    );
    assert_eq!(
        kinds(&[refused(add(0, "a", 1, 1, None), 11), del(50, "a", 2)]),
        ["freed another's"]
    );
}

#[test]
fn numbers_go_up_on_each_node() {
    let lines = [add(0, "a", 1, 7, None), add(50, "b", 2, 7, None)];
    assert_eq!(kinds(&lines), ["back"]);
    let other = with(lines[1].clone(), |call| call.node = "n2".into());
    assert_eq!(kinds(&[lines[0].clone(), other]), Vec::<&str>::new());
    // Two that were asked at once may be answered in any order.
    assert_eq!(
        kinds(&[add(0, "a", 1, 8, None), add(5, "b", 2, 7, None)]),
        Vec::<&str>::new()
    );
}

#[test]
fn a_check_that_fails_is_a_loss() {
    let check = |start, code| {
        let (attachment, addresses) = (who("a"), vec![ip(1)]);
        refused(
            call(
                start,
                "n1",
                Ask::Check {
                    attachment,
                    addresses,
                },
                Outcome::Fine,
            ),
            code,
        )
    };
    assert_eq!(kinds(&[add(0, "a", 1, 1, None), check(50, 100)]), ["lost"]);
    assert_eq!(
        kinds(&[add(0, "a", 1, 1, None), check(50, 11)]),
        Vec::<&str>::new()
    );
    assert_eq!(
        kinds(&[add(0, "a", 1, 1, None), del(50, "a", 1), check(55, 100)]),
        Vec::<&str>::new()
    );
}

#[test]
fn lists_show_what_is_lost_and_what_is_leaked() {
    let held = add(0, "a", 1, 1, None);
    let shown = |rows| kinds(&[held.clone(), list(50, rows)]);
    assert_eq!(shown(vec![]), ["lost"]);
    assert_eq!(shown(vec![row(None, 1, "cooling")]), ["lost"]);
    assert_eq!(shown(vec![row(Some("b"), 1, "live")]), ["lost", "leaked"]);
    let a = || row(Some("a"), 1, "live");
    assert_eq!(shown(vec![a(), row(Some("a"), 2, "live")]), ["leaked"]);
    assert_eq!(shown(vec![a(), row(Some("z"), 2, "live")]), ["leaked"]);
    assert_eq!(shown(vec![a(), a()]), ["listed twice"]);
    let after = |line, rows| kinds(&[held.clone(), line, list(200, rows)]);
    assert_eq!(after(del(100, "a", 1), vec![a()]), ["leaked"]);
    assert_eq!(
        after(unknown(del(100, "a", 1)), vec![a()]),
        Vec::<&str>::new()
    );
    assert_eq!(after(unknown(del(100, "a", 1)), vec![]), Vec::<&str>::new());
    assert_eq!(
        after(del(195, "a", 1), vec![]),
        Vec::<&str>::new(),
        "under way"
    );
    let both = after(del(195, "a", 1), vec![a()]);
    assert_eq!(both, Vec::<&str>::new(), "under way");
    let b = refused(add(100, "b", 2, 2, None), 101);
    assert_eq!(after(b, vec![a(), row(Some("b"), 2, "live")]), ["leaked"]);
    let b = unknown(add(100, "b", 2, 2, None));
    assert_eq!(
        after(b, vec![a(), row(Some("b"), 2, "live")]),
        Vec::<&str>::new()
    );
}

#[test]
fn what_is_written_is_read_again() {
    let dir = fairway_lab::tempfile::tempdir().unwrap();
    let recorder = Recorder::new(&dir.path().join("history.jsonl")).unwrap();
    let lines = [
        add(0, "a", 1, 1, Some("x")),
        unknown(del(5, "a", 1)),
        list(9, vec![row(None, 1, "claimed")]),
    ];
    lines.iter().for_each(|line| recorder.write(line).unwrap());
    let ask = Ask::Unclaim { claim: "x".into() };
    assert_eq!(
        recorder.call("n1", ask, |_| Outcome::Fine).unwrap(),
        Outcome::Fine
    );
    recorder.fault("the leader is killed").unwrap();
    let read = read(recorder.path()).unwrap();
    assert_eq!(read[..3], lines);
    assert!(matches!(&read[3], Line::Call(call) if call.start <= call.end));
    assert!(matches!(&read[4], Line::Fault { what, .. } if what.contains("leader")));
}
