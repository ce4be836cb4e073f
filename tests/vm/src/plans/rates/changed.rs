//! Rates of containers that run, changed under a flow: what comes next keeps to the new one, and nothing is lost.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fairway_lab::queue::Between;

use super::node::{MEGABIT, Node, Pod, Queue, both, flows, free, load, on, until};
use super::tries::{one_of_three, tried};

/// What waited before a change has gone by then.
const GONE: Duration = Duration::from_millis(300);
/// When a change is followed by the next.
const NEXT: Duration = Duration::from_millis(1900);
const SECONDS: u32 = 11;

pub(super) fn under_load() -> Result<()> {
    on(|node| {
        let limited = node.pod("limited", both(20 * MEGABIT))?;
        let peer = node.pod("peer", free())?;
        one_of_three(|| through(node, (&limited, &peer), node.sends(&limited), "--egress"))?;
        one_of_three(|| through(node, (&peer, &limited), node.gets(&limited), "--ingress"))
    })
}

/// A flow through a rate that is raised, lowered, and raised again.
fn through(
    node: &Node,
    (from, to): (&Pod, &Pod),
    queue: Queue<'_>,
    option: &str,
) -> Result<Result<()>> {
    let set = |megabits| {
        let line = format!("rate set x/limited {option} {megabits}M");
        node.netctl(&line, "").map(drop)
    };
    set(20)?;
    let running = load(from, to, 5201, SECONDS).start()?;
    flows(queue)?;
    let (mut told, mut least) = (option.to_owned(), f64::MAX);
    for megabits in [60, 10, 40] {
        set(megabits)?;
        let changed = Instant::now();
        until(changed, GONE)?;
        let before = queue.left()?;
        until(changed, NEXT)?;
        let ratio = Between::of(before, queue.left()?, megabits * MEGABIT)?;
        told += &format!(", {megabits}M: {ratio}");
        ensure!(ratio.least < 1.05, "{told}");
        least = least.min(ratio.most);
    }
    let rates = running.end()?;
    told += &format!(", {} of {} sent again", rates.retransmits, rates.segments);
    eprintln!("{told}");
    Ok(tried(least > 0.9 && rates.retransmitted() < 0.001, told))
}

const TEAM: &str = "
apiVersion: fairway.network/v1alpha1
kind: RateLimit
metadata: {name: team}
spec: {per: Namespace, namespaces: [x], ingress: {rate: 10M}}
";
/// Of many flows a second's worth waits at the host's end.
const FLOWS: u32 = 8;

/// A limit that goes away: what waits by it is not overtaken by what comes next, whether another limit is left or
/// none.
pub(super) fn lifted_under_load() -> Result<()> {
    on(|node| {
        let limited = node.pod("limited", both(40 * MEGABIT))?;
        // A sender that nothing holds back at all takes the processor's own pauses for losses.
        let peer = node.pod_of("y", "peer", both(40 * MEGABIT))?;
        one_of_three(|| lifted(node, &peer, &limited))?;
        one_of_three(|| freed(node, &peer, &limited))
    })
}

fn lifted(node: &Node, from: &Pod, to: &Pod) -> Result<Result<()>> {
    node.netctl("apply -f -", TEAM)?;
    let queue = node.gets(to);
    let mut load = load(from, to, 5201, 7);
    load.flows = FLOWS;
    let running = load.start()?;
    flows(queue)?;
    until(Instant::now(), NEXT)?;
    node.netctl("delete ratelimit team", "")?;
    let before = queue.left()?;
    until(Instant::now(), NEXT)?;
    let ratio = Between::of(before, queue.left()?, 40 * MEGABIT)?;
    let rates = running.end()?;
    let told = format!(
        "10M of two, then 40M: {ratio}, {} of {} sent again",
        rates.retransmits, rates.segments
    );
    eprintln!("{told}");
    ensure!(ratio.least < 1.05, "{told}");
    Ok(tried(
        ratio.most > 0.8 && rates.retransmitted() < 0.001,
        told,
    ))
}

fn freed(node: &Node, from: &Pod, to: &Pod) -> Result<Result<()>> {
    node.netctl("rate set x/limited --ingress 10M", "")?;
    let queue = node.gets(to);
    let mut load = load(from, to, 5201, 6);
    load.flows = FLOWS;
    let running = load.start()?;
    flows(queue)?;
    until(Instant::now(), NEXT)?;
    node.netctl("rate set x/limited --ingress none", "")?;
    let rates = running.end()?;
    let told = format!(
        "10M, then none: {} of {} sent again",
        rates.retransmits, rates.segments
    );
    eprintln!("{told}");
    Ok(tried(rates.retransmitted() < 0.001, told))
}
