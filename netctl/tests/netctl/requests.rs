//! What each verb asks for.

use crate::{answers, fake::Fake};
use serde_json::{Value, json};

/// Each line asks for that method with these parameters.
pub(crate) fn asks(answer: Value, cases: &[(&str, &str, Value)]) {
    let fake = Fake::answering(answer);
    for (line, method, params) in cases {
        let asked = fake.asks(line);
        assert_eq!(asked["method"], *method, "{line}");
        assert_eq!(&asked["params"], params, "{line}");
    }
}

#[test]
fn pools() {
    asks(answers::pools(), &[("pool ls", "pool.list", Value::Null)]);
    let range = |cidr: &str| json!({"cidr": cidr, "draining": false});
    asks(
        answers::pool(),
        &[
            (
                "pool create web --cidr 10.0.0.0/16",
                "pool.create",
                json!({"name": "web", "ranges": [range("10.0.0.0/16")], "settings": {}}),
            ),
            (
                "pool create web --cidr 10.0.0.0/16 --cidr fd00::/64 --block-size /26,/120 \
                 --gateway fd00::ff --gateway 10.0.0.9 --exclude 10.0.0.0/28,fd00::1-fd00::9 --exclude 10.0.9.9 \
                 --cooldown 2m --reserve 8 --release after:1h --handover strict \
                 --nodes rack=a --namespaces name!=kube",
                "pool.create",
                json!({
                    "name": "web",
                    "ranges": [
                        {
                            "cidr": "10.0.0.0/16", "block": 26, "gateway": "10.0.0.9",
                            "exclude": ["10.0.0.0/28", "10.0.9.9"], "draining": false
                        },
                        {
                            "cidr": "fd00::/64", "block": 120, "gateway": "fd00::ff",
                            "exclude": ["fd00::1-fd00::9"], "draining": false
                        }
                    ],
                    "settings": {
                        "cooldown": 120, "reserve": 8, "release": "after:1h", "handover": "strict",
                        "nodes": "rack=a", "namespaces": "name!=kube"
                    }
                }),
            ),
            (
                "pool create web --cidr 10.0.0.0/16,10.1.0.0/16 --block-size 28 --gateway none,10.0.0.2",
                "pool.create",
                json!({
                    "name": "web",
                    "ranges": [
                        {"cidr": "10.0.0.0/16", "block": 28, "gateway": "10.0.0.2", "draining": false},
                        {"cidr": "10.1.0.0/16", "block": 28, "gateway": "none", "draining": false}
                    ],
                    "settings": {}
                }),
            ),
            (
                "pool set web --cidr 10.2.0.0/16 --drain 10.0.0.0/16 --undrain 10.3.0.0/16 \
                 --remove 10.4.0.0/16 --reserve 0",
                "pool.set",
                json!({
                    "name": "web", "add": [range("10.2.0.0/16")], "drain": ["10.0.0.0/16"],
                    "undrain": ["10.3.0.0/16"], "remove": ["10.4.0.0/16"], "settings": {"reserve": 0}
                }),
            ),
            (
                "pool set web --replace 10.0.0.0/16 --exclude 10.0.1.0/24 --cidr fd00::/64 --block-size 120,26",
                "pool.set",
                json!({
                    "name": "web",
                    "add": [{"cidr": "fd00::/64", "block": 120, "draining": false}],
                    "replace": [
                        {"cidr": "10.0.0.0/16", "block": 26, "exclude": ["10.0.1.0/24"], "draining": false}
                    ],
                    "settings": {}
                }),
            ),
            (
                "pool set web --replace 10.0.0.0/16,10.1.0.0/16 --exclude none,10.0.1.0/24 --cidr 10.2.0.0/16",
                "pool.set",
                json!({
                    "name": "web",
                    "add": [range("10.2.0.0/16")],
                    "replace": [
                        {"cidr": "10.0.0.0/16", "exclude": ["none", "10.0.1.0/24"], "draining": false},
                        {"cidr": "10.1.0.0/16", "exclude": ["none"], "draining": false}
                    ],
                    "settings": {}
                }),
            ),
            (
                "pool drain web",
                "pool.set",
                json!({"name": "web", "phase": "draining", "settings": {}}),
            ),
            (
                "pool drain web 10.0.0.0/16 fd00::/64",
                "pool.set",
                json!({"name": "web", "drain": ["10.0.0.0/16", "fd00::/64"], "settings": {}}),
            ),
            (
                "pool undrain web",
                "pool.set",
                json!({"name": "web", "phase": "active", "settings": {}}),
            ),
            (
                "pool undrain web 10.0.0.0/16",
                "pool.set",
                json!({"name": "web", "undrain": ["10.0.0.0/16"], "settings": {}}),
            ),
            (
                "pool rm web",
                "pool.remove",
                json!({"name": "web", "wait": false}),
            ),
            (
                "pool rm web --wait",
                "pool.remove",
                json!({"name": "web", "wait": true}),
            ),
        ],
    );
}

