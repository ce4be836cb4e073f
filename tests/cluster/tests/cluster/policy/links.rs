//! Links of other plugins, second interfaces, and the node itself.

use super::objects::{apply, deny_all, deny_ingress, namespace, pod, policy, remove};
use super::reach;
use super::workload::{Local, Workload, plain};
use crate::overlay::stage::{Pod, network};
use crate::support::eventually;
use anyhow::Result;
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Plan, on};

fn config(kind: &str, name: &str, policy: Option<bool>) -> Value {
    let mut config = json!({"name": name, "type": kind});
    if kind == "bridge" {
        config["bridge"] = name.into();
        config["isGateway"] = true.into();
    }
    if let Some(policy) = policy {
        config["policy"] = policy.into();
    }
    config
}

fn pods(bed: &Bed, config: Value, net: u8, pod: &str) -> Result<[Pod; 2]> {
    let local = Local {
        config,
        net,
        default: true,
    };
    let of = |namespace| {
        let labels = &[];
        let who = Workload {
            namespace,
            pod,
            labels,
        };
        local.add(bed, who)
    };
    Ok([of("x")?, of("y")?])
}

fn judged(kind: &str) -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let door = bed.door(1);
        let [one, two] = pods(bed, config(kind, "own0", Some(true)), 163, "own")?;
        // Without the key nothing is judged; so it is with `false`.
        let [three, four] = pods(bed, config(kind, "plain0", None), 164, "plain")?;
        let [five, six] = pods(bed, config(kind, "false0", Some(false)), 165, "false")?;
        let all = [&one, &two, &three, &four, &five, &six];
        let echoes = all.map(|pod| Echo::start(&pod.ns, &[80]));
        let _echoes = echoes.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (from, to) in [(&one, &two), (&two, &one), (&four, &three), (&six, &five)] {
            reach::open(&from.ns, to, 80)?;
        }
        let y = json!([{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]);
        let deny = deny_ingress("x");
        apply(&door, &[namespace("y", json!({"ns": "y"})), deny.clone()])?;
        for ip in &one.ips {
            reach::until(&two.ns, *ip, 80, false)?;
        }
        reach::shut(&two.ns, &one, 80)?;
        reach::open(&one.ns, &two, 80)?;
        // The node itself, by its gateway's addresses.
        reach::open(&bed.node(1).ns, &one, 80)?;
        reach::open(&four.ns, &three, 80)?;
        reach::open(&six.ns, &five, 80)?;
        // Whom a policy names is known on this node.
        let allow = policy(
            "x",
            "allow",
            json!({"podSelector": {}, "ingress": [{"from": y, "ports": [{"port": 80, "protocol": "UDP"}]}]}),
        );
        apply(&door, &[allow])?;
        for ip in &one.ips {
            reach::until(&two.ns, *ip, 80, true)?;
        }
        for pod in all {
            pod.cni.check(&pod.result)?.ok()?;
            pod.del()?;
        }
        eventually("nobody is judged any more", || {
            let status = door.policy_status()?;
            anyhow::ensure!(
                status.endpoints == 0 && status.problems.is_empty(),
                "{status:?}"
            );
            Ok(())
        })
    })
}

#[test]
fn containers_of_a_bridge_are_judged_where_the_key_says_so() -> Result<()> {
    judged("bridge")
}

#[test]
fn containers_of_ptp_are_judged_where_the_key_says_so() -> Result<()> {
    judged("ptp")
}

#[test]
fn the_node_reaches_its_own_containers_and_no_others() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 166, "always")?;
        for (number, daemon) in bed.daemons.iter().enumerate() {
            daemon
                .ns
                .addr("uplink", &format!("2001:db8::{}/64", number + 1))?;
        }
        let pods = [plain(bed, 1, "x", "one")?, plain(bed, 2, "x", "two")?];
        let _echoes = [
            Echo::start(&pods[0].ns, &[80])?,
            Echo::start(&pods[1].ns, &[80])?,
        ];
        let deny = deny_all("x");
        apply(&bed.door(1), std::slice::from_ref(&deny))?;
        for ip in &pods[0].ips {
            reach::until(&bed.node(2).ns, *ip, 80, false)?;
        }
        for (number, pod) in pods.iter().enumerate() {
            let (own, other) = (&bed.daemons[number].ns, &bed.daemons[1 - number].ns);
            eventually("the node is known by both addresses", || {
                reach::open(own, pod, 80)
            })?;
            reach::shut(other, pod, 80)?;
            let served = Echo::start(own, &[8080])?;
            let at = bed.daemons[number].cable.address.parse()?;
            reach::until(&pod.ns, at, 8080, true)?;
            drop(served);
        }
        remove(&bed.door(1), &[deny])?;
        reach::until(&bed.node(2).ns, pods[0].ips[0], 80, true)?;
        Ok(())
    })
}

#[test]
fn a_second_interface_is_judged_as_the_first() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 167, "always")?;
        let labels = &[];
        let both = Workload {
            namespace: "x",
            pod: "both",
            labels,
        };
        let first = plain(bed, 1, both.namespace, both.pod)?;
        let second = Local {
            config: config("ptp", "second", Some(true)),
            net: 168,
            default: false,
        };
        let ns = first.ns.clone();
        let cni = second.cni(bed, &ns, "eth1", both);
        let eth1 = Pod::of("eth1", ns, cni)?;
        let near = Workload {
            namespace: "y",
            pod: "near",
            labels,
        };
        let (near, far) = (second.add(bed, near)?, plain(bed, 2, "y", "far")?);
        let _echo = Echo::start(&first.ns, &[80])?;
        let pairs = [(&near, &eth1), (&far, &first)];
        for (from, to) in pairs {
            for ip in &to.ips {
                reach::until(&from.ns, *ip, 80, true)?;
            }
        }
        apply(&bed.door(2), &[deny_ingress("x")])?;
        for (from, to) in pairs {
            for ip in &to.ips {
                reach::until(&from.ns, *ip, 80, false)?;
            }
        }
        for (from, to) in pairs {
            reach::shut(&from.ns, to, 80)?;
        }
        // A label that comes holds for both.
        let friend =
            json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"friend": "yes"}}});
        let spec = json!({"podSelector": {"matchLabels": {"open": "yes"}}, "ingress": [{"from": [friend]}]});
        let yes = |key: &str| json!({ key: "yes" });
        let open = policy("x", "open", spec);
        let told = [
            open,
            pod("x", "both", yes("open")),
            pod("y", "near", yes("friend")),
        ];
        apply(&bed.door(2), &told)?;
        for ip in &eth1.ips {
            reach::until(&near.ns, *ip, 80, true)?;
        }
        reach::shut(&far.ns, &first, 80)?;
        eth1.del()?;
        first.del()
    })
}
