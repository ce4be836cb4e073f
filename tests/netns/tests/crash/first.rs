//! The killed ADD was the first on its node: the bridge itself, forwarding, the base chains and the
//! folder of addresses may be half-made. Each step has a fresh node.

use crate::{bridge_iptables, bridge_nftables, host_local, multi, ptp_nftables, rounds::at, vxlan};
use fairway_tests_netns::{Bed, Member, Result, Traced, Value, ensure, links, reaches};

#[test]
fn of_a_bridge_with_nftables() -> Result {
    on_fresh_nodes(bridge_nftables)
}

#[test]
fn of_a_bridge_with_iptables() -> Result {
    on_fresh_nodes(bridge_iptables)
}

#[test]
fn of_ptp() -> Result {
    on_fresh_nodes(ptp_nftables)
}

#[test]
fn of_vxlan() -> Result {
    on_fresh_nodes(vxlan)
}

#[test]
fn of_multi() -> Result {
    on_fresh_nodes(multi)
}

#[test]
fn of_host_local() -> Result {
    on_fresh_nodes(host_local)
}

fn on_fresh_nodes(conf: fn(&Bed) -> Value) -> Result {
    let steps = {
        let bed = Bed::new()?;
        let traced = Traced::new(bed.scratch())?;
        let ns = bed.container()?;
        traced.steps(&bed.cni_in(traced.dir(), "victim", &ns, &conf(&bed)), "ADD")?
    };
    for step in &steps {
        let round = || -> Result {
            let bed = Bed::new()?;
            let traced = Traced::new(bed.scratch())?;
            let (conf, ns) = (conf(&bed), bed.container()?);
            let victim = bed.cni_in(traced.dir(), "victim", &ns, &conf);
            let killed = traced.kill(&victim, "ADD", step)?;
            ensure(killed, "the kill to come before the end of the call")?;
            clean(&bed, &ns, &conf)?;
            works(Member::add(ns.clone(), bed.cni("victim", &ns, &conf))?)?;
            clean(&bed, &ns, &conf)
        };
        round().map_err(|error| at(step, &error))?;
    }
    Ok(())
}

/// What the killed one left half-made, the next completes.
fn works(member: Member) -> Result {
    member.check()?;
    for ip in member.result["ips"].as_array().into_iter().flatten() {
        if member.result["interfaces"].is_array() {
            let gateway = ip["gateway"].as_str().unwrap_or_default();
            reaches(&member.ns, gateway)?;
        }
    }
    Ok(())
}

/// DEL leaves nothing but what is the node's.
fn clean(bed: &Bed, ns: &fairway_tests_netns::Ns, conf: &Value) -> Result {
    bed.cni("victim", ns, conf).del(None)?.ok()?;
    let held = [bed.held("net"), bed.held("far"), bed.records_of_multi()].concat();
    let (here, inside) = (links(bed.node())?, links(ns)?);
    ensure(
        held.is_empty(),
        format!("no address and no record to be left, not {held:?}"),
    )?;
    let mut names = here
        .iter()
        .chain(&inside)
        .filter_map(|link| link["ifname"].as_str());
    let stray = names.find(|name| !["lo", "br0"].contains(name));
    ensure(
        stray.is_none(),
        format!("no link to be left, not {stray:?}"),
    )?;
    let rules = bed.node().sh("nft list ruleset 2>/dev/null")?;
    let stray = rules
        .lines()
        .find(|line| line.contains("victim") || line.contains("10.1.0.") || line.contains("fw"));
    ensure(
        stray.is_none(),
        format!("no rule to be left, not {stray:?}"),
    )
}
