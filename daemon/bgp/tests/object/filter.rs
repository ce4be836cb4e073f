//! `import` and `export`.

use super::{peer, refused, taken, taken_peer};
use fairway_bgp::attr::{AsPath, Attributes, Community, LargeCommunity, NextHop, Origin};
use fairway_bgp::policy::{
    Action, CommunityMatch, HopChange, LargeMatch, Party, PathMatch, Policy, PrefixMatch, Rule,
    Source, Subject, Term,
};
use fairway_bgp::{Asn, Family, Prefix};
use serde_json::{Value, json};

fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn large(global: u32, first: u32, second: u32) -> LargeCommunity {
    let local = [first, second];
    LargeCommunity { global, local }
}

#[track_caller]
fn export(filter: Value) -> Policy {
    let stored = taken(&peer(json!({"prefix": "10.0.0.0/8", "export": filter})));
    let mut full = filter;
    for (field, default) in [("default", json!("Reject")), ("rules", json!([]))] {
        if full.get(field).is_none() {
            full[field] = default;
        }
    }
    assert_eq!(stored.json["spec"]["export"], full);
    let parsed = taken_peer(stored.json["spec"].clone());
    Policy::clone(&parsed.export.unwrap())
}

#[test]
fn rules_say_what_stands_in_them() {
    let found = export(json!({
        "default": "Accept",
        "rules": [
            {
                "name": "blocks",
                "match": {
                    "prefixes": [
                        {"prefix": "10.1.0.0/16"},
                        {"prefix": "10.2.0.0/16", "ge": 24},
                        {"prefix": "10.3.0.0/16", "le": 28},
                        {"prefix": "10.4.0.0/16", "ge": 24, "le": 28},
                        {"prefix": "0.0.0.0/0"},
                    ],
                    "family": "IPv4",
                    "communities": ["64512:100", "64512:*", "no-export"],
                    "largeCommunities": ["64512:1:2", "4294967295:*:*"],
                    "asPath": {
                        "contains": 65001,
                        "beginsWith": 65002,
                        "originatedBy": 65003,
                        "minLength": 1,
                        "maxLength": 5,
                    },
                    "origin": "IGP",
                    "sources": ["Block", "Claim", "Pool", "Address", "Peer"],
                    "peerAddresses": ["10.0.0.1", "fd00::1"],
                    "peerAsns": [65001],
                },
                "set": {
                    "localPreference": 0,
                    "med": 4_294_967_295_u32,
                    "nextHop": "10.0.0.9",
                    "prepend": 32,
                    "communities": {"remove": ["64512:*"], "add": ["0:65535", "blackhole"]},
                    "largeCommunities": {"replace": []},
                },
                "then": "Accept",
            },
            {"match": {"asPath": {"empty": false}}, "then": "Reject"},
            {
                "match": {"family": "IPv6", "asPath": {"empty": true}},
                "set": {
                    "med": "None",
                    "nextHop": "fd00::9",
                    "communities": {"replace": ["1:1"]},
                    "largeCommunities": {"remove": ["1:2:3"], "add": ["4:5:6"]},
                },
                "then": "Accept",
            },
            {"match": {"asPath": {"minLength": 3}}, "set": {"nextHop": "Self"}, "then": "Accept"},
            {
                "match": {"asPath": {"maxLength": 3}},
                "set": {"nextHop": "Unchanged"},
                "then": "Accept",
            },
        ],
    }));
    let prefixes = [
        PrefixMatch::exact(prefix("10.1.0.0/16")),
        PrefixMatch::lengths(prefix("10.2.0.0/16"), 24, 32).unwrap(),
        PrefixMatch::lengths(prefix("10.3.0.0/16"), 16, 28).unwrap(),
        PrefixMatch::lengths(prefix("10.4.0.0/16"), 24, 28).unwrap(),
        PrefixMatch::exact(prefix("0.0.0.0/0")),
    ];
    let all = [
        Source::Block,
        Source::Claim,
        Source::Pool,
        Source::Chosen,
        Source::Neighbour,
    ];
    let peers = ["10.0.0.1", "fd00::1"].map(|ip| ip.parse().unwrap());
    let path = |path| Term::Path(path);
    let rules = [
        Rule::accept("blocks")
            .when(Term::Prefixes(prefixes.into_iter().collect()))
            .when(Term::Family(Family::Ipv4))
            .when(Term::Communities(vec![
                CommunityMatch::Exact(Community(64512 << 16 | 100)),
                CommunityMatch::Of(64512),
                CommunityMatch::Exact(Community::NO_EXPORT),
            ]))
            .when(Term::Large(vec![
                LargeMatch::Exact(large(64512, 1, 2)),
                LargeMatch::Of(u32::MAX),
            ]))
            .when(Term::Origin(Origin::Igp))
            .when(Term::Source(all.to_vec()))
            .when(Term::Neighbour(peers.to_vec()))
            .when(Term::NeighbourAs(vec![asn(65001)]))
            .when(path(PathMatch::Contains(asn(65001))))
            .when(path(PathMatch::BeginsWith(asn(65002))))
            .when(path(PathMatch::OriginatedBy(asn(65003))))
            .when(path(PathMatch::Length(1, 5)))
            .then(Action::LocalPref(0))
            .then(Action::Med(Some(u32::MAX)))
            .then(Action::NextHop(HopChange::Address(NextHop::V4(
                "10.0.0.9".parse().unwrap(),
            ))))
            .then(Action::Prepend(32))
            .then(Action::RemoveCommunities(vec![CommunityMatch::Of(64512)]))
            .then(Action::AddCommunities(vec![
                Community(65535),
                Community::BLACKHOLE,
            ]))
            .then(Action::SetLarge(Vec::new())),
        Rule::refuse("number 2").when(path(PathMatch::Length(1, usize::MAX))),
        Rule::accept("number 3")
            .when(Term::Family(Family::Ipv6))
            .when(path(PathMatch::Empty))
            .then(Action::Med(None))
            .then(Action::NextHop(HopChange::Address(NextHop::V6(
                "fd00::9".parse().unwrap(),
                None,
            ))))
            .then(Action::SetCommunities(vec![Community(1 << 16 | 1)]))
            .then(Action::RemoveLarge(vec![LargeMatch::Exact(large(1, 2, 3))]))
            .then(Action::AddLarge(vec![large(4, 5, 6)])),
        Rule::accept("number 4")
            .when(path(PathMatch::Length(3, usize::MAX)))
            .then(Action::NextHop(HopChange::Own)),
        Rule::accept("number 5")
            .when(path(PathMatch::Length(0, 3)))
            .then(Action::NextHop(HopChange::Unchanged)),
        Rule::accept("(default)"),
    ];
    assert_eq!(found, Policy::new("export", rules).unwrap());
}

