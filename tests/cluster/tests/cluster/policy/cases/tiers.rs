//! Cluster-wide policies before and after network policies.

use super::cluster::{admin, all, of, tier};
use super::{Case, case};
use crate::policy::objects::{audited, deny_ingress, policy};
use fairway_lab::{Value, json};

fn baseline(subject: Value, direction: &str, rules: Value) -> Value {
    tier("Baseline", "default", 10, subject, direction, rules)
}

fn deny_from_all() -> Value {
    json!([{"action": "Deny", "from": [all()]}])
}

/// A network policy that lets one namespace in.
fn allow(namespace: &str) -> Value {
    let from = json!([{"namespaceSelector": {"matchLabels": {"ns": namespace}}}]);
    policy(
        "x",
        "allow",
        json!({"podSelector": {}, "ingress": [{"from": from}]}),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = before();
    cases.extend(after());
    cases
}

fn before() -> Vec<Case> {
    vec![
        case!(
            "accept before a network policy that refuses",
            [
                deny_ingress("x"),
                admin(
                    "p",
                    10,
                    of("x"),
                    "ingress",
                    json!([{"action": "Accept", "from": [of("y")]}])
                )
            ],
            |from, to, _| to.ns != "x" || from.ns == "y"
        ),
        case!(
            "deny before a network policy that lets in",
            [
                allow("y"),
                admin(
                    "p",
                    10,
                    of("x"),
                    "ingress",
                    json!([{"action": "Deny", "from": [of("y")],
                "protocols": [{"tcp": {"destinationPort": {"number": 80}}}]}])
                )
            ],
            |from, to, what| to.ns != "x" || (from.ns == "y" && !what.tcp(80))
        ),
        case!(
            "pass leaves it to the network policy",
            [
                allow("y"),
                admin(
                    "first",
                    1,
                    of("x"),
                    "ingress",
                    json!([{"action": "Pass", "from": [of("y"), of("z")]}])
                ),
                admin("second", 2, of("x"), "ingress", deny_from_all())
            ],
            |from, to, _| to.ns != "x" || from.ns == "y"
        ),
        case!(
            "pass where there is no network policy",
            [
                admin(
                    "first",
                    1,
                    of("x"),
                    "ingress",
                    json!([{"action": "Pass", "from": [of("z")]}])
                ),
                admin("second", 2, of("x"), "ingress", deny_from_all())
            ],
            |from, to, _| to.ns != "x" || from.ns == "z"
        ),
        case!(
            "what no rule of an administrator fits is the network policy's",
            [
                allow("z"),
                admin(
                    "p",
                    10,
                    of("x"),
                    "ingress",
                    json!([{"action": "Deny", "from": [of("y")]}])
                )
            ],
            |from, to, _| to.ns != "x" || from.ns == "z"
        ),
        case!(
            "an administrator's deny in audit",
            [
                allow("y"),
                audited(admin("p", 10, of("x"), "ingress", deny_from_all()))
            ],
            |from, to, _| to.ns != "x" || from.ns == "y"
        ),
    ]
}

fn after() -> Vec<Case> {
    vec![
        case!(
            "baseline deny",
            [baseline(all(), "ingress", deny_from_all())],
            |_, _, _| false
        ),
        case!(
            "baseline deny on the way out",
            [baseline(
                of("x"),
                "egress",
                json!([{"action": "Deny", "to": [of("y")]}])
            )],
            |from, to, _| !(from.ns == "x" && to.ns == "y")
        ),
        case!(
            "a network policy takes the baseline's place",
            [baseline(all(), "ingress", deny_from_all()), allow("y")],
            |from, to, _| to.ns == "x" && from.ns == "y"
        ),
        case!(
            "but not in the other direction",
            [
                baseline(
                    of("x"),
                    "egress",
                    json!([{"action": "Deny", "to": [all()]}])
                ),
                allow("y")
            ],
            |from, to, _| from.ns != "x" && (to.ns != "x" || from.ns == "y")
        ),
        case!(
            "the first baseline rule that fits decides",
            [baseline(
                of("x"),
                "ingress",
                json!([{"action": "Accept", "from": [of("x")]},
                                                  {"action": "Deny", "from": [all()]}])
            )],
            |from, to, _| to.ns != "x" || from.ns == "x"
        ),
        case!(
            "pass to the baseline",
            [
                admin(
                    "first",
                    1,
                    all(),
                    "ingress",
                    json!([{"action": "Pass", "from": [of("y")]}])
                ),
                admin(
                    "second",
                    2,
                    all(),
                    "ingress",
                    json!([{"action": "Accept", "from": [all()]}])
                ),
                baseline(of("x"), "ingress", deny_from_all())
            ],
            |from, to, _| !(to.ns == "x" && from.ns == "y")
        ),
        case!(
            "a baseline in audit",
            [
                audited(baseline(all(), "ingress", deny_from_all())),
                allow("y")
            ],
            |from, to, _| to.ns != "x" || from.ns == "y"
        ),
    ]
}

pub(super) fn mixed() -> Case {
    case!(
        "some of everything",
        [
            admin(
                "no-z",
                10,
                of("x"),
                "ingress",
                json!([{"name": "z", "action": "Deny", "from": [of("z")]}])
            ),
            policy(
                "x",
                "web",
                json!({"podSelector": {"matchLabels": {"role": "web"}}, "ingress": [
                {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"pod": "a"}}}],
                 "ports": [{"port": "serve-80-tcp"}]}]})
            ),
            policy(
                "y",
                "out",
                json!({"podSelector": {"matchLabels": {"pod": "a"}}, "policyTypes": ["Egress"],
                "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"team": "one"}}}]}]})
            ),
            baseline(
                of("z"),
                "ingress",
                json!([{"action": "Deny", "from": [of("x")]}])
            ),
        ],
        |from, to, what| {
            let admin = !(to.ns == "x" && from.ns == "z");
            let web = !to.is("x/a") || (from.pod == "a" && what.tcp(80));
            let out = !from.is("y/a") || to.ns != "z";
            let baseline = !(to.ns == "z" && from.ns == "x");
            admin && web && out && baseline
        }
    )
}
