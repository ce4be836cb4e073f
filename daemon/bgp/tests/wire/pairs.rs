//! Bytes and values that are each other's only form.

use crate::common::{FOUR, INTERNAL, TWO, asn, hex, id, igp, message, prefixes, read, write};
use fairway_bgp::attr::{
    Aggregator, AsPath, Attributes, Community, ExtendedCommunity, LargeCommunity, NextHop, Origin,
    Segment, Unknown,
};
use fairway_bgp::message::{
    Announced, Cease, Message, Notification, Reason, Refresh, RefreshKind, Update,
};
use fairway_bgp::wire::Coding;
use fairway_bgp::{Asn, Family};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What it shows, under which coding, the bytes, their meaning.
pub(crate) type Pair = (&'static str, Coding, Vec<u8>, Message);

#[test]
fn both_ways() {
    for (name, coding, bytes, value) in all() {
        let read = read(&bytes, &coding).unwrap();
        assert_eq!(read.message.as_ref(), Some(&value), "{name}");
        assert_eq!(read.faults, [], "{name}");
        assert_eq!(write(&value, &coding), bytes, "{name}");
    }
}

pub(crate) fn all() -> Vec<Pair> {
    let mut all = few();
    all.extend(crate::open::pairs());
    all.extend(updates());
    all
}

/// All but OPEN and UPDATE.
fn few() -> Vec<Pair> {
    let enhanced = Coding {
        enhanced_refresh: true,
        ..FOUR
    };
    vec![
        (
            "KEEPALIVE",
            Coding::default(),
            hex("ffffffff ffffffff ffffffff ffffffff    # marker
                 0013                                   # length: 19
                 04                                     # type"),
            Message::Keepalive,
        ),
        (
            "NOTIFICATION without data",
            Coding::default(),
            hex("ffffffff ffffffff ffffffff ffffffff 0015 03
                 04 00 # hold timer"),
            Message::Notification(Reason::HoldTimer.into()),
        ),
        (
            "NOTIFICATION with a text (RFC 9003)",
            FOUR,
            message(
                3,
                "06 02 # cease, administrative shutdown
                        03    # length of the text
                        627965",
            ),
            Message::Notification(Notification::with_text(Cease::Shutdown, "bye")),
        ),
        (
            "NOTIFICATION that is not known",
            FOUR,
            message(3, "63 07 ab"),
            Message::Notification(Notification::of(Reason::Unknown(99, 7), &[0xAB])),
        ),
        (
            "ROUTE-REFRESH",
            FOUR,
            hex("ffffffff ffffffff ffffffff ffffffff 0017 05
                 0001 00 01 # AFI, reserved, SAFI"),
            Message::Refresh(Refresh {
                family: Family::Ipv4,
                kind: RefreshKind::Wanted,
            }),
        ),
        (
            "beginning of a refresh (RFC 7313)",
            enhanced,
            message(5, "0002 01 01"),
            Message::Refresh(Refresh {
                family: Family::Ipv6,
                kind: RefreshKind::Begin,
            }),
        ),
        (
            "end of a refresh (RFC 7313)",
            enhanced,
            message(5, "0001 02 01"),
            Message::Refresh(Refresh {
                family: Family::Ipv4,
                kind: RefreshKind::End,
            }),
        ),
    ]
}

fn updates() -> Vec<Pair> {
    let confederation = Coding {
        confederation: true,
        as_sets: true,
        ..FOUR
    };
    let by_ipv6 = Coding {
        ipv4_by_ipv6: true,
        ..FOUR
    };
    let update = |update| Message::Update(update);
    let gateway = NextHop::V4(Ipv4Addr::new(10, 0, 0, 1));
    let global: Ipv6Addr = "2001:db8::1".parse().unwrap();
    let link: Ipv6Addr = "fe80::1".parse().unwrap();
    vec![
        (
            "end of IPv4's routes",
            FOUR,
            hex("ffffffff ffffffff ffffffff ffffffff 0017 02
                 0000 # no withdrawn routes
                 0000 # no attributes"),
            update(Update {
                end_of_rib: Some(Family::Ipv4),
                ..Update::default()
            }),
        ),
        (
            "end of IPv6's routes",
            FOUR,
            message(2, "0000
                        0007             # attributes
                        90 0f 0003       # MP_UNREACH_NLRI
                        0002 01"),
            update(Update {
                end_of_rib: Some(Family::Ipv6),
                ..Update::default()
            }),
        ),
        (
            "IPv4 routes withdrawn",
            FOUR,
            message(2, "000a                # withdrawn routes
                        08 0a          # 10.0.0.0/8
                        19 c0000280    # 192.0.2.128/25
                        00             # 0.0.0.0/0
                        01 80          # 128.0.0.0/1
                        0000"),
            update(Update {
                withdrawn: prefixes(["10.0.0.0/8", "192.0.2.128/25", "0.0.0.0/0", "128.0.0.0/1"]),
                ..Update::default()
            }),
        ),
        (
            "IPv6 routes withdrawn",
            FOUR,
            message(2, "0000
                        000d                   # attributes
                        90 0f 0009             # MP_UNREACH_NLRI
                        0002 01                # AFI, SAFI
                        20 20010db8            # 2001:db8::/32
                        00                     # ::/0"),
            update(Update {
                withdrawn: prefixes(["2001:db8::/32", "::/0"]),
                ..Update::default()
            }),
        ),
        (
            "IPv4 routes with all attributes, within an AS",
            INTERNAL,
            message(2, "0000
                        0077                                       # attributes
                        40 01 01 02                                # ORIGIN: incomplete
                        40 02 0a 02 02 0000fde9 fa56ea01           # AS_PATH: 65001 4200000001
                        40 03 04 0a000001                          # NEXT_HOP: 10.0.0.1
                        80 04 04 00000064                          # MULTI_EXIT_DISC: 100
                        40 05 04 000000c8                          # LOCAL_PREF: 200
                        40 06 00                                   # ATOMIC_AGGREGATE
                        c0 07 08 0000fde9 0a000002                 # AGGREGATOR: 65001, 10.0.0.2
                        c0 08 08 fde90001 ffffff01                 # COMMUNITIES: 65001:1, NO_EXPORT
                        80 09 04 0a000003                          # ORIGINATOR_ID
                        80 0a 08 0a000005 0a000004                 # CLUSTER_LIST
                        c0 10 08 0002fde9 00000064                 # EXTENDED COMMUNITIES: rt 65001:100
                        e0 1b 02 abcd                              # not known: 27, with Partial
                        c0 20 0c 0000fde9 00000001 00000002        # LARGE_COMMUNITY: 65001:1:2
                        e0 23 04 0000fde9                          # not known: 35, with Partial
                        18 c00002                                  # 192.0.2.0/24
                        10 0a01                                    # 10.1.0.0/16"),
            update(Update {
                attributes: Some(Attributes {
                    origin: Origin::Incomplete,
                    med: Some(100),
                    local_pref: Some(200),
                    atomic_aggregate: true,
                    aggregator: Some(Aggregator {
                        asn: asn(65001),
                        router: Ipv4Addr::new(10, 0, 0, 2),
                    }),
                    communities: vec![Community(0xFDE9_0001), Community::NO_EXPORT],
                    originator: Some(id("10.0.0.3")),
                    clusters: vec![id("10.0.0.5"), id("10.0.0.4")],
                    extended: vec![ExtendedCommunity(0x0002_FDE9_0000_0064)],
                    large: vec![LargeCommunity {
                        global: 65001,
                        local: [1, 2],
                    }],
                    unknown: vec![
                        Unknown {
                            code: 27,
                            value: [0xAB, 0xCD].into(),
                        },
                        Unknown {
                            code: 35,
                            value: [0, 0, 0xFD, 0xE9].into(),
                        },
                    ],
                    ..igp([65001, 4_200_000_001])
                }),
                announced: vec![Announced {
                    next_hop: gateway,
                    prefixes: prefixes(["192.0.2.0/24", "10.1.0.0/16"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "AS numbers for a speaker of two octets (RFC 6793)",
            TWO,
            message(2, "(
                        ) (
                        40 01 01 00                             # ORIGIN
                        40 02 08 02 03 5ba0 fde9 5ba0           # AS_PATH: AS_TRANS 65001 AS_TRANS
                        40 03 04 0a000001                       # NEXT_HOP
                        c0 07 06 5ba0 0a000002                  # AGGREGATOR: AS_TRANS
                        c0 11 0e 02 03 fa56ea01 0000fde9 00010000 # AS4_PATH
                        c0 12 08 00010000 0a000002              # AS4_AGGREGATOR
                        ) 08 0a"),
            update(Update {
                attributes: Some(Attributes {
                    aggregator: Some(Aggregator {
                        asn: asn(65536),
                        router: Ipv4Addr::new(10, 0, 0, 2),
                    }),
                    ..igp([4_200_000_001, 65001, 65536])
                }),
                announced: vec![Announced {
                    next_hop: gateway,
                    prefixes: prefixes(["10.0.0.0/8"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "nothing more for such a speaker where no number is longer",
            TWO,
            message(2, "( ) (
                        40 01 01 00
                        40 02 04 02 01 fde9
                        40 03 04 0a000001
                        c0 07 06 fde9 0a000002
                        ) 08 0a"),
            update(Update {
                attributes: Some(Attributes {
                    aggregator: Some(Aggregator {
                        asn: asn(65001),
                        router: Ipv4Addr::new(10, 0, 0, 2),
                    }),
                    ..igp([65001])
                }),
                announced: vec![Announced {
                    next_hop: gateway,
                    prefixes: prefixes(["10.0.0.0/8"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "IPv6 routes by a global and a link-local next hop (RFC 2545)",
            FOUR,
            message(2, "0000
                        003d                                     # attributes
                        90 0e 002c                               # MP_REACH_NLRI, before all others
                        0002 01                                  # AFI, SAFI
                        20 20010db8 00000000 00000000 00000001   # next hops: 32 octets
                           fe800000 00000000 00000000 00000001
                        00                                       # reserved
                        30 20010db8 0001                         # 2001:db8:1::/48
                        40 01 01 00                              # ORIGIN
                        40 02 06 02 01 0000fde9                  # AS_PATH"),
            update(Update {
                attributes: Some(igp([65001])),
                announced: vec![Announced {
                    next_hop: NextHop::V6(global, Some(link)),
                    prefixes: prefixes(["2001:db8:1::/48"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "IPv4 routes by an IPv6 next hop (RFC 8950)",
            by_ipv6,
            message(2, "( ) (
                        90 0e (
                            0001 01
                            10 20010db8 00000000 00000000 00000001
                            00
                            18 c00002
                        )
                        40 01 01 00
                        40 02 06 02 01 0000fde9
                        )"),
            update(Update {
                attributes: Some(igp([65001])),
                announced: vec![Announced {
                    next_hop: NextHop::V6(global, None),
                    prefixes: prefixes(["192.0.2.0/24"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "a path of a confederation, with sets (RFC 5065)",
            confederation,
            message(2, "( ) (
                        40 01 01 00
                        40 02 < 03 01 0000ff01            # AS_CONFED_SEQUENCE: 65281
                                04 02 0000ff02 0000ff03   # AS_CONFED_SET
                                02 01 0000fde9            # AS_SEQUENCE: 65001
                                01 02 0000fdea 0000fdeb > # AS_SET
                        40 03 04 0a000001
                        40 05 04 00000064                 # LOCAL_PREF, from such a neighbour
                        ) 08 0a"),
            update(Update {
                attributes: Some(Attributes {
                    local_pref: Some(100),
                    as_path: AsPath::new([
                        Segment::ConfedSequence(vec![asn(65281)]),
                        Segment::ConfedSet(vec![asn(65282), asn(65283)]),
                        Segment::Sequence(vec![asn(65001)]),
                        Segment::Set(vec![asn(65002), asn(65003)]),
                    ]),
                    ..igp::<0>([])
                }),
                announced: vec![Announced {
                    next_hop: gateway,
                    prefixes: prefixes(["10.0.0.0/8"]),
                }],
                ..Update::default()
            }),
        ),
        (
            "an empty path, from a neighbour within the AS",
            INTERNAL,
            message(2, "( ) ( 40 01 01 01  40 02 00  40 03 04 0a000001 ) 20 0a000007"),
            update(Update {
                attributes: Some(Attributes {
                    origin: Origin::Egp,
                    ..igp::<0>([])
                }),
                announced: vec![Announced {
                    next_hop: gateway,
                    prefixes: prefixes(["10.0.0.7/32"]),
                }],
                ..Update::default()
            }),
        ),
        long_path(),
    ]
}

/// A path of more AS than a segment has, whose attribute needs a length of two octets.
fn long_path() -> Pair {
    let all = "0000fde9".repeat(255);
    let bytes = format!(
        "( ) (
         40 01 01 00
         50 02 0404 # AS_PATH, extended length: 2 + 4 × 255 + 2 + 4 × 1
            02 ff {all}
            02 01 0000fde9
         40 03 04 0a000001
         ) 08 0a"
    );
    (
        "a long path",
        FOUR,
        message(2, &bytes),
        Message::Update(Update {
            attributes: Some(Attributes::new(
                Origin::Igp,
                AsPath::sequence(std::iter::repeat_n(Asn::new(65001).unwrap(), 256)),
            )),
            announced: vec![Announced {
                next_hop: NextHop::V4(Ipv4Addr::new(10, 0, 0, 1)),
                prefixes: prefixes(["10.0.0.0/8"]),
            }],
            ..Update::default()
        }),
    )
}
