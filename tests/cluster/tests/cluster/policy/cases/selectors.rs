//! For whom a policy is, and whom its rules name.

use super::{Case, case};
use crate::policy::objects::{deny_all, deny_ingress, policy};
use crate::policy::table::{What, Who};
use fairway_lab::{Value, json};

fn to_x(rules: Value) -> Value {
    policy("x", "to-x", json!({"podSelector": {}, "ingress": rules}))
}

/// Whom one rule lets in, by one peer.
fn peer(peer: Value) -> Value {
    to_x(json!([{"from": [peer]}]))
}

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    match values {
        [] => json!({"matchExpressions": [{"key": key, "operator": operator}]}),
        _ => json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}),
    }
}

fn pods(selector: Value) -> Value {
    peer(json!({"podSelector": selector}))
}

fn namespaces(selector: Value) -> Value {
    peer(json!({"namespaceSelector": selector}))
}

/// Not to x, or from x and so.
fn own(from: Who, to: Who, fits: bool) -> bool {
    to.ns != "x" || (from.ns == "x" && fits)
}

fn any(to: Who, fits: bool) -> bool {
    to.ns != "x" || fits
}

fn subject(selector: Value) -> Value {
    policy("x", "subject", json!({"podSelector": selector}))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = whole();
    cases.extend(subjects());
    cases.extend(own_pods());
    cases.extend(other_namespaces());
    cases
}

fn whole() -> Vec<Case> {
    vec![
        case!("nothing gets to x", [deny_ingress("x")], |_, to, _| to.ns
            != "x"),
        case!(
            "nothing leaves x",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Egress"]})
            )],
            |from, _, _| from.ns != "x"
        ),
        case!("neither to nor from x", [deny_all("x")], |from, to, _| {
            from.ns != "x" && to.ns != "x"
        }),
        case!(
            "an empty list of rules lets nothing in",
            [to_x(json!([]))],
            |_, to, _| to.ns != "x"
        ),
        case!(
            "an empty rule lets all in",
            [to_x(json!([{}]))],
            |_, _, _| true
        ),
        case!(
            "an empty rule lets all out",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]})
            )],
            |_, _, _| true
        ),
        case!(
            "empty lists in a rule are as none",
            [to_x(json!([{"from": [], "ports": []}]))],
            |_, _, _| true
        ),
    ]
}

fn subjects() -> Vec<Case> {
    fn not_to(to: Who, pods: &[&str]) -> bool {
        !pods.iter().any(|name| to.is(name))
    }
    vec![
        case!(
            "subject by label",
            [subject(json!({"matchLabels": {"pod": "a"}}))],
            |_, to, _| { not_to(to, &["x/a"]) }
        ),
        case!(
            "subject In",
            [subject(expression("pod", "In", &["a", "c"]))],
            |_, to, _| { not_to(to, &["x/a", "x/c"]) }
        ),
        case!(
            "subject NotIn",
            [subject(expression("role", "NotIn", &["web"]))],
            |_, to, _| { not_to(to, &["x/b", "x/c"]) }
        ),
        case!(
            "subject Exists",
            [subject(expression("role", "Exists", &[]))],
            |_, to, _| { not_to(to, &["x/a", "x/b"]) }
        ),
        case!(
            "subject DoesNotExist",
            [subject(expression("role", "DoesNotExist", &[]))],
            |_, to, _| not_to(to, &["x/c"])
        ),
        case!(
            "all that a selector says must hold",
            [subject(
                json!({"matchLabels": {"role": "web"}, "matchExpressions": [
                {"key": "pod", "operator": "In", "values": ["a", "b"]},
                {"key": "role", "operator": "Exists"}]})
            )],
            |_, to, _| not_to(to, &["x/a"])
        ),
        case!(
            "subject nobody",
            [subject(json!({"matchLabels": {"pod": "d"}}))],
            |_, _, _| true
        ),
    ]
}

