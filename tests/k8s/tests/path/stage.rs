//! Objects of the API server that these tests need, and what it says of them.

use anyhow::{Result, ensure};
use fairway_lab::{Value, json};
use fairway_tests_interop::cmd::eventually;
use fairway_tests_k8s::node::{SOON, apply, condition};
use fairway_tests_k8s::{Bed, User};

/// The namespace that all is in.
pub(crate) const SPACE: &str = "shop";
/// The network, and its pool.
pub(crate) const NETWORK: &str = "pods";

fn ours(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A namespace, a pool of both families, and a network; for whoever will come up.
pub(crate) fn furnish(bed: &Bed) -> Result<()> {
    let ranges = json!([{"cidr": "10.61.0.0/16"}, {"cidr": "fd00:61::/64"}]);
    for object in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}),
        ours("IPPool", NETWORK, json!({"ranges": ranges, "cooldown": 0})),
        ours("Network", NETWORK, json!({"pools": [NETWORK]})),
    ] {
        apply(bed, &object.to_string())?;
    }
    Ok(())
}

/// Waits until an object is.
pub(crate) fn accepted(bed: &Bed, object: &str) -> Result<()> {
    eventually(SOON, || {
        let told = condition(bed, object, "Accepted");
        let is = told.as_ref().is_some_and(|(status, ..)| status == "True");
        ensure!(is, "{object}: {told:?}");
        Ok(())
    })
}

/// A claim that is an object, for whoever names it.
pub(crate) fn claim(bed: &Bed, name: &str, address: &str) -> Result<()> {
    let spec = json!({"pool": NETWORK, "addresses": [address]});
    apply(bed, &ours("IPClaim", name, spec).to_string())?;
    accepted(bed, &format!("ipclaim {name}"))
}

/// A pod as the scheduler leaves it.
pub(crate) fn pod(bed: &Bed, (name, node): (&str, &str), app: &str, notes: Value) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": app}, "annotations": notes},
        "spec": {"nodeName": node, "containers": [
            {"name": "c", "image": "box", "ports": [{"name": "http", "containerPort": 80}]}]}});
    Ok(apply(bed, &object.to_string())?)
}

/// Nobody has it any more, as a kubelet says when its sandbox is gone.
pub(crate) fn forget(bed: &Bed, pod: &str) -> Result<()> {
    let flags = "--force --grace-period=0 --wait=false --ignore-not-found";
    bed.kubectl(User::Admin, &format!("delete pod {pod} -n {SPACE} {flags}"))?;
    Ok(())
}

/// Its pods are known by their names.
pub(crate) fn stateful_set(bed: &Bed, name: &str) -> Result<()> {
    let object = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"replicas": 1, "serviceName": name, "selector": {"matchLabels": {"app": name}},
                 "template": {"metadata": {"labels": {"app": name}},
                              "spec": {"containers": [{"name": "c", "image": "box"}]}}}});
    Ok(apply(bed, &object.to_string())?)
}

/// Into pods of one app come those of another, and only to the port of that name.
pub(crate) fn only(bed: &Bed, to: &str, from: &str) -> Result<()> {
    let spec = json!({"podSelector": {"matchLabels": {"app": to}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": from}}}],
                     "ports": [{"port": "http", "protocol": "TCP"}]}]});
    let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "only", "namespace": SPACE}, "spec": spec});
    Ok(apply(bed, &object.to_string())?)
}

/// What a status says.
pub(crate) fn status(bed: &Bed, object: &str) -> Result<Value> {
    let mut object = bed.json(User::Admin, &format!("get {object}"))?;
    Ok(object["status"].take())
}

/// Keys in the store that are not the API server's own.
pub(crate) fn keys(bed: &Bed) -> Result<Vec<String>> {
    let line = ["get", "--prefix", "--keys-only", "/fairway/v1/"];
    let text = bed.etcd.etcdctl(&line)?;
    let keys = text.lines().filter(|line| !line.is_empty());
    Ok(keys.map(str::to_owned).collect())
}
