//! Answers about BGP.

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// That many seconds ago, as answers have it.
pub(crate) fn ago(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() - seconds
}

/// One that is up with two families, one that is away and whose routes are kept, and one that never was.
pub(crate) fn peers() -> Value {
    json!({
        "asn": 64512, "router": "192.0.2.1", "listening": ["0.0.0.0:179", "[::]:179"],
        "problems": ["BgpPeer/old: BgpPeer/tor has its address 10.0.0.1"],
        "peers": [up(), away(), never()]
    })
}

fn up() -> Value {
    let counts = |family: &str, received: u64| {
        json!({
            "family": family, "received": received, "accepted": received - 2, "advertised": 3,
            "stale": false
        })
    };
    json!({
        "address": "10.0.0.1", "object": "BgpPeer/tor", "asn": 65001, "state": "Established",
        "since": ago(7260), "routes": [counts("ipv4-unicast", 12), counts("ipv6-unicast", 4)], "flaps": 0
    })
}

fn away() -> Value {
    json!({
        "address": "fd00::2", "object": "BgpPeer/spine", "asn": 4_200_000_001_u32, "state": "Active",
        "since": ago(150), "why": "the hold timer expired",
        "routes": [{
            "family": "ipv6-unicast", "received": 7, "accepted": 7, "advertised": 0, "stale": true
        }],
        "flaps": 3
    })
}

fn never() -> Value {
    json!({
        "address": "10.0.0.3", "object": "BgpPeer/new", "state": "Connect", "since": ago(90),
        "why": "connection refused", "routes": [], "flaps": 0
    })
}

/// The speaker is off.
pub(crate) fn off() -> Value {
    json!({"listening": [], "problems": [], "peers": []})
}

/// All that can be said of one.
pub(crate) fn neighbor() -> Value {
    let mut whole = away();
    let more = json!({
        "router": "198.51.100.2",
        "agreed": ["4-octet AS", "route refresh (enhanced)", "graceful restart (120 s)"],
        "hold_time": 90,
        "received": {"open": 4, "update": 17, "notification": 1, "keepalive": 900, "refresh": 2},
        "sent": {"open": 5, "update": 6, "notification": 3, "keepalive": 901, "refresh": 1},
        "error_received": {"what": "Cease, Administrative Reset: \"update\"", "at": ago(86400)},
        "error_sent": {"what": "Hold Timer Expired", "at": ago(150)},
        "faults": 2, "last_fault": "ORIGIN: 7 is none: its routes count as withdrawn",
        "warnings": ["import: no policy: nothing of it is taken (RFC 8212)"]
    });
    for (key, value) in more.as_object().unwrap() {
        whole[key] = value.clone();
    }
    whole
}

/// As little as can be said.
pub(crate) fn stranger() -> Value {
    let mut whole = never();
    let none = json!({"open": 0, "update": 0, "notification": 0, "keepalive": 0, "refresh": 0});
    for (key, value) in [
        ("agreed", json!([])),
        ("received", none.clone()),
        ("sent", none),
        ("faults", json!(0)),
        ("warnings", json!([])),
    ] {
        whole[key] = value;
    }
    whole
}

pub(crate) fn routes() -> Value {
    json!([
        {
            "prefix": "0.0.0.0/0", "peer": "10.0.0.1", "source": "neighbour", "next_hop": "10.0.0.1", "via": ["10.0.0.1 dev eth0"],
            "as_path": "65001 {65010 65011}", "origin": "igp", "local_pref": 200, "med": 0,
            "communities": ["64512:100", "64512:1:2"], "best": true, "why": "best: its LOCAL_PREF is the highest"
        },
        {
            "prefix": "0.0.0.0/0", "peer": "fd00::2", "source": "neighbour", "next_hop": "fd00::7", "via": ["fd00:1::1 dev eth0"],
            "as_path": "65002 65003", "origin": "incomplete", "local_pref": 100, "communities": [],
            "best": false, "why": "its LOCAL_PREF is 100, of another 200"
        },
        {
            "prefix": "10.1.48.0/26", "source": "block", "as_path": "", "origin": "igp",
            "communities": [], "best": true, "why": "it is of this node"
        }
    ])
}

pub(crate) fn objects() -> Value {
    let object = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": kind,
            "metadata": {"name": name, "labels": {"of": "ops"}}, "spec": spec
        })
    };
    json!([
        object("BgpConfig", "all", json!({"asn": 64512})),
        object(
            "BgpConfig",
            "racks",
            json!({"nodes": ["rack1-*", "n9"], "listen": {"port": 1179, "addresses": ["10.0.0.0/8", "fd00::1"]}})
        ),
        object("BgpConfig", "open", json!({"listen": {}})),
        object(
            "BgpPeer",
            "tor",
            json!({
                "nodes": ["rack1-*"], "address": "10.0.0.1", "asn": 65001,
                "import": {"rules": [{"then": "Accept"}]},
                "export": {"rules": [{"then": "Reject"}, {"then": "Accept"}], "default": "Accept"}
            })
        ),
        object(
            "BgpPeer",
            "racks",
            json!({"prefix": "10.9.0.0/16", "asn": [65001, 65002], "export": {"default": "Accept"}})
        ),
        object(
            "BgpPeer",
            "mesh",
            json!({"address": "fd00::9", "asn": "Internal"})
        )
    ])
}
