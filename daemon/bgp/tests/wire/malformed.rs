//! UPDATEs with errors that a session survives (RFC 7606): what is wrong with the list of attributes, with more than one
//! of them, or with what they have to do with each other.

use crate::common::{FOUR, igp, prefixes, read, update};
use fairway_bgp::attr::{Attributes, NextHop};
use fairway_bgp::message::{Announced, Message, Update};
use fairway_bgp::wire::Treatment::{Discard, Withdraw};
use fairway_bgp::wire::{Coding, Fault, Field, Treatment, Wrong};
use std::net::{Ipv4Addr, Ipv6Addr};

pub(crate) const ORIGIN: &str = "40 01 01 00";
pub(crate) const AS_PATH: &str = "40 02 06 02 01 0000fde9";
pub(crate) const NEXT_HOP: &str = "40 03 04 0a000001";
const GOOD: &str = "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001";
const REACH: &str = "80 0e <0002 01 10 20010db8000000000000000000000001 00 20 20010db8>";

fn fault(field: Field, wrong: Wrong, treatment: Treatment) -> Fault {
    Fault {
        field,
        wrong,
        treatment,
    }
}

/// 10.0.0.0/8 with these attributes.
pub(crate) fn judged(coding: &Coding, attributes: &str) -> (Update, Vec<Fault>) {
    let read = read(&update("", attributes, "08 0a"), coding).expect(attributes);
    match read.message {
        Some(Message::Update(update)) => (update, read.faults),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn withdrawn() -> Update {
    Update {
        withdrawn: prefixes(["10.0.0.0/8"]),
        ..Update::default()
    }
}

pub(crate) fn announced(attributes: Attributes) -> Update {
    Update {
        attributes: Some(attributes),
        announced: vec![Announced {
            next_hop: NextHop::V4(Ipv4Addr::new(10, 0, 0, 1)),
            prefixes: prefixes(["10.0.0.0/8"]),
        }],
        ..Update::default()
    }
}

/// Of the attributes that there are twice the first one counts, right or wrong (RFC 7606, 3 g).
#[test]
fn repeated_attributes() {
    let med = |med| Attributes {
        med: Some(med),
        ..igp([65001])
    };
    let repeated = |code| fault(Field::Attribute(code), Wrong::Repeated, Discard);
    for (name, more, code, value) in [
        (
            "known",
            "80 04 04 00000001 80 04 04 00000002",
            4,
            announced(med(1)),
        ),
        (
            "a malformed one after a right one",
            "80 04 04 00000001 80 04 00",
            4,
            announced(med(1)),
        ),
        (
            "not known",
            "80 63 00 80 63 00",
            99,
            announced(igp([65001])),
        ),
        ("well-known", "40 01 01 02", 1, announced(igp([65001]))),
    ] {
        let (update, faults) = judged(&FOUR, &format!("{GOOD} {more}"));
        assert_eq!(faults, [repeated(code)], "{name}");
        assert_eq!(update, value, "{name}");
    }
    let (update, faults) = judged(&FOUR, &format!("{GOOD} 80 04 00 80 04 04 00000001"));
    let wrong = fault(Field::Attribute(4), Wrong::Length(0), Withdraw);
    assert_eq!(
        faults,
        [wrong, repeated(4)],
        "a right one after a malformed one"
    );
    assert_eq!(update, withdrawn());
}

#[test]
fn lists_that_are_not_whole() {
    for (name, list, wrong) in [
        ("only flags are left", "40", Wrong::Underrun),
        ("flags and type", "40 06", Wrong::Underrun),
        ("half a length", "50 06 00", Wrong::Underrun),
        ("a value that is cut", "80 04 04 0000", Wrong::Overrun),
        ("no value at all", "80 04 04", Wrong::Overrun),
        ("a long value", "d0 63 ffff 00", Wrong::Overrun),
    ] {
        let (update, faults) = judged(&FOUR, &format!("{GOOD} {list}"));
        assert_eq!(
            faults,
            [fault(Field::Attributes, wrong, Withdraw)],
            "{name}"
        );
        assert_eq!(update, withdrawn(), "{name}");
    }
}

#[test]
fn what_must_be_there() {
    for (name, list, missing) in [
        ("ORIGIN", [AS_PATH, NEXT_HOP].join(" "), vec![1]),
        ("AS_PATH", [ORIGIN, NEXT_HOP].join(" "), vec![2]),
        ("NEXT_HOP", [ORIGIN, AS_PATH].join(" "), vec![3]),
        ("all", String::new(), vec![1, 2, 3]),
        (
            "NEXT_HOP where only other routes have one",
            [REACH, ORIGIN, AS_PATH].join(" "),
            vec![3],
        ),
    ] {
        let (update, faults) = judged(&FOUR, &list);
        let missing = missing.into_iter();
        let missing = missing.map(|code| fault(Field::Attribute(code), Wrong::Missing, Withdraw));
        assert_eq!(faults, missing.collect::<Vec<_>>(), "{name}");
        assert_eq!(update.withdrawn[..1], prefixes(["10.0.0.0/8"]), "{name}");
        assert_eq!(
            (update.announced, update.attributes),
            (vec![], None),
            "{name}"
        );
    }
}

/// All routes of the message, of both families, with those that it withdraws anyway.
#[test]
fn routes_of_both_families_are_withdrawn() {
    let list = format!("{REACH} 40 01 01 07 {AS_PATH} {NEXT_HOP} 80 0f <0002 01 10 2001>");
    let read = read(&update("08 0b", &list, "08 0a 10 0a01"), &FOUR).unwrap();
    let wrong = fault(Field::Attribute(1), Wrong::Value, Withdraw);
    assert_eq!(read.faults, [wrong]);
    assert_eq!(
        read.message,
        Some(Message::Update(Update {
            withdrawn: prefixes([
                "11.0.0.0/8",
                "2001::/16",
                "10.0.0.0/8",
                "10.1.0.0/16",
                "2001:db8::/32"
            ]),
            ..Update::default()
        }))
    );
}

#[test]
fn the_strongest_treatment_counts() {
    let (update, faults) = judged(&FOUR, &format!("{GOOD} 40 06 01 00 80 04 00 c0 08 01 00"));
    let of = |code, wrong, treatment| fault(Field::Attribute(code), wrong, treatment);
    assert_eq!(
        faults,
        [
            of(6, Wrong::Length(1), Discard),
            of(4, Wrong::Length(0), Withdraw),
            of(8, Wrong::Length(1), Withdraw),
        ]
    );
    assert_eq!(update, withdrawn());
}

#[test]
fn next_hops_of_ipv6_that_are_no_hosts() {
    for next_hop in ["::", "::1", "ff02::1"] {
        let octets = next_hop.parse::<Ipv6Addr>().unwrap().octets();
        let digits = octets.map(|octet| format!("{octet:02x}")).concat();
        let list = format!("80 0e <0002 01 10 {digits} 00 20 20010db8> {ORIGIN} {AS_PATH}");
        let read = read(&update("", &list, ""), &FOUR).unwrap();
        assert_eq!(
            read.faults,
            [fault(Field::Attribute(14), Wrong::Value, Withdraw)],
            "{next_hop}"
        );
        let value = Update {
            withdrawn: prefixes(["2001:db8::/32"]),
            ..Update::default()
        };
        assert_eq!(read.message, Some(Message::Update(value)), "{next_hop}");
    }
}

#[test]
fn families_that_were_not_agreed_on() {
    let ipv6 = Coding {
        ipv4: false,
        ..FOUR
    };
    let ipv4 = Coding {
        ipv6: false,
        ..FOUR
    };
    let attribute =
        |code, afi, safi| fault(Field::Attribute(code), Wrong::Family(afi, safi), Discard);
    let field = |field| fault(field, Wrong::Family(1, 1), Discard);
    for (name, coding, bytes, faults, value) in [
        (
            "an MP_REACH_NLRI of labels, whatever is in it",
            FOUR,
            update(
                "",
                &format!("{GOOD} 80 0e <0001 04 04 0a000001 00 ff ff>"),
                "08 0a",
            ),
            vec![attribute(14, 1, 4)],
            announced(igp([65001])),
        ),
        (
            "nothing else",
            ipv4,
            update("", &format!("{REACH} {ORIGIN} {AS_PATH}"), ""),
            vec![attribute(14, 2, 1)],
            Update::default(),
        ),
        (
            "nothing else, with an error: there may be routes that cannot be read here",
            ipv4,
            update("", &format!("{REACH} 40 01 00 {AS_PATH}"), ""),
            vec![
                attribute(14, 2, 1),
                fault(Field::Attribute(1), Wrong::Length(0), Withdraw),
            ],
            Update::default(),
        ),
        (
            "an MP_UNREACH_NLRI",
            ipv4,
            update("", "80 0f <0002 01 20 20010db8>", ""),
            vec![attribute(15, 2, 1)],
            Update::default(),
        ),
        (
            "the end of such routes",
            ipv4,
            update("", "80 0f <0002 01>", ""),
            vec![attribute(15, 2, 1)],
            Update::default(),
        ),
        (
            "IPv4 routes",
            ipv6,
            update("08 0b", &format!("{REACH} {GOOD}"), "08 0a"),
            vec![field(Field::Withdrawn), field(Field::Announced)],
            Update {
                attributes: Some(igp([65001])),
                announced: vec![Announced {
                    next_hop: NextHop::V6("2001:db8::1".parse().unwrap(), None),
                    prefixes: prefixes(["2001:db8::/32"]),
                }],
                ..Update::default()
            },
        ),
        (
            "the end of these",
            ipv6,
            update("", "", ""),
            vec![],
            Update::default(),
        ),
    ] {
        let read = read(&bytes, &coding).unwrap();
        assert_eq!(read.faults, faults, "{name}");
        assert_eq!(read.message, Some(Message::Update(value)), "{name}");
    }
}

#[test]
fn texts() {
    for (fault, text) in [
        (
            fault(Field::Attribute(1), Wrong::Length(2), Withdraw),
            "ORIGIN: length 2; routes taken as withdrawn",
        ),
        (
            fault(Field::Attribute(99), Wrong::Repeated, Discard),
            "attribute 99: repeated; left out",
        ),
        (
            fault(Field::Attribute(14), Wrong::Family(1, 128), Discard),
            "MP_REACH_NLRI: AFI 1, SAFI 128 was not agreed on; left out",
        ),
        (
            fault(Field::Attributes, Wrong::Underrun, Withdraw),
            "attributes: ends amid an attribute; routes taken as withdrawn",
        ),
    ] {
        assert_eq!(fault.to_string(), text);
    }
}
