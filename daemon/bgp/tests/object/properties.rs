//! What holds of anything at all.

use super::object as written;
use fairway_bgp::object::{self, BgpConfig, BgpPeer, Node, Object, for_node};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

const WORDS: &[&str] = &[
    "nodes",
    "asn",
    "routerID",
    "clusterID",
    "listen",
    "port",
    "addresses",
    "advertise",
    "blocks",
    "claims",
    "pools",
    "wholePools",
    "gracefulRestart",
    "mode",
    "restartTime",
    "staleTime",
    "deferral",
    "multipath",
    "multipathRelax",
    "alwaysCompareMed",
    "address",
    "prefix",
    "sourceAddress",
    "localAsn",
    "families",
    "ipv4",
    "ipv6",
    "maxPrefixes",
    "limit",
    "warnAt",
    "over",
    "restartAfter",
    "ipv6NextHops",
    "passive",
    "holdTime",
    "connectRetry",
    "ttl",
    "multihop",
    "security",
    "password",
    "passwordFile",
    "reflectorClient",
    "nextHopSelf",
    "enforceFirstAs",
    "import",
    "export",
    "default",
    "rules",
    "name",
    "match",
    "set",
    "then",
    "prefixes",
    "ge",
    "le",
    "family",
    "communities",
    "largeCommunities",
    "asPath",
    "origin",
    "sources",
    "peerAddresses",
    "peerAsns",
    "localPreference",
    "med",
    "nextHop",
    "prepend",
    "replace",
    "remove",
    "add",
    "contains",
    "minLength",
    "empty",
    "Full",
    "Warn",
    "Accept",
    "Reject",
    "Internal",
    "External",
    "Self",
    "None",
    "IPv4",
    "IGP",
    "Block",
    "90s",
    "n1",
    "n*",
    "10.0.0.1",
    "fd00::1",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "64512:1",
    "64512:*",
    "1:2:3",
    "no-export",
    "/etc/key",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![19 => select(WORDS).prop_map(str::to_owned), 1 => any::<String>()]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        3 => (0..40_u32).prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        6 => word().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => vec((word(), inner), 0..6).prop_map(|all| Value::Object(Map::from_iter(all))),
        ]
    })
}

/// Fields that may be left out.
fn some(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| proptest::option::of(value.prop_map(move |value| (name, value))))
        .collect();
    fields
        .prop_map(|all| {
            let all = all.into_iter().flatten();
            Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
        })
        .boxed()
}

fn of(values: &[Value]) -> BoxedStrategy<Value> {
    select(values.to_vec()).boxed()
}

fn flag() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn time(least: u16, most: u16) -> BoxedStrategy<Value> {
    (least..=most).prop_map(|n| json!(format!("{n}s"))).boxed()
}

fn list(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::subsequence(values, 1..=values.len())
        .prop_map(|all| json!(all))
        .boxed()
}

fn config() -> BoxedStrategy<Value> {
    let listen = vec![
        ("port", (1..=u16::MAX).prop_map(Value::from).boxed()),
        ("addresses", list(&["10.0.0.1", "::", "fd00::/8"])),
    ];
    let advertise = vec![
        ("claims", flag()),
        ("pools", list(&["web", "db.1"])),
        ("wholePools", list(&["web"])),
        ("addresses", list(&["192.0.2.0/24", "0.0.0.0/0", "::/0"])),
    ];
    let graceful = vec![
        ("mode", of(&[json!("Full"), json!("Helper"), json!("Off")])),
        ("restartTime", time(1, 4095)),
        ("staleTime", time(1, u16::MAX)),
        ("deferral", time(1, u16::MAX)),
    ];
    some(vec![
        ("nodes", list(&["n1", "n*", "*"])),
        ("asn", of(&[json!(64512), json!(65010)])),
        ("clusterID", of(&[json!("1.2.3.4")])),
        ("listen", some(listen)),
        ("advertise", some(advertise)),
        ("gracefulRestart", some(graceful)),
        ("multipath", (1..=64_u8).prop_map(Value::from).boxed()),
        ("multipathRelax", flag()),
        ("alwaysCompareMed", flag()),
    ])
}

fn filter() -> BoxedStrategy<Value> {
    let question = (
        list(&["Block", "Claim", "Peer"]),
        some(vec![
            ("communities", list(&["1:1", "2:*", "no-export"])),
            ("largeCommunities", list(&["1:1:1", "2:*:*"])),
            (
                "prefixes",
                of(&[
                    json!([{"prefix": "10.0.0.0/8", "ge": 9}]),
                    json!([{"prefix": "::/0"}, {"prefix": "0.0.0.0/0", "le": 32}]),
                ]),
            ),
            ("origin", of(&[json!("EGP")])),
            (
                "asPath",
                of(&[json!({"empty": true}), json!({"minLength": 2})]),
            ),
        ]),
    );
    let question = question.prop_map(|(sources, mut rest)| {
        rest["sources"] = sources;
        rest
    });
    let change = (
        0..9_u32,
        some(vec![
            (
                "nextHop",
                of(&[json!("Self"), json!("Unchanged"), json!("fd00::7")]),
            ),
            ("prepend", (1..=32_u8).prop_map(Value::from).boxed()),
            (
                "communities",
                of(&[
                    json!({"replace": []}),
                    json!({"remove": ["1:*"], "add": ["2:2"]}),
                ]),
            ),
        ]),
    );
    let change = change.prop_map(|(med, mut rest)| {
        rest["med"] = json!(med);
        rest
    });
    let rule =
        (question, proptest::option::of(change)).prop_map(|(question, change)| match change {
            Some(change) => json!({"match": question, "set": change, "then": "Accept"}),
            None => json!({"match": question, "then": "Reject"}),
        });
    some(vec![
        ("default", of(&[json!("Accept"), json!("Reject")])),
        ("rules", vec(rule, 0..4).prop_map(Value::from).boxed()),
    ])
}

