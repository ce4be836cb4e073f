//! Tasks of Mesos: groups, and labels that come with them; pods that ask for groups, and may or may not have them.

use super::objects::{apply, deny_ingress, policy};
use super::reach;
use crate::overlay::stage::{Pod, network, plugin};
use anyhow::{Result, ensure};
use fairway_api::admin::{Party, PolicyExplain};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Door, Echo, Plan, before, on};

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

/// A pod that asks for a group by its annotation, as containerd hands it on.
fn pod(bed: &Bed, node: usize, (namespace, name): (&str, &str)) -> Result<Pod> {
    let ns = bed.lab.container()?;
    let cni = plugin(bed.node(node), name, "net", Some(&ns));
    let mut config = cni.conf().clone();
    let annotations = json!({"fairway.network/groups": "friends"});
    config["runtimeConfig"] = json!({"io.kubernetes.cri.pod-annotations": annotations});
    let args = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name}");
    Pod::of(name, ns, cni.config(config).args(args))
}

/// The groups that both ends ask for in vain, as a node tells them.
fn refused(door: &Door, from: &str, to: &str) -> Result<[Vec<String>; 2]> {
    let told = door.explain(PolicyExplain {
        from: Party::Pod(from.to_owned()),
        to: Party::Pod(to.to_owned()),
        port: Some(80),
        protocol: "tcp".to_owned(),
    })?;
    Ok([told.from.refused_groups, told.to.refused_groups])
}

#[test]
fn groups_are_for_the_namespaces_that_the_settings_name() -> Result<()> {
    let named = "[policy]\ngroup_namespaces = [\"shop\"]\n";
    before(&Plan::nodes(2).members(1), |bed| {
        for daemon in &bed.daemons {
            bed.configure(daemon, named)?;
            daemon.start_connected()?;
        }
        network(bed, "net", 198, "always")?;
        let denied = ["shop", "other"].map(deny_ingress);
        apply(&bed.door(1), &denied)?;
        let a = pod(bed, 1, ("shop", "a"))?;
        let b = pod(bed, 2, ("shop", "b"))?;
        let far = pod(bed, 2, ("other", "far"))?;
        let near = pod(bed, 1, ("other", "near"))?;
        let also = pod(bed, 2, ("other", "also"))?;
        let all = [&a, &b, &far, &near, &also];
        let echoes = all.map(|pod| Echo::start(&pod.ns, &[80]));
        let _echoes = echoes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let is = |from: &Pod, to: &Pod, open: bool| -> Result<()> {
            for ip in &to.ips {
                reach::until(&from.ns, *ip, 80, open)?;
            }
            Ok(())
        };
        for (from, to) in [(&a, &b), (&b, &a)] {
            is(from, to, true)?;
        }
        // Neither is let in by those that may, nor does it let anybody in: by its own kind neither.
        for (from, to) in [
            (&far, &a),
            (&near, &a),
            (&far, &b),
            (&a, &far),
            (&b, &near),
            (&near, &far),
            (&also, &far),
        ] {
            is(from, to, false)?;
        }
        // Both nodes say so, of their own containers and of others'.
        let friends = vec!["friends".to_owned()];
        for node in [1, 2] {
            let told = refused(&bed.door(node), "other/far", "shop/a")?;
            ensure!(told == [friends.clone(), Vec::new()], "{node}: {told:?}");
            let told = refused(&bed.door(node), "shop/b", "other/near")?;
            ensure!(told == [Vec::new(), friends.clone()], "{node}: {told:?}");
        }
        // One line for each namespace, however many containers it has.
        bed.node(2)
            .says("other/far asks for groups (friends) and gets none")?;
        let said = bed.node(2).log().matches("asks for groups").count();
        ensure!(said == 1, "{said}: {}", bed.node(2).log());
        ensure!(
            !bed.node(1).log().contains("shop/a asks"),
            "{}",
            bed.node(1).log()
        );
        // What was asked for counts where the setting is another.
        for daemon in &bed.daemons {
            daemon.stop()?;
            bed.configure(daemon, "")?;
            daemon.start_connected()?;
        }
        for (from, to) in [(&far, &a), (&a, &far), (&near, &far), (&b, &a)] {
            is(from, to, true)?;
        }
        ensure!(
            refused(&bed.door(1), "other/far", "shop/a")? == [Vec::<String>::new(), Vec::new()]
        );
        Ok(())
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
