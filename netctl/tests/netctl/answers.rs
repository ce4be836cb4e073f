//! Answers as a daemon gives them: one with all fields, one with the fewest.

use serde_json::{Value, json};

pub(crate) fn pool() -> Value {
    json!({
        "name": "web",
        "ranges": [
            {"cidr": "10.1.0.0/16", "block": 26, "gateway": "10.1.0.1", "exclude": ["10.1.0.0/28"], "draining": true},
            {"cidr": "fd01::/64", "draining": false}
        ],
        "cooldown": 30, "reserve": 8, "release": "on-delete", "handover": "wait",
        "nodes": "rack=a", "namespaces": "", "phase": "active",
        "size": "18446744073709617136", "live": 12, "claimed": 3, "cooling": 1, "blocks": 4
    })
}

pub(crate) fn pools() -> Value {
    json!([
        pool(),
        {
            "name": "old", "ranges": [{"cidr": "10.9.0.0/24"}], "cooldown": 7200, "reserve": 0,
            "release": "after:3600s", "handover": "strict", "nodes": "", "namespaces": "",
            "phase": "retiring", "size": "254", "live": 0, "claimed": 0, "cooling": 0, "blocks": 0
        }
    ])
}

const CONTAINER: &str = "8d4f2a6c1b0e9f7d5c3b1a0987654321";

pub(crate) fn addresses() -> Value {
    json!([
        {
            "ip": "10.1.0.17", "pool": "web", "block": "10.1.0.0/26", "state": "live", "node": "n1",
            "attachment": {"network": "net", "container": CONTAINER, "ifname": "eth0"},
            "workload": "shop/db-0", "claim": "shop/db-0", "seq": 41
        },
        {"ip": "fd01::5", "pool": "web", "block": "fd01::/122", "state": "cooling", "node": "n1", "seq": 40}
    ])
}

pub(crate) fn audit(holds: bool) -> Value {
    let findings = match holds {
        true => json!([]),
        false => json!([
            {
                "kind": "leaked", "pool": "web", "ip": "10.1.0.18", "fixed": false,
                "breaks": true, "text": "container 1f2e is not on n1"
            },
            {
                "kind": "unreadable", "text": "blocks/web/10.1.0.64_26 is of version 9", "breaks": true, "fixed": false,
                "remedy": "upgrade fairwayd on n1"
            },
            {"kind": "stale-block", "pool": "web", "text": "n9 is gone", "breaks": true, "fixed": true}
        ]),
    };
    json!({
        "pools": [
            {"pool": "web", "allocated": 16, "live": 12, "claimed": 3, "cooling": 1, "holds": holds},
            {"pool": "old", "allocated": 0, "live": 0, "claimed": 0, "cooling": 0, "holds": true}
        ],
        "findings": findings,
        "nodes": ["n1"]
    })
}

pub(crate) fn released() -> Value {
    json!({"addresses": ["10.1.0.17", "fd01::5"]})
}

pub(crate) fn claim() -> Value {
    json!({
        "name": "shop/db-0", "pool": "web", "kind": "claim", "addresses": ["10.1.0.17", "fd01::5"],
        "node": "n1", "holder": {"network": "net", "container": CONTAINER, "ifname": "eth0"},
        "release": "never", "handover": "wait", "app": "StatefulSet/shop/db", "only": "n1",
        "created": 1_760_000_000, "ended": 1_760_000_001
    })
}

pub(crate) fn claims() -> Value {
    json!([
        claim(),
        {
            "name": "shop/front", "pool": "web", "kind": "set", "addresses": [], "release": "on-app-delete",
            "handover": "temporary", "set": {"size": 3, "surge": 1}, "created": 1_760_000_000
        },
        {
            "name": "shop/back", "pool": "web", "kind": "set", "addresses": [], "release": "on-app-delete",
            "handover": "temporary", "set": {}, "created": 1_760_000_000
        }
    ])
}

pub(crate) fn nodes() -> Value {
    json!([
        {
            "name": "n1", "state": "alive", "labels": {"rack": "a", "zone": "x"}, "daemon": "0.1.0",
            "host": "machine-1", "blocks": 4, "live": 12, "claims": 3, "here": true
        },
        {"name": "n2", "state": "away", "labels": {}, "blocks": 1, "live": 0, "claims": 0, "here": false}
    ])
}

pub(crate) fn node_removed() -> Value {
    json!({"blocks": 4, "addresses": 12, "claims": 3})
}

pub(crate) fn status() -> Value {
    json!({"node": "n1", "daemon": "0.1.0", "store": "etcd", "connected": false, "api": 1})
}
