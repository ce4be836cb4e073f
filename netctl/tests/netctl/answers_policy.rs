//! Answers about objects, policies and flows.

use serde_json::{Value, json};

pub(crate) fn applied() -> Value {
    json!([
        {"kind": "NetworkPolicy", "namespace": "web", "name": "allow-dns", "done": "created"},
        {
            "kind": "ClusterNetworkPolicy", "name": "deny-all", "done": "configured",
            "warnings": ["spec.ingress[0]: never asked, since spec.ingress[1] fits all"]
        },
        {"kind": "Namespace", "name": "web", "done": "unchanged"}
    ])
}

pub(crate) fn deleted() -> Value {
    json!({"kind": "NetworkPolicy", "namespace": "web", "name": "allow-dns", "done": "deleted"})
}

pub(crate) fn network_policy() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {
            "namespace": "web", "name": "allow-dns", "labels": {"no": "no"},
            "annotations": {"fairway.network/policy-mode": "audit"}
        },
        "spec": {
            "podSelector": {
                "matchLabels": {"app": "db", "tier": "010"},
                "matchExpressions": [
                    {"key": "zone", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"}
                ]
            },
            "policyTypes": ["Ingress", "Egress"],
            "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]
        }
    })
}

pub(crate) fn network_policies() -> Value {
    json!([
        network_policy(),
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"namespace": "shop", "name": "closed"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}
        }
    ])
}

pub(crate) fn cluster_policies() -> Value {
    json!([{
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "deny-all"},
        "spec": {
            "tier": "Admin", "priority": 100,
            "subject": {"pods": {
                "namespaceSelector": {"matchLabels": {"team": "red"}}, "podSelector": {}
            }},
            "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]
        }
    }])
}

pub(crate) fn pods() -> Value {
    json!([{
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "web", "name": "front", "labels": {"app": "front"}},
        "spec": {"containers": [{"ports": [
            {"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"containerPort": 9}
        ]}]}
    }])
}

pub(crate) fn policies() -> Value {
    json!([
        {
            "kind": "ClusterNetworkPolicy", "name": "deny-all", "tier": "admin", "priority": 100,
            "ingress": 1, "here": 2, "endpoints": 9, "mode": "enforce", "problems": []
        },
        {
            "kind": "NetworkPolicy", "namespace": "web", "name": "allow-dns", "tier": "namespace",
            "ingress": 0, "egress": 1, "here": 1, "endpoints": 3, "mode": "audit",
            "problems": ["a port has a name that no pod has"]
        }
    ])
}

pub(crate) fn policy_explained(verdict: &str) -> Value {
    json!({
        "from": {
            "kind": "pod", "name": "web/front", "node": "n1", "addresses": ["10.1.0.17", "fd01::5"],
            "labels": ["app=front", "zone=a"], "refused_groups": ["db"]
        },
        "to": {"kind": "world", "name": "192.0.2.7", "addresses": ["192.0.2.7"], "labels": []},
        "port": "tcp 80",
        "verdict": verdict,
        "directions": [{
            "direction": "egress", "verdict": verdict,
            "why": "NetworkPolicy web/allow-dns, egress[0] lets it through",
            "audit": "would be denied: no rule lets it through",
            "rules": [
                {
                    "policy": "deny-all", "tier": "admin", "rule": "egress[0] \"far\"", "action": "pass",
                    "outcome": "fits"
                },
                {
                    "policy": "web/allow-dns", "tier": "namespace", "rule": "egress[0]", "action": "accept",
                    "outcome": "decides", "audit": true
                },
                {
                    "policy": "web/other", "tier": "namespace", "rule": "egress[1]", "action": "accept",
                    "outcome": "port: 80 is not in udp 53", "audit": false
                }
            ]
        }]
    })
}

pub(crate) fn audit_rows() -> Value {
    json!([
        {"policy": "web/b", "rule": "ingress", "flows": 3},
        {"policy": "web/c", "rule": "ingress[0]", "flows": 40},
        {"policy": "web/a", "rule": "ingress", "flows": 3}
    ])
}

pub(crate) fn policy_status(enforced: bool) -> Value {
    match enforced {
        true => json!({
            "enforced": true, "endpoints": 12,
            "maps": [{"name": "PEERS", "used": 95, "size": 100}, {"name": "SETS", "used": 1, "size": 4096}],
            "packets": [
                {"number": 0, "reason": "allowed", "direction": "ingress", "packets": 7, "bytes": 4200},
                {"number": 3, "reason": "denied", "direction": "egress", "packets": 2, "bytes": 120}
            ]
        }),
        false => json!({
            "enforced": false, "problems": ["the kernel is 4.19: eBPF programs of policies need 5.10"],
            "endpoints": 0, "maps": [], "packets": []
        }),
    }
}

pub(crate) fn flow(at: u64) -> Value {
    json!({
        "at": at, "verdict": "dropped", "reason": "denied", "direction": "ingress", "endpoint": "web/front",
        "source": "10.1.0.17", "source_name": "shop/db-0", "destination": "10.1.0.18",
        "destination_name": "web/front", "protocol": "tcp", "source_port": 40000, "destination_port": 80,
        "bytes": 74, "rule": "deny-all ingress[0]"
    })
}

pub(crate) fn flow6(at: u64) -> Value {
    json!({
        "at": at, "verdict": "allowed", "reason": "", "direction": "egress", "endpoint": "fw12345678",
        "source": "fd01::5", "destination": "fd01::6", "protocol": "udp", "source_port": 53,
        "destination_port": 5353, "bytes": 90
    })
}

/// Some that the dataplane could not tell of were missed.
pub(crate) fn flows() -> Value {
    let arp = json!({
        "at": 1_795_896_721_043_u64, "verdict": "audited", "reason": "audited", "direction": "egress",
        "endpoint": "web/front", "protocol": "89", "bytes": 60
    });
    json!({
        "flows": [flow(1_795_896_721_042), flow6(1_795_896_721_042), arp], "next": 7, "missed": 2
    })
}
