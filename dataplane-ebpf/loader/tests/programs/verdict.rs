//! Who may talk: tiers, ports and their ranges, identities and prefixes, audit.

use std::net::IpAddr;

use fairway_dataplane::Hook;
use fairway_dataplane::abi::{
    Class, Config, Decision, Direction, Endpoint, FlowKind, Peer, Reason, RuleKey, Set, Sets, Side,
};

use crate::bed::{Bed, NEXT, REMOTE, SHOT, bed, datagram, far, high, ip, low, segment, small};
use crate::frame::{Frame, ICMP, ICMP6, SCTP, SYN, icmp, sctp};

/// Why the first packet of a TCP connection to A's port goes no further, or that it does.
fn opens(bed: &mut Bed, from: IpAddr, port: u16) -> Reason {
    // A flow of its own.
    bed.next_epoch();
    let frame = segment(from, bed.a.like(from), (port ^ 0x5555, port), SYN);
    bed.why_to(bed.a, &frame.bytes())
}

#[test]
fn a_port_is_open_to_whom_a_rule_names() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            assert_eq!(opens(bed, far, 80), Reason::Forwarded);
            assert_eq!(opens(bed, far, 81), Reason::NotAllowed);
            let asks = |port| datagram(far, near, (5000, port)).bytes();
            assert_eq!(bed.why_to(bed.a, &asks(53)), Reason::Forwarded);
            assert_eq!(bed.why_to(bed.a, &asks(80)), Reason::NotAllowed);
            let associates = Frame::new(far, near, SCTP, sctp(5000, 80)).bytes();
            assert_eq!(bed.why_to(bed.a, &associates), Reason::NotAllowed);
            bed.port(1, Class::SCTP, 80, 16, low(1, Side::ALLOW, 13));
            bed.next_epoch();
            assert_eq!(bed.why_to(bed.a, &associates), Reason::Forwarded);
            bed.dataplane
                .remove_ports(fairway_dataplane::abi::PortKey {
                    table: 1,
                    port: 80,
                    class: Class::SCTP,
                    length: 16,
                })
                .unwrap();
        }
        for stranger in [ip("10.99.0.1"), ip("fd99::1")] {
            assert_eq!(opens(bed, stranger, 80), Reason::NotAllowed);
        }
        bed.port(1, Class::TCP, 80, 16, low(1, Side::DENY, 14));
        for far in far() {
            assert_eq!(opens(bed, far, 80), Reason::Denied);
        }
        bed.open(bed.a, Sets::default());
        for far in far() {
            assert_eq!(opens(bed, far, 81), Reason::Forwarded);
        }
    });
}

#[test]
fn egress_is_judged_by_the_others_port() {
    bed(small(), |bed| {
        bed.set(3, Side::DENY, 100);
        bed.says(3, REMOTE, 3, 1 << 16);
        bed.port(3, Class::TCP, 443, 16, low(1, Side::ALLOW, 11));
        let sets = Sets {
            egress: 3,
            ..Sets::default()
        };
        bed.open(bed.a, sets);
        for far in far() {
            let near = bed.a.like(far);
            assert_eq!(bed.from(bed.a, &segment(near, far, (1000, 443), SYN)), NEXT);
            assert_eq!(bed.from(bed.a, &segment(near, far, (443, 1000), SYN)), SHOT);
            // The other direction is not isolated.
            assert_eq!(opens(bed, far, 9), Reason::Forwarded);
        }
    });
}

