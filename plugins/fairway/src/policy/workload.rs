//! What policies can know a container by, from whoever wrote the workload.

use fairway_api::endpoint::Workload;
use fairway_cni::{
    CniArgs, FieldError, NetConf,
    labels::{self, Label, labels},
};
use std::collections::{BTreeMap, BTreeSet};

/// Reads all of it. The runtime's word on namespace and pod counts more than a label's, and labels that are
/// named one by one in `fairway.network/labels` more than those that came along.
///
/// # Errors
/// Names the first field that is wrong.
pub fn workload(conf: &NetConf, args: &CniArgs) -> Result<Workload, FieldError> {
    let first = |key: &str| Ok::<_, FieldError>(labels(conf, args, key)?.into_iter().next());
    let known = |arg: &str, label: &str| match args.get(arg).filter(|value| !value.is_empty()) {
        Some(value) => Ok::<_, FieldError>(Some(value.to_owned())),
        None => Ok(first(label)?.map(|label| label.value)),
    };
    let mut own = labels::all(conf)?;
    if let Some(label) = first(labels::LABELS)? {
        own.extend(pairs(&label)?);
    }
    Ok(Workload {
        namespace: known("K8S_POD_NAMESPACE", labels::NAMESPACE)?,
        pod: known("K8S_POD_NAME", labels::POD)?,
        labels: own,
        groups: groups(conf, first(labels::GROUPS)?)?,
    })
}

/// `k=v,k2=v2`.
fn pairs(label: &Label) -> Result<BTreeMap<String, String>, FieldError> {
    let pair = |piece: &str| {
        let invalid = |reason: &str| FieldError::Value {
            path: label.field.clone(),
            value: format!("{piece:?}"),
            reason: reason.to_owned(),
        };
        match piece.split_once('=') {
            Some((key, _)) if labels::configures(key.trim()) => {
                Err(invalid("is no label: such keys configure the network"))
            }
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(invalid("must be KEY=VALUE")),
        }
    };
    pieces(&label.value).map(pair).collect()
}

/// Those that the Mesos agent tells, and those of the label; each once, in order.
fn groups(conf: &NetConf, label: Option<Label>) -> Result<Vec<String>, FieldError> {
    let mut all = BTreeSet::new();
    if let Some(info) = conf.mesos_network_info()? {
        all.extend(info.texts("groups")?);
    }
    if let Some(label) = label {
        all.extend(pieces(&label.value).map(ToOwned::to_owned));
    }
    all.remove("");
    Ok(all.into_iter().collect())
}

fn pieces(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(extra: Value, args: &str) -> Result<Workload, String> {
        let mut conf = json!({"cniVersion": "1.0.0", "name": "net"});
        let extra = extra.as_object().unwrap().clone();
        conf.as_object_mut().unwrap().extend(extra);
        let conf = NetConf::from_json(conf).unwrap();
        workload(&conf, &CniArgs::parse(args).unwrap()).map_err(|error| error.to_string())
    }

    fn annotated(annotations: Value) -> Value {
        json!({"runtimeConfig": {labels::POD_ANNOTATIONS: annotations}})
    }

    #[test]
    fn a_bare_configuration_says_nothing() {
        let empty = "K8S_POD_NAME=;K8S_POD_NAMESPACE=";
        assert_eq!(read(json!({}), empty), Ok(Workload::default()));
    }

    #[test]
    fn a_pod() {
        let extra = annotated(json!({
            "fairway.network/namespace": "other", "fairway.network/labels": "app = web,tier=,",
            "fairway.network/groups": "b, a,b",
        }));
        let found = read(extra.clone(), "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0").unwrap();
        assert_eq!(found.namespace.as_deref(), Some("shop"));
        assert_eq!(found.pod.as_deref(), Some("web-0"));
        let expected = [("app", "web"), ("tier", "")];
        let expected = expected.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(found.labels, BTreeMap::from(expected));
        assert_eq!(found.groups, ["a", "b"]);
        assert_eq!(read(extra, "").unwrap().namespace.as_deref(), Some("other"));
    }

    #[test]
    fn a_task_of_mesos() {
        let extra = json!({"args": {"org.apache.mesos": {"network_info": {
            "groups": ["db", "web"],
            "labels": {"labels": [
                {"key": "app", "value": "old"}, {"key": "rack"},
                {"key": "fairway.network/labels", "value": "app=new"},
                {"key": "fairway.network/pod", "value": "task-1"},
                {"key": "fairway.network/groups", "value": "web,all"},
            ]},
        }}}});
        let found = read(extra, "").unwrap();
        assert_eq!(found.pod.as_deref(), Some("task-1"));
        let expected = [("app", "new"), ("rack", "")];
        let expected = expected.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(found.labels, BTreeMap::from(expected));
        assert_eq!(found.groups, ["all", "db", "web"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mesos = |groups: Value| {
            let info = json!({"network_info": {"groups": groups}});
            json!({"args": {"org.apache.mesos": info}})
        };
        let info = "args.org.apache.mesos.network_info";
        let label = "pod annotation: fairway.network/labels";
        for (extra, start) in [
            (
                mesos(json!("a")),
                format!("{info}.groups: expected an array"),
            ),
            (
                mesos(json!([7])),
                format!("{info}.groups[0]: expected a string"),
            ),
            (
                annotated(json!({"fairway.network/labels": "a=b,c"})),
                format!("{label}: \"c\": must be KEY=VALUE"),
            ),
            (
                annotated(json!({"fairway.network/labels": "=b"})),
                format!("{label}: \"=b\": must be KEY=VALUE"),
            ),
            (
                annotated(json!({"fairway.network/labels": "fairway.network/pool=b"})),
                format!("{label}: \"fairway.network/pool=b\": is no label"),
            ),
        ] {
            let error = read(extra, "").unwrap_err();
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