fn own_pods() -> Vec<Case> {
    vec![
        case!("from own pods", [pods(json!({}))], |from, to, _| own(
            from, to, true
        )),
        case!(
            "from pods by label",
            [pods(json!({"matchLabels": {"pod": "b"}}))],
            |from, to, _| { own(from, to, from.pod == "b") }
        ),
        case!(
            "from pods In",
            [pods(expression("pod", "In", &["a", "b"]))],
            |from, to, _| { own(from, to, from.pod != "c") }
        ),
        case!(
            "from pods NotIn",
            [pods(expression("role", "NotIn", &["web"]))],
            |from, to, _| { own(from, to, from.role != Some("web")) }
        ),
        case!(
            "from pods Exists",
            [pods(expression("role", "Exists", &[]))],
            |from, to, _| { own(from, to, from.role.is_some()) }
        ),
        case!(
            "from pods DoesNotExist",
            [pods(expression("role", "DoesNotExist", &[]))],
            |from, to, _| own(from, to, from.role.is_none())
        ),
        case!(
            "from no pod that is there",
            [pods(json!({"matchLabels": {"pod": "d"}}))],
            |_, to, _| { to.ns != "x" }
        ),
        case!(
            "to own pods by label",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Egress"],
                "egress": [{"to": [{"podSelector": {"matchLabels": {"role": "db"}}}]}]})
            )],
            |from, to, _| from.ns != "x" || (to.ns == "x" && to.role == Some("db"))
        ),
    ]
}

fn other_namespaces() -> Vec<Case> {
    fn whom(from: Who, to: Who, _: What) -> bool {
        any(to, from.ns == "y" && from.pod == "a")
    }
    vec![
        case!("from all namespaces", [namespaces(json!({}))], |_, _, _| {
            true
        }),
        case!(
            "from a namespace by label",
            [namespaces(json!({"matchLabels": {"ns": "y"}}))],
            |from, to, _| { any(to, from.ns == "y") }
        ),
        case!(
            "from a namespace by name",
            [namespaces(
                json!({"matchLabels": {"kubernetes.io/metadata.name": "z"}})
            )],
            |from, to, _| any(to, from.ns == "z")
        ),
        case!(
            "from namespaces In",
            [namespaces(expression("ns", "In", &["x", "z"]))],
            |from, to, _| { any(to, from.ns != "y") }
        ),
        case!(
            "from namespaces NotIn",
            [namespaces(expression("ns", "NotIn", &["y"]))],
            |from, to, _| { any(to, from.ns != "y") }
        ),
        case!(
            "from namespaces Exists",
            [namespaces(expression("team", "Exists", &[]))],
            |from, to, _| { any(to, from.ns != "z") }
        ),
        case!(
            "from namespaces DoesNotExist",
            [namespaces(expression("team", "DoesNotExist", &[]))],
            |from, to, _| any(to, from.ns == "z")
        ),
        case!(
            "from pods of a namespace: one peer",
            [peer(
                json!({"namespaceSelector": {"matchLabels": {"ns": "y"}},
                         "podSelector": {"matchLabels": {"pod": "a"}}})
            )],
            whom
        ),
        case!(
            "from a namespace, and from own pods: two peers",
            [to_x(
                json!([{"from": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}},
                                   {"podSelector": {"matchLabels": {"pod": "a"}}}]}])
            )],
            |from, to, _| any(to, from.ns == "y" || (from.ns == "x" && from.pod == "a"))
        ),
        case!(
            "to pods of other namespaces",
            [policy(
                "x",
                "p",
                json!({"podSelector": {"matchLabels": {"pod": "a"}}, "policyTypes": ["Egress"],
                "egress": [{"to": [{"namespaceSelector": {"matchExpressions": [
                    {"key": "team", "operator": "In", "values": ["one", "two"]}]},
                    "podSelector": {"matchExpressions": [{"key": "role", "operator": "Exists"}]}}]}]})
            )],
            |from, to, _| !from.is("x/a") || (to.ns != "z" && to.role.is_some())
        ),
    ]
}
