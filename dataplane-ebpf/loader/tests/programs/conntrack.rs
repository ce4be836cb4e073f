//! What is remembered of flows.

use std::net::IpAddr;

use fairway_dataplane::Sizes;
use fairway_dataplane::abi::{Class, Reason, Sets, Side, State, Track, TrackKey};

use crate::bed::{Bed, NEXT, REMOTE, SHOT, bed, datagram, far, low, segment, sent, small};
use crate::frame::{ACK, FIN, Frame, ICMP, ICMP6, RST, SYN, icmp};

/// The entry of a TCP connection of A, and whether it is among the open ones.
fn entry(bed: &Bed, far: IpAddr, ports: (u16, u16)) -> Option<(bool, Track)> {
    let [open, new] = bed.dataplane.tracks().unwrap();
    let remote = fairway_dataplane::addr_of(far);
    let is = |key: &TrackKey| {
        key.link == bed.a.link && key.remote == remote && (key.local_port, key.remote_port) == ports
    };
    let found = |table: Vec<(TrackKey, Track)>| table.into_iter().find(|(key, _)| is(key));
    let open = found(open).map(|(_, track)| (true, track));
    open.or_else(|| found(new).map(|(_, track)| (false, track)))
}

fn incoming(bed: &Bed, far: IpAddr, ports: (u16, u16), flags: u8) -> Reason {
    bed.why_to(bed.a, &segment(far, bed.a.like(far), ports, flags).bytes())
}

fn outgoing(bed: &Bed, far: IpAddr, ports: (u16, u16), flags: u8) -> Reason {
    let frame = segment(bed.a.like(far), far, ports, flags);
    bed.why_from(bed.a, &sent(bed.a, &frame))
}

/// Nothing may come in or go out but what rules name.
fn isolated(bed: &mut Bed) {
    let sets = bed.guard();
    bed.set(2, Side::DENY, 101);
    bed.open(bed.a, Sets { egress: 2, ..sets });
}

#[test]
fn answers_pass_and_nothing_else_does() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            assert_eq!(
                outgoing(bed, far, (80, 5000), SYN | ACK),
                Reason::NotAllowed
            );
            assert_eq!(incoming(bed, far, (5000, 80), SYN), Reason::Forwarded);
            assert_eq!(outgoing(bed, far, (80, 5000), SYN | ACK), Reason::Forwarded);
            assert_eq!(
                outgoing(bed, far, (80, 5001), SYN | ACK),
                Reason::NotAllowed
            );
            assert_eq!(
                outgoing(bed, far, (81, 5000), SYN | ACK),
                Reason::NotAllowed
            );
            let near = bed.a.like(far);
            assert_eq!(
                bed.to(bed.a, &datagram(far, near, (6000, 53)).bytes()),
                NEXT
            );
            assert_eq!(bed.from(bed.a, &datagram(near, far, (53, 6000))), NEXT);
            assert_eq!(bed.from(bed.a, &datagram(near, far, (53, 6001))), SHOT);
        }
    });
}

#[test]
fn a_connection_goes_its_way_through_the_tables() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            let (from, key) = ((5000, 80), (80, 5000));
            let state = |bed: &Bed| entry(bed, far, key).map(|(open, track)| (open, track.state));
            incoming(bed, far, from, SYN);
            assert_eq!(state(bed), Some((false, State::INBOUND)));
            outgoing(bed, far, key, SYN | ACK);
            // An answer alone may be to a forged question.
            assert_eq!(state(bed), Some((false, State::INBOUND | State::ANSWERED)));
            incoming(bed, far, from, SYN);
            assert_eq!(state(bed), Some((false, State::INBOUND | State::ANSWERED)));
            incoming(bed, far, from, ACK);
            let open = State::INBOUND | State::ANSWERED | State::CONFIRMED;
            assert_eq!(state(bed), Some((true, open)));
            let (_, track) = entry(bed, far, key).unwrap();
            assert_eq!((track.rule, track.epoch), (11, bed.config.epoch));
            incoming(bed, far, from, FIN | ACK);
            assert_eq!(state(bed), Some((true, open | State::FIN)));
            let long = entry(bed, far, key).unwrap().1.expires;
            outgoing(bed, far, key, FIN | ACK);
            assert_eq!(
                state(bed),
                Some((true, open | State::FIN | State::FIN_BACK))
            );
            assert!(entry(bed, far, key).unwrap().1.expires < long);
            // The next connection between the same ports begins anew, if it may.
            incoming(bed, far, from, SYN);
            assert_eq!(state(bed), Some((true, State::INBOUND)));
            outgoing(bed, far, key, RST | ACK);
            assert_eq!(state(bed).unwrap().1 & State::RESET, State::RESET);
            assert_eq!(outgoing(bed, far, key, SYN), Reason::NotAllowed);
        }
    });
}

