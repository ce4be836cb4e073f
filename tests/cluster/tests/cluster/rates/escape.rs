//! Containers that get at their own end of the link, as one with `CAP_NET_ADMIN` does.

use super::stage::{MEGABIT, at_most, both, free, load, on, on_beside, one_of_some, pod, row};
use crate::overlay::stage::network;
use crate::policy::byhand::netctl;
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::traffic::Kind;
use fairway_tests_cluster::{Plan, say};

#[test]
fn a_container_that_takes_its_queue_off_is_held_at_the_hosts_end() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 218, "always")?;
        let limited = pod(bed, 1, ("x", "limited"), both(20 * MEGABIT))?;
        let peer = pod(bed, 1, ("y", "peer"), free())?;
        let flood = |megabits: u64| -> Result<()> {
            let mut load = load(&limited, &peer, 0, 5);
            load.kind = Kind::Udp(100 * MEGABIT);
            one_of_some(|| {
                let rates = load.run()?;
                let ratio = rates.whole() / (megabits * MEGABIT) as f64;
                let told = format!("{ratio:.3} of {megabits} Mbit/s");
                say(&told);
                // 5 %, and 80 ms at once.
                at_most(ratio < 1.09, &told)?;
                ensure!(ratio > 0.9, "{told}");
                Ok(())
            })
        };
        limited.ns.run("tc qdisc del dev eth0 root")?;
        limited.ns.run("tc qdisc del dev eth0 clsact")?;
        flood(20)?;
        // Another's queue is left alone, and a change still holds.
        limited
            .ns
            .run("tc qdisc add dev eth0 root handle 7: pfifo")?;
        let set = |rate: &str| netctl(bed, 1, &["rate", "set", "x/limited", "--egress", rate], "");
        set("10M")?;
        eventually("it is told", || {
            let problems = row(bed, 1, "x/limited", Direction::Egress)?
                .problems
                .join("\n");
            ensure!(problems.contains("somebody else's"), "{problems}");
            Ok(())
        })?;
        flood(10)?;
        let checked = limited.cni.check(&limited.result)?;
        ensure!(checked.status.code() == Some(1), "{checked:?}");
        limited.ns.run("tc qdisc del dev eth0 root")?;
        limited.cni.check(&limited.result)?.ok().context("CHECK")?;
        let classes = limited.ns.run("tc class show dev eth0")?;
        ensure!(classes.contains("ceil 10Mbit"), "{classes}");
        Ok(())
    })
}

#[test]
fn a_link_is_found_whatever_it_is_called() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 219, "always")?;
        let limited = pod(bed, 1, ("x", "limited"), both(20 * MEGABIT))?;
        for words in ["down", "name mine", "up"] {
            let link = if words == "up" { "mine" } else { "eth0" };
            limited.ns.run(&format!("ip link set {link} {words}"))?;
        }
        let set = ["rate", "set", "x/limited", "--egress", "7M"];
        netctl(bed, 1, &set, "")?;
        let classes = limited.ns.run("tc class show dev mine")?;
        ensure!(classes.contains("ceil 7Mbit"), "{classes}");
        let row = row(bed, 1, "x/limited", Direction::Egress)?;
        ensure!(row.problems.is_empty(), "{row:?}");
        Ok(())
    })
}
