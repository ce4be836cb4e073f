//! Headers that lie, that end too early, or that are too many.

use fairway_dataplane::Hook;
use fairway_dataplane::abi::{Class, Reason, Sets, Side};

use crate::bed::{NEXT, REMOTE, SHOT, bed, datagram, far, ip, low, segment, sent, small};
use crate::frame::{ACK, Frame, ICMP, ICMP6, SCTP, SYN, TCP, checksum, icmp, sctp, tcp, udp};

/// All that a rule lets through, of both families.
fn allowed(bed: &mut crate::bed::Bed) -> Vec<Frame> {
    bed.guard();
    bed.says(1, REMOTE, 1, 1 << 16 | 1);
    bed.port(1, Class::SCTP, 9, 16, low(1, Side::ALLOW, 13));
    bed.port(1, Class::OTHER, 0, 0, low(1, Side::ALLOW, 14));
    let mut frames = Vec::new();
    for far in far() {
        let near = bed.a.like(far);
        let (number, kind) = if far.is_ipv4() {
            (ICMP, 8)
        } else {
            (ICMP6, 128)
        };
        frames.extend([
            segment(far, near, (5000, 80), SYN),
            datagram(far, near, (5000, 53)),
            Frame::new(far, near, SCTP, sctp(5000, 9)),
            Frame::new(far, near, number, icmp(kind, 0, 9, b"")),
        ]);
        let mut options = segment(far, near, (5001, 80), SYN);
        if far.is_ipv4() {
            // Router alert, and padding.
            options.options = vec![148, 4, 0, 0, 1, 1, 1, 0];
        } else {
            // Hop-by-hop and destination options, with padding in them.
            options.next = Some(0);
            options.options = vec![60, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 1, 4, 0, 0, 0, 0];
        }
        frames.push(options);
    }
    frames
}

/// With less than the IP header the kernel makes no packet of it here, and programs are not asked.
fn shortest(frame: &Frame) -> usize {
    if frame.source.is_ipv4() { 34 } else { 54 }
}

#[test]
fn a_packet_that_ends_too_early_never_passes() {
    bed(small(), |bed| {
        for frame in allowed(bed) {
            let mut whole = frame.bytes();
            assert_eq!(bed.why_to(bed.a, &whole), Reason::Forwarded, "{frame:?}");
            for length in shortest(&frame)..whole.len() {
                let reason = bed.why_to(bed.a, &whole[..length]);
                assert_eq!(reason, Reason::Truncated, "{length} bytes of {frame:?}");
                bed.run(Hook::FromOverlay, &whole[..length], bed.a.link);
            }
            // As it is with padding after it.
            whole.extend([0; 20]);
            assert_eq!(bed.why_to(bed.a, &whole), Reason::Forwarded, "{frame:?}");
            // And with a length that says that it ends early.
            let header = if frame.source.is_ipv4() { 20 } else { 0 } + frame.options.len();
            for kept in 0..header + frame.transport.len().min(8) {
                let mut short = frame.bytes();
                let field = if frame.source.is_ipv4() { 16 } else { 18 };
                short[field..field + 2]
                    .copy_from_slice(&u16::try_from(kept).unwrap().to_be_bytes());
                let reason = bed.why_to(bed.a, &short);
                let why = [Reason::Truncated, Reason::Malformed];
                assert!(
                    why.contains(&reason),
                    "{reason:?}: {kept} bytes of {frame:?}"
                );
            }
        }
    });
}

#[test]
fn what_a_container_sends_is_read_as_carefully() {
    bed(small(), |bed| {
        for far in far() {
            let frame = segment(bed.a.like(far), far, (1, 2), SYN);
            let whole = sent(bed.a, &frame);
            for length in shortest(&frame)..whole.len() {
                assert_eq!(
                    bed.why_from(bed.a, &whole[..length]),
                    Reason::Truncated,
                    "{length}"
                );
            }
        }
    });
}

#[test]
fn ipv4_headers_that_contradict_themselves() {
    bed(small(), |bed| {
        let (far, near) = (far()[0], bed.a.v4);
        let whole = segment(far, near, (5000, 80), SYN).bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            bytes
        };
        for first in [0x40, 0x41, 0x42, 0x43, 0x44, 0x05, 0x55, 0x65, 0xf5] {
            assert_eq!(
                bed.why_to(bed.a, &with(14, first)),
                Reason::Malformed,
                "{first:x}"
            );
        }
        // A header longer than the packet.
        for first in [0x4b, 0x4f] {
            assert_eq!(bed.why_to(bed.a, &with(14, first)), Reason::Malformed);
        }
        assert_eq!(bed.why_to(bed.a, &with(16, 0xff)), Reason::Truncated);
        assert_eq!(bed.why_to(bed.a, &with(17, 0)), Reason::Malformed);
        assert_eq!(bed.why_to(bed.a, &with(17, 39)), Reason::Truncated);
        // TCP's own length.
        assert_eq!(bed.why_to(bed.a, &with(46, 0x40)), Reason::Malformed);
        assert_eq!(bed.why_to(bed.a, &with(46, 0x60)), Reason::Truncated);
    });
}

