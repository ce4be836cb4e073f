//! A limit holds on every path: to a container of the same node, of another node, by the overlay or not, and to
//! the outside.

use super::stage::{MEGABIT, both, free, holds, load, on, on_beside, pod, to};
use crate::overlay::stage::{Pod, network, reaches};
use crate::policy::workload::{Local, Workload};
use anyhow::{Result, ensure};
use fairway_api::admin::{PoolSet, PoolSettings, RateList};
use fairway_lab::traffic::{Kind, Load, Pings};
use fairway_lab::{Value, json, poll};
use fairway_tests_cluster::{Bed, Plan, SOON, joined, say};
use std::thread;
use std::time::{Duration, Instant};

/// Both directions of a limited container, to one of its node and to one of another.
fn everywhere(bed: &Bed, far_family: usize, bits: u64) -> Result<()> {
    let limited = pod(bed, 1, ("x", "limited"), both(bits))?;
    let near = pod(bed, 1, ("x", "near"), free())?;
    let far = pod(bed, 2, ("x", "far"), free())?;
    for (peer, family, what) in [(&near, 0, "same node"), (&far, far_family, "other node")] {
        reaches(peer, limited.ips[family], SOON)?;
        holds(
            &format!("egress, {what}"),
            &load(&limited, peer, family, 3),
            bits,
        )?;
        holds(
            &format!("ingress, {what}"),
            &load(peer, &limited, family, 3),
            bits,
        )?;
    }
    Ok(())
}

#[test]
fn limits_hold_by_the_overlay() -> Result<()> {
    on_beside(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 201, "always")?;
        everywhere(bed, 1, 50 * MEGABIT)
    })
}

#[test]
fn limits_hold_without_the_overlay() -> Result<()> {
    on_beside(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 202, "never")?;
        everywhere(bed, 0, 20 * MEGABIT)
    })
}

/// Where policies are not enforced, so that there is no local fast path either.
#[test]
fn limits_hold_without_policy() -> Result<()> {
    let plan = Plan::nodes(2).members(1);
    on_beside(&plan.settings("policy.enforce = false\n"), |bed| {
        network(bed, "net", 203, "always")?;
        everywhere(bed, 1, 100 * MEGABIT)
    })
}

#[test]
fn limits_hold_to_the_outside_and_back() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 204, "always")?;
        let settings = PoolSettings {
            masquerade: Some(true),
            ..PoolSettings::default()
        };
        bed.door(1).pool_set(PoolSet {
            name: "net".to_owned(),
            settings,
            ..PoolSet::default()
        })?;
        let outside = bed.lab.container()?;
        let cable = bed.lan.plug(&outside)?;
        let bits = 20 * MEGABIT;
        let limited = pod(bed, 1, ("x", "limited"), both(bits))?;
        let address = cable.address.parse()?;
        holds(
            "egress, outside",
            &to(&limited.ns, (&outside, address), 3),
            bits,
        )?;
        // What comes back is ingress.
        let mut back = to(&limited.ns, (&outside, address), 3);
        back.reverse = true;
        holds("ingress, outside", &back, bits)
    })
}

/// Kinds of senders, where the kernel has none of the queues that Linux' senders like best. Each limit has a pair of
/// containers of its own, and all are measured at once: together they are little for a processor.
#[test]
fn limits_hold_whatever_sends() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 205, "always")?;
        let mut pairs = Vec::new();
        for (number, bits) in [1, 10, 100]
            .map(|some| some * MEGABIT)
            .into_iter()
            .enumerate()
        {
            let peer = pod(bed, 1, ("x", &format!("peer{number}")), free())?;
            let limited = pod(bed, 1, ("x", &format!("limited{number}")), both(bits))?;
            pairs.push((limited, peer, bits));
        }
        thread::scope(|scope| {
            let measured = pairs
                .iter()
                .map(|(limited, peer, bits)| scope.spawn(move || senders(limited, peer, *bits)));
            let measured: Vec<_> = measured.collect();
            measured.into_iter().try_for_each(joined)
        })
    })
}