/// What a policy says of a route to the prefix.
fn decides(policy: &Policy, to: &str) -> bool {
    let attributes = Attributes::new(Origin::Igp, AsPath::default());
    let subject = Subject {
        prefix: prefix(to),
        attributes: &attributes,
        neighbour: Party {
            address: "10.0.0.1".parse().unwrap(),
            asn: asn(65001),
            internal: false,
        },
        source: Source::Block,
    };
    policy.decide(&subject).accepted
}

#[test]
fn what_no_rule_says_the_default_does() {
    let rules = json!([{"match": {"prefixes": [{"prefix": "10.0.0.0/8"}]}, "then": "Accept"}]);
    for (filter, to, accepted) in [
        (json!({}), "10.0.0.0/8", false),
        (json!({"default": "Accept"}), "10.0.0.0/8", true),
        (json!({"rules": rules}), "10.0.0.0/8", true),
        (json!({"rules": rules}), "10.0.0.0/9", false),
        (
            json!({"default": "Accept", "rules": rules}),
            "10.0.0.0/9",
            true,
        ),
        (
            json!({"default": "Accept", "rules": [{"then": "Reject"}]}),
            "10.0.0.0/8",
            false,
        ),
    ] {
        let policy = export(filter.clone());
        assert_eq!(decides(&policy, to), accepted, "{filter} {to}");
    }
}

#[test]
fn the_default_route_goes_where_a_rule_names_it() {
    let rules =
        |prefix: Value| json!({"rules": [{"match": {"prefixes": [prefix]}, "then": "Accept"}]});
    for (filter, to, accepted) in [
        (json!({"default": "Accept"}), "0.0.0.0/0", false),
        (json!({"rules": [{"then": "Accept"}]}), "::/0", false),
        (
            rules(json!({"prefix": "0.0.0.0/0", "le": 32})),
            "0.0.0.0/0",
            false,
        ),
        (
            rules(json!({"prefix": "0.0.0.0/0", "le": 32})),
            "10.0.0.0/8",
            true,
        ),
        (rules(json!({"prefix": "0.0.0.0/0"})), "0.0.0.0/0", true),
        (rules(json!({"prefix": "0.0.0.0/0"})), "::/0", false),
        (
            rules(json!({"prefix": "0.0.0.0/0", "le": 0})),
            "0.0.0.0/0",
            true,
        ),
        (rules(json!({"prefix": "::/0"})), "::/0", true),
    ] {
        let policy = export(filter.clone());
        assert_eq!(decides(&policy, to), accepted, "{filter} {to}");
    }
}

