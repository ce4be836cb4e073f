//! `demo`: containers get a network from the plugins, use it, and leave nothing behind.
//!
//! Everything happens in namespaces that vanish with this process, on any machine, so it can be
//! run and interrupted at will. A step is one line with its time; the first that fails ends it.

use crate::{dist, packages};
use anyhow::{Context, Result, bail, ensure};
use fairway_lab::{Cni, Lab, Ns, Snapshot, Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const BRIDGE: &str = "fairway0";
const SUBNETS: [&str; 2] = ["10.22.0.0/24", "fd22::/64"];
const GATEWAYS: [&str; 2] = ["10.22.0.1", "fd22::1"];

pub(crate) fn run(args: &[&str]) -> Result<()> {
    match args {
        [] | ["--nodes", "1"] => {}
        ["--nodes", n] if n.parse::<u16>().is_ok() => {
            bail!("only one node yet: more need the overlay, which is not there")
        }
        _ => bail!("takes --nodes N or nothing"),
    }
    ensure!(
        nix::unistd::geteuid().is_root(),
        "network namespaces need root: run it as root (in a container, a privileged one)"
    );
    packages::ensure(&[packages::LAB])?;
    let dist = dist::run()?;
    show(&dist.cni)
}

/// Prints steps and times them.
struct Steps {
    begin: Instant,
    count: usize,
}

impl Steps {
    fn title(&self, text: &str) {
        println!("\n{text}");
    }

    fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
        let begin = Instant::now();
        let done = work();
        let time = begin.elapsed().as_secs_f64() * 1000.0;
        self.count += 1;
        match done {
            Ok((seen, value)) => {
                println!("  ✓ {time:>7.1} ms  {what}: {seen}");
                Ok(value)
            }
            Err(error) => {
                println!("  ✗ {time:>7.1} ms  {what}");
                Err(error)
            }
        }
    }
}

/// A container on the bridge.
struct Container {
    id: String,
    ns: Ns,
    cni: Cni,
    result: Value,
    addresses: Vec<String>,
}

fn show(plugins: &Path) -> Result<()> {
    let mut steps = Steps {
        begin: Instant::now(),
        count: 0,
    };
    let lab = Lab::new()?;
    let node = lab.node();
    for forward in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        node.set_sysctl(forward, "1")?;
    }
    let before = Snapshot::take(node)?;

    steps.title("Two containers on one node");
    let one = join(&mut steps, &lab, plugins, "one")?;
    let two = join(&mut steps, &lab, plugins, "two")?;
    for (target, what) in two.addresses.iter().zip(["IPv4", "IPv6"]) {
        ping(
            &mut steps,
            &one.ns,
            target,
            &format!("one reaches two by {what}"),
        )?;
    }
    for (target, what) in GATEWAYS.iter().zip(["IPv4", "IPv6"]) {
        ping(
            &mut steps,
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
        leave(&mut steps, &lab, container)?;
    }

    steps.title("Again, and this time the runtime loses one: GC");
    let three = join(&mut steps, &lab, plugins, "three")?;
    let Container {
        id,
        ns,
        cni: lost,
        addresses,
        ..
    } = join(&mut steps, &lab, plugins, "four")?;
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
    ping(&mut steps, &three.ns, GATEWAYS[0], "three never noticed")?;
    leave(&mut steps, &lab, &three)?;

    steps.title("What is left");
    steps.step(
        "the admin deletes the bridge, which outlives its containers",
        || {
            node.run(&format!("ip link del {BRIDGE}"))?;
            Ok((BRIDGE.to_owned(), ()))
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
    steps.step("no address is taken", || {
        let left = taken(&lab)?;
        ensure!(left.is_empty(), "still taken: {}", left.join(" "));
        Ok(("the pool is empty".to_owned(), ()))
    })?;
    let (count, time) = (steps.count, steps.begin.elapsed().as_secs_f64());
    println!("\n{count} steps in {time:.1} s. Everything ran in namespaces that are gone now.");
    Ok(())
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

fn ping(steps: &mut Steps, from: &Ns, target: &str, what: &str) -> Result<()> {
    steps.step(what, || {
        let text = from.run(&format!("ping -n -c 3 -i 0.01 -W 5 {target}"))?;
        let times = text.lines().find_map(|line| line.strip_prefix("rtt "));
        let average = times.and_then(|line| line.split('/').nth(4)).unwrap_or("?");
        Ok((format!("{target} answers in {average} ms"), ()))
    })
}

fn plugin_time(wall: Duration) -> String {
    format!("plugin {:.1} ms", wall.as_secs_f64() * 1000.0)
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
