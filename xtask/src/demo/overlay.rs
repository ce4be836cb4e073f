//! A network over all nodes: its containers reach each other, an address that moves takes its route
//! along, and a node that lost all that it had of routes has them back.
//!
//! Whoever waits here waits for what must come by itself, and the step's time says how long that was.

use super::many::{join, leave, netctl};
use super::node::{MOVES, NETWORK, Node, Pod};
use super::{Steps, ping, plugin_time};
use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, Value, poll, serde_json};
use std::time::Duration;

/// The first network gets the first VNI, 4096.
const TABLE: &str = "2500004096";
const SOON: Duration = Duration::from_secs(30);
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];

/// The network, and a container on each node: gives these, in the nodes' order.
pub(super) fn begin(steps: &mut Steps, nodes: &[Node]) -> Result<Vec<Pod>> {
    steps.title("A network over all nodes");
    let first = nodes.first().context("a node")?;
    let pool = "pool create apps --cidr 10.40.0.0/16 --cidr fd40::/64 --cooldown 1s";
    netctl(steps, first, pool)?;
    netctl(
        steps,
        first,
        &format!("network create {NETWORK} --pool apps"),
    )?;
    steps.step("all nodes hear of it", || {
        for node in nodes {
            poll(SOON, "the network is known", || {
                node.netctl("network ls")
                    .is_ok_and(|text| text.contains(NETWORK))
            })?;
        }
        Ok((format!("{} nodes", nodes.len()), ()))
    })?;
    let mut pods = Vec::new();
    for (number, node) in (1..).zip(nodes) {
        let name = format!("front-7b9c5d8f6-r4r{number}f");
        pods.push(join(
            steps,
            node,
            "vxlan",
            &format!("front-{number}"),
            &name,
        )?);
    }
    all_pairs(steps, &pods)?;
    let [one, two, ..] = &pods[..] else {
        anyhow::bail!("one node is no network");
    };
    for (target, family) in two.addresses.iter().zip(FAMILIES) {
        let what = format!("front-1 on node-1 reaches front-2 on node-2 by {family}");
        ping(steps, one.space()?, target, &what)?;
    }
    netctl(steps, first, "route ls")?;
    netctl(steps, first, &format!("route why {}", two.addresses[0]))?;
    Ok(pods)
}

/// A StatefulSet's pod goes from the first node to the second, and is reached from the last.
pub(super) fn moves(steps: &mut Steps, nodes: &[Node], pods: &[Pod]) -> Result<Pod> {
    let ([from, to, ..], Some(watcher)) = (nodes, pods.last()) else {
        anyhow::bail!("two nodes and a container are wanted");
    };
    steps.title(&format!(
        "{MOVES} moves, and the route to its address follows"
    ));
    let mut old = join(steps, from, "vxlan", "cache-first", MOVES)?;
    let what = format!(
        "{} on {} reaches it",
        watcher.id,
        nodes[nodes.len() - 1].name
    );
    reached(steps, &[watcher], &[&old], &what)?;
    why(steps, from, &old, "dev ")?;
    steps.step(&format!("{MOVES}'s container is killed (DEL)"), || {
        Ok((plugin_time(old.killed()?), ()))
    })?;
    let new = join(steps, to, "vxlan", "cache-second", MOVES)?;
    ensure!(old.addresses == new.addresses, "{:?}", new.addresses);
    reached(
        steps,
        &[watcher],
        &[&new],
        &format!("{what} where it is now"),
    )?;
    let way = format!("dst {}", to.ip);
    why(steps, from, &new, &way)?;
    netctl(steps, from, &format!("route why {}", new.addresses[0]))?;
    Ok(new)
}

/// The second node's daemon is killed, and all that it had made of routes is taken away.
pub(super) fn mended(
    steps: &mut Steps,
    nodes: &mut [Node],
    store: &str,
    pods: &[Pod],
) -> Result<()> {
    let ([first, node, ..], [one, two, ..]) = (nodes, pods) else {
        anyhow::bail!("two nodes and two containers are wanted");
    };
    steps.title(&format!(
        "{} loses its daemon, its overlay and its routes",
        node.name
    ));
    let known = routes(&first.ns)?;
    let what = "SIGKILL; fairway.vx deleted; routes, rules, next hops flushed";
    steps.step(what, || {
        node.kill_daemon();
        node.ns.sh(&format!(
            "ip link del fairway.vx
             for family in -4 -6; do
               ip $family route flush table {TABLE} || true
               ip $family rule flush protocol 250
             done
             ip nexthop flush protocol 250 || true"
        ))?;
        let left = routes(&node.ns)?;
        ensure!(left.is_empty(), "{left}");
        Ok(("nothing of it is left".to_owned(), ()))
    })?;
    steps.step("front-1 does not reach front-2", || {
        for target in &two.addresses {
            ensure!(!quick(one.space()?, target), "{target} answers");
        }
        Ok((String::new(), ()))
    })?;
    steps.step(&format!("{}'s routes to it stay", first.name), || {
        let now = routes(&first.ns)?;
        ensure!(now == known, "they were\n{known}and are\n{now}");
        Ok((format!("the same {} lines", now.lines().count()), ()))
    })?;
    let what = format!("fairwayd on {} starts", node.name);
    steps.step(&what, || Ok((node.start_daemon(store)?, ())))?;
    reached(steps, &[one], &[two], "front-1 reaches front-2 again")?;
    reached(steps, &[two], &[one], "and front-2 front-1")
}

