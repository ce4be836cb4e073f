//! What is kept of an object that a server tells of.
//!
//! A pod is ten kilobytes, of which a hundred bytes matter here; most of the rest is who has managed which field. So
//! objects are read into these types as they come from the wire, and what has no field in them is never kept.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

/// Annotations that mean something to us besides those below `fairway.network/`.
const ANNOTATIONS: [&str; 4] = [
    "kubernetes.io/ingress-bandwidth",
    "kubernetes.io/egress-bandwidth",
    NETWORKS,
    STATIC,
];

/// The annotation by which a pod asks for networks.
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// What a pod is mirrored with: its uid, by which a runtime knows it, too. Of a name there may be one after another, and
/// they may ask for different things.
pub const UID: &str = "fairway.network/uid";

/// By this the object that stands for a pod of a node's own file says the uid that the node knows it by.
const STATIC: &str = "kubernetes.io/config.mirror";

/// An object, as far as it matters.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Seen<S, T = Nothing> {
    #[serde(deserialize_with = "metadata")]
    pub(crate) metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: S,
    #[serde(default)]
    pub(crate) status: T,
}

/// What is skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Nothing, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Nothing)
    }
}

/// An object of which only the name, labels and annotations matter.
pub(crate) type Bare = Seen<Nothing>;
/// One whose spec matters as it is, and its status as we wrote it.
pub(crate) type Whole = Seen<Option<Value>, Option<Value>>;
/// A pod.
pub(crate) type Pod = Seen<PodSpec, PodStatus>;
/// A workload's controller.
pub(crate) type App = Seen<AppSpec>;

/// Of a pod's spec.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodSpec {
    host_network: bool,
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    restart_policy: Option<String>,
    ports: Option<Vec<Port>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    name: Option<String>,
    container_port: Value,
    protocol: Option<String>,
}

/// Of a pod's status.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodStatus {
    phase: Option<String>,
}

/// Of a workload's spec.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AppSpec {
    pub(crate) replicas: Option<u32>,
    pub(crate) ordinals: Option<Ordinals>,
}

/// With which number a StatefulSet begins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ordinals {
    pub(crate) start: u32,
}

/// Of `metadata`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

fn metadata<'de, D: Deserializer<'de>>(from: D) -> Result<ObjectMeta, D::Error> {
    let meta = Meta::deserialize(from)?;
    let ours = |key: &str| key.starts_with("fairway.network/") || ANNOTATIONS.contains(&key);
    let annotations = meta.annotations.map(|mut all| {
        all.retain(|key, _| ours(key));
        all
    });
    Ok(ObjectMeta {
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
        resource_version: meta.resource_version,
        generation: meta.generation,
        labels: meta.labels.filter(|labels| !labels.is_empty()),
        annotations: annotations.filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    })
}

impl<S, T> kube::Resource for Seen<S, T> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// An object that is mirrored.
pub(crate) trait Mirrored:
    kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>
    + DeserializeOwned
    + Clone
    + Debug
    + Send
    + Sync
    + 'static
{
    /// Its `spec`; none: it is not mirrored at all.
    fn take_spec(&mut self) -> Option<Option<Value>>;

    /// Its `status.conditions`.
    fn take_conditions(&mut self) -> Option<Value>;

    /// As `netctl apply` would be given it; none: it does not concern us.
    fn manifest(&mut self, resource: &ApiResource) -> Option<Value> {
        let spec = self.take_spec()?;
        let meta = self.meta();
        let mut metadata = Map::new();
        let texts = [("name", &meta.name), ("namespace", &meta.namespace)];
        for (key, text) in texts {
            if let Some(text) = text {
                metadata.insert(key.to_owned(), text.clone().into());
            }
        }
        let maps = [("labels", &meta.labels), ("annotations", &meta.annotations)];
        for (key, map) in maps {
            if let Some(map) = map {
                metadata.insert(key.to_owned(), json!(map));
            }
        }
        let mut manifest = json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": metadata,
        });
        if let Some(spec) = spec {
            manifest["spec"] = spec;
        }
        Some(manifest)
    }
}

impl Mirrored for Bare {
    fn take_spec(&mut self) -> Option<Option<Value>> {
        Some(None)
    }

    fn take_conditions(&mut self) -> Option<Value> {
        None
    }
}

impl Mirrored for Whole {
    fn take_spec(&mut self) -> Option<Option<Value>> {
        Some(self.spec.take())
    }

    fn take_conditions(&mut self) -> Option<Value> {
        let conditions = self.status.as_mut()?.get_mut("conditions");
        conditions.map(Value::take)
    }
}

impl Mirrored for Pod {
    fn take_spec(&mut self) -> Option<Option<Value>> {
        let over = matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed"));
        let uid = self.metadata.uid.clone();
        let annotations = self.metadata.annotations.get_or_insert_default();
        match annotations.remove(STATIC).or(uid) {
            Some(uid) => drop(annotations.insert(UID.to_owned(), uid)),
            // It would be a word of somebody else's.
            None => drop(annotations.remove(UID)),
        }
        // One that shares its node's namespace has no endpoint of its own.
        (!over && !self.spec.host_network).then(|| self.spec.named_ports())
    }

    fn take_conditions(&mut self) -> Option<Value> {
        None
    }
}

