//! Pods of a real kubelet: from a node that has no network to one that has lost nothing.

use crate::alive::{Alive, SOON};
use crate::kubelet::{Running, nothing};
use crate::stage::{self, NETWORK, SPACE};
use crate::talk::Talk;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::IpamAudit;
use fairway_lab::json;
use fairway_tests_interop::cmd::eventually;
use fairway_tests_interop::host::on_private_host_within;
use fairway_tests_k8s::node::{apply, bed, condition};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);
const NODE: &str = "n1";
/// A port of the node that is a pod's.
const PORT: u16 = 8080;

#[test]
fn a_kubelet_runs_pods_and_all_of_it_outlives_kubelet_and_daemon() -> Result<()> {
    on_private_host_within(LIMIT, |host| {
        let bed = bed()?;
        stage::furnish(&bed)?;
        let mut node = Alive::new(host, &bed, NODE)?;
        life(&mut node).with_context(|| node.log())
    })
}

fn life(node: &mut Alive<'_>) -> Result<()> {
    stage::stateful_set(node.bed, "db")?;
    begins(node)?;
    let release = json!({"fairway.network/release": "on-app-delete"});
    node.pod("db-0", "db", &release, &json!({}))?;
    node.pod("web", "web", &json!({}), &json!({}))?;
    let ports = json!({"ports": [{"containerPort": 80, "hostPort": PORT}]});
    node.pod("door", "door", &json!({}), &ports)?;
    let (db, web) = (node.ready("db-0")?, node.ready("web")?);
    let door = node.ready("door")?;
    for pod in [&db, &web, &door] {
        ensure!(pod.addresses.len() == 2, "{pod:?}");
        ensure!(pod.addresses[0].starts_with("10.61."), "{pod:?}");
    }
    eventually(SOON, || published(node))?;

    let mut talk = Talk::begin(&web, &db)?;
    node.kubelet.kill()?;
    talk.exchange().context("without a kubelet")?;
    node.kubelet.start()?;
    // Pods that it runs and ends show that it has looked at all of the node's.
    probed(node, &web)?;
    for pod in [&db, &web, &door] {
        same(node, pod)?;
    }
    talk.exchange().context("with another kubelet")?;
    eventually(SOON, || published(node))?;

    moves_in_again(node, &db, &release)?;
    daemon_away(node, &door)?;
    ended(node)
}

/// It has its container and addresses still, and is ready.
fn same(node: &Alive<'_>, pod: &Running) -> Result<()> {
    let now = node.ready(&pod.name)?;
    ensure!(now == *pod, "{now:?}, but {pod:?}");
    Ok(())
}

/// The node is ready when it has a network, and bears the taint until the daemon serves.
fn begins(node: &mut Alive<'_>) -> Result<()> {
    let object = format!("node {NODE}");
    let ready = |bed: &Bed| condition(bed, &object, "Ready").unwrap_or_default();
    eventually(SOON, || {
        let (status, _, message) = ready(node.bed);
        let so = status == "False" && message.contains("NetworkPluginNotReady");
        ensure!(so, "{status}: {message}");
        Ok(())
    })?;
    ensure!(tainted(node.bed)?, "the kubelet set the taint");
    node.node.start()?;
    eventually(SOON, || {
        ensure!(!tainted(node.bed)?, "the taint stays");
        Ok(())
    })?;
    ensure!(ready(node.bed).0 == "False", "there is no configuration");
    stage::accepted(node.bed, &format!("network {NETWORK}"))?;
    node.install()?;
    eventually(SOON, || {
        let (status, _, message) = ready(node.bed);
        ensure!(status == "True", "{status}: {message}");
        Ok(())
    })
}

fn tainted(bed: &Bed) -> Result<bool> {
    let node = bed.json(User::Admin, &format!("get node {NODE}"))?;
    let taints = node["spec"]["taints"].as_array();
    let mut taints = taints.into_iter().flatten();
    Ok(taints.any(|taint| taint["key"] == "fairway.network/not-ready"))
}

/// What another machine gets at the node's port is the pod's.
fn published(node: &Alive<'_>) -> Result<()> {
    let url = format!("http://{}:{PORT}/", node.node.address());
    let line = format!("curl --silent --show-error --fail --max-time 20 {url}");
    node.bed.ns().run(&line)?;
    Ok(())
}

