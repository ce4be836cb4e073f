//! Policy objects as administrators write them.

use anyhow::{Context, Result};
use fairway_api::admin::{Applied, ObjectApply, ObjectRef};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Answer, Door};

/// A namespace with labels (a JSON object).
pub(crate) fn namespace(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// A pod with labels (a JSON object), and names for the ports that the pods of these tests serve.
pub(crate) fn pod(namespace: &str, name: &str, labels: Value) -> Value {
    let port = |number: u16, protocol: &str| {
        let name = format!("serve-{number}-{}", protocol.to_lowercase());
        json!({"name": name, "containerPort": number, "protocol": protocol})
    };
    let ports = |number| [port(number, "TCP"), port(number, "UDP")];
    let containers = json!([
        {"name": "first", "ports": ports(80)},
        {"name": "second", "ports": ports(81)},
    ]);
    json!({"apiVersion": "v1", "kind": "Pod",
           "metadata": {"namespace": namespace, "name": name, "labels": labels},
           "spec": {"containers": containers}})
}

/// A `NetworkPolicy`.
pub(crate) fn policy(namespace: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
           "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

/// A `ClusterNetworkPolicy`.
pub(crate) fn cluster(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
           "metadata": {"name": name}, "spec": spec})
}

/// The same object in audit.
pub(crate) fn audited(mut object: Value) -> Value {
    object["metadata"]["annotations"] = json!({"fairway.network/policy-mode": "audit"});
    object
}

/// All that has to do with the pods is refused to them, both ways.
pub(crate) fn deny_all(namespace: &str) -> Value {
    let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    policy(namespace, "deny-all", spec)
}

/// Nothing may get to the pods.
pub(crate) fn deny_ingress(namespace: &str) -> Value {
    policy(namespace, "deny-ingress", json!({"podSelector": {}}))
}

/// By the socket.
pub(crate) fn apply(door: &Door, objects: &[Value]) -> Answer<Vec<Applied>> {
    let objects = objects.to_vec();
    door.apply(ObjectApply { objects })
}

/// All of them.
pub(crate) fn remove(door: &Door, objects: &[Value]) -> Result<()> {
    for object in objects {
        door.object_remove(reference(object)?)
            .with_context(|| object["metadata"].to_string())?;
    }
    Ok(())
}

pub(crate) fn reference(object: &Value) -> Result<ObjectRef> {
    let text = |at: &str| {
        object
            .pointer(at)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    Ok(ObjectRef {
        kind: text("/kind").context("kind")?,
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name").context("name")?,
    })
}
