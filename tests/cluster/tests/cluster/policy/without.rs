//! A node that cannot enforce policies says so, connects containers all the same, and takes none that must
//! be judged.

use super::objects::{apply, deny_all, policy};
use super::reach;
use super::workload::{Workload, plain};
use crate::overlay::stage::{network, plugin};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::json;
use fairway_tests_cluster::{Bed, Echo, Plan, before, on};

/// The first node cannot; the second one can.
fn said_and_refused(bed: &Bed, net: u8, words: &[&str]) -> Result<()> {
    network(bed, "net", net, "always")?;
    let pods = [plain(bed, 1, "x", "one")?, plain(bed, 2, "x", "two")?];
    let other = plain(bed, 1, "y", "other")?;
    let _echoes = [
        Echo::start(&pods[0].ns, &[80])?,
        Echo::start(&pods[1].ns, &[80])?,
    ];
    for pod in &pods {
        for ip in &pod.ips {
            reach::until(&other.ns, *ip, 80, true)?;
        }
    }
    apply(&bed.door(1), &[deny_all("x")])?;
    // A packet is judged where its endpoint is; x/one sends what it likes, and nothing of it gets in.
    for ip in &pods[1].ips {
        reach::until(&other.ns, *ip, 80, false)?;
    }
    reach::shut(&other.ns, &pods[1], 80)?;
    reach::open(&other.ns, &pods[0], 80)?;
    pods[0].cni.check(&pods[0].result)?.ok()?;

    let says = |what: &str, text: &str| -> Result<()> {
        let text = text.to_lowercase();
        ensure!(text.contains("polic"), "{what}: {text}");
        for word in words {
            ensure!(text.contains(word), "{what}: {word:?} is not in {text:?}");
        }
        Ok(())
    };
    let ns = bed.lab.container()?;
    let labels = &[];
    let who = Workload {
        namespace: "x",
        pod: "must",
        labels,
    };
    let cni = who.tell(plugin(bed.node(1), "must", "net", Some(&ns)));
    let mut config = cni.conf().clone();
    config["policy"] = true.into();
    let cni = cni.config(config);
    for (verb, outcome) in [("ADD", cni.add()?), ("STATUS", cni.status()?)] {
        let error = outcome.fails(50)?;
        says(verb, &format!("{} {}", error.msg, error.details))?;
    }
    // Nothing of it is left.
    ensure!(
        ns.json("ip -j link")?.as_array().map(Vec::len) == Some(1),
        "a link is left"
    );
    let status = bed.door(1).policy_status()?;
    ensure!(!status.enforced, "{status:?}");
    says("policy.status", &status.problems.join(" "))?;
    let info = bed.door(1).info()?;
    says("daemon.info", &info.problems.join(" "))?;
    let status = bed.door(2).policy_status()?;
    ensure!(status.enforced && status.problems.is_empty(), "{status:?}");
    Ok(())
}

#[test]
fn a_node_whose_settings_say_no() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        bed.configure(bed.node(1), "[policy]\nenforce = false\n")?;
        for daemon in &bed.daemons {
            daemon.start_connected()?;
        }
        said_and_refused(bed, 169, &["enforce"])?;
        // And back: what must be judged is.
        bed.node(1).stop()?;
        bed.configure(bed.node(1), "")?;
        bed.node(1).start_connected()?;
        eventually("it enforces", || {
            let status = bed.door(1).policy_status()?;
            ensure!(status.enforced && status.problems.is_empty(), "{status:?}");
            Ok(())
        })
    })
}

#[test]
fn a_node_without_the_capability() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        bed.node(1).lacks("-sys_admin,-bpf,-perfmon");
        for daemon in &bed.daemons {
            daemon.start_connected()?;
        }
        said_and_refused(bed, 170, &[])
    })
}

/// Where policies were enforced until now, nothing of that is left.
#[test]
fn what_an_earlier_setting_has_left_is_taken_away() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 195, "cross-subnet")?;
        let pods = [plain(bed, 1, "x", "one")?, plain(bed, 2, "x", "two")?];
        let _echo = Echo::start(&pods[0].ns, &[80])?;
        reach::open(&pods[1].ns, &pods[0], 80)?;
        apply(&bed.door(1), &[deny_all("x")])?;
        reach::until(&pods[1].ns, pods[0].ips[0], 80, false)?;
        let node = bed.node(1);
        let left = || -> Result<usize> {
            let links = node.ns.run("ip -o link")?;
            let names = links
                .lines()
                .filter_map(|line| line.split([':', '@']).nth(1));
            let mut left = 0;
            for side in ["ingress", "egress"] {
                for name in names.clone() {
                    let shown = node
                        .ns
                        .run(&format!("tc filter show dev {} {side}", name.trim()))?;
                    left += shown.matches("fairway/").count();
                }
            }
            Ok(left)
        };
        // Both of the container's link, and the underlay's.
        eventually("they are there", || {
            ensure!(left()? >= 3, "{} programs", left()?);
            Ok(())
        })?;
        node.kill()?;
        bed.configure(node, "[policy]\nenforce = false\n")?;
        node.start_connected()?;
        eventually("none is left", || {
            ensure!(left()? == 0, "{} programs are left", left()?);
            Ok(())
        })?;
        // The other node judges its own.
        let all = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"],
                         "ingress": [{}], "egress": [{}]});
        apply(&bed.door(2), &[policy("x", "all", all)])?;
        reach::until(&pods[1].ns, pods[0].ips[0], 80, true)?;
        Ok(())
    })
}
