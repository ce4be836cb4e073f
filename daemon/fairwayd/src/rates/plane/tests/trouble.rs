//! What the kernel refuses, or has not.

use super::{Bed, NOTHING, common, own};
use crate::rates::plane::{Kernel as _, fake::Fake};

#[test]
fn whatever_is_refused_is_put_right_by_a_later_turn() {
    for unfair in [false, true] {
        let bed = || {
            let fake = if unfair { Fake::unfair() } else { Fake::new() };
            let (a, b) = (fake.container("a"), fake.container("b"));
            let mut bed = Bed::new(fake);
            bed.gets(&a, &[own(1, "10M"), common(2, "50M")]);
            bed.sends(&a, &[own(3, "20M")]);
            bed.gets(&b, &[common(2, "50M")]);
            bed
        };
        let mut whole = bed();
        let asked = whole.keep();
        let there = whole.fake.in_force();
        let mut refused = 0;
        for nth in 0..asked.len() {
            for refuse in [Fake::refuse, Fake::refuse_link] {
                let mut bed = bed();
                refuse(&bed.fake, nth);
                bed.keep();
                let problems = bed.plane.problems();
                if !problems.is_empty() {
                    refused += 1;
                    // Not at once.
                    assert_eq!(bed.keep(), NOTHING);
                    assert!(bed.plane.deadline().unwrap() > bed.fake.now());
                }
                bed.later(60);
                assert_eq!(bed.fake.in_force(), there, "{refuse:?} {nth}: {problems:?}");
                assert_eq!(bed.plane.problems(), NOTHING);
                assert_eq!(bed.plane.deadline(), None);
                assert_eq!(bed.keep(), NOTHING);
            }
        }
        assert!(refused >= asked.len() / 2, "{refused} of {asked:?}");
    }
}

#[test]
fn a_number_that_could_not_begin_begins_the_next_time() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M")]);
    // Numbers that somebody else had: what that has used up must not be held against the next.
    bed.keep();
    bed.wanted.clear();
    bed.keep();
    bed.later(9);
    for (nth, what) in [(0, "limit 1 begins: "), (1, "slot 1 begins: ")] {
        let b = bed.fake.container(&format!("b{nth}"));
        bed.gets(&b, &[own(2, "20M")]);
        bed.fake.refuse(nth);
        let begins = |one: &&String| one.starts_with(what);
        let asked = bed.keep();
        let refused = asked.iter().find(begins);
        assert!(
            refused.is_some_and(|one| one.ends_with(": refused")),
            "{asked:?}"
        );
        let asked = bed.later(60);
        assert!(asked.iter().any(|one| begins(&one)), "{asked:?}");
        bed.wanted.clear();
        bed.keep();
        bed.later(9);
    }
}

#[test]
fn a_change_that_is_refused_is_put_right_by_a_later_turn() {
    for fake in [Fake::new(), Fake::unfair()] {
        let (a, mut bed) = (fake.container("a"), Bed::new(fake));
        bed.gets(&a, &[own(1, "10M")]);
        bed.keep();
        bed.gets(&a, &[own(1, "30M")]);
        bed.fake.refuse(0);
        assert!(bed.keep().contains(&"limit 1: 30000k: refused".to_owned()));
        bed.later(60);
        let there = bed.fake.in_force();
        assert!(there.iter().all(|one| !one.contains("10000k")), "{there:?}");
        assert_eq!(bed.plane.problems(), NOTHING);
    }
}

#[test]
fn an_end_that_is_out_of_reach_is_held_at_the_other() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.fake.moves(&a, true);
    bed.sends(&a, &[own(1, "10M")]);
    bed.keep();
    assert_eq!(bed.fake.in_force(), [r#"3 in ["10500k"]"#]);
    assert_eq!(
        bed.plane.problems(),
        ["rates of net/a/eth0 (egress): /run/netns/a is another namespace by now"]
    );
    // Each time it is tried after longer.
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let pause = bed.plane.deadline().unwrap() - bed.fake.now();
        pauses.push(pause.as_secs());
        bed.fake.later(pause);
        bed.keep();
    }
    assert_eq!(pauses, [4, 8, 16, 32, 60, 60]);
    bed.fake.moves(&a, false);
    bed.later(60);
    assert!(bed.plane.problems().is_empty());
    assert_eq!(bed.fake.in_force().len(), 3);
}

#[test]
fn without_the_program_a_qdisc_keeps_what_it_can() {
    let fake = Fake::unfair();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    bed.fake.program(false);
    bed.gets(&a, &[own(1, "10M")]);
    bed.gets(&b, &[common(2, "50M")]);
    assert_eq!(bed.keep(), ["load", "queues of 3", "queues of 5"]);
    let problems = bed.plane.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("net/b/eth0 (ingress): no more than a rate of its own is kept"));
    // It is not tried with every turn.
    assert_eq!(bed.later(30), NOTHING);
    bed.fake.program(true);
    let asked = bed.later(30);
    assert_eq!(asked.first().unwrap(), "load");
    assert_eq!(bed.fake.in_force().len(), 4);
    assert!(bed.plane.problems().is_empty());
}
