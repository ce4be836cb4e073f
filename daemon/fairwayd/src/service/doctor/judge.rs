//! From readings to checks: the store, the clocks, the underlay, what routes say, and other nodes.

use super::{Peer, Pinged};
use crate::routes::Ground;
use fairway_api::admin::Check;
use fairway_ipam::{UnixSeconds, record::UnderlayRecord};
use std::net::IpAddr;

/// A read of one key that takes longer is told, in milliseconds: an ADD needs none, a new block does.
const SLOW: u64 = 1000;
/// How far a time may lie ahead of this node's clock, in seconds.
const AHEAD: u64 = 5;

pub(super) fn ok(name: &str, text: impl Into<String>) -> Check {
    check(name, "ok", text.into(), None)
}

pub(super) fn warning(name: &str, text: impl Into<String>, remedy: Option<String>) -> Check {
    check(name, "warning", text.into(), remedy)
}

pub(super) fn failed(name: &str, text: impl Into<String>, remedy: Option<String>) -> Check {
    check(name, "failed", text.into(), remedy)
}

fn check(name: &str, state: &str, text: String, remedy: Option<String>) -> Check {
    Check {
        name: name.to_owned(),
        state: state.to_owned(),
        text,
        remedy,
    }
}

/// What came of reading a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoreRead {
    /// It could not be opened yet.
    Never,
    Failed(String),
    Took {
        millis: u64,
        /// The daemon's picture of the store is up to date.
        mirrored: bool,
    },
}

pub(super) fn store(kind: &str, read: &StoreRead) -> Check {
    let remedy = match kind {
        "etcd" => "see that etcd runs and that this machine reaches it (etcdctl endpoint health)",
        _ => "the daemon's log says what is wrong with the file",
    };
    let remedy = Some(remedy.to_owned());
    match read {
        StoreRead::Never => failed("store", format!("{kind} could not be opened"), remedy),
        StoreRead::Failed(error) => failed("store", format!("{kind}: {error}"), remedy),
        StoreRead::Took {
            mirrored: false, ..
        } => {
            let text = format!("{kind} answers, but what changes in it is not heard");
            let log = "that passes; where it does not, the daemon's log says why".to_owned();
            failed("store", text, Some(log))
        }
        StoreRead::Took { millis, .. } if *millis > SLOW => {
            let text = format!("{kind} takes {millis} ms for a read");
            let remedy = "look at the disks of etcd's members, and at the network to them";
            warning("store", text, Some(remedy.to_owned()))
        }
        StoreRead::Took { millis, .. } => ok("store", format!("{kind} answers in {millis} ms")),
    }
}

/// A node that came up later than now: one of two clocks is wrong.
pub(super) fn clock(peers: &[Peer], now: UnixSeconds) -> Check {
    let ahead = peers.iter().filter_map(|peer| {
        let ahead = peer.since?.0.saturating_sub(now.0);
        (ahead > AHEAD).then(|| format!("node {} came up {ahead} s from now", peer.name))
    });
    let ahead: Vec<String> = ahead.collect();
    match ahead.is_empty() {
        true => ok("clock", "no node came up later than now"),
        false => {
            let remedy = "set the clocks of these nodes and of this one (NTP)".to_owned();
            let text = format!("{}: its clock or this node's is wrong", ahead.join(", "));
            warning("clock", text, Some(remedy))
        }
    }
}

pub(super) fn underlay(ground: &Ground) -> Check {
    match &ground.underlay {
        Some(found) => {
            let addresses = found.record.addresses.iter();
            let addresses: Vec<_> = addresses
                .map(|a| format!("{}/{}", a.address, a.prefix))
                .collect();
            let (link, mtu) = (&found.link, found.record.mtu);
            ok(
                "underlay",
                format!("{link}: {}, MTU {mtu}", addresses.join(", ")),
            )
        }
        None => failed("underlay", &ground.no_underlay, None),
    }
}

pub(super) fn routes(ground: &Ground) -> Vec<Check> {
    match (&ground.problems[..], ground.networks) {
        ([], 0) => vec![ok("routes", "there is no network, and so nothing to route")],
        ([], _) => vec![ok("routes", "the kernel has all that is wanted")],
        (problems, _) => {
            let check = |problem: &String| failed("routes", problem, None);
            problems.iter().map(check).collect()
        }
    }
}

