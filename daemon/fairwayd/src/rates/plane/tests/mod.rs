//! What is asked of the kernel, desired against actual.

mod trouble;

use super::{
    Kernel as _, Means, Part, Plane, Wanted, WayKey,
    fake::{Container, Fake},
};
use fairway_rates::{Allowance, Direction, Number, Scope};
use std::{collections::BTreeMap, time::Duration};

/// A plane, and what is wanted of it.
struct Bed {
    fake: Fake,
    plane: Plane<Fake>,
    wanted: BTreeMap<WayKey, Wanted>,
}

impl Bed {
    fn new(fake: Fake) -> Bed {
        Bed {
            plane: Plane::new(fake.clone()),
            fake,
            wanted: BTreeMap::new(),
        }
    }

    /// The next daemon, which wants the same.
    fn restart(self) -> Bed {
        Bed {
            wanted: self.wanted,
            ..Bed::new(self.fake)
        }
    }

    /// What a container gets.
    fn gets(&mut self, container: &Container, chain: &[Part]) {
        let wanted = Wanted {
            place: container.host(),
            host: None,
            ..chained(container, chain)
        };
        let key = (container.attachment.clone(), Direction::Ingress);
        self.wanted.insert(key, wanted);
    }

    /// What it sends.
    fn sends(&mut self, container: &Container, chain: &[Part]) {
        let key = (container.attachment.clone(), Direction::Egress);
        self.wanted.insert(key, chained(container, chain));
    }

    /// A turn; what was asked.
    fn keep(&mut self) -> Vec<String> {
        self.plane.keep(self.wanted.clone(), |_| true);
        self.fake.asked()
    }

    fn later(&mut self, seconds: u64) -> Vec<String> {
        self.fake.later(Duration::from_secs(seconds));
        self.keep()
    }
}

fn chained(container: &Container, chain: &[Part]) -> Wanted {
    let all = chain.iter().map(|part| part.allowance);
    Wanted {
        place: container.inside(),
        host: Some(container.host()),
        chain: chain.to_vec(),
        least: all.fold(Allowance::default(), Allowance::and),
        dscp: None,
    }
}

/// A container's own limit.
fn own(number: Number, rate: &str) -> Part {
    Part {
        number,
        scope: Scope::Container,
        of: String::new(),
        allowance: Allowance {
            rate: Some(rate.parse().unwrap()),
            ..Allowance::default()
        },
        shared: false,
    }
}

