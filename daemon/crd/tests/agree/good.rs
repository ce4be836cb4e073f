//! Objects that are right, with each field of each kind in one of them at least.

use super::{Schema, judged, object};
use fairway_crd::{
    BgpConfigSpec, BgpPeerSpec, IPClaimSpec, IPPoolSpec, NetworkSpec, RateLimitSpec,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("IPPool", json!({"ranges": [{"cidr": "10.1.0.0/16"}]})),
        (
            "IPPool",
            json!({
                "ranges": [
                    {"cidr": "10.1.0.0/16", "block": 24, "gateway": "10.1.0.1",
                        "exclude": ["10.1.9.0/24", "10.1.8.1-10.1.8.9", "10.1.7.7"], "draining": false},
                    {"cidr": "fd00:1::/48", "block": 120, "gateway": "none", "draining": true},
                ],
                "cooldown": 0, "reserve": 4096, "release": "after:7d", "handover": "strict",
                "nodes": "rack in (a,b),!gpu", "namespaces": "kubernetes.io/metadata.name=shop",
                "encap": "cross-subnet", "masquerade": false, "phase": "draining",
            }),
        ),
        ("IPClaim", json!({"pool": "web"})),
        (
            "IPClaim",
            json!({"pool": "web.v4", "addresses": ["10.1.0.7", "fd00:1::7"], "release": "on-app-delete",
                "handover": "temporary", "app": "StatefulSet/shop/db", "node": "n1.example.com"}),
        ),
        (
            "IPClaim",
            json!({"pool": "web", "set": {"size": 3, "surge": 1}, "app": "Deployment/shop/front"}),
        ),
        ("IPClaim", json!({"pool": "web", "set": {}})),
        ("Network", json!({"pools": ["web"]})),
        (
            "Network",
            json!({"pools": ["web", "web-6"], "vni": 16_777_215, "imports": ["shared"]}),
        ),
        ("RateLimit", json!({"egress": {"rate": "20M"}})),
        (
            "RateLimit",
            json!({
                "per": "Container", "namespaces": ["shop"], "networks": ["apps.1"],
                "podSelector": {"matchLabels": {"app": "web", "example.com/tier": ""}, "matchExpressions": [
                    {"key": "rack", "operator": "In", "values": ["a", "b"]},
                    {"key": "gpu", "operator": "DoesNotExist"},
                ]},
                "ingress": {"rate": "1.5Gbit", "burst": "64Ki"},
                "egress": {"rate": 20_000_000, "burst": 64_000, "packetsPerSecond": 1000, "dscp": 46},
            }),
        ),
        (
            "RateLimit",
            json!({"per": "Namespace", "ingress": {"rate": "1e6"}}),
        ),
        (
            "RateLimit",
            json!({"per": "Network", "ingress": {"dscp": 0}, "egress": {"rate": "1Mi/s"}}),
        ),
        ("BgpConfig", json!({})),
        (
            "BgpConfig",
            json!({
                "nodes": ["n1"], "asn": 4_200_000_000_u32, "routerID": "192.0.2.1", "clusterID": "192.0.2.9",
                "listen": {"port": 1179, "addresses": ["192.0.2.0/24", "2001:db8::1", "0.0.0.0"]},
                "advertise": {"blocks": true, "claims": false, "pools": ["web"], "wholePools": ["db"],
                    "addresses": ["198.51.100.0/24", "2001:db8:1::/48"]},
                "gracefulRestart": {"mode": "Helper", "restartTime": "2m", "staleTime": "1h", "deferral": "5m"},
                "multipath": 64, "multipathRelax": true, "alwaysCompareMed": true,
            }),
        ),
        (
            "BgpConfig",
            json!({"nodes": ["rack1-*", "n2"], "listen": {}}),
        ),
        ("BgpPeer", json!({"address": "192.0.2.1", "asn": 65001})),
        (
            "BgpPeer",
            json!({
                "nodes": ["*"], "address": "2001:db8::1", "port": 1179, "sourceAddress": "2001:db8::2",
                "asn": [65001, 65002], "localAsn": 65010,
                "families": {"ipv4": {"ipv6NextHops": true, "maxPrefixes": {"limit": 1000, "warnAt": 90,
                    "over": "Down", "restartAfter": "5m"}}, "ipv6": {"maxPrefixes": {"limit": 1, "over": "Warn"}}},
                "passive": true, "holdTime": "0s", "connectRetry": "1m", "ttl": {"security": 1},
                "passwordFile": "/etc/fairway/keys/tor-1", "enforceFirstAs": false,
                "import": {"default": "Accept", "rules": []},
                "export": {"rules": [{"then": "Reject"}]},
            }),
        ),
        (
            "BgpPeer",
            json!({
                "prefix": "192.0.2.0/24", "asn": "Internal", "reflectorClient": true, "nextHopSelf": true,
                "ttl": {"multihop": 2},
                "import": {"rules": [{"name": "own", "then": "Accept", "match": {
                    "prefixes": [{"prefix": "0.0.0.0/0", "ge": 8, "le": 24}, {"prefix": "10.0.0.0/8"}],
                    "family": "IPv4", "communities": ["64512:*", "no-export", "1:2"],
                    "largeCommunities": ["64512:1:2", "64512:*:*"],
                    "asPath": {"contains": 1, "beginsWith": 2, "originatedBy": 3, "minLength": 1, "maxLength": 9},
                    "origin": "IGP", "sources": ["Peer"], "peerAddresses": ["192.0.2.7"], "peerAsns": [64512],
                }, "set": {
                    "localPreference": 200, "med": "None", "prepend": 2,
                    "communities": {"remove": ["64512:*"], "add": ["64512:1"]},
                    "largeCommunities": {"replace": []},
                }}]},
                "export": {"rules": [
                    {"then": "Accept", "match": {"asPath": {"empty": true}, "sources": ["Block", "Claim", "Pool", "Address"]},
                        "set": {"med": 10, "nextHop": "Self"}},
                    {"then": "Reject", "match": {"family": "IPv6"}},
                ]},
            }),
        ),
        (
            "BgpPeer",
            json!({"address": "192.0.2.1", "asn": "External"}),
        ),
    ]
}

