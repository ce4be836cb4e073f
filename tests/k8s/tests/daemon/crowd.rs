//! Ten thousand pods.

use crate::Outcome;
use fairway_lab::json;
use fairway_tests_k8s::Bed;
use fairway_tests_k8s::node::{Node, bed};
use std::{fmt::Write as _, time::Instant};

const PODS: usize = 10_000;
/// So many writes does etcd take at once.
const BATCH: usize = 100;

/// Written beside the API server, which reads JSON as well as what it writes: through it they would take minutes.
fn create(bed: &Bed) -> Outcome {
    let filler = "x".repeat(2000);
    for first in (0..PODS).step_by(BATCH) {
        let mut txn = "\n".to_owned();
        for number in first..first + BATCH {
            let name = format!("p{number:05}");
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "crowd", "uid": name, "labels": {"app": format!("a{}", number % 50)},
                             "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"filler": filler}},
                "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 80}]}]},
                "status": {"phase": "Running"}
            });
            writeln!(txn, "put /registry/pods/crowd/{name} {:?}", pod.to_string())?;
        }
        txn.push_str("\n\n");
        let etcdctl = bed.ns().command("etcdctl").env("ETCDCTL_API", "3");
        etcdctl
            .args(["--endpoints", &bed.etcd.endpoint(0), "txn"])
            .stdin(txn)
            .run()?;
    }
    Ok(())
}

#[test]
fn ten_thousand_pods_are_mirrored() -> Outcome {
    let bed = bed()?;
    let mut node = Node::new(&bed, "n1")?;
    create(&bed)?;
    let begun = Instant::now();
    node.start()?;
    node.soon("mirrored", || node.log().contains("all of Pod is mirrored"))?;
    let took = begun.elapsed();
    // Before anybody asks for all of them at once, which takes much more for a moment.
    let (own, all) = (node.memory("RssAnon:")?, node.memory("VmHWM:")?);
    eprintln!("{PODS} pods in {took:?}; {own} KiB of its own, {all} KiB with its program at most");
    assert_eq!(node.names("pods").len(), PODS);

    // A part of them goes while nobody looks.
    node.end(nix::sys::signal::Signal::SIGKILL)?;
    bed.etcd
        .etcdctl(&["del", "--prefix", "/registry/pods/crowd/p00"])?;
    node.start()?;
    Ok(node.soon("compared", || node.names("pods").len() == PODS - 1000)?)
}
