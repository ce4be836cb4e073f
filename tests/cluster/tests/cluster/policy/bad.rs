//! What is wrong is refused by field, and what was in force stays in force.

use super::objects::{apply, cluster, deny_ingress, policy};
use super::reach;
use super::workload::plain;
use crate::overlay::stage::network;
use crate::support::refused;
use anyhow::{Result, ensure};
use fairway_api::admin::ObjectList;
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Echo, Plan, on};

fn selector(selector: Value) -> Value {
    policy("x", "bad", json!({"podSelector": selector}))
}

fn ports(port: Value) -> Value {
    policy(
        "x",
        "bad",
        json!({"podSelector": {}, "ingress": [{}, {"ports": [{"port": 80}, port]}]}),
    )
}

fn block(block: Value) -> Value {
    policy(
        "x",
        "bad",
        json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": block}]}]}),
    )
}

fn admin(name: &str, priority: u16) -> Value {
    let rules = json!([{"action": "Accept", "from": [{"namespaces": {}}]}]);
    cluster(
        name,
        json!({"tier": "Admin", "priority": priority, "subject": {"namespaces": {}}, "ingress": rules}),
    )
}

fn wrong() -> Vec<(Value, &'static [&'static str])> {
    let expression = |operator: &str, values: Value| {
        selector(
            json!({"matchExpressions": [{"key": "a", "operator": operator, "values": values}]}),
        )
    };
    vec![
        (
            expression("Near", json!(["b"])),
            &["spec.podSelector.matchExpressions[0].operator", "Near"],
        ),
        (
            expression("In", json!([])),
            &["spec.podSelector.matchExpressions[0].values"],
        ),
        (
            expression("Exists", json!(["b"])),
            &["spec.podSelector.matchExpressions[0].values"],
        ),
        (
            selector(json!({"matchLabels": {"a b": "c"}})),
            &["spec.podSelector.matchLabels", "a b"],
        ),
        (
            selector(json!({"matchLabel": {"a": "c"}})),
            &["spec.podSelector.matchLabel", "no such field"],
        ),
        (
            ports(json!({"port": 0})),
            &["spec.ingress[1].ports[1].port"],
        ),
        (
            ports(json!({"port": 70000})),
            &["spec.ingress[1].ports[1].port", "70000"],
        ),
        (
            ports(json!({"port": 90, "endPort": 80})),
            &["spec.ingress[1].ports[1].endPort"],
        ),
        (
            ports(json!({"port": "http", "endPort": 80})),
            &["spec.ingress[1].ports[1].endPort"],
        ),
        (
            ports(json!({"port": 80, "protocol": "ICMP"})),
            &["spec.ingress[1].ports[1].protocol", "ICMP"],
        ),
        (
            block(json!({"cidr": "10.0.0.7/24"})),
            &["spec.ingress[0].from[0].ipBlock.cidr", "10.0.0.0/24"],
        ),
        (
            block(json!({"cidr": "fd00::7/64"})),
            &["spec.ingress[0].from[0].ipBlock.cidr", "fd00::/64"],
        ),
        (
            block(json!({"cidr": "10.0.0.0/33"})),
            &["spec.ingress[0].from[0].ipBlock.cidr"],
        ),
        (
            block(json!({"cidr": "10.0.0.0/24", "except": ["10.0.1.0/25"]})),
            &["spec.ingress[0].from[0].ipBlock.except[0]"],
        ),
        (admin("third", 7), &["spec.priority", "7", "first"]),
        (admin("fourth", 1001), &["spec.priority", "1001"]),
    ]
}

#[test]
fn bad_input_is_refused_by_field_and_changes_nothing() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 171, "always")?;
        let (server, other) = (plain(bed, 1, "x", "server")?, plain(bed, 2, "y", "other")?);
        let _echo = Echo::start(&server.ns, &[80])?;
        let mut unlike = admin("first", 7);
        // It says nothing of x.
        unlike["spec"]["subject"]["namespaces"] = json!({"matchLabels": {"ns": "none"}});
        apply(&bed.door(1), &[deny_ingress("x"), unlike])?;
        reach::until(&other.ns, server.ips[0], 80, false)?;
        let kinds = ["NetworkPolicy", "ClusterNetworkPolicy"];
        let all = |door: &fairway_tests_cluster::Door| -> Result<Vec<Value>> {
            let mut all = Vec::new();
            for kind in kinds {
                all.extend(door.objects(ObjectList {
                    kind: kind.to_owned(),
                    namespace: None,
                    name: None,
                })?);
            }
            Ok(all)
        };
        let before = all(&bed.door(1))?;
        // What would open it, with the same request.
        let opens = policy("x", "opens", json!({"podSelector": {}, "ingress": [{}]}));
        for (number, (object, words)) in wrong().into_iter().enumerate() {
            let door = bed.door(1 + number % 2);
            refused(apply(&door, &[opens.clone(), object]), 7, words)?;
            ensure!(
                all(&door)? == before,
                "something was written with {words:?}"
            );
        }
        let twice = [admin("one", 30), admin("two", 30)];
        refused(apply(&bed.door(1), &twice), 7, &["spec.priority", "30"])?;
        ensure!(all(&bed.door(2))? == before);
        reach::shut(&other.ns, &server, 80)?;
        // All faults of an object at once.
        let both = policy(
            "x",
            "bad",
            json!({"podSelector": {}, "policyTypes": ["Up"], "ingress": [{"ports": [{"port": 0}]}]}),
        );
        refused(
            apply(&bed.door(1), &[both]),
            7,
            &["spec.policyTypes[0]", "spec.ingress[0].ports[0].port"],
        )?;
        apply(&bed.door(1), &[opens])?;
        reach::until(&other.ns, server.ips[0], 80, true)?;
        Ok(())
    })
}