#[test]
fn ipv4_options_that_choose_a_route() {
    bed(small(), |bed| {
        let (far, near) = (far()[0], bed.a.v4);
        let with = |options: &[u8]| {
            let mut frame = segment(far, near, (5000, 80), SYN);
            frame.options = options.to_vec();
            frame.bytes()
        };
        let route = [1, 131, 7, 4, 10, 0, 0, 1];
        for (options, reason) in [
            (&[1; 40][..], Reason::Forwarded),
            (&[0, 131, 0, 0], Reason::Forwarded),
            (&route, Reason::Malformed),
            (&[137, 7, 4, 10, 0, 0, 1, 0], Reason::Malformed),
            (&[68, 4, 5, 0, 131, 3, 4, 0], Reason::Malformed),
            // Lengths of nothing, and beyond the end.
            (&[68, 0, 0, 0], Reason::Malformed),
            (&[68, 1, 0, 0], Reason::Malformed),
            (&[68, 41, 0, 0], Reason::Malformed),
        ] {
            assert_eq!(bed.why_to(bed.a, &with(options)), reason, "{options:?}");
        }
    });
}

#[test]
fn ipv6_headers() {
    bed(small(), |bed| {
        let (far, near) = (far()[1], bed.a.v6);
        let whole = segment(far, near, (5000, 80), SYN).bytes();
        for first in [0x00, 0x40, 0x50, 0x70] {
            let mut bytes = whole.clone();
            bytes[14] = first;
            assert_eq!(bed.why_to(bed.a, &bytes), Reason::Malformed);
        }
        // Options of a number and the next one's.
        let chain = |numbers: &[u8]| {
            let mut frame = segment(far, near, (5000, 80), ACK);
            frame.next = numbers.first().copied();
            for (n, _) in numbers.iter().enumerate() {
                let next = numbers.get(n + 1).copied().unwrap_or(TCP);
                // As a routing header: of type 4, with no segments left.
                frame.options.extend([next, 0, 4, 0, 0, 0, 0, 0]);
            }
            frame
        };
        for (numbers, reason) in [
            (&[60; 6][..], Reason::Forwarded),
            (&[60; 7], Reason::Extensions),
            (&[0, 60, 43, 60], Reason::Forwarded),
            (&[60, 0], Reason::Malformed),
            (&[0, 0], Reason::Malformed),
            (&[43], Reason::Forwarded),
        ] {
            assert_eq!(
                bed.why_to(bed.a, &chain(numbers).bytes()),
                reason,
                "{numbers:?}"
            );
        }
        let mut routed = chain(&[43]);
        routed.options[2] = 0;
        assert_eq!(bed.why_to(bed.a, &routed.bytes()), Reason::Malformed);
        // One that says it is longer than the packet.
        let mut long = chain(&[60, 60]);
        long.options[1] = 200;
        assert_eq!(bed.why_to(bed.a, &long.bytes()), Reason::Truncated);
        // An authentication header counts in words of four bytes.
        let mut signed = segment(far, near, (5000, 80), ACK);
        signed.next = Some(51);
        signed.options = vec![TCP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(bed.why_to(bed.a, &signed.bytes()), Reason::Forwarded);
        // What is hidden behind headers is judged like what is not.
        bed.guard();
        let mut hidden = chain(&[60, 60]);
        assert_eq!(bed.why_to(bed.a, &hidden.bytes()), Reason::Forwarded);
        hidden.transport = tcp(5000, 81, SYN);
        assert_eq!(bed.why_to(bed.a, &hidden.bytes()), Reason::NotAllowed);
    });
}

#[test]
fn changed_bytes_are_no_errors_and_open_nothing() {
    bed(small(), |bed| {
        let frames = allowed(bed);
        // Nothing is allowed now, so nothing may pass, whatever its bytes are.
        bed.set(1, Side::DENY, 100);
        bed.set(2, Side::DENY, 101);
        let sets = Sets {
            ingress: 1,
            egress: 2,
            ..Sets::default()
        };
        bed.open(bed.a, sets);
        bed.says(1, REMOTE, 0, 0);
        for frame in frames {
            let whole = frame.bytes();
            for at in 0..whole.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= flip;
                    let verdict = bed.to(bed.a, &bytes);
                    // A frame of ARP is no IP packet, and its own address is the container's.
                    let arp = bytes[12..14] == [8, 6];
                    assert!(
                        verdict == SHOT || arp && verdict == NEXT,
                        "{at} of {frame:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn the_sums_of_these_tests_are_right() {
    let bytes = segment(ip("10.0.0.1"), ip("10.0.0.2"), (1, 2), SYN).bytes();
    assert_eq!(checksum(&bytes[14..34]), 0);
    assert_eq!(udp(1, 2).len(), 12);
}