#[test]
fn datagrams_are_open_once_answered() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            let near = bed.a.like(far);
            bed.to(bed.a, &datagram(far, near, (6000, 53)).bytes());
            assert!(!entry(bed, far, (53, 6000)).unwrap().0);
            bed.from(bed.a, &datagram(near, far, (53, 6000)));
            let (open, track) = entry(bed, far, (53, 6000)).unwrap();
            assert!(open && track.state == State::INBOUND | State::ANSWERED);
        }
    });
}

#[test]
fn echoes_are_flows_by_their_identifier() {
    bed(small(), |bed| {
        isolated(bed);
        bed.says(1, REMOTE, 1, 1 << 16 | 1);
        bed.port(1, Class::OTHER, 0, 0, low(1, Side::ALLOW, 13));
        for far in far() {
            let near = bed.a.like(far);
            let (number, [asks, says]) = if far.is_ipv4() {
                (ICMP, [8, 0])
            } else {
                (ICMP6, [128, 129])
            };
            let answer = |id| Frame::new(near, far, number, icmp(says, 0, id, b"ping"));
            assert_eq!(bed.from(bed.a, &answer(77)), SHOT);
            let question = Frame::new(far, near, number, icmp(asks, 0, 77, b"ping"));
            assert_eq!(bed.to(bed.a, &question.bytes()), NEXT);
            assert_eq!(bed.from(bed.a, &answer(77)), NEXT);
            assert_eq!(bed.from(bed.a, &answer(78)), SHOT);
        }
    });
}

#[test]
fn the_middle_of_a_connection_is_judged_by_its_own_direction() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            assert_eq!(incoming(bed, far, (5000, 80), ACK), Reason::Forwarded);
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::Forwarded);
            assert_eq!(incoming(bed, far, (80, 5001), ACK), Reason::NotAllowed);
            assert_eq!(outgoing(bed, far, (5001, 80), ACK), Reason::NotAllowed);
        }
    });
}

/// For how many seconds an entry is still good.
fn left(track: &Track) -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    let now = u64::try_from(now.tv_sec()).unwrap();
    (track.expires / 1_000_000_000).saturating_sub(now)
}

#[test]
fn an_rst_that_anybody_may_have_forged_does_not_end_a_connection() {
    bed(small(), |bed| {
        isolated(bed);
        for far in far() {
            incoming(bed, far, (5000, 80), SYN);
            outgoing(bed, far, (80, 5000), SYN | ACK);
            incoming(bed, far, (5000, 80), ACK);
            incoming(bed, far, (5000, 80), RST);
            let (_, track) = entry(bed, far, (80, 5000)).unwrap();
            assert!((600..=3600).contains(&left(&track)), "{} s", left(&track));
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::Forwarded);
        }
    });
}