#[test]
fn both_take_them() {
    for (kind, spec) in all() {
        let object = object(kind, &spec);
        judged(&object).unwrap_or_else(|error| panic!("{kind} {spec}: the judge: {error}"));
        let schema = Schema::of(kind);
        assert!(
            schema.takes(&object),
            "{kind} {spec}: {}",
            schema.faults(&object)
        );
    }
}

/// What the API server fills in is what the judge takes for it.
#[test]
fn both_mean_the_same_defaults() {
    for (kind, spec) in all() {
        let plain = object(kind, &spec);
        let filled = Schema::of(kind).filled(&plain);
        let kept = judged(&filled).unwrap_or_else(|error| panic!("{filled}: {error}"));
        assert_eq!(kept, judged(&plain).unwrap(), "{kind} {spec}");
    }
}

/// What the judge keeps can be given to the API server.
#[test]
fn what_is_kept_is_taken_too() {
    for (kind, spec) in all() {
        let kept = object(kind, &judged(&object(kind, &spec)).unwrap());
        let schema = Schema::of(kind);
        assert!(schema.takes(&kept), "{kept}: {}", schema.faults(&kept));
    }
}

fn round<T: Serialize + DeserializeOwned>(spec: &Value) -> Value {
    let read: T = serde_json::from_value(spec.clone()).unwrap();
    serde_json::to_value(read).unwrap()
}

/// The types have all that there is, and mean the same by it.
#[test]
fn types_read_and_write_them() {
    for (kind, spec) in all() {
        let again = match kind {
            "IPPool" => round::<IPPoolSpec>(&spec),
            "IPClaim" => round::<IPClaimSpec>(&spec),
            "Network" => round::<NetworkSpec>(&spec),
            "RateLimit" => round::<RateLimitSpec>(&spec),
            "BgpConfig" => round::<BgpConfigSpec>(&spec),
            _ => round::<BgpPeerSpec>(&spec),
        };
        let means = |spec: &Value| judged(&object(kind, spec)).unwrap();
        assert_eq!(means(&again), means(&spec), "{kind} {spec}");
    }
}

/// Each field of each schema is in one of them: what is not cannot be said to agree.
#[test]
fn they_have_every_field() {
    fn fields(at: &str, schema: &Value, found: &mut BTreeSet<String>) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            fields(&at, inner, found);
            fields(&at, &inner["items"], found);
            found.insert(at);
        }
    }
    fn used(at: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, inner)| {
                let at = format!("{at}.{name}");
                used(&at, inner, found);
                found.insert(at);
            }),
            Value::Array(all) => all.iter().for_each(|inner| used(at, inner, found)),
            _ => {}
        }
    }
    for definition in fairway_crd::all() {
        let (mut wanted, mut there) = (BTreeSet::new(), BTreeSet::new());
        fields("", &definition.schema()["properties"]["spec"], &mut wanted);
        for (_, spec) in all().iter().filter(|(kind, _)| *kind == definition.kind) {
            used("", spec, &mut there);
        }
        // Both directions of policies are of one type, and so are the families.
        let either = |field: &str| {
            let other = [
                (".import.", ".export."),
                (".export.", ".import."),
                (".communities.", ".largeCommunities."),
                (".largeCommunities.", ".communities."),
                (".ipv6.ipv6NextHops", ".ipv4.ipv6NextHops"),
                (".ipv6.", ".ipv4."),
                (".ingress.", ".egress."),
            ];
            let twice = |text: &str| other.map(|(one, two)| text.replace(one, two));
            twice(field)
                .iter()
                .any(|one| there.contains(one) || twice(one).iter().any(|two| there.contains(two)))
        };
        let missing: Vec<_> = wanted
            .iter()
            .filter(|field| !there.contains(*field) && !either(field))
            .collect();
        assert!(missing.is_empty(), "{}: {missing:?}", definition.kind);
    }
}

/// The examples of the pages under `docs/objects`.
#[test]
fn both_take_the_pages_examples() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/objects");
    let mut taken = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in page.split("```yaml\n").skip(1) {
            let text = block.split_once("```").unwrap().0;
            let object: Value = serde_saphyr::from_str(text).unwrap();
            judged(&object).unwrap_or_else(|error| panic!("{text}: the judge: {error}"));
            let kind = object["kind"].as_str().unwrap().to_owned();
            let schema = Schema::of(&kind);
            assert!(schema.takes(&object), "{text}: {}", schema.faults(&object));
            taken.insert(kind);
        }
    }
    assert_eq!(taken.len(), fairway_crd::all().len(), "{taken:?}");
}
