//! A container speaks for itself only.

use std::net::{IpAddr, Ipv4Addr};

use fairway_dataplane::Hook;
use fairway_dataplane::abi::{Endpoint, Reason};

use crate::bed::{Bed, NEXT, bed, far, ip, segment, sent, small};
use crate::frame::{Frame, ICMP6, SYN, arp, icmp};

fn says(bed: &Bed, bytes: &[u8]) -> Reason {
    bed.why_from(bed.a, bytes)
}

fn v4(ip: IpAddr) -> Ipv4Addr {
    let IpAddr::V4(v4) = ip else { panic!() };
    v4
}

/// A neighbour discovery packet: the type, and what it is about.
fn neighbour(source: IpAddr, destination: IpAddr, kind: u8, target: IpAddr) -> Frame {
    let IpAddr::V6(target) = target else { panic!() };
    let body = icmp(kind, 0, 0, &target.octets());
    let mut frame = Frame::new(source, destination, ICMP6, body);
    frame.hops = 255;
    frame
}

#[test]
fn by_its_own_addresses() {
    bed(small(), |bed| {
        for far in far() {
            let (own, other) = (bed.a.like(far), bed.b.like(far));
            let plain = segment(own, far, (1, 2), SYN);
            assert_eq!(says(bed, &sent(bed.a, &plain)), Reason::Forwarded);
            assert_eq!(says(bed, &sent(bed.b, &plain)), Reason::ForgedMac);
            let forged = segment(other, far, (1, 2), SYN);
            assert_eq!(says(bed, &sent(bed.a, &forged)), Reason::ForgedAddress);
            let further = if far.is_ipv4() {
                ip("10.0.0.77")
            } else {
                ip("fd00::77")
            };
            let more = sent(bed.a, &segment(further, far, (1, 2), SYN));
            bed.peer(further, 1, bed.a.link, 0);
            assert_eq!(says(bed, &more), Reason::ForgedAddress);
            bed.change(bed.a, |endpoint| endpoint.flags |= Endpoint::MORE);
            assert_eq!(says(bed, &more), Reason::Forwarded);
            bed.peer(further, 1, bed.b.link, 0);
            assert_eq!(says(bed, &more), Reason::ForgedAddress);
            bed.change(bed.a, |endpoint| endpoint.flags &= !Endpoint::MORE);
        }
        // It has none of that family: zeros are nobody's.
        bed.change(bed.a, |endpoint| {
            endpoint.v4 = 0;
            endpoint.v6 = [0; 4];
        });
        for (zeros, far) in [("0.0.0.0", far()[0]), ("::", far()[1])] {
            let frame = segment(ip(zeros), far, (1, 2), SYN);
            assert_eq!(says(bed, &sent(bed.a, &frame)), Reason::ForgedAddress);
        }
    });
}

#[test]
fn in_arp() {
    bed(small(), |bed| {
        let (a, b) = (bed.a, bed.b);
        let asks = |sender| arp(a.mac, a.mac, sender, v4(b.v4));
        assert_eq!(says(bed, &asks(v4(a.v4))), Reason::Forwarded);
        assert_eq!(says(bed, &asks(Ipv4Addr::UNSPECIFIED)), Reason::Forwarded);
        assert_eq!(says(bed, &asks(v4(b.v4))), Reason::ForgedAddress);
        let forged = arp(a.mac, b.mac, v4(a.v4), v4(b.v4));
        assert_eq!(says(bed, &forged), Reason::ForgedMac);
        assert_eq!(
            says(bed, &arp(b.mac, a.mac, v4(a.v4), v4(b.v4))),
            Reason::ForgedMac
        );
        let mut strange = asks(v4(a.v4));
        strange[15] = 6;
        assert_eq!(says(bed, &strange), Reason::Malformed);
        let whole = asks(v4(a.v4));
        for length in 14..whole.len() {
            assert_eq!(says(bed, &whole[..length]), Reason::Truncated, "{length}");
        }
        assert_eq!(bed.to(a, &arp(b.mac, b.mac, v4(b.v4), v4(a.v4))), NEXT);
    });
}

