//! Objects that are wrong: the judge names the field, and the schema refuses what a schema can.

use super::{Schema, judged, object};
use serde_json::{Value, json};

/// Who refuses an object before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The schema, on any server.
    Schema,
    /// A rule in CEL.
    Rule,
    /// A list that is a set or a map, or a field that is a number or text: a server alone knows of these.
    Server,
    /// The judge alone.
    Judge,
}
use By::{Judge, Rule, Schema as Early, Server};

/// Kind, spec, the field that the judge names, who refuses.
fn all() -> Vec<(&'static str, Value, &'static str, By)> {
    let range = |range: Value| json!({"ranges": [range]});
    let peer = |more: Value| {
        let mut spec = json!({"address": "192.0.2.1", "asn": 65001});
        let map = spec.as_object_mut().unwrap();
        map.extend(more.as_object().unwrap().clone());
        spec
    };
    let rule = |rule: Value| {
        let mut rule = rule;
        rule["then"] = "Accept".into();
        json!({"address": "192.0.2.1", "asn": 65001, "import": {"rules": [rule]}})
    };
    vec![
        ("IPPool", json!({}), "spec.ranges", Early),
        ("IPPool", json!({"ranges": []}), "spec.ranges", Early),
        ("IPPool", range(json!({})), "spec.ranges[0].cidr", Early),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0"})),
            "spec.ranges[0].cidr",
            Early,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.1/16"})),
            "spec.ranges[0].cidr",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "127.0.0.0/8"})),
            "spec.ranges[0].cidr",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "block": 8})),
            "spec.ranges[0].block",
            Early,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/26", "block": 24})),
            "spec.ranges[0].block",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "gateway": "first"})),
            "spec.ranges[0].gateway",
            Early,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "gateway": "10.2.0.1"})),
            "spec.ranges[0].gateway",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "exclude": ["x"]})),
            "spec.ranges[0].exclude[0]",
            Early,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "exclude": ["10.2.0.0"]})),
            "spec.ranges[0].exclude[0]",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "exlude": []})),
            "spec.ranges[0].exlude",
            Judge,
        ),
        (
            "IPPool",
            range(json!({"cidr": "10.1.0.0/16", "draining": "yes"})),
            "spec.ranges[0].draining",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}, {"cidr": "10.1.0.0/16"}]}),
            "spec.ranges[1].cidr",
            Server,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "cooldown": 604_801}),
            "spec.cooldown",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "cooldown": "30s"}),
            "spec.cooldown",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "reserve": -1}),
            "spec.reserve",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "release": "later"}),
            "spec.release",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "release": "after:99999d"}),
            "spec.release",
            Judge,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "handover": "Wait"}),
            "spec.handover",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "nodes": "a in"}),
            "spec.nodes",
            Judge,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "namespaces": "tenant=a"}),
            "spec.namespaces",
            Judge,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "encap": "vxlan"}),
            "spec.encap",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "phase": "retiring"}),
            "spec.phase",
            Early,
        ),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "masquerade": null}),
            "spec.masquerade",
            Early,
        ),
        ("IPClaim", json!({}), "spec.pool", Early),
        ("IPClaim", json!({"pool": "Web"}), "spec.pool", Early),
        (
            "IPClaim",
            json!({"pool": "web", "addresses": ["10.1.0.300"]}),
            "spec.addresses[0]",
            Early,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "addresses": ["10.1.0.1", "10.1.0.2"]}),
            "spec.addresses[1]",
            Judge,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "app": "a//b"}),
            "spec.app",
            Early,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "node": "-n"}),
            "spec.node",
            Early,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "set": {"size": -1}}),
            "spec.set.size",
            Early,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "set": {}, "addresses": ["10.1.0.1"]}),
            "spec.addresses",
            Rule,
        ),
        (
            "IPClaim",
            json!({"pool": "web", "set": {}, "node": "n1"}),
            "spec.node",
            Rule,
        ),
        ("Network", json!({}), "spec.pools", Early),
        ("Network", json!({"pools": []}), "spec.pools", Early),
        (
            "Network",
            json!({"pools": ["web", "web"]}),
            "spec.pools[1]",
            Server,
        ),
        (
            "Network",
            json!({"pools": ["web"], "vni": 0}),
            "spec.vni",
            Early,
        ),
        (
            "Network",
            json!({"pools": ["web"], "vni": 16_777_216}),
            "spec.vni",
            Early,
        ),
        (
            "Network",
            json!({"pools": ["web"], "imports": ["it"]}),
            "spec.imports",
            Judge,
        ),
        (
            "Network",
            json!({"pools": ["web"], "imports": ["It"]}),
            "spec.imports[0]",
            Early,
        ),
        ("RateLimit", json!({}), "spec", Early),
        ("RateLimit", json!({"egress": {}}), "spec.egress", Early),
        (
            "RateLimit",
            json!({"egress": {"rate": "fast"}}),
            "spec.egress.rate",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": 10}}),
            "spec.egress.rate",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "10"}}),
            "spec.egress.rate",
            Judge,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": true}}),
            "spec.egress.rate",
            Server,
        ),
        (
            "RateLimit",
            json!({"egress": {"burst": "64Ki"}}),
            "spec.egress.burst",
            Rule,
        ),
        (
            "RateLimit",
            json!({"egress": {"packetsPerSecond": 0}}),
            "spec.egress.packetsPerSecond",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"dscp": 64}}),
            "spec.egress.dscp",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "per": "Node"}),
            "spec.per",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "namespaces": []}),
            "spec.namespaces",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "namespaces": ["a", "a"]}),
            "spec.namespaces[1]",
            Server,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "networks": ["-"]}),
            "spec.networks[0]",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "podSelektor": {}}),
            "spec.podSelektor",
            Judge,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "per": "Network", "podSelector": {}}),
            "spec.podSelector",
            Rule,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "podSelector": {"matchLabels": {"a": "-"}}}),
            "spec.podSelector.matchLabels[a]",
            Early,
        ),
        (
            "RateLimit",
            json!({"egress": {"rate": "1M"}, "podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
            "spec.podSelector.matchExpressions[0].values",
            Rule,
        ),
        ("BgpConfig", json!({"asn": 0}), "spec.asn", Early),
        ("BgpConfig", json!({"asn": 23456}), "spec.asn", Judge),
        (
            "BgpConfig",
            json!({"routerID": "192.0.2.1"}),
            "spec.routerID",
            Rule,
        ),
        (
            "BgpConfig",
            json!({"nodes": ["n1"], "routerID": "one"}),
            "spec.routerID",
            Early,
        ),
        (
            "BgpConfig",
            json!({"nodes": ["n/1"]}),
            "spec.nodes[0]",
            Early,
        ),
        (
            "BgpConfig",
            json!({"listen": {"port": 0}}),
            "spec.listen.port",
            Early,
        ),
        (
            "BgpConfig",
            json!({"multipath": 65}),
            "spec.multipath",
            Early,
        ),
        (
            "BgpConfig",
            json!({"advertise": {"blocks": false, "claims": false, "pools": ["web"]}}),
            "spec.advertise.pools",
            Rule,
        ),
        (
            "BgpConfig",
            json!({"advertise": {"addresses": ["224.0.0.0/4"]}}),
            "spec.advertise.addresses[0]",
            Judge,
        ),
        (
            "BgpConfig",
            json!({"gracefulRestart": {"mode": "full"}}),
            "spec.gracefulRestart.mode",
            Early,
        ),
        (
            "BgpConfig",
            json!({"gracefulRestart": {"restartTime": 120}}),
            "spec.gracefulRestart.restartTime",
            Early,
        ),
        (
            "BgpConfig",
            json!({"gracefulRestart": {"restartTime": "4096s"}}),
            "spec.gracefulRestart.restartTime",
            Judge,
        ),
        ("BgpPeer", json!({"asn": 65001}), "spec", Early),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "prefix": "192.0.2.0/24", "asn": 65001}),
            "spec",
            Early,
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1"}),
            "spec.asn",
            Early,
        ),
        (
            "BgpPeer",
            json!({"address": "tor", "asn": 65001}),
            "spec.address",
            Early,
        ),
        (
            "BgpPeer",
            json!({"address": "224.0.0.1", "asn": 65001}),
            "spec.address",
            Judge,
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": "internal"}),
            "spec.asn",
            Early,
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": []}),
            "spec.asn",
            Early,
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": true}),
            "spec.asn",
            Judge,
        ),
        (
            "BgpPeer",
            json!({"prefix": "192.0.2.0/24", "asn": 65001, "port": 179}),
            "spec.port",
            Rule,
        ),
        (
            "BgpPeer",
            peer(json!({"password": "secret"})),
            "spec.password",
            Judge,
        ),
        (
            "BgpPeer",
            peer(json!({"passwordFile": "key"})),
            "spec.passwordFile",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"sourceAddress": "2001:db8::1"})),
            "spec.sourceAddress",
            Judge,
        ),
        (
            "BgpPeer",
            peer(json!({"localAsn": 65002, "nextHopSelf": true})),
            "spec.nextHopSelf",
            Rule,
        ),
        (
            "BgpPeer",
            peer(json!({"holdTime": "90"})),
            "spec.holdTime",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"holdTime": "2s"})),
            "spec.holdTime",
            Judge,
        ),
        ("BgpPeer", peer(json!({"ttl": {}})), "spec.ttl", Early),
        (
            "BgpPeer",
            peer(json!({"ttl": {"multihop": 1, "security": 1}})),
            "spec.ttl",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"families": {}})),
            "spec.families",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"families": {"ipv6": {"ipv6NextHops": true}}})),
            "spec.families.ipv6.ipv6NextHops",
            Rule,
        ),
        (
            "BgpPeer",
            peer(json!({"families": {"ipv4": {"maxPrefixes": {}}}})),
            "spec.families.ipv4.maxPrefixes.limit",
            Early,
        ),
        (
            "BgpPeer",
            peer(
                json!({"families": {"ipv4": {"maxPrefixes": {"limit": 1, "over": "Warn", "restartAfter": "1m"}}}}),
            ),
            "spec.families.ipv4.maxPrefixes.restartAfter",
            Rule,
        ),
        (
            "BgpPeer",
            rule(json!({"match": {}})),
            "spec.import.rules[0].match",
            Early,
        ),
        (
            "BgpPeer",
            rule(json!({"match": {"prefixes": [{"prefix": "10.0.0.0/8", "ge": 24, "le": 16}]}})),
            "spec.import.rules[0].match.prefixes[0].le",
            Rule,
        ),
        (
            "BgpPeer",
            rule(json!({"match": {"communities": ["1"]}})),
            "spec.import.rules[0].match.communities[0]",
            Early,
        ),
        (
            "BgpPeer",
            rule(json!({"match": {"communities": ["70000:1"]}})),
            "spec.import.rules[0].match.communities[0]",
            Judge,
        ),
        (
            "BgpPeer",
            rule(json!({"match": {"asPath": {"empty": true, "contains": 1}}})),
            "spec.import.rules[0].match.asPath",
            Rule,
        ),
        (
            "BgpPeer",
            rule(json!({"set": {"prepend": 33}})),
            "spec.import.rules[0].set.prepend",
            Early,
        ),
        (
            "BgpPeer",
            rule(json!({"set": {"communities": {"replace": [], "add": ["1:1"]}}})),
            "spec.import.rules[0].set.communities",
            Rule,
        ),
        (
            "BgpPeer",
            rule(json!({"name": "A"})),
            "spec.import.rules[0].name",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"import": {"rules": [{"then": "accept"}]}})),
            "spec.import.rules[0].then",
            Early,
        ),
        (
            "BgpPeer",
            peer(json!({"import": {"rules": [{"then": "Reject", "set": {"med": 1}}]}})),
            "spec.import.rules[0].set",
            Rule,
        ),
    ]
}

