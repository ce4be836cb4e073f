//! Many nodes on one store: a sticky address follows its workload, a dead node's come back.
//!
//! Machines are namespaces on a made-up wire. First addresses alone, each used on the node where it is;
//! then a network, in which containers of all nodes reach each other.

use super::node::{CLAIM, Node, Pod, STICKY};
use super::{Steps, overlay, ping, plugin_time, policy};
use crate::dist::Dist;
use anyhow::{Context, Result, bail, ensure};
use fairway_lab::{Lab, Ns, Value, poll, serde_json};
use std::time::Duration;

const MEMBERS: usize = 3;
pub(super) const POOL: &str = "pool create demo --cidr 10.30.0.0/24 --cidr fd30::/112";
const GATEWAYS: [&str; 2] = ["10.30.0.1", "fd30::1"];
/// A lease ends some seconds after the node.
const LEASE: Duration = Duration::from_secs(90);

pub(super) fn show(count: usize, dist: &Dist, steps: &mut Steps) -> Result<()> {
    let lab = Lab::new()?;
    // First in, last out: the wire is made before the machines, and so goes after them.
    let wire = Ns::new("wire")?;

    steps.title("Machines on one wire, three of them with a member of the store");
    let mut nodes = machines(steps, &lab, &wire, count, dist)?;
    let store = members(steps, &mut nodes)?;
    for node in nodes.iter_mut().take(count) {
        let what = format!("fairwayd on {}", node.name);
        steps.step(&what, || Ok((node.start_daemon(&store)?, ())))?;
    }
    let first = &nodes[0];
    netctl(steps, first, POOL)?;
    netctl(steps, &nodes[1], "pool ls")?;

    steps.title("A StatefulSet's pod starts on node-1, on a bridge");
    let mut web1 = join(steps, &nodes[0], "bridge", "web-1f", "web-5d9c7b6f4-x2x1f")?;
    let mut old = join(steps, &nodes[0], "bridge", "db-first", STICKY)?;
    reach(steps, &web1, &old, "its neighbour reaches db-0")?;
    netctl(steps, &nodes[1], "claim ls")?;

    steps.title("Its container is killed, and starts again on node-2, this time by ptp");
    steps.step(
        "db-0's container is gone (DEL without its namespace)",
        || {
            let time = old.killed()?;
            let text = nodes[1].netctl("-o json ipam ls")?;
            let kept = old.addresses.iter().all(|ip| text.contains(ip.as_str()));
            ensure!(kept, "{} are not kept: {text}", old.addresses.join(" and "));
            let kept = old.addresses.join(" and ");
            Ok((format!("{kept} kept, {}", plugin_time(time)), ()))
        },
    )?;
    let mut web2 = join(steps, &nodes[1], "ptp", "web-2f", "web-5d9c7b6f4-x2x2f")?;
    let mut new = join(steps, &nodes[1], "ptp", "db-second", STICKY)?;
    steps.step("the same addresses, on another node", || {
        let [old, new] = [&old, &new].map(|pod| pod.addresses.join(" and "));
        ensure!(old == new, "they were {old} and are {new}");
        Ok((new, ()))
    })?;
    reach(steps, &web2, &new, "its new neighbour reaches db-0")?;
    netctl(steps, &nodes[1], "claim ls")?;

    let mut apps = overlay::begin(steps, &nodes[..count.min(MEMBERS)])?;
    let moved = overlay::moves(steps, &nodes[..count.min(MEMBERS)], &apps)?;
    policy::show(steps, &nodes[..count.min(MEMBERS)], &apps)?;
    overlay::mended(steps, &mut nodes, &store, &apps)?;
    let dead = lost(steps, &mut nodes, count, &mut web1)?;
    // What ran there is gone with it.
    apps.remove(dead);
    apps.push(moved);

    steps.title("Everybody leaves");
    for pod in [&mut new, &mut web1, &mut web2] {
        if pod.ns.is_some() {
            leave(steps, pod)?;
        }
    }
    netctl(steps, &nodes[1], &format!("claim rm {CLAIM}"))?;
    let alive = nodes[..count].iter().enumerate();
    let alive = alive.filter(|(number, _)| *number != dead);
    let mut alive: Vec<_> = alive.map(|(_, node)| node).collect();
    // Any will do, but the second has been asked until now.
    alive.sort_by_key(|node| node.name != nodes[1].name);
    overlay::end(steps, &alive, apps)?;
    states(steps, &nodes[1], "all addresses are given back", "cooling")?;
    proof(steps, &nodes[1])
}