#[test]
fn all_other_protocols_are_one_class_without_ports() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            let (number, kind) = if far.is_ipv4() {
                (ICMP, 8)
            } else {
                (ICMP6, 128)
            };
            let ping = Frame::new(far, near, number, icmp(kind, 0, 77, b"ping")).bytes();
            let gre = Frame::new(far, near, 47, vec![0; 8]).bytes();
            for packet in [&ping, &gre] {
                assert_eq!(bed.why_to(bed.a, packet), Reason::NotAllowed);
            }
        }
        bed.says(1, REMOTE, 1, 1 << 16 | 1);
        bed.port(1, Class::OTHER, 0, 0, low(1, Side::ALLOW, 13));
        bed.next_epoch();
        for far in far() {
            let near = bed.a.like(far);
            let (number, kind) = if far.is_ipv4() {
                (ICMP, 8)
            } else {
                (ICMP6, 128)
            };
            let ping = Frame::new(far, near, number, icmp(kind, 0, 77, b"ping")).bytes();
            let gre = Frame::new(far, near, 47, vec![0; 8]).bytes();
            for packet in [&ping, &gre] {
                assert_eq!(bed.why_to(bed.a, packet), Reason::Forwarded);
            }
            assert_eq!(opens(bed, far, 81), Reason::NotAllowed);
        }
    });
}

#[test]
fn tiers_decide_in_their_order() {
    bed(small(), |bed| {
        bed.guard();
        bed.says(1, 0, 2, 1 << 16 | 1);
        let cases = [
            // What anybody's table says, and the verdict where the peer's says to let it through (low).
            (high(5, Side::DENY, 21), Reason::Denied),
            (high(5, Side::ALLOW, 21), Reason::Forwarded),
            (high(5, Side::PASS, 21), Reason::Forwarded),
            (low(0, Side::DENY, 21), Reason::Denied),
            (low(2, Side::DENY, 21), Reason::Forwarded),
            (Decision::default(), Reason::Forwarded),
        ];
        for (decision, reason) in cases {
            bed.port(2, Class::TCP, 80, 16, decision);
            for far in far() {
                assert_eq!(opens(bed, far, 80), reason, "{decision:?}");
            }
        }
        // Nothing after it says anything: what holds where no rule does.
        bed.port(2, Class::TCP, 81, 16, high(5, Side::PASS, 22));
        for far in far() {
            assert_eq!(opens(bed, far, 81), Reason::NotAllowed);
        }
        bed.set(2, Side::ALLOW, 101);
        bed.says(2, 0, 2, 1 << 16);
        let sets = Sets {
            ingress: 2,
            ..Sets::default()
        };
        bed.open(bed.a, sets);
        for far in far() {
            assert_eq!(opens(bed, far, 81), Reason::Forwarded);
            assert_eq!(opens(bed, far, 7), Reason::Forwarded);
        }
        // Of two rules of one tier the earlier counts, whoever they name.
        bed.open(bed.a, Sets { ingress: 1, ..sets });
        bed.port(1, Class::TCP, 80, 16, high(4, Side::ALLOW, 23));
        bed.port(2, Class::TCP, 80, 16, high(5, Side::DENY, 24));
        for far in far() {
            assert_eq!(opens(bed, far, 80), Reason::Forwarded);
        }
        bed.port(2, Class::TCP, 80, 16, high(3, Side::DENY, 24));
        for far in far() {
            assert_eq!(opens(bed, far, 80), Reason::Denied);
        }
    });
}

#[test]
fn the_longest_prefix_of_a_port_counts() {
    bed(small(), |bed| {
        bed.guard();
        bed.says(1, REMOTE, 1, 1 << 16 | 1 << 12 | 1 << 8 | 1);
        // 8080 refused, 8064 to 8079 let through, 7936 to 8191 refused, all others let through.
        bed.port(1, Class::TCP, 8080, 16, low(1, Side::DENY, 31));
        bed.port(1, Class::TCP, 8064, 12, low(1, Side::ALLOW, 32));
        bed.port(1, Class::TCP, 7936, 8, low(1, Side::DENY, 33));
        bed.port(1, Class::TCP, 0, 0, low(1, Side::ALLOW, 34));
        for far in far() {
            for (port, reason) in [
                (8080, Reason::Denied),
                (8079, Reason::Forwarded),
                (8064, Reason::Forwarded),
                (8063, Reason::Denied),
                (7936, Reason::Denied),
                (8191, Reason::Denied),
                (7935, Reason::Forwarded),
                (8192, Reason::Forwarded),
                (0, Reason::Forwarded),
                (65_535, Reason::Forwarded),
            ] {
                assert_eq!(opens(bed, far, port), reason, "{port}");
            }
        }
    });
}

