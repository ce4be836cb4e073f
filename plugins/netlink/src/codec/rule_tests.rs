//! Bytes and values of rules.

use ipnetwork::IpNetwork;
use proptest::collection::vec;
use proptest::prelude::*;

use super::rule::{decode, of, read};
use crate::route::Family;
use crate::rule::{Rule, RuleAction};

fn any_net(family: Family) -> impl Strategy<Value = Option<IpNetwork>> {
    let of = move |(bits, length): (u128, u8)| {
        let net = match family {
            Family::V4 => IpNetwork::new(std::net::Ipv4Addr::from(bits as u32).into(), length % 32),
            Family::V6 => IpNetwork::new(std::net::Ipv6Addr::from(bits).into(), length % 128),
        };
        let net = net.ok()?;
        let net = IpNetwork::new(net.network(), net.prefix() + 1).ok()?;
        IpNetwork::new(net.network(), net.prefix()).ok()
    };
    proptest::option::of((any::<u128>(), any::<u8>())).prop_map(move |drawn| drawn.and_then(of))
}

fn any_action() -> impl Strategy<Value = RuleAction> {
    prop_oneof![
        (1..=u32::MAX).prop_map(RuleAction::Lookup),
        Just(RuleAction::Blackhole),
        Just(RuleAction::Unreachable),
        Just(RuleAction::Prohibit),
        (9..=u8::MAX).prop_map(RuleAction::Other),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Family::V4), Just(Family::V6)].prop_flat_map(|family| {
        (
            any::<u32>(),
            any_net(family),
            any_net(family),
            proptest::option::of("[a-z.]{1,15}"),
            proptest::option::of(1..=u64::MAX),
            any_action(),
            any::<u8>(),
        )
            .prop_map(
                move |(priority, src, dst, iif, tun_id, action, protocol)| Rule {
                    src,
                    dst,
                    iif,
                    tun_id,
                    protocol,
                    ..Rule::new(family, priority, action)
                },
            )
    })
}

/// As Linux 6 tells it.
#[cfg(target_endian = "little")]
fn told() -> Vec<u8> {
    let mut body = vec![2, 0, 0, 0, 252, 0, 0, 1, 0, 0, 0, 0];
    body.extend_from_slice(&[7, 0, 3, 0, b'v', b'x', 0, 0]);
    body.extend_from_slice(&[8, 0, 15, 0, 0, 16, 3, 149]);
    body.extend_from_slice(&[8, 0, 14, 0, 255, 255, 255, 255]);
    body.extend_from_slice(&[8, 0, 6, 0, 100, 0, 0, 0]);
    body.extend_from_slice(&[12, 0, 12, 0, 0, 0, 0, 0, 0, 0, 16, 0]);
    body.extend_from_slice(&[5, 0, 21, 0, 77, 0, 0, 0]);
    body
}

#[test]
#[cfg(target_endian = "little")]
fn what_the_kernel_tells_is_read() {
    let expected = Rule {
        iif: Some("vx".into()),
        tun_id: Some(4096),
        protocol: 77,
        ..Rule::new(Family::V4, 100, RuleAction::Lookup(2_500_005_888))
    };
    assert_eq!(decode(&told()), Some(expected.clone()));
    // What asks for more is known, and known not to be all: a mark, "not", a TOS,
    // a route that is not good enough.
    let not = [&told()[..8], &[2], &told()[9..]].concat();
    let tos = [&told()[..3], &[4], &told()[4..]].concat();
    let mark = [told(), vec![8, 0, 10, 0, 1, 0, 0, 0]].concat();
    let suppress = [told(), vec![8, 0, 14, 0, 0, 0, 0, 0]].concat();
    for more in [not, tos, mark, suppress] {
        assert_eq!(read(&more), Some((expected.clone(), false)));
        assert_eq!(decode(&more), None);
    }
    // Of multicast routing, and cut off.
    assert_eq!(read(&[&[128], &told()[1..]].concat()), None);
    assert_eq!(read(&told()[..11]), None);
}

#[test]
fn a_rule_is_shown_as_ip_shows_it() {
    let rule = Rule {
        src: Some("10.0.0.0/8".parse().unwrap()),
        dst: Some("10.1.0.0/16".parse().unwrap()),
        iif: Some("vx".into()),
        tun_id: Some(7),
        ..Rule::new(Family::V4, 100, RuleAction::Lookup(1007))
    };
    assert_eq!(
        rule.to_string(),
        "100: from 10.0.0.0/8 to 10.1.0.0/16 iif vx tun_id 7 lookup 1007"
    );
    let rule = Rule::new(Family::V6, 1, RuleAction::Blackhole);
    assert_eq!(rule.to_string(), "1: from all blackhole");
}

proptest! {
    #[test]
    fn what_is_written_is_read(rule in any_rule()) {
        prop_assert_eq!(read(&of(&rule)), Some((rule, true)));
    }

    #[test]
    fn one_finds_itself_and_what_asks_for_more(rule in any_rule()) {
        prop_assert!(rule.finds(&rule));
        let bare = Rule {
            protocol: rule.protocol,
            ..Rule::new(rule.family, rule.priority, rule.action)
        };
        prop_assert!(bare.finds(&rule));
        prop_assert_eq!(rule.finds(&bare), rule == bare);
    }

    #[test]
    fn garbage(family in prop_oneof![Just(2_u8), Just(10), any::<u8>()], rest in vec(any::<u8>(), 0..200)) {
        let _ = read(&[&[family], &rest[..]].concat());
    }
}
