//! The store itself keeps a leader of before from writing: here its lease at the API server is good, and another node has
//! taken over all the same.

use crate::Outcome;
use fairway_api::ipam::{Facts, Sourced};
use fairway_lab::{Value, json, serde_json};
use fairway_tests_cluster::attachment;
use fairway_tests_k8s::Bed;
use fairway_tests_k8s::node::{Node, apply, bed};

/// By which a node says that it leads.
pub(crate) const LEADS: &str = "/fairway/v1/meta/kubernetes";

pub(crate) fn get(bed: &Bed, key: &str, more: &[&str]) -> Outcome<Option<Value>> {
    let line = [&["get", key, "-w", "json"], more].concat();
    let mut told: Value = serde_json::from_str(&bed.etcd.etcdctl(&line)?)?;
    Ok(told["kvs"].as_array_mut().and_then(|all| all.pop()))
}

pub(crate) fn revision(bed: &Bed, key: &str, field: &str) -> Outcome<u64> {
    let entry = get(bed, key, &[])?.ok_or("no such key")?;
    Ok(entry[field].as_u64().ok_or("no revision")?)
}

/// What a key holds.
pub(crate) fn value(bed: &Bed, key: &str) -> Outcome<Value> {
    let text = bed.etcd.etcdctl(&["get", "--print-value-only", key])?;
    Ok(serde_json::from_str(&text)?)
}

/// The key of an object, as soon as it has one.
fn key(bed: &Bed, end: &str) -> Option<String> {
    let keys = ["get", "--prefix", "--keys-only", "/fairway/v1/"];
    let text = bed.etcd.etcdctl(&keys).ok()?;
    let mut own = text.lines().filter(|key| !key.contains("/origins/"));
    own.find(|key| key.ends_with(end)).map(str::to_owned)
}

/// Another node says that it leads; gives the revision at which it did.
pub(crate) fn taken_over(bed: &Bed) -> Outcome<u64> {
    let mut word = value(bed, LEADS)?;
    word["node"] = "z".into();
    bed.etcd.etcdctl(&["put", LEADS, &word.to_string()])?;
    revision(bed, LEADS, "mod_revision")
}

#[test]
fn who_was_deposed_writes_nothing_before_it_leads_anew() -> Outcome {
    let bed = bed()?;
    let mut node = Node::new(&bed, "a")?;
    node.start()?;
    node.soon("mirrored", || key(&bed, "/Namespace/-/default").is_some())?;
    let ours = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let tier = json!({"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "first"},
        "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}}});
    let pool = json!({"ranges": [{"cidr": "10.63.0.0/24"}]});
    // One for each way in which objects are written.
    for (object, end) in [
        (
            ours("RateLimit", "web", json!({"ingress": {"rate": "1M"}})),
            "/web",
        ),
        (tier, "/first"),
        (ours("IPPool", "apps", pool), "/pools/apps"),
        (
            ours("IPClaim", "edge", json!({"pool": "apps"})),
            "/apps/edge",
        ),
    ] {
        let usurped = taken_over(&bed)?;
        apply(&bed, &object.to_string())?;
        node.soon(end, || key(&bed, end).is_some())?;
        let written = key(&bed, end).ok_or("gone again")?;
        let written = revision(&bed, &written, "create_revision")?;
        let again = revision(&bed, LEADS, "mod_revision")?;
        assert!(
            usurped < again && again < written,
            "{end}: taken over at {usurped}, led anew at {again}, written at {written}"
        );
    }
    claims_stay(&bed, &node)
}

/// Nor does it give claims back.
fn claims_stay(bed: &Bed, node: &Node) -> Outcome {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {"replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
                 "template": {"metadata": {"labels": {"app": "db"}},
                              "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    apply(bed, &set.to_string())?;
    let facts = Facts {
        namespace: Some("default".to_owned()),
        pod: Some("db-0".to_owned()),
        release: Some(Sourced {
            value: "on-app-delete".to_owned(),
            field: "release".to_owned(),
        }),
        ..Facts::default()
    };
    node.door.add(&attachment("c0"), facts)?;
    node.door.del(&attachment("c0"))?;
    node.soon("claimed", || key(bed, "/default/db-0").is_some())?;
    let claim = key(bed, "/default/db-0").ok_or("no claim")?;

    let usurped = taken_over(bed)?;
    bed.kubectl(fairway_tests_k8s::User::Admin, "delete statefulset db")?;
    node.soon("given back", || {
        get(bed, &claim, &[]).is_ok_and(|there| there.is_none())
    })?;
    let again = revision(bed, LEADS, "mod_revision")?;
    assert!(usurped < again, "it did not lead anew");
    let then = get(bed, &claim, &[&format!("--rev={again}")])?;
    assert!(then.is_some(), "it was given back before {again}");
    Ok(())
}