impl PodSpec {
    /// Containers, as far as they have ports with names.
    fn named_ports(&self) -> Option<Value> {
        let list = |containers: &Option<Vec<Container>>| -> Vec<Value> {
            let containers = containers.iter().flatten();
            containers.filter_map(Container::named_ports).collect()
        };
        let (main, init) = (list(&self.containers), list(&self.init_containers));
        let mut spec = Map::new();
        for (key, containers) in [("containers", main), ("initContainers", init)] {
            if !containers.is_empty() {
                spec.insert(key.to_owned(), containers.into());
            }
        }
        (!spec.is_empty()).then_some(spec.into())
    }
}

impl Container {
    fn named_ports(&self) -> Option<Value> {
        let named = |port: &Port| {
            let name = port.name.as_ref().filter(|name| !name.is_empty())?;
            let mut named = json!({ "name": name, "containerPort": port.container_port });
            if let Some(protocol) = &port.protocol {
                named["protocol"] = json!(protocol);
            }
            Some(named)
        };
        let ports: Vec<Value> = self.ports.iter().flatten().filter_map(named).collect();
        let mut container = json!({ "ports": ports });
        if let Some(policy) = &self.restart_policy {
            container["restartPolicy"] = json!(policy);
        }
        (!ports.is_empty()).then_some(container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn pod(phase: &str, host: bool) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "front-0", "namespace": "web", "uid": "u", "resourceVersion": "7",
                "labels": { "app": "front" },
                "annotations": {
                    "fairway.network/claim": "front", "kubernetes.io/ingress-bandwidth": "1M",
                    "kubectl.kubernetes.io/last-applied-configuration": "…",
                    "k8s.v1.cni.cncf.io/networks": "fast", "fairway.network/uid": "another's"
                },
                "managedFields": [{ "manager": "kubelet" }],
                "ownerReferences": [{ "kind": "StatefulSet" }]
            },
            "spec": {
                "hostNetwork": host, "nodeName": "n1",
                "containers": [
                    { "name": "a", "image": "i", "env": [{ "name": "x" }],
                      "ports": [{ "name": "http", "containerPort": 80, "protocol": "TCP" }, { "containerPort": 9 }] },
                    { "name": "b" }
                ],
                "initContainers": [{ "name": "c", "restartPolicy": "Always", "ports": [{ "name": "dns", "containerPort": 53 }] }]
            },
            "status": { "phase": phase, "podIP": "10.0.0.1" }
        })
    }

    fn manifest<K: Mirrored>(kind: Kind, version: &str, object: Value) -> Option<Value> {
        let mut seen: K = serde_json::from_value(object).unwrap();
        seen.manifest(&kind.resource(version))
    }

    #[test]
    fn of_a_pod_is_kept_what_policies_need() {
        let read = manifest::<Pod>(Kind::Pod, "v1", pod("Running", false)).unwrap();
        let wanted = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "front-0", "namespace": "web", "labels": { "app": "front" },
                "annotations": {
                    "fairway.network/claim": "front", "kubernetes.io/ingress-bandwidth": "1M",
                    "k8s.v1.cni.cncf.io/networks": "fast", "fairway.network/uid": "u"
                }
            },
            "spec": {
                "containers": [{ "ports": [{ "name": "http", "containerPort": 80, "protocol": "TCP" }] }],
                "initContainers": [{ "restartPolicy": "Always", "ports": [{ "name": "dns", "containerPort": 53 }] }]
            }
        });
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_pod_of_a_nodes_own_file_goes_by_the_uid_that_the_node_knows() {
        let mut object = pod("Pending", false);
        object["metadata"]["annotations"][STATIC] = json!("hash");
        let read = manifest::<Pod>(Kind::Pod, "v1", object).unwrap();
        let annotations = &read["metadata"]["annotations"];
        assert_eq!(
            (&annotations[UID], &annotations[STATIC]),
            (&json!("hash"), &Value::Null)
        );
    }

    #[test]
    fn pods_without_a_network_of_their_own_do_not_concern_us() {
        for (phase, host) in [("Running", true), ("Succeeded", false), ("Failed", false)] {
            assert_eq!(manifest::<Pod>(Kind::Pod, "v1", pod(phase, host)), None);
        }
        let bare = json!({ "metadata": { "name": "a" }, "spec": null });
        assert!(
            serde_json::from_value::<Pod>(bare).is_err(),
            "spec is no null"
        );
        assert!(manifest::<Pod>(Kind::Pod, "v1", json!({ "metadata": { "name": "a" } })).is_some());
    }

    #[test]
    fn a_spec_of_ours_is_kept_as_it_is() {
        let object = json!({
            "metadata": { "name": "a", "generation": 3 },
            "spec": { "cidrs": ["10.0.0.0/8"], "x": null },
            "status": { "conditions": [{ "type": "Accepted" }], "live": 3 }
        });
        let mut seen: Whole = serde_json::from_value(object).unwrap();
        assert_eq!(
            seen.take_conditions(),
            Some(json!([{ "type": "Accepted" }]))
        );
        let read = seen.manifest(&Kind::IpPool.resource("v1alpha1")).unwrap();
        let wanted = json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "IPPool",
            "metadata": { "name": "a" }, "spec": { "cidrs": ["10.0.0.0/8"], "x": null }
        });
        assert_eq!(read, wanted);
    }
}