/// A node dies with containers on it, and is removed by hand. Gives which.
fn lost(steps: &mut Steps, nodes: &mut [Node], count: usize, web1: &mut Pod) -> Result<usize> {
    // With two nodes it is the one that db-0 has left.
    let dies = if count >= 3 { 2 } else { 0 };
    let name = nodes[dies].name.clone();
    steps.title(&format!("{name} dies, and does not come back"));
    let pod = match dies {
        2 => Some(join(
            steps,
            &nodes[2],
            "bridge",
            "web-3f",
            "web-5d9c7b6f4-x2x3f",
        )?),
        _ => None,
    };
    let pod = pod.as_ref().unwrap_or(web1);
    let addresses = pod.addresses.join(" and ");
    let what = format!("{name} loses its power: its daemon, its member of the store, its wire");
    steps.step(&what, || {
        // What a node tells the store it tells within a fifth of a second, and it has that time.
        poll(LEASE, "the others hear of it", || {
            let text = nodes[1].netctl("-o json ipam ls").unwrap_or_default();
            pod.addresses.iter().all(|ip| text.contains(ip.as_str()))
        })?;
        nodes[dies].power_off()?;
        Ok((format!("{addresses} were in use there"), ()))
    })?;
    steps.step("its lease ends", || {
        poll(LEASE, "the node is away", || {
            let text = nodes[1].netctl("-o json node ls").unwrap_or_default();
            let rows: Value = serde_json::from_str(&text).unwrap_or_default();
            let mut rows = rows.as_array().into_iter().flatten();
            rows.any(|row| row["name"] == *name && row["state"] == "away")
        })?;
        Ok((format!("{name} is away, its blocks are still its own"), ()))
    })?;
    netctl(steps, &nodes[1], "node ls")?;
    overlay::kept(steps, &nodes[1], &nodes[dies])?;
    netctl(steps, &nodes[1], &format!("node rm {name}"))?;
    overlay::dropped(steps, &nodes[1], &nodes[dies])?;
    if dies == 0 {
        web1.ns = None;
    }
    proof(steps, &nodes[1])?;
    Ok(dies)
}

fn machines(
    steps: &mut Steps,
    lab: &Lab,
    wire: &Ns,
    count: usize,
    dist: &Dist,
) -> Result<Vec<Node>> {
    steps.step("namespaces, each with an uplink", || {
        wire.run("ip link add name br0 type bridge forward_delay 0")?;
        wire.up("br0")?;
        let mut nodes = Vec::new();
        for number in 1..=count.max(MEMBERS) {
            // Two nodes alone would have no majority without one of them.
            let name = match number <= count {
                true => format!("node-{number}"),
                false => "witness".to_owned(),
            };
            let ns = lab.machine(&name)?;
            let mut node = Node::new(ns, &name, lab.scratch(), dist)?;
            lab.wire(wire, &format!("p{number}"), &node.ns, "uplink")?;
            wire.run(&format!("ip link set dev p{number} master br0"))?;
            node.ip = format!("192.0.2.{number}");
            node.ns.addr("uplink", &format!("{}/24", node.ip))?;
            nodes.push(node);
        }
        let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
        Ok((names.join(" "), nodes))
    })
}

