//! Many prefixes in as few messages as hold them.

use crate::common::{FOUR, INTERNAL, asn, id, igp, prefixes, read_all, together};
use fairway_bgp::attr::{AsPath, Attributes, NextHop, Segment, Unknown};
use fairway_bgp::message::{Message, Notification, Reason, Update};
use fairway_bgp::wire::{self, Coding, Encoded, Unwritable};
use fairway_bgp::{Family, Net, Prefix};
use std::net::{Ipv4Addr, Ipv6Addr};

const GATEWAY: NextHop = NextHop::V4(Ipv4Addr::new(10, 0, 0, 1));
const GATEWAY6: NextHop = NextHop::V6(Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), None);

fn many(count: u32) -> impl Iterator<Item = Prefix> + Clone {
    // Lengths of 8 to 32.
    (0..count).map(|i| {
        let length = 8 + u8::try_from(i % 25).unwrap();
        Prefix::V4(Net::new(i.wrapping_mul(0x9E37_79B9), length).unwrap())
    })
}

fn many6(count: u32) -> impl Iterator<Item = Prefix> + Clone {
    (0..count).map(|i| {
        let length = 16 + u8::try_from(i % 113).unwrap();
        let address = (0x2001u128 << 112) | u128::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C);
        Prefix::V6(Net::new(address, length).unwrap())
    })
}

/// Cuts into messages, all but the last so full that the next prefix would not have fitted.
fn assert_full(
    bytes: &[u8],
    coding: &Coding,
    limit: usize,
    count: usize,
    all: &[Prefix],
) -> Update {
    let mut lengths = Vec::new();
    let mut rest = bytes;
    while let Some(frame) = wire::split(rest, coding).unwrap() {
        lengths.push(frame.bytes().len());
        rest = &rest[frame.bytes().len()..];
    }
    assert_eq!(lengths.len(), count);
    assert!(lengths.iter().all(|length| *length <= limit), "{lengths:?}");
    let updates = read_all(bytes, coding).into_iter().map(|read| {
        assert_eq!(read.faults, []);
        match read.message {
            Some(Message::Update(update)) => update,
            other => panic!("{other:?}"),
        }
    });
    let updates = updates.collect::<Vec<_>>();
    let mut done = 0;
    for (update, length) in updates.iter().zip(&lengths) {
        let announced = update
            .announced
            .iter()
            .map(|announced| announced.prefixes.len());
        done += update.withdrawn.len() + announced.sum::<usize>();
        if let Some(next) = all.get(done) {
            let octets = 1 + usize::from(next.length().div_ceil(8));
            assert!(
                length + octets > limit,
                "{length}: {next:?} would have fitted"
            );
        }
    }
    assert_eq!(done, all.len());
    together(updates)
}

#[test]
fn messages_are_full() {
    let extended = Coding {
        extended_messages: true,
        ..FOUR
    };
    let attributes = Encoded::new(&igp([65001, 65002]), &FOUR).unwrap();
    for (coding, limit) in [(FOUR, 4096), (extended, 65_535)] {
        for (all, next_hop) in [
            (many(50_000).collect::<Vec<_>>(), GATEWAY),
            (many6(20_000).collect(), GATEWAY6),
        ] {
            let mut bytes = Vec::new();
            let prefixes = all.iter().copied();
            let count = wire::announce(&attributes, next_hop, prefixes, &coding, &mut bytes);
            let told = assert_full(&bytes, &coding, limit, count.unwrap(), &all);
            assert_eq!(told.announced[0].prefixes, all);
            assert_eq!(told.announced[0].next_hop, next_hop);
            assert_eq!(told.attributes, Some(igp([65001, 65002])));

            let mut bytes = Vec::new();
            let count = wire::withdraw(all.iter().copied(), &coding, &mut bytes);
            let told = assert_full(&bytes, &coding, limit, count.unwrap(), &all);
            assert_eq!(told.withdrawn, all);
        }
    }
}

