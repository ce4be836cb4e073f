//! Pools: what is refused and why, and that arithmetic says what counting says.

mod change;

use super::{range::merged, *};
use proptest::prelude::*;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn range(text: &str) -> RangeSpec {
    RangeSpec::new(cidr(text))
}

fn pool_of(ranges: Vec<RangeSpec>) -> Result<Pool, PoolError> {
    Pool::new(PoolName::new("web").unwrap(), PoolSpec::new(ranges))
}

fn refused(range: RangeSpec) -> String {
    let good = RangeSpec::new(cidr("192.168.0.0/24"));
    pool_of(vec![good, range]).unwrap_err().to_string()
}

#[test]
fn defaults_are_usual() {
    let pool = pool_of(vec![range("10.1.0.0/16"), range("fd00:1::/64")]).unwrap();
    let [v4, v6] = &pool.ranges[..] else {
        panic!("two ranges")
    };
    assert_eq!((v4.block, v6.block), (26, 122));
    assert_eq!(v4.gateway, Some(ip("10.1.0.1")));
    assert_eq!(v6.gateway, Some(ip("fd00:1::1")));
    assert_eq!(v4.block_of(ip("10.1.2.77")), Some(cidr("10.1.2.64/26")));
    assert_eq!(v4.block_of(ip("10.2.0.1")), None);
    assert_eq!(v4.block_of(ip("fd00:1::5")), None);
    assert_eq!(pool.families(), [Family::V4, Family::V6]);
    assert_eq!(pool.size(), (65536 - 3) + (1 << 64) - 2);
    assert_eq!(pool.cooldown(), 30_000);
    let block = pool.range_of_block(cidr("10.1.2.64/26")).unwrap();
    assert_eq!(block.cidr, v4.cidr);
    assert_eq!(pool.range_of_block(cidr("10.1.2.64/27")), None);
}

#[test]
fn small_prefixes_give_what_they_have() {
    for (text, gives) in [
        ("10.0.0.0/29", 5),
        ("10.0.0.0/30", 1),
        ("10.0.0.0/31", 2),
        ("10.0.0.7/32", 1),
        ("fd00::/126", 2),
        ("fd00::/127", 2),
        ("fd00::5/128", 1),
    ] {
        let pool = pool_of(vec![range(text)]).unwrap();
        assert_eq!(pool.size(), gives, "{text}");
        assert_eq!(
            pool.ranges[0].gateway.is_some(),
            gives % 2 == 1 && gives > 1 || text.ends_with("/30") || text.ends_with("/126"),
            "{text}"
        );
        assert_eq!(pool.ranges[0].block, cidr(text).prefix(), "{text}");
    }
}

#[test]
fn no_gateway_sets_no_address_aside() {
    let mut spec = range("10.0.0.0/24");
    spec.gateway = Some(GatewaySpec::None);
    let pool = pool_of(vec![spec.clone()]).unwrap();
    assert_eq!(pool.ranges[0].gateway, None);
    assert!(pool.ranges[0].gives(ip("10.0.0.1")));
    assert_eq!(pool.size(), 254);
    let json = serde_json::to_value(&spec).unwrap();
    assert_eq!(json["gateway"], "none");
    assert_eq!(serde_json::from_value::<RangeSpec>(json).unwrap(), spec);
    assert!("None".parse::<GatewaySpec>().is_err());
}