#[test]
fn prefixes_of_addresses_are_peers() {
    bed(small(), |bed| {
        bed.guard();
        let mut set = bed.dataplane.sets().unwrap()[&1];
        set.flags = Set::PREFIXES;
        bed.dataplane.put_set(1, &set).unwrap();
        for (n, (wide, narrow)) in [
            ("172.16.0.0/12", "172.16.5.0/24"),
            ("fd50::/16", "fd50:1::/64"),
        ]
        .into_iter()
        .enumerate()
        {
            let wide_number = Peer::FIRST_PREFIX + 2 * n as u32;
            let narrow_number = wide_number + 1;
            bed.dataplane
                .put_prefix(wide.parse().unwrap(), wide_number)
                .unwrap();
            bed.dataplane
                .put_prefix(narrow.parse().unwrap(), narrow_number)
                .unwrap();
            bed.says(1, wide_number, 4, 1);
            bed.says(1, narrow_number, 5, 1);
        }
        bed.port(4, Class::TCP, 0, 0, low(1, Side::ALLOW, 41));
        bed.port(5, Class::TCP, 0, 0, low(1, Side::DENY, 42));
        for (text, reason) in [
            ("172.16.4.1", Reason::Forwarded),
            ("172.31.255.255", Reason::Forwarded),
            ("172.16.5.255", Reason::Denied),
            ("172.32.0.0", Reason::NotAllowed),
            ("fd50:2::1", Reason::Forwarded),
            ("fd50:1::1", Reason::Denied),
            ("fd50:1:0:1::1", Reason::Forwarded),
            ("fd51::1", Reason::NotAllowed),
        ] {
            assert_eq!(opens(bed, ip(text), 9), reason, "{text}");
        }
        // A set that names none does not look.
        set.flags = 0;
        bed.dataplane.put_set(1, &set).unwrap();
        assert_eq!(opens(bed, ip("172.16.4.1"), 9), Reason::NotAllowed);
        // A prefix that is taken back is forgotten.
        set.flags = Set::PREFIXES;
        bed.dataplane.put_set(1, &set).unwrap();
        assert!(
            bed.dataplane
                .remove_prefix("172.16.5.0/24".parse().unwrap())
                .unwrap()
        );
        assert_eq!(opens(bed, ip("172.16.5.1"), 9), Reason::Forwarded);
    });
}

#[test]
fn audit_tells_and_lets_through() {
    bed(small(), |bed| {
        let mut sets = bed.guard();
        bed.set(2, Side::DENY, 200);
        bed.says(2, REMOTE, 2, 1 << 16);
        bed.port(2, Class::TCP, 80, 16, low(1, Side::DENY, 51));
        sets.ingress_audit = 2;
        bed.open(bed.a, sets);
        for far in far() {
            assert_eq!(opens(bed, far, 80), Reason::Forwarded);
            let event = bed.next_event().unwrap();
            assert_eq!(event.kind, FlowKind::Audited as u32);
            assert_eq!((event.rule, event.reason), (51, Reason::Denied as u32));
            assert_eq!(event.link, bed.a.link);
            // What is refused anyhow is not told twice.
            assert_eq!(opens(bed, far, 81), Reason::NotAllowed);
            assert_eq!(bed.next_event().unwrap().kind, FlowKind::Dropped as u32);
            assert!(bed.next_event().is_none());
        }
        let rules = bed.dataplane.rules().unwrap();
        let flows = |rule, audit| {
            rules
                .get(&RuleKey { rule, audit })
                .map(|count| count.packets)
        };
        assert_eq!(flows(51, 1), Some(2));
        assert_eq!(flows(11, 0), Some(2));
        assert_eq!(flows(51, 0), None);
        // Policies in audit alone.
        sets.ingress = 0;
        bed.open(bed.a, sets);
        assert_eq!(opens(bed, far()[0], 81), Reason::Forwarded);
        let event = bed.next_event().unwrap();
        assert_eq!((event.rule, event.reason), (200, Reason::NotAllowed as u32));
    });
}

