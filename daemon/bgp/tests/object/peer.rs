//! `BgpPeer`, without its rules.

use super::{peer, refused, taken, taken_peer};
use fairway_bgp::session::config::{FamilySettings, Limit, Over, Peer, RemoteAs, Ttl};
use fairway_bgp::{Asn, Family, HoldTime};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

#[test]
fn defaults_are_filled_in() {
    for (given, stored) in [
        (
            json!({"address": "10.0.0.1", "asn": 65001}),
            json!({
                "address": "10.0.0.1",
                "asn": 65001,
                "port": 179,
                "families": {"ipv4": {}},
                "holdTime": "90s",
                "connectRetry": "120s",
                "enforceFirstAs": true,
            }),
        ),
        (
            json!({
                "prefix": "fd00::/64",
                "asn": "Internal",
                "families": {"ipv6": {"maxPrefixes": {"limit": 10}}},
                "import": {},
                "export": {"rules": [{"then": "Accept"}]},
            }),
            json!({
                "prefix": "fd00::/64",
                "asn": "Internal",
                "families": {"ipv6": {"maxPrefixes": {"limit": 10, "warnAt": 75, "over": "Down"}}},
                "holdTime": "90s",
                "connectRetry": "120s",
                "import": {"default": "Reject", "rules": []},
                "export": {"default": "Reject", "rules": [{"then": "Accept"}]},
            }),
        ),
    ] {
        assert_eq!(taken(&peer(given)).json["spec"], stored);
    }
    let one = taken_peer(json!({}));
    assert_eq!(one.name, "tor");
    assert_eq!(one.nodes.patterns(), [""; 0]);
    assert_eq!(one.peer, Peer::At("10.0.0.1".parse().unwrap()));
    assert_eq!((one.port, one.source), (179, None));
    assert_eq!(one.asn, RemoteAs::Is(asn(65001)));
    assert_eq!(one.local_asn, None);
    assert_eq!(one.families, [FamilySettings::new(Family::Ipv4)]);
    assert!(!one.passive && !one.reflector_client && !one.next_hop_self);
    assert!(one.enforce_first_as);
    assert_eq!(one.hold_time, HoldTime::new(90).unwrap());
    assert_eq!(one.connect_retry, Duration::from_secs(120));
    assert_eq!(one.ttl, Ttl::Usual);
    assert_eq!(one.password_file, None);
    assert_eq!((one.import, one.export), (None, None));
}

