//! Bytes and values. The bytes are what nft 1.0.6 and iptables-nft 1.8.9 sent to
//! the kernel.

use fairway_netlink::raw::attr::{Attrs, Writer};
use ipnetwork::IpNetwork;
use proptest::prelude::*;

use super::address::{Side, canonical, match_address};
use super::expr::{Base, Expr, Extension, Verdict, target_of};
use super::rule::{Glance, ListedRule, Rule, comment_userdata};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn load(base: Base, offset: u32, len: u32) -> Expr {
    Expr::Load { base, offset, len }
}

fn compare(equal: bool, hex: &str) -> Expr {
    let data = bytes(hex);
    Expr::Compare { equal, data }
}

fn pairs() -> Vec<(&'static str, Expr)> {
    vec![
        (
            "24000180 09000100 6d657461 00000000 14000280 08000200 00000010 08000100 00000001",
            Expr::LoadTransport,
        ),
        (
            "24000180 09000100 6d657461 00000000 14000280 08000200 00000003 08000100 00000001",
            Expr::LoadMark,
        ),
        (
            "28000180 08000100 66696200 1c000280 08000100 00000001 08000200 00000003 08000300
             00000002",
            Expr::LoadDestinationType,
        ),
        (
            "34000180 0c000100 7061796c 6f616400 24000280 08000100 00000001 08000200 00000002
             08000300 00000002 08000400 00000002",
            load(Base::Transport, 2, 2),
        ),
        (
            "2c000180 0e000100 696d6d65 64696174 65000000 18000280 08000100 00000001 0c000280
             08000100 0a160002",
            Expr::PutAddress(vec![10, 22, 0, 2]),
        ),
        (
            "2c000180 0e000100 696d6d65 64696174 65000000 18000280 08000100 00000002 0c000280
             06000100 00350000",
            Expr::PutPort([0, 53]),
        ),
        (
            "30000180 08000100 6e617400 24000280 08000100 00000001 08000200 00000002 08000300
             00000001 08000500 00000002",
            Expr::Dnat { v6: false },
        ),
        (
            "30000180 08000100 6e617400 24000280 08000100 00000001 08000200 0000000a 08000300
             00000001 08000500 00000002",
            Expr::Dnat { v6: true },
        ),
        (
            "34000180 0b000100 74617267 65740000 24000280 09000100 4d41524b 00000000 08000200
             00000002 0c000300 00200000 00200000",
            Expr::XtTarget(Extension {
                name: "MARK".to_owned(),
                revision: 2,
                info: bytes("0020000000200000"),
            }),
        ),
        (
            "38000180 0a000100 6d617463 68000000 28000280 0d000100 61646472 74797065 00000000
             08000200 00000001 0c000300 00000400 00000000",
            Expr::XtMatch(Extension {
                name: "addrtype".to_owned(),
                revision: 1,
                info: bytes("0000040000000000"),
            }),
        ),
        (
            "24000180 09000100 6d65746100000000 14000280 08000200 0000000f 08000100 00000001",
            Expr::LoadProtocol,
        ),
        (
            "24000180 09000100 6d65746100000000 14000280 08000200 00000006 08000100 00000001",
            Expr::LoadInputName,
        ),
        (
            "24000180 09000100 6d65746100000000 14000280 08000200 00000007 08000100 00000001",
            Expr::LoadOutputName,
        ),
        (
            "20000180 07000100 63740000 14000280 08000200 00000001 08000100 00000001",
            Expr::LoadDirection,
        ),
        (
            "20000180 07000100 63740000 14000280 08000200 00000002 08000100 00000001",
            Expr::LoadStatus,
        ),
        (
            "34000180 0c000100 7061796c6f616400 24000280 08000100 00000001 08000200 00000001
             08000300 00000010 08000400 00000002",
            load(Base::Network, 16, 2),
        ),
        (
            "34000180 0c000100 7061796c6f616400 24000280 08000100 00000001 08000200 00000000
             08000300 00000006 08000400 00000006",
            load(Base::Link, 6, 6),
        ),
        (
            "44000180 0c000100 6269747769736500 34000280 08000100 00000001 08000200 00000001
             08000300 00000004 0c000480 08000100 f0000000 0c000580 08000100 00000000",
            Expr::Mask(vec![0xf0, 0, 0, 0]),
        ),
        (
            "2c000180 08000100 636d7000 20000280 08000100 00000001 08000200 00000000
             0c000380 06000100 0a160000",
            compare(true, "0a16"),
        ),
        (
            "2c000180 08000100 636d7000 20000280 08000100 00000001 08000200 00000001
             0c000380 07000100 c0a80100",
            compare(false, "c0a801"),
        ),
        (
            "2c000180 0c000100 636f756e74657200 1c000280 0c000100 0000000000000000
             0c000200 0000000000000000",
            Expr::Counter,
        ),
        (
            "48000180 0b000100 74617267657400 00 38000280 0f000100 4d41535155455241444500 00
             08000200 00000000 1c000300 010000000000000000000000000000000000000000000000",
            Expr::XtMasquerade { v6: false },
        ),
        (
            "58000180 0b000100 74617267657400 00 48000280 0f000100 4d41535155455241444500 00
             08000200 00000000 2c000300
             00000000000000000000000000000000000000000000000000000000000000000000000000000000",
            Expr::XtMasquerade { v6: true },
        ),
        (
            "14000180 09000100 6d61737100000000 04000280",
            Expr::Masquerade,
        ),
        (
            "30000180 0e000100 696d6d6564696174650000 00 1c000280 08000100 00000000
             10000280 0c000280 08000100 00000000",
            Expr::Verdict(Verdict::Drop),
        ),
        (
            "30000180 0e000100 696d6d6564696174650000 00 1c000280 08000100 00000000
             10000280 0c000280 08000100 00000001",
            Expr::Verdict(Verdict::Accept),
        ),
        (
            "30000180 0e000100 696d6d6564696174650000 00 1c000280 08000100 00000000
             10000280 0c000280 08000100 fffffffb",
            Expr::Verdict(Verdict::Return),
        ),
        (
            "40000180 0e000100 696d6d6564696174650000 00 2c000280 08000100 00000000
             20000280 1c000280 08000100 fffffffc 10000200 6d6173715f636865636b7300",
            Expr::Verdict(Verdict::Goto("masq_checks".to_owned())),
        ),
        (
            "4c000180 0e000100 696d6d6564696174650000 00 38000280 08000100 00000000
             2c000280 28000280 08000100 fffffffd
             1a000200 636e692d62722d69666163652d6162632d6574683000 0000",
            Expr::Verdict(Verdict::Jump("cni-br-iface-abc-eth0".to_owned())),
        ),
    ]
}