#[test]
fn what_was_decided_once_holds_for_its_epoch_and_its_peer_alone() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let asks = |bed: &Bed, port| {
                let frame = segment(far, bed.a.like(far), (port, 80), SYN);
                bed.why_to(bed.a, &frame.bytes())
            };
            assert_eq!(asks(bed, 1), Reason::Forwarded);
            // The address is somebody else's: at once.
            bed.peer(far, 8, 0, 0);
            assert_eq!(asks(bed, 2), Reason::NotAllowed);
            bed.peer(far, REMOTE, 0, 0);
            assert_eq!(asks(bed, 3), Reason::Forwarded);
            // The set says something else: with the epoch.
            bed.port(1, Class::TCP, 80, 16, low(1, Side::DENY, 15));
            bed.next_epoch();
            assert_eq!(asks(bed, 4), Reason::Denied);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::ALLOW, 11));
            bed.next_epoch();
            assert_eq!(asks(bed, 5), Reason::Forwarded);
            // Another set, another protocol.
            let udp = datagram(far, bed.a.like(far), (5, 80)).bytes();
            assert_eq!(bed.why_to(bed.a, &udp), Reason::NotAllowed);
            bed.set(2, Side::DENY, 101);
            let sets = Sets {
                ingress: 2,
                ..Sets::default()
            };
            bed.open(bed.a, sets);
            assert_eq!(asks(bed, 6), Reason::NotAllowed);
            bed.guard();
        }
    });
}

#[test]
fn the_node_and_a_container_itself_may_talk() {
    bed(small(), |bed| {
        bed.guard();
        for ip in [ip("10.0.0.1"), ip("fd00::1")] {
            bed.peer(ip, 1, 0, Peer::HOST);
            assert_eq!(opens(bed, ip, 22), Reason::Forwarded);
            bed.reconfigure(|config| config.flags = Config::JUDGE_HOST);
            assert_eq!(opens(bed, ip, 22), Reason::NotAllowed);
            bed.reconfigure(|config| config.flags = 0);
            let own = bed.a.like(ip);
            assert_eq!(opens(bed, own, 22), Reason::Forwarded);
        }
        // One of its further addresses.
        for other in [ip("10.0.0.77"), ip("fd00::77")] {
            assert_eq!(opens(bed, other, 22), Reason::NotAllowed);
            bed.peer(other, 1, bed.a.link, 0);
            assert_eq!(opens(bed, other, 22), Reason::Forwarded);
        }
    });
}

#[test]
fn what_is_not_in_place_is_closed() {
    bed(small(), |bed| {
        let unset = Sets {
            ingress: 9,
            ..Sets::default()
        };
        bed.open(bed.a, unset);
        for far in far() {
            assert_eq!(opens(bed, far, 80), Reason::Internal);
        }
        bed.change(bed.a, |endpoint| endpoint.flags &= !Endpoint::OPEN);
        bed.dataplane.remove_endpoint(bed.b.link).unwrap();
        for end in [bed.a, bed.b] {
            for far in far() {
                let frame = segment(far, end.like(far), (1, 2), SYN);
                assert_eq!(bed.why_to(end, &frame.bytes()), Reason::Closed);
                let out = crate::bed::sent(end, &segment(end.like(far), far, (1, 2), SYN));
                let run = || bed.run(Hook::FromContainer, &out, end.link).verdict;
                assert_eq!(bed.why(Direction::Egress, run), Reason::Closed);
            }
        }
    });
}
