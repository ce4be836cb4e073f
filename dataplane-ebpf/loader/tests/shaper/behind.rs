//! Behind a container's own qdisc: what that sends passes, and all of it is counted.

use crate::bed::{NEXT, SHOT, behind, send, v4, v6};

#[test]
fn behind_a_qdisc_whatever_it_sends_at_once_passes() {
    // Slow and fast: at 1 kbit/s it is ten minutes' worth.
    for bits in [1_000, 1_000_000, 100_000_000, 1_000_000_000_000] {
        let shaper = behind(bits);
        let (frame, ack) = (v4(2, 5, 1_514), v4(2, 6, 98));
        // In one piece, and then the other class's packets.
        let mut sent = vec![shaper.test_run(&frame, 65_536, 45).unwrap()];
        sent.extend((0..30).map(|_| send(&shaper, &ack)));
        // In pieces.
        let shaper = behind(bits);
        sent.extend((0..45).map(|_| send(&shaper, &frame)));
        sent.extend((0..30).map(|_| send(&shaper, &ack)));
        for one in &sent {
            assert_eq!(
                (one.verdict, one.departs, one.class),
                (NEXT, 0, 0),
                "{bits}"
            );
        }
        // More than that is not what a qdisc sends.
        if bits <= 1_000_000 {
            let more: Vec<_> = (0..100).map(|_| send(&shaper, &frame)).collect();
            assert!(more.iter().any(|one| one.verdict == SHOT), "{bits}");
        }
    }
}

#[test]
fn headers_of_what_will_be_cut_are_counted_on_the_way_in_too() {
    let tcp = |frame: &mut Vec<u8>, protocol: usize, transport: usize| {
        frame[protocol] = 6;
        // Eight words.
        frame[transport + 12] = 0x80;
    };
    let (mut four, mut six) = (v4(0, 5, 1_000), v6(0, 1_000));
    let (udp4, udp6) = (four.clone(), six.clone());
    tcp(&mut four, 23, 34);
    tcp(&mut six, 20, 54);
    for (frame, headers) in [(udp4, 42), (udp6, 62), (four, 66), (six, 86)] {
        let shaper = behind(0);
        shaper.test_run(&frame, 1_000, 10).unwrap();
        shaper.test_run(&frame, 1_000, 1).unwrap();
        let sent = shaper.sent(0).unwrap();
        assert_eq!((sent.packets, sent.bytes), (11, 2_000 + 9 * headers));
    }
}
