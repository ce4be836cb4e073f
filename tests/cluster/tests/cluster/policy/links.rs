//! Links of other plugins, second interfaces, and the node itself.

use super::objects::{apply, deny_all, deny_ingress, namespace, pod, policy, remove};
use super::reach;
use super::workload::{Local, Workload, plain};
use crate::overlay::stage::{Pod, network, plugin};
use crate::support::eventually;
use anyhow::Result;
use fairway_lab::{Ns, Value, json};
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

/// A container of x with an interface of the overlay and a second one of either kind.
fn second(kind: &str, net: u8) -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", net, "always")?;
        network(bed, "second", net + 1, "always")?;
        let labels = &[];
        let who = |namespace, pod| Workload {
            namespace,
            pod,
            labels,
        };
        let both = who("x", "both");
        let first = plain(bed, 1, both.namespace, both.pod)?;
        let ptp = Local {
            config: config("ptp", "second", Some(true)),
            net: net + 2,
            default: false,
        };
        let vxlan = |who: Workload<'_>, ns: &Ns, ifname: &str| {
            let name = format!("{}-{}", who.namespace, who.pod);
            let cni = plugin(bed.node(1), &name, "second", Some(ns)).ifname(ifname);
            let mut config = cni.conf().clone();
            config["name"] = "second".into();
            // Its default routes are by the first one.
            let dst = [
                format!("10.{}.0.0/16", net + 1),
                format!("fd00:{}::/64", net + 1),
            ];
            config["ipam"]["routes"] = dst.iter().map(|dst| json!({"dst": dst})).collect();
            who.tell(cni.config(config))
        };
        let cni = |who: Workload<'_>, ns: &Ns, ifname: &str| match kind {
            "ptp" => ptp.cni(bed, ns, ifname, who),
            _ => vxlan(who, ns, ifname),
        };
        let eth1 = Pod::of("eth1", first.ns.clone(), cni(both, &first.ns, "eth1"))?;
        let (near, ns) = (who("y", "near"), bed.lab.container()?);
        let near = Pod::of("near", ns.clone(), cni(near, &ns, "eth0"))?;
        let far = plain(bed, 2, "y", "far")?;
        let _echo = Echo::start(&first.ns, &[80])?;
        let pairs = [(&near, &eth1), (&far, &first)];
        let become_all = |open: bool| -> Result<()> {
            for (from, to) in pairs {
                for ip in &to.ips {
                    reach::until(&from.ns, *ip, 80, open)?;
                }
            }
            Ok(())
        };
        become_all(true)?;
        apply(&bed.door(2), &[deny_ingress("x")])?;
        become_all(false)?;
        for (from, to) in pairs {
            reach::shut(&from.ns, to, 80)?;
        }
        // Labels that come hold for both.
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
        apply(&bed.door(1), &[pod("y", "far", yes("friend"))])?;
        become_all(true)?;
        for pod in [&eth1, &first] {
            pod.cni.check(&pod.result)?.ok()?;
            pod.del()?;
        }
        Ok(())
    })
}

#[test]
fn a_second_interface_of_another_plugin_is_judged_as_the_first() -> Result<()> {
    second("ptp", 167)
}

#[test]
fn a_second_interface_of_another_network_is_judged_as_the_first() -> Result<()> {
    second("vxlan", 176)
}