#[test]
fn in_neighbour_discovery() {
    bed(small(), |bed| {
        // Nothing may pass but what this is about.
        let mut sets = bed.guard();
        sets.egress = 1;
        bed.open(bed.a, sets);
        let (own, other, far) = (bed.a.v6, bed.b.v6, far()[1]);
        let (all, near, none) = (ip("ff02::1"), ip("fe80::2"), ip("::"));
        let cases = [
            (neighbour(own, all, 135, other), Reason::Forwarded),
            (neighbour(near, all, 135, other), Reason::Forwarded),
            (
                neighbour(none, ip("ff02::1:ff00:2"), 135, own),
                Reason::Forwarded,
            ),
            (neighbour(near, ip("ff02::2"), 133, none), Reason::Forwarded),
            (neighbour(other, all, 135, own), Reason::ForgedAddress),
            // By its router to anybody: a way out.
            (neighbour(own, far, 135, other), Reason::NotAllowed),
            (neighbour(near, far, 135, other), Reason::ForgedAddress),
            (neighbour(own, all, 136, own), Reason::Forwarded),
            (neighbour(own, all, 136, near), Reason::Forwarded),
            (neighbour(own, all, 136, other), Reason::ForgedAddress),
            (neighbour(near, all, 134, none), Reason::RouterAdvertisement),
            (
                neighbour(near, all, 137, other),
                Reason::RouterAdvertisement,
            ),
            (neighbour(own, far, 134, none), Reason::RouterAdvertisement),
            (
                neighbour(near, ip("ff02::16"), 143, none),
                Reason::Forwarded,
            ),
        ];
        for (frame, reason) in &cases {
            assert_eq!(says(bed, &sent(bed.a, frame)), *reason, "{frame:?}");
        }
        let mut routed = neighbour(own, all, 135, other);
        routed.hops = 254;
        assert_eq!(says(bed, &sent(bed.a, &routed)), Reason::NotAllowed);
        // From a port of a bridge, too, only who is here is a neighbour: all else would be routed.
        bed.change(bed.a, |end| end.flags |= Endpoint::BRIDGED);
        let (away, here) = (crate::bed::far()[1], bed.b.like(own));
        for (to, reason) in [(away, Reason::NotAllowed), (here, Reason::Forwarded)] {
            let frame = neighbour(own, to, 135, to);
            assert_eq!(says(bed, &sent(bed.a, &frame)), reason, "{to}");
        }
        bed.change(bed.a, |end| end.flags &= !Endpoint::BRIDGED);
        // Link-local sources are for this alone.
        for frame in [
            segment(near, all, (1, 2), SYN),
            segment(near, near, (1, 2), SYN),
        ] {
            assert_eq!(says(bed, &sent(bed.a, &frame)), Reason::ForgedAddress);
        }
        // To the container.
        for (kind, reason) in [
            (133, Reason::Forwarded),
            (134, Reason::Forwarded),
            (135, Reason::Forwarded),
            (136, Reason::Forwarded),
            (137, Reason::NotAllowed),
        ] {
            let frame = neighbour(ip("fe80::9"), own, kind, own);
            assert_eq!(bed.why_to(bed.a, &frame.bytes()), reason, "{kind}");
            let mut routed = frame.clone();
            routed.hops = 254;
            assert_eq!(
                bed.why_to(bed.a, &routed.bytes()),
                Reason::NotAllowed,
                "{kind}"
            );
        }
    });
}

#[test]
fn in_frames_that_are_looked_into() {
    bed(small(), |bed| {
        let vlan = |ethertype: u16, end: crate::bed::End| {
            let mut bytes = sent(end, &segment(end.v4, far()[0], (1, 2), SYN));
            bytes.splice(12..12, ethertype.to_be_bytes().into_iter().chain([0, 7]));
            bytes
        };
        let mut other = sent(bed.a, &segment(bed.a.v4, far()[0], (1, 2), SYN));
        for ethertype in [0x88cc_u16, 0x8847, 0x0100, 0x0000] {
            other[12..14].copy_from_slice(&ethertype.to_be_bytes());
            assert_eq!(says(bed, &other), Reason::Ethertype);
            assert_eq!(bed.why_to(bed.a, &other), Reason::Ethertype);
        }
        for ethertype in [0x8100, 0x88a8] {
            assert_eq!(says(bed, &vlan(ethertype, bed.a)), Reason::Ethertype);
            assert_eq!(
                bed.why_to(bed.a, &vlan(ethertype, bed.a)),
                Reason::Ethertype
            );
        }
        assert_eq!(bed.run(Hook::FromOverlay, &other, bed.a.link).verdict, NEXT);
    });
}
