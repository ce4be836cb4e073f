//! Peers by address.

use super::Case;
use crate::policy::objects::policy;
use crate::policy::table::Table;
use anyhow::Result;
use fairway_lab::{Value, json};

/// A block of one address.
fn one(table: &Table, name: &str, v6: bool) -> Result<String> {
    let length = if v6 { 128 } else { 32 };
    Ok(format!("{}/{length}", table.member(name)?.ip(v6)?))
}

/// The networks of the pods' addresses, which begin as those do.
fn all(table: &Table, v6: bool) -> Result<String> {
    let first = table.member("x/a")?.ip(v6)?.to_string();
    let part = |of: char, count: usize| -> String {
        let parts: Vec<_> = first.split(of).take(count).collect();
        parts.join(&of.to_string())
    };
    Ok(match v6 {
        true => format!("{}::/64", part(':', 2)),
        false => format!("{}.0.0/16", part('.', 2)),
    })
}

fn ingress(peers: &[Value]) -> Vec<Value> {
    let rule = json!([{"from": peers}]);
    vec![policy(
        "x",
        "blocks",
        json!({"podSelector": {}, "ingress": rule}),
    )]
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            title: "from one address of each family",
            objects: |table| {
                let block = |v6| -> Result<Value> {
                    Ok(json!({"ipBlock": {"cidr": one(table, "y/a", v6)?}}))
                };
                Ok(ingress(&[block(false)?, block(true)?]))
            },
            expect: |from, to, _| to.ns != "x" || from.is("y/a"),
        },
        Case {
            title: "from a network, but for some addresses",
            objects: |table| {
                let block = |v6| -> Result<Value> {
                    let except = [one(table, "y/a", v6)?, one(table, "x/b", v6)?];
                    Ok(json!({"ipBlock": {"cidr": all(table, v6)?, "except": except}}))
                };
                Ok(ingress(&[block(false)?, block(true)?]))
            },
            expect: |from, to, _| to.ns != "x" || !(from.is("y/a") || from.is("x/b")),
        },
        Case {
            title: "from all of one family",
            objects: |_| Ok(ingress(&[json!({"ipBlock": {"cidr": "::/0"}})])),
            expect: |_, to, what| to.ns != "x" || what.v6,
        },
        Case {
            title: "what one block leaves out another one names",
            objects: |table| {
                let but = json!({"ipBlock": {"cidr": "0.0.0.0/0", "except": [all(table, false)?]}});
                let back = json!({"ipBlock": {"cidr": one(table, "z/c", false)?}});
                Ok(ingress(&[but, back]))
            },
            expect: |from, to, what| to.ns != "x" || (from.is("z/c") && !what.v6),
        },
        Case {
            title: "to a network, but for some addresses, by a port",
            objects: |table| {
                let block = |v6| -> Result<Value> {
                    let except = [one(table, "y/b", v6)?, one(table, "z/c", v6)?];
                    Ok(json!({"ipBlock": {"cidr": all(table, v6)?, "except": except}}))
                };
                let rule = json!({"to": [block(false)?, block(true)?],
                                  "ports": [{"port": 80}, {"port": 81, "protocol": "UDP"}]});
                let spec = json!({"podSelector": {"matchLabels": {"pod": "a"}},
                                  "policyTypes": ["Egress"], "egress": [rule]});
                Ok(vec![policy("x", "blocks", spec)])
            },
            expect: |from, to, what| {
                let port = what.tcp(80) || what.udp(81);
                !from.is("x/a") || (port && !(to.is("y/b") || to.is("z/c")))
            },
        },
    ]
}
