//! Tasks of Mesos: groups, and labels that come with them.

use super::objects::{apply, policy};
use super::reach;
use crate::overlay::stage::{Pod, network, plugin};
use anyhow::Result;
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Plan, on};

/// As the isolator tells of a task.
fn task(bed: &Bed, node: usize, name: &str, groups: &[&str], labels: Value) -> Result<Pod> {
    let ns = bed.lab.container()?;
    let cni = plugin(bed.node(node), name, "net", Some(&ns));
    let mut config = cni.conf().clone();
    config["args"] = json!({"org.apache.mesos": {"network_info": {
        "name": "net", "groups": groups, "labels": {"labels": labels}}}});
    Pod::of(name, ns, cni.config(config))
}

#[test]
fn groups_are_for_their_own_and_for_whom_policies_name() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 174, "always")?;
        let app = json!([{"key": "app", "value": "probe"}]);
        let web = task(bed, 1, "web", &["front", "web"], json!([]))?;
        let db = task(bed, 2, "db", &["web", "db"], json!([]))?;
        let batch = task(bed, 1, "batch", &["batch"], json!([]))?;
        let alone = task(bed, 2, "alone", &[], app)?;
        let all = [&web, &db, &batch, &alone];
        let echoes = all.map(|pod| Echo::start(&pod.ns, &[80]));
        let _echoes = echoes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let is = |from: &Pod, to: &Pod, open: bool| {
            for ip in &to.ips {
                reach::until(&from.ns, *ip, 80, open)?;
            }
            match open {
                true => reach::open(&from.ns, to, 80),
                false => reach::shut(&from.ns, to, 80),
            }
        };
        for (from, to) in [(&web, &db), (&db, &web)] {
            is(from, to, true)?;
        }
        for (from, to) in [
            (&batch, &db),
            (&db, &batch),
            (&web, &batch),
            (&batch, &web),
            (&alone, &web),
            (&alone, &db),
        ] {
            is(from, to, false)?;
        }
        // Who has no group is open to all.
        for from in [&web, &batch] {
            is(from, &alone, true)?;
        }
        reach::open(&bed.node(1).ns, &v4(&web), 80)?;
        // A policy lets a label in besides.
        let from = json!([{"podSelector": {"matchLabels": {"app": "probe"}}}]);
        let spec = json!({"podSelector": {}, "ingress": [{"from": from}]});
        apply(&bed.door(1), &[policy("default", "probe", spec)])?;
        for to in [&web, &db, &batch] {
            is(&alone, to, true)?;
        }
        is(&web, &db, true)?;
        is(&batch, &web, false)
    })
}

/// The node has no IPv6 address of its own.
fn v4(pod: &Pod) -> Pod {
    Pod {
        name: pod.name.clone(),
        ns: pod.ns.clone(),
        cni: pod.cni.clone(),
        result: pod.result.clone(),
        ips: pod
            .ips
            .iter()
            .copied()
            .filter(std::net::IpAddr::is_ipv4)
            .collect(),
    }
}
