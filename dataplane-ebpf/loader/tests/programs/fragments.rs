//! Fragments: judged by what the first has said.

use std::net::IpAddr;

use fairway_dataplane::abi::{Reason, Sets};

use crate::bed::{Bed, bed, far, low, sent, small};
use crate::frame::{Frame, SYN, TCP, UDP, tcp, udp};
use fairway_dataplane::abi::{Class, Side};

fn part(from: IpAddr, to: IpAddr, offset: u16, more: bool, id: u32, transport: Vec<u8>) -> Frame {
    let mut frame = Frame::new(from, to, UDP, transport);
    frame.part = Some((offset, more, id));
    frame
}

fn long(port: u16) -> Vec<u8> {
    let mut bytes = udp(5000, port);
    bytes.resize(64, 7);
    bytes
}

fn get(bed: &Bed, frame: &Frame) -> Reason {
    bed.why_to(bed.a, &frame.bytes())
}

#[test]
fn later_ones_go_the_way_of_the_first() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            let later = |id| part(far, near, 64, false, id, vec![7; 32]);
            assert_eq!(get(bed, &later(1)), Reason::Fragment);
            assert_eq!(
                get(bed, &part(far, near, 0, true, 1, long(53))),
                Reason::Forwarded
            );
            assert_eq!(get(bed, &later(1)), Reason::Forwarded);
            assert_eq!(get(bed, &later(2)), Reason::Fragment);
            assert_eq!(
                get(bed, &part(far, near, 0, true, 3, long(54))),
                Reason::NotAllowed
            );
            // What was refused has left nothing.
            assert_eq!(get(bed, &later(3)), Reason::Fragment);
            // A container's own, with the same identification, are others.
            let out = part(near, far, 64, false, 1, vec![7; 32]);
            assert_eq!(bed.why_from(bed.a, &sent(bed.a, &out)), Reason::Fragment);
        }
    });
}

#[test]
fn those_that_are_refused_push_out_no_others() {
    let sizes = fairway_dataplane::Sizes {
        fragments: 64,
        ..small()
    };
    bed(sizes, |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            let first = |id, port| part(far, near, 0, true, id, long(port));
            assert_eq!(get(bed, &first(1, 53)), Reason::Forwarded);
            for id in 1000..2000 {
                assert_eq!(get(bed, &first(id, 54)), Reason::NotAllowed);
            }
            let later = part(far, near, 64, false, 1, vec![7; 32]);
            assert_eq!(get(bed, &later), Reason::Forwarded);
        }
    });
}

#[test]
fn the_first_has_the_whole_transport_header() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            let first = |transport: Vec<u8>| {
                let mut frame = part(far, near, 0, true, 9, transport);
                frame.protocol = TCP;
                frame
            };
            let whole = tcp(5000, 80, SYN);
            assert_eq!(get(bed, &first(whole.clone())), Reason::Forwarded);
            for length in [0, 8, 16] {
                let reason = get(bed, &first(whole[..length].to_vec()));
                assert_eq!(reason, Reason::Truncated, "{length}");
            }
        }
    });
}

#[test]
fn none_writes_over_the_first() {
    bed(small(), |bed| {
        let (far, near) = (far()[0], bed.a.v4);
        let mut over = part(far, near, 8, true, 9, vec![7; 32]);
        over.protocol = TCP;
        assert_eq!(get(bed, &over), Reason::Malformed);
        // More than 64 KiB when put together.
        let beyond = part(far, near, 65_528, false, 9, vec![7; 32]);
        assert_eq!(get(bed, &beyond), Reason::Malformed);
    });
}

#[test]
fn a_packet_that_is_its_own_fragment_is_a_packet() {
    bed(small(), |bed| {
        bed.guard();
        let (far, near) = (far()[1], bed.a.v6);
        assert_eq!(
            get(bed, &part(far, near, 0, false, 9, long(53))),
            Reason::Forwarded
        );
        assert_eq!(
            get(bed, &part(far, near, 0, false, 9, long(54))),
            Reason::NotAllowed
        );
    });
}

#[test]
fn what_a_container_sends_in_parts_is_judged_too() {
    bed(small(), |bed| {
        bed.set(2, Side::DENY, 101);
        bed.says(2, crate::bed::REMOTE, 2, 1 << 16);
        bed.port(2, Class::UDP, 53, 16, low(1, Side::ALLOW, 12));
        let sets = Sets {
            egress: 2,
            ..Sets::default()
        };
        bed.open(bed.a, sets);
        for far in far() {
            let near = bed.a.like(far);
            let say = |bed: &Bed, frame: &Frame| bed.why_from(bed.a, &sent(bed.a, frame));
            let first = part(near, far, 0, true, 4, long(53));
            assert_eq!(say(bed, &first), Reason::Forwarded);
            let later = part(near, far, 64, false, 4, vec![7; 32]);
            assert_eq!(say(bed, &later), Reason::Forwarded);
            let forged = part(bed.b.like(far), far, 0, true, 5, long(53));
            assert_eq!(say(bed, &forged), Reason::ForgedAddress);
        }
    });
}
