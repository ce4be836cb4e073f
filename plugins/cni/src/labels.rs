//! What a workload says of itself, by keys such as `fairway.network/pool`.
//!
//! The same keys are read as annotations of a pod, as labels in `args.cni`, in `CNI_ARGS`, and as labels of
//! a Mesos task. A pod's annotations come in `runtimeConfig`, with no call to an API server, where the
//! configuration names the capability `io.kubernetes.cri.pod-annotations`.

use crate::{CniArgs, Field, FieldError, NetConf, asked::Place};
use std::collections::BTreeMap;

/// The capability by which a pod's annotations come.
pub const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// The pool to take addresses from.
pub const POOL: &str = "fairway.network/pool";
/// A claim's name.
pub const CLAIM: &str = "fairway.network/claim";
/// When the claim's addresses are given back.
pub const RELEASE: &str = "fairway.network/release";
/// What a newcomer gets while the claim is held.
pub const HANDOVER: &str = "fairway.network/handover";
/// These very addresses.
pub const ADDRESS: &str = "fairway.network/address";
/// What the pod belongs to, `KIND/NAME`.
pub const OWNER: &str = "fairway.network/owner";
/// The namespace, as policies have it.
pub const NAMESPACE: &str = "fairway.network/namespace";
/// The pod's or task's name.
pub const POD: &str = "fairway.network/pod";
/// More labels for policies, `k=v,k2=v2`.
pub const LABELS: &str = "fairway.network/labels";
/// More groups for policies, `a,b`.
pub const GROUPS: &str = "fairway.network/groups";

/// How many bits a second the container may get.
pub const INGRESS_RATE: &str = "fairway.network/ingress-rate";
/// How many it may send.
pub const EGRESS_RATE: &str = "fairway.network/egress-rate";
/// As [`INGRESS_RATE`], in Kubernetes' own words.
pub const INGRESS_BANDWIDTH: &str = "kubernetes.io/ingress-bandwidth";
/// As [`EGRESS_RATE`], in Kubernetes' own words.
pub const EGRESS_BANDWIDTH: &str = "kubernetes.io/egress-bandwidth";

/// Further networks, in the words of the Network Plumbing Working Group's de-facto standard.
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// What every key of ours that configures us begins with.
pub const PREFIX: &str = "fairway.network/";

/// The keys that some plugin of ours reads.
pub(crate) const KEYS: &[&str] = &[
    POOL,
    CLAIM,
    RELEASE,
    HANDOVER,
    ADDRESS,
    OWNER,
    NAMESPACE,
    POD,
    LABELS,
    GROUPS,
    INGRESS_RATE,
    EGRESS_RATE,
    INGRESS_BANDWIDTH,
    EGRESS_BANDWIDTH,
    NETWORKS,
];

/// A key's value, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Never empty.
    pub value: String,
    /// The field that it was read from, with the key.
    pub field: String,
    /// Who says so.
    pub place: Place,
}

/// What each place says about a key, what counts most first. An empty value counts as absent.
///
/// # Errors
/// Names a field of the wrong type.
pub fn labels(conf: &NetConf, args: &CniArgs, key: &str) -> Result<Vec<Label>, FieldError> {
    let mut found = Vec::new();
    let mut push = |value: Option<&str>, at: &str, place: Place| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            found.push(Label {
                value: value.to_owned(),
                field: format!("{at}: {key}"),
                place,
            });
        }
    };
    let runtime = conf.runtime_config()?;
    let annotations = runtime.map(|runtime| runtime.object(POD_ANNOTATIONS));
    if let Some(annotations) = annotations.transpose()?.flatten() {
        let value = annotations.text(key)?;
        push(value, "pod annotation", Place::RuntimeConfig);
    }
    if let Some(list) = conf.args_cni()?.and_then(|args| args.get("labels")) {
        push(of_list(&list, key)?, list.path(), Place::ArgsCni);
    }
    push(args.get(key), "CNI_ARGS", Place::CniArgs);
    if let Some(info) = conf.mesos_network_info()?
        && let Some(labels) = info.object("labels")?
        && let Some(list) = labels.get("labels")
    {
        push(of_list(&list, key)?, list.path(), Place::Mesos);
    }
    Ok(found)
}

/// `[{"key", "value"}]`, as the conventions and Mesos have it, or an object. The last one counts.
fn of_list<'a>(list: &Field<'a>, key: &str) -> Result<Option<&'a str>, FieldError> {
    if list.value().is_object() {
        return list.object()?.text(key);
    }
    let mut value = None;
    for item in list.items()? {
        let item = item.object()?;
        if item
            .text("key")?
            .is_some_and(|k| k.eq_ignore_ascii_case(key))
        {
            value = item.text("value")?;
        }
    }
    Ok(value)
}

/// Every label of the container, by its key: those of a Mesos task, and over them those in `args.cni`. One
/// without a value has an empty one, and keys that configure us are none.
///
/// # Errors
/// Names a field of the wrong type.
pub fn all(conf: &NetConf) -> Result<BTreeMap<String, String>, FieldError> {
    let mut all = BTreeMap::new();
    if let Some(info) = conf.mesos_network_info()?
        && let Some(labels) = info.object("labels")?
        && let Some(list) = labels.get("labels")
    {
        collect(&list, &mut all)?;
    }
    if let Some(list) = conf.args_cni()?.and_then(|args| args.get("labels")) {
        collect(&list, &mut all)?;
    }
    Ok(all)
}

