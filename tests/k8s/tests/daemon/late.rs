//! An ADD that is earlier than the pod's object: it waits for that, and not for ever.

use crate::Outcome;
use fairway_lab::{Cni, Ns, json};
use fairway_tests_k8s::node::{Node, apply, bed};
use fairway_tests_k8s::{Bed, User};
use std::thread;
use std::time::{Duration, Instant};

/// What the runtime of a pod waits for an ADD; the daemon's part of it is a fraction of that.
const LIMIT: Duration = Duration::from_secs(30);
/// So long the daemon waits for an object. On a busy machine one that is made at once comes before anybody waits for it,
/// so it is by the one that never comes that the waiting is seen.
const PATIENCE: Duration = Duration::from_secs(5);
/// An object that is made at once may come too late on a machine that has much to do.
const TRIES: usize = 3;

/// The plugin as a pod's runtime calls it.
fn plugin(node: &Node, ns: &Ns, pod: &str) -> Cni {
    let config = json!({"cniVersion": "1.1.0", "name": "pods", "type": "vxlan", "network": "pods", "policy": true,
                        "ipam": {"type": "fairway"}});
    let args = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}");
    let cni = node.cni("vxlan").container(format!("of-{pod}")).netns(ns);
    cni.config(config).args(args).limit(LIMIT)
}

fn object(bed: &Bed, pod: &str) -> Outcome {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": "default"},
                        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let answer = bed.call(
        User::Admin,
        ("POST", "/api/v1/namespaces/default/pods"),
        &object,
    )?;
    match answer.done {
        true => Ok(()),
        false => Err(answer.text.into()),
    }
}

/// Has a container an address?
fn live(node: &Node, pod: &str) -> bool {
    let rows = node.door.list(Default::default()).unwrap_or_default();
    let container = format!("of-{pod}");
    let mut holders = rows.iter().filter_map(|row| row.attachment.as_ref());
    holders.any(|holder| holder.container == container)
}

#[test]
fn an_add_waits_for_its_pod_and_no_longer_than_it_may() -> Outcome {
    let bed = bed()?;
    let mut node = Node::bare(&bed, "n1")?;
    node.configure(&bed, &bed.kubeconfig(User::Daemon), "")?;
    node.start()?;
    for (kind, spec) in [
        (
            "IPPool",
            json!({"ranges": [{"cidr": "10.64.0.0/24"}, {"cidr": "fd00:64::/64"}], "cooldown": 0}),
        ),
        ("Network", json!({"pools": ["pods"]})),
    ] {
        let object = json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind,
                            "metadata": {"name": "pods"}, "spec": spec});
        apply(&bed, &object.to_string())?;
    }
    node.soon("a network", || node.door.prepare("pods").is_ok())?;
    waits(&bed, &node)?;
    ends(&bed, &node)
}

fn waits(bed: &Bed, node: &Node) -> Outcome {
    for attempt in 1..=TRIES {
        let pod = format!("late-{attempt}");
        let ns = node.container()?;
        let cni = plugin(node, &ns, &pod);
        let outcome = thread::scope(|scope| -> Outcome<_> {
            let add = scope.spawn(|| cni.add());
            let begun = node.soon("it has begun", || live(node, &pod) || add.is_finished());
            let made = object(bed, &pod);
            let outcome = add.join().map_err(|_| "panicked")?;
            begun?;
            made?;
            Ok(outcome?)
        })?;
        match outcome.ok() {
            Ok(result) => {
                cni.check(&result)?.ok()?;
                cni.del(Some(&result))?.ok()?;
                return Ok(());
            }
            // The runtime would try again.
            Err(_) if attempt < TRIES => drop(outcome.fails(11)?),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn ends(bed: &Bed, node: &Node) -> Outcome {
    object(bed, "known")?;
    node.soon("a pod", || node.has("pods", "known"))?;
    bed.server.kill()?;
    let links = node.ns.run("ip -o link")?;
    let ns = node.container()?;
    let unknown = plugin(node, &ns, "unknown");
    let begun = Instant::now();
    let error = unknown.add()?.fails(11)?;
    let took = begun.elapsed();
    assert!(took >= PATIENCE, "{took:?}: nobody waited for the pod");
    let told = "pod default/unknown has not come from the API server yet";
    assert!(
        format!("{} {}", error.msg, error.details).contains(told),
        "{error:?}"
    );
    // Nothing is left of it, also before its runtime says DEL.
    node.soon("no address", || !live(node, "unknown"))?;
    assert_eq!(
        node.ns.run("ip -o link")?.lines().count(),
        links.lines().count()
    );
    assert!(!ns.run("ip -o link")?.contains("eth0"));
    unknown.del(None)?.ok()?;

    // A pod that is known, and what is none, need no API server.
    let (other, bare) = (node.container()?, node.container()?);
    let known = plugin(node, &other, "known");
    let plain = plugin(node, &bare, "x")
        .container("plain")
        .args("IgnoreUnknown=1");
    for cni in [&known, &plain] {
        let result = cni.add()?.ok()?;
        cni.del(Some(&result))?.ok()?;
    }
    // And the one that was refused comes up when its object does.
    bed.server.launch()?;
    bed.ready()?;
    object(bed, "unknown")?;
    node.soon("the pod", || node.has("pods", "unknown"))?;
    let result = unknown.add()?.ok()?;
    unknown.del(Some(&result))?.ok()?;
    Ok(())
}