fn written(expr: &Expr) -> Vec<u8> {
    let mut list = Writer::new();
    expr.write(&mut list);
    list.finish().unwrap()
}

fn read(list: &[u8]) -> Vec<Expr> {
    Attrs::new(list)
        .map(|element| Expr::read(&element))
        .collect()
}

#[test]
fn expressions_are_written_and_read_as_others_do() {
    for (hex, expr) in pairs() {
        assert_eq!(written(&expr), bytes(hex), "{expr:?}");
        assert_eq!(read(&bytes(hex)), [expr]);
    }
}

#[test]
fn the_comment_match_is_256_bytes_whatever_the_text() {
    let text = r#"name: "mynet" id: "abc123""#;
    let comment = Expr::XtComment(text.to_owned());
    let head = "2c010180 0a000100 6d61746368000000 1c010280 0c000100 636f6d6d656e7400
                08000200 00000000 04010300";
    let mut expected = bytes(head);
    expected.extend_from_slice(text.as_bytes());
    expected.resize(0x12c, 0);
    assert_eq!(written(&comment), expected);
    assert_eq!(read(&expected), [comment]);
}

#[test]
fn what_differs_in_a_detail_is_another_expression() {
    for (hex, expr) in pairs() {
        let good = bytes(hex);
        // The first byte of data that our expressions do not have otherwise:
        // a register, an operation, a flag.
        for (from, to) in [
            ("08000100 00000001", "08000100 00000002"),
            ("08000200 00000001", "08000200 00000007"),
            (
                "0000000000000000000000000000",
                "0000000100000000000000000000",
            ),
        ] {
            let (from, to) = (bytes(from), bytes(to));
            let Some(at) = good.windows(from.len()).position(|part| part == from) else {
                continue;
            };
            let mut changed = good.clone();
            changed[at..at + to.len()].copy_from_slice(&to);
            assert_ne!(read(&changed), std::slice::from_ref(&expr), "{hex}");
        }
    }
    // Masquerading to a range of ports.
    let ports = "1c000180 09000100 6d61737100000000 0c000280 08000100 00000001";
    assert_eq!(read(&bytes(ports)), [Expr::Other("masq".to_owned())]);
}

