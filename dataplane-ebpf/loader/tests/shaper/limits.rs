//! Limits, by departure times: when packets go, how many may wait, and what is saved up.

use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, limit};

use crate::bed::{
    MILLISECOND, NEXT, SHOT, allowance, fill, gaps, now, of, saving, send, shaper, v4,
};

#[test]
fn packets_depart_at_the_rate() {
    let shaper = shaper(&[1_000_000], Slot::DEPART);
    let before = now();
    let sent = fill(&shaper, 20);
    assert!(sent.iter().all(|one| one.verdict == NEXT && one.class == 0));
    assert!(sent[0].departs >= before && sent[0].departs <= now());
    // The first one goes at once, the next ones after the time that each takes.
    for gap in &gaps(&sent)[1..] {
        assert_eq!(gap / 1_000, 10_000, "{gap} ns");
    }
    let counted = shaper.sent(0).unwrap();
    assert_eq!((counted.packets, counted.bytes), (20, 25_000));
    assert_eq!((counted.delayed, counted.dropped), (19, 0));
    // What it is cut into counts, and all of that goes when the last of it may.
    let packet = v4(0, 5, 1_250);
    let large = shaper.test_run(&packet, 12_500, 10).unwrap();
    let after = send(&shaper, &packet);
    assert_eq!((large.departs - sent[19].departs) / 1_000, 100_000);
    assert_eq!((after.departs - large.departs) / 1_000, 10_000);
    shaper.begin_limit(1, &of(1_000_000)).unwrap();
    let begun = now();
    let first = shaper.test_run(&packet, 12_500, 10).unwrap();
    // A byte was saved up.
    assert!((89 * MILLISECOND..95 * MILLISECOND).contains(&(first.departs - begun)));
}

#[test]
fn all_limits_hold_and_the_least_one_decides() {
    for rates in [
        [1_000_000, 3_000_000, 7_000_000],
        [7_000_000, 1_000_000, 3_000_000],
        [3_000_000, 7_000_000, 1_000_000],
    ] {
        let shaper = shaper(&rates, Slot::DEPART);
        for gap in &gaps(&fill(&shaper, 10))[1..] {
            assert_eq!(gap / 1_000, 10_000, "{rates:?}");
        }
    }
    // Two slots share a limit.
    let shaper = shaper(&[7_000_000, 1_000_000], Slot::DEPART);
    fill(&shaper, 5);
    let slot = Slot {
        limits: [3, 2, 0, 0],
        flags: Slot::DEPART,
        ..Slot::default()
    };
    shaper.set_limit(3, &of(7_000_000)).unwrap();
    shaper.set_slot(0, &slot).unwrap();
    let before = now();
    let other = fill(&shaper, 1);
    assert!(other[0].departs > before + 40 * MILLISECOND);
}

#[test]
fn packets_are_limited_for_themselves() {
    let shaper = shaper(&[], 0);
    let allowance = Allowance {
        packets: 1_000,
        burst: 1,
        ..Allowance::default()
    };
    shaper.set_limit(1, &limit(&allowance)).unwrap();
    let slot = Slot {
        limits: [1, 0, 0, 0],
        flags: Slot::DEPART,
        ..Slot::default()
    };
    shaper.set_slot(0, &slot).unwrap();
    let small = v4(0, 5, 300);
    let sent: Vec<_> = (0..10).map(|_| send(&shaper, &small)).collect();
    for gap in &gaps(&sent)[2..] {
        assert_eq!(gap / 1_000, 1_000);
    }
}

#[test]
fn a_burst_is_saved_up_and_no_more() {
    let shaper = shaper(&[], 0);
    let allowance = Allowance {
        bits: 1_000_000,
        burst: 5_000,
        ..Allowance::default()
    };
    shaper.set_limit(1, &limit(&allowance)).unwrap();
    let slot = Slot {
        limits: [1, 0, 0, 0],
        flags: Slot::DEPART,
        ..Slot::default()
    };
    shaper.set_slot(0, &slot).unwrap();
    let sent = fill(&shaper, 8);
    let at_once = sent.iter().filter(|one| one.departs <= now()).count();
    // 5,000 bytes are four packets, and one is always let through.
    assert_eq!(at_once, 5);
}

#[test]
fn what_will_be_cut_uses_what_was_saved_up_as_single_packets_do() {
    let packet = v4(0, 5, 1_250);
    // Saved up are 16 packets: ten go at once, and the next one, too.
    let shaper = saving(&[allowance(1_000_000, 0, 20_000)]);
    let many = shaper.test_run(&packet, 12_500, 10).unwrap();
    let next = send(&shaper, &packet);
    assert!(many.departs <= next.departs && next.departs <= now());
    // Four are: the last of ten has five before it that have to wait.
    let shaper = saving(&[allowance(1_000_000, 0, 5_000)]);
    let begun = now();
    let many = shaper.test_run(&packet, 12_500, 10).unwrap();
    let waits = many.departs - begun;
    assert!((50..55).contains(&(waits / MILLISECOND)), "{waits}");
    assert_eq!(
        (send(&shaper, &packet).departs - many.departs) / 1_000,
        10_000
    );
}

#[test]
fn too_much_is_dropped() {
    let shaper = shaper(&[1_000_000], Slot::DEPART);
    let sent = fill(&shaper, 1_000);
    let passed = sent.iter().filter(|one| one.verdict == NEXT).count();
    // Eight seconds' worth.
    assert!((795..=806).contains(&passed), "{passed}");
    assert!(sent[..790].iter().all(|one| one.verdict == NEXT));
    assert_eq!(sent[999].verdict, SHOT);
    let counted = shaper.sent(0).unwrap();
    assert_eq!(counted.dropped, 1_000 - passed as u64);
}

#[test]
fn nothing_departs_later_than_may_wait_nor_is_paid_for_then() {
    // 64 KiB take five seconds, and no more than eight may wait; fq drops what is ten away.
    let shaper = shaper(&[100_000], Slot::DEPART);
    let packet = v4(0, 5, 1_250);
    let begun = now();
    let first = shaper.test_run(&packet, 65_000, 52).unwrap();
    assert_eq!((first.departs - begun) / 100 / MILLISECOND, 50);
    let second = shaper.test_run(&packet, 65_000, 52).unwrap();
    assert_eq!(second.verdict, SHOT);
    let next = send(&shaper, &packet);
    assert_eq!((next.departs - first.departs) / MILLISECOND, 100);
    let sent = shaper.sent(0).unwrap();
    assert_eq!((sent.packets, sent.dropped), (53, 52));
}
