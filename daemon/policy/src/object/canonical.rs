//! The form in which an object is stored: what its user wrote, with the defaults that the API server
//! would fill in, without what only a server writes.

use super::meta::Meta;
use crate::spec::{Kind, NamedPort, Object, Protocol};
use serde_json::{Map, Value, json};

/// The object's JSON; it has been found valid.
pub(crate) fn canonical(
    version: &str,
    kind: Kind,
    meta: Meta,
    object: &Object,
    spec: Option<Value>,
) -> Value {
    let spec = match object {
        Object::NetworkPolicy(_) => Some(network_policy(spec)),
        Object::ClusterPolicy(_) => spec,
        Object::Namespace(_) => None,
        Object::Pod(pod) => Some(pod_spec(&pod.ports)).filter(|_| !pod.ports.is_empty()),
    };
    let mut whole = Map::new();
    whole.insert("apiVersion".into(), version.into());
    whole.insert("kind".into(), kind.name().into());
    whole.insert("metadata".into(), meta.into_json());
    if let Some(spec) = spec {
        whole.insert("spec".into(), spec);
    }
    whole.into()
}

fn network_policy(spec: Option<Value>) -> Value {
    let mut spec = spec.unwrap_or_default();
    drop_null(&mut spec);
    let mut spec = match spec {
        Value::Object(spec) => spec,
        _ => Map::new(),
    };
    spec.entry("podSelector").or_insert_with(|| json!({}));
    let some = |spec: &Map<String, Value>, name| {
        let list = spec.get(name).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    if !some(&spec, "policyTypes") {
        let types = match some(&spec, "egress") {
            true => json!(["Ingress", "Egress"]),
            false => json!(["Ingress"]),
        };
        spec.insert("policyTypes".into(), types);
    }
    for direction in ["ingress", "egress"] {
        let rules = spec.get_mut(direction).and_then(Value::as_array_mut);
        let ports = rules.into_iter().flatten();
        let ports = ports.filter_map(|rule| rule.get_mut("ports")?.as_array_mut());
        for port in ports.flatten().filter_map(Value::as_object_mut) {
            if !port.contains_key("protocol") {
                port.insert("protocol".into(), "TCP".into());
            }
        }
    }
    spec.into()
}

/// `null` is the same as nothing in the API server's own kinds.
fn drop_null(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // Seldom: to look is much less than to take apart and put together.
            if map.values().any(Value::is_null) {
                map.retain(|_, value| !value.is_null());
            }
            map.values_mut().for_each(drop_null);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_null),
        _ => {}
    }
}

/// Only what is used: a store for ten thousand pods has no room for their whole specs.
fn pod_spec(ports: &[NamedPort]) -> Value {
    // A container has each name once, so ports that share one are put into different ones.
    let mut containers: Vec<Vec<&NamedPort>> = Vec::new();
    for port in ports {
        let free = |held: &&mut Vec<&NamedPort>| held.iter().all(|other| other.name != port.name);
        match containers.iter_mut().find(free) {
            Some(held) => held.push(port),
            None => containers.push(vec![port]),
        }
    }
    let port = |port: &&NamedPort| {
        let protocol = protocol(port.protocol);
        json!({"name": port.name, "containerPort": port.port, "protocol": protocol})
    };
    let container = |held: &Vec<&NamedPort>| {
        let ports: Vec<Value> = held.iter().map(port).collect();
        json!({"ports": ports})
    };
    let containers: Vec<Value> = containers.iter().map(container).collect();
    json!({"containers": containers})
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}
