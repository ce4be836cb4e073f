//! ClusterNetworkPolicy: one row for each rule of its validation, and two that do not go together.

use super::{cluster, refused, taken};
use fairway_policy::object::{self, Reason};
use serde_json::{Value, json};

fn spec(field: &str, value: Value) -> Value {
    let mut spec = json!({"tier": "Admin", "priority": 10, "subject": {"namespaces": {}}});
    spec[field] = value;
    cluster(spec)
}

fn with_rule(field: &str, value: Value) -> Value {
    let mut rule = json!({"action": "Deny", "to": [{"namespaces": {}}]});
    rule[field] = value;
    spec(
        "egress",
        json!([{"action": "Pass", "to": [{"namespaces": {}}]}, rule]),
    )
}

fn with_protocol(protocol: Value) -> Value {
    with_rule("protocols", json!([protocol]))
}

#[test]
fn the_spec_is_refused_by_field() {
    let rule = json!({"action": "Deny", "from": [{"namespaces": {}}]});
    let rows = [
        (
            "tier",
            json!("admin"),
            ": \"admin\" is not known; there are Admin, Baseline",
        ),
        (
            "tier",
            json!("NetworkPolicy"),
            ": \"NetworkPolicy\" is not known; there are Admin, Baseline",
        ),
        ("tier", json!(null), ": must be given"),
        ("priority", json!(-1), ": -1 is not in 0 to 1000"),
        ("priority", json!(1001), ": 1001 is not in 0 to 1000"),
        ("priority", json!("10"), ": must be a number, is text"),
        ("priority", json!(null), ": must be given"),
        ("subject", json!(null), ": must be given"),
        (
            "subject",
            json!({}),
            ": must have exactly one of namespaces, pods",
        ),
        (
            "subject",
            json!({"namespaces": {}, "pods": {"podSelector": {}}}),
            ": must have exactly one of namespaces, pods",
        ),
        ("subject", json!({"nodes": {}}), ".nodes: no such field"),
        (
            "subject",
            json!({"namespaces": null}),
            ".namespaces: must be left out or have a value, is null",
        ),
        (
            "subject",
            json!({"pods": {"namespaceSelector": {}}}),
            ".pods.podSelector: must be given",
        ),
        (
            "subject",
            json!({"pods": {"podSelector": {"matchLabels": {"a": 1}}}}),
            ".pods.podSelector.matchLabels[a]: must be text, is a number",
        ),
        (
            "ingress",
            json!([{"action": "Deny", "from": [], "to": []}]),
            "[0].to: no such field",
        ),
        (
            "ingress",
            json!(vec![rule; 26]),
            ": has 26 elements, may have 25",
        ),
        (
            "ingress",
            json!(null),
            ": must be left out or have a value, is null",
        ),
        ("rules", json!([]), ": no such field"),
    ];
    for (field, value, wrong) in rows {
        let lines: &[&str] = match field {
            "ingress" if wrong.starts_with("[0]") => &[
                "spec.ingress[0].to: no such field",
                "spec.ingress[0].from: must be given",
            ],
            _ => &[&format!("spec.{field}{wrong}")],
        };
        refused(&spec(field, value), lines);
    }
    let mut none = cluster(json!(null));
    refused(&none, &["spec: must be given"]);
    none["spec"] = json!({});
    refused(
        &none,
        &[
            "spec.tier: must be given",
            "spec.priority: must be given",
            "spec.subject: must be given",
        ],
    );
    for priority in [0, 1000] {
        taken(&spec("priority", json!(priority)));
    }
}

#[test]
fn rules_are_refused_by_field() {
    let peer = json!({"namespaces": {}});
    let networks: Vec<_> = (0..26).map(|n| format!("10.0.{n}.0/24")).collect();
    let protocol = json!({"tcp": {"destinationPort": {"number": 1}}});
    let rows = [
        (
            "action",
            json!("Allow"),
            ".action: \"Allow\" is not known; there are Accept, Deny, Pass",
        ),
        ("action", json!(null), ".action: must be given"),
        (
            "name",
            json!("x".repeat(101)),
            ".name: has 101 characters, may have 100",
        ),
        ("name", json!(1), ".name: must be text, is a number"),
        ("to", json!(null), ".to: must be given"),
        ("to", json!([]), ".to: must be given"),
        (
            "to",
            json!(vec![peer; 26]),
            ".to: has 26 elements, may have 25",
        ),
        (
            "to",
            json!([{}]),
            ".to[0]: must have exactly one of namespaces, pods, nodes, networks, domainNames",
        ),
        (
            "to",
            json!([{"nodes": {}, "networks": ["10.0.0.0/8"]}]),
            ".to[0]: must have exactly one of namespaces, pods, nodes, networks, domainNames",
        ),
        (
            "to",
            json!([{"services": {}}]),
            ".to[0].services: no such field",
        ),
        (
            "to",
            json!([{"networks": []}]),
            ".to[0].networks: must be given",
        ),
        (
            "to",
            json!([{"networks": networks}]),
            ".to[0].networks: has 26 elements, may have 25",
        ),
        (
            "to",
            json!([{"networks": ["10.0.0.0/8", "fd00::1/8"]}]),
            ".to[0].networks[1]: \"fd00::1/8\" has host bits; fd00::/8 was probably meant",
        ),
        (
            "to",
            json!([{"networks": ["10.0.0.0/8", "10.0.0.0/8"]}]),
            ".to[0].networks[1]: is given twice",
        ),
        (
            "to",
            json!([{"domainNames": ["example.org"]}]),
            ".to[0].domainNames: domain names are not supported yet; name their addresses under networks",
        ),
        ("protocols", json!([]), ".protocols: must be given"),
        (
            "protocols",
            json!(null),
            ".protocols: must be left out or have a value, is null",
        ),
        (
            "protocols",
            json!(vec![protocol; 26]),
            ".protocols: has 26 elements, may have 25",
        ),
        ("ports", json!([]), ".ports: no such field"),
    ];
    for (field, value, wrong) in rows {
        refused(
            &with_rule(field, value),
            &[&format!("spec.egress[1]{wrong}")],
        );
    }
    // Only egress knows more than pods.
    for form in ["nodes", "networks", "domainNames"] {
        let rule = json!([{"action": "Deny", "from": [{form: {}}]}]);
        refused(
            &spec("ingress", rule),
            &[&format!("spec.ingress[0].from[0].{form}: no such field")],
        );
    }
    taken(&with_rule("name", json!("ü".repeat(100))));
    taken(&with_rule("to", json!(vec![json!({"namespaces": {}}); 25])));
}

