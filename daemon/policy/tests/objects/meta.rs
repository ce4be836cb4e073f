//! What all kinds have in common, Namespace, Pod, and the names of kinds.

use super::{cluster, network, refused, taken};
use fairway_policy::{
    object,
    spec::{Kind, NamedPort, Object, Protocol},
};
use serde_json::{Value, json};

const SUBDOMAIN: &str =
    "1 to 253 of a-z, 0-9, - and ., with a letter or digit at both ends of each part";
const LABEL: &str = "1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";

fn namespace(metadata: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata,
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "web", "name": "p"}, "spec": spec})
}

#[test]
fn kinds_and_versions_are_refused_by_field() {
    let known = "there are NetworkPolicy, ClusterNetworkPolicy, Namespace, Pod";
    let replaced = "its API has been replaced; write a ClusterNetworkPolicy";
    let rows = [
        (json!([]), ": must be an object, is a list".to_owned()),
        (json!({"kind": "Pod"}), "apiVersion: must be given".into()),
        (json!({"apiVersion": "v1"}), "kind: must be given".into()),
        (json!({"apiVersion": "v1", "kind": "pod"}), format!("kind: \"pod\" is not known; {known}")),
        (json!({"apiVersion": "apps/v1", "kind": "Pod"}), "apiVersion: \"apps/v1\" is not known; there are v1".into()),
        (json!({"apiVersion": "networking.k8s.io/v1beta1", "kind": "NetworkPolicy"}),
            "apiVersion: \"networking.k8s.io/v1beta1\" is not known; there are networking.k8s.io/v1".into()),
        (json!({"apiVersion": "policy.networking.k8s.io/v1", "kind": "ClusterNetworkPolicy"}),
            "apiVersion: \"policy.networking.k8s.io/v1\" is not known; there are \
             policy.networking.k8s.io/v1alpha2, policy.networking.k8s.io/v1beta1".into()),
        (json!({"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy"}), format!("kind: {replaced}")),
        (json!({"apiVersion": 1, "kind": "Pod"}), "apiVersion: must be text, is a number".into()),
    ];
    for (value, line) in rows {
        refused(&value, &[line.trim_start_matches(": ")]);
    }
    let error = object::parse_slice(b"{\"kind\": ").unwrap_err();
    assert_eq!(
        error.to_string(),
        "not JSON: EOF while parsing a value at line 1 column 9"
    );
}

