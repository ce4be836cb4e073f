//! Ten thousand pods, and a hundred claims beside them.

use crate::Outcome;
use fairway_lab::{Value, json};
use fairway_tests_k8s::node::{Node, apply, bed};
use fairway_tests_k8s::{Bed, User};
use std::{collections::BTreeSet, fmt::Write as _, time::Instant};

const PODS: usize = 10_000;
const CLAIMS: usize = 100;
/// So many writes does etcd take at once.
const BATCH: usize = 100;

/// Written beside the API server, which reads JSON as well as what it writes: through it they would take minutes.
fn create(bed: &Bed, folder: &str, objects: impl Iterator<Item = (String, Value)>) -> Outcome {
    let objects: Vec<_> = objects.collect();
    for some in objects.chunks(BATCH) {
        let mut txn = "\n".to_owned();
        for (name, object) in some {
            writeln!(
                txn,
                "put /registry/{folder}/{name} {:?}",
                object.to_string()
            )?;
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

fn pods() -> impl Iterator<Item = (String, Value)> {
    let filler = "x".repeat(2000);
    (0..PODS).map(move |number| {
        let name = format!("p{number:05}");
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "crowd", "uid": name, "labels": {"app": format!("a{}", number % 50)},
                         "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"filler": filler}},
            "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 80}]}]},
            "status": {"phase": "Running"}
        });
        (name, pod)
    })
}

fn claims() -> impl Iterator<Item = (String, Value)> {
    (0..CLAIMS).map(|number| {
        let name = format!("c{number:03}");
        let metadata = json!({"name": name, "uid": name, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"});
        let claim = json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "IPClaim", "metadata": metadata, "spec": {"pool": "crowd"}
        });
        (name, claim)
    })
}

/// All addresses that the API server is told of.
fn told(bed: &Bed) -> BTreeSet<String> {
    let all = bed.json(User::Admin, "get ipclaims").unwrap_or_default();
    let claims = all["items"].as_array().into_iter().flatten();
    let addresses = claims.filter_map(|claim| claim["status"]["addresses"].as_array());
    let text = addresses.flatten().filter_map(Value::as_str);
    text.map(str::to_owned).collect()
}

#[test]
fn ten_thousand_pods_are_mirrored() -> Outcome {
    let bed = bed()?;
    let mut node = Node::new(&bed, "n1")?;
    create(&bed, "pods/crowd", pods())?;
    let begun = Instant::now();
    node.start()?;
    node.soon("mirrored", || node.log().contains("all of Pod is mirrored"))?;
    let took = begun.elapsed();
    // Before anybody asks for all of them at once, which takes much more for a moment.
    let (own, all) = (node.memory("RssAnon:")?, node.memory("VmHWM:")?);
    eprintln!("{PODS} pods in {took:?}; {own} KiB of its own, {all} KiB with its program at most");
    assert_eq!(node.names("pods").len(), PODS);

    let ranges = json!([{"cidr": "10.64.0.0/20"}, {"cidr": "fd00:64::/116"}]);
    let pool = json!({"apiVersion": "fairway.network/v1alpha1", "kind": "IPPool", "metadata": {"name": "crowd"},
                      "spec": {"ranges": ranges}});
    apply(&bed, &pool.to_string())?;
    create(&bed, "fairway.network/ipclaims", claims())?;
    let begun = Instant::now();
    node.soon("claimed", || told(&bed).len() == 2 * CLAIMS)?;
    eprintln!("{CLAIMS} claims in {:?}", begun.elapsed());

    // A part of them goes while nobody looks.
    node.end(nix::sys::signal::Signal::SIGKILL)?;
    bed.etcd
        .etcdctl(&["del", "--prefix", "/registry/pods/crowd/p00"])?;
    node.start()?;
    Ok(node.soon("compared", || node.names("pods").len() == PODS - 1000)?)
}