fn peer() -> BoxedStrategy<Value> {
    let limit = json!({"limit": 5});
    let rest = some(vec![
        ("nodes", list(&["n1", "n*", "*"])),
        (
            "families",
            of(&[
                json!({"ipv4": {"maxPrefixes": limit}}),
                json!({"ipv4": {"ipv6NextHops": true}, "ipv6": {}}),
            ]),
        ),
        ("passive", of(&[json!(true)])),
        ("holdTime", time(3, u16::MAX)),
        ("connectRetry", time(1, u16::MAX)),
        ("ttl", of(&[json!({"multihop": 2}), json!({"security": 1})])),
        ("passwordFile", of(&[json!("/etc/key")])),
        ("import", filter()),
        ("export", filter()),
    ]);
    let place = of(&[
        json!({"address": "10.0.0.1"}),
        json!({"address": "10.0.0.2", "port": 1179, "sourceAddress": "10.0.0.1"}),
        json!({"prefix": "fd00::/64"}),
    ]);
    let asn = of(&[
        json!({"asn": 64512, "reflectorClient": true}),
        json!({"asn": 65001, "localAsn": 65002}),
        json!({"asn": [64512, 65001], "nextHopSelf": true}),
        json!({"asn": "Internal"}),
        json!({"asn": "External", "enforceFirstAs": false}),
    ]);
    let all = (rest, place, asn).prop_map(|parts| {
        let (rest, place, asn) = parts;
        let maps = [rest, place, asn].into_iter();
        let fields = maps.filter_map(|part| part.as_object().cloned()).flatten();
        Value::Object(fields.collect())
    });
    all.boxed()
}

fn fixpoint(value: Value) -> Result<(), TestCaseError> {
    match object::parse(value) {
        Ok(parsed) => {
            let again = object::parse(parsed.json.clone());
            prop_assert_eq!(again, Ok(parsed));
        }
        Err(error) => {
            prop_assert!(!error.faults.is_empty());
            prop_assert_eq!(error.to_string().lines().count(), error.faults.len());
        }
    }
    Ok(())
}

fn parsed(kind: &str, number: usize, spec: Value) -> Object {
    let value = written(kind, &format!("o{number}"), spec);
    object::parse(value).expect("an object that is fine").object
}

proptest! {
    /// Nothing makes it panic; what is taken is the same when its stored form is read.
    #[test]
    fn what_is_taken_is_stored_so(spec in anything()) {
        for kind in ["BgpConfig", "BgpPeer"] {
            fixpoint(written(kind, "x", spec.clone()))?;
        }
    }

    #[test]
    fn what_is_fine_is_taken(config in config(), peer in peer()) {
        for (kind, spec) in [("BgpConfig", config), ("BgpPeer", peer)] {
            let parsed = object::parse(written(kind, "x", spec)).expect("an object that is fine");
            prop_assert_eq!(object::parse(parsed.json.clone()), Ok(parsed));
        }
    }

    /// A value in the place of another is a fault or not, but never a panic, and stored as it is taken.
    #[test]
    fn one_wrong_field_breaks_nothing_else(mut spec in peer(), name in select(WORDS), value in anything()) {
        spec[name] = value;
        fixpoint(written("BgpPeer", "x", spec))?;
    }

    /// Each peer of a node is its neighbour, or there is a word on why not; the order of objects says nothing.
    #[test]
    fn every_peer_is_accounted_for(configs in vec(config(), 0..4), peers in vec(peer(), 0..6)) {
        let configs: Vec<BgpConfig> = configs.into_iter().enumerate().map(|(number, spec)| {
            match parsed("BgpConfig", number, spec) {
                Object::Config(config) => config,
                Object::Peer(peer) => panic!("{peer:?}"),
            }
        }).collect();
        let peers: Vec<BgpPeer> = peers.into_iter().enumerate().map(|(number, spec)| {
            match parsed("BgpPeer", number, spec) {
                Object::Peer(peer) => peer,
                Object::Config(config) => panic!("{config:?}"),
            }
        }).collect();
        let node = Node { name: "n1", addresses: &["192.0.2.1".parse().unwrap()] };
        let found = for_node(node, &configs, &peers);
        let turned = for_node(node, configs.iter().rev(), peers.iter().rev());
        prop_assert_eq!(&found, &turned);
        for peer in peers.iter().filter(|peer| peer.nodes.fit("n1").is_some()) {
            let is = found.neighbours.iter().any(|one| one.name == peer.name);
            let told = found.problems.iter().any(|problem| problem.name == peer.name);
            prop_assert!(is || told, "{}", peer.name);
            // A session takes whatever is valid in an object.
            let refused = found.problems.iter().find(|problem| problem.field == "spec");
            prop_assert_eq!(refused, None);
        }
        let fits = configs.iter().filter(|config| config.nodes.fit("n1").is_some()).count();
        prop_assert_eq!(found.config.is_some(), fits > 0);
    }
}