/// Nobody gets to a pod, but for its node's probes: as well to one that is there as to one that comes later.
fn probed(node: &Alive<'_>, web: &Running) -> Result<()> {
    // One that gets no answer at all fails for good, and one that a busy machine lets wait does not.
    let probe = |kind: &str, how: fairway_lab::Value| json!({kind: how, "periodSeconds": 1, "timeoutSeconds": 20, "failureThreshold": 1});
    let probes = json!({
        "livenessProbe": probe("httpGet", json!({"port": 80, "path": "/"})),
        "readinessProbe": probe("tcpSocket", json!({"port": 80})),
    });
    node.pod("before", "shut", &json!({}), &probes)?;
    let before = node.ready("before")?;
    eventually(SOON, || {
        ensure!(node.fetches(web, &before)?, "there is no policy yet");
        Ok(())
    })?;
    let spec = json!({"podSelector": {"matchLabels": {"app": "shut"}}, "policyTypes": ["Ingress"]});
    let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": SPACE}, "spec": spec});
    apply(node.bed, &object.to_string())?;
    eventually(SOON, || {
        ensure!(!node.fetches(web, &before)?, "the policy is not in force");
        Ok(())
    })?;
    let count = |kind: &str, result: &str| node.kubelet.probes(&node.node, "before", kind, result);
    let good = |kind: &str| count(kind, "successful");
    let (lives, readies) = (good("Liveness")?, good("Readiness")?);
    node.pod("after", "shut", &json!({}), &probes)?;
    let after = node.ready("after")?;
    eventually(SOON, || {
        let more = (good("Liveness")? - lives, good("Readiness")? - readies);
        ensure!(more.0 >= 3 && more.1 >= 3, "{more:?} probes");
        Ok(())
    })?;
    for kind in ["Liveness", "Readiness"] {
        let failed = count(kind, "failed")?;
        ensure!(failed == 0, "{failed} of {kind} failed");
    }
    for pod in [&before, &after] {
        ensure!(!node.fetches(web, pod)?, "{pod:?} is shut");
        same(node, pod)?;
    }
    node.delete(&["before", "after"])?;
    eventually(SOON, || {
        gone(node, &before).and_then(|()| gone(node, &after))
    })
}

/// A pod of a StatefulSet is deleted, its address waits, and the next one of its name has it.
///
/// Half the time this kubelet misses that the sandbox is stopped, and says that the pod is gone when it next collects what is
/// left, once a minute. The test says it in its place.
fn moves_in_again(node: &Alive<'_>, db: &Running, release: &fairway_lab::Value) -> Result<()> {
    node.delete(&["db-0"])?;
    eventually(SOON, || gone(node, db))?;
    stage::forget(node.bed, "db-0")?;
    node.pod("db-0", "db", release, &json!({}))?;
    let next = node.ready("db-0")?;
    ensure!(
        next.addresses == db.addresses && next.id != db.id,
        "{next:?}, but {db:?}"
    );
    Ok(())
}

/// A pod is deleted while there is no daemon: it ends, and its addresses come back with the daemon.
///
/// Its object is not waited for: a DEL that looks for the daemon takes so long that the kubelet leaves it to its collection.
fn daemon_away(node: &mut Alive<'_>, pod: &Running) -> Result<()> {
    node.node.end(Signal::SIGTERM)?;
    node.delete(&[&pod.name])?;
    let records = node.node.folder().join("state/released");
    eventually(SOON, || {
        let left = fs::read_dir(&records)?.count();
        ensure!(left > 0, "nobody said that it ended");
        ensure!(!pod.runs(), "it runs");
        Ok(())
    })?;
    node.node.start()?;
    eventually(SOON, || {
        gone(node, pod)?;
        let audit = node.node.door.audit(IpamAudit::default())?;
        let live: u64 = audit.pools.iter().map(|pool| pool.live).sum();
        ensure!(live == 4, "two pods have two each, but {audit:?}");
        Ok(())
    })
}

/// It does not run, and no container has its addresses, in the daemon's words.
fn gone(node: &Alive<'_>, pod: &Running) -> Result<()> {
    ensure!(!pod.runs(), "{pod:?} runs");
    let all = node.node.door.endpoints()?;
    let text = format!("{all:?}");
    let left = pod.addresses.iter().any(|address| text.contains(address));
    ensure!(!left, "{pod:?} is among {text}");
    Ok(())
}

/// All pods go, and nothing is left but what the pool keeps for the StatefulSet.
fn ended(node: &Alive<'_>) -> Result<()> {
    node.delete(&["db-0", "web"])?;
    eventually(SOON, || {
        nothing(&node.node)?;
        let audit = node.node.door.audit(IpamAudit::default())?;
        ensure!(audit.findings.is_empty(), "{audit:?}");
        let kept = |pool: &fairway_api::admin::Balance| {
            (pool.live, pool.allocated, pool.claimed) == (0, 2, 2)
        };
        ensure!(
            audit.pools.iter().all(kept) && audit.pools.len() == 1,
            "{audit:?}"
        );
        let rules = node.node.command("nft").args(["list", "ruleset"]).run()?;
        ensure!(!rules.contains(&PORT.to_string()), "{rules}");
        let (clean, text) = node.node.netctl("ipam check", "")?;
        ensure!(clean, "{text}");
        Ok(())
    })
}
