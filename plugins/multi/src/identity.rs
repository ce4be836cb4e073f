//! Who the container is: what its further networks are told of it besides what is asked for them.
//!
//! What a runtime says is about the first network: an address, a pool or a rate there must not be taken for the others'
//! too. But policies judge a container on each of its interfaces, and a claim is a workload's in each pool; they go by
//! names, labels and groups.

use fairway_cni::{
    Context, FieldError, Object,
    labels::{self, GROUPS, LABELS, NAMESPACE, NETWORKS, OWNER, POD},
    object::set,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Of `CNI_ARGS` what the runtime says of the pod.
pub(crate) fn args(raw: &str) -> String {
    let kept = raw.split(';').filter(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        key.starts_with("K8S_") || key == "IgnoreUnknown"
    });
    kept.collect::<Vec<_>>().join(";")
}

/// Its labels, by whoever says them; those that configure a network are left out.
///
/// # Errors
/// Names a field of the wrong type.
pub(crate) fn labels(context: &Context<'_>) -> Result<BTreeMap<String, String>, FieldError> {
    let mut all = labels::all(context.conf)?;
    all.retain(|key, _| !key.eq_ignore_ascii_case(NETWORKS));
    let mut groups = match context.conf.mesos_network_info()? {
        Some(info) => info.texts("groups")?,
        None => Vec::new(),
    };
    for key in [OWNER, NAMESPACE, POD, LABELS, GROUPS] {
        let said = labels::labels(context.conf, context.args, key)?;
        match said.into_iter().next() {
            Some(label) if key == GROUPS => groups.push(label.value),
            Some(label) => {
                all.insert(key.to_owned(), label.value);
            }
            None => {}
        }
    }
    if !groups.is_empty() {
        all.insert(GROUPS.to_owned(), groups.join(","));
    }
    Ok(all)
}

/// Puts labels under those that a plugin's `args.cni` has already.
pub(crate) fn put(plugin: &mut Map<String, Value>, labels: &BTreeMap<String, String>) {
    if labels.is_empty() {
        return;
    }
    let object = |map: &Map<String, Value>, key: &str| {
        let value = Object::root(map).get(key);
        let value = value.and_then(|field| field.value().as_object().cloned());
        value.unwrap_or_default()
    };
    let mut args = object(plugin, "args");
    let mut cni = object(&args, "cni");
    // Of a list the last one of a key counts.
    let mut list: Vec<Value> = labels
        .iter()
        .map(|(key, value)| pair(key, &json!(value)))
        .collect();
    match Object::root(&cni).get("labels").map(|field| field.value()) {
        Some(Value::Array(own)) => list.extend(own.iter().cloned()),
        Some(Value::Object(own)) => list.extend(own.iter().map(|(key, value)| pair(key, value))),
        // What is neither is the plugin's to refuse.
        Some(_) => return,
        None => {}
    }
    set(&mut cni, "labels", Value::Array(list));
    set(&mut args, "cni", Value::Object(cni));
    set(plugin, "args", Value::Object(args));
}

fn pair(key: &str, value: &Value) -> Value {
    json!({"key": key, "value": value})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_labels_stay_above() {
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let whole = |own: Value| {
            let mut plugin = json!({"type": "x", "args": own})
                .as_object()
                .unwrap()
                .clone();
            put(&mut plugin, &labels);
            plugin["args"]["cni"]["labels"].clone()
        };
        let web = json!({"key": "app", "value": "web"});
        let own = json!({"key": "app", "value": "own"});
        assert_eq!(whole(json!(null)), json!([web]));
        assert_eq!(whole(json!({"cni": {"labels": [own]}})), json!([web, own]));
        assert_eq!(
            whole(json!({"CNI": {"Labels": {"app": "own"}}})),
            json!([web, own])
        );
        assert_eq!(whole(json!({"cni": {"labels": 7}})), json!(7));
        let mut plugin = Map::new();
        put(&mut plugin, &BTreeMap::new());
        assert!(plugin.is_empty());
    }

    #[test]
    fn what_the_runtime_says_of_the_pod() {
        assert_eq!(
            args("IgnoreUnknown=1;K8S_POD_NAME=a;IP=10.0.0.9;fairway.network/pool=x;K8S_POD_UID=u"),
            "IgnoreUnknown=1;K8S_POD_NAME=a;K8S_POD_UID=u"
        );
        assert_eq!(args(""), "");
    }
}