#[test]
fn families_are_not_mixed() {
    let both = Coding {
        ipv4_by_ipv6: true,
        ..FOUR
    };
    let attributes = Encoded::new(&igp([65001]), &both).unwrap();
    let mixed = || many(10).chain(many6(10)).chain(many(10));
    let mut bytes = Vec::new();
    assert_eq!(
        wire::announce(&attributes, GATEWAY6, mixed(), &both, &mut bytes),
        Ok(3)
    );
    assert_eq!(wire::withdraw(mixed(), &both, &mut bytes), Ok(3));
    assert_eq!(wire::withdraw([], &both, &mut bytes), Ok(0));
    assert_eq!(read_all(&bytes, &both).len(), 6);
}

/// Attributes so long that a prefix of so many bits just fits, or just does not.
#[test]
fn what_does_not_fit_is_an_error() {
    let with = |octets: usize| Attributes {
        unknown: vec![Unknown {
            code: 99,
            value: vec![0xAB; octets].into(),
        }],
        ..igp([65001])
    };
    let tell = |octets, next_hop, prefix: &str| {
        let mut bytes = vec![7];
        let attributes = Encoded::new(&with(octets), &FOUR).unwrap();
        let told = prefixes(["10.0.0.0/8", prefix]);
        let told = told.into_iter().filter(|p| p.to_string() == prefix);
        let result = wire::announce(&attributes, next_hop, told, &FOUR, &mut bytes);
        assert_eq!(bytes.len() > 1, result.is_ok(), "nothing is left behind");
        assert!(bytes.len() <= 1 + 4096);
        result
    };
    // 23 octets of the message, 4, 9 and 7 of ORIGIN, AS_PATH and NEXT_HOP, 4 that lead the last one, 5 of the prefix.
    let most = 4096 - 23 - 20 - 4 - 5;
    assert_eq!(tell(most, GATEWAY, "10.0.0.1/32"), Ok(1));
    assert_eq!(
        tell(most + 1, GATEWAY, "10.0.0.1/32"),
        Err(Unwritable::TooLong {
            length: 4097,
            limit: 4096
        })
    );
    assert_eq!(tell(most + 1, GATEWAY, "10.0.0.0/24"), Ok(1));
    // No NEXT_HOP, but 25 octets of MP_REACH_NLRI, and 17 of the prefix.
    let most = 4096 - 23 - 13 - 4 - 25 - 17;
    assert_eq!(tell(most, GATEWAY6, "2001:db8::1/128"), Ok(1));
    assert!(tell(most + 1, GATEWAY6, "2001:db8::1/128").is_err());
    assert!(tell(60_000, GATEWAY6, "::/0").is_err());
    assert_eq!(
        Encoded::new(&with(65_536), &FOUR),
        Err(Unwritable::TooLong {
            length: 65_536,
            limit: 65_535
        })
    );
    // All of them are more than the length of a list can say.
    let twice = Attributes {
        unknown: [99, 100]
            .map(|code| Unknown {
                code,
                value: vec![0; 65_535].into(),
            })
            .into(),
        ..igp([65001])
    };
    let attributes = Encoded::new(&twice, &FOUR).unwrap();
    let extended = Coding {
        extended_messages: true,
        ..FOUR
    };
    for (prefixes, next_hop) in [
        (many(1).collect::<Vec<_>>(), GATEWAY),
        (many6(1).collect(), GATEWAY6),
    ] {
        let mut bytes = Vec::new();
        let told = wire::announce(&attributes, next_hop, prefixes, &extended, &mut bytes);
        assert!(matches!(told, Err(Unwritable::TooLong { .. })), "{told:?}");
        assert_eq!(bytes, [0_u8; 0]);
    }
}