/// Each kind of sender, to and from the limited one.
fn senders(limited: &Pod, peer: &Pod, bits: u64) -> Result<()> {
    let kinds = [
        (Kind::Tcp("cubic"), 8),
        (Kind::Tcp("bbr"), 1),
        (Kind::Udp(bits * 2), 1),
    ];
    for (kind, flows) in kinds {
        for (way, from, at) in [("egress", limited, peer), ("ingress", peer, limited)] {
            // Eight senders at once begin with more than a second's worth.
            if (bits, flows, way) == (MEGABIT, 8, "ingress") {
                continue;
            }
            let mut load = load(from, at, 0, 4);
            (load.kind, load.flows) = (kind, flows);
            holds(&format!("{way}, {kind:?} {flows}"), &load, bits)?;
        }
    }
    Ok(())
}

/// Each interface of a container has its own, whichever plugin made it.
#[test]
fn interfaces_of_one_container_have_each_their_own() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 206, "always")?;
        let bridge = |bandwidth: Value| Local {
            config: json!({"name": "local", "type": "bridge", "bridge": "br0", "isGateway": true,
                           "bandwidth": bandwidth}),
            net: 216,
            default: false,
        };
        let who = |pod| Workload {
            namespace: "x",
            pod,
            labels: &[],
        };
        let (slow, fast) = (10 * MEGABIT, 40 * MEGABIT);
        let first = pod(bed, 1, ("x", "two"), both(slow))?;
        let cni = bridge(both(fast)).cni(bed, &first.ns, "eth1", who("two"));
        let second = Pod::of("x-two", first.ns.clone(), cni)?;
        let peer = pod(bed, 1, ("x", "peer"), free())?;
        let beside = bridge(free()).add(bed, who("beside"))?;
        for (what, one, peer, bits) in [
            ("eth0", &first, &peer, slow),
            ("eth1", &second, &beside, fast),
        ] {
            holds(&format!("{what} in"), &load(peer, one, 0, 3), bits)?;
            holds(&format!("{what} out"), &load(one, peer, 0, 3), bits)?;
        }
        let list = RateList {
            workload: Some("x/two".to_owned()),
        };
        let rows = bed.door(1).rate_list(list)?;
        let of = |ifname: &str, rate| {
            let mut rows = rows.iter();
            rows.any(|row| row.attachment.ifname == ifname && row.rate == Some(rate))
        };
        ensure!(
            rows.len() == 4 && of("eth0", slow) && of("eth1", fast),
            "{rows:#?}"
        );
        Ok(())
    })
}

/// Who is on the same node as a limited flow does not notice it.
#[test]
fn neighbours_are_not_held_up() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 220, "always")?;
        let limited = pod(bed, 1, ("x", "limited"), both(100 * MEGABIT))?;
        let peer = pod(bed, 1, ("x", "peer"), free())?;
        let other = pod(bed, 1, ("x", "other"), both(100 * MEGABIT))?;
        for (what, from, to) in [("out", &limited, &peer), ("in", &peer, &limited)] {
            let mut added = f64::MAX;
            // What a busy machine adds is not the limit's doing: it is looked at beside each try.
            for _ in 0..5 {
                let quiet = median(&other, &peer, None)?;
                let beside = median(&other, &peer, Some(&load(from, to, 0, 3)))?;
                say(format!(
                    "{what}: {quiet:.3} ms, {beside:.3} ms beside the load"
                ));
                added = added.min(beside - quiet);
                if added < 1.0 {
                    break;
                }
            }
            ensure!(added < 1.0, "{what}: {added:.3} ms more");
        }
        Ok(())
    })
}

/// Of pings while a load is there, or for as long as it would be, in milliseconds.
fn median(from: &Pod, to: &Pod, load: Option<&Load>) -> Result<f64> {
    let pings = Pings::start(&from.ns, to.ips[0])?;
    match load {
        Some(load) => drop(load.run()?),
        None => {
            let begun = Instant::now();
            let long = || begun.elapsed() > Duration::from_secs(2);
            poll(SOON, "some pings", long)?;
        }
    }
    let times = pings.end()?;
    Ok(times[times.len() / 2])
}
