//! ICMP errors.

use std::net::IpAddr;

use fairway_dataplane::abi::{Class, Reason, Sets, Side};

use crate::bed::{Bed, bed, datagram, far, ip, low, segment, sent, small};
use crate::frame::{ACK, Frame, ICMP, ICMP6, SYN, icmp};

/// An error about a packet.
fn about(from: IpAddr, to: IpAddr, kind: u8, packet: &Frame) -> Frame {
    let number = if from.is_ipv4() { ICMP } else { ICMP6 };
    Frame::new(from, to, number, icmp(kind, 0, 0, &packet.bytes()[14..]))
}

fn kinds(far: IpAddr) -> [u8; 3] {
    if far.is_ipv4() {
        [3, 11, 12]
    } else {
        [1, 2, 3]
    }
}

fn router(far: IpAddr) -> IpAddr {
    if far.is_ipv4() {
        ip("172.30.0.1")
    } else {
        ip("fd77::1")
    }
}

fn isolated(bed: &mut Bed) {
    let sets = bed.guard();
    bed.set(2, Side::DENY, 101);
    bed.says(2, crate::bed::REMOTE, 2, 1 << 16);
    bed.port(2, Class::UDP, 53, 16, low(1, Side::ALLOW, 21));
    bed.open(bed.a, Sets { egress: 2, ..sets });
}

#[test]
fn errors_about_what_a_container_has_sent_reach_it() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            let near = bed.a.like(far);
            let question = datagram(near, far, (6000, 53));
            for kind in kinds(far) {
                let error = about(router(far), near, kind, &question).bytes();
                assert_eq!(bed.why_to(bed.a, &error), Reason::NotAllowed);
            }
            assert_eq!(
                bed.why_from(bed.a, &sent(bed.a, &question)),
                Reason::Forwarded
            );
            for kind in kinds(far) {
                let error = about(router(far), near, kind, &question).bytes();
                assert_eq!(bed.why_to(bed.a, &error), Reason::Forwarded);
                for cut in 1..question.bytes().len() - 14 - 4 {
                    // What is quoted may be short, but not so short; never an error of the program.
                    let mut short = about(router(far), near, kind, &question);
                    let length = short.transport.len() - cut;
                    short.transport.truncate(length);
                    bed.to(bed.a, &short.bytes());
                }
            }
            // About another flow, of another protocol, of somebody else, and no error.
            let unknown = datagram(near, far, (6001, 53));
            let other = segment(near, far, (6000, 53), SYN);
            let turned = datagram(far, near, (53, 6000));
            for packet in [&unknown, &other, &turned] {
                let error = about(router(far), near, kinds(far)[0], packet).bytes();
                assert_eq!(bed.why_to(bed.a, &error), Reason::NotAllowed, "{packet:?}");
            }
            let kind = if far.is_ipv4() { 5 } else { 150 };
            let error = about(router(far), near, kind, &question).bytes();
            assert_eq!(bed.why_to(bed.a, &error), Reason::NotAllowed);
        }
    });
}

#[test]
fn a_container_says_errors_only_to_whom_they_concern() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            let near = bed.a.like(far);
            let question = datagram(far, near, (6000, 53));
            let error = |to| sent(bed.a, &about(near, to, kinds(far)[0], &question));
            assert_eq!(bed.why_from(bed.a, &error(far)), Reason::NotAllowed);
            assert_eq!(bed.why_to(bed.a, &question.bytes()), Reason::Forwarded);
            assert_eq!(bed.why_from(bed.a, &error(far)), Reason::Forwarded);
            assert_eq!(bed.why_from(bed.a, &error(router(far))), Reason::NotAllowed);
        }
    });
}

#[test]
fn of_a_flow_that_is_refused_there_are_no_errors() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            let near = bed.a.like(far);
            let first = segment(far, near, (5000, 80), SYN);
            assert_eq!(bed.why_to(bed.a, &first.bytes()), Reason::Forwarded);
            let error = sent(bed.a, &about(near, far, kinds(far)[0], &first));
            assert_eq!(bed.why_from(bed.a, &error), Reason::Forwarded);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::DENY, 15));
            bed.next_epoch();
            let next = segment(far, near, (5000, 80), ACK);
            assert_eq!(bed.why_to(bed.a, &next.bytes()), Reason::Denied);
            assert_eq!(bed.why_from(bed.a, &error), Reason::NotAllowed);
            bed.guard();
            isolated(bed);
        }
    });
}