/// Its field below the rule, and what is wrong.
fn rows() -> Vec<(Value, String)> {
    let asks = |question: Value| json!({"match": question, "then": "Accept"});
    let sets = |change: Value| json!({"set": change, "then": "Accept"});
    let one = |prefix: Value| asks(json!({"prefixes": [prefix]}));
    let path = |path: Value| asks(json!({"asPath": path}));
    let community = "must be a community, such as 64512:100 or no-export";
    let all = format!("{community}, or all of an AS, such as 64512:*");
    let numbers = format!("{community}, of two numbers up to 65535");
    let large = "must be a large community, such as 64512:1:2";
    let words = "prefixes, family, communities, largeCommunities, asPath, origin, sources, peerAddresses, peerAsns";
    let mut rows = vec![
        (json!({}), "then: must be given".to_owned()),
        (json!({"then": "accept"}), "then: \"accept\" is not known; there are Accept, Reject".into()),
        (json!({"then": "Accept", "action": 1}), "action: no such field".into()),
        (
            json!({"then": "Accept", "name": "To Fabric"}),
            "name: \"To Fabric\" must be 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends".into(),
        ),
        (
            json!({"then": "Reject", "set": {"med": 1}}),
            "set: may not be given where then is Reject".into(),
        ),
        (asks(json!({})), format!("match: must have one of {words}")),
        (asks(json!([])), "match: must be an object, is a list".into()),
        (asks(json!({"prefix": "10.0.0.0/8"})), "match.prefix: no such field".into()),
        (asks(json!({"prefixes": []})), "match.prefixes: must be given".into()),
        (one(json!("10.0.0.0/8")), "match.prefixes[0]: must be an object, is text".into()),
        (one(json!({})), "match.prefixes[0].prefix: must be given".into()),
        (
            one(json!({"prefix": "10.0.0.1/8"})),
            "match.prefixes[0].prefix: \"10.0.0.1/8\" has host bits; 10.0.0.0/8 was probably meant".into(),
        ),
        (
            one(json!({"prefix": "10.0.0.0/8", "ge": 7})),
            "match.prefixes[0].ge: 7 is not in 8 to 32".into(),
        ),
        (
            one(json!({"prefix": "10.0.0.0/8", "le": 33})),
            "match.prefixes[0].le: 33 is not in 8 to 32".into(),
        ),
        (
            one(json!({"prefix": "10.0.0.0/8", "ge": 25, "le": 24})),
            "match.prefixes[0].le: 24 must be at least ge, 25".into(),
        ),
        (
            one(json!({"prefix": "fd00::/8", "eq": 48})),
            "match.prefixes[0].eq: no such field".into(),
        ),
        (
            asks(json!({"family": "IPv6", "prefixes": [{"prefix": "10.0.0.0/8"}]})),
            "match: 10.0.0.0/8 is not of the family that the rule asks for, so that it never matches".into(),
        ),
        (asks(json!({"family": "ipv4"})), "match.family: \"ipv4\" is not known; there are IPv4, IPv6".into()),
        (asks(json!({"communities": []})), "match.communities: must be given".into()),
        (asks(json!({"origin": "igp"})), "match.origin: \"igp\" is not known; there are IGP, EGP, Incomplete".into()),
        (asks(json!({"sources": []})), "match.sources: must be given".into()),
        (asks(json!({"sources": ["Pool", "Pool"]})), "match.sources[1]: is given twice".into()),
        (
            asks(json!({"sources": ["Static"]})),
            "match.sources[0]: \"Static\" is not known; there are Block, Claim, Pool, Address, Peer".into(),
        ),
        (
            asks(json!({"peerAddresses": ["10.0.0.1"]})),
            "match.peerAddresses: may not be given where address is: there is one neighbour".into(),
        ),
        (asks(json!({"peerAsns": [0]})), "match.peerAsns[0]: 0 is not in 1 to 4294967295".into()),
        (
            path(json!({})),
            "match.asPath: must have one of contains, beginsWith, originatedBy, minLength, maxLength, empty".into(),
        ),
        (path(json!({"regex": "^$"})), "match.asPath.regex: no such field".into()),
        (path(json!({"contains": 0})), "match.asPath.contains: 0 is not in 1 to 4294967295".into()),
        (path(json!({"maxLength": 1001})), "match.asPath.maxLength: 1001 is not in 0 to 1000".into()),
        (
            path(json!({"minLength": 3, "maxLength": 2})),
            "match.asPath.maxLength: 2 must be at least minLength, 3".into(),
        ),
        (
            path(json!({"empty": true, "minLength": 0})),
            "match.asPath: empty may not be given together with other questions about the path".into(),
        ),
        (
            sets(json!({})),
            "set: must have one of localPreference, med, nextHop, prepend, communities, largeCommunities".into(),
        ),
        (sets(json!({"weight": 1})), "set.weight: no such field".into()),
        (
            sets(json!({"localPreference": -1})),
            "set.localPreference: -1 is not in 0 to 4294967295".into(),
        ),
        (sets(json!({"med": "none"})), "set.med: \"none\" is not known; there are None, numbers".into()),
        (sets(json!({"med": true})), "set.med: must be a number or None, is true or false".into()),
        (sets(json!({"med": 4_294_967_296_u64})), "set.med: 4294967296 is not in 0 to 4294967295".into()),
        (
            sets(json!({"nextHop": "self"})),
            "set.nextHop: \"self\" is not known; there are Self, Unchanged, addresses".into(),
        ),
        (
            sets(json!({"nextHop": "0.0.0.0"})),
            "set.nextHop: \"0.0.0.0\" is no machine's address".into(),
        ),
        (
            sets(json!({"nextHop": "10.0.0.1"})),
            "set: an IPv4 next hop is none of IPv6 routes: the rule has to be of ipv4-unicast alone, or of IPv4 prefixes".into(),
        ),
        (sets(json!({"prepend": 0})), "set.prepend: 0 is not in 1 to 32".into()),
        (sets(json!({"prepend": 33})), "set.prepend: 33 is not in 1 to 32".into()),
        (
            sets(json!({"communities": {}})),
            "set.communities: must have one of replace, remove, add".into(),
        ),
        (
            sets(json!({"communities": {"set": []}})),
            "set.communities.set: no such field".into(),
        ),
        (
            sets(json!({"communities": {"replace": [], "add": ["1:1"]}})),
            "set.communities: replace may not be given together with remove or add".into(),
        ),
        (sets(json!({"communities": {"add": []}})), "set.communities.add: must be given".into()),
        (
            sets(json!({"communities": {"add": ["64512:*"]}})),
            format!("set.communities.add[0]: \"64512:*\" {numbers}"),
        ),
        (
            sets(json!({"largeCommunities": {"add": ["64512:*:*"]}})),
            format!("set.largeCommunities.add[0]: \"64512:*:*\" {large}, of three numbers up to 4294967295"),
        ),
    ];
    for wrong in [
        "64512",
        "64512:",
        "+1:1",
        "65536:1",
        "1:65536",
        "a:1",
        "1:2:3",
        "*",
        "NO_EXPORT",
        "65536:*",
    ] {
        let rule = asks(json!({"communities": [wrong]}));
        rows.push((rule, format!("match.communities[0]: {wrong:?} {all}")));
    }
    for wrong in ["1:2", "1:2:3:4", "1:2:-3", "4294967296:1:1", "1:*", "1:2:*"] {
        let rule = asks(json!({"largeCommunities": [wrong]}));
        rows.push((
            rule,
            format!(
                "match.largeCommunities[0]: {wrong:?} {large}, or all of an AS, such as 64512:*:*"
            ),
        ));
    }
    rows
}

