//! OPEN: both ways, other forms, and what is refused.

use crate::common::{asn, hex, id, message, read, write};
use crate::pairs::Pair;
use fairway_bgp::message::{Capability, GracefulRestart, Message, Open, Role};
use fairway_bgp::wire::{self, Coding, Unwritable};
use fairway_bgp::{Family, HoldTime};

fn open(number: u32, capabilities: Vec<Capability>) -> Open {
    Open {
        asn: asn(number),
        hold_time: HoldTime::new(90).unwrap(),
        router: id("10.0.0.1"),
        capabilities,
    }
}

fn unknown(code: u8, value: &[u8]) -> Capability {
    Capability::Unknown {
        code,
        value: value.into(),
    }
}

/// Version, AS 65001, hold time, identifier.
const FIXED: &str = "04 fde9 005a 0a000001";

pub(crate) fn pairs() -> Vec<Pair> {
    let coding = Coding::default();
    let long = [0xAB; 255];
    let digits = "ab".repeat(255);
    vec![
        (
            "OPEN of a speaker without capabilities",
            coding,
            hex("ffffffff ffffffff ffffffff ffffffff 001d 01
                 04         # version
                 fde9       # AS
                 005a       # hold time
                 0a000001   # identifier
                 00         # no parameters"),
            Message::Open(open(65001, vec![])),
        ),
        (
            "OPEN with all capabilities",
            coding,
            message(
                1,
                "04
                        5ba0                   # AS_TRANS
                        005a 0a000001
                        32                     # parameters
                        02 30                  # one of capabilities
                        01 04 0001 00 01       # multiprotocol: IPv4 unicast
                        01 04 0002 00 01       # IPv6 unicast
                        02 00                  # route refresh
                        05 06 0001 0001 0002   # extended next hop: IPv4 unicast by IPv6
                        06 00                  # extended message
                        09 01 03               # role: customer
                        40 06 c078 0001 01 80  # graceful restart: R, N, 120 s; IPv4 with F
                        41 04 fa56ea01         # four octets: 4200000001
                        46 00                  # enhanced refresh
                        49 03 026869           # host name, which is not known here",
            ),
            Message::Open(open(
                4_200_000_001,
                vec![
                    Capability::Multiprotocol(1, 1),
                    Capability::Multiprotocol(2, 1),
                    Capability::Refresh,
                    Capability::ExtendedNextHop(vec![(1, 1, 2)]),
                    Capability::ExtendedMessage,
                    Capability::Role(Role::Customer),
                    Capability::GracefulRestart(GracefulRestart {
                        restarting: true,
                        notification: true,
                        seconds: 120,
                        families: vec![(Family::Ipv4, true)],
                    }),
                    Capability::FourOctets(asn(4_200_000_001)),
                    Capability::EnhancedRefresh,
                    unknown(73, &[2, b'h', b'i']),
                ],
            )),
        ),
        (
            "the longest parameters of RFC 4271",
            coding,
            message(
                1,
                &format!(
                    "{FIXED} ff # 255 octets, and yet not RFC 9072: the next is a type
                                 02 fd c8 fb {}",
                    "ab".repeat(251)
                ),
            ),
            Message::Open(open(65001, vec![unknown(200, &long[..251])])),
        ),
        (
            "longer ones (RFC 9072)",
            coding,
            message(
                1,
                &format!(
                    "{FIXED} ff ff 0104
                                 02 0101 c8 ff {digits}"
                ),
            ),
            Message::Open(open(65001, vec![unknown(200, &long)])),
        ),
    ]
}

#[test]
fn other_forms() {
    let families = vec![
        Capability::Multiprotocol(1, 1),
        Capability::Multiprotocol(2, 1),
    ];
    for (name, parameters, asn, capabilities) in [
        (
            "a parameter for each capability",
            "< 02 06 01 04 0001 00 01 02 06 01 04 0002 00 01 >",
            65001,
            families.clone(),
        ),
        (
            "lengths of two octets that are not needed",
            "ff ff ( 02 ( 01 04 0001 00 01 01 04 0002 00 01 ) )",
            65001,
            families.clone(),
        ),
        (
            "the length of RFC 4271 says nothing then",
            "01 ff ( 02 ( 01 04 0001 00 01 ) 02 ( 01 04 0002 00 01 ) )",
            65001,
            families.clone(),
        ),
        (
            "the same twice",
            "< 02 < 02 00 02 00 > >",
            65001,
            vec![Capability::Refresh, Capability::Refresh],
        ),
        (
            "a parameter without capabilities",
            "< 02 00 >",
            65001,
            vec![],
        ),
        (
            "the reserved octet says nothing",
            "< 02 < 01 04 0001 ff 01 > >",
            65001,
            vec![Capability::Multiprotocol(1, 1)],
        ),
        (
            "a role that there is not",
            "< 02 < 09 01 05 > >",
            65001,
            vec![unknown(9, &[5])],
        ),
        (
            "families that are not spoken here are left out of a graceful restart",
            "< 02 < 40 0a 0000 0001 80 00 0002 01 00 > >",
            65001,
            vec![Capability::GracefulRestart(GracefulRestart {
                families: vec![(Family::Ipv6, false)],
                ..GracefulRestart::default()
            })],
        ),
        (
            "the AS of four octets counts",
            "< 02 < 41 04 00010000 > >",
            65536,
            vec![Capability::FourOctets(asn(65536))],
        ),
    ] {
        let bytes = message(1, &format!("{FIXED} {parameters}"));
        let value = Message::Open(open(asn, capabilities));
        let coding = Coding::default();
        let message = read(&bytes, &coding).unwrap().message;
        assert_eq!(message, Some(value.clone()), "{name}");
        let again = read(&write(&value, &coding), &coding).unwrap();
        assert_eq!(again.message, Some(value), "{name}");
    }
}

#[test]
fn refused() {
    for (name, body, subcode, data) in [
        ("version 5", "05 fde9 005a 0a000001 00", 1, "0004"),
        ("version 3", "03 fde9 005a 0a000001 00", 1, "0004"),
        ("AS 0", "04 0000 005a 0a000001 00", 2, ""),
        (
            "AS 0 of four octets",
            "04 5ba0 005a 0a000001 < 02 < 41 04 00000000 > >",
            2,
            "",
        ),
        ("identifier 0", "04 fde9 005a 00000000 00", 3, ""),
        ("hold time 1", "04 fde9 0001 0a000001 00", 6, ""),
        ("hold time 2", "04 fde9 0002 0a000001 00", 6, ""),
        (
            "a parameter of type 1",
            "04 fde9 005a 0a000001 < 01 < 00 > >",
            4,
            "",
        ),
        (
            "a parameter of type 255 that is not the first",
            "04 fde9 005a 0a000001 < 02 00 ff 00 >",
            4,
            "",
        ),
        (
            "more than the parameters' length",
            "04 fde9 005a 0a000001 00 02",
            0,
            "",
        ),
        (
            "less than the parameters' length",
            "04 fde9 005a 0a000001 03 02 00",
            0,
            "",
        ),
        (
            "a parameter cut in its length",
            "04 fde9 005a 0a000001 < 02 >",
            0,
            "",
        ),
        (
            "a parameter cut in its value",
            "04 fde9 005a 0a000001 < 02 03 02 00 >",
            0,
            "",
        ),
        (
            "an extended length that is too short",
            "04 fde9 005a 0a000001 ff ff 0002 02 0000",
            0,
            "",
        ),
        (
            "no extended length",
            "04 fde9 005a 0a000001 ff ff 00",
            0,
            "",
        ),
        (
            "a capability cut in its value",
            "04 fde9 005a 0a000001 < 02 < 01 04 0001 00 > >",
            0,
            "",
        ),
        (
            "a capability cut in its length",
            "04 fde9 005a 0a000001 < 02 < 01 > >",
            0,
            "",
        ),
        (
            "multiprotocol of 5 octets",
            "04 fde9 005a 0a000001 < 02 < 01 05 0001000100 > >",
            0,
            "",
        ),
        (
            "route refresh of 1 octet",
            "04 fde9 005a 0a000001 < 02 < 02 01 00 > >",
            0,
            "",
        ),
        (
            "extended next hop of 5 octets",
            "04 fde9 005a 0a000001 < 02 < 05 05 0001000100 > >",
            0,
            "",
        ),
        (
            "extended message of 1 octet",
            "04 fde9 005a 0a000001 < 02 < 06 01 00 > >",
            0,
            "",
        ),
        (
            "role of 0 octets",
            "04 fde9 005a 0a000001 < 02 < 09 00 > >",
            0,
            "",
        ),
        (
            "role of 2 octets",
            "04 fde9 005a 0a000001 < 02 < 09 02 0000 > >",
            0,
            "",
        ),
        (
            "graceful restart of 1 octet",
            "04 fde9 005a 0a000001 < 02 < 40 01 00 > >",
            0,
            "",
        ),
        (
            "graceful restart of 5 octets",
            "04 fde9 005a 0a000001 < 02 < 40 05 0000000101 > >",
            0,
            "",
        ),
        (
            "four octets of 2",
            "04 fde9 005a 0a000001 < 02 < 41 02 fde9 > >",
            0,
            "",
        ),
        (
            "enhanced refresh of 1 octet",
            "04 fde9 005a 0a000001 < 02 < 46 01 00 > >",
            0,
            "",
        ),
    ] {
        let refused = read(&message(1, body), &Coding::default()).unwrap_err();
        assert_eq!(refused.reason.codes(), (2, subcode), "{name}");
        assert_eq!(refused.data, hex(data), "{name}");
    }
}

#[test]
fn unwritable() {
    let of = |open: Open| {
        let mut bytes = vec![7];
        let result = wire::write(&Message::Open(open), &Coding::default(), &mut bytes);
        assert_eq!(bytes.len() > 1, result.is_ok(), "nothing is left behind");
        result
    };
    assert_eq!(
        of(open(65536, vec![])),
        Err(Unwritable::Asn(asn(65536))),
        "nowhere to tell it"
    );
    assert_eq!(
        of(open(1, vec![unknown(200, &[0; 256])])),
        Err(Unwritable::Capability {
            code: 200,
            length: 256
        })
    );
    // 29 octets without parameters, 6 of lengths, 15 times 257, and 206: 4096.
    let mut all = vec![unknown(200, &[0; 255]); 15];
    all.push(unknown(200, &[0; 204]));
    assert_eq!(of(open(1, all.clone())), Ok(()));
    all.push(Capability::Refresh);
    assert_eq!(
        of(open(1, all)),
        Err(Unwritable::TooLong {
            length: 4098,
            limit: 4096
        })
    );
}