#[test]
fn an_object_says_what_stands_in_it() {
    let spec = json!({
        "nodes": ["rack1-*", "n7"],
        "address": "fd00::1",
        "port": 1179,
        "sourceAddress": "fd00::2",
        "asn": [65001, 65002],
        "localAsn": 65100,
        "families": {
            "ipv4": {
                "maxPrefixes": {"limit": 1000, "warnAt": 90, "over": "Down", "restartAfter": "5m"},
                "ipv6NextHops": true,
            },
            "ipv6": {"maxPrefixes": {"limit": 1, "warnAt": 1, "over": "Warn"}},
        },
        "passive": true,
        "holdTime": "3s",
        "connectRetry": "2s",
        "ttl": {"security": 254},
        "passwordFile": "/etc/fairway/bgp/tor.key",
        "enforceFirstAs": false,
    });
    assert_eq!(taken(&peer(spec.clone())).json, peer(spec.clone()));
    let one = taken_peer(spec);
    assert_eq!(one.nodes.patterns(), ["rack1-*", "n7"]);
    assert_eq!(one.peer, Peer::At("fd00::1".parse().unwrap()));
    assert_eq!(one.port, 1179);
    assert_eq!(one.source, Some("fd00::2".parse().unwrap()));
    assert_eq!(one.asn, RemoteAs::OneOf(vec![asn(65001), asn(65002)]));
    assert_eq!(one.local_asn, Some(asn(65100)));
    let again = Some(Duration::from_secs(300));
    let ipv4 = FamilySettings {
        limit: Some(Limit {
            prefixes: 1000,
            warn_at: 90,
            over: Over::Down { again },
        }),
        ipv6_next_hops: true,
        ..FamilySettings::new(Family::Ipv4)
    };
    let ipv6 = FamilySettings {
        limit: Some(Limit {
            prefixes: 1,
            warn_at: 1,
            over: Over::Warn,
        }),
        ..FamilySettings::new(Family::Ipv6)
    };
    assert_eq!(one.families, [ipv4, ipv6]);
    assert!(one.passive && !one.enforce_first_as);
    assert_eq!(one.hold_time, HoldTime::new(3).unwrap());
    assert_eq!(one.connect_retry, Duration::from_secs(2));
    assert_eq!(one.ttl, Ttl::Security(254));
    let file = Path::new("/etc/fairway/bgp/tor.key");
    assert_eq!(one.password_file.as_deref(), Some(file));

    let client = taken_peer(json!({
        "prefix": "10.0.0.0/8",
        "asn": "Internal",
        "passive": true,
        "holdTime": "0s",
        "ttl": {"multihop": 255},
        "reflectorClient": true,
        "nextHopSelf": true,
    }));
    assert_eq!(client.peer, Peer::Within("10.0.0.0/8".parse().unwrap()));
    assert_eq!(client.asn, RemoteAs::Internal);
    assert!(client.passive && client.reflector_client && client.next_hop_self);
    assert_eq!(client.hold_time, HoldTime::NEVER);
    assert_eq!(client.ttl, Ttl::Hops(255));
    let many = taken_peer(json!({"prefix": "fd00::/64", "asn": "External"}));
    assert!(many.passive, "those of a prefix are waited for");
    assert_eq!(many.asn, RemoteAs::External);
    assert_eq!(many.families, [FamilySettings::new(Family::Ipv6)]);
}

