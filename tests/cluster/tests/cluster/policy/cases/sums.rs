//! Several rules, policies and directions together.

use super::{Case, case};
use crate::policy::objects::{audited, deny_all, deny_ingress, namespace, policy};
use fairway_lab::{Value, json};

fn allow(name: &str, peer: Value) -> Value {
    policy(
        "x",
        name,
        json!({"podSelector": {}, "ingress": [{"from": [peer]}]}),
    )
}

fn of(namespace: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {"ns": namespace}}})
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = policies();
    cases.extend(directions());
    cases.extend(audit());
    cases
}

fn policies() -> Vec<Case> {
    vec![
        case!(
            "what any policy lets in comes in",
            [
                allow("y", of("y")),
                deny_ingress("x"),
                allow("c", json!({"podSelector": {"matchLabels": {"pod": "c"}}}))
            ],
            |from, to, _| to.ns != "x" || from.ns == "y" || from.is("x/c")
        ),
        case!(
            "rules of one policy add up",
            [policy(
                "x",
                "two",
                json!({"podSelector": {"matchLabels": {"pod": "b"}}, "ingress": [
                {"from": [of("y")], "ports": [{"port": 80}]},
                {"from": [of("z"), of("y")], "ports": [{"port": 81, "protocol": "UDP"}]}]})
            )],
            |from, to, what| {
                let first = from.ns == "y" && what.tcp(80);
                let second = from.ns != "x" && what.udp(81);
                !to.is("x/b") || first || second
            }
        ),
        case!(
            "each namespace for itself",
            [
                deny_ingress("x"),
                deny_ingress("y"),
                policy(
                    "y",
                    "from-x",
                    json!({"podSelector": {"matchLabels": {"pod": "a"}}, "ingress": [{"from": [of("x")]}]})
                )
            ],
            |from, to, _| to.ns == "z" || (to.is("y/a") && from.ns == "x")
        ),
        case!(
            "one of two policies opens ports to all",
            [
                allow("own", json!({"podSelector": {}})),
                policy(
                    "x",
                    "port",
                    json!({"podSelector": {"matchLabels": {"role": "web"}}, "ingress": [{"ports": [{"port": 80}]}]})
                )
            ],
            |from, to, what| to.ns != "x" || from.ns == "x" || (to.is("x/a") && what.tcp(80))
        ),
    ]
}

fn directions() -> Vec<Case> {
    vec![
        case!(
            "both ends must let it through",
            [
                policy(
                    "x",
                    "out",
                    json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [of("y")]}]})
                ),
                policy(
                    "y",
                    "in",
                    json!({"podSelector": {"matchLabels": {"pod": "a"}}, "ingress": [
                {"from": [of("x"), of("z")], "ports": [{"port": 80}]}]})
                )
            ],
            |from, to, what| {
                let out = from.ns != "x" || to.ns == "y";
                let into = !to.is("y/a") || (from.ns != "y" && what.tcp(80));
                out && into
            }
        ),
        case!(
            "both directions of one policy",
            [policy(
                "x",
                "both",
                json!({"podSelector": {"matchLabels": {"pod": "a"}}, "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [of("z")]}], "egress": [{"to": [of("y")]}]})
            )],
            |from, to, _| {
                let into = !to.is("x/a") || from.ns == "z";
                let out = !from.is("x/a") || to.ns == "y";
                into && out
            }
        ),
        case!(
            "all is shut but for one pair",
            [
                deny_all("x"),
                deny_all("y"),
                deny_all("z"),
                policy(
                    "x",
                    "out",
                    json!({"podSelector": {"matchLabels": {"pod": "a"}}, "policyTypes": ["Egress"],
                "egress": [{"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"pod": "c"}}}]}]})
                ),
                policy(
                    "z",
                    "in",
                    json!({"podSelector": {"matchLabels": {"pod": "c"}}, "ingress": [{"from": [of("x")]}]})
                )
            ],
            |from, to, _| from.is("x/a") && to.is("z/c")
        ),
        case!(
            "egress rules restrict egress, and ingress too, where types are left out",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "egress": [{"to": [of("y")]}]})
            )],
            |from, to, _| to.ns != "x" && (from.ns != "x" || to.ns == "y")
        ),
        case!(
            "an empty list of egress rules restricts nothing where types are left out",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "ingress": [{}], "egress": []})
            )],
            |_, _, _| true
        ),
        case!(
            "rules of a direction that is not among the types",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Egress"],
                "ingress": [{"from": [of("z")]}], "egress": [{"to": [of("y")]}]})
            )],
            |from, to, _| from.ns != "x" || to.ns == "y"
        ),
        case!(
            "the same the other way round",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [of("z")]}], "egress": [{"to": [of("y")]}]})
            )],
            |from, to, _| to.ns != "x" || from.ns == "z"
        ),
    ]
}

fn audit() -> Vec<Case> {
    vec![
        case!(
            "a policy in audit cuts nothing",
            [audited(deny_all("x"))],
            |_, _, _| true
        ),
        case!(
            "one in audit beside one in force",
            [audited(deny_all("x")), deny_ingress("y")],
            |_, to, _| to.ns != "y"
        ),
        case!(
            "a namespace in audit",
            [
                audited(namespace("x", json!({"ns": "x", "team": "one"}))),
                deny_all("x"),
                deny_ingress("y")
            ],
            |_, to, _| to.ns != "y"
        ),
    ]
}
