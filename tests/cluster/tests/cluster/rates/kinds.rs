//! Limits of packets, and marks.

use super::stage::{MEGABIT, at_most, free, limit, load, on, one_of_some, pod, row};
use crate::overlay::stage::network;
use crate::policy::objects::apply;
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::traffic::Kind;
use fairway_lab::{json, poll};
use fairway_tests_cluster::{Plan, SOON, say};

/// Bits of a frame of these loads.
const FRAME: f64 = (1300.0 + 8.0 + 20.0 + 14.0) * 8.0;

#[test]
fn packets_are_counted_and_marked() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 217, "always")?;
        let one = pod(bed, 1, ("x", "one"), free())?;
        let near = pod(bed, 1, ("y", "near"), free())?;
        let far = pod(bed, 2, ("y", "far"), free())?;
        let spec = json!({"namespaces": ["x"],
                          "ingress": {"packetsPerSecond": 500},
                          "egress": {"packetsPerSecond": 800, "dscp": 46}});
        apply(&bed.door(1), &[limit("each", spec)])?;
        eventually("it holds", || {
            ensure!(row(bed, 1, "x/one", Direction::Ingress)?.packets == Some(500));
            ensure!(row(bed, 1, "x/one", Direction::Egress)?.dscp == Some(46));
            Ok(())
        })?;
        for (what, from, to, packets) in [
            ("in", &near, &one, 500.0),
            ("in, from far", &far, &one, 500.0),
            ("out", &one, &near, 800.0),
        ] {
            let mut load = load(from, to, 0, 4);
            load.kind = Kind::Udp(30 * MEGABIT);
            one_of_some(|| {
                let rates = load.run()?;
                let ratio = rates.whole() / FRAME / packets;
                let told = format!("{what}: {ratio:.3} of {packets} packets/s");
                say(&told);
                at_most(ratio < 1.05, &told)?;
                ensure!(ratio > 0.95, "{told}");
                Ok(())
            })?;
        }
        // What it sends bears the mark, by both families and to other nodes too.
        for peer in [&near, &far] {
            let dump = ["-l", "-v", "-n", "-c", "2", "-i", "eth0", "icmp or icmp6"];
            let dump = peer.ns.command("tcpdump").args(dump).spawn()?;
            poll(SOON, "tcpdump listens", || {
                dump.log().contains("listening on")
            })?;
            for ip in &peer.ips {
                eventually("it is reached", || {
                    let ping = one.ns.run(&format!("ping -n -c 1 -W 1 {ip}"));
                    Ok(ping.map(drop)?)
                })?;
            }
            eventually("packets are shown", || {
                let shown = dump.log();
                ensure!(
                    shown.contains("tos 0xb8") || shown.contains("class 0xb8"),
                    "{shown}"
                );
                Ok(())
            })?;
        }
        Ok(())
    })
}