/// A namespace's.
fn common(number: Number, rate: &str) -> Part {
    Part {
        scope: Scope::Namespace,
        shared: true,
        ..own(number, rate)
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_new_limit_is_written_before_its_filter_hangs() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M")]);
    assert_eq!(
        bed.keep(),
        [
            "load",
            "queues of 3",
            "limit 1 begins: 10000k",
            "slot 1 begins: [1] departs",
            "attach 3 out: slot 1",
        ]
    );
    assert_eq!(bed.fake.in_force(), ["3 fq", r#"3 out ["10000k"] departs"#]);
    // What it sends is kept at its own end, and a little above that at the host's, in front.
    bed.sends(&a, &[own(2, "20M")]);
    assert_eq!(
        bed.keep(),
        [
            "limit 2 begins: 21000k",
            "slot 2 begins: [2]",
            "attach 3 in: slot 2",
            "queues of 4",
            "limit 3 begins: 20000k",
            "slot 3 begins: [3] departs",
            "slot 2: [2]",
            "attach 4 out: slot 3",
        ]
    );
    let key = (a.attachment, Direction::Egress);
    assert_eq!(bed.plane.standing(&key).unwrap().means, Means::Edt);
    assert!(bed.plane.problems().is_empty());
}

#[test]
fn without_fq_classes_keep_the_least() {
    let fake = Fake::unfair();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M"), common(2, "50M")]);
    assert_eq!(
        bed.keep(),
        [
            "load",
            "queues of 3: refused",
            "queues of 3",
            "limit 1 begins: 10000k",
            "limit 2 begins: 50000k*",
            "slot 1 begins: [1, 2] classes",
            "attach 3 out: slot 1",
        ]
    );
    // What the kernel has not is not asked for again.
    let b = bed.fake.container("b");
    bed.gets(&b, &[own(3, "1M")]);
    let asked = bed.keep();
    assert!(
        !asked.contains(&"queues of 5: refused".to_owned()),
        "{asked:?}"
    );
    assert_eq!(asked.first().unwrap(), "queues of 5");
}

#[test]
fn where_all_is_as_it_should_be_nothing_is_asked() {
    for fake in [Fake::new(), Fake::unfair()] {
        let (a, mut bed) = (fake.container("a"), Bed::new(fake));
        bed.gets(&a, &[own(1, "10M"), common(2, "50M")]);
        bed.sends(&a, &[own(3, "10M")]);
        bed.keep();
        let there = bed.fake.in_force();
        assert_eq!(bed.keep(), NOTHING);
        assert_eq!(bed.later(3_600), NOTHING);
        assert_eq!(bed.plane.deadline(), None);
        // After a doubt it is looked at: nothing changes but slots that are written as they are.
        bed.plane.doubt();
        let asked = bed.keep();
        assert!(
            asked.iter().all(|one| one.starts_with("slot ")),
            "{asked:?}"
        );
        assert_eq!(bed.fake.in_force(), there);
    }
}

#[test]
fn a_changed_limit_is_one_write() {
    let fake = Fake::new();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M"), common(2, "50M")]);
    bed.gets(&b, &[common(2, "50M")]);
    bed.keep();
    bed.gets(&a, &[own(1, "30M"), common(2, "50M")]);
    assert_eq!(bed.keep(), ["limit 1: 30000k", "slot 1: [1, 2] departs"]);
    // A limit that two share is written once.
    bed.gets(&a, &[own(1, "30M"), common(2, "60M")]);
    bed.gets(&b, &[common(2, "60M")]);
    assert_eq!(
        bed.keep(),
        [
            "limit 2: 60000k",
            "slot 1: [1, 2] departs",
            "slot 2: [2] departs",
        ]
    );
    // One that a way loses is free for others.
    bed.gets(&a, &[common(2, "60M")]);
    assert_eq!(bed.keep(), ["slot 1: [2] departs"]);
    bed.gets(&b, &[own(9, "5M"), common(2, "60M")]);
    assert_eq!(
        bed.keep(),
        ["limit 1 begins: 5000k", "slot 2: [1, 2] departs"]
    );
}

#[test]
fn a_changed_limit_of_classes_is_their_change() {
    let fake = Fake::unfair();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M")]);
    bed.keep();
    bed.gets(&a, &[own(1, "30M")]);
    assert_eq!(
        bed.keep(),
        [
            "limit 1: 30000k",
            "slot 1: [1] classes",
            "queues of 3",
            "slot 1: [1] classes",
        ]
    );
    let there = bed.fake.in_force();
    assert!(there[0].contains(" 30000k"), "{there:?}");
    assert!(!there[0].contains(" 10000k"), "{there:?}");
}

#[test]
fn who_comes_to_share_a_limit_is_nothing_to_the_others() {
    for fake in [Fake::new(), Fake::unfair()] {
        let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
        bed.gets(&a, &[common(1, "50M")]);
        bed.gets(&b, &[common(1, "50M")]);
        bed.keep();
        let c = bed.fake.container("c");
        bed.gets(&c, &[common(1, "50M")]);
        let asked = bed.keep();
        assert_eq!(asked.last().unwrap(), "attach 7 out: slot 3");
        let others = ["slot 1", "slot 2", "queues of 3", "queues of 5"];
        let others = |one: &String| others.iter().any(|other| one.starts_with(other));
        assert!(!asked.iter().any(others), "{asked:?}");
    }
}

#[test]
fn what_is_wanted_no_more_is_let_go_first_and_taken_away_when_it_has_drained() {
    for (fake, drains) in [(Fake::new(), 9), (Fake::unfair(), 1)] {
        let a = fake.container("a");
        let mut bed = Bed::new(fake);
        bed.gets(&a, &[own(1, "10M")]);
        bed.sends(&a, &[own(2, "10M")]);
        bed.keep();
        bed.wanted.clear();
        let asked = bed.keep();
        // Nothing is held back from now on, and nothing taken away.
        assert!(
            !asked.iter().any(|one| one.starts_with("detach")),
            "{asked:?}"
        );
        let there = bed.fake.in_force();
        assert_eq!(there.iter().filter(|one| one.contains("[]")).count(), 3);
        assert_eq!(bed.keep(), NOTHING);
        let deadline = bed.plane.deadline().unwrap();
        assert!(deadline > bed.fake.now());
        assert!(deadline <= bed.fake.now() + Duration::from_secs(drains));
        assert_eq!(
            bed.later(drains),
            [
                "detach 3 out",
                "queues of 3",
                "detach 4 out",
                "queues of 4",
                "detach 3 in"
            ]
        );
        assert_eq!(bed.fake.in_force(), NOTHING);
        assert_eq!((bed.plane.deadline(), bed.keep()), (None, vec![]));
        // The numbers are others' now.
        bed.gets(&a, &[own(7, "5M")]);
        let asked = bed.keep();
        assert_eq!(asked.last().unwrap(), "attach 3 out: slot 1");
        assert!(
            asked.contains(&"limit 1 begins: 5000k".to_owned()),
            "{asked:?}"
        );
    }
}

#[test]
fn what_is_wanted_again_while_it_goes_is_kept() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M")]);
    bed.keep();
    let (wanted, there) = (bed.wanted.clone(), bed.fake.in_force());
    bed.wanted.clear();
    bed.keep();
    assert_ne!(bed.fake.in_force(), there);
    bed.wanted = wanted;
    bed.keep();
    assert_eq!(bed.fake.in_force(), there);
    assert_eq!(bed.later(60), NOTHING);
}

#[test]
fn of_a_container_that_is_gone_nothing_is_asked() {
    let fake = Fake::new();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    for container in [&a, &b] {
        bed.gets(container, &[own(container.index[0], "10M")]);
        bed.sends(container, &[own(container.index[1], "10M")]);
    }
    bed.keep();
    // Its link is known to be gone.
    bed.fake.remove(&a);
    bed.plane.forget(&a.attachment);
    bed.wanted.retain(|key, _| key.0 != a.attachment);
    assert_eq!(bed.keep(), NOTHING);
    assert!(!bed.plane.shaped().contains(&a.attachment));
    // Nobody knows yet that its link is gone: it is let go, and there is nothing to take away.
    bed.fake.remove(&b);
    bed.wanted.clear();
    bed.keep();
    assert_eq!(bed.later(9), NOTHING);
    assert!(bed.plane.ways.is_empty());
}

#[test]
fn the_next_daemon_swaps_the_program_and_leaves_the_queues() {
    for fake in [Fake::new(), Fake::unfair()] {
        let (a, mut bed) = (fake.container("a"), Bed::new(fake));
        bed.gets(&a, &[own(1, "10M"), common(2, "50M")]);
        bed.sends(&a, &[own(3, "20M")]);
        bed.keep();
        let there = bed.fake.in_force();
        let mut bed = bed.restart();
        let asked = bed.keep();
        assert_eq!(bed.fake.in_force(), there);
        let attached = asked.iter().filter(|one| one.starts_with("attach"));
        assert_eq!(attached.count(), 3, "{asked:?}");
        let queues = |one: &&String| one.starts_with("queues") && !one.ends_with("refused");
        assert_eq!(asked.iter().find(queues), None, "{asked:?}");
        assert_eq!(bed.keep(), NOTHING);
    }
}

#[test]
fn those_that_are_not_to_be_judged_are_left() {
    let fake = Fake::new();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    bed.gets(&a, &[own(1, "10M")]);
    bed.gets(&b, &[own(2, "10M")]);
    let only_b = |attachment: &_| *attachment == b.attachment;
    bed.plane.keep(bed.wanted.clone(), only_b);
    assert_eq!(bed.fake.in_force().len(), 2);
    assert_eq!(
        bed.plane.shaped().into_iter().collect::<Vec<_>>(),
        std::slice::from_ref(&b.attachment)
    );
    bed.keep();
    bed.plane.keep(BTreeMap::new(), only_b);
    let there = bed.fake.in_force();
    assert!(
        there.contains(&r#"3 out ["10000k"] departs"#.to_owned()),
        "{there:?}"
    );
    assert!(there.contains(&"5 out [] departs".to_owned()), "{there:?}");
}
