//! One node: with plugins alone, and with a daemon that gives the addresses.

use super::many::{POOL, netctl, proof, states};
use super::node::{self, CLAIM, Node, STICKY};
use super::{Steps, ping, plugin_time};
use crate::dist::Dist;
use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, Lab, Ns, Snapshot, Value, json};
use std::path::Path;
use std::time::Duration;

const BRIDGE: &str = "fairway0";
const SUBNETS: [&str; 2] = ["10.22.0.0/24", "fd22::/64"];
const GATEWAYS: [&str; 2] = ["10.22.0.1", "fd22::1"];

/// A container on the bridge.
struct Container {
    id: String,
    ns: Ns,
    cni: Cni,
    result: Value,
    addresses: Vec<String>,
}

pub(super) fn show(dist: &Dist, steps: &mut Steps) -> Result<()> {
    let plugins = &*dist.cni;
    let lab = Lab::new()?;
    let node = lab.node();
    for forward in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        node.set_sysctl(forward, "1")?;
    }
    let before = Snapshot::take(node)?;

    steps.title("Two containers on one node");
    let one = join(steps, &lab, plugins, "one")?;
    let two = join(steps, &lab, plugins, "two")?;
    for (target, what) in two.addresses.iter().zip(["IPv4", "IPv6"]) {
        ping(
            steps,
            &one.ns,
            target,
            &format!("one reaches two by {what}"),
        )?;
    }
    for (target, what) in GATEWAYS.iter().zip(["IPv4", "IPv6"]) {
        ping(
            steps,
            &two.ns,
            target,
            &format!("two reaches the node by {what}"),
        )?;
    }
    for container in [&one, &two] {
        let what = format!("{} is as it was set up (CHECK)", container.id);
        steps.step(&what, || {
            let outcome = container.cni.check(&container.result)?;
            outcome.ok()?;
            Ok((plugin_time(outcome.wall), ()))
        })?;
    }

    steps.title("They leave as a runtime takes them down: DEL");
    for container in [&one, &two] {
        leave(steps, &lab, container)?;
    }

    steps.title("Again, and this time the runtime loses one: GC");
    let three = join(steps, &lab, plugins, "three")?;
    let Container {
        id,
        ns,
        cni: lost,
        addresses,
        ..
    } = join(steps, &lab, plugins, "four")?;
    steps.step("four's namespace is gone, with no DEL", || {
        drop(ns);
        let kept = reserved(&lab, &addresses);
        ensure!(
            kept.len() == 2,
            "its addresses should still be taken: {kept:?}"
        );
        Ok((format!("{} still taken", kept.join(" and ")), ()))
    })?;
    steps.step("the runtime names the living (GC)", || {
        let outcome = lost.gc(&[(&three.id, "eth0")])?;
        outcome.ok()?;
        let kept = reserved(&lab, &addresses);
        ensure!(kept.is_empty(), "{id} is gone and yet {kept:?} are taken");
        let freed = addresses.join(" and ");
        Ok((
            format!("{freed} free again, {}", plugin_time(outcome.wall)),
            (),
        ))
    })?;
    ping(steps, &three.ns, GATEWAYS[0], "three never noticed")?;
    leave(steps, &lab, &three)?;

    daemon(steps, &lab, dist)?;

    steps.title("What is left");
    steps.step(
        "the admin deletes the bridges, which outlive their containers",
        || {
            for bridge in [BRIDGE, node::BRIDGE] {
                node.run(&format!("ip link del {bridge}"))?;
            }
            Ok((format!("{BRIDGE} and {}", node::BRIDGE), ()))
        },
    )?;
    steps.step(
        "links, addresses, routes, rules, filters, sysctls as before",
        || {
            before.unchanged(node, Duration::from_secs(10))?;
            let lines = before.to_string().lines().count();
            Ok((format!("nothing left behind ({lines} lines compared)"), ()))
        },
    )?;
    steps.step("host-local has no address that is taken", || {
        let left = taken(&lab)?;
        ensure!(left.is_empty(), "still taken: {}", left.join(" "));
        Ok(("the pool is empty".to_owned(), ()))
    })?;
    Ok(())
}