#[test]
fn the_judge_names_the_field_and_the_schema_refuses_what_it_can() {
    let mut wrong = Vec::new();
    for (kind, spec, field, by) in all() {
        let object = object(kind, &spec);
        let error = match judged(&object) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => error,
        };
        let named = |line: &str| line.starts_with(&format!("{field}: "));
        if !error.lines().any(named) {
            wrong.push(format!("{kind} {spec}: not {field}: {error}"));
        }
        let schema = Schema::of(kind);
        let refused = !schema.takes(&object);
        if refused != (by == Early) {
            let faults = schema.faults(&object);
            wrong.push(format!("{kind} {spec}: {by:?}: {refused}: {faults}"));
        }
        // A server asks them of what the schema takes, with the defaults filled in.
        let broken = schema.broken(&schema.filled(&object), None);
        if !refused && broken.is_empty() == (by == Rule) {
            wrong.push(format!("{kind} {spec}: {by:?}: the rules: {broken:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names are bound, too.
#[test]
fn names_are_of_the_kinds_form() {
    for (kind, spec) in [
        ("IPPool", json!({"ranges": [{"cidr": "10.1.0.0/16"}]})),
        ("Network", json!({"pools": ["web"]})),
    ] {
        let mut object = object(kind, &spec);
        for bad in ["Web", &"x".repeat(64), "web-"] {
            object["metadata"]["name"] = json!(bad);
            let error = judged(&object).unwrap_err();
            assert!(error.starts_with("metadata.name: "), "{error}");
            assert!(!Schema::of(kind).takes(&object), "{kind} {bad}");
        }
    }
}
