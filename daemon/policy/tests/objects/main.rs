//! Policy objects: what is taken, what it says, and what is refused by which field.

mod cluster;
mod fixture;
mod meta;
mod network;
mod pairs;
mod properties;

use fairway_policy::object::{self, Parsed};
use serde_json::{Value, json};

/// A NetworkPolicy.
fn network(spec: Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "web", "name": "p"},
        "spec": spec,
    })
}

/// A ClusterNetworkPolicy.
fn cluster(spec: Value) -> Value {
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": spec,
    })
}

#[track_caller]
fn taken(value: &Value) -> Parsed {
    object::parse(value.clone()).expect("an object that is fine")
}

/// Refused with exactly these lines.
#[track_caller]
fn refused(value: &Value, lines: &[&str]) {
    let error = object::parse(value.clone()).expect_err("a wrong object");
    let error = error.to_string();
    let found: Vec<_> = error.lines().collect();
    assert_eq!(found, lines, "{value:#}");
}
