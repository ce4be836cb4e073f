//! Limits within limits: all of them hold.

use super::stage::{
    MEGABIT, at_most, both, free, holds, limit, load, on, one_of_some, pod, row, shown,
};
use crate::overlay::stage::{Pod, network};
use crate::policy::objects::{apply, remove};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::json;
use fairway_tests_cluster::{Plan, say};
use std::time::Instant;

/// How long each of several loads goes on.
const SECONDS: u32 = 8;

/// Several loads at once, from or to each of these; what they have together while all of them are there, from
/// their first second on, in bits a second.
fn together(pods: &[&Pod], peer: &Pod, out: bool) -> Result<f64> {
    let begun = Instant::now();
    let mut running = Vec::new();
    for (port, pod) in (5300..).zip(pods) {
        let mut load = match out {
            true => load(pod, peer, 0, SECONDS),
            false => load(peer, pod, 0, SECONDS),
        };
        load.port = port;
        running.push((load.start()?, begun.elapsed().as_secs_f64()));
    }
    let last = begun.elapsed().as_secs_f64() + 1.0;
    let first_end = running[0].1 + f64::from(SECONDS);
    ensure!(first_end > last + 2.0, "they took too long to begin");
    let mut all = 0.0;
    for (running, since) in running {
        let rates = running.end()?;
        say(shown(&rates, MEGABIT));
        let tenth = |at: f64| ((at - since) * 10.0) as usize;
        let part = rates.tenths.get(tenth(last)..tenth(first_end));
        let part = part.context("tenths")?;
        let seconds: f64 = part.iter().map(|one| one.seconds).sum();
        all += part.iter().map(|one| one.bits).sum::<f64>() / seconds;
    }
    Ok(all)
}

/// They share that many Mbit/s.
fn shared(pods: &[&Pod], peer: &Pod, out: bool, megabits: u64) -> Result<()> {
    one_of_some(|| {
        let all = together(pods, peer, out)? / (megabits * MEGABIT) as f64;
        let told = format!("{} together, out {out}: {all:.3} of {megabits}", pods.len());
        say(&told);
        at_most(all < 1.03, &told)?;
        ensure!(all > 0.85, "{told}");
        Ok(())
    })
}

/// Nothing of the other limits holds it.
fn is_free(pod: &Pod, peer: &Pod) -> Result<()> {
    one_of_some(|| {
        let all = together(&[pod], peer, true)?;
        ensure!(all > 100.0 * MEGABIT as f64, "{all} bit/s");
        Ok(())
    })
}

#[test]
fn a_namespace_shares_what_it_has() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 207, "always")?;
        let team = json!({"per": "Namespace", "namespaces": ["x"],
                            "ingress": {"rate": "40M"}, "egress": {"rate": "40M"}});
        apply(&bed.door(1), &[limit("team", team)])?;
        let one = pod(bed, 1, ("x", "one"), both(30 * MEGABIT))?;
        let two = pod(bed, 1, ("x", "two"), free())?;
        let other = pod(bed, 1, ("y", "other"), free())?;
        let peer = pod(bed, 1, ("y", "peer"), free())?;
        for out in [true, false] {
            shared(&[&one, &two], &peer, out, 40)?;
            // Each alone: the least of its chain.
            let (from, to) = if out { (&one, &peer) } else { (&peer, &one) };
            holds("alone, its own", &load(from, to, 0, 3), 30 * MEGABIT)?;
        }
        // Who is in another namespace has no part in it.
        is_free(&other, &peer)?;
        remove(&bed.door(1), &[limit("team", json!({}))])?;
        eventually("the limit goes", || {
            ensure!(row(bed, 1, "x/two", Direction::Egress).is_err());
            Ok(())
        })?;
        is_free(&two, &peer)?;
        Ok(())
    })
}

#[test]
fn a_tenant_holds_its_namespaces() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 208, "always")?;
        let objects = [
            limit(
                "tenant",
                json!({"per": "Network", "networks": ["net"], "egress": {"rate": "30M"}}),
            ),
            limit(
                "team",
                json!({"per": "Namespace", "egress": {"rate": "20M"}}),
            ),
            limit(
                "each",
                json!({"egress": {"rate": "15M", "dscp": 10}, "podSelector": {}}),
            ),
        ];
        apply(&bed.door(1), &objects)?;
        let pods: Vec<Pod> = ["a", "b"]
            .into_iter()
            .flat_map(|namespace| ["one", "two"].map(|name| (namespace, name)))
            .map(|who| pod(bed, 1, who, free()))
            .collect::<Result<_>>()?;
        let peer = pod(bed, 2, ("peers", "peer"), free())?;
        eventually("all limits are there", || {
            for who in ["a/one", "a/two", "b/one", "b/two"] {
                ensure!(row(bed, 1, who, Direction::Egress)?.limits.len() == 3);
            }
            Ok(())
        })?;
        holds("one alone", &load(&pods[0], &peer, 0, 3), 15 * MEGABIT)?;
        shared(&[&pods[0], &pods[1]], &peer, true, 20)?;
        shared(&[&pods[0], &pods[1], &pods[2], &pods[3]], &peer, true, 30)
    })
}

/// One who asks for more than its namespace has is told so, and is taken.
#[test]
fn a_namespace_below_its_containers_is_told() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 209, "always")?;
        let one = pod(bed, 1, ("x", "one"), both(50 * MEGABIT))?;
        let spec = json!({"per": "Namespace", "ingress": {"rate": "10M"}});
        let applied = apply(&bed.door(1), &[limit("team", spec)])?;
        let warned = applied[0].warnings.join("\n");
        let problems = row(bed, 1, "x/one", Direction::Ingress)?.problems;
        ensure!(problems.join("\n") == warned, "{problems:?}, {warned}");
        for part in [
            "50Mbit",
            "10Mbit",
            "bandwidth.ingressRate",
            "RateLimit/team",
        ] {
            ensure!(warned.contains(part), "{part} is not in {warned:?}");
        }
        let peer = pod(bed, 1, ("y", "peer"), free())?;
        holds("the least holds", &load(&peer, &one, 0, 3), 10 * MEGABIT)
    })
}
