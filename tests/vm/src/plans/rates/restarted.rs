//! Limits outlive the daemon, and nothing of them outlives what they were for.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fairway_lab::poll;
use fairway_lab::queue::Between;

use super::node::{MEGABIT, Node, Pod, Queue, SOON, both, flows, free, load, on, until};
use super::tries::{one_of_three, tried};

const BITS: u64 = 20 * MEGABIT;
const SECONDS: u32 = 16;
/// How long it is looked at what goes on without a daemon.
const LOOK: Duration = Duration::from_secs(2);

pub(super) fn under_load() -> Result<()> {
    on(|node| {
        let limited = node.pod("limited", both(BITS))?;
        let peer = node.pod("peer", free())?;
        one_of_three(|| through(node, (&limited, &peer), node.sends(&limited)))?;
        one_of_three(|| through(node, (&peer, &limited), node.gets(&limited)))
    })
}

/// Flows while the daemon is killed, is away, and comes back. What they have waiting then, half a second's worth,
/// is not overtaken by what comes next, nor sent beside it.
fn through(node: &Node, (from, to): (&Pod, &Pod), queue: Queue<'_>) -> Result<Result<()>> {
    let mut load = load(from, to, 5201, SECONDS);
    load.flows = 8;
    let running = load.start()?;
    flows(queue)?;
    let before = queue.left()?;
    node.kill();
    let gone = Instant::now();
    until(gone, LOOK)?;
    let away = queue.left()?;
    node.start()?;
    let edt = || {
        let rates = node.rates("limited");
        rates.is_ok_and(|rates| rates.len() == 2 && rates.iter().all(|rate| rate.1 == "edt"))
    };
    poll(SOON, "the daemon keeps it again", edt)?;
    let back = queue.left()?;
    until(back.ended, LOOK)?;
    let after = queue.left()?;
    let parts = [
        Between::of(before, away, BITS)?,
        Between::of(away, back, BITS)?,
        Between::of(back, after, BITS)?,
    ];
    let rates = running.end()?;
    let told = format!(
        "without the daemon, while it comes, with it: {}, {}, {}, {} of {} sent again",
        parts[0], parts[1], parts[2], rates.retransmits, rates.segments
    );
    eprintln!("{told}");
    ensure!(parts.iter().all(|part| part.least < 1.05), "{told}");
    let good = parts.iter().all(|part| part.most > 0.9) && rates.retransmitted() < 0.001;
    Ok(tried(good, told))
}

pub(super) fn nothing_is_left() -> Result<()> {
    on(|node| {
        let pod = node.pod("one", free())?;
        let other = node.pod("two", both(BITS))?;
        let queues = [node.sends(&pod), node.gets(&pod)];
        node.netctl("rate set x/one --ingress 1M --egress 1M", "")?;
        for queue in queues {
            ensure!(queue.is_fair()?, "{}", queue.shown()?);
        }
        // Packets that wait when nothing is limited any more still go, and are all that is waited for.
        node.netctl("rate rm x/one", "")?;
        for queue in queues {
            poll(SOON, "queue and program are gone", || {
                queue.is_bare().unwrap_or(false)
            })?;
        }
        // Killed between the two, the next daemon does it.
        node.netctl("rate set x/one --ingress 1M --egress 1M", "")?;
        node.netctl("rate rm x/one", "")?;
        node.kill();
        node.start()?;
        for queue in queues {
            poll(SOON, "the next daemon takes them away", || {
                queue.is_bare().unwrap_or(false)
            })?;
        }
        for queue in [node.sends(&other), node.gets(&other)] {
            ensure!(queue.is_fair()?, "{}", queue.shown()?);
        }
        other.del()?;
        let all = |line: &str| -> Result<String> { Ok(node.ns().run(line)?) };
        poll(SOON, "the node has none", || {
            all("tc qdisc show").is_ok_and(|shown| !shown.contains("fa17:"))
        })?;
        ensure!(node.rates("two")?.is_empty());
        pod.del()
    })
}
