//! NetworkPolicy: one row for each rule of its validation.

use super::{network, refused, taken};
use serde_json::{Value, json};

/// A policy with one thing in its first ingress rule.
fn with_port(port: Value) -> Value {
    network(json!({"ingress": [{}, {"ports": [{"port": 1}, port]}]}))
}

fn with_peer(peer: Value) -> Value {
    network(json!({"egress": [{"to": [{"podSelector": {}}, peer]}]}))
}

fn with_selector(selector: Value) -> Value {
    network(json!({"podSelector": selector}))
}

#[test]
fn ports_are_refused_by_field() {
    const AT: &str = "spec.ingress[1].ports[1]";
    const NAME: &str = "1 to 15 of a-z, 0-9 and single -, with a letter, and none of - at the ends";
    let rows = [
        (
            json!({"port": 0}),
            "port: 0 is not in 1 to 65535".to_owned(),
        ),
        (
            json!({"port": 65536}),
            "port: 65536 is not in 1 to 65535".into(),
        ),
        (json!({"port": -1}), "port: -1 is not in 1 to 65535".into()),
        (
            json!({"port": 80.5}),
            "port: 80.5 is not in 1 to 65535".into(),
        ),
        (
            json!({"port": true}),
            "port: must be a number or a name, is true or false".into(),
        ),
        (
            json!({"port": "80"}),
            format!("port: \"80\" must be {NAME}"),
        ),
        (json!({"port": ""}), format!("port: \"\" must be {NAME}")),
        (
            json!({"port": "Web"}),
            format!("port: \"Web\" must be {NAME}"),
        ),
        (
            json!({"port": "a--b"}),
            format!("port: \"a--b\" must be {NAME}"),
        ),
        (
            json!({"port": "-a"}),
            format!("port: \"-a\" must be {NAME}"),
        ),
        (
            json!({"port": "a-"}),
            format!("port: \"a-\" must be {NAME}"),
        ),
        (
            json!({"port": "sixteen-letterss"}),
            format!("port: \"sixteen-letterss\" must be {NAME}"),
        ),
        (
            json!({"protocol": "ICMP"}),
            "protocol: \"ICMP\" is not known; there are TCP, UDP, SCTP".into(),
        ),
        (
            json!({"protocol": "tcp"}),
            "protocol: \"tcp\" is not known; there are TCP, UDP, SCTP".into(),
        ),
        (
            json!({"protocol": 6}),
            "protocol: must be text, is a number".into(),
        ),
        (
            json!({"endPort": 90}),
            "endPort: may not be given where port is not".into(),
        ),
        (
            json!({"port": "web", "endPort": 90}),
            "endPort: may not be given where port is a name".into(),
        ),
        (
            json!({"port": 80, "endPort": 79}),
            "endPort: 79 must be at least 80".into(),
        ),
        (
            json!({"port": 80, "endPort": 65536}),
            "endPort: 65536 is not in 1 to 65535".into(),
        ),
        (
            json!({"port": 80, "endport": 90}),
            "endport: no such field".into(),
        ),
    ];
    for (port, wrong) in rows {
        refused(&with_port(port), &[&format!("{AT}.{wrong}")]);
    }
    refused(
        &with_port(json!(80)),
        &["spec.ingress[1].ports[1]: must be an object, is a number"],
    );
}

#[test]
fn ports_at_the_edges_are_taken() {
    for port in [
        json!({}),
        json!({"port": 1}),
        json!({"port": 65535}),
        json!({"port": 80, "endPort": 80}),
        json!({"port": 1, "endPort": 65535, "protocol": "SCTP"}),
        json!({"port": "fifteen-letters"}),
        json!({"port": "8-a"}),
        json!({"port": null, "protocol": null, "endPort": null}),
    ] {
        taken(&with_port(port));
    }
}

