//! A router of the fabric (BIRD) that is no node: it hears where containers are, and they hear of what is behind it.

mod fabric;
mod hops;
mod multipath;
mod six;
mod stage;
mod stays;
mod sticky;

use crate::overlay::stage::{Pod, answers, ping};
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{BgpRouteList, NodeDrain, ObjectRef, RouteWhy};
use fairway_lab::json;
use fairway_tests_cluster::{Plan, on};
use stage::{BEHIND, Fabric, OTHER};
use std::fs;

/// What a node is told of a neighbour, and tells it.
const OPEN: &str =
    r#"{"rules": [{"match": {"prefixes": [{"prefix": "0.0.0.0/0", "ge": 1}]}, "then": "Accept"}]}"#;

#[test]
fn a_router_reaches_containers_and_they_what_is_behind_it() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let mut fabric = Fabric::new(bed, "")?;
        let pod = Pod::add(bed, 1, "one", "net")?;
        let ip = *pod.ips.first().context("an address")?;
        let door = bed.door(1);

        // No object, no speaker; and without `listen` no socket.
        let off = fabric.peers()?;
        ensure!(off.asn.is_none() && off.peers.is_empty(), "{off:?}");
        fabric.apply("BgpConfig", "all", &json!({}))?;
        let done = fabric.apply(
            "BgpPeer",
            "bad",
            &json!({
                "address": OTHER, "asn": 65009, "passwordFile": "/nonexistent/key",
                "import": {"rules": []}, "export": {"rules": []},
            }),
        )?;
        ensure!(done.is_empty(), "{done:?}");
        fabric.peer(None)?;
        let sockets = bed.node(1).ns.run("ss -Hltn")?;
        ensure!(!sockets.contains(":179 "), "{sockets}");

        fabric.is_up()?;
        let peers = fabric.peers()?;
        ensure!(peers.asn == Some(64512), "{peers:?}");
        let bad = fabric.find(OTHER)?;
        ensure!(
            bad.state == "Idle" && bad.object == "BgpPeer/bad",
            "{bad:?}"
        );
        let why = bad.why.context("why it is not up")?;
        ensure!(why.contains("/nonexistent/key: No such file"), "{why}");
        ensure!(
            peers.problems.iter().any(|text| text.contains(&why)),
            "{peers:?}"
        );

        // Where containers are.
        let block = fabric.block()?;
        fabric.knows(&block, true)?;
        let main = bed.node(1).ns.run("ip route show")?;
        eventually("the router reaches the container", || {
            ensure!(ping(&fabric.ns, ip, 56), "{ip} of {block}");
            Ok(())
        })?;
        let told = fabric.routes(BgpRouteList {
            advertised: Some(fabric.address),
            ..BgpRouteList::default()
        })?;
        let told: Vec<_> = told
            .iter()
            .map(|one| (one.prefix.as_str(), one.source.as_str()))
            .collect();
        ensure!(told == [(block.as_str(), "block")], "{told:?}");

        // And what is behind the router, which the node's own table knows nothing of.
        let behind = BEHIND.parse()?;
        eventually("the container reaches what is behind the router", || {
            ensure!(ping(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
            Ok(())
        })?;
        ensure!(bed.node(1).ns.run("ip route show")? == main, "{main}");
        let why = door.why(RouteWhy {
            address: behind,
            network: None,
        });
        ensure!(
            why.is_err() || !ping(&bed.node(1).ns, behind, 56),
            "{why:?}"
        );

        // A neighbour has no word on where containers are, though it may say what it wants.
        let heard = fabric.routes(BgpRouteList {
            received: Some(fabric.address),
            ..BgpRouteList::default()
        })?;
        let all: Vec<_> = heard
            .iter()
            .map(|one| (one.prefix.as_str(), one.best))
            .collect();
        ensure!(
            all == [("10.77.9.0/26", true), ("203.0.113.0/24", true)],
            "{all:?}"
        );
        ensure!(
            !ping(&pod.ns, "10.77.9.1".parse()?, 56),
            "{:?}",
            fabric.way("10.77.9.1".parse()?)
        );

        // The daemon ends and comes back: the router keeps the way meanwhile, and packets go on.
        bed.node(1).stop()?;
        ensure!(fabric.bird.ask("show route")?.contains(&block));
        ensure!(answers(&fabric.ns, ip, 56), "while the daemon is away");
        // What it learned stays in the kernel until its neighbours had the time to tell it again.
        fabric.bird.kill()?;
        bed.node(1).start_connected()?;
        for _ in 0..2 {
            door.prepare("net")?;
        }
        let routes = bed.node(1).ns.run("ip route show table all")?;
        ensure!(routes.contains("203.0.113.0/24"), "{routes}");
        ensure!(answers(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
        fabric.bird.restart()?;
        fabric.is_up()?;
        fabric.knows(&block, true)?;
        eventually(
            "the container reaches what is behind the router again",
            || {
                ensure!(ping(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
                Ok(())
            },
        )?;

        // Without the object it is over.
        door.object_remove(ObjectRef {
            kind: "BgpPeer".to_owned(),
            namespace: None,
            name: "router".to_owned(),
        })?;
        fabric.knows(&block, false)?;
        eventually("the container reaches it no longer", || {
            ensure!(!ping(&pod.ns, behind, 56), "{:?}", fabric.way(behind));
            Ok(())
        })?;
        ensure!(fabric.find(&fabric.address.to_string()).is_err());
        pod.del()
    })
}

#[test]
fn a_node_that_is_drained_says_so_and_withdraws_when_it_is_empty() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        let fabric = Fabric::new(bed, "password \"open sesame\";")?;
        let key = bed.lab.scratch().join("key");
        fs::write(&key, "open sesame\n")?;
        let pod = Pod::add(bed, 1, "one", "net")?;
        let port = json!({"listen": {"port": 1790, "addresses": ["0.0.0.0"]}});
        fabric.apply("BgpConfig", "all", &port)?;
        fabric.peer(Some(&key))?;
        fabric.is_up()?;
        let block = fabric.block()?;
        fabric.knows(&block, true)?;
        let listening = fabric.peers()?.listening;
        ensure!(listening == ["0.0.0.0:1790"], "{listening:?}");
        for daemon in &bed.daemons {
            ensure!(!daemon.log().contains("sesame"), "the key is in the log");
        }

        let drain = |undo| NodeDrain {
            name: "n1".to_owned(),
            undo,
        };
        bed.door(1).node_drain(drain(false))?;
        eventually("the router hears that the node goes soon", || {
            let all = fabric.bird.ask("show route all")?;
            ensure!(all.contains("(65535,0)"), "{all}");
            Ok(())
        })?;
        pod.del()?;
        fabric.knows(&block, false)?;
        bed.door(1).node_drain(drain(true))?;
        fabric.knows(&block, true)
    })
}
