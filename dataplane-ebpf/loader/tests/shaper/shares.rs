//! Where nothing can wait: what is dropped, and whose.

use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, shared};

use crate::bed::{NEXT, fill, of, shaper};

#[test]
fn where_nothing_can_wait_what_is_too_early_is_dropped() {
    let shaper = shaper(&[1_000_000], 0);
    let sent = fill(&shaper, 100);
    let passed = sent.iter().filter(|one| one.verdict == NEXT).count();
    // 12,000 bytes may be ahead of their time.
    assert!((9..=12).contains(&passed), "{passed}");
    assert!(sent.iter().all(|one| (one.departs, one.class) == (0, 0)));
    // Of a qdisc that keeps to the first limit itself only the others are looked after.
    let classes = crate::bed::shaper(&[1_000_000, 1_000_000], Slot::CLASSES);
    let sent = fill(&classes, 100);
    let shared = sent.iter().filter(|one| one.verdict == NEXT).count();
    assert!((9..=12).contains(&shared), "{shared}");
    let own = crate::bed::shaper(&[1_000_000], Slot::CLASSES);
    assert!(fill(&own, 100).iter().all(|one| one.verdict == NEXT));
}

#[test]
fn who_is_below_its_share_gets_in_where_others_are_dropped() {
    let allowance = Allowance {
        bits: 1_000_000,
        burst: 1,
        ..Allowance::default()
    };
    let passes = |shaper: &Shaper| {
        let sent = fill(shaper, 60);
        sent.iter().filter(|one| one.verdict == NEXT).count()
    };
    let own = of(10_000_000_000);
    for (flags, at) in [(0, 0), (0, 3), (Slot::CLASSES, 1)] {
        let shaper = shaper(&[], 0);
        shaper.set_limit(1, &shared(&allowance)).unwrap();
        shaper.set_limit(2, &own).unwrap();
        let mut slot = Slot {
            limits: [2; 4],
            flags,
            ..Slot::default()
        };
        slot.limits[at] = 1;
        shaper.begin_slot(0, &slot).unwrap();
        // Packets of 10 ms; 136 may be ahead, 120 are saved up.
        let first = passes(&shaper);
        assert!((25..=29).contains(&first), "{first}");
        // Its share is used up, also if the program is told of the slot once more.
        shaper.set_slot(0, &slot).unwrap();
        let same = passes(&shaper);
        assert!(same <= 2, "{same}");
        // For another one there is room, and for more of them less and less: 136 ms in all.
        let others: Vec<_> = (0..10)
            .map(|_| {
                shaper.begin_slot(0, &slot).unwrap();
                passes(&shaper)
            })
            .collect();
        assert!((4..=6).contains(&others[0]), "{others:?}");
        assert!((1..=4).contains(&others[1]), "{others:?}");
        let all: usize = others.iter().sum();
        assert!((9..=17).contains(&all), "{others:?}");
        // In another place of the slot its share is another.
        shaper.begin_limit(1, &shared(&allowance)).unwrap();
        passes(&shaper);
        slot.limits.reverse();
        slot.flags = 0;
        shaper.set_slot(0, &slot).unwrap();
        let moved = passes(&shaper);
        assert!((4..=6).contains(&moved), "{moved}");
    }
    // Whoever has a limit alone: it is not looked at.
    let alone = shaper(&[1_000_000], 0);
    let slot = Slot {
        limits: [1, 0, 0, 0],
        ..Slot::default()
    };
    passes(&alone);
    alone.begin_slot(0, &slot).unwrap();
    assert!(passes(&alone) <= 2);
}
