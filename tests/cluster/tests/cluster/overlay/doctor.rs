//! `netctl doctor`: a cluster that is well is told to be, and each harm by its name with what mends it.

use super::stage::{Pod, all_pairs, network};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Check, Doctor};
use fairway_lab::Value;
use fairway_tests_cluster::{Bed, Cut, Plan, bin_dir, on, say};
use std::time::{Duration, Instant};

/// It is bounded whatever is broken: the daemon waits 12 seconds for pings, and 4 for what it reads before them, twice.
const WITHIN: Duration = Duration::from_secs(40);

fn looked(bed: &Bed) -> Result<Doctor> {
    let begun = Instant::now();
    let found = bed.door(1).doctor()?;
    let took = begun.elapsed();
    ensure!(took < WITHIN, "it took {took:?}");
    Ok(found)
}

fn well(bed: &Bed) -> Result<()> {
    eventually("all is well", || {
        let found = looked(bed)?;
        let bad = found.checks.iter().find(|check| check.state != "ok");
        ensure!(bad.is_none(), "{bad:?}");
        let nodes = found.checks.iter().filter(|c| c.name.starts_with("node "));
        ensure!(nodes.count() == bed.daemons.len() - 1, "{found:?}");
        Ok(())
    })
}

/// The only check that is not `ok`. A machine that has much to do may be late with another one as well, once.
fn told(bed: &Bed, state: &str, name: &str) -> Result<Check> {
    let one = eventually(name, || {
        let found = looked(bed)?;
        let mut bad = found.checks.iter().filter(|check| check.state != "ok");
        let one = bad.next().with_context(|| format!("nothing of {name}"))?;
        ensure!(bad.next().is_none(), "{found:?}");
        ensure!(one.state == state && one.name == name, "{one:?}");
        Ok(one.clone())
    })?;
    say(format!("{}: {} ({:?})", one.name, one.text, one.remedy));
    Ok(one)
}

/// What `netctl doctor` prints on the first node, and its status.
fn netctl(bed: &Bed, format: &str) -> Result<(Option<i32>, String)> {
    let node = bed.node(1);
    let mut command = node.ns.std_command(bin_dir().join("netctl"));
    command.arg("--socket").arg(&node.door().socket);
    let done = command.args(["doctor", "-o", format]).output()?;
    Ok((done.status.code(), String::from_utf8(done.stdout)?))
}

/// Does harm, looks, and undoes it.
fn harmed(bed: &Bed, harm: &str, undo: &str, look: impl Fn() -> Result<()>) -> Result<()> {
    let node = &bed.node(1).ns;
    node.sh(harm)?;
    look().with_context(|| harm.to_owned())?;
    node.sh(undo)?;
    well(bed)
}

#[test]
fn what_is_well_is_ok_and_each_harm_is_told() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        network(bed, "net", 33, "always")?;
        let pods = [
            Pod::add(bed, 1, "one", "net")?,
            Pod::add(bed, 2, "two", "net")?,
            Pod::add(bed, 3, "three", "net")?,
        ];
        all_pairs(&pods)?;
        well(bed)?;
        let (status, text) = netctl(bed, "table")?;
        ensure!(
            status == Some(0) && text.contains("node n3"),
            "{status:?} {text}"
        );

        for key in ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"] {
            let set = |value: &str| format!("echo {value} > /proc/sys/{key}");
            harmed(bed, &set("0"), &set("1"), || {
                let check = told(bed, "failed", "settings")?;
                ensure!(check.text.contains(&key.replace('/', ".")), "{check:?}");
                Ok(())
            })?;
        }
        let filter = |value: &str| {
            format!(
                "for k in all fairway.vx; do echo {value} > /proc/sys/net/ipv4/conf/$k/rp_filter; done"
            )
        };
        harmed(bed, &filter("1"), &filter("2"), || {
            told(bed, "warning", "settings").map(drop)
        })?;
        firewalls(bed)?;

        // The path to one node has a smaller MTU than both ends.
        let port = &bed.node(3).cable;
        port.mtu(1400)?;
        let check = told(bed, "failed", "node n3")?;
        ensure!(
            check
                .text
                .contains("packets of 1500 bytes do not get to n3"),
            "{check:?}"
        );
        port.mtu(1500)?;
        well(bed)?;

        // Nobody answers any more.
        port.cut(Cut::Silent)?;
        let check = told(bed, "failed", "node n3")?;
        ensure!(check.text.contains("does not answer"), "{check:?}");
        let (status, json) = netctl(bed, "json")?;
        ensure!(status == Some(1), "{status:?} {json}");
        let json: Value = serde_json::from_str(&json)?;
        ensure!(json["node"] == "n1" && json["checks"].is_array(), "{json}");
        port.mend()?;
        well(bed)
    })
}

/// Chains that drop what they do not know, until what the remedy says is done.
fn firewalls(bed: &Bed) -> Result<()> {
    let node = &bed.node(1).ns;
    let undo = "nft delete table inet theirs";
    let forward = "nft add table inet theirs && nft 'add chain inet theirs forwards { type filter hook \
                   forward priority 0; policy drop; }'";
    harmed(bed, forward, undo, || {
        let check = told(bed, "warning", "firewall")?;
        ensure!(
            check.text.contains("chain forwards of table inet theirs"),
            "{check:?}"
        );
        node.sh(&check.remedy.context("a remedy")?)?;
        well(bed)
    })?;
    // The store's packets and the node's own are let in, the overlay's are not.
    let input = "nft add table inet theirs && nft 'add chain inet theirs inputs { type filter hook input \
                 priority 0; policy drop; }' && nft 'add rule inet theirs inputs meta l4proto { tcp, icmp, \
                 icmpv6 } accept'";
    harmed(bed, input, undo, || {
        let check = told(bed, "warning", "firewall")?;
        ensure!(check.text.contains("UDP port 4789"), "{check:?}");
        node.sh(&check.remedy.context("a remedy")?)?;
        well(bed)
    })?;
    harmed(
        bed,
        "iptables-legacy -P FORWARD DROP",
        "iptables-legacy -P FORWARD ACCEPT",
        || {
            let check = told(bed, "warning", "firewall")?;
            ensure!(
                check.text.contains("chain FORWARD of iptables-legacy"),
                "{check:?}"
            );
            node.sh(&check.remedy.context("a remedy")?)?;
            well(bed)
        },
    )
}
