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
        "nodes": "rack=a", "namespaces": "", "encap": "cross-subnet", "masquerade": true,
        "network": "blue", "phase": "active",
        "size": "18446744073709617136", "live": 12, "claimed": 3, "cooling": 1, "blocks": 4
    })
}

pub(crate) fn pools() -> Value {
    json!([
        pool(),
        {
            "name": "old", "ranges": [{"cidr": "10.9.0.0/24"}], "cooldown": 7200, "reserve": 0,
            "release": "after:3600s", "handover": "strict", "nodes": "", "namespaces": "",
            "encap": "always", "masquerade": false, "phase": "retiring", "size": "254", "live": 0, "claimed": 0, "cooling": 0, "blocks": 0
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
            "host": "machine-1", "blocks": 4, "live": 12, "claims": 3,
            "underlay": ["192.0.2.1/24", "2001:db8::1/64"], "mtu": 1500, "here": true
        },
        {"name": "n2", "state": "away", "labels": {}, "blocks": 1, "live": 0, "claims": 0, "here": false}
    ])
}

pub(crate) fn node() -> Value {
    json!({
        "name": "n2", "state": "away", "labels": {}, "blocks": 1, "live": 0, "claims": 0, "here": false,
        "drained": true
    })
}

pub(crate) fn node_removed() -> Value {
    json!({"blocks": 4, "addresses": 12, "claims": 3})
}

pub(crate) fn network() -> Value {
    json!({
        "name": "blue", "vni": 4096, "pools": ["web", "db"], "imports": ["shared"], "live": 12,
        "problems": ["its pool db is not there"]
    })
}

pub(crate) fn networks() -> Value {
    json!([
        network(),
        {"name": "shared", "vni": 4097, "pools": ["common"], "imports": [], "live": 0}
    ])
}

pub(crate) fn routes() -> Value {
    json!([
        {
            "network": "blue", "prefix": "10.1.0.0/26", "state": "installed",
            "forward": "vxlan id 4096 src 192.0.2.1 dst 192.0.2.2 mtu 1450", "source": "block 10.1.0.0/26 of pool web"
        },
        {
            "network": "blue", "prefix": "fd01::5/128", "state": "pending", "forward": "dev fw1",
            "source": "container net/8d4f/eth0"
        },
        {
            "network": "shared", "prefix": "10.7.0.0/26", "state": "conflict", "forward": "via 192.0.2.3",
            "source": "block 10.7.0.0/26 of pool common"
        }
    ])
}

/// With a route and without one.
pub(crate) fn explained(route: bool) -> Value {
    let considered = json!([
        {
            "prefix": "10.1.0.17/32",
            "candidates": [{"source": "claim shop/db-0 of pool web", "verdict": "unusable: node n9 has no underlay"}]
        },
        {
            "prefix": "10.1.0.0/26",
            "candidates": [
                {"source": "block 10.1.0.0/26 of pool web", "verdict": "best: via 192.0.2.2, since it is near"},
                {"source": "static route x", "verdict": "lost (via 192.0.2.9): another was preferred"}
            ]
        }
    ]);
    match route {
        true => json!({
            "network": "blue", "address": "10.1.0.17", "considered": considered,
            "route": {
                "network": "blue", "prefix": "10.1.0.0/26", "state": "pending", "forward": "via 192.0.2.2",
                "source": "block 10.1.0.0/26 of pool web"
            }
        }),
        false => json!({"network": "blue", "address": "fd01::9", "considered": []}),
    }
}

pub(crate) fn failed_calls() -> Value {
    json!([
        {
            "at": 1_795_000_000, "trace": "4bf92f3577b34da6a3ce929d0e0e4736", "verb": "ADD", "plugin": "bridge",
            "method": "ipam.allocate", "attachment": {"network": "net", "container": CONTAINER, "ifname": "eth0"},
            "code": 101, "message": "pool web: no address is left",
            "details": "request 4bf92f3577b34da6a3ce929d0e0e4736"
        },
        {"at": 1_795_000_060, "verb": "GC", "code": 5, "message": "the journal cannot be written"}
    ])
}

pub(crate) fn endpoints() -> Value {
    json!([
        {
            "attachment": {"network": "net", "container": CONTAINER, "ifname": "eth0"},
            "network": "blue", "link": "fw1", "addresses": ["10.1.0.17", "fd01::5"], "ready": true
        },
        {
            "attachment": {"network": "net", "container": "77aa", "ifname": "eth1"},
            "network": "shared", "link": "fw2", "addresses": ["10.7.0.4"], "ready": false
        }
    ])
}

/// Of a node that is well, but for a warning, and of one that is not.
pub(crate) fn doctor(well: bool) -> Value {
    let mut checks = vec![
        json!({"name": "store", "state": "ok", "text": "etcd answers in 3 ms"}),
        json!({
            "name": "firewall", "state": "warning", "text": "chain FORWARD of table ip filter drops",
            "remedy": "nft insert rule ip filter FORWARD iifname '\"fw*\"' accept"
        }),
    ];
    if !well {
        checks.push(json!({
            "name": "node n2", "state": "failed", "text": "node n2 (192.0.2.3) does not answer",
            "remedy": "is n2 up?"
        }));
        checks.push(json!({"name": "routes", "state": "failed", "text": "a problem"}));
    }
    json!({"node": "n1", "checks": checks})
}

/// Of a daemon that has something to say.
pub(crate) fn troubled() -> Value {
    json!({
        "node": "n1", "daemon": "0.1.0", "store": "redb", "connected": true, "fault": "no space", "api": 1,
        "problems": ["table 4096: somebody else's route 10.1.0.0/26", "underlay: link eth7 is not there"]
    })
}

pub(crate) fn status() -> Value {
    json!({"node": "n1", "daemon": "0.1.0", "store": "etcd", "connected": false, "api": 1})
}
