//! By which ports.

use super::{Case, case};
use crate::policy::objects::policy;
use crate::policy::table::{What, Who};
use fairway_lab::{Value, json};
use fairway_tests_cluster::Protocol;

/// All pods of x are reached by these only.
fn to_x(ports: Value) -> Value {
    policy(
        "x",
        "to-x",
        json!({"podSelector": {}, "ingress": [{"ports": ports}]}),
    )
}

/// All pods of x reach others by these only.
fn from_x(ports: Value) -> Value {
    let egress = json!([{"ports": ports}]);
    policy(
        "x",
        "from-x",
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}),
    )
}

fn to(to: Who, fits: bool) -> bool {
    to.ns != "x" || fits
}

fn from(from: Who, fits: bool) -> bool {
    from.ns != "x" || fits
}

fn is_tcp(what: What) -> bool {
    what.protocol == Protocol::Tcp
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = numbers();
    cases.extend(names());
    cases.extend(ranges());
    cases
}

fn numbers() -> Vec<Case> {
    vec![
        case!(
            "a port of TCP",
            [to_x(json!([{"port": 80, "protocol": "TCP"}]))],
            |_, end, what| { to(end, what.tcp(80)) }
        ),
        case!(
            "TCP where no protocol is named",
            [to_x(json!([{"port": 81}]))],
            |_, end, what| { to(end, what.tcp(81)) }
        ),
        case!(
            "a port of UDP",
            [to_x(json!([{"port": 81, "protocol": "UDP"}]))],
            |_, end, what| { to(end, what.udp(81)) }
        ),
        case!(
            "all ports of UDP",
            [to_x(json!([{"protocol": "UDP"}]))],
            |_, end, what| { to(end, !is_tcp(what)) }
        ),
        case!(
            "all of TCP: no port, no protocol",
            [to_x(json!([{}]))],
            |_, end, what| { to(end, is_tcp(what)) }
        ),
        case!(
            "several ports",
            [to_x(json!([{"port": 80}, {"port": 81, "protocol": "UDP"}]))],
            |_, end, what| to(end, what.tcp(80) || what.udp(81))
        ),
        case!(
            "out by a port",
            [from_x(json!([{"port": 80, "protocol": "UDP"}]))],
            |end, _, what| { from(end, what.udp(80)) }
        ),
        case!(
            "a port, and from whom",
            [policy(
                "x",
                "p",
                json!({"podSelector": {"matchLabels": {"pod": "a"}}, "ingress": [
                {"ports": [{"port": 80}], "from": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]},
                {"ports": [{"port": 81}], "from": [{"podSelector": {}}]}]})
            )],
            |from, to, what| {
                let by_y = from.ns == "y" && what.tcp(80);
                let by_own = from.ns == "x" && what.tcp(81);
                !to.is("x/a") || by_y || by_own
            }
        ),
        case!(
            "one of SCTP alone",
            [to_x(json!([{"port": 80, "protocol": "SCTP"}]))],
            |_, end, _| to(end, false)
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case!(
            "a port by name",
            [to_x(json!([{"port": "serve-80-tcp"}]))],
            |_, end, what| { to(end, what.tcp(80)) }
        ),
        case!(
            "a port of UDP by name",
            [to_x(json!([{"port": "serve-81-udp", "protocol": "UDP"}]))],
            |_, end, what| to(end, what.udp(81))
        ),
        case!(
            "a name that stands for another protocol",
            [to_x(json!([{"port": "serve-80-tcp", "protocol": "UDP"}]))],
            |_, end, _| to(end, false)
        ),
        case!(
            "a name that nobody has",
            [to_x(json!([{"port": "no-such"}]))],
            |_, end, _| { to(end, false) }
        ),
        case!(
            "out by a name",
            [from_x(json!([{"port": "serve-81-tcp"}]))],
            |end, _, what| { from(end, what.tcp(81)) }
        ),
        case!(
            "out by a name, to whom",
            [policy(
                "x",
                "p",
                json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [
                {"ports": [{"port": "serve-80-tcp"}, {"port": "serve-80-udp", "protocol": "UDP"}],
                 "to": [{"namespaceSelector": {"matchLabels": {"ns": "z"}}}]}]})
            )],
            |end, to, what| from(end, to.ns == "z" && what.port == 80)
        ),
    ]
}

fn ranges() -> Vec<Case> {
    vec![
        case!(
            "a range with its end",
            [to_x(json!([{"port": 1, "endPort": 80}]))],
            |_, end, what| { to(end, what.tcp(80)) }
        ),
        case!(
            "a range from its start",
            [to_x(
                json!([{"port": 81, "endPort": 65535, "protocol": "UDP"}])
            )],
            |_, end, what| to(end, what.udp(81))
        ),
        case!(
            "a range of both",
            [to_x(json!([{"port": 80, "endPort": 81}]))],
            |_, end, what| { to(end, is_tcp(what)) }
        ),
        case!(
            "a range of neither",
            [to_x(json!([{"port": 82, "endPort": 90}]))],
            |_, end, _| { to(end, false) }
        ),
        case!(
            "out by a range",
            [from_x(json!([{"port": 80, "endPort": 80}]))],
            |end, _, what| { from(end, what.tcp(80)) }
        ),
    ]
}
