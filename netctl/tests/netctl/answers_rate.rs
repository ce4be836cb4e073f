//! Answers about rates.

use serde_json::{Value, json};

/// Two directions of one container, and one of a container without a name, which only drops.
pub(crate) fn rates() -> Value {
    let of = |container: &str| json!({"network": "apps", "container": container, "ifname": "eth0"});
    json!([
        {
            "workload": "shop/db-0", "attachment": of("8d4f2a6c1b0e77"), "direction": "ingress",
            "rate": 20_000_000, "means": "htb",
            "limits": [
                {
                    "scope": "container", "of": "shop/db-0 eth0", "rate": 100_000_000, "burst": 65536,
                    "reason": "ingressRate"
                },
                {"scope": "namespace", "of": "shop", "rate": 20_000_000, "reason": "RateLimit/shop"}
            ],
            "sent": {"bytes": 4200, "packets": 41, "delayed": 12, "marked": 3, "dropped": 0}
        },
        {
            "workload": "shop/db-0", "attachment": of("8d4f2a6c1b0e77"), "direction": "egress",
            "rate": 1_500_000, "packets": 1000, "dscp": 46, "means": "edt",
            "limits": [
                {
                    "scope": "container", "of": "shop/db-0 eth0", "rate": 1_500_000,
                    "reason": "netctl rate set: incident 17"
                },
                {"scope": "network", "of": "apps", "packets": 1000, "reason": "RateLimit/apps"}
            ],
            "sent": {"bytes": 900, "packets": 9, "delayed": 7, "marked": 0, "dropped": 2}
        },
        {
            "attachment": of("0123456789abcdef"), "direction": "ingress", "rate": 1_234_567,
            "means": "police",
            "limits": [{
                "scope": "container", "of": "0123456789abcdef eth0", "rate": 1_234_567,
                "reason": "ingressRate"
            }],
            "problems": ["fq and htb are missing: what is too much is dropped"]
        }
    ])
}

/// What was set, and with it an older word.
pub(crate) fn set() -> Value {
    json!({
        "workload": "shop/db-0", "ingress": {},
        "egress": {"rate": "1500k", "burst": "64Ki", "packets": 1000, "dscp": 46}, "reason": "incident 17",
        "warnings": ["egress: RateLimit/shop allows 1Mbit only"]
    })
}

pub(crate) fn history() -> Value {
    json!([
        {
            "at": 1_795_896_721, "scope": "container", "of": "shop/db-0", "direction": "egress",
            "to": "20Mbit", "reason": "RateLimit/web"
        },
        {
            "at": 1_795_896_725, "scope": "namespace", "of": "shop", "direction": "ingress",
            "from": "20Mbit", "reason": "RateLimit/shop is gone"
        }
    ])
}

pub(crate) fn limits() -> Value {
    let limit = |name: &str, spec: Value| {
        json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit",
            "metadata": {"name": name, "labels": {"of": "ops"}}, "spec": spec
        })
    };
    json!([
        limit(
            "web",
            json!({
                "podSelector": {"matchLabels": {"app": "web"}},
                "egress": {"rate": "20M", "burst": "64Ki", "packetsPerSecond": 1000, "dscp": 10}
            })
        ),
        limit(
            "shop",
            json!({
                "per": "Namespace", "namespaces": ["shop", "bank"], "networks": ["apps"],
                "ingress": {"rate": 1_000_000}
            })
        )
    ])
}