#[test]
fn metadata_is_refused_by_field() {
    let with = |field: &str, value: Value| {
        let mut policy = network(json!({}));
        policy["metadata"][field] = value;
        policy
    };
    let audit = json!({"fairway.network/policy-mode": "Audit"});
    let large = json!({"note": "x".repeat(256 << 10)});
    let rows = [
        ("name", json!(null), "name: must be given".to_owned()),
        ("name", json!(1), "name: must be text, is a number".into()),
        ("name", json!("a_b"), format!("name: \"a_b\" must be {SUBDOMAIN}")),
        ("name", json!("a..b"), format!("name: \"a..b\" must be {SUBDOMAIN}")),
        ("name", json!("../b"), format!("name: \"../b\" must be {SUBDOMAIN}")),
        ("name", json!("A"), format!("name: \"A\" must be {SUBDOMAIN}")),
        ("namespace", json!("a.b"), format!("namespace: \"a.b\" must be {LABEL}")),
        ("namespace", json!("a-"), format!("namespace: \"a-\" must be {LABEL}")),
        ("labels", json!({"a": null}), "labels[a]: must be text, is null".into()),
        ("labels", json!("a"), "labels: must be an object, is text".into()),
        ("annotations", json!({"a": 1}), "annotations[a]: must be text, is a number".into()),
        ("annotations", audit, "annotations[fairway.network/policy-mode]: \"Audit\" is not known; there are audit, enforce".into()),
        ("annotations", large, "annotations: has 262148 bytes, may have 262144".into()),
    ];
    for (field, value, wrong) in rows {
        refused(&with(field, value), &[&format!("metadata.{wrong}")]);
    }
    let parts = "x.".repeat(126);
    let long = format!("{parts}xx");
    refused(
        &with("name", json!(long)),
        &[&format!("metadata.name: \"{long}\" must be {SUBDOMAIN}")],
    );
    taken(&with("name", json!(format!("{parts}x"))));
    taken(&with("labels", json!(null)));
    taken(&with(
        "annotations",
        json!({"Example.ORG/a": "anything at all"}),
    ));
    taken(&with("uid", json!({"whatever": 1})));

    let mut none = network(json!({}));
    none["metadata"] = json!(null);
    refused(&none, &["metadata.name: must be given"]);
    let mut extra = network(json!({}));
    extra["Spec"] = json!({});
    refused(&extra, &["Spec: no such field"]);

    let mut placed =
        cluster(json!({"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}));
    placed["metadata"]["namespace"] = json!("web");
    refused(
        &placed,
        &["metadata.namespace: may not be given where the kind is not of a namespace"],
    );
}

#[test]
fn a_namespace_is_called_what_it_is_called() {
    let Object::Namespace(plain) = taken(&namespace(json!({"name": "web"}))).object else {
        panic!("a namespace");
    };
    assert_eq!(plain.labels["kubernetes.io/metadata.name"], "web");
    assert!(!plain.audit);
    let labels = json!({"kubernetes.io/metadata.name": "db"});
    refused(
        &namespace(json!({"name": "web", "labels": labels})),
        &[
            "metadata.labels[kubernetes.io/metadata.name]: \"db\" must be the object's name, \"web\"",
        ],
    );
    refused(
        &namespace(json!({"name": "a.b"})),
        &[&format!("metadata.name: \"a.b\" must be {LABEL}")],
    );
    let audit = json!({"name": "web", "annotations": {"fairway.network/policy-mode": "audit"}});
    assert!(matches!(taken(&namespace(audit)).object, Object::Namespace(n) if n.audit));
}

#[test]
fn ports_of_pods_are_refused_by_field() {
    let port = |name: &str, number: u16| json!({"name": name, "containerPort": number});
    let rows = [
        (
            json!({"containers": [{"ports": [{"name": "Web", "containerPort": 80}]}]}),
            "containers[0].ports[0].name: \"Web\" must be 1 to 15 of a-z, 0-9 and single -, with a letter, and none of - at the ends",
        ),
        (
            json!({"containers": [{}, {"ports": [{"name": "web"}]}]}),
            "containers[1].ports[0].containerPort: must be given",
        ),
        (
            json!({"containers": [{"ports": [port("web", 0)]}]}),
            "containers[0].ports[0].containerPort: 0 is not in 1 to 65535",
        ),
        (
            json!({"containers": [{"ports": [{"name": "web", "containerPort": 1, "protocol": "X"}]}]}),
            "containers[0].ports[0].protocol: \"X\" is not known; there are TCP, UDP, SCTP",
        ),
        (
            json!({"containers": [{"ports": [port("web", 1), port("web", 2)]}]}),
            "containers[0].ports[1].name: is given twice",
        ),
        (
            json!({"initContainers": [{"restartPolicy": "Always", "ports": [port("web", 0)]}]}),
            "initContainers[0].ports[0].containerPort: 0 is not in 1 to 65535",
        ),
        (
            json!({"containers": {}}),
            "containers: must be a list, is an object",
        ),
    ];
    for (spec, wrong) in rows {
        refused(&pod(spec), &[&format!("spec.{wrong}")]);
    }
}

#[test]
fn a_pod_has_the_ports_of_what_runs_in_it() {
    let spec = json!({
        "hostNetwork": false,
        "containers": [
            {"name": "a", "image": "a", "ports": [
                {"name": "web", "containerPort": 80, "hostPort": 8080}, {"containerPort": 99999}]},
            {"name": "b", "ports": [
                {"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "web", "containerPort": 80}]},
        ],
        "initContainers": [
            {"name": "side", "restartPolicy": "Always", "ports": [{"name": "metrics", "containerPort": 9090}]},
            {"name": "before", "ports": [{"name": "gone", "containerPort": 1}]},
        ],
    });
    let Object::Pod(found) = taken(&pod(spec)).object else {
        panic!("a pod");
    };
    let port = |name: &str, protocol, port| NamedPort {
        name: name.into(),
        protocol,
        port,
    };
    assert_eq!(
        found.ports,
        [
            port("dns", Protocol::Udp, 53),
            port("metrics", Protocol::Tcp, 9090),
            port("web", Protocol::Tcp, 80),
        ]
    );
}

#[test]
fn kinds_are_known_as_admins_type_them() {
    let rows = [
        (
            Kind::NetworkPolicy,
            [
                "networkpolicy",
                "NetworkPolicies",
                "netpol",
                "networkpolicies.networking.k8s.io",
            ],
        ),
        (
            Kind::ClusterNetworkPolicy,
            [
                "ClusterNetworkPolicy",
                "clusternetworkpolicies",
                "CNP",
                "cnp.policy.networking.k8s.io",
            ],
        ),
        (Kind::Namespace, ["namespace", "namespaces", "ns", "NS"]),
        (Kind::Pod, ["pod", "pods", "po", "Pod"]),
    ];
    for (kind, words) in rows {
        for word in words {
            assert_eq!(word.parse(), Ok(kind), "{word}");
        }
    }
    for word in ["", "policy", "networkpolicies.example.org", "pods.v1", "np"] {
        assert!(word.parse::<Kind>().is_err(), "{word}");
    }
    let error = "svc".parse::<Kind>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"svc\" is not a kind of object; there are networkpolicies, clusternetworkpolicies, namespaces, pods"
    );
    assert_eq!(
        taken(&network(json!({}))).name.to_string(),
        "NetworkPolicy web/p"
    );
    let policy = cluster(json!({"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}));
    assert_eq!(taken(&policy).name.to_string(), "ClusterNetworkPolicy p");
}

#[test]
fn one_fault_is_one_line_whatever_is_in_it() {
    let mut policy = network(json!({"a\nb\u{1b}[0m": 1}));
    refused(&policy, &["spec.a\\nb\\u{1b}[0m: no such field"]);
    policy["spec"] = json!({"podSelector": {"matchLabels": {"a\n": "\n"}}});
    assert_eq!(
        object::parse(policy.clone())
            .unwrap_err()
            .to_string()
            .lines()
            .count(),
        2
    );
    policy["spec"] = json!({"policyTypes": ["ü".repeat(1000)]});
    assert!(object::parse(policy).unwrap_err().to_string().len() < 600);
}
