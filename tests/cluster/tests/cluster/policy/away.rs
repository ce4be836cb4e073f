//! A daemon that is killed, stopped, started without a store: what was in force stays in force, and nothing
//! that is open loses a packet.

use super::objects::{apply, namespace, pod, policy};
use super::reach;
use super::workload::plain;
use crate::overlay::life::{Bulk, lossless, streams};
use crate::overlay::stage::{Pod, network, plugin};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Cut, Echo, Plan, on};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// On each node a server of x, and one of y.
struct Scene {
    servers: [Pod; 2],
    others: [Pod; 2],
    _echoes: [Echo; 2],
}

/// x is for x, and for those whose label says so.
fn rules() -> Value {
    let friend =
        json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"friend": "yes"}}});
    let from = json!([{"podSelector": {}}, friend]);
    policy(
        "x",
        "own",
        json!({"podSelector": {}, "ingress": [{"from": from}]}),
    )
}

impl Scene {
    fn new(bed: &Bed, net: u8) -> Result<Self> {
        network(bed, "net", net, "always")?;
        let servers = [plain(bed, 1, "x", "one")?, plain(bed, 2, "x", "two")?];
        let others = [plain(bed, 1, "y", "one")?, plain(bed, 2, "y", "two")?];
        let _echoes = [
            Echo::start(&servers[0].ns, &[80])?,
            Echo::start(&servers[1].ns, &[80])?,
        ];
        apply(&bed.door(1), &[namespace("x", json!({})), rules()])?;
        let scene = Self {
            servers,
            others,
            _echoes,
        };
        for (from, to) in scene.forbidden() {
            reach::until(&from.ns, to.ips[0], 80, false)?;
        }
        scene.holds()?;
        Ok(scene)
    }

    fn forbidden(&self) -> impl Iterator<Item = (&Pod, &Pod)> {
        let others = self.others.iter();
        others.flat_map(|from| self.servers.iter().map(move |to| (from, to)))
    }

    /// New connections, both ways.
    fn holds(&self) -> Result<()> {
        let [one, two] = &self.servers;
        reach::open(&one.ns, two, 80)?;
        reach::open(&two.ns, one, 80)?;
        self.forbidden()
            .try_for_each(|(from, to)| reach::shut(&from.ns, to, 80))
    }
}

fn in_force(bed: &Bed, node: usize) -> Result<()> {
    eventually("it has taken all over", || {
        let status = bed.door(node).policy_status()?;
        ensure!(status.enforced && status.problems.is_empty(), "{status:?}");
        ensure!(status.endpoints == 2, "{status:?}");
        Ok(())
    })
}

#[test]
fn daemons_that_die_and_come_back_lose_no_packet_and_let_none_in() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 156)?;
        let [one, two] = &scene.servers;
        let running = streams(&[one, two])?;
        let bulk = Bulk::start(one, two, 5)?;
        let until = Instant::now() + Duration::from_secs(5);
        for round in 0.. {
            if Instant::now() > until && round > 3 {
                break;
            }
            let node = 1 + round % 2;
            match round % 3 {
                0 => bed.node(node).stop()?,
                _ => bed.node(node).kill()?,
            }
            scene.holds()?;
            bed.node(node).start_connected()?;
            scene.holds()?;
            in_force(bed, node)?;
            scene.holds()?;
        }
        lossless(running)?;
        bulk.end()?;
        for pod in scene.servers.iter().chain(&scene.others) {
            pod.cni.check(&pod.result)?.ok()?;
        }
        Ok(())
    })
}

#[test]
fn without_a_store_all_stays_as_it_was() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 157)?;
        let [one, two] = &scene.servers;
        let running = streams(&[one, two])?;
        for wire in &bed.wires {
            wire.cut(Cut::Carrier)?;
        }
        eventually("the store is seen to be away", || {
            ensure!(!bed.door(1).info()?.connected && !bed.door(2).info()?.connected);
            Ok(())
        })?;
        scene.holds()?;
        // A container that comes now gets what is known.
        let late = plain(bed, 1, "x", "late")?;
        let echo = Echo::start(&late.ns, &[80])?;
        reach::open(&one.ns, &late, 80)?;
        reach::shut(&scene.others[0].ns, &late, 80)?;
        for node in [1, 2] {
            bed.node(node).kill()?;
            bed.node(node).start()?;
            scene.holds()?;
        }
        drop(echo);
        // One that has never heard of the store does not know what a new container may do.
        let ns = bed.lab.container()?;
        let cni = plugin(bed.node(1), "early", "net", Some(&ns));
        let error = cni.add()?.fails(11)?;
        ensure!(error.msg.contains("store"), "{error:?}");
        ensure!(ns.json("ip -j link")?.as_array().map(Vec::len) == Some(1));
        for wire in &bed.wires {
            wire.mend()?;
        }
        eventually("the store is back", || {
            ensure!(bed.door(1).info()?.connected && bed.door(2).info()?.connected);
            Ok(())
        })?;
        late.del()?;
        for node in [1, 2] {
            in_force(bed, node)?;
        }
        scene.holds()?;
        lossless(running)
    })
}

#[test]
fn what_changes_while_a_daemon_is_away_is_followed_when_it_is_back() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 158)?;
        for (away, here) in [(2, 1), (1, 2)] {
            let (server, other) = (&scene.servers[away - 1], &scene.others[here - 1]);
            let name = ["one", "two"][here - 1];
            for friend in [true, false] {
                bed.node(away).kill()?;
                let labels = if friend {
                    json!({"friend": "yes"})
                } else {
                    json!({})
                };
                apply(&bed.door(here), &[pod("y", name, labels)])?;
                // The node that is there follows at once; the other one keeps what it had.
                let near = &scene.servers[here - 1];
                reach::until(&other.ns, near.ips[0], 80, friend)?;
                match friend {
                    true => reach::shut(&other.ns, server, 80)?,
                    false => reach::open(&other.ns, server, 80)?,
                }
                bed.node(away).start_connected()?;
                for ip in &server.ips {
                    reach::until(&other.ns, *ip, 80, friend)?;
                }
            }
        }
        scene.holds()
    })
}

/// Somebody takes the programs off a container's link, and all of them off a node.
#[test]
fn programs_that_are_taken_away_come_back() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 185)?;
        let host = |pod: &Pod| {
            pod.result["interfaces"][0]["name"]
                .as_str()
                .map(str::to_owned)
        };
        let links = [&scene.servers[0], &scene.others[0]].map(host);
        // The daemon might put them back before anybody has looked.
        bed.node(1).signal(Signal::SIGSTOP)?;
        for link in links.into_iter().flatten() {
            bed.node(1)
                .ns
                .run(&format!("tc qdisc del dev {link} clsact"))?;
        }
        let gone = |(from, to): (&Pod, &Pod)| reach::shut(&from.ns, to, 80).is_err();
        ensure!(scene.forbidden().any(gone), "it was not taken away");
        bed.node(1).signal(Signal::SIGCONT)?;
        eventually("all is judged again", || scene.holds())?;
        in_force(bed, 1)
    })
}
