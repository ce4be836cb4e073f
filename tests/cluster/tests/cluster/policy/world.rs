//! Who is no container: other nodes, and the world beyond them.

use super::cases::mixed;
use super::objects::{apply, audited, cluster, deny_all, policy, remove};
use super::reach;
use super::table::{Table, open};
use super::workload::plain;
use crate::overlay::stage::{Pod, network};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Party, PolicyExplain};
use fairway_lab::{Value, json, poll};
use fairway_tests_cluster::{
    Bed, Echo, Patience, Plan, Protocol, Reached, SOON, Talk, Target, before, on, probe,
};
use std::net::SocketAddr;
use std::time::Duration;

/// Where the store's member listens; it is nobody to the daemons.
fn member(bed: &Bed) -> Result<SocketAddr> {
    let endpoint = bed.etcd.endpoints();
    let text = endpoint.first().context("an endpoint")?;
    let (_, address) = text.rsplit_once('/').context("an address")?;
    Ok(address.parse()?)
}

/// A connection of TCP comes about, or does not.
fn becomes(from: &Pod, to: SocketAddr, open: bool) -> Result<()> {
    let target = Target {
        protocol: Protocol::Tcp,
        to,
        wanted: open,
    };
    // It is no echo that listens there.
    let patience = Patience {
        limit: Duration::from_millis(400),
        ..Patience::default()
    };
    let what = format!("{} to {to} is open: {open}", from.name);
    poll(SOON, &what, || {
        let found = probe(&from.ns, &[target], patience);
        found.is_ok_and(|found| (found[0] != Reached::No) == open)
    })?;
    Ok(())
}

fn egress(to: Value) -> Value {
    let rules = json!([{"to": [to]}]);
    policy(
        "x",
        "out",
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": rules}),
    )
}

fn admin(action: &str, to: Value) -> Value {
    let rules = json!([{"name": "far", "action": action, "to": [to]}]);
    cluster(
        "out",
        json!({"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "egress": rules}),
    )
}

#[test]
fn addresses_of_the_world_and_nodes_are_peers() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        for (daemon, labels) in bed.daemons.iter().zip(["rack = \"one\"", "rack = \"two\""]) {
            bed.configure(daemon, &format!("[labels]\n{labels}\n"))?;
            daemon.start_connected()?;
        }
        network(bed, "net", 179, "always")?;
        let pod = plain(bed, 1, "x", "pod")?;
        let world = member(bed)?;
        let _served = Echo::start(&bed.node(2).ns, &[8080])?;
        let far = SocketAddr::new(bed.node(2).cable.address.parse()?, 8080);
        let own = bed.node(1).cable.address.clone();
        let both = |one: bool, other: bool| -> Result<()> {
            becomes(&pod, world, one)?;
            becomes(&pod, far, other)
        };
        both(true, true)?;
        let block =
            |cidr: &str, except: &[String]| json!({"ipBlock": {"cidr": cidr, "except": except}});
        let not = |address: SocketAddr| [format!("{}/32", address.ip())];
        let door = bed.door(2);
        for (object, one, other) in [
            (deny_all("x"), false, false),
            (egress(block("0.0.0.0/0", &not(world))), false, true),
            (egress(block("192.0.2.0/24", &not(far))), true, false),
            (egress(json!({"namespaceSelector": {}})), false, false),
            (admin("Deny", json!({"networks": not(world)})), false, true),
            (admin("Deny", json!({"nodes": {}})), true, false),
            (
                admin("Deny", json!({"nodes": {"matchLabels": {"rack": "one"}}})),
                true,
                true,
            ),
            (
                admin(
                    "Deny",
                    json!({"nodes": {"matchExpressions": [
                {"key": "rack", "operator": "NotIn", "values": ["one"]}]}}),
                ),
                true,
                false,
            ),
            (audited(admin("Deny", json!({"nodes": {}}))), true, true),
        ] {
            apply(&door, std::slice::from_ref(&object))?;
            both(one, other).with_context(|| object.to_string())?;
            // Its own node is always reached.
            let echo = Echo::start(&bed.node(1).ns, &[8080])?;
            becomes(&pod, format!("{own}:8080").parse()?, true)?;
            drop(echo);
            remove(&door, &[object])?;
        }
        both(true, true)
    })
}

/// With this setting the node itself is as good as any other.
#[test]
fn a_node_that_is_judged() -> Result<()> {
    let judge = "[policy]\nnode = \"judge\"\n";
    on(&Plan::nodes(1).members(1).settings(judge), |bed| {
        network(bed, "net", 180, "always")?;
        let node = bed.node(1);
        node.ns.addr("uplink", "2001:db8::1/64")?;
        let pod = plain(bed, 1, "x", "pod")?;
        let _echo = Echo::start(&pod.ns, &[80])?;
        for ip in &pod.ips {
            reach::until(&node.ns, *ip, 80, true)?;
        }
        let deny = deny_all("x");
        apply(&bed.door(1), std::slice::from_ref(&deny))?;
        for ip in &pod.ips {
            reach::until(&node.ns, *ip, 80, false)?;
        }
        reach::shut(&node.ns, &pod, 80)?;
        // What is told agrees.
        let told = bed.door(1).explain(PolicyExplain {
            from: Party::Address(node.cable.address.parse()?),
            to: Party::Pod("x/pod".to_owned()),
            port: Some(80),
            protocol: "tcp".to_owned(),
        })?;
        ensure!(told.verdict == "denied", "{told:#?}");
        remove(&bed.door(1), &[deny])?;
        eventually("it is open again", || reach::open(&node.ns, &pod, 80))
    })
}

/// Packets that are handed over past the node's own forwarding, or are not: all is judged, and what is open
/// outlives the daemon.
fn every_pair(settings: &str, net: u8) -> Result<()> {
    on(&Plan::nodes(2).members(1).settings(settings), |bed| {
        let table = Table::new(bed, net)?;
        let case = mixed();
        table.settle("without a policy", &open)?;
        apply(&bed.door(1), &(case.objects)(&table)?)?;
        table.settle(case.title, &case.expect)?;
        let mut talks = Vec::new();
        for (from, to) in [
            ("x/b", "x/c"),
            ("x/c", "x/b"),
            ("y/b", "y/a"),
            ("z/a", "z/c"),
        ] {
            let (from, to) = (&table.member(from)?.pod, &table.member(to)?.pod);
            for ip in &to.ips {
                let port = 7000 + u16::try_from(talks.len())?;
                talks.push(Talk::start(&from.ns, (&to.ns, *ip), port)?);
            }
        }
        for node in [1, 2] {
            bed.node(node).kill()?;
            talks.iter().try_for_each(Talk::goes_on)?;
            table.settle(case.title, &case.expect)?;
            bed.node(node).start_connected()?;
            talks.iter().try_for_each(Talk::goes_on)?;
            table.settle(case.title, &case.expect)?;
        }
        let status = bed.door(1).policy_status()?;
        ensure!(status.enforced && status.problems.is_empty(), "{status:?}");
        Ok(())
    })
}

#[test]
fn the_long_way_is_judged_as_the_short_one() -> Result<()> {
    every_pair("[policy]\ndeliver = false\n", 181)
}

#[test]
fn the_hosts_way_into_the_overlay_and_out_of_it_is_judged_too() -> Result<()> {
    every_pair(
        "[policy]\ndeliver_overlay = false\ndeliver_direct = false\n",
        184,
    )
}
