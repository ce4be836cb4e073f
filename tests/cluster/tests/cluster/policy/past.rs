//! The way past the hosts: between containers of two nodes no host passes anything on.

use super::objects::{apply, deny_ingress, namespace, remove};
use super::reach;
use super::workload::plain;
use crate::overlay::stage::{Pod, answers, network};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Ns, json};
use fairway_tests_cluster::{Bed, Echo, Plan, on};

/// A container on each node.
pub(super) fn pods(bed: &Bed, net: u8, encap: &str) -> Result<[Pod; 2]> {
    network(bed, "net", net, encap)?;
    let namespaces = ["x", "y"].map(|ns| namespace(ns, json!({"ns": ns})));
    apply(&bed.door(1), &namespaces)?;
    Ok([plain(bed, 1, "x", "one")?, plain(bed, 2, "y", "two")?])
}

/// Counts what a node passes on.
fn count(node: &Ns) -> Result<()> {
    node.run(
        "nft add table inet seen; add chain inet seen pass { type filter hook forward priority -300; }; \
         add rule inet seen pass meta l4proto { tcp, icmp, ipv6-icmp } counter",
    )?;
    Ok(())
}

/// Packets that it has passed on.
fn passed(node: &Ns) -> Result<u64> {
    counter(node, "inet seen pass")
}

/// What a chain's counter has counted.
pub(super) fn counter(node: &Ns, chain: &str) -> Result<u64> {
    let rules = node.json(&format!("nft -j list chain {chain}"))?;
    let all = rules["nftables"].as_array().context("nftables")?.iter();
    let mut counters = all.filter_map(|one| {
        let expressions = one["rule"]["expr"].as_array()?.iter();
        let mut packets = expressions.filter_map(|expr| expr["counter"]["packets"].as_u64());
        packets.next()
    });
    counters.next().context("the counter is missing")
}

/// Everything in both directions: echoes by TCP and UDP, and pings of each size that fits.
pub(super) fn talk(pods: &[Pod; 2]) -> Result<()> {
    let [one, two] = pods;
    for (from, to) in [(one, two), (two, one)] {
        let _echo = Echo::start(&to.ns, &[80])?;
        reach::open(&from.ns, to, 80)?;
        for ip in &to.ips {
            for size in [56, 1200] {
                ensure!(answers(&from.ns, *ip, size), "{ip} {size}");
            }
        }
    }
    Ok(())
}

/// Both nodes know the ways to both.
fn settled(pods: &[Pod; 2]) -> Result<()> {
    eventually("they reach each other", || talk(pods))
}

fn all_that_hosts_pass(settings: &str, net: u8, encap: &str) -> Result<[u64; 2]> {
    let mut seen = [0; 2];
    on(&Plan::nodes(2).members(1).settings(settings), |bed| {
        let pods = pods(bed, net, encap)?;
        let nodes = [&bed.node(1).ns, &bed.node(2).ns];
        settled(&pods)?;
        for node in nodes {
            count(node)?;
        }
        talk(&pods)?;
        // A policy holds on this way too, and so does one that is gone.
        let deny = deny_ingress("y");
        apply(&bed.door(1), std::slice::from_ref(&deny))?;
        {
            let _echo = Echo::start(&pods[1].ns, &[80])?;
            reach::until(&pods[0].ns, pods[1].ips[0], 80, false)?;
            reach::shut(&pods[0].ns, &pods[1], 80)?;
            remove(&bed.door(1), &[deny])?;
            reach::until(&pods[0].ns, pods[1].ips[0], 80, true)?;
        }
        talk(&pods)?;
        seen = [passed(nodes[0])?, passed(nodes[1])?];
        Ok(())
    })?;
    Ok(seen)
}

#[test]
fn no_host_passes_on_what_goes_from_container_to_container() -> Result<()> {
    for (net, encap) in [(186, "always"), (187, "cross-subnet")] {
        let seen = all_that_hosts_pass("", net, encap)?;
        ensure!(seen == [0, 0], "{encap}: {seen:?} packets were passed on");
    }
    Ok(())
}

#[test]
fn hosts_pass_it_on_where_they_are_told_to() -> Result<()> {
    for (settings, net, encap) in [
        ("[policy]\ndeliver_overlay = false\n", 188, "always"),
        ("[policy]\ndeliver_direct = false\n", 191, "cross-subnet"),
    ] {
        let seen = all_that_hosts_pass(settings, net, encap)?;
        // Pings, connections and their answers, each way.
        ensure!(seen.iter().all(|seen| *seen > 20), "{encap}: {seen:?}");
    }
    Ok(())
}

/// The programs of ours that `tc` shows at the underlay's link.
fn programs(node: &Ns) -> Result<Vec<u64>> {
    let shown = node.json("tc -j filter show dev uplink ingress")?;
    let filters = shown.as_array().context("filters")?.iter();
    let ours = filters.filter(|filter| {
        let name = filter["options"]["bpf_name"].as_str();
        name.is_some_and(|name| name.starts_with("fairway/from_uplink"))
    });
    Ok(ours
        .filter_map(|filter| filter["options"]["prog"]["id"].as_u64())
        .collect())
}

/// It comes with the routes, and who is reached by the host's own way does not wait for it.
fn one_program(node: &Ns) -> Result<()> {
    eventually("one program is there", || {
        let found = programs(node)?;
        ensure!(found.len() == 1, "{found:?}");
        Ok(())
    })
}

#[test]
fn the_underlays_link_has_a_program_only_where_routes_lead_there() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let one = &bed.node(1).ns;
        network(bed, "far", 192, "always")?;
        Pod::add(bed, 1, "a", "far")?;
        ensure!(programs(one)?.is_empty());
        let pods = pods(bed, 193, "cross-subnet")?;
        settled(&pods)?;
        one_program(one)?;
        // Another daemon swaps it, and one that is told not to have it takes it away.
        let node = bed.node(1);
        node.kill()?;
        node.start_connected()?;
        talk(&pods)?;
        one_program(one)?;
        node.kill()?;
        bed.configure(node, "[policy]\ndeliver_direct = false\n")?;
        node.start_connected()?;
        eventually("no program is there", || {
            ensure!(programs(one)?.is_empty());
            Ok(())
        })?;
        talk(&pods)
    })
}
