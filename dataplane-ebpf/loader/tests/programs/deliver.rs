//! From container to container, past the node's own forwarding.

use std::net::IpAddr;

use fairway_dataplane::Hook;
use fairway_dataplane::abi::{Class, Config, Direction, Endpoint, Reason, Sets, Side, State};

use crate::bed::{
    Bed, HOST_MAC, NEXT, REDIRECT, SHOT, bed, datagram, far, low, segment, sent, small,
};
use crate::frame::{ACK, Frame, ICMP, ICMP6, SYN, checksum, icmp};

/// Both containers, of both families.
fn pairs(bed: &Bed) -> [(IpAddr, IpAddr); 2] {
    far().map(|far| (bed.a.like(far), bed.b.like(far)))
}

fn delivers(bed: &mut Bed) {
    bed.reconfigure(|config| config.flags |= Config::DELIVER);
    for end in [bed.a, bed.b] {
        bed.change(end, |endpoint| endpoint.flags |= Endpoint::DELIVER);
    }
}

fn go(bed: &Bed, frame: &Frame) -> u32 {
    bed.from(bed.a, frame)
}

fn back(bed: &Bed, frame: &Frame) -> u32 {
    bed.from(bed.b, frame)
}

#[test]
fn a_connection_goes_directly_from_its_first_packet_on() {
    bed(small(), |bed| {
        delivers(bed);
        for (a, b) in pairs(bed) {
            assert_eq!(go(bed, &segment(a, b, (5000, 80), SYN)), REDIRECT);
            assert_eq!(back(bed, &segment(b, a, (80, 5000), SYN | ACK)), REDIRECT);
            assert_eq!(go(bed, &segment(a, b, (5000, 80), ACK)), REDIRECT);
            assert_eq!(go(bed, &datagram(a, b, (5000, 53))), REDIRECT);
            assert_eq!(back(bed, &datagram(b, a, (53, 5000))), REDIRECT);
            let (number, kind) = if a.is_ipv4() { (ICMP, 8) } else { (ICMP6, 128) };
            let ping = Frame::new(a, b, number, icmp(kind, 0, 9, b"ping"));
            assert_eq!(go(bed, &ping), REDIRECT);
            // It began elsewhere: its packets may bear addresses that the node has changed.
            assert_eq!(go(bed, &segment(a, b, (5001, 80), ACK)), NEXT);
            assert_eq!(back(bed, &segment(b, a, (80, 5001), ACK)), NEXT);
        }
        let [open, new] = bed.dataplane.tracks().unwrap();
        for (key, track) in open.iter().chain(&new) {
            let direct = ![key.local_port, key.remote_port].contains(&5001);
            assert_eq!(track.state & State::DIRECT != 0, direct, "{key:?}");
        }
    });
}

#[test]
fn a_flow_that_the_node_has_passed_on_stays_its() {
    bed(small(), |bed| {
        delivers(bed);
        for (a, b) in pairs(bed) {
            // A service's address was changed to B's on the way, so only B has this flow.
            assert_eq!(bed.to(bed.b, &segment(a, b, (5000, 80), SYN).bytes()), NEXT);
            assert_eq!(back(bed, &segment(b, a, (80, 5000), SYN | ACK)), NEXT);
            assert_eq!(bed.to(bed.b, &datagram(a, b, (5000, 53)).bytes()), NEXT);
            assert_eq!(back(bed, &datagram(b, a, (53, 5000))), NEXT);
        }
    });
}

#[test]
fn the_packet_is_as_a_router_would_have_sent_it() {
    bed(small(), |bed| {
        delivers(bed);
        for (a, b) in pairs(bed) {
            for hops in [2, 64, 255] {
                let mut frame = segment(a, b, (5000, 80), SYN);
                frame.hops = hops;
                let ran = bed.run(Hook::FromContainer, &sent(bed.a, &frame), bed.a.link);
                assert_eq!(ran.verdict, REDIRECT);
                frame.hops -= 1;
                frame.macs = [bed.b.mac, HOST_MAC];
                assert_eq!(ran.packet, frame.bytes(), "{hops}");
                if a.is_ipv4() {
                    assert_eq!(checksum(&ran.packet[14..34]), 0);
                }
            }
        }
    });
}