#[test]
fn how_the_pools_of_networks_are_reached() {
    let settings = |settings: Value| json!({"name": "web", "settings": settings});
    asks(
        answers::pool(),
        &[
            (
                "pool set web --encap cross-subnet",
                "pool.set",
                settings(json!({"encap": "cross-subnet"})),
            ),
            (
                "pool set web --masquerade off",
                "pool.set",
                settings(json!({"masquerade": false})),
            ),
            (
                "pool create web --cidr fd00::/64 --encap never --masquerade on",
                "pool.create",
                json!({
                    "name": "web", "ranges": [{"cidr": "fd00::/64", "draining": false}],
                    "settings": {"encap": "never", "masquerade": true}
                }),
            ),
        ],
    );
}

#[test]
fn networks() {
    asks(
        answers::networks(),
        &[("network ls", "network.list", Value::Null)],
    );
    asks(
        answers::network(),
        &[
            (
                "network create blue --pool web",
                "network.create",
                json!({"name": "blue", "pools": ["web"]}),
            ),
            (
                "network create blue --pool web,db --pool v6 --vni 5000 --import shared --import other",
                "network.create",
                json!({
                    "name": "blue", "pools": ["web", "db", "v6"], "vni": 5000, "imports": ["shared", "other"]
                }),
            ),
            (
                "network set blue --add-pool a,b --remove-pool c --import d --unimport e,f --force",
                "network.set",
                json!({
                    "name": "blue", "add_pools": ["a", "b"], "remove_pools": ["c"], "import": ["d"],
                    "unimport": ["e", "f"], "force": true
                }),
            ),
            (
                "network set blue --unimport shared",
                "network.set",
                json!({"name": "blue", "unimport": ["shared"], "force": false}),
            ),
        ],
    );
    asks(
        json!({}),
        &[
            (
                "network rm blue",
                "network.remove",
                json!({"name": "blue", "force": false}),
            ),
            (
                "network rm blue --force",
                "network.remove",
                json!({"name": "blue", "force": true}),
            ),
        ],
    );
}

#[test]
fn routes_and_endpoints() {
    asks(
        answers::routes(),
        &[
            ("route ls", "route.list", json!({})),
            (
                "route ls --network blue",
                "route.list",
                json!({"network": "blue"}),
            ),
        ],
    );
    asks(
        answers::explained(true),
        &[
            (
                "route why 10.1.0.17",
                "route.why",
                json!({"address": "10.1.0.17"}),
            ),
            (
                "route why fd01::9 --network blue",
                "route.why",
                json!({"address": "fd01::9", "network": "blue"}),
            ),
        ],
    );
    asks(
        answers::endpoints(),
        &[
            ("endpoint ls", "endpoint.list", Value::Null),
            ("endpoint show 8d4f", "endpoint.list", Value::Null),
        ],
    );
    asks(
        answers::failed_calls(),
        &[("endpoint failed", "call.list", Value::Null)],
    );
}

