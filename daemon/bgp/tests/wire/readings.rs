//! UPDATEs and others in a form that is not written here, and what they mean.

use crate::common::{
    FOUR, INTERNAL, TWO, asn, igp, message, path, prefixes, read, read_all, together, update, write,
};
use fairway_bgp::Family;
use fairway_bgp::attr::{Aggregator, AsPath, Attributes, Community, NextHop, Segment, Unknown};
use fairway_bgp::message::{Announced, Message, Update};
use fairway_bgp::wire::Coding;
use std::net::{Ipv4Addr, Ipv6Addr};

const GATEWAY: NextHop = NextHop::V4(Ipv4Addr::new(10, 0, 0, 1));

/// 10.0.0.0/8 by 10.0.0.1.
fn announced(attributes: Attributes) -> Update {
    Update {
        attributes: Some(attributes),
        announced: vec![Announced {
            next_hop: GATEWAY,
            prefixes: prefixes(["10.0.0.0/8"]),
        }],
        ..Update::default()
    }
}

#[test]
fn updates() {
    let by_ipv6 = Coding {
        ipv4_by_ipv6: true,
        ..FOUR
    };
    let sets = Coding {
        as_sets: true,
        ..FOUR
    };
    let sets_of_two = Coding {
        four_octets: false,
        ..sets
    };
    let global: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let of_ipv6 = |next_hop| Update {
        attributes: Some(igp([65001])),
        announced: vec![Announced {
            next_hop,
            prefixes: prefixes(["2001:db8::/32"]),
        }],
        ..Update::default()
    };
    let aggregated = |number, attributes| Attributes {
        aggregator: Some(Aggregator {
            asn: asn(number),
            router: Ipv4Addr::new(10, 0, 0, 2),
        }),
        ..attributes
    };
    for (name, coding, bytes, value) in [
        (
            "attributes in descending order, lengths of two octets, Partial and unused flags",
            FOUR,
            update("", "c0 23 01 07  f0 08 (fde90001)  5f 03 (0a000001)  50 02 (02 01 0000fde9)  50 01 (00)", "08 0a"),
            announced(Attributes {
                communities: vec![Community(0xFDE9_0001)],
                unknown: vec![Unknown { code: 35, value: [7].into() }],
                ..igp([65001])
            }),
        ),
        (
            "all fields in one message",
            FOUR,
            update(
                "10 0a01",
                "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001
                 80 0f <0002 01 10 2001>
                 80 0e <0002 01 10 20010db8000000000000000000000001 00 20 20010db8>",
                "08 0a",
            ),
            Update {
                withdrawn: prefixes(["10.1.0.0/16", "2001::/16"]),
                attributes: Some(igp([65001])),
                announced: vec![
                    Announced { next_hop: GATEWAY, prefixes: prefixes(["10.0.0.0/8"]) },
                    Announced { next_hop: NextHop::V6(global, None), prefixes: prefixes(["2001:db8::/32"]) },
                ],
                end_of_rib: None,
            },
        ),
        (
            "host bits are made zero",
            FOUR,
            update("09 ffff", "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001", "07 0a"),
            Update {
                withdrawn: prefixes(["255.128.0.0/9"]),
                announced: vec![Announced { next_hop: GATEWAY, prefixes: prefixes(["10.0.0.0/7"]) }],
                attributes: Some(igp([65001])),
                end_of_rib: None,
            },
        ),
        (
            "IPv4 routes in both places by the same next hop",
            FOUR,
            update("", "80 0e <0001 01 04 0a000001 00 08 0b>  40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001", "08 0a"),
            Update {
                announced: vec![Announced { next_hop: GATEWAY, prefixes: prefixes(["10.0.0.0/8", "11.0.0.0/8"]) }],
                attributes: Some(igp([65001])),
                ..Update::default()
            },
        ),
        (
            "IPv4 routes in both places by different ones",
            by_ipv6,
            update("", "80 0e <0001 01 10 20010db8000000000000000000000001 00 08 0b>  40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001", "08 0a"),
            Update {
                announced: vec![
                    Announced { next_hop: GATEWAY, prefixes: prefixes(["10.0.0.0/8"]) },
                    Announced { next_hop: NextHop::V6(global, None), prefixes: prefixes(["11.0.0.0/8"]) },
                ],
                attributes: Some(igp([65001])),
                ..Update::default()
            },
        ),
        (
            "IPv4 routes withdrawn by MP_UNREACH_NLRI",
            FOUR,
            update("", "80 0f <0001 01 08 0a>", ""),
            Update { withdrawn: prefixes(["10.0.0.0/8"]), ..Update::default() },
        ),
        (
            "end of IPv4's routes by MP_UNREACH_NLRI",
            FOUR,
            update("", "80 0f <0001 01>", ""),
            Update { end_of_rib: Some(Family::Ipv4), ..Update::default() },
        ),
        (
            "no end of routes where routes are withdrawn",
            FOUR,
            update("08 0a", "80 0f <0002 01>", ""),
            Update { withdrawn: prefixes(["10.0.0.0/8"]), ..Update::default() },
        ),
        (
            "no end of routes where there are attributes",
            FOUR,
            update("", "80 0f <0002 01>  40 01 01 00", ""),
            Update::default(),
        ),
        (
            "attributes alone say nothing",
            FOUR,
            update("", "40 01 01 00  40 02 06 02 01 0000fde9", ""),
            Update::default(),
        ),
        (
            "optional attributes that are not transitive end here",
            FOUR,
            update("", "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001  80 1a <01 000b 0000000000000001>", "08 0a"),
            announced(igp([65001])),
        ),
        (
            "NEXT_HOP counts for nothing beside MP_REACH_NLRI",
            FOUR,
            update("", "80 0e <0002 01 10 20010db8000000000000000000000001 00 20 20010db8>  40 01 01 00  40 02 06 02 01 0000fde9  40 03 03 0a0000", ""),
            of_ipv6(NextHop::V6(global, None)),
        ),
        (
            "a second next hop that is not link-local",
            FOUR,
            update("", "80 0e <0002 01 20 20010db8000000000000000000000001 00000000000000000000000000000000 00 20 20010db8>
                        40 01 01 00  40 02 06 02 01 0000fde9", ""),
            of_ipv6(NextHop::V6(global, None)),
        ),
        (
            "a link-local next hop alone",
            FOUR,
            update("", "80 0e <0002 01 10 fe800000000000000000000000000001 00 20 20010db8>  40 01 01 00  40 02 06 02 01 0000fde9", ""),
            of_ipv6(NextHop::V6("fe80::1".parse().unwrap(), None)),
        ),
        (
            "sequences that follow each other are one",
            FOUR,
            update("", "40 01 01 00  40 02 <02 01 0000fde9 02 02 0000fdea 0000fdeb>  40 03 04 0a000001", "08 0a"),
            announced(igp([65001, 65002, 65003])),
        ),
        (
            "sets do not become one",
            sets,
            update("", "40 01 01 00  40 02 <01 01 0000fde9 01 01 0000fdea>  40 03 04 0a000001", "08 0a"),
            announced(Attributes {
                as_path: AsPath::new([Segment::Set(vec![asn(65001)]), Segment::Set(vec![asn(65002)])]),
                ..igp::<0>([])
            }),
        ),
        (
            "communities out of order and twice",
            FOUR,
            update("", "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001  c0 08 <00020001 00010001 00020001>", "08 0a"),
            announced(Attributes {
                communities: vec![Community(0x0001_0001), Community(0x0002_0001)],
                ..igp([65001])
            }),
        ),
        (
            "speakers of two octets before one of four (RFC 6793, 4.2.3)",
            TWO,
            update("", "40 01 01 00  40 02 <02 04 fde9 fdea 5ba0 fdeb>  40 03 04 0a000001  c0 11 <02 02 00010000 0000fdeb>", "08 0a"),
            announced(igp([65001, 65002, 65536, 65003])),
        ),
        (
            "AS4_PATH that is longer is ignored",
            TWO,
            update("", "40 01 01 00  40 02 <02 01 fde9>  40 03 04 0a000001  c0 11 <02 02 00010000 0000fdeb>", "08 0a"),
            announced(igp([65001])),
        ),
        (
            "confederations in AS4_PATH are left out",
            TWO,
            update("", "40 01 01 00  40 02 <02 02 fde9 5ba0>  40 03 04 0a000001  c0 11 <03 01 0000ff01 02 01 00010000>", "08 0a"),
            announced(igp([65001, 65536])),
        ),
        (
            "a set counts as one",
            sets_of_two,
            update("", "40 01 01 00  40 02 <02 01 fde9 01 02 fdea fdeb 02 01 5ba0>  40 03 04 0a000001  c0 11 <02 01 00010000>", "08 0a"),
            announced(Attributes {
                as_path: AsPath::new([
                    Segment::Sequence(vec![asn(65001)]),
                    Segment::Set(vec![asn(65002), asn(65003)]),
                    Segment::Sequence(vec![asn(65536)]),
                ]),
                ..igp::<0>([])
            }),
        ),
        (
            "an aggregate of a speaker of two octets: both AS4 attributes are of another time",
            TWO,
            update("", "40 01 01 00  40 02 <02 02 fde9 5ba0>  40 03 04 0a000001  c0 07 <fde9 0a000002>
                        c0 11 <02 01 00010000>  c0 12 <00010000 0a000003>", "08 0a"),
            announced(aggregated(65001, Attributes {
                as_path: path([65001, 23456]),
                ..igp::<0>([])
            })),
        ),
        (
            "AS4_AGGREGATOR without AGGREGATOR says nothing",
            TWO,
            update("", "40 01 01 00  40 02 <02 01 fde9>  40 03 04 0a000001  c0 12 <00010000 0a000003>", "08 0a"),
            announced(igp([65001])),
        ),
        (
            "AS_TRANS may be meant",
            TWO,
            update("", "40 01 01 00  40 02 <02 01 5ba0>  40 03 04 0a000001  c0 07 <5ba0 0a000002>", "08 0a"),
            announced(aggregated(23456, igp([23456]))),
        ),
        (
            "no LOCAL_PREF from within the AS",
            INTERNAL,
            update("", "40 01 01 00  40 02 00  40 03 04 0a000001", "08 0a"),
            announced(igp::<0>([])),
        ),
    ] {
        let read = read(&bytes, &coding).unwrap();
        assert_eq!(read.faults, [], "{name}");
        assert_eq!(read.message, Some(Message::Update(value.clone())), "{name}");
        let again = read_all(&write(&Message::Update(value.clone()), &coding), &coding);
        let again = again.into_iter().map(|read| match read.message {
            Some(Message::Update(update)) => update,
            other => panic!("{name}: {other:?}"),
        });
        assert_eq!(together(again), value, "{name}");
    }
}

#[test]
fn refreshes_that_are_ignored() {
    let enhanced = Coding {
        enhanced_refresh: true,
        ..FOUR
    };
    let ipv4 = Coding {
        ipv6: false,
        ..FOUR
    };
    for (name, coding, body, message_of) in [
        ("a family that is not known", FOUR, "0019 00 41", None),
        ("one that was not agreed on", ipv4, "0002 00 01", None),
        ("a subtype that is not known", enhanced, "0001 03 01", None),
        ("such a one of any length", enhanced, "0001 03", None),
        (
            "a subtype that means nothing",
            FOUR,
            "0001 01 01",
            Some(Family::Ipv4),
        ),
    ] {
        let read = read(&message(5, body), &coding).unwrap();
        let family = read.message.map(|message| match message {
            Message::Refresh(refresh) => refresh.family,
            other => panic!("{name}: {other:?}"),
        });
        assert_eq!(family, message_of, "{name}");
    }
}
