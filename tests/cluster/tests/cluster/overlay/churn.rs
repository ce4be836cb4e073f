//! Hundreds of containers come and go: at the end the kernel is as it was at the start.

use super::stage::{Pod, network, reaches};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::Ns;
use fairway_tests_cluster::{Dice, Plan, SOON, on};

const NODES: usize = 5;
const CONTAINERS: usize = 500;
/// So many at once on all nodes together.
const ALIVE: usize = 40;

/// All that is ours and that a container could leave behind.
fn shown(ns: &Ns) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for command in [
        "ip -4 route show table all protocol 250",
        "ip -6 route show table all protocol 250",
        "ip -4 rule",
        "ip -6 rule",
        "ip -o link",
        "ip -o addr show scope global",
        "ip neigh show nud permanent",
    ] {
        let text = ns.run(command)?;
        // Blocks may be given back and taken again, and with them go next hops by other numbers.
        let own = text.lines().filter(|line| !line.contains("nhid"));
        lines.extend(own.map(|line| format!("{command}: {}", line.trim())));
    }
    lines.sort();
    Ok(lines)
}

#[test]
fn five_hundred_containers_leave_nothing() -> Result<()> {
    on(&Plan::nodes(NODES).members(1), |bed| {
        network(bed, "net", 71, "always")?;
        let mut pods: Vec<Pod> = Vec::new();
        for node in 1..=NODES {
            pods.push(Pod::add(bed, node, &format!("stays-{node}"), "net")?);
        }
        let anchors: Vec<Pod> = std::mem::take(&mut pods);
        for to in &anchors[1..] {
            reaches(&anchors[0], to.ips[0], SOON)?;
        }
        let own = |daemon: &fairway_tests_cluster::Daemon| shown(&daemon.ns);
        let before = bed.daemons.iter().map(own).collect::<Result<Vec<_>>>()?;
        let mut dice = Dice::new(7);
        for number in 0..CONTAINERS {
            let node = 1 + dice.below(NODES);
            pods.push(Pod::add(bed, node, &format!("c{number}"), "net")?);
            if pods.len() > ALIVE {
                let at = dice.below(pods.len());
                pods.swap_remove(at).del()?;
            }
            if number % 50 == 0 {
                let one = &pods[dice.below(pods.len())];
                let other = &anchors[dice.below(NODES)];
                reaches(other, one.ips[0], SOON)?;
            }
        }
        while !pods.is_empty() {
            let at = dice.below(pods.len());
            pods.swap_remove(at).del()?;
        }
        for (daemon, before) in bed.daemons.iter().zip(before) {
            eventually("the kernel is as it was", || {
                let now = own(daemon)?;
                let left: Vec<_> = now.iter().filter(|line| !before.contains(line)).collect();
                let lost: Vec<_> = before.iter().filter(|line| !now.contains(line)).collect();
                ensure!(
                    left.is_empty() && lost.is_empty(),
                    "{}: left {left:#?}, lost {lost:#?}",
                    daemon.name
                );
                Ok(())
            })?;
        }
        for anchor in &anchors {
            anchor.cni.check(&anchor.result)?.ok()?;
        }
        Ok(())
    })
}
