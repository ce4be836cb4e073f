//! What ends a session, and the NOTIFICATION that it ends with: headers, UPDATEs whose routes cannot be told for sure
//! (RFC 7606, 3 and 5), ROUTE-REFRESH.

use crate::common::{FOUR, framed, hex, message, read, update};
use fairway_bgp::message::Notification;
use fairway_bgp::wire::{self, Coding};

fn assert_refused(refused: Notification, (code, subcode): (u8, u8), data: &str, name: &str) {
    assert_eq!(refused.reason.codes(), (code, subcode), "{name}");
    assert_eq!(refused.data, hex(data), "{name}");
}

#[test]
fn headers() {
    const MARKER: &str = "ffffffff ffffffff ffffffff ffffffff";
    let extended = Coding {
        extended_messages: true,
        ..FOUR
    };
    for (name, coding, header, codes, data) in [
        ("no marker", FOUR, "00000000", (1, 1), ""),
        (
            "what speaks something else",
            FOUR,
            "474554202f20",
            (1, 1),
            "",
        ),
        (
            "a marker that is nearly right",
            FOUR,
            "ffffffff ffffffff ffffffff fffffffe",
            (1, 1),
            "",
        ),
        ("shorter than a header", FOUR, "0012 04", (1, 2), "0012"),
        ("length 0", FOUR, "0000 02", (1, 2), "0000"),
        ("KEEPALIVE with a body", FOUR, "0014 04", (1, 2), "0014"),
        ("short OPEN", FOUR, "001c 01", (1, 2), "001c"),
        ("short UPDATE", FOUR, "0016 02", (1, 2), "0016"),
        ("short NOTIFICATION", FOUR, "0014 03", (1, 2), "0014"),
        ("UPDATE of 4097 octets", FOUR, "1001 02", (1, 2), "1001"),
        (
            "OPEN of 4097 octets, always",
            extended,
            "1001 01",
            (1, 2),
            "1001",
        ),
        (
            "KEEPALIVE of 4097 octets, always",
            extended,
            "1001 04",
            (1, 2),
            "1001",
        ),
        ("type 0", FOUR, "0013 00", (1, 3), "00"),
        ("type 6", FOUR, "0013 06", (1, 3), "06"),
        (
            "a length comes before a type",
            FOUR,
            "0012 06",
            (1, 2),
            "0012",
        ),
    ] {
        let bytes = match codes {
            (1, 1) => hex(header),
            _ => hex(&format!("{MARKER} {header}")),
        };
        let refused = wire::split(&bytes, &coding).expect_err(name);
        assert_refused(refused, codes, data, name);
    }
    for (name, coding, header) in [
        ("UPDATE of 4096 octets", FOUR, "1000 02"),
        ("UPDATE of 65535 octets", extended, "ffff 02"),
        ("NOTIFICATION of 65535 octets", extended, "ffff 03"),
        ("half a header", FOUR, "10"),
        ("nothing yet", FOUR, ""),
    ] {
        let bytes = hex(&format!("{MARKER} {header}"));
        assert_eq!(wire::split(&bytes, &coding), Ok(None), "{name}");
    }
}