#[test]
fn each_wrong_field_is_named() {
    for (rule, line) in rows() {
        for way in ["import", "export"] {
            let mut spec = json!({});
            spec[way] = json!({"rules": [rule]});
            refused(&peer(spec), &[&format!("spec.{way}.rules[0].{line}")]);
        }
    }
}

#[test]
fn what_is_wrong_with_rules_together_is_named() {
    let fine = json!({"match": {"family": "IPv4"}, "then": "Accept"});
    let named = |name: &str| {
        let mut rule = fine.clone();
        rule["name"] = json!(name);
        rule
    };
    let many: Vec<Value> = vec![fine.clone(); 1001];
    for (filter, line) in [
        (json!([]), "spec.export: must be an object, is a list"),
        (json!({"rule": []}), "spec.export.rule: no such field"),
        (
            json!({"default": "Deny"}),
            "spec.export.default: \"Deny\" is not known; there are Accept, Reject",
        ),
        (
            json!({"rules": {}}),
            "spec.export.rules: must be a list, is an object",
        ),
        (
            json!({"rules": many}),
            "spec.export.rules: has 1001 elements, may have 1000",
        ),
        (
            json!({"rules": [named("a"), named("b"), named("a")]}),
            "spec.export.rules[2].name: is given twice",
        ),
        (
            json!({"rules": [fine, {"then": "Reject"}, named("b")]}),
            "spec.export.rules[2]: is never reached: rule number 2 before it matches everything",
        ),
    ] {
        refused(&peer(json!({"export": filter})), &[line]);
    }
}
