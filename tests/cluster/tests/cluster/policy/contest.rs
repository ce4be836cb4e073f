//! Two who want the same: a place in the order of cluster-wide policies, an address.

use super::objects::{apply, cluster};
use super::workload::{Local, Workload};
use crate::support::refused;
use anyhow::{Result, ensure};
use fairway_lab::{Cni, Ns, Value, json, poll};
use fairway_tests_cluster::{Bed, Plan, SOON, on};
use std::thread;
use std::time::{Duration, Instant};

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

/// How many ports the bridge has.
fn links(bed: &Bed) -> Result<usize> {
    let shown = bed.node(1).ns.run("ip -o link show master fixed")?;
    Ok(shown.lines().filter(|line| !line.trim().is_empty()).count())
}

/// For so long the daemon waits for an address that another container has.
const WAITS: Duration = Duration::from_secs(5);

/// One that has given up waits for nothing, and keeps nobody else out.
#[test]
fn who_has_gone_is_not_taken_up_later() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        // Where a machine has much to do, an ADD takes its time though nobody is in the way.
        let mut took = Duration::MAX;
        for round in 0..3 {
            took = took.min(gone_amid(bed, round)?);
            if took < WAITS - Duration::from_secs(1) {
                return Ok(());
            }
        }
        anyhow::bail!("somebody was in the way: {took:?}")
    })
}

/// How long the last one's ADD takes, for whose address one waited that has gone.
fn gone_amid(bed: &Bed, round: usize) -> Result<Duration> {
    let ns = [
        bed.lab.container()?,
        bed.lab.container()?,
        bed.lab.container()?,
    ];
    let names = ["first", "gone", "last"].map(|name| format!("{name}-{round}"));
    let [first, gone, last] = [0, 1, 2].map(|at: usize| fixed(bed, &ns[at], &names[at]));
    let result = first.add()?.ok()?;
    thread::scope(|scope| {
        let adding = scope.spawn(|| gone.add());
        let waits = || links(bed).is_ok_and(|links| links == 2) || adding.is_finished();
        poll(SOON, "its link is there", waits)?;
        // Its container is torn down under it.
        gone.del(None)?.ok()?;
        let refused = adding
            .join()
            .map_err(|_| anyhow::anyhow!("ADD has panicked"))??;
        ensure!(refused.ok().is_err());
        anyhow::Ok(())
    })?;
    first.del(Some(&result))?.ok()?;
    let begun = Instant::now();
    let result = last.add()?.ok()?;
    let took = begun.elapsed();
    last.del(Some(&result))?.ok()?;
    Ok(took)
}

#[test]
fn an_address_is_waited_for_as_long_as_its_old_link_may_take_to_go() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let (old, new) = (bed.lab.container()?, bed.lab.container()?);
        let (old, new) = (fixed(bed, &old, "old"), fixed(bed, &new, "new"));
        let result = old.add()?.ok()?;
        // It stays: who comes is told so.
        let begun = Instant::now();
        let error = new.add()?.fails(102)?;
        ensure!(
            begun.elapsed() >= Duration::from_secs(4),
            "it was not waited for"
        );
        let text = format!("{error:?}");
        ensure!(text.contains("one of its addresses"), "{text}");
        new.del(None)?.ok()?;
        // It goes, while the other waits: its link is there, and it does not answer.
        thread::scope(|scope| {
            let adding = scope.spawn(|| -> Result<_> {
                // On a machine that has much to do its time may be over before; a runtime tries again.
                for _ in 0..3 {
                    let added = new.add()?;
                    if added.error.as_ref().is_none_or(|error| error.code != 102) {
                        return Ok(added);
                    }
                    new.del(None)?.ok()?;
                }
                Ok(new.add()?)
            });
            let waits = || links(bed).is_ok_and(|links| links == 2) || adding.is_finished();
            poll(SOON, "the other's link is there", waits)?;
            ensure!(!adding.is_finished(), "it did not wait");
            old.del(Some(&result))?.ok()?;
            let added = adding.join();
            let added = added.map_err(|_| anyhow::anyhow!("ADD has panicked"))??;
            added.ok()?;
            Ok(())
        })
    })
}