/// What an observer knows of a node that is away: its routes stay until it is removed.
pub(super) fn kept(steps: &mut Steps, node: &Node, away: &Node) -> Result<()> {
    let what = format!("{}'s routes to it stay: it may only be cut off", node.name);
    steps.step(&what, || {
        let ways = ways(node, away);
        ensure!(!ways.is_empty(), "there are none");
        Ok((ways.join(" and "), ()))
    })
}

/// Its blocks are nobody's any more, and so nothing leads there.
pub(super) fn dropped(steps: &mut Steps, node: &Node, away: &Node) -> Result<()> {
    let what = format!("{} has no route to its blocks any more", node.name);
    steps.step(&what, || {
        poll(SOON, &what, || ways(node, away).is_empty())?;
        Ok((String::new(), ()))
    })
}

/// All of it goes, and the kernels of these nodes have nothing left of it.
pub(super) fn end(steps: &mut Steps, nodes: &[&Node], mut pods: Vec<Pod>) -> Result<()> {
    for pod in pods.iter_mut().filter(|pod| pod.ns.is_some()) {
        leave(steps, pod)?;
    }
    let first = nodes.first().context("a node")?;
    netctl(steps, first, &format!("claim rm shop/{MOVES}"))?;
    // What is in a block is told to the store a moment later.
    let line = format!("network rm {NETWORK}");
    steps.step(&format!("{}# netctl {line}", first.name), || {
        poll(SOON, "the network goes", || first.netctl(&line).is_ok())?;
        Ok((String::new(), ()))
    })?;
    netctl(steps, first, "pool rm apps")?;
    steps.step("no node has a route, rule or next hop of it", || {
        for node in nodes {
            poll(SOON, "they go", || {
                left(&node.ns).is_ok_and(|text| text.trim().is_empty())
            })
            .with_context(|| left(&node.ns).unwrap_or_default())?;
        }
        Ok((String::new(), ()))
    })
}

fn all_pairs(steps: &mut Steps, pods: &[Pod]) -> Result<()> {
    let all: Vec<&Pod> = pods.iter().collect();
    reached(
        steps,
        &all,
        &all,
        "everybody reaches everybody, by both families",
    )
}

/// Until each of the one reaches each of the others.
fn reached(steps: &mut Steps, from: &[&Pod], to: &[&Pod], what: &str) -> Result<()> {
    steps.step(what, || {
        let mut count = 0;
        for from in from {
            for to in to.iter().filter(|to| to.id != from.id) {
                for target in &to.addresses {
                    let space = from.space()?;
                    poll(SOON, what, || quick(space, target))
                        .with_context(|| format!("{} to {target}", from.id))?;
                    count += 1;
                }
            }
        }
        let targets: Vec<_> = to.iter().flat_map(|to| to.addresses.iter()).collect();
        let seen = match &targets[..] {
            [v4, v6] => format!("{v4} and {v6} answer"),
            _ => format!("{count} pings of {count} are answered"),
        };
        Ok((seen, ()))
    })
}

pub(super) fn quick(from: &Ns, target: &str) -> bool {
    from.run(&format!("ping -n -q -c 1 -W 0.5 {target}"))
        .is_ok()
}

/// Waits until a node's way to a container says that.
fn why(steps: &mut Steps, node: &Node, pod: &Pod, way: &str) -> Result<()> {
    let address = &pod.addresses[0];
    steps.step(&format!("{}'s way to {address}", node.name), || {
        let mut forward = String::new();
        poll(SOON, way, || {
            let text = node.netctl(&format!("-o json route why {address}"));
            let told: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
            forward = told["route"]["forward"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            forward.contains(way)
        })
        .with_context(|| format!("{forward:?}, and not {way:?}"))?;
        Ok((forward.clone(), ()))
    })
}

/// Prefixes that lead to another node, and are its blocks.
fn ways(node: &Node, other: &Node) -> Vec<String> {
    let text = node.netctl("-o json route ls").unwrap_or_default();
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let there = format!("dst {} ", other.ip);
    let rows = rows.iter().filter(|row| {
        let says = |key: &str, what: &str| row[key].as_str().is_some_and(|t| t.contains(what));
        says("forward", &there) && says("source", "block")
    });
    rows.filter_map(|row| row["prefix"].as_str().map(str::to_owned))
        .collect()
}

/// The network's table, as another program shows it.
fn routes(ns: &Ns) -> Result<String> {
    let show = format!("ip $family route show table {TABLE} 2> /dev/null || true");
    Ok(ns.sh(&format!("for family in -4 -6; do {show}; done"))?)
}

/// Whatever of routes a node has that the daemon made.
fn left(ns: &Ns) -> Result<String> {
    let rest = ns.sh(
        "for family in -4 -6; do ip $family rule show | grep 'proto 250' || true; done
                      ip nexthop show | grep 'proto 250' || true",
    )?;
    Ok(routes(ns)? + &rest)
}