#[test]
fn updates() {
    const GOOD: &str = "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000001";
    let fields = |withdrawn, attributes: &str, announced| {
        update(withdrawn, attributes, announced)[19..].to_vec()
    };
    let hop = "20010db8000000000000000000000001";
    for (name, body, codes, data) in [
        // 3 (b)
        (
            "withdrawn routes that are longer than the message",
            hex("0001 0000"),
            (3, 1),
            "",
        ),
        ("no length of attributes", hex("0001 00 00"), (3, 1), ""),
        (
            "attributes that are longer than the message",
            hex("0000 0001"),
            (3, 1),
            "",
        ),
        // 5.3, and 3 (i)
        (
            "an IPv4 prefix of 33 bits",
            fields("", GOOD, "21 0a00000000"),
            (3, 10),
            "",
        ),
        (
            "one that is cut",
            fields("", GOOD, "08 0a 18 0a00"),
            (3, 10),
            "",
        ),
        ("a length alone", fields("", GOOD, "08"), (3, 10), ""),
        (
            "one of 33 bits that is withdrawn",
            fields("21 0a00000000", "", ""),
            (3, 10),
            "",
        ),
        (
            "one that is cut and withdrawn",
            fields("18 0a00", "", ""),
            (3, 10),
            "",
        ),
        // 5.3, 7.11, and RFC 4760, 7
        (
            "MP_REACH_NLRI of 4 octets",
            fields("", "80 0e 04 0002 01 00", ""),
            (3, 9),
            "80 0e 04 0002 01 00",
        ),
        (
            "a next hop of 4 octets for IPv6",
            fields("", "80 0e <0002 01 04 0a000001 00 00>", ""),
            (3, 9),
            "80 0e <0002 01 04 0a000001 00 00>",
        ),
        (
            "one of 24",
            fields(
                "",
                &format!("80 0e <0002 01 18 {hop} 0000000000000000 00 00>"),
                "",
            ),
            (3, 9),
            "80 0e <0002 01 18 20010db8000000000000000000000001 0000000000000000 00 00>",
        ),
        (
            "one of 16 for IPv4 where that was not agreed on (RFC 8950)",
            fields("", &format!("80 0e <0001 01 10 {hop} 00 08 0a>"), ""),
            (3, 9),
            "80 0e <0001 01 10 20010db8000000000000000000000001 00 08 0a>",
        ),
        (
            "one that is longer than the attribute",
            fields("", "80 0e <0002 01 10 20010db8>", ""),
            (3, 9),
            "80 0e <0002 01 10 20010db8>",
        ),
        (
            "an IPv6 prefix of 129 bits",
            fields("", &format!("80 0e <0002 01 10 {hop} 00 81 {hop}00>"), ""),
            (3, 9),
            "80 0e <0002 01 10 20010db8000000000000000000000001 00 81 20010db800000000000000000000000100>",
        ),
        (
            "one that is cut",
            fields("", &format!("80 0e <0002 01 10 {hop} 00 20 2001>"), ""),
            (3, 9),
            "80 0e <0002 01 10 20010db8000000000000000000000001 00 20 2001>",
        ),
        (
            "MP_REACH_NLRI that is transitive",
            fields("", &format!("c0 0e <0002 01 10 {hop} 00 00>"), ""),
            (3, 9),
            "c0 0e <0002 01 10 20010db8000000000000000000000001 00 00>",
        ),
        (
            "MP_UNREACH_NLRI of 2 octets",
            fields("", "80 0f 02 0002", ""),
            (3, 9),
            "80 0f 02 0002",
        ),
        (
            "a prefix in it that is cut",
            fields("", "80 0f <0002 01 20 2001>", ""),
            (3, 9),
            "80 0f <0002 01 20 2001>",
        ),
        (
            "MP_UNREACH_NLRI that is well-known",
            fields("", "40 0f <0002 01>", ""),
            (3, 9),
            "40 0f <0002 01>",
        ),
        (
            "MP_REACH_NLRI that is longer than the list",
            fields("", "40 01 01 00 80 0e 20 0002 01", "08 0a"),
            (3, 9),
            "80 0e 20 0002 01",
        ),
        (
            "MP_UNREACH_NLRI without a length",
            fields("", "80 0f", "08 0a"),
            (3, 9),
            "80 0f",
        ),
        // 3 (g)
        (
            "MP_REACH_NLRI twice",
            fields(
                "",
                &format!("80 0e <0002 01 10 {hop} 00 00> 80 0e <0002 01 10 {hop} 00 00>"),
                "",
            ),
            (3, 1),
            "",
        ),
        (
            "MP_UNREACH_NLRI twice",
            fields("", "80 0f <0002 01> 80 0f <0002 01>", ""),
            (3, 1),
            "",
        ),
        // RFC 4271, 6.3
        (
            "a well-known attribute that is not known",
            fields("", &format!("{GOOD} 40 63 01 00"), "08 0a"),
            (3, 2),
            "40 63 01 00",
        ),
        // 5.2: nothing is announced, so that nothing can be withdrawn instead
        (
            "ORIGIN of 2 octets",
            fields("", "40 01 02 0000", ""),
            (3, 5),
            "40 01 02 0000",
        ),
        (
            "ORIGIN that there is not",
            fields("", "40 01 01 03", ""),
            (3, 6),
            "40 01 01 03",
        ),
        (
            "flags of ORIGIN",
            fields("", "80 01 01 03", ""),
            (3, 4),
            "80 01 01 03",
        ),
        (
            "a malformed AS_PATH",
            fields("08 0a", "40 02 01 02", ""),
            (3, 11),
            "40 02 01 02",
        ),
        (
            "NEXT_HOP 0.0.0.0",
            fields("", "40 03 04 00000000", ""),
            (3, 8),
            "40 03 04 00000000",
        ),
        (
            "MULTI_EXIT_DISC of 1 octet",
            fields("", "80 04 01 00", ""),
            (3, 5),
            "80 04 01 00",
        ),
        (
            "the end of the list",
            fields("", "80 0f <0002 01 10 2001> 40", ""),
            (3, 1),
            "40",
        ),
        (
            "MP_REACH_NLRI without routes",
            fields("", &format!("80 0e <0002 01 10 {hop} 00> 40 01 00"), ""),
            (3, 5),
            "40 01 00",
        ),
        (
            "its next hop",
            fields(
                "",
                "80 0e <0002 01 10 00000000000000000000000000000000 00>",
                "",
            ),
            (3, 9),
            "80 0e <0002 01 10 00000000000000000000000000000000 00>",
        ),
        (
            "the first of several",
            fields("", "40 06 01 00 40 01 00 40 03 00", ""),
            (3, 5),
            "40 01 00",
        ),
    ] {
        let refused = read(&framed(2, &body), &FOUR).expect_err(name);
        assert_refused(refused, codes, data, name);
    }
    // What is only left out is borne there, too.
    for attributes in ["40 06 01 00", "40 05 04 00000001", "80 63 00 80 63 00"] {
        let read = read(&update("08 0a", attributes, ""), &FOUR).expect(attributes);
        assert_eq!(read.faults.len(), 1, "{attributes}");
    }
}

#[test]
fn refreshes() {
    let enhanced = Coding {
        enhanced_refresh: true,
        ..FOUR
    };
    let whole = "ffffffff ffffffff ffffffff ffffffff";
    for (name, coding, body, codes, data) in [
        ("too short", FOUR, "0001 00", (1, 2), "0016".to_owned()),
        ("empty", FOUR, "", (1, 2), "0013".into()),
        ("too long", FOUR, "0001 00 01 00", (1, 2), "0018".into()),
        (
            "too long, of no subtype",
            enhanced,
            "0001 00 01 00",
            (1, 2),
            "0018".into(),
        ),
        (
            "a subtype that was not agreed on",
            FOUR,
            "0001 01",
            (1, 2),
            "0016".into(),
        ),
        (
            "short beginning",
            enhanced,
            "0001 01",
            (7, 1),
            format!("{whole} 0016 05 0001 01"),
        ),
        (
            "long end",
            enhanced,
            "0001 02 01 ff",
            (7, 1),
            format!("{whole} 0018 05 0001 02 01 ff"),
        ),
    ] {
        let refused = read(&message(5, body), &coding).expect_err(name);
        assert_refused(refused, codes, &data, name);
    }
}
