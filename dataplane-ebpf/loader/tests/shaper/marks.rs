//! What is written into packets, and their checksums after it.

use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;

use crate::bed::{checksum, fill, send, shaper, v4, v6};

#[test]
fn who_knows_marks_is_marked_before_anything_is_dropped() {
    let shaper = shaper(&[1_000_000], Slot::DEPART);
    let (ect, not) = (v4(2, 5, 1_250), v4(0, 6, 1_250));
    let first = send(&shaper, &ect);
    assert_eq!(first.packet, ect, "nothing waits yet");
    // 12,000 bytes wait before marks begin.
    fill(&shaper, 12);
    let marked = send(&shaper, &ect).packet;
    assert_eq!(marked[15] & 3, 3);
    assert_eq!(checksum(&marked[14..34]), 0);
    assert_eq!(send(&shaper, &not).packet, not);
    assert_eq!(send(&shaper, &v6(1, 1_250)).packet[15], 3 << 4);
    assert_eq!(shaper.sent(0).unwrap().marked, 2);
}

#[test]
fn packets_bear_the_dscp() {
    let shaper = Shaper::load().unwrap();
    // Expedited forwarding.
    let slot = Slot {
        flags: Slot::DSCP,
        dscp: 46,
        ..Slot::default()
    };
    shaper.set_slot(0, &slot).unwrap();
    for ecn in 0..4 {
        let sent = send(&shaper, &v4(ecn, 5, 100)).packet;
        assert_eq!(sent[15], 0xb8 | ecn);
        assert_eq!(checksum(&sent[14..34]), 0);
        let mut same = v4(0xb8 | ecn, 5, 100);
        assert_eq!(sent, same);
        assert_eq!(send(&shaper, &same).packet, same, "has it already");
        same = send(&shaper, &v6(ecn, 100)).packet;
        assert_eq!(same[14..16], [0x6b, 0x80 | ecn << 4]);
    }
    // What is no IP packet is left alone, and what is too short for it.
    let mut arp = v4(0, 5, 60);
    arp[12..14].copy_from_slice(&[8, 6]);
    assert_eq!(send(&shaper, &arp).packet, arp);
    for length in 14..20 {
        let cut = &v4(0, 5, 60)[..length];
        let _ = shaper.test_run(cut, 60, 0);
    }
}
