//! Which packets go first: the filters, read as the kernel reads them.

use proptest::prelude::*;

use crate::SPARSE;
use crate::sparse::class_of;

const V4: u16 = 0x0800;
const V6: u16 = 0x86dd;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;
const URG: u8 = 32;
const ECE: u8 = 64;

fn v4(protocol: u8, body: &[u8], fragment: u16) -> Vec<u8> {
    let length = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let fragment = fragment.to_be_bytes();
    let mut packet = vec![
        0x45,
        0,
        length[0],
        length[1],
        7,
        7,
        fragment[0],
        fragment[1],
    ];
    packet.extend_from_slice(&[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend_from_slice(body);
    packet
}

fn v6(next: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    packet.extend_from_slice(&[0xfd; 32]);
    packet.extend_from_slice(body);
    packet
}

/// A segment with so many words of options and bytes of data.
fn tcp(flags: u8, options: u8, data: usize) -> Vec<u8> {
    let mut segment = vec![0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1];
    segment.extend_from_slice(&[(5 + options) << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.resize(20 + usize::from(options) * 4 + data, 1);
    segment
}

fn first(protocol: u16, packet: &[u8]) -> bool {
    class_of(protocol, packet) == Some(SPARSE)
}

fn both(number: (u8, u8), body: &[u8]) -> bool {
    let (four, six) = (
        first(V4, &v4(number.0, body, 0)),
        first(V6, &v6(number.1, body)),
    );
    assert_eq!(four, six, "both families alike");
    four
}

#[test]
fn what_somebody_waits_for_goes_first() {
    assert!(both((1, 58), &[8; 64]), "a ping");
    for options in 0..=10 {
        for flags in [ACK, ACK | ECE, ACK | PSH] {
            assert!(both((6, 6), &tcp(flags, options, 0)), "an acknowledgement");
        }
        for flags in [SYN, SYN | ACK, SYN | ECE] {
            assert!(both((6, 6), &tcp(flags, options, 0)), "a beginning");
        }
        for flags in [FIN | ACK, RST, RST | ACK, URG | ACK] {
            assert!(
                !both((6, 6), &tcp(flags, options, 0)),
                "an end waits for the rest"
            );
        }
    }
    assert!(both((17, 17), &[0; 60]), "a name lookup");
    assert!(!both((17, 17), &[0; 1200]), "a film");
    assert!(!both((132, 132), &[0; 60]), "unknown");
    assert!(first(0x0806, &[0; 28]), "who has");
    assert!(!first(0x88cc, &[0; 60]), "no IP");
}

#[test]
fn neither_do_fragments() {
    for fragment in [0x2000, 0x0001, 0x2001] {
        assert!(!first(V4, &v4(17, &[0; 60], fragment)));
        assert!(!first(V4, &v4(6, &tcp(ACK, 0, 0), fragment)));
    }
    // "Do not fragment" is none.
    assert!(first(V4, &v4(17, &[0; 60], 0x4000)));
    assert!(first(V4, &v4(6, &tcp(ACK, 3, 0), 0x4000)));
}

proptest! {
    /// Or it would come before what it follows, and look like a loss.
    #[test]
    fn no_data_overtakes_its_own_flow(
        flags in any::<u8>().prop_map(|flags| flags & !SYN),
        options in 0_u8..=10,
        data in 1_usize..1500,
    ) {
        prop_assert!(!both((6, 6), &tcp(flags, options, data)));
    }

    #[test]
    fn no_packet_is_too_odd(protocol in any::<bool>(), packet in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = class_of(if protocol { V4 } else { V6 }, &packet);
    }
}