#[test]
fn the_spellings_of_older_programs_are_the_same_rule() {
    let network: IpNetwork = "10.22.0.0/16".parse().unwrap();
    let older = vec![
        load(Base::Network, 16, 4),
        Expr::Mask(vec![255, 255, 0, 0]),
        compare(true, "0a160000"),
        Expr::Counter,
        Expr::XtMasquerade { v6: false },
    ];
    let mut newer = match_address(Side::Destination, network, true);
    newer.push(Expr::XtComment("any".to_owned()));
    newer.push(Expr::Masquerade);
    assert_eq!(canonical(&older), canonical(&newer));
    for different in [
        match_address(Side::Source, network, true),
        match_address(Side::Destination, network, false),
        match_address(Side::Destination, "10.22.0.0/15".parse().unwrap(), true),
        match_address(Side::Destination, "10.22.0.0/17".parse().unwrap(), true),
        match_address(Side::Destination, "10.23.0.0/16".parse().unwrap(), true),
    ] {
        assert_ne!(canonical(&different), canonical(&older[..3]));
    }
}

fn rule() -> Rule {
    Rule {
        exprs: vec![
            Expr::XtComment("words".to_owned()),
            Expr::Verdict(Verdict::Jump("elsewhere".to_owned())),
        ],
        comment: None,
        tag: Some("0011223344556677-8899aabbccddeeff".to_owned()),
        compat: Some(0),
    }
}

#[test]
fn a_rule_comes_back_as_it_was_written() {
    let mut attrs = Writer::new();
    rule().write("nat", "POSTROUTING", &mut attrs);
    let body = attrs.finish().unwrap();
    let glance = Glance::new(Attrs::new(&body));
    assert!(glance.leads_to("elsewhere") && !glance.leads_to("else"));
    // The tag is none of the comments that `nft` shows.
    assert!(!glance.comment_begins("0011") && !glance.comment_begins(""));
    let listed = glance.read();
    assert!(listed.is(&rule()));
    assert_eq!(listed.tag, rule().tag);
    assert_eq!(listed.target(), Some("elsewhere"));
    assert_eq!(listed.chain, "POSTROUTING");
    let other = Rule {
        exprs: vec![
            Expr::XtComment("word".to_owned()),
            Expr::Verdict(Verdict::Jump("elsewhere".to_owned())),
        ],
        ..rule()
    };
    assert!(!listed.is(&other));
}

#[test]
fn comments_are_written_as_nft_writes_them() {
    assert_eq!(comment_userdata("x"), bytes("00 02 78 00"));
    assert_eq!(
        comment_userdata("macspoofchk-abc-eth0"),
        bytes("00156d616373706f6f6663686b2d6162632d6574683000")
    );
}

proptest! {
    #[test]
    fn reading_never_fails(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let glance = Glance::new(Attrs::new(&body));
        let _ = (glance.comment_begins("x"), glance.leads_to("x"));
        let rule: ListedRule = glance.read();
        let _ = canonical(&rule.exprs);
        for element in Attrs::new(&body) {
            let _ = (Expr::read(&element), target_of(&element));
        }
    }

    #[test]
    fn reading_a_damaged_rule_never_fails(at in 0usize..400, value in any::<u8>()) {
        let mut attrs = Writer::new();
        rule().write("nat", "POSTROUTING", &mut attrs);
        let mut body = attrs.finish().unwrap();
        let at = at % body.len();
        body[at] = value;
        let glance = Glance::new(Attrs::new(&body));
        let _ = (glance.comment_begins("x"), glance.leads_to("x"));
        let _ = canonical(&glance.read().exprs);
    }

    #[test]
    fn canonical_keeps_what_an_address_match_does(
        address in any::<u32>(), prefix in 0u8..=32, equal in any::<bool>()
    ) {
        let network = IpNetwork::new(std::net::Ipv4Addr::from(address).into(), prefix).unwrap();
        let exprs = match_address(Side::Source, network, equal);
        prop_assert_eq!(canonical(&canonical(&exprs)), canonical(&exprs));
        let list: Vec<u8> = exprs.iter().flat_map(written).collect();
        prop_assert_eq!(read(&list), exprs);
    }
}