#[test]
fn both_ends_policies_hold() {
    bed(small(), |bed| {
        delivers(bed);
        let mut sets = Sets {
            ingress: 5,
            ..Sets::default()
        };
        bed.set(5, Side::DENY, 105);
        bed.says(5, bed.a.link, 5, 1 << 16);
        bed.port(5, Class::TCP, 80, 16, low(1, Side::ALLOW, 51));
        bed.change(bed.b, |endpoint| endpoint.sets = sets);
        for (a, b) in pairs(bed) {
            let open = segment(a, b, (5000, 80), SYN);
            assert_eq!(go(bed, &open), REDIRECT);
            let other = segment(a, b, (5000, 81), SYN);
            let why = |bed: &Bed, direction, frame: &Frame| bed.why(direction, || go(bed, frame));
            assert_eq!(why(bed, Direction::Ingress, &other), Reason::NotAllowed);
            // An open one is cut.
            bed.port(5, Class::TCP, 80, 16, low(1, Side::DENY, 52));
            bed.next_epoch();
            let next = segment(a, b, (5000, 80), ACK);
            assert_eq!(why(bed, Direction::Ingress, &next), Reason::Denied);
            let answer = segment(b, a, (80, 5000), ACK);
            let refused = bed.why(Direction::Egress, || back(bed, &answer));
            assert_eq!(refused, Reason::Denied);
            bed.port(5, Class::TCP, 80, 16, low(1, Side::ALLOW, 51));
        }
        // The sender's.
        sets = Sets {
            egress: 6,
            ..Sets::default()
        };
        bed.set(6, Side::DENY, 106);
        bed.change(bed.a, |endpoint| endpoint.sets = sets);
        for (a, b) in pairs(bed) {
            let open = segment(a, b, (6000, 80), SYN);
            let refused = bed.why(Direction::Egress, || go(bed, &open));
            assert_eq!(refused, Reason::NotAllowed);
        }
    });
}

#[test]
fn what_needs_a_router_gets_one() {
    bed(small(), |bed| {
        delivers(bed);
        let check = |bed: &mut Bed, what: &str, verdict: u32| {
            for (a, b) in pairs(bed) {
                bed.dataplane
                    .remove_tracks_of(&[bed.a.link, bed.b.link].into())
                    .unwrap();
                assert_eq!(go(bed, &segment(a, b, (5000, 80), SYN)), verdict, "{what}");
            }
        };
        check(bed, "as it is", REDIRECT);
        type Change = fn(&mut Endpoint);
        let near: [(&str, Change); 4] = [
            ("the sender is not one", |end| {
                end.flags &= !Endpoint::DELIVER
            }),
            ("a bridge", |end| end.flags |= Endpoint::BRIDGED),
            ("another network", |end| end.vni = 6),
            ("none", |end| end.vni = 0),
        ];
        for (what, change) in near {
            for end in [bed.a, bed.b] {
                let before = bed.dataplane.endpoints().unwrap()[&end.link];
                bed.change(end, change);
                check(bed, what, NEXT);
                bed.change(end, |endpoint| *endpoint = before);
            }
        }
        bed.change(bed.b, |end| end.mtu = 1400);
        check(bed, "larger than the receiver takes", NEXT);
        bed.change(bed.b, |end| end.mtu = 1500);
        bed.change(bed.b, |end| end.flags &= !Endpoint::OPEN);
        check(bed, "closed", NEXT);
        bed.change(bed.b, |end| end.flags |= Endpoint::OPEN);
        bed.reconfigure(|config| config.flags = 0);
        check(bed, "switched off", NEXT);
        bed.reconfigure(|config| config.flags = Config::DELIVER);
        for (a, b) in pairs(bed) {
            let mut frame = segment(a, b, (7000, 80), SYN);
            frame.hops = 1;
            assert_eq!(go(bed, &frame), NEXT, "time exceeded");
            let mut frame = datagram(a, b, (7000, 53));
            frame.part = Some((0, true, 1));
            assert_eq!(go(bed, &frame), NEXT, "a fragment");
            let mut bytes = sent(bed.a, &segment(a, b, (7001, 80), SYN));
            bytes[5] = 9;
            let ran = bed.run(Hook::FromContainer, &bytes, bed.a.link);
            assert_eq!(ran.verdict, NEXT, "to somebody else");
        }
        bed.dataplane.remove_endpoint(bed.a.link).unwrap();
        for (a, b) in pairs(bed) {
            assert_eq!(go(bed, &segment(a, b, (7002, 80), SYN)), SHOT);
        }
    });
}
