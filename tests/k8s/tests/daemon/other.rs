//! An API server that is another cluster's, at the same address and with the same credentials: one whose etcd was lost,
//! and that was set up anew.

use crate::Outcome;
use fairway_lab::json;
use fairway_tests_k8s::node::{Node, UNJUDGED, apply, bed, furnish};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;

fn uid(bed: &Bed) -> Outcome<String> {
    let system = bed.json(User::Admin, "get namespace kube-system")?;
    let uid = system["metadata"]["uid"].as_str();
    Ok(uid.ok_or("no uid")?.to_owned())
}

fn limit(name: &str) -> String {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit", "metadata": {"name": name},
           "spec": {"ingress": {"rate": "20M"}}})
    .to_string()
}

#[test]
fn another_cluster_is_not_mirrored_until_that_is_meant() -> Outcome {
    let bed = bed()?;
    let mut node = Node::new(&bed, "n1")?;
    node.start()?;
    apply(&bed, &limit("kept"))?;
    node.soon("mirrored", || node.has("ratelimits", "kept"))?;
    let before = uid(&bed)?;

    bed.server.kill()?;
    bed.etcd.etcdctl(&["del", "--prefix", "/registry/"])?;
    bed.server.launch()?;
    bed.ready()?;
    furnish(&bed)?;
    let now = uid(&bed)?;
    assert_ne!(before, now);
    apply(&bed, &limit("other"))?;
    let told = format!("mirrors the cluster {before}, and this API server is of {now}");
    // The one that leads finds out, and so does one that begins to.
    for _ in 0..2 {
        node.soon("told", || node.problem(&told))?;
        assert_eq!(node.names("ratelimits"), ["kept"]);
        node.end(Signal::SIGTERM)?;
        node.start()?;
    }
    node.end(Signal::SIGTERM)?;
    let meant = format!("kubernetes_cluster = {now:?}\n{UNJUDGED}");
    node.configure(&bed, &bed.kubeconfig(User::Daemon), &meant)?;
    node.start()?;
    Ok(node.soon("the new one is mirrored", || {
        node.names("ratelimits") == ["other"]
    })?)
}
