//! The daemon in the same large cluster: all others are records in a real etcd, written as their daemons would, and
//! a few containers are on its own node.

use super::crowd::{self, APPS, ENDPOINTS, Member, POLICIES};
use super::maps::{self, Map, identity};
use crate::figure::Bound;
use crate::report::Report;
use crate::routes::{process, world};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_kv::{ROOT, Txn, Write};
use fairway_lab::{Ns, Value, json, poll};
use fairway_tests_cluster::{Bed, Plan, on};
use std::time::{Duration, Instant};

const CHANGES: u32 = 200;
/// Containers that the daemon's own node has.
const HERE: u32 = 20;
const LIMIT: Duration = Duration::from_secs(60);

/// On an etcd of one member.
pub(super) fn run(report: &mut Report) -> Result<()> {
    println!("  fairwayd with {ENDPOINTS} endpoints and {POLICIES} policies …");
    on(&Plan::nodes(1).members(1), |bed| {
        let empty = process::memory(bed.node(1), "VmRSS")?;
        let containers = (0..HERE).map(|at| attach(bed, at * (ENDPOINTS / HERE)));
        let containers = containers.collect::<Result<Vec<_>>>()?;
        bed.node(1).stop()?;
        fill(bed)?;
        let begun = Instant::now();
        bed.node(1).start_connected()?;
        let map = poll_map(bed)?;
        report.figure(
            "fairwayd: from its start until the kernel has all of it",
            "s",
            None,
            vec![begun.elapsed().as_secs_f64()],
        );
        process::idle(bed.node(1))?;
        changes(report, bed, &map)?;
        process::idle(bed.node(1))?;
        let (most, resident) = ("VmHWM", "VmRSS");
        let memory = |field| Ok::<_, anyhow::Error>(vec![process::memory(bed.node(1), field)?]);
        let bound = Some(Bound::AtMost(150.0));
        report.figure(
            "memory of fairwayd, the most that it had",
            "MiB",
            bound,
            memory(most)?,
        );
        report.figure(
            "memory of fairwayd, after that",
            "MiB",
            bound,
            memory(resident)?,
        );
        report.figure("… before anything is known", "MiB", None, vec![empty]);
        let pid = bed.node(1).pid().context("fairwayd does not run")?;
        let maps = maps::memory(&pid.to_string())?;
        let maps = vec![maps.values().sum()];
        report.figure("memory of its maps besides", "MiB", None, maps);
        drop(containers);
        Ok(())
    })
}

/// A container of this node, judged by policies.
fn attach(bed: &Bed, number: u32) -> Result<Ns> {
    let member = Member::new(number);
    let container = bed.lab.container()?;
    let labels = member.labels();
    let labels = labels.iter();
    let labels: Vec<_> = labels
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let config = json!({
        "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0", "isGateway": true,
        "policy": true, "args": {"cni": {"labels": labels}},
        "ipam": {"type": "host-local", "subnet": "10.64.0.0/16",
                 "dataDir": bed.lab.scratch().join("addresses")},
    });
    let plugin = bed.node(1).cni("bridge").config(config);
    let plugin = plugin.container(member.container()).netns(&container);
    let plugin = plugin.args(format!(
        "IgnoreUnknown=1;K8S_POD_NAMESPACE={};K8S_POD_NAME={}",
        member.namespace(),
        member.pod()
    ));
    plugin.add()?.ok()?;
    Ok(container)
}

fn others() -> impl Iterator<Item = Member> {
    crowd::members().filter(|member| !member.number.is_multiple_of(ENDPOINTS / HERE))
}

/// What another node's daemon would write.
fn record(member: Member) -> Write {
    let key = format!(
        "{ROOT}endpoints/{}/{}/eth0",
        member.node(),
        member.container()
    );
    let value = json!({
        "version": 1, "network": "net", "container": member.container(), "ifname": "eth0",
        "workload": {"namespace": member.namespace(), "pod": member.pod(),
                     "labels": member.labels()},
        "addresses": member.addresses(), "mac": "02:00:00:00:00:02", "cluster": true,
    });
    put(key, &value)
}

fn put(key: String, value: &Value) -> Write {
    Write::Put {
        key,
        value: value.to_string().into_bytes(),
        lease: None,
    }
}

/// As `netctl apply` has it written.
fn object(object: &Value) -> Result<Write> {
    let parsed = fairway_policy::object::parse(object.clone())?;
    let kind = object["kind"].as_str().context("a kind")?;
    let folder = match kind {
        "Namespace" | "Pod" => "workloads",
        _ => "policies",
    };
    let namespace = match parsed.name.namespace.as_str() {
        "" => "-",
        namespace => namespace,
    };
    let key = format!("{ROOT}{folder}/{kind}/{namespace}/{}", parsed.name.name);
    Ok(put(key, &json!({"version": 1, "object": parsed.json})))
}

fn fill(bed: &Bed) -> Result<()> {
    let mut writes: Vec<Write> = others().map(record).collect();
    for one in crowd::objects() {
        writes.push(object(&one)?);
    }
    world::client(bed, |store| {
        for part in writes.chunks(Txn::LIMIT) {
            store.commit(part.to_vec())?;
        }
        Ok(())
    })
}

/// The map of addresses of the daemon, once it has those of all.
fn poll_map(bed: &Bed) -> Result<Map> {
    let last = others().last().context("nobody")?;
    let pid = bed.node(1).pid().context("fairwayd does not run")?;
    let mut found = None;
    poll(LIMIT, "the kernel knows all addresses", || {
        found = maps::find(pid, "ADDRESSES").ok().filter(|map| {
            let known = |address| identity(map, address).is_some();
            last.addresses().into_iter().all(known)
        });
        found.is_some()
    })?;
    found.context("no map")
}

/// One after the other: another node's record says another label, or the pod's object does.
fn changes(report: &mut Report, bed: &Bed, map: &Map) -> Result<()> {
    let before = process::cpu_ms(bed.node(1))?;
    let (mut whole, mut commits) = (Vec::new(), Vec::new());
    world::client(bed, |store| {
        for turn in 0..CHANGES {
            let mut member = Member::new(57 + turn * 49 % (ENDPOINTS / 2 - 57) * 2);
            member.app = (member.app + 3) % APPS;
            let [address, _] = member.addresses();
            let was = identity(map, address);
            let begun = Instant::now();
            store.commit(vec![record(member)])?;
            commits.push(ms(begun));
            while identity(map, address) == was {
                anyhow::ensure!(begun.elapsed() < LIMIT, "{address} stays {was:?}");
                std::thread::yield_now();
            }
            whole.push(ms(begun));
        }
        Ok(())
    })?;
    let used = (process::cpu_ms(bed.node(1))? - before) / f64::from(CHANGES);
    let bound = || Some(Bound::AtMost(200.0));
    let p99 = vec![Samples(whole.clone()).quantile(0.99)];
    let name =
        "fairwayd: a label changes, from before the store's commit until it is in the kernel";
    report.figure(name, "ms", bound(), whole);
    report.figure(format!("{name}: p99"), "ms", bound(), p99);
    report.figure("… of it the commit", "ms", None, commits);
    report.figure("… CPU time of the daemon", "ms", None, vec![used]);
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
