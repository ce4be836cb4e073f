//! Who goes before whom: a flow keeps its order, and little flows do not wait behind large ones.

use fairway_dataplane::abi::{CLASS_AHEAD, CLASS_REST, Slot};
use fairway_dataplane::shaper::Shaped;

use crate::bed::{MILLISECOND, SHOT, allowance, fill, gaps, now, saving, send, shaper, v4};

#[test]
fn a_flow_keeps_its_order_and_the_limit_whatever_it_is_cut_into() {
    let (rate, burst) = (100_000_000, 30_000);
    for also in [
        vec![],
        vec![allowance(0, 20_000, 5_000)],
        vec![
            allowance(110_000_000, 9_000, 1),
            allowance(0, 50_000, 100_000),
        ],
    ] {
        let all = [vec![allowance(rate, 0, burst)], also].concat();
        let shaper = saving(&all);
        let mut random = 1_u32;
        let (mut last, mut sent) = (0, 0_u64);
        let begun = now();
        for _ in 0..400 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let packets = [1, 1, 2, 10, 40][(random >> 16) as usize % 5];
            let each = [90, 700, 1_250][(random >> 24) as usize % 3];
            let packet = v4(0, 5, each);
            let wire = each as u32 * packets;
            let one = shaper.test_run(&packet, wire, packets).unwrap();
            if one.verdict == SHOT {
                continue;
            }
            assert!(one.departs >= last, "{packets} of {each}: {all:?}");
            last = one.departs;
            sent += u64::from(wire);
            // All but the last packet of it are within the limit.
            let may = burst + (last - begun) * (rate / 8) / 1_000_000_000;
            assert!(sent - each as u64 <= may + 1, "{sent} of {may}: {all:?}");
            // Now and then something is saved up.
            while random.is_multiple_of(16) && now() < last + 3 * MILLISECOND {
                std::hint::spin_loop();
            }
        }
        assert!(sent > 500_000, "{sent}");
    }
}

#[test]
fn little_flows_go_ahead_of_those_that_wait() {
    for flags in [Slot::DEPART, Slot::CLASSES] {
        let shaper = shaper(&[1_000_000], flags);
        fill(&shaper, 20);
        let ping = send(&shaper, &v4(0, 77, 98));
        let bulk = send(&shaper, &v4(0, 5, 98));
        if flags == Slot::DEPART {
            assert!(ping.departs <= now(), "at once");
            assert!(
                bulk.departs > now() + 150 * MILLISECOND,
                "in its flow's order"
            );
        } else {
            assert_eq!((ping.class, bulk.class), (CLASS_AHEAD, CLASS_REST));
            assert_eq!((ping.departs, bulk.departs), (0, 0));
        }
        // It has been paid for: 98 bytes are 784 µs.
        let sent = fill(&shaper, 2);
        assert_eq!(
            gaps(&sent)[0] / 1_000,
            if flags == Slot::DEPART { 10_000 } else { 0 }
        );
        // A flood of such flows waits like all others.
        let begun = now();
        let flood = (1_000..1_400).map(|port| send(&shaper, &v4(0, port, 98)));
        let is_ahead = |one: &Shaped| match flags {
            Slot::DEPART => one.departs <= now(),
            _ => one.class == CLASS_AHEAD,
        };
        let ahead = flood.filter(is_ahead).count() as u64;
        // Half of the rate is theirs: 1,568 µs each.
        let most = (now() - begun) / 1_568_000 + 4;
        assert!(ahead <= most, "{ahead} of 400, and not {most}");
    }
}