/// Starts etcd on the first three; gives how a daemon names it.
fn members(steps: &mut Steps, nodes: &mut [Node]) -> Result<String> {
    steps.step("etcd", || {
        let members = nodes.iter().take(MEMBERS);
        let members: Vec<_> = members.map(|n| (n.name.clone(), n.ip.clone())).collect();
        for node in nodes.iter_mut().take(MEMBERS) {
            node.start_member(&members)?;
        }
        let urls = members.iter().map(|(_, ip)| format!("http://{ip}:2379"));
        let urls = urls.collect::<Vec<_>>().join(",");
        let ctl = nodes[0].ns.command("etcdctl").env("ETCDCTL_API", "3");
        let ctl = ctl.args(["--endpoints", &urls, "endpoint", "health"]);
        poll(LEASE, "all members of etcd are healthy", || {
            ctl.output().is_ok_and(|output| output.status.success())
        })?;
        Ok((
            format!("{MEMBERS} members are healthy"),
            format!("etcd:{urls}"),
        ))
    })
}

pub(super) fn join(steps: &mut Steps, node: &Node, kind: &str, id: &str, pod: &str) -> Result<Pod> {
    steps.step(
        &format!("{pod} on {} gets a network (ADD)", node.name),
        || {
            let (pod, time) = node.add(kind, id, pod)?;
            let addresses = pod.addresses.join(" and ");
            Ok((format!("{addresses}, {}", plugin_time(time)), pod))
        },
    )
}

pub(super) fn leave(steps: &mut Steps, pod: &mut Pod) -> Result<()> {
    let what = format!("{} leaves (DEL)", pod.id);
    steps.step(&what, || Ok((plugin_time(pod.leaves()?), ())))
}

/// From a container of the same node, by both families; and from there the node.
fn reach(steps: &mut Steps, from: &Pod, to: &Pod, what: &str) -> Result<()> {
    for (target, family) in to.addresses.iter().zip(["IPv4", "IPv6"]) {
        ping(steps, from.space()?, target, &format!("{what} by {family}"))?;
    }
    ping(steps, to.space()?, GATEWAYS[0], "and db-0 its node")
}

/// Runs netctl and shows what it prints.
pub(super) fn netctl(steps: &mut Steps, node: &Node, line: &str) -> Result<()> {
    let text = steps.step(&format!("{}# netctl {line}", node.name), || {
        Ok((String::new(), node.netctl(line)?))
    })?;
    text.lines()
        .for_each(|line| println!("                  {line}"));
    Ok(())
}

/// Waits until every address that is not free is in this state.
pub(super) fn states(steps: &mut Steps, node: &Node, what: &str, state: &str) -> Result<()> {
    steps.step(what, || {
        let mut count = 0;
        poll(Duration::from_secs(30), what, || {
            let text = node.netctl("-o json ipam ls").unwrap_or_default();
            let rows: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
            count = rows.len();
            count > 0 && rows.iter().all(|row| row["state"] == state)
        })?;
        Ok((format!("{count} addresses are {state}"), ()))
    })
}

/// `allocated = live + claimed + cooling`, for people and by the numbers.
pub(super) fn proof(steps: &mut Steps, node: &Node) -> Result<()> {
    netctl(steps, node, "ipam check")?;
    steps.step("allocated = live + claimed + cooling", || {
        let text = node.netctl("-o json ipam check")?;
        let audit: Value = serde_json::from_str(&text).context("netctl's JSON")?;
        let pools = audit["pools"].as_array().filter(|pools| !pools.is_empty());
        let Some(pools) = pools else {
            bail!("no pool: {text}");
        };
        let mut sums = Vec::new();
        for pool in pools {
            ensure!(pool["holds"] == true, "it does not hold: {text}");
            let number = |key: &str| pool[key].as_u64().unwrap_or_default();
            let [all, live, claimed, cooling] =
                ["allocated", "live", "claimed", "cooling"].map(number);
            ensure!(all == live + claimed + cooling, "does not add up: {text}");
            sums.push(format!("{all} = {live} + {claimed} + {cooling}"));
        }
        Ok((sums.join(", "), ()))
    })
}
