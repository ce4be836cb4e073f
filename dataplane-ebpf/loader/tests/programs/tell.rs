//! Counters and events.

use fairway_dataplane::abi::{Direction, FlowKind, Reason, RuleKey};
use fairway_dataplane::{Sizes, addr_of};

use crate::bed::{NEXT, SHOT, bed, datagram, far, segment, small};
use crate::frame::{Frame, ICMP, ICMP6, SYN, icmp};

#[test]
fn a_drop_is_told_with_all_that_is_known() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            let near = bed.a.like(far);
            let bytes = segment(far, near, (5000, 81), SYN).bytes();
            assert_eq!(bed.to(bed.a, &bytes), SHOT);
            let event = bed.next_event().unwrap();
            assert_eq!(event.kind, FlowKind::Dropped as u32);
            assert_eq!((event.reason, event.rule), (Reason::NotAllowed as u32, 100));
            assert_eq!((event.link, event.direction), (bed.a.link, 0));
            assert_eq!(
                (event.source, event.destination),
                (addr_of(far), addr_of(near))
            );
            assert_eq!((event.source_port, event.destination_port), (5000, 81));
            assert_eq!((event.protocol, event.missed), (6, 0));
            assert_eq!(event.length as usize, bytes.len());
            assert!(event.at > 0);
            let forged = datagram(bed.b.like(far), far, (1, 2));
            assert_eq!(bed.from(bed.a, &forged), SHOT);
            let event = bed.next_event().unwrap();
            assert_eq!(event.reason, Reason::ForgedAddress as u32);
            assert_eq!(
                (event.source, event.destination),
                (forged_source(bed, far), addr_of(far))
            );
            assert_eq!((event.source_port, event.direction), (1, 1));
            let (number, kind) = if far.is_ipv4() {
                (ICMP, 8)
            } else {
                (ICMP6, 128)
            };
            bed.to(
                bed.a,
                &Frame::new(far, near, number, icmp(kind, 3, 9, b"")).bytes(),
            );
            let event = bed.next_event().unwrap();
            assert_eq!(
                (event.source_port, event.destination_port),
                (kind.into(), 3)
            );
        }
        assert!(bed.next_event().is_none());
    });
}

fn forged_source(bed: &crate::bed::Bed, far: std::net::IpAddr) -> fairway_dataplane::abi::Addr {
    addr_of(bed.b.like(far))
}

#[test]
fn rules_count_flows_and_not_packets() {
    bed(small(), |bed| {
        bed.guard();
        let far = far()[0];
        let near = bed.a.v4;
        for _ in 0..5 {
            assert_eq!(
                bed.to(bed.a, &segment(far, near, (5000, 80), SYN).bytes()),
                NEXT
            );
        }
        let rules = |bed: &crate::bed::Bed| {
            let rules = bed.dataplane.rules().unwrap();
            move |rule| {
                rules
                    .get(&RuleKey { rule, audit: 0 })
                    .map(|count| count.packets)
            }
        };
        assert_eq!(rules(bed)(11), Some(1));
        bed.next_epoch();
        bed.to(bed.a, &segment(far, near, (5000, 80), SYN).bytes());
        assert_eq!(rules(bed)(11), Some(1));
        bed.to(bed.a, &segment(far, near, (5001, 80), SYN).bytes());
        bed.to(bed.a, &segment(far, near, (5001, 81), SYN).bytes());
        assert_eq!((rules(bed)(11), rules(bed)(100)), (Some(2), Some(1)));
        let counters = bed.dataplane.counters().unwrap();
        let count = |reason| {
            let is = |counter: &&fairway_dataplane::Counter| {
                counter.reason == reason && counter.direction == Direction::Ingress
            };
            counters.iter().find(is).unwrap().count
        };
        let passed = count(Reason::Forwarded);
        assert_eq!((passed.packets, passed.bytes), (7, 7 * 54));
        assert_eq!(count(Reason::NotAllowed).packets, 1);
    });
}

#[test]
fn one_in_so_many_new_flows_is_told() {
    bed(small(), |bed| {
        let far = far()[1];
        bed.reconfigure(|config| config.sample = 1);
        for port in 0..10 {
            for _ in 0..2 {
                bed.to(bed.a, &datagram(far, bed.a.v6, (port, 53)).bytes());
            }
            let event = bed.next_event().unwrap();
            assert_eq!(
                (event.kind, event.source_port),
                (FlowKind::Allowed as u32, port)
            );
            assert!(bed.next_event().is_none());
        }
        bed.reconfigure(|config| config.sample = 8);
        for port in 0..1000 {
            bed.to(bed.a, &datagram(far, bed.a.v6, (port, 54)).bytes());
        }
        let told = std::iter::from_fn(|| bed.next_event()).count();
        assert!((60..=200).contains(&told), "{told}");
    });
}

#[test]
fn a_flood_of_drops_is_told_in_part() {
    bed(small(), |bed| {
        bed.guard();
        bed.reconfigure(|config| config.events = 10);
        let bytes = segment(far()[0], bed.a.v4, (1, 2), SYN).bytes();
        let ran = bed.dataplane.test_run(
            fairway_dataplane::Hook::ToContainer,
            &bytes,
            bed.a.link,
            50_000,
        );
        assert_eq!(ran.unwrap().verdict, SHOT);
        let told: Vec<_> = std::iter::from_fn(|| bed.next_event()).collect();
        // It takes a fraction of a second, on one processor or two.
        assert!((10..=60).contains(&told.len()), "{}", told.len());
        bed.reconfigure(|config| config.events = 0);
        bed.to(bed.a, &bytes);
        let late: Vec<_> = std::iter::from_fn(|| bed.next_event()).collect();
        assert!(late.len() <= 10);
    });
}

#[test]
fn many_flows_that_are_let_through_hide_no_drop() {
    bed(small(), |bed| {
        bed.reconfigure(|config| (config.sample, config.events) = (1, 10));
        for port in 0..500 {
            bed.to(bed.a, &datagram(far()[0], bed.a.v4, (port, 53)).bytes());
        }
        let told = std::iter::from_fn(|| bed.next_event()).count();
        assert!((10..=60).contains(&told), "{told}");
        bed.guard();
        bed.next_epoch();
        let refused = segment(far()[0], bed.a.v4, (1, 2), SYN).bytes();
        assert_eq!(bed.to(bed.a, &refused), SHOT);
        let drops = std::iter::from_fn(|| bed.next_event());
        let kinds: Vec<_> = drops.map(|event| event.kind).collect();
        assert!(kinds.contains(&(FlowKind::Dropped as u32)), "{kinds:?}");
    });
}

#[test]
fn a_full_ring_drops_no_packet_and_says_what_is_missing() {
    let sizes = Sizes {
        flows: 4096,
        ..small()
    };
    bed(sizes, |bed| {
        bed.guard();
        let bytes = segment(far()[0], bed.a.v4, (1, 2), SYN).bytes();
        for _ in 0..100 {
            assert_eq!(bed.to(bed.a, &bytes), SHOT);
        }
        let told = std::iter::from_fn(|| bed.next_event()).count();
        assert!((10..100).contains(&told), "{told}");
        let mut missed = 0;
        // What is missing is told by each processor.
        for _ in 0..100 {
            bed.to(bed.a, &bytes);
            missed += bed.next_event().map_or(0, |event| event.missed as usize);
        }
        assert_eq!(missed + told, 100);
    });
}