#[test]
fn a_policy_that_forbids_an_open_connection_cuts_it() {
    bed(small(), |bed| {
        bed.guard();
        for far in far() {
            // Whatever goes out is allowed.
            incoming(bed, far, (5000, 80), SYN);
            outgoing(bed, far, (80, 5000), SYN | ACK);
            incoming(bed, far, (5000, 80), ACK);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::DENY, 15));
            // Not told yet: what was found holds.
            assert_eq!(incoming(bed, far, (5000, 80), ACK), Reason::Forwarded);
            bed.next_epoch();
            // Its rest does not pass as a new flow of the direction where everything may.
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::Denied);
            assert_eq!(incoming(bed, far, (5000, 80), ACK), Reason::Denied);
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::Denied);
            let (_, track) = entry(bed, far, (80, 5000)).unwrap();
            assert_eq!(track.state & State::REFUSED, State::REFUSED);
            // For longer than an end waits until it sends the same once more.
            assert!(left(&track) > 3600, "{} s", left(&track));
            assert_eq!((track.rule, track.epoch), (15, bed.config.epoch));
            // By no rule.
            bed.says(1, REMOTE, 99, 1 << 16);
            bed.next_epoch();
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::NotAllowed);
            assert_eq!(outgoing(bed, far, (80, 5000), ACK), Reason::NotAllowed);
            // A connection of its own, the other way, is another one.
            assert_eq!(outgoing(bed, far, (80, 5000), SYN), Reason::Forwarded);
            // And back: what is allowed again goes on.
            bed.says(1, REMOTE, 1, 1 << 16);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::ALLOW, 11));
            incoming(bed, far, (5002, 80), SYN);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::DENY, 15));
            bed.next_epoch();
            assert_eq!(incoming(bed, far, (5002, 80), ACK), Reason::Denied);
            bed.port(1, Class::TCP, 80, 16, low(1, Side::ALLOW, 11));
            bed.next_epoch();
            assert_eq!(outgoing(bed, far, (80, 5002), ACK), Reason::Forwarded);
            assert_eq!(incoming(bed, far, (5002, 80), ACK), Reason::Forwarded);
        }
    });
}

#[test]
fn what_has_expired_is_not_known() {
    bed(small(), |bed| {
        isolated(bed);
        for (far, answered) in far()
            .into_iter()
            .flat_map(|far| [(far, false), (far, true)])
        {
            let near = bed.a.like(far);
            bed.to(bed.a, &datagram(far, near, (6000, 53)).bytes());
            if answered {
                bed.from(bed.a, &datagram(near, far, (53, 6000)));
            }
            let [open, new] = bed.dataplane.tracks().unwrap();
            let mut found = open.into_iter().chain(new);
            let is = |key: &TrackKey| (key.local_port, key.remote_port) == (53, 6000);
            let (key, mut track) = found.find(|(key, _)| is(key)).unwrap();
            track.expires = 1;
            bed.dataplane.put_track(answered, key, &track).unwrap();
            assert_eq!(bed.from(bed.a, &datagram(near, far, (53, 6000))), SHOT);
            let links = [bed.a.link].into();
            bed.dataplane.remove_tracks_of(&links).unwrap();
        }
    });
}

#[test]
fn a_flood_of_new_flows_breaks_no_open_one() {
    let sizes = Sizes {
        track_new: 512,
        ..small()
    };
    bed(sizes, |bed| {
        bed.guard();
        for far in far() {
            incoming(bed, far, (5000, 80), SYN);
            outgoing(bed, far, (80, 5000), SYN | ACK);
            incoming(bed, far, (5000, 80), ACK);
            for port in 10_000..14_000 {
                bed.to(
                    bed.a,
                    &segment(far, bed.a.like(far), (port, 80), SYN).bytes(),
                );
            }
            let [open, new] = bed.dataplane.tracks().unwrap();
            assert!(new.len() <= 512 && open.len() < 3);
            assert!(entry(bed, far, (80, 5000)).unwrap().0);
            bed.set(1, Side::DENY, 100);
            assert_eq!(incoming(bed, far, (5000, 80), ACK), Reason::Forwarded);
            bed.guard();
        }
    });
}

#[test]
fn with_too_many_open_flows_new_ones_still_work() {
    let sizes = Sizes {
        track_open: 2,
        ..small()
    };
    bed(sizes, |bed| {
        isolated(bed);
        for far in far() {
            for port in 5000..5010 {
                assert_eq!(incoming(bed, far, (port, 80), SYN), Reason::Forwarded);
                assert_eq!(outgoing(bed, far, (80, port), SYN | ACK), Reason::Forwarded);
                assert_eq!(incoming(bed, far, (port, 80), ACK), Reason::Forwarded);
                assert_eq!(outgoing(bed, far, (80, port), ACK), Reason::Forwarded);
            }
        }
        let [open, new] = bed.dataplane.tracks().unwrap();
        assert_eq!((open.len(), new.len()), (2, 18));
    });
}
