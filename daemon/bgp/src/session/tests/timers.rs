//! Times: how long neighbours may be silent, and how often they are heard.

use super::*;

#[test]
fn keepalives_come_three_times_in_the_hold_time_and_with_jitter() {
    let mut bench = Bench::usual();
    bench.up();
    let mut pauses = Vec::new();
    for _ in 0..50 {
        let due = bench.session.links[0].keepalive.unwrap();
        pauses.push(due - bench.now);
        bench.now = due;
        assert_eq!(bench.give(Input::Tick), "send ours/1 KEEPALIVE");
        bench.receive(OURS, Message::Keepalive);
    }
    assert!(
        pauses
            .iter()
            .all(|pause| (secs(22)..=secs(30)).contains(pause))
    );
    assert!(pauses.iter().max() > pauses.iter().min());
}

#[test]
fn whoever_is_heard_otherwise_needs_no_keepalive() {
    let mut bench = Bench::usual();
    bench.up();
    for _ in 0..10 {
        let pass = bench.pass(secs(20));
        assert_eq!(pass, "");
        bench.give(Input::Tell(Update::default()));
        bench.receive(OURS, Message::Update(Update::default()));
    }
    // Nor do bytes that others share.
    for _ in 0..10 {
        assert_eq!(bench.pass(secs(20)), "");
        bench.give(Input::Wrote(OURS, 7));
        bench.receive(OURS, Message::Update(Update::default()));
    }
    assert_eq!(bench.session.status().counters.sent.update, 10 + 70);
}

#[test]
fn the_lesser_hold_time_counts() {
    for (ours, theirs, agreed) in [(90, 30, 30), (9, 180, 9), (90, 0, 0), (0, 90, 0)] {
        let mut bench = Bench::new(hold(here(), ours), &hold(there(), theirs));
        bench.up();
        let (_, found) = bench.session.established().unwrap();
        assert_eq!(found.hold_time.seconds(), agreed);
        match agreed {
            0 => assert_eq!(bench.session.deadline(), None),
            agreed => {
                let silent = bench.pass(secs(agreed.into()) - Duration::from_millis(1));
                assert!(!silent.contains("NOTIFICATION"), "{silent}");
                assert_eq!(bench.session.state(), State::Established);
                let late = bench.pass(Duration::from_millis(1));
                assert_eq!(late, "send ours/1 NOTIFICATION 4/0, close ours/1, down []");
            }
        }
    }
}

#[test]
fn whatever_comes_shows_that_the_neighbour_is_there() {
    let messages = [
        Message::Keepalive,
        Message::Update(Update::default()),
        refresh(V4, RefreshKind::Wanted),
    ];
    for message in messages {
        let mut bench = Bench::usual();
        bench.up();
        bench.pass(secs(89));
        bench.receive(OURS, message);
        bench.pass(secs(89));
        assert_eq!(bench.session.state(), State::Established);
        bench.pass(secs(1));
        assert_eq!(bench.session.state(), State::Active);
    }
}

#[test]
fn without_a_hold_time_a_half_open_connection_still_ends() {
    let mut bench = Bench::new(hold(here(), 0), &there());
    bench.reach(State::OpenConfirm);
    bench.pass(secs(239));
    assert_eq!(bench.session.state(), State::OpenConfirm);
    let end = bench.pass(secs(1));
    assert_eq!(end, "send ours/1 NOTIFICATION 4/0, close ours/1");
}

#[test]
fn whoever_takes_no_bytes_is_given_up() {
    let mut bench = Bench::usual();
    bench.up();
    let heard = |bench: &mut Bench, seconds: u64| {
        (0..seconds).step_by(30).fold(String::new(), |all, _| {
            let passed = bench.pass(secs(30));
            bench.receive(OURS, Message::Keepalive);
            all + &passed
        })
    };
    bench.give(Input::Blocked(OURS));
    heard(&mut bench, 450);
    // A second sign is no later one.
    bench.give(Input::Blocked(OURS));
    bench.give(Input::Flowing(OURS));
    heard(&mut bench, 600);
    assert_eq!(bench.session.state(), State::Established);
    bench.give(Input::Blocked(OURS));
    heard(&mut bench, 450);
    bench.give(Input::Blocked(OURS));
    let end = heard(&mut bench, 30);
    // Nothing can be told to it.
    assert!(end.ends_with("close ours/1, down []"), "{end}");
    assert!(!end.contains("NOTIFICATION"), "{end}");
}

#[test]
fn a_clock_that_was_held_up_expires_nothing_that_was_heard() {
    let mut bench = Bench::usual();
    bench.up();
    bench.now = bench.now + secs(1000);
    // What was read comes first.
    bench.receive(OURS, Message::Keepalive);
    assert_eq!(bench.give(Input::Tick), "send ours/1 KEEPALIVE");
    assert_eq!(bench.session.state(), State::Established);
}