#[test]
fn what_is_wrong_is_named() {
    let block = |text, block| RangeSpec {
        block: Some(block),
        ..range(text)
    };
    let gateway = |text, gateway| RangeSpec {
        gateway: Some(GatewaySpec::Address(ip(gateway))),
        ..range(text)
    };
    let exclude = |text, items: &[&str]| RangeSpec {
        exclude: items.iter().map(|item| (*item).to_owned()).collect(),
        ..range(text)
    };
    for (spec, error) in [
        (
            block("10.0.0.0/24", 23),
            "ranges[1].block: a block of /23 is larger than the prefix 10.0.0.0/24",
        ),
        (
            block("10.0.0.0/8", 19),
            "ranges[1].block: /19 is out of range; blocks have 1 to 4096 addresses, for IPv4 /20 to /32",
        ),
        (
            block("10.0.0.0/8", 33),
            "ranges[1].block: /33 is out of range; blocks have 1 to 4096 addresses, for IPv4 /20 to /32",
        ),
        (
            block("fd00::/64", 64),
            "ranges[1].block: /64 is out of range; blocks have 1 to 4096 addresses, for IPv6 /116 to /128",
        ),
        (
            gateway("10.0.0.0/24", "10.0.1.1"),
            "ranges[1].gateway: 10.0.1.1 is not an address of 10.0.0.0/24 that a host can have",
        ),
        (
            gateway("10.0.0.0/24", "10.0.0.255"),
            "ranges[1].gateway: 10.0.0.255 is not an address of 10.0.0.0/24 that a host can have",
        ),
        (
            gateway("10.0.0.0/24", "::ffff:10.0.0.1"),
            "ranges[1].gateway: ::ffff:10.0.0.1 is not an address of 10.0.0.0/24 that a host can have",
        ),
        (
            exclude("10.0.0.0/24", &["10.0.0.9-10.0.0.3"]),
            "ranges[1].exclude[0]: \"10.0.0.9-10.0.0.3\" is no address, no prefix and no FIRST-LAST in ascending order",
        ),
        (
            exclude("10.0.0.0/24", &["10.0.0.9", "x"]),
            "ranges[1].exclude[1]: \"x\" is no address, no prefix and no FIRST-LAST in ascending order",
        ),
        (
            exclude("10.0.0.0/24", &["10.0.0.9-10.0.1.3"]),
            "ranges[1].exclude[0]: \"10.0.0.9-10.0.1.3\" is not inside the prefix",
        ),
        (
            exclude("10.0.0.0/24", &["10.0.0.0/24"]),
            "ranges[1]: 10.0.0.0/24 has no address to give",
        ),
        (
            exclude("10.0.0.0/30", &["10.0.0.2"]),
            "ranges[1]: 10.0.0.0/30 has no address to give",
        ),
        (
            gateway("10.0.0.7/32", "10.0.0.7"),
            "ranges[1]: 10.0.0.7/32 has no address to give",
        ),
        (
            range("192.168.0.128/25"),
            "ranges[1].cidr: 192.168.0.128/25 overlaps 192.168.0.0/24 of the same pool",
        ),
        (
            range("127.1.0.0/16"),
            "ranges[1].cidr: 127.1.0.0/16 overlaps 127.0.0.0/8, loopback, which no container can have",
        ),
        (
            range("::ffff:10.0.0.0/120"),
            "ranges[1].cidr: ::ffff:10.0.0.0/120 overlaps ::ffff:0.0.0.0/96, IPv4-mapped, which no container can have",
        ),
        (
            range("ff02::/64"),
            "ranges[1].cidr: ff02::/64 overlaps ff00::/8, multicast, which no container can have",
        ),
    ] {
        assert_eq!(refused(spec), error);
    }
    for special in [
        "0.0.0.0/0",
        "::/0",
        "fe80::/64",
        "224.0.1.0/24",
        "255.255.255.255/32",
        "::1/128",
    ] {
        assert!(
            matches!(
                pool_of(vec![range(special)]),
                Err(PoolError::Unusable { .. })
            ),
            "{special}"
        );
    }
    assert_eq!(pool_of(vec![]).unwrap_err(), PoolError::Count { count: 0 });
    let many: Vec<_> = (0..65).map(|i| range(&format!("10.{i}.0.0/16"))).collect();
    assert_eq!(pool_of(many).unwrap_err(), PoolError::Count { count: 65 });
    let much = exclude("10.0.0.0/8", &["10.0.0.9"; 1025]);
    assert!(refused(much).contains("1025 of them; a prefix has at most 1024"));
}

#[test]
fn settings_are_bounded() {
    let spec = |change: fn(&mut PoolSpec)| {
        let mut spec = PoolSpec::new(vec![range("10.0.0.0/24")]);
        change(&mut spec);
        Pool::new(PoolName::new("web").unwrap(), spec)
    };
    let error = spec(|s| s.cooldown = 604_801).unwrap_err().to_string();
    assert_eq!(error, "cooldown: 604801 is out of range; at most 604800");
    let error = spec(|s| s.reserve = 5000).unwrap_err().to_string();
    assert_eq!(error, "reserve: 5000 is out of range; at most 4096");
    let error = spec(|s| s.nodes = "a in".to_owned())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("nodes: "), "{error}");
    let error = spec(|s| s.namespaces = "=".to_owned())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("namespaces: "), "{error}");
}

#[test]
fn pools_must_not_overlap() {
    let named = |name: &str, text: &str| {
        Pool::new(
            PoolName::new(name).unwrap(),
            PoolSpec::new(vec![range(text)]),
        )
        .unwrap()
    };
    let (a, b) = (named("a", "10.0.0.0/16"), named("b", "10.0.128.0/20"));
    let error = b.must_not_overlap([&a, &b]).unwrap_err().to_string();
    assert_eq!(
        error,
        "ranges[0].cidr: 10.0.128.0/20 overlaps 10.0.0.0/16 of pool a"
    );
    assert!(a.must_not_overlap([&a, &named("c", "10.1.0.0/16")]).is_ok());
}