#[test]
fn addresses() {
    asks(
        answers::addresses(),
        &[
            ("ipam ls", "ipam.list", json!({})),
            (
                "ipam ls --pool web --node n1 --address fd00::5",
                "ipam.list",
                json!({"pool": "web", "node": "n1", "address": "fd00::5"}),
            ),
        ],
    );
    asks(
        answers::audit(true),
        &[
            ("ipam check", "ipam.audit", json!({"fix": false})),
            (
                "ipam check --pool web --fix",
                "ipam.audit",
                json!({"pool": "web", "fix": true}),
            ),
        ],
    );
    asks(
        answers::released(),
        &[
            (
                "ipam release 10.0.0.5",
                "ipam.free",
                json!({"address": "10.0.0.5", "force": false}),
            ),
            (
                "ipam release fd00::5 --force",
                "ipam.free",
                json!({"address": "fd00::5", "force": true}),
            ),
        ],
    );
}

#[test]
fn doctor() {
    asks(
        answers::doctor(true),
        &[("doctor", "daemon.doctor", Value::Null)],
    );
}

#[test]
fn claims() {
    asks(
        answers::claim(),
        &[
            (
                "claim create shop/db-0 --pool web --address 10.0.0.5 --address fd00::5 \
                 --release on-scale-down --handover temporary --app StatefulSet/shop/db",
                "claim.create",
                json!({
                    "name": "shop/db-0", "pool": "web", "addresses": ["10.0.0.5", "fd00::5"],
                    "release": "on-scale-down", "handover": "temporary", "app": "StatefulSet/shop/db"
                }),
            ),
            (
                "claim create shop/front --pool web --set",
                "claim.create",
                json!({"name": "shop/front", "pool": "web", "set": {}}),
            ),
            (
                "claim create shop/front --pool web --set --size 3 --surge 1",
                "claim.create",
                json!({"name": "shop/front", "pool": "web", "set": {"size": 3, "surge": 1}}),
            ),
            (
                "claim move shop/db-0 --node n2",
                "claim.move",
                json!({"name": "shop/db-0", "node": "n2", "anywhere": false, "force": false}),
            ),
            (
                "claim move shop/db-0 --pool web --to shop/db-9 --force",
                "claim.move",
                json!({"name": "shop/db-0", "pool": "web", "name_to": "shop/db-9", "anywhere": false, "force": true}),
            ),
            (
                "claim move shop/db-0 --anywhere --force",
                "claim.move",
                json!({"name": "shop/db-0", "anywhere": true, "force": true}),
            ),
        ],
    );
    asks(
        answers::claims(),
        &[
            ("claim ls", "claim.list", json!({})),
            (
                "claim ls --pool web --app StatefulSet/shop/db",
                "claim.list",
                json!({"pool": "web", "app": "StatefulSet/shop/db"}),
            ),
            (
                "claim rm shop/db-0 --pool web --force",
                "claim.remove",
                json!({"name": "shop/db-0", "pool": "web", "force": true}),
            ),
            (
                "claim rm --app StatefulSet/shop/db --replicas 2",
                "claim.remove",
                json!({"app": "StatefulSet/shop/db", "replicas": 2, "force": false}),
            ),
        ],
    );
}

#[test]
fn nodes() {
    asks(answers::nodes(), &[("node ls", "node.list", Value::Null)]);
    asks(
        answers::node(),
        &[
            (
                "node drain n2",
                "node.drain",
                json!({"name": "n2", "undo": false}),
            ),
            (
                "node undrain n2",
                "node.drain",
                json!({"name": "n2", "undo": true}),
            ),
        ],
    );
    asks(
        answers::node_removed(),
        &[
            (
                "node rm n2",
                "node.remove",
                json!({"name": "n2", "force": false, "claims_only": false}),
            ),
            (
                "node rm n2 --force --claims-only",
                "node.remove",
                json!({"name": "n2", "force": true, "claims_only": true}),
            ),
        ],
    );
    asks(answers::status(), &[("status", "daemon.info", Value::Null)]);
}