#[test]
fn each_wrong_field_is_named() {
    let many = "may not be given where prefix is: such neighbours connect by themselves";
    let with = |limit: Value| json!({"families": {"ipv4": {"maxPrefixes": limit}}});
    let path = "passwordFile: must be the absolute path of a file, without . and .., of at most 4095 bytes";
    let rows = [
        (json!({"adress": "10.0.0.2"}), "adress: no such field".to_owned()),
        (json!({"nodes": ["a b"]}), "nodes[0]: \"a b\" must be 1 to 253 of a-z, A-Z, 0-9, ., _, - and *, beginning with a letter, a digit or *".into()),
        (json!({"address": 1}), "address: must be text, is a number".into()),
        (json!({"address": "tor1"}), "address: \"tor1\" is no IP address".into()),
        (json!({"address": "10.0.0.1/24"}), "address: \"10.0.0.1/24\" is no IP address".into()),
        (json!({"address": "0.0.0.0"}), "address: \"0.0.0.0\" is no machine's address".into()),
        (json!({"address": "ff02::1"}), "address: \"ff02::1\" is the address of a group".into()),
        (
            json!({"address": "255.255.255.255"}),
            "address: \"255.255.255.255\" is the address of all machines of a link".into(),
        ),
        (
            json!({"address": "::ffff:10.0.0.1"}),
            "address: \"::ffff:10.0.0.1\" is an IPv4 address mapped into IPv6; write it as such".into(),
        ),
        (
            json!({"address": "fe80::1"}),
            "address: \"fe80::1\" is of a link only, and there is no way to say of which; write a global address".into(),
        ),
        (json!({"address": "fe80::1%eth0"}), "address: \"fe80::1%eth0\" is no IP address".into()),
        (json!({"prefix": "10.0.0.1/8"}), "prefix: \"10.0.0.1/8\" has host bits; 10.0.0.0/8 was probably meant".into()),
        (json!({"prefix": "10.0.0.0"}), "prefix: \"10.0.0.0\" is not a CIDR: it has no / and prefix length".into()),
        (json!({"prefix": "10.0.0.0/8", "port": 179}), format!("port: {many}")),
        (json!({"prefix": "10.0.0.0/8", "sourceAddress": "10.0.0.1"}), format!("sourceAddress: {many}")),
        (json!({"prefix": "10.0.0.0/8", "passive": false}), format!("passive: {many}")),
        (json!({"port": 0}), "port: 0 is not in 1 to 65535".into()),
        (
            json!({"sourceAddress": "fd00::1"}),
            "sourceAddress: fd00::1 is not of the neighbour's address family".into(),
        ),
        (json!({"sourceAddress": "eth0"}), "sourceAddress: \"eth0\" is no IP address".into()),
        (json!({"asn": null}), "asn: must be given".into()),
        (json!({"asn": 0}), "asn: 0 is not in 1 to 4294967295".into()),
        (json!({"asn": 65535}), "asn: AS 65535 is no speaker's: it is reserved (RFC 7300)".into()),
        (json!({"asn": []}), "asn: must be given".into()),
        (json!({"asn": [65001, 65001]}), "asn[1]: is given twice".into()),
        (json!({"asn": ["Internal"]}), "asn[0]: must be a number, is text".into()),
        (
            json!({"asn": "internal"}),
            "asn: \"internal\" is not known; there are Internal, External, numbers".into(),
        ),
        (
            json!({"asn": {}}),
            "asn: must be a number, a list of numbers, Internal or External, is an object".into(),
        ),
        (json!({"localAsn": "1"}), "localAsn: must be a number, is text".into()),
        (
            json!({"localAsn": 65001}),
            "localAsn: AS 65001 is the neighbour's as well; a neighbour of the nodes' own AS has no localAsn".into(),
        ),
        (
            json!({"asn": [65001, 65002], "localAsn": 65002}),
            "localAsn: AS 65002 is the neighbour's as well; a neighbour of the nodes' own AS has no localAsn".into(),
        ),
        (
            json!({"asn": "Internal", "localAsn": 65001}),
            "localAsn: may not be given where asn is Internal".into(),
        ),
        (json!({"families": {}}), "families: must have one of ipv4, ipv6".into()),
        (json!({"families": ["ipv4"]}), "families: must be an object, is a list".into()),
        (json!({"families": {"ipv4Unicast": {}}}), "families.ipv4Unicast: no such field".into()),
        (json!({"families": {"ipv4": true}}), "families.ipv4: must be an object, is true or false".into()),
        (json!({"families": {"ipv4": {"max": 1}}}), "families.ipv4.max: no such field".into()),
        (
            json!({"families": {"ipv6": {"ipv6NextHops": true}}}),
            "families.ipv6.ipv6NextHops: may not be given where routes are IPv6: their next hops always are".into(),
        ),
        (
            json!({"families": {"ipv4": {"ipv6NextHops": 1}}}),
            "families.ipv4.ipv6NextHops: must be true or false, is a number".into(),
        ),
        (with(json!({})), "families.ipv4.maxPrefixes.limit: must be given".into()),
        (with(json!(10)), "families.ipv4.maxPrefixes: must be an object, is a number".into()),
        (with(json!({"limit": 0})), "families.ipv4.maxPrefixes.limit: 0 is not in 1 to 4294967295".into()),
        (
            with(json!({"limit": 1, "warnAt": 0})),
            "families.ipv4.maxPrefixes.warnAt: 0 is not in 1 to 100".into(),
        ),
        (
            with(json!({"limit": 1, "warnAt": 101})),
            "families.ipv4.maxPrefixes.warnAt: 101 is not in 1 to 100".into(),
        ),
        (
            with(json!({"limit": 1, "over": "Drop"})),
            "families.ipv4.maxPrefixes.over: \"Drop\" is not known; there are Down, Warn".into(),
        ),
        (
            with(json!({"limit": 1, "over": "Warn", "restartAfter": "1m"})),
            "families.ipv4.maxPrefixes.restartAfter: may not be given where over is Warn".into(),
        ),
        (
            with(json!({"limit": 1, "restartAfter": "0s"})),
            "families.ipv4.maxPrefixes.restartAfter: \"0s\" is not in 1s to 65535s".into(),
        ),
        (json!({"passive": "yes"}), "passive: must be true or false, is text".into()),
        (json!({"holdTime": 90}), "holdTime: must be a time, such as 90s, is a number".into()),
        (json!({"holdTime": "2s"}), "holdTime: it is 3s or more, or 0s, by which silence is no sign".into()),
        (json!({"holdTime": "1d"}), "holdTime: \"1d\" is not in 0s to 65535s".into()),
        (json!({"holdTime": "90"}), "holdTime: \"90\" must be a whole number with s, m, h or d, such as 90s".into()),
        (json!({"connectRetry": "0s"}), "connectRetry: \"0s\" is not in 1s to 65535s".into()),
        (json!({"ttl": {}}), "ttl: must have exactly one of multihop, security".into()),
        (json!({"ttl": 2}), "ttl: must be an object, is a number".into()),
        (
            json!({"ttl": {"multihop": 2, "security": 1}}),
            "ttl: must have exactly one of multihop, security".into(),
        ),
        (json!({"ttl": {"multihop": 0}}), "ttl.multihop: 0 is not in 1 to 255".into()),
        (json!({"ttl": {"multihop": 256}}), "ttl.multihop: 256 is not in 1 to 255".into()),
        (json!({"ttl": {"security": 255}}), "ttl.security: 255 is not in 1 to 254".into()),
        (json!({"ttl": {"hops": 1}}), "ttl.hops: no such field".into()),
        (json!({"passwordFile": "tor.key"}), path.into()),
        (json!({"passwordFile": "/etc/../shadow"}), path.into()),
        (json!({"passwordFile": "/etc//key"}), path.into()),
        (json!({"passwordFile": "/"}), path.into()),
        (json!({"passwordFile": "/a\nb"}), path.into()),
        (json!({"passwordFile": ["/a"]}), "passwordFile: must be text, is a list".into()),
        (json!({"asn": "External", "reflectorClient": true}), "reflectorClient: may not be given where asn is External".into()),
        (json!({"asn": "External", "nextHopSelf": true}), "nextHopSelf: may not be given where asn is External".into()),
        (json!({"asn": "Internal", "enforceFirstAs": true}), "enforceFirstAs: may not be given where asn is Internal".into()),
        (
            json!({"localAsn": 65100, "nextHopSelf": true}),
            "nextHopSelf: may not be given where localAsn is: the neighbour is of another AS".into(),
        ),
        (json!({"reflectorClient": 1}), "reflectorClient: must be true or false, is a number".into()),
    ];
    for (spec, line) in rows {
        let line = format!("spec.{line}");
        refused(&peer(spec), &[&line]);
    }
    let both = json!({"address": "10.0.0.1", "prefix": "10.0.0.0/8"});
    refused(
        &peer(both),
        &["spec: must have exactly one of address, prefix"],
    );
    let mut none = peer(json!({}));
    none["spec"] = json!({"asn": 1});
    refused(&none, &["spec: must have exactly one of address, prefix"]);
    none["spec"] = json!({"address": "10.0.0.1"});
    refused(&none, &["spec.asn: must be given"]);
}

/// Neither where it stands by mistake, nor where it is taken for the file's name.
#[test]
fn a_key_is_refused_and_not_told() {
    let key = "hunter2-hunter2";
    for field in ["password", "passwordFile", "authPassword"] {
        let mut spec = json!({});
        spec[field] = json!(key);
        let error = fairway_bgp::object::parse(peer(spec)).unwrap_err();
        assert!(!error.to_string().contains(key), "{error}");
    }
    refused(
        &peer(json!({"password": key})),
        &[
            "spec.password: a key never stands in an object: put it into a file of the node and name that in passwordFile",
        ],
    );
}