#[test]
fn protocols_are_refused_by_field() {
    let port = |port: Value| json!({"udp": {"destinationPort": port}});
    let name = "must be 1 to 15 of a-z, 0-9 and single -, with a letter, and none of - at the ends";
    let rows = [
        (
            json!({}),
            ": must have exactly one of tcp, udp, sctp, destinationNamedPort".to_owned(),
        ),
        (
            json!({"tcp": {}, "udp": {}}),
            ": must have exactly one of tcp, udp, sctp, destinationNamedPort".into(),
        ),
        (json!({"icmp": {}}), ".icmp: no such field".into()),
        (
            json!({"tcp": {}}),
            ".tcp.destinationPort: must be given".into(),
        ),
        (
            json!({"sctp": {"destinationPort": {"number": 1}, "sourcePort": 1}}),
            ".sctp.sourcePort: no such field".into(),
        ),
        (
            json!({"destinationNamedPort": ""}),
            format!(".destinationNamedPort: \"\" {name}"),
        ),
        (
            json!({"destinationNamedPort": "80"}),
            format!(".destinationNamedPort: \"80\" {name}"),
        ),
        (
            port(json!({})),
            ".udp.destinationPort: must have exactly one of number, range".into(),
        ),
        (
            port(json!({"number": 1, "range": {}})),
            ".udp.destinationPort: must have exactly one of number, range".into(),
        ),
        (
            port(json!({"number": 0})),
            ".udp.destinationPort.number: 0 is not in 1 to 65535".into(),
        ),
        (
            port(json!({"number": "dns"})),
            ".udp.destinationPort.number: must be a number, is text".into(),
        ),
        (
            port(json!({"range": {"start": 1}})),
            ".udp.destinationPort.range.end: must be given".into(),
        ),
        (
            port(json!({"range": {"start": 0, "end": 2}})),
            ".udp.destinationPort.range.start: 0 is not in 1 to 65535".into(),
        ),
        (
            port(json!({"range": {"start": 1, "end": 65536}})),
            ".udp.destinationPort.range.end: 65536 is not in 1 to 65535".into(),
        ),
        (
            port(json!({"range": {"start": 2, "end": 2}})),
            ".udp.destinationPort.range: 2 must be more than 2".into(),
        ),
        (
            port(json!({"range": {"start": 2, "end": 3, "step": 1}})),
            ".udp.destinationPort.range.step: no such field".into(),
        ),
    ];
    for (protocol, wrong) in rows {
        refused(
            &with_protocol(protocol),
            &[&format!("spec.egress[1].protocols[0]{wrong}")],
        );
    }
    for peer in [json!({"networks": ["10.0.0.0/8"]}), json!({"nodes": {}})] {
        let mut policy = with_protocol(json!({"destinationNamedPort": "web"}));
        taken(&policy);
        policy["spec"]["egress"][1]["to"] = json!([{"namespaces": {}}, peer]);
        let wrong = "destinationNamedPort may not be given together with networks or nodes";
        refused(&policy, &[&format!("spec.egress[1]: {wrong}")]);
    }
}

#[test]
fn both_versions_say_the_same() {
    let mut policy = with_protocol(json!({"destinationNamedPort": "web"}));
    let old = taken(&policy).object;
    policy["apiVersion"] = json!("policy.networking.k8s.io/v1beta1");
    assert_eq!(taken(&policy).object, old);
}

#[test]
fn two_of_one_priority_are_refused() {
    let named = |name: &str, tier: &str, priority: u16| {
        let mut policy = spec("priority", json!(priority));
        policy["spec"]["tier"] = json!(tier);
        policy["metadata"]["name"] = json!(name);
        taken(&policy).object
    };
    let others = [named("a", "Admin", 10), named("b", "Baseline", 11)];
    for fine in [
        named("c", "Admin", 11),
        named("c", "Baseline", 10),
        named("a", "Admin", 10),
    ] {
        assert_eq!(object::conflicts(&fine, &others), Ok(()));
    }
    let error = object::conflicts(&named("c", "Baseline", 11), &others).unwrap_err();
    assert_eq!(
        error.to_string(),
        "spec.priority: 11 is the priority of ClusterNetworkPolicy b already, also of tier Baseline; \
         which of them decides would be undefined"
    );
    assert!(matches!(error.faults[0].reason, Reason::Taken { .. }));
}