#[test]
fn huge_prefixes_cost_nothing() {
    let mut spec = range("2001:db8::/32");
    spec.exclude = (0..1000u32)
        .map(|i| format!("2001:db8:{i:x}::/64"))
        .collect();
    let pool = pool_of(vec![range("10.0.0.0/9"), spec]).unwrap();
    for i in 0..100_000u128 {
        let at = pool.ranges[1].cidr.nth(i << 70).unwrap();
        assert!(pool.range_of(at).is_some());
        std::hint::black_box(pool.ranges[1].gives(at));
    }
    assert_eq!(pool.ranges[0].blocks(), 1 << 17);
    assert_eq!(
        pool.ranges[1].gives_in(pool.ranges[1].cidr),
        (1 << 96) - (1000 << 64)
    );
}

fn any_range() -> impl Strategy<Value = RangeSpec> {
    let base = prop_oneof![Just("10.7.0.0"), Just("fd00:7::")];
    let excludes = prop::collection::vec((0..300u128, 0..70u128, 0..3u8), 0..5);
    (
        base,
        24..=32u8,
        excludes,
        prop::option::of(0..300u128),
        any::<bool>(),
    )
        .prop_map(|(base, prefix, excludes, gateway, none)| {
            let family = Family::of(ip(base));
            let prefix = prefix + family.bits() - 32;
            let cidr = Cidr::holding(ip(base), prefix).unwrap();
            let at = |index: u128| cidr.nth(index % cidr.size()).unwrap();
            let text = |(first, more, form): (u128, u128, u8)| match form {
                0 => at(first).to_string(),
                1 => Cidr::holding(at(first), family.bits() - 2)
                    .filter(|c| cidr.contains(c.first()) && cidr.contains(c.last()))
                    .map_or(at(first).to_string(), |c| c.to_string()),
                _ => {
                    let last = (first % cidr.size() + more).min(cidr.size() - 1);
                    format!("{}-{}", at(first), at(last))
                }
            };
            let gateway = gateway.map(|index| GatewaySpec::Address(at(index)));
            RangeSpec {
                cidr,
                block: None,
                gateway: gateway.or(none.then_some(GatewaySpec::None)),
                exclude: excludes.into_iter().map(text).collect(),
                draining: false,
            }
        })
}

/// Does the specification let this address be given? Read off the text, one address at a time.
fn naive(spec: &RangeSpec, index: u128) -> bool {
    let at = spec.cidr.nth(index).unwrap();
    let size = spec.cidr.size();
    let gateway = match spec.gateway {
        Some(GatewaySpec::None) => None,
        Some(GatewaySpec::Address(ip)) => Some(ip),
        None if size > 2 => spec.cidr.nth(1),
        None => None,
    };
    let v4 = spec.cidr.family() == Family::V4;
    let edge = size > 2 && (index == 0 || (v4 && index == size - 1));
    let excluded = spec.exclude.iter().any(|text| match text.split_once('-') {
        Some((first, last)) => (ip(first)..=ip(last)).contains(&at),
        None if text.contains('/') => cidr(text).contains(at),
        None => ip(text) == at,
    });
    gateway != Some(at) && !edge && !excluded
}

proptest! {
    #[test]
    fn what_is_given_is_what_the_text_says(spec in any_range(), part in 0..=8u8) {
        let given: Vec<_> = (0..spec.cidr.size()).map(|index| naive(&spec, index)).collect();
        let count = given.iter().filter(|given| **given).count() as u128;
        match pool_of(vec![spec.clone()]) {
            Ok(pool) => {
                let range = &pool.ranges[0];
                for (index, given) in given.iter().enumerate() {
                    let at = spec.cidr.nth(index as u128).unwrap();
                    prop_assert_eq!(range.gives(at), *given, "{}", at);
                }
                prop_assert_eq!(pool.size(), count);
                let length = (spec.cidr.prefix() + part).min(spec.cidr.family().bits());
                let parts = (0..spec.cidr.parts(length)).map(|i| spec.cidr.part(length, i).unwrap());
                prop_assert_eq!(parts.map(|part| range.gives_in(part)).sum::<u128>(), count);
            }
            Err(PoolError::Empty { .. }) => prop_assert_eq!(count, 0),
            Err(PoolError::Gateway { gateway, .. }) => {
                prop_assert!(gateway == spec.cidr.first() || gateway == spec.cidr.last());
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn merged_spans_are_apart_and_hold_the_same(spans in prop::collection::vec((0..200u128, 0..40u128), 0..12)) {
        let spans: Vec<_> = spans.into_iter().map(|(first, more)| (first, first + more)).collect();
        let all = merged(spans.clone());
        for pair in all.windows(2) {
            prop_assert!(pair[0].1 + 1 < pair[1].0);
        }
        for at in 0..260 {
            let holds = |spans: &[(u128, u128)]| spans.iter().any(|(a, b)| (*a..=*b).contains(&at));
            prop_assert_eq!(holds(&all), holds(&spans));
        }
    }
}
