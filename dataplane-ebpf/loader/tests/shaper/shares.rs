//! Where nothing can wait: what is dropped, and whose.

use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, shared};

use crate::bed::{NEXT, fill, of, shaper};
use std::time::{Duration, Instant};

const TRIES: usize = 20;

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

/// What of 60 packets each passes, of 10 ms each; 136 ms may be ahead, 120 are saved up.
#[derive(Debug)]
struct Passed {
    first: usize,
    same: usize,
    others: Vec<usize>,
    moved: usize,
    took: Duration,
}

impl Passed {
    fn of(flags: u32, at: usize) -> Passed {
        let allowance = Allowance {
            bits: 1_000_000,
            burst: 1,
            ..Allowance::default()
        };
        let shaper = shaper(&[], 0);
        shaper.set_limit(1, &shared(&allowance)).unwrap();
        shaper.set_limit(2, &of(10_000_000_000)).unwrap();
        let mut slot = Slot {
            limits: [2; 4],
            flags,
            ..Slot::default()
        };
        slot.limits[at] = 1;
        shaper.begin_slot(0, &slot).unwrap();
        let begun = Instant::now();
        let first = passes(&shaper);
        // The program is told of the slot once more.
        shaper.set_slot(0, &slot).unwrap();
        let same = passes(&shaper);
        let others = (0..10).map(|_| {
            shaper.begin_slot(0, &slot).unwrap();
            passes(&shaper)
        });
        let others = others.collect();
        // In another place of the slot its share is another.
        shaper.begin_limit(1, &shared(&allowance)).unwrap();
        passes(&shaper);
        slot.limits.reverse();
        slot.flags = 0;
        shaper.set_slot(0, &slot).unwrap();
        let moved = passes(&shaper);
        Passed {
            first,
            same,
            others,
            moved,
            took: begun.elapsed(),
        }
    }

    /// `late` more may have passed, for as long as that took.
    fn is_right(&self, late: usize) -> bool {
        let others = &self.others;
        let all: usize = others.iter().sum();
        (25..=29 + late).contains(&self.first)
            // Its share is used up.
            && self.same <= 2 + late
            // For another one there is room, and for more of them less and less: 136 ms in all.
            && (4..=6 + late).contains(&others[0])
            && (1..=4 + late).contains(&others[1])
            && (9..=17 + late).contains(&all)
            && (4..=6 + late).contains(&self.moved)
    }
}

fn passes(shaper: &Shaper) -> usize {
    let sent = fill(shaper, 60);
    sent.iter().filter(|one| one.verdict == NEXT).count()
}

#[test]
fn who_is_below_its_share_gets_in_where_others_are_dropped() {
    for (flags, at) in [(0, 0), (0, 3), (Slot::CLASSES, 1)] {
        // Whoever has no processor for a while finds more room: that is no fault, and there is another try.
        let mut tries = 0;
        loop {
            let passed = Passed::of(flags, at);
            tries += 1;
            if passed.is_right(0) {
                break;
            }
            let late = usize::try_from(passed.took.as_millis() / 10).unwrap();
            assert!(tries < TRIES && passed.is_right(late), "{passed:?}");
        }
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