fn collect(list: &Field<'_>, into: &mut BTreeMap<String, String>) -> Result<(), FieldError> {
    let mut push = |key: &str, value: &str| {
        if !configures(key) {
            into.insert(key.to_owned(), value.to_owned());
        }
    };
    if list.value().is_object() {
        let map = list.object()?;
        for (key, value) in map.raw() {
            let field = Field::new(value, format!("{}.{key}", list.path()));
            push(key, field.text()?);
        }
        return Ok(());
    }
    for item in list.items()? {
        let item = item.object()?;
        if let Some(key) = item.text("key")? {
            push(key, item.text("value")?.unwrap_or_default());
        }
    }
    Ok(())
}

/// Is it one of the keys that configure us, known or not, in whatever case?
pub fn configures(key: &str) -> bool {
    let start = key.get(..PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(extra: Value, args: &str) -> Result<Vec<(String, String)>, String> {
        let mut value = json!({"cniVersion": "1.0.0", "name": "net"});
        let extra = extra.as_object().unwrap().clone();
        value.as_object_mut().unwrap().extend(extra);
        let conf = NetConf::from_json(value).unwrap();
        let labels = labels(&conf, &CniArgs::parse(args).unwrap(), POOL);
        let labels = labels.map_err(|error| error.to_string())?;
        assert!(labels.is_sorted_by_key(|label| label.place));
        let pair = |label: Label| (label.value, label.field);
        Ok(labels.into_iter().map(pair).collect())
    }

    #[test]
    fn every_place_is_read_in_its_order() {
        let all = json!({
            "runtimeConfig": {POD_ANNOTATIONS: {POOL: "a", CLAIM: "x"}},
            "args": {
                "cni": {"labels": [{"key": CLAIM, "value": "x"}, {"key": POOL, "value": "b"}]},
                "org.apache.mesos": {"network_info": {"labels": {"labels": [
                    {"key": "rack"}, {"key": POOL, "value": "c"}, {"key": POOL, "value": "d"},
                ]}}},
            },
        });
        let expected = [
            ("a", "pod annotation: fairway.network/pool"),
            ("b", "args.cni.labels: fairway.network/pool"),
            ("e", "CNI_ARGS: fairway.network/pool"),
            (
                "d",
                "args.org.apache.mesos.network_info.labels.labels: fairway.network/pool",
            ),
        ];
        let expected = expected.map(|(value, field)| (value.to_owned(), field.to_owned()));
        assert_eq!(found(all, "fairway.network/pool=e").unwrap(), expected);
        assert_eq!(found(json!({}), "").unwrap(), []);
        let map = json!({"args": {"cni": {"labels": {POOL: "m"}}}});
        assert_eq!(found(map, "").unwrap()[0].0, "m");
        let empty = json!({"runtimeConfig": {POD_ANNOTATIONS: {POOL: ""}}});
        assert_eq!(found(empty, "fairway.network/pool=").unwrap(), []);
    }

    #[test]
    fn a_wrong_type_is_named() {
        for (extra, start) in [
            (
                json!({"runtimeConfig": {POD_ANNOTATIONS: {POOL: 7}}}),
                "runtimeConfig.io.kubernetes.cri.pod-annotations.fairway.network/pool: expected a string",
            ),
            (
                json!({"runtimeConfig": {POD_ANNOTATIONS: []}}),
                "runtimeConfig.io.kubernetes.cri.pod-annotations: expected an object",
            ),
            (
                json!({"args": {"cni": {"labels": "x"}}}),
                "args.cni.labels: expected an array",
            ),
            (
                json!({"args": {"cni": {"labels": [{"key": POOL, "value": 1}]}}}),
                "args.cni.labels[0].value: expected a string",
            ),
            (
                json!({"args": {"org.apache.mesos": {"network_info": {"labels": {"labels": [1]}}}}}),
                "args.org.apache.mesos.network_info.labels.labels[0]: expected an object",
            ),
        ] {
            let error = found(extra, "").unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }

    fn every(args: Value) -> Result<BTreeMap<String, String>, String> {
        let conf = json!({"cniVersion": "1.0.0", "name": "net", "args": args});
        all(&NetConf::from_json(conf).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn all_labels_but_those_that_configure_us() {
        let args = json!({
            "cni": {"labels": [{"key": "app", "value": "web"}, {"key": "Fairway.Network/x", "value": "y"}]},
            "org.apache.mesos": {"network_info": {"labels": {"labels": [
                {"key": "app", "value": "other"}, {"key": "rack"}, {"key": POOL, "value": "p"},
            ]}}},
        });
        let expected = [("app", "web"), ("rack", "")];
        let expected = expected.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(every(args), Ok(BTreeMap::from(expected.clone())));
        let map = json!({"cni": {"labels": {"app": "web", "rack": "", POOL: "p"}}});
        assert_eq!(every(map), Ok(BTreeMap::from(expected)));
        assert_eq!(every(json!({})), Ok(BTreeMap::new()));
    }

    #[test]
    fn a_label_that_is_no_string_is_named() {
        for (args, start) in [
            (
                json!({"cni": {"labels": {"app": 7}}}),
                "args.cni.labels.app: expected a string",
            ),
            (
                json!({"cni": {"labels": [{"key": "app", "value": 7}]}}),
                "args.cni.labels[0].value: expected a string",
            ),
            (
                json!({"org.apache.mesos": {"network_info": {"labels": {"labels": [{"key": 7}]}}}}),
                "args.org.apache.mesos.network_info.labels.labels[0].key: expected a string",
            ),
        ] {
            let error = every(args).unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
