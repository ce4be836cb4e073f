//! The node's own object: it says that the network is there, once it is.
//!
//! A node that has just come up bears a taint that keeps pods away until somebody gives them a network. It is taken away
//! when this daemon serves, and nothing is put back when it ends: containers that run go on, and one that is added
//! meanwhile is refused and tried again by its runtime.

use crate::{
    call::{CallError, call},
    report::{NODE, Report},
    seen::Seen,
};
use futures::StreamExt as _;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::ApiResource,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watch_object},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{convert::Infallible, future::pending, pin::pin, sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};
use tracing::info;

/// The taint that says that there is no network yet.
pub(crate) const TAINT: &str = "fairway.network/not-ready";
/// The condition that says so as well.
const CONDITION: &str = "NetworkUnavailable";

type Node = Seen<Spec, Status>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Spec {
    taints: Option<Vec<Value>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    conditions: Option<Vec<Value>>,
}

/// Keeps the node's object right for as long as it is polled, once `ready` says so.
pub(crate) async fn keep(
    client: Client,
    node: &str,
    mut ready: watch::Receiver<bool>,
    report: Arc<Report>,
) -> Infallible {
    if ready.wait_for(|ready| *ready).await.is_err() {
        pending::<()>().await;
    }
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        plural: "nodes".to_owned(),
    };
    let api: Api<Node> = Api::all_with(client, &resource);
    loop {
        let mut told = pin!(watch_object(api.clone(), node).default_backoff());
        let mut due: Option<Node> = None;
        loop {
            let again = async {
                match due {
                    Some(_) => sleep(Duration::from_secs(3)).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                next = told.next() => match next {
                    None => break,
                    Some(Ok(Some(there))) => due = Some(there),
                    Some(Ok(None)) => {
                        due = None;
                        report.trouble(NODE, format_args!("there is no {node:?}; --node gives another name"));
                    }
                    Some(Err(error)) => {
                        report.watch_failed(NODE, &error);
                        let forgotten = matches!(&error, watcher::Error::WatchStartFailed(_))
                            && crate::report::watch_code(&error) == Some(410);
                        if forgotten {
                            break;
                        }
                    }
                },
                () = again => {}
            }
            if let Some(there) = &due {
                match settle(&api, node, there).await {
                    Ok(()) => {
                        report.fine(NODE);
                        due = None;
                    }
                    // Somebody else has written it: the watch tells of it.
                    Err(error) if error.code() == Some(409) => {}
                    Err(error) => report.failed(NODE, &error),
                }
            }
        }
    }
}

async fn settle(api: &Api<Node>, node: &str, there: &Node) -> Result<(), CallError> {
    let params = PatchParams::default();
    if let Some(taints) = untainted(there) {
        let patch = json!({
            "metadata": { "resourceVersion": there.metadata.resource_version },
            "spec": { "taints": taints },
        });
        call(api.patch(node, &params, &Patch::Merge(&patch))).await?;
        info!("kubernetes: node {node} takes pods: the taint {TAINT} is taken away");
    }
    if let Some(condition) = available(there, Timestamp::now()) {
        let patch = json!({ "status": { "conditions": [condition] } });
        call(api.patch_status(node, &params, &Patch::Strategic(&patch))).await?;
    }
    Ok(())
}

/// The taints without ours; none: it is not there.
fn untainted(node: &Node) -> Option<Vec<Value>> {
    let taints = node.spec.taints.as_ref()?;
    let others = taints.iter().filter(|taint| taint["key"] != TAINT);
    let others: Vec<Value> = others.cloned().collect();
    (others.len() < taints.len()).then_some(others)
}

/// The condition, where it does not say so already.
fn available(node: &Node, now: Timestamp) -> Option<Value> {
    let conditions = node.status.conditions.iter().flatten();
    let mut there = conditions.filter(|condition| condition["type"] == CONDITION);
    if there.any(|condition| condition["status"] == "False") {
        return None;
    }
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Some(json!({
        "type": CONDITION,
        "status": "False",
        "reason": "FairwayServes",
        "message": "fairwayd serves on this node",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(taints: Value, conditions: Value) -> Node {
        let node = json!({
            "metadata": { "name": "n1" },
            "spec": { "taints": taints, "podCIDR": "10.0.0.0/24" },
            "status": { "conditions": conditions, "images": [] },
        });
        serde_json::from_value(node).unwrap()
    }

    #[test]
    fn our_taint_goes_with_any_effect_and_others_stay() {
        let other = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
        let ours = json!({ "key": TAINT, "effect": "NoSchedule" });
        let again = json!({ "key": TAINT, "effect": "NoExecute", "value": "x" });
        let left = untainted(&node(json!([ours, other, again]), Value::Null));
        assert_eq!(left, Some(vec![other.clone()]));
        assert_eq!(untainted(&node(json!([other]), Value::Null)), None);
        assert_eq!(untainted(&node(Value::Null, Value::Null)), None);
    }

    #[test]
    fn a_condition_is_written_once() {
        let now = Timestamp::from_second(0).unwrap();
        let says = |status: &str| json!([{ "type": CONDITION, "status": status }, { "type": "Ready", "status": "False" }]);
        assert_eq!(available(&node(Value::Null, says("False")), now), None);
        for conditions in [says("True"), Value::Null] {
            let condition = available(&node(Value::Null, conditions), now).unwrap();
            assert_eq!(condition["status"], "False");
            assert_eq!(condition["lastTransitionTime"], "1970-01-01T00:00:00Z");
        }
    }
}