#[test]
fn what_was_not_agreed_on_is_an_error() {
    let ipv4 = Coding {
        ipv6: false,
        ..FOUR
    };
    let attributes = Encoded::new(&igp([65001]), &FOUR).unwrap();
    let mut bytes = Vec::new();
    let mut tell = |next_hop, all: Vec<Prefix>, coding| {
        wire::announce(&attributes, next_hop, all, coding, &mut bytes)
    };
    let family = Family::Ipv6;
    let next_hop = GATEWAY6;
    assert_eq!(
        tell(next_hop, many6(1).collect(), &ipv4),
        Err(Unwritable::Family(family))
    );
    assert_eq!(
        tell(next_hop, many(1).collect(), &FOUR),
        Err(Unwritable::NextHop {
            family: Family::Ipv4,
            next_hop
        })
    );
    let next_hop = GATEWAY;
    let mixed = many(1).chain(many6(1)).collect();
    assert_eq!(
        tell(next_hop, mixed, &FOUR),
        Err(Unwritable::NextHop { family, next_hop })
    );
    assert_eq!(
        wire::withdraw(many6(1), &ipv4, &mut bytes),
        Err(Unwritable::Family(family))
    );
    assert_eq!(
        wire::end_of_rib(family, &ipv4, &mut bytes),
        Err(Unwritable::Family(family))
    );
    let update = Update {
        withdrawn: many(1).chain(many6(1)).collect(),
        ..Update::default()
    };
    assert!(wire::write(&Message::Update(update), &ipv4, &mut bytes).is_err());
    let update = Update {
        withdrawn: many(1).collect(),
        end_of_rib: Some(Family::Ipv6),
        ..Update::default()
    };
    assert!(wire::write(&Message::Update(update), &ipv4, &mut bytes).is_err());
    assert_eq!(bytes, [0_u8; 0], "nothing is left behind");
}

#[test]
fn what_another_as_is_not_told() {
    let confederation = Segment::ConfedSequence(vec![asn(65281)]);
    let sequence = Segment::Sequence(vec![asn(65001)]);
    let all = Attributes {
        local_pref: Some(100),
        originator: Some(id("10.0.0.1")),
        clusters: vec![id("10.0.0.2")],
        as_path: AsPath::new([confederation, sequence]),
        ..igp::<0>([])
    };
    let plain = Encoded::new(&igp([65001]), &FOUR).unwrap();
    assert_eq!(Encoded::new(&all, &FOUR), Ok(plain.clone()));
    assert_ne!(Encoded::new(&all, &INTERNAL), Ok(plain));
    let by_ipv6 = Coding {
        ipv4_by_ipv6: true,
        extended_messages: true,
        ..FOUR
    };
    assert!(FOUR.shares_attributes(&by_ipv6));
    assert!(!FOUR.shares_attributes(&INTERNAL));
}

/// RFC 9774; and a set that would have to become two.
#[test]
fn sets_are_not_told() {
    let sets = Coding {
        as_sets: true,
        ..FOUR
    };
    let set = |count| Attributes {
        as_path: AsPath::new([Segment::Set(vec![asn(65001); count])]),
        ..igp::<0>([])
    };
    assert_eq!(Encoded::new(&set(1), &FOUR), Err(Unwritable::AsSet));
    assert!(Encoded::new(&set(255), &sets).is_ok());
    assert_eq!(Encoded::new(&set(256), &sets), Err(Unwritable::AsSet));
}

#[test]
fn data_of_a_notification_is_cut() {
    let long = Message::Notification(Notification::of(Reason::Unknown(9, 9), &[7; 5000]));
    let extended = Coding {
        extended_messages: true,
        ..FOUR
    };
    for (coding, length) in [(FOUR, 4096), (extended, 5021)] {
        let mut bytes = Vec::new();
        wire::write(&long, &coding, &mut bytes).unwrap();
        assert_eq!(bytes.len(), length);
        assert_eq!(read_all(&bytes, &coding).len(), 1);
    }
}
