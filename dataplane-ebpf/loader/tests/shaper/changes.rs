//! Limits that change, or go, while packets wait for them.

use fairway_dataplane::abi::Slot;

use crate::bed::{MILLISECOND, NEXT, SHOT, fill, gaps, now, of, send, shaper, v4};

#[test]
fn a_change_is_a_write() {
    let shaper = shaper(&[1_000_000], Slot::DEPART);
    fill(&shaper, 3);
    shaper.set_limit(1, &of(500_000)).unwrap();
    for gap in &gaps(&fill(&shaper, 5))[..] {
        assert_eq!(gap / 1_000, 20_000);
    }
    shaper.begin_limit(1, &of(10_000_000)).unwrap();
    assert!(fill(&shaper, 1)[0].departs <= now(), "begun anew");
    shaper.set_slot(0, &Slot::default()).unwrap();
    assert_eq!(fill(&shaper, 1)[0].departs, 0);
}

#[test]
fn raised_what_waits_holds_nothing_up() {
    // By classes and where nothing can wait all goes on at once.
    for flags in [0, Slot::CLASSES] {
        let shaper = shaper(&[1_000_000], flags);
        let sent = fill(&shaper, 100);
        assert_eq!(sent.iter().any(|one| one.verdict == SHOT), flags == 0);
        shaper.set_limit(1, &of(1_000_000_000)).unwrap();
        let sent = fill(&shaper, 100);
        assert!(sent.iter().all(|one| one.verdict == NEXT), "{flags}");
    }
    // Two seconds of one flow; of the new rate they are 20 ms, and more than 336 may not wait.
    let shaper = shaper(&[1_000_000], Slot::DEPART);
    let last = fill(&shaper, 200)[199].departs;
    shaper.set_limit(1, &of(100_000_000)).unwrap();
    let other = send(&shaper, &v4(0, 6, 1_250));
    let same = send(&shaper, &v4(0, 5, 1_250));
    assert_eq!((other.verdict, same.verdict), (NEXT, NEXT));
    assert!(
        other.departs < now() + 30 * MILLISECOND,
        "{}",
        other.departs - now()
    );
    assert_eq!(same.departs, last, "it does not overtake its flow");
    assert!(send(&shaper, &v4(0, 6, 1_250)).departs < last);
    // Raised once more, lowered: the order is kept.
    for bits in [1_000_000_000, 10_000_000] {
        shaper.set_limit(1, &of(bits)).unwrap();
        assert_eq!(send(&shaper, &v4(0, 5, 1_250)).departs, last);
    }
    // For somebody else nothing waits.
    shaper.begin_limit(1, &of(1_000_000)).unwrap();
    assert!(send(&shaper, &v4(0, 5, 1_250)).departs <= now());
}

#[test]
fn what_waits_for_a_limit_that_goes_is_not_overtaken() {
    let slot = |limits, flags| Slot {
        limits,
        flags,
        ..Slot::default()
    };
    let shaper = shaper(&[1_000_000, 1_000_000_000], Slot::DEPART);
    let last = fill(&shaper, 100)[99].departs;
    let (same, other) = (v4(0, 5, 1_250), v4(0, 6, 1_250));
    // The faster one stays, then none, then a third one comes.
    shaper.set_limit(3, &of(1_000_000_000)).unwrap();
    for limits in [[0, 2, 0, 0], [0; 4], [0; 4], [3, 0, 0, 0]] {
        shaper.set_slot(0, &slot(limits, Slot::DEPART)).unwrap();
        assert_eq!(send(&shaper, &same).departs, last, "{limits:?}");
        assert!(send(&shaper, &other).departs < now() + MILLISECOND);
    }
    // Raised first: what waits is not on its clock any more.
    let shaper = crate::bed::shaper(&[1_000_000], Slot::DEPART);
    let last = fill(&shaper, 100)[99].departs;
    shaper.set_limit(1, &of(1_000_000_000)).unwrap();
    shaper.set_slot(0, &slot([0; 4], Slot::DEPART)).unwrap();
    assert_eq!(send(&shaper, &same).departs, last);
    // Another link has nothing to wait for.
    shaper.begin_slot(0, &slot([0; 4], Slot::DEPART)).unwrap();
    assert!(send(&shaper, &same).departs <= now());
}

#[test]
fn lowered_nothing_is_lost_of_what_may_come() {
    let shaper = shaper(&[100_000_000], 0);
    // 1,250 bytes are 100 µs: three of ten milliseconds that may be ahead.
    assert!(fill(&shaper, 30).iter().all(|one| one.verdict == NEXT));
    shaper.set_limit(1, &of(1_000_000)).unwrap();
    assert!(fill(&shaper, 8).iter().all(|one| one.verdict == NEXT));
}
