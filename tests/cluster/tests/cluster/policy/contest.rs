//! Two who want the same: a place in the order of cluster-wide policies, an address.

use super::objects::{apply, cluster};
use super::workload::{Local, Workload};
use crate::support::refused;
use anyhow::{Result, ensure};
use fairway_lab::{Cni, Ns, Value, json};
use fairway_tests_cluster::{Bed, Plan, on};
use std::thread;

fn admin(name: &str, priority: u16) -> Value {
    let rules = json!([{"action": "Accept", "from": [{"namespaces": {}}]}]);
    cluster(
        name,
        json!({"tier": "Admin", "priority": priority, "subject": {"namespaces": {}}, "ingress": rules}),
    )
}

#[test]
fn of_two_administrators_one_gets_the_place() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        for round in 0..20 {
            let answers = thread::scope(|scope| {
                let applying = [1, 2].map(|node| {
                    let objects = [admin(&format!("of-{node}-{round}"), 100 + round)];
                    scope.spawn(move || apply(&bed.door(node), &objects))
                });
                applying.map(|thread| thread.join())
            });
            let mut done = 0;
            for answer in answers {
                match answer.map_err(|_| anyhow::anyhow!("a thread has panicked"))? {
                    Ok(_) => done += 1,
                    lost => drop(refused(lost, 7, &["spec.priority"])?),
                }
            }
            ensure!(done == 1, "{done} got place {}", 100 + round);
        }
        Ok(())
    })
}

/// A container on a bridge with always the same address.
fn fixed(bed: &Bed, ns: &Ns, pod: &str) -> Cni {
    let local = Local {
        config: json!({"name": "fixed", "type": "bridge", "bridge": "fixed", "policy": true}),
        net: 190,
        default: false,
    };
    let labels = &[];
    let who = Workload {
        namespace: "x",
        pod,
        labels,
    };
    let cni = local.cni(bed, ns, "eth0", who);
    let mut config = cni.conf().clone();
    config["ipam"] = json!({"type": "static", "addresses": [{"address": "10.190.0.9/24"}]});
    cni.config(config)
}

#[test]
fn an_address_is_waited_for_as_long_as_its_old_link_may_take_to_go() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let (old, new) = (bed.lab.container()?, bed.lab.container()?);
        let (old, new) = (fixed(bed, &old, "old"), fixed(bed, &new, "new"));
        let result = old.add()?.ok()?;
        // It stays: who comes is told so.
        let error = new.add()?.fails(102)?;
        let text = format!("{error:?}");
        ensure!(text.contains("one of its addresses"), "{text}");
        new.del(None)?.ok()?;
        // It goes.
        let added = thread::scope(|scope| {
            let adding = scope.spawn(|| new.add());
            old.del(Some(&result))?.ok()?;
            adding
                .join()
                .map_err(|_| anyhow::anyhow!("ADD has panicked"))?
                .map_err(anyhow::Error::from)
        })?;
        added.ok()?;
        Ok(())
    })
}