#[test]
fn peers_are_refused_by_field() {
    const AT: &str = "spec.egress[0].to[1]";
    let rows = [
        (
            json!({}),
            ": must have one of podSelector, namespaceSelector, ipBlock",
        ),
        (
            json!({"podSelector": null}),
            ": must have one of podSelector, namespaceSelector, ipBlock",
        ),
        (json!({"podselector": {}}), ".podselector: no such field"),
        (
            json!({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}),
            ": ipBlock may not be given together with podSelector or namespaceSelector",
        ),
        (
            json!({"namespaceSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}),
            ": ipBlock may not be given together with podSelector or namespaceSelector",
        ),
        (json!({"nodes": {}}), ".nodes: no such field"),
        (json!({"ipBlock": {}}), ".ipBlock.cidr: must be given"),
        (
            json!({"ipBlock": {"cidr": ""}}),
            ".ipBlock.cidr: must be given",
        ),
        (
            json!({"ipBlock": {"cidr": "10.0.0.0/8", "but": []}}),
            ".ipBlock.but: no such field",
        ),
        (
            json!({"ipBlock": "10.0.0.0/8"}),
            ".ipBlock: must be an object, is text",
        ),
        (json!(null), ": must be an object, is null"),
    ];
    for (peer, wrong) in rows {
        refused(&with_peer(peer), &[&format!("{AT}{wrong}")]);
    }
}

#[test]
fn blocks_are_refused_by_field() {
    let cases = [
        (
            "10.0.0.1",
            "\"10.0.0.1\" is not a CIDR: it has no / and prefix length",
        ),
        (
            "10.0.0/8",
            "\"10.0.0/8\" is not a CIDR: that is no IP address",
        ),
        (
            "010.0.0.0/8",
            "\"010.0.0.0/8\" is not a CIDR: that is no IP address",
        ),
        (
            "fe80::%eth0/64",
            "\"fe80::%eth0/64\" is not a CIDR: that is no IP address",
        ),
        (
            "10.0.0.0/33",
            "\"10.0.0.0/33\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "10.0.0.0/08",
            "\"10.0.0.0/08\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "10.0.0.0/+8",
            "\"10.0.0.0/+8\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "10.0.0.0/",
            "\"10.0.0.0/\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "10.0.0.0/8/8",
            "\"10.0.0.0/8/8\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "10.0.0.0/255.0.0.0",
            "\"10.0.0.0/255.0.0.0\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "fd00::/129",
            "\"fd00::/129\" is not a CIDR: that is no prefix length of such an address",
        ),
        (
            "::ffff:10.0.0.0/104",
            "\"::ffff:10.0.0.0/104\" is not a CIDR: write IPv4 addresses as such, not mapped into IPv6",
        ),
        (
            "10.0.0.5/8",
            "\"10.0.0.5/8\" has host bits; 10.0.0.0/8 was probably meant",
        ),
        (
            "fd00::5/64",
            "\"fd00::5/64\" has host bits; fd00::/64 was probably meant",
        ),
    ];
    for (cidr, wrong) in cases {
        let block = with_peer(json!({"ipBlock": {"cidr": cidr}}));
        refused(
            &block,
            &[&format!("spec.egress[0].to[1].ipBlock.cidr: {wrong}")],
        );
        let hole =
            with_peer(json!({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", cidr]}}));
        refused(
            &hole,
            &[&format!("spec.egress[0].to[1].ipBlock.except[1]: {wrong}")],
        );
    }
    let outside = [
        ("10.0.0.0/8", "11.0.0.0/16"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/8", "0.0.0.0/0"),
        ("10.0.0.0/8", "fd00::/64"),
        ("fd00::/64", "fd00::/64"),
        ("fd00::/64", "10.0.0.0/8"),
    ];
    for (cidr, hole) in outside {
        let block = with_peer(json!({"ipBlock": {"cidr": cidr, "except": [hole]}}));
        let wrong = format!("{hole} must be smaller than {cidr} and within it");
        refused(
            &block,
            &[&format!("spec.egress[0].to[1].ipBlock.except[0]: {wrong}")],
        );
    }
}

#[test]
fn selectors_are_refused_by_field() {
    const VALUE: &str =
        "empty or 1 to 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit at both ends";
    const KEY: &str = "a name of 1 to 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit at both ends, or such a name after a DNS name and /";
    let long = "x".repeat(64);
    let expression = |key: &str, operator: &str, values: Value| {
        json!({"matchExpressions": [
        {"key": "a", "operator": "Exists"}, {"key": key, "operator": operator, "values": values}]})
    };
    let rows = [
        (json!({"matchLabels": {"app": "-a"}}), format!("matchLabels[app]: \"-a\" must be {VALUE}")),
        (json!({"matchLabels": {"app": long}}), format!("matchLabels[app]: \"{long}\" must be {VALUE}")),
        (json!({"matchLabels": {"app": 1}}), "matchLabels[app]: must be text, is a number".into()),
        (json!({"matchLabels": {"a b": "a"}}), format!("matchLabels[a b]: \"a b\" must be {KEY}")),
        (json!({"matchLabels": {"": "a"}}), format!("matchLabels[]: \"\" must be {KEY}")),
        (json!({"matchLabels": {"/a": "a"}}), format!("matchLabels[/a]: \"/a\" must be {KEY}")),
        (json!({"matchLabels": {"A.b/a": "a"}}), format!("matchLabels[A.b/a]: \"A.b/a\" must be {KEY}")),
        (json!({"matchLabels": {"a/b/c": "a"}}), format!("matchLabels[a/b/c]: \"a/b/c\" must be {KEY}")),
        (json!({"matchLabels": []}), "matchLabels: must be an object, is a list".into()),
        (json!({"matchLabel": {}}), "matchLabel: no such field".into()),
        (json!({"matchExpressions": {}}), "matchExpressions: must be a list, is an object".into()),
        (expression("app", "in", json!(["a"])), "matchExpressions[1].operator: \"in\" is not known; there are In, NotIn, Exists, DoesNotExist".into()),
        (expression("app", "Gt", json!(["1"])), "matchExpressions[1].operator: \"Gt\" is not known; there are In, NotIn, Exists, DoesNotExist".into()),
        (expression("app", "In", json!([])), "matchExpressions[1].values: must be given".into()),
        (expression("app", "NotIn", json!(null)), "matchExpressions[1].values: must be given".into()),
        (expression("app", "Exists", json!(["a"])), "matchExpressions[1].values: may not be given where operator is Exists or DoesNotExist".into()),
        (expression("app", "DoesNotExist", json!(["a"])), "matchExpressions[1].values: may not be given where operator is Exists or DoesNotExist".into()),
        (expression("a b", "Exists", json!([])), format!("matchExpressions[1].key: \"a b\" must be {KEY}")),
        (expression("app", "In", json!(["a", "a b"])), format!("matchExpressions[1].values[1]: \"a b\" must be {VALUE}")),
        (expression("app", "In", json!("a")), "matchExpressions[1].values: must be a list, is text".into()),
        (json!({"matchExpressions": [{"operator": "Exists"}]}), "matchExpressions[0].key: must be given".into()),
        (json!({"matchExpressions": [{"key": "app"}]}), "matchExpressions[0].operator: must be given".into()),
        (json!({"matchExpressions": [{"key": "app", "operator": "Exists", "value": "a"}]}), "matchExpressions[0].value: no such field".into()),
    ];
    for (selector, wrong) in rows {
        refused(
            &with_selector(selector.clone()),
            &[&format!("spec.podSelector.{wrong}")],
        );
        let peer = with_peer(json!({"namespaceSelector": selector}));
        let at = "spec.egress[0].to[1].namespaceSelector";
        refused(&peer, &[&format!("{at}.{wrong}")]);
    }
    for selector in [
        json!({}),
        json!({"matchLabels": {"app": "", "a.b/C_d": "x".repeat(63)}}),
        json!({"matchLabels": null, "matchExpressions": null}),
        json!({"matchExpressions": [{"key": "app", "operator": "Exists", "values": []}]}),
        json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["", "a"]}]}),
    ] {
        taken(&with_selector(selector));
    }
}

#[test]
fn the_spec_is_refused_by_field() {
    let rows = [
        (
            json!({"policyTypes": ["Ingress", "Forward"]}),
            "policyTypes[1]: \"Forward\" is not known; there are Ingress, Egress",
        ),
        (
            json!({"policyTypes": ["Ingress", "Egress", "Egress"]}),
            "policyTypes: has 3 elements, may have 2",
        ),
        (
            json!({"policyTypes": "Ingress"}),
            "policyTypes: must be a list, is text",
        ),
        (json!({"podSelectors": {}}), "podSelectors: no such field"),
        (
            json!({"ingress": {}}),
            "ingress: must be a list, is an object",
        ),
        (
            json!({"ingress": [{"to": []}]}),
            "ingress[0].to: no such field",
        ),
        (
            json!({"egress": [{"from": []}]}),
            "egress[0].from: no such field",
        ),
        (
            json!({"egress": [null]}),
            "egress[0]: must be an object, is null",
        ),
        (
            json!({"ingress": [{"ports": {}}]}),
            "ingress[0].ports: must be a list, is an object",
        ),
    ];
    for (spec, wrong) in rows {
        refused(&network(spec), &[&format!("spec.{wrong}")]);
    }
    refused(&network(json!([])), &["spec: must be an object, is a list"]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let policy = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "P", "namespace": "web", "annotations": {"fairway.network/policy-mode": "off"}},
        "spec": {
            "podSelector": {"matchLabels": {"app": "a b"}},
            // Not in force, and judged all the same.
            "policyTypes": ["Egress"],
            "ingress": [{"ports": [{"port": 0, "protocol": "GRE", "endPort": 70000}], "from": [{}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "x", "except": ["y", "10.0.0.1/8"]}}]}],
        },
    });
    let error = fairway_policy::object::parse(policy).unwrap_err();
    let fields: Vec<_> = error.faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(
        fields,
        [
            "metadata.name",
            "metadata.annotations[fairway.network/policy-mode]",
            "spec.podSelector.matchLabels[app]",
            "spec.ingress[0].ports[0].protocol",
            "spec.ingress[0].ports[0].port",
            "spec.ingress[0].ports[0].endPort",
            "spec.ingress[0].from[0]",
            "spec.egress[0].to[0].ipBlock.cidr",
            "spec.egress[0].to[0].ipBlock.except[0]",
            "spec.egress[0].to[0].ipBlock.except[1]",
        ]
    );
}