/// From which of our addresses to which of theirs: one of each family that both have.
pub(super) fn ways(ours: &UnderlayRecord, theirs: &UnderlayRecord) -> Vec<(IpAddr, IpAddr)> {
    let way = |from: IpAddr| {
        let mut to = theirs.addresses.iter().map(|a| a.address);
        Some((from, to.find(|to| to.is_ipv4() == from.is_ipv4())?))
    };
    let ours = ours.addresses.iter().map(|a| a.address);
    ours.filter_map(way).collect()
}

/// What came of pings to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reached {
    /// With packets of so many bytes.
    Yes { bytes: u32 },
    /// Only with smaller ones.
    Small { bytes: u32 },
    /// Not at all; what ping said of it.
    No { said: String },
    /// There is no ping.
    NoPing,
    /// It could not be tried.
    Untried { why: String },
}

/// A check for each other node.
pub(super) fn nodes(ground: &Ground, others: &[&Peer], pinged: &Pinged) -> Vec<Check> {
    if others.is_empty() {
        return vec![ok("nodes", "there is no other node")];
    }
    let mut checks = Vec::new();
    let no_ping = |ways: &Vec<(IpAddr, Reached)>| ways.iter().any(|(_, r)| *r == Reached::NoPing);
    if pinged.values().any(no_ping) {
        let text = "ping is not installed: whether other nodes are reached is not known";
        let remedy = "install ping of iputils (Debian: iputils-ping)".to_owned();
        checks.push(warning("ping", text, Some(remedy)));
    }
    for peer in others {
        match pinged.get(&peer.name) {
            Some(ways) if no_ping(ways) => {}
            ways => checks.push(node(ground, peer, ways.map(Vec::as_slice))),
        }
    }
    checks
}

fn node(ground: &Ground, peer: &Peer, ways: Option<&[(IpAddr, Reached)]>) -> Check {
    let (node, name) = (&peer.name, format!("node {}", peer.name));
    if !peer.alive {
        let text = format!("node {node} is away: its daemon is not connected to the store");
        let remedy = format!("start its daemon; where it never comes back: netctl node rm {node}");
        return warning(&name, text, Some(remedy));
    }
    let Some(theirs) = &peer.underlay else {
        let text = format!("node {node} has no underlay: nobody reaches its containers");
        let remedy = format!("run netctl doctor on {node}");
        return failed(&name, text, Some(remedy));
    };
    let Some(found) = &ground.underlay else {
        return warning(&name, "not looked at: this node has no underlay", None);
    };
    if self::ways(&found.record, theirs).is_empty() {
        let text = format!("node {node} has no underlay address of a family that this node has");
        let remedy = "give both an address of the same family".to_owned();
        return failed(&name, text, Some(remedy));
    }
    match ways {
        Some(ways) => reached(&name, peer, ways),
        None => warning(
            &name,
            "not looked at: the others took all of the time",
            None,
        ),
    }
}

fn reached(name: &str, peer: &Peer, ways: &[(IpAddr, Reached)]) -> Check {
    let node = &peer.name;
    let (mut silent, mut small, mut untried, mut good) = (vec![], vec![], vec![], vec![]);
    for (address, reached) in ways {
        match reached {
            Reached::No { said } if said.is_empty() => {
                silent.push(format!("node {node} ({address}) does not answer"));
            }
            Reached::No { said } => {
                silent.push(format!("node {node} ({address}) does not answer: {said}"));
            }
            Reached::Small { bytes } => small.push(format!(
                "packets of {bytes} bytes do not get to {node} ({address}): the path's MTU is smaller than \
                 both ends'"
            )),
            Reached::Untried { why } => untried.push(format!("{address}: {why}")),
            Reached::NoPing => {}
            Reached::Yes { bytes } => good.push(format!("{address} answers to {bytes} bytes")),
        }
    }
    if !silent.is_empty() {
        let remedy = format!(
            "look at the cable and the switch, at the route (ip route get) and at firewalls in between, which \
             must pass ICMP echo; is {node} up?"
        );
        silent.extend(small);
        return failed(name, silent.join("; "), Some(remedy));
    }
    if !small.is_empty() {
        let remedy =
            "raise the MTU of what is in between, or lower that of both nodes' underlay links";
        return failed(name, small.join("; "), Some(remedy.to_owned()));
    }
    match untried.is_empty() {
        true => ok(name, good.join(", ")),
        false => warning(name, format!("not looked at: {}", untried.join("; ")), None),
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
