//! Daemons that end, are killed, and come back: limits go on.

use super::stage::{MEGABIT, both, free, holds, limit, link, load, on, one_of_some, pod, row};
use crate::overlay::stage::{Pod, network};
use crate::policy::objects::{apply, remove};
use crate::policy::workload::{Local, Workload};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::queue::{Between, Left};
use fairway_lab::{Value, json, poll};
use fairway_tests_cluster::{Bed, Plan, SOON, say};
use std::time::{Duration, Instant};

#[test]
fn limits_go_on_whatever_the_daemon_does() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 212, "always")?;
        let bits = 20 * MEGABIT;
        let limited = pod(bed, 1, ("x", "limited"), both(bits))?;
        let peer = pod(bed, 1, ("y", "peer"), free())?;
        let spec = json!({"per": "Namespace", "namespaces": ["x"], "ingress": {"rate": "15M"}});
        apply(&bed.door(2), &[limit("team", spec)])?;
        eventually("it holds", || {
            ensure!(row(bed, 1, "x/limited", Direction::Ingress)?.rate == Some(15 * MEGABIT));
            Ok(())
        })?;
        one_of_some(|| restarted(bed, &limited, &peer, bits))?;
        let one = bed.node(1);
        // What an administrator takes away meanwhile is gone when the daemon is back; what is new is there.
        one.kill()?;
        remove(&bed.door(2), &[limit("team", json!({}))])?;
        let spec = json!({"podSelector": {}, "namespaces": ["x"], "egress": {"rate": "5M"}});
        apply(&bed.door(2), &[limit("each", spec)])?;
        holds(
            "without the daemon",
            &load(&peer, &limited, 1, 3),
            15 * MEGABIT,
        )?;
        one.start_connected()?;
        eventually("what is new holds", || {
            ensure!(row(bed, 1, "x/limited", Direction::Egress)?.rate == Some(5 * MEGABIT));
            ensure!(row(bed, 1, "x/limited", Direction::Ingress)?.rate == Some(bits));
            Ok(())
        })?;
        holds("in, after it", &load(&peer, &limited, 0, 3), bits)?;
        holds("out, after it", &load(&limited, &peer, 0, 3), 5 * MEGABIT)
    })
}

/// Loads in both directions go on while the daemon is restarted again and again.
fn restarted(bed: &Bed, limited: &Pod, peer: &Pod, bits: u64) -> Result<()> {
    let one = bed.node(1);
    let host = link(limited)?;
    let looks =
        || -> Result<[Left; 2]> { Ok([Left::of(&limited.ns, "eth0")?, Left::of(&one.ns, &host)?]) };
    let before = looks()?.map(|one| one.bytes);
    let out = load(limited, peer, 0, 8).start()?;
    let mut back = load(peer, limited, 0, 8);
    back.port = 5300;
    let back = back.start()?;
    let loaded = |looks: [Left; 2]| {
        let mut pairs = looks.iter().zip(before);
        pairs.all(|(one, before)| one.bytes > before + 300_000)
    };
    poll(SOON, "the loads are there", || looks().is_ok_and(loaded))?;
    let begun = Instant::now();
    let mut left = vec![looks()?];
    while begun.elapsed() < Duration::from_secs(6) {
        one.kill()?;
        one.start_connected()?;
        left.push(looks()?);
        one.stop()?;
        one.start_connected()?;
        left.push(looks()?);
    }
    let mut missed = Vec::new();
    for (at, (what, running, bits)) in [("egress", out, bits), ("ingress", back, 15 * MEGABIT)]
        .into_iter()
        .enumerate()
    {
        let pairs = left.windows(2);
        let parts = pairs.map(|pair| Between::of(pair[0][at], pair[1][at], bits));
        let parts: Vec<Between> = parts.collect::<Result<_, _>>()?;
        let rates = running.end()?;
        let halves: Vec<f64> = rates
            .tenths
            .chunks(5)
            .map(|half| {
                let seconds: f64 = half.iter().map(|one| one.seconds).sum();
                half.iter().map(|one| one.bits).sum::<f64>() / seconds / bits as f64
            })
            .collect();
        let shown: Vec<_> = parts.iter().map(Between::to_string).collect();
        let told = format!(
            "{what}: it left at {shown:?}, and arrived at {halves:.2?}, {} of {} sent again",
            rates.retransmits, rates.segments
        );
        say(&told);
        // What leaves is the limit's doing. What arrives is counted when a processor comes to it, so that one
        // half second may have what was another's; and what is missing may be for want of one.
        let kept = parts
            .iter()
            .all(|part| part.least < 1.03 && part.most > 0.85);
        let arrived = halves.iter().all(|half| *half < 1.1);
        if !kept || !arrived || rates.whole() < 0.85 * bits as f64 {
            missed.push(told);
        }
    }
    ensure!(missed.is_empty(), "{missed:#?}");
    Ok(())
}

/// A container that comes while nobody knows what the store holds has what its configuration asks for.
#[test]
fn a_container_is_limited_while_the_store_is_away() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let bridge = |bandwidth: Value| Local {
            config: json!({"name": "local", "type": "bridge", "bridge": "br0", "isGateway": true,
                           "bandwidth": bandwidth}),
            net: 213,
            default: true,
        };
        let add = |name, bandwidth| {
            let who = Workload {
                namespace: "x",
                pod: name,
                labels: &[],
            };
            bridge(bandwidth).add(bed, who)
        };
        bed.etcd.kill(0)?;
        bed.node(1).kill()?;
        bed.node(1).start()?;
        let peer = add("peer", free())?;
        let limited = add("limited", both(10 * MEGABIT))?;
        ensure!(row(bed, 1, "x/limited", Direction::Egress)?.rate == Some(10 * MEGABIT));
        holds(
            "without the store",
            &load(&limited, &peer, 0, 3),
            10 * MEGABIT,
        )?;
        holds(
            "without the store",
            &load(&peer, &limited, 0, 3),
            10 * MEGABIT,
        )
    })
}
