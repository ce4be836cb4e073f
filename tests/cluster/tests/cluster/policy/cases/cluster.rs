//! Cluster-wide policies by themselves.

use super::{Case, case};
use crate::policy::objects::{audited, cluster};
use anyhow::Result;
use fairway_lab::{Value, json};

pub(super) fn admin(
    name: &str,
    priority: u16,
    subject: Value,
    direction: &str,
    rules: Value,
) -> Value {
    tier("Admin", name, priority, subject, direction, rules)
}

pub(super) fn tier(
    tier: &str,
    name: &str,
    priority: u16,
    subject: Value,
    direction: &str,
    rules: Value,
) -> Value {
    let mut spec = json!({"tier": tier, "priority": priority, "subject": subject});
    spec[direction] = rules;
    cluster(name, spec)
}

/// All pods of a namespace, as a subject and as a peer.
pub(super) fn of(namespace: &str) -> Value {
    json!({"namespaces": {"matchLabels": {"ns": namespace}}})
}

/// Pods of this name in all namespaces.
fn named(pod: &str) -> Value {
    json!({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"pod": pod}}}})
}

pub(super) fn all() -> Value {
    json!({"namespaces": {}})
}

fn number(protocol: &str, port: u16) -> Value {
    json!([{ protocol: {"destinationPort": {"number": port}} }])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = peers();
    cases.extend(ports());
    cases.extend(orders());
    cases
}

fn peers() -> Vec<Case> {
    vec![
        case!(
            "deny from a namespace",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([{"action": "Deny", "from": [of("y")]}])
            )],
            |from, to, _| !(to.ns == "x" && from.ns == "y")
        ),
        case!(
            "deny to a namespace",
            [admin(
                "p",
                10,
                of("x"),
                "egress",
                json!([{"action": "Deny", "to": [of("z")]}])
            )],
            |from, to, _| !(from.ns == "x" && to.ns == "z")
        ),
        case!(
            "deny among pods of a name in all namespaces",
            [admin(
                "p",
                10,
                named("a"),
                "ingress",
                json!([{"action": "Deny", "from": [named("b")]}])
            )],
            |from, to, _| !(to.pod == "a" && from.pod == "b")
        ),
        case!(
            "deny from several peers",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([{"action": "Deny", "from": [of("y"), named("c")]}])
            )],
            |from, to, _| !(to.ns == "x" && (from.ns == "y" || from.pod == "c"))
        ),
        Case {
            title: "deny to addresses",
            objects: |table| {
                let net = |v6| -> Result<String> {
                    let length = if v6 { 128 } else { 32 };
                    Ok(format!("{}/{length}", table.member("y/b")?.ip(v6)?))
                };
                let networks = json!({"networks": [net(false)?, net(true)?]});
                let rules = json!([{"action": "Deny", "to": [networks]}]);
                Ok(vec![admin("p", 10, all(), "egress", rules)])
            },
            expect: |_, to, _| !to.is("y/b"),
        },
        case!(
            "in audit, it cuts nothing",
            [audited(admin(
                "p",
                10,
                all(),
                "ingress",
                json!([{"action": "Deny", "from": [all()]}])
            ))],
            |_, _, _| true
        ),
    ]
}

fn ports() -> Vec<Case> {
    vec![
        case!(
            "deny a port of TCP",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([{"action": "Deny", "from": [all()], "protocols": number("tcp", 80)}])
            )],
            |_, to, what| !(to.ns == "x" && what.tcp(80))
        ),
        case!(
            "deny a port of UDP on the way out",
            [admin(
                "p",
                10,
                of("x"),
                "egress",
                json!([{"action": "Deny", "to": [all()], "protocols": number("udp", 81)}])
            )],
            |from, _, what| !(from.ns == "x" && what.udp(81))
        ),
        case!(
            "deny a range",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([{"action": "Deny", "from": [of("y")], "protocols":
                [{"tcp": {"destinationPort": {"range": {"start": 80, "end": 81}}}}]}])
            )],
            |from, to, what| !(to.ns == "x" && from.ns == "y" && (what.tcp(80) || what.tcp(81)))
        ),
        case!(
            "deny a port by name",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([{"action": "Deny", "from": [of("z")], "protocols":
                [{"destinationNamedPort": "serve-80-udp"}]}])
            )],
            |from, to, what| !(to.ns == "x" && from.ns == "z" && what.udp(80))
        ),
    ]
}

fn orders() -> Vec<Case> {
    vec![
        case!(
            "the first rule that fits decides",
            [admin(
                "p",
                10,
                of("x"),
                "ingress",
                json!([
                {"name": "web", "action": "Accept", "from": [of("y")], "protocols": number("tcp", 80)},
                {"name": "rest", "action": "Deny", "from": [of("y"), of("z")]},
                {"name": "late", "action": "Accept", "from": [of("z")]}])
            )],
            |from, to, what| { to.ns != "x" || from.ns == "x" || (from.ns == "y" && what.tcp(80)) }
        ),
        case!(
            "the policy of the least priority decides",
            [
                admin(
                    "late",
                    20,
                    of("x"),
                    "ingress",
                    json!([{"action": "Deny", "from": [all()]}])
                ),
                admin(
                    "early",
                    10,
                    of("x"),
                    "ingress",
                    json!([{"action": "Accept", "from": [of("y")]}])
                )
            ],
            |from, to, _| to.ns != "x" || from.ns == "y"
        ),
        case!(
            "the same with priorities changed",
            [
                admin(
                    "late",
                    20,
                    of("x"),
                    "ingress",
                    json!([{"action": "Accept", "from": [of("y")]}])
                ),
                admin(
                    "early",
                    10,
                    of("x"),
                    "ingress",
                    json!([{"action": "Deny", "from": [all()]}])
                )
            ],
            |_, to, _| to.ns != "x"
        ),
        case!(
            "an accept at one end does not help at the other",
            [
                admin(
                    "out",
                    5,
                    of("x"),
                    "egress",
                    json!([{"action": "Accept", "to": [all()]}])
                ),
                admin(
                    "in",
                    10,
                    of("y"),
                    "ingress",
                    json!([{"action": "Deny", "from": [of("x")]}])
                )
            ],
            |from, to, _| !(from.ns == "x" && to.ns == "y")
        ),
    ]
}