/// The daemon on its embedded store: an address outlives its container, a DEL outlives the daemon.
fn daemon(steps: &mut Steps, lab: &Lab, dist: &Dist) -> Result<()> {
    let mut node = Node::new(lab.node().clone(), "node-1", lab.scratch(), dist)?;
    let store = format!("redb:{}", lab.scratch().join("store.redb").display());
    steps.title("Addresses from fairwayd, on a store of its own");
    steps.step("fairwayd", || Ok((node.start_daemon(&store)?, ())))?;
    netctl(steps, &node, POOL)?;
    let mut first = pod(steps, &node, "first")?;
    steps.step(
        "its container is killed (DEL without its namespace)",
        || Ok((plugin_time(first.killed()?), ())),
    )?;
    let mut second = pod(steps, &node, "second")?;
    steps.step("db-0 has the addresses that it had", || {
        let [old, new] = [&first, &second].map(|pod| pod.addresses.join(" and "));
        ensure!(old == new, "they were {old} and are {new}");
        Ok((new, ()))
    })?;
    steps.step("fairwayd is killed; db-0 leaves all the same", || {
        node.kill_daemon();
        Ok((plugin_time(second.leaves()?), ()))
    })?;
    steps.step("an ADD meanwhile", || {
        let Err(error) = node.add("bridge", "third", "web-1") else {
            anyhow::bail!("it succeeded without a daemon");
        };
        let text = format!("{error:#}");
        ensure!(
            text.contains("\"code\": 11") || text.contains("\"code\":11"),
            "{text}"
        );
        Ok(("refused with code 11, try again later".to_owned(), ()))
    })?;
    steps.step("fairwayd is back", || Ok((node.start_daemon(&store)?, ())))?;
    states(
        steps,
        &node,
        "it hears of the DEL that it missed",
        "claimed",
    )?;
    proof(steps, &node)?;
    netctl(steps, &node, &format!("claim rm {CLAIM}"))?;
    states(steps, &node, "db-0's addresses are given back", "cooling")?;
    netctl(steps, &node, "ipam ls")
}

fn pod(steps: &mut Steps, node: &Node, id: &str) -> Result<node::Pod> {
    steps.step(
        &format!("db-0 gets a network (ADD), container {id}"),
        || {
            let (pod, time) = node.add("bridge", id, STICKY)?;
            let addresses = pod.addresses.join(" and ");
            Ok((format!("{addresses}, {}", plugin_time(time)), pod))
        },
    )
}

/// ADD for a fresh container.
fn join(steps: &mut Steps, lab: &Lab, plugins: &Path, id: &str) -> Result<Container> {
    let ns = lab.container()?;
    let config = json!({
        "cniVersion": "1.1.0", "name": "demo", "type": "bridge",
        "bridge": BRIDGE, "isGateway": true, "ipMasq": true,
        "ipam": {
            "type": "host-local", "dataDir": lab.scratch(),
            "ranges": SUBNETS.map(|subnet| json!([{"subnet": subnet}])),
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
        },
    });
    let cni = Cni::new(lab.node(), plugins, "bridge")
        .container(id)
        .netns(&ns)
        .config(config);
    let (result, addresses) = steps.step(&format!("{id} gets a network (ADD)"), || {
        let outcome = cni.add()?;
        let result = outcome.ok()?;
        let ips = result["ips"].as_array().context("a result without ips")?;
        let ips = ips
            .iter()
            .filter_map(|ip| ip["address"].as_str()?.split('/').next());
        let ips: Vec<String> = ips.map(str::to_owned).collect();
        ensure!(
            ips.len() == 2,
            "wanted one address of each family, got {ips:?}"
        );
        let seen = format!("{}, {}", ips.join(" and "), plugin_time(outcome.wall));
        Ok((seen, (result, ips)))
    })?;
    let id = id.to_owned();
    Ok(Container {
        id,
        ns,
        cni,
        result,
        addresses,
    })
}

/// DEL, and a look at what it should have taken away.
fn leave(steps: &mut Steps, lab: &Lab, container: &Container) -> Result<()> {
    steps.step(&format!("{} leaves (DEL)", container.id), || {
        let outcome = container.cni.del(Some(&container.result))?;
        outcome.ok()?;
        ensure!(
            container.ns.run("ip link show eth0").is_err(),
            "eth0 is still there"
        );
        let kept = reserved(lab, &container.addresses);
        ensure!(kept.is_empty(), "{kept:?} are still taken");
        Ok((
            format!(
                "interface and addresses gone, {}",
                plugin_time(outcome.wall)
            ),
            (),
        ))
    })
}

/// Which of these the pool still lists.
fn reserved(lab: &Lab, addresses: &[String]) -> Vec<String> {
    let taken = taken(lab).unwrap_or_default();
    let kept = addresses.iter().filter(|address| taken.contains(address));
    kept.cloned().collect()
}

/// The addresses that host-local's folder lists: a file each, named by the address.
fn taken(lab: &Lab) -> Result<Vec<String>> {
    let folder = lab.scratch().join("demo");
    let names = std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
    let names = names
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names
        .filter(|name| name.parse::<std::net::IpAddr>().is_ok())
        .collect())
}
