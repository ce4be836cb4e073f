//! What is done to a node, and that its containers are reached again without anybody's help.

use super::stage::{Pod, answers, network, ping};
use anyhow::{Context as _, Result, ensure};
use fairway_tests_cluster::{Bed, Plan, on, say};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What must hold.
const WITHIN: Duration = Duration::from_secs(1);
/// A machine that builds and tests besides may stop all of us for a while: each harm has so many tries.
const TRIES: usize = 6;
/// But what takes longer than this is never back by itself.
const LIMIT: Duration = Duration::from_secs(60);

/// A harm, on the first of two nodes.
struct Harm {
    what: &'static str,
    script: &'static str,
    /// Puts right what a cable, and no daemon, has to put right.
    after: &'static str,
}

const HARMS: &[Harm] = &[
    Harm {
        what: "IPv4 routes are gone",
        script: "ip route flush table 2500004096 type unicast || true",
        after: "",
    },
    Harm {
        what: "IPv6 routes are gone",
        script: "ip -6 route flush table 2500004096 || true",
        after: "",
    },
    Harm {
        what: "rules are gone",
        script: "ip rule flush protocol 250; ip -6 rule flush protocol 250",
        after: "",
    },
    Harm {
        what: "next hops are gone",
        script: "ip nexthop flush protocol 250",
        after: "",
    },
    Harm {
        what: "the device is gone",
        script: "ip link del fairway.vx",
        after: "",
    },
    Harm {
        what: "the device is down",
        script: "ip link set fairway.vx down",
        after: "",
    },
    Harm {
        what: "the device has another MAC",
        script: "ip link set fairway.vx address 02:00:00:00:00:77",
        after: "",
    },
    Harm {
        what: "neighbours are gone",
        // One by one: `flush` looks again until none is left, and the daemon is as quick as it is.
        script: "ip -6 neigh show dev fairway.vx nud permanent | while read -r neighbour _; do
                   ip -6 neigh del \"$neighbour\" dev fairway.vx
                 done",
        after: "",
    },
    Harm {
        what: "the firewall was flushed",
        script: "nft flush ruleset",
        after: "",
    },
    Harm {
        what: "the underlay goes and comes back",
        script: "ip link set uplink down",
        after: "ip link set uplink up",
    },
    Harm {
        what: "the underlay has another MAC",
        script: "ip link set uplink address 02:00:00:00:00:42",
        after: "",
    },
];

/// How long until the two reach each other, both ways and in both families, and both a machine that knows
/// nothing of containers.
fn back(one: &Pod, two: &Pod, outside: IpAddr) -> Option<Duration> {
    let begun = Instant::now();
    let mut pairs: Vec<(&Pod, IpAddr)> = [(one, two), (two, one)]
        .into_iter()
        .flat_map(|(from, to)| to.ips.iter().map(move |ip| (from, *ip)))
        .collect();
    pairs.extend([(one, outside), (two, outside)]);
    for (from, to) in pairs {
        while !super::stage::quick(&from.ns, to) {
            if begun.elapsed() > LIMIT {
                return None;
            }
        }
    }
    Some(begun.elapsed())
}

fn harmed(bed: &Bed, harm: &Harm, one: &Pod, two: &Pod) -> Result<Duration> {
    let node = &bed.node(1).ns;
    node.sh(harm.script)?;
    if !harm.after.is_empty() {
        node.sh(harm.after)?;
    }
    let outside = bed.wires[0].address.parse()?;
    let took = back(one, two, outside);
    let took = took.with_context(|| format!("{}: not back within {LIMIT:?}", harm.what))?;
    // The same once more, with nothing to wait for: so long does it take to look.
    let looks = back(one, two, outside);
    let looks = looks.with_context(|| format!("{}: gone again", harm.what))?;
    Ok(took.saturating_sub(looks))
}

#[test]
fn whatever_is_done_to_a_node_it_is_back_within_a_second() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 31, "always")?;
        let (one, two) = (
            Pod::add(bed, 1, "one", "net")?,
            Pod::add(bed, 2, "two", "net")?,
        );
        let outside = bed.wires[0].address.parse()?;
        ensure!(back(&one, &two, outside).is_some(), "at the start");
        for harm in HARMS {
            let mut best = LIMIT;
            for _ in 0..TRIES {
                best = best.min(harmed(bed, harm, &one, &two)?);
                if best <= WITHIN {
                    break;
                }
            }
            say(format!("{}: back after {best:?}", harm.what));
            ensure!(best <= WITHIN, "{}: back after {best:?} at best", harm.what);
        }
        // Without a daemon nobody mends anything.
        bed.node(1).kill()?;
        bed.node(1).ns.run("ip link del fairway.vx")?;
        ensure!(!ping(&two.ns, one.ips[0], 56));
        bed.node(1).start_connected()?;
        ensure!(back(&one, &two, outside).is_some(), "after a restart");
        // Nobody lost anything by all that.
        for pod in [&one, &two] {
            pod.cni.check(&pod.result)?.ok()?;
            ensure!(answers(&pod.ns, bed.node(1).cable.address.parse()?, 56));
        }
        Ok(())
    })
}
