//! What kubectl applies is there, what it deletes is gone, whatever happened in between; and what became of it is told.

use crate::Outcome;
use fairway_api::ipam::{Facts, Sourced};
use fairway_lab::json;
use fairway_tests_cluster::attachment;
use fairway_tests_k8s::node::{Node, apply, bed, condition};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;

const LIMIT: &str = r#"{"apiVersion":"fairway.network/v1alpha1","kind":"RateLimit","metadata":{"name":"NAME"},
    "spec":{"ingress":{"rate":"RATE"}}}"#;

fn limit(name: &str, rate: &str) -> String {
    LIMIT.replace("NAME", name).replace("RATE", rate)
}

fn namespace(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string()
}

fn pod(name: &str, host: bool) -> String {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "web", "labels": {"app": name}},
           "spec": {"hostNetwork": host, "containers": [{"name": "c", "image": "i",
                    "ports": [{"name": "http", "containerPort": 80}]}]}})
    .to_string()
}

fn policy(name: &str, cidr: &str) -> String {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
           "metadata": {"name": name, "namespace": "web"},
           "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]}})
    .to_string()
}

fn tier(name: &str, priority: u16) -> String {
    json!({"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
           "metadata": {"name": name},
           "spec": {"tier": "Admin", "priority": priority, "subject": {"namespaces": {}}}})
    .to_string()
}

fn accepted(bed: &Bed, object: &str) -> Option<(String, String, String)> {
    condition(bed, object, "Accepted")
}

#[test]
fn objects_come_and_go_as_the_api_server_has_them() -> Outcome {
    let bed = bed()?;
    let mut node = Node::new(&bed, "n1")?;
    node.start()?;

    // The node is ready, and only what is ours of its taints is gone.
    node.soon("untainted", || {
        let there = bed.json(User::Admin, "get node n1").unwrap_or_default();
        let taints = there["spec"]["taints"].to_string();
        let conditions = there["status"]["conditions"].to_string();
        !taints.contains("fairway.network")
            && taints.contains("other")
            && conditions.contains("NetworkUnavailable")
    })?;

    comes_and_is_judged(&bed, &node)?;
    outlives_everything(&bed, &mut node)?;
    claims_end(&bed, &node)?;
    crate::addresses::come_and_go(&bed, &mut node)
}

fn comes_and_is_judged(bed: &Bed, node: &Node) -> Outcome {
    let (done, text) = node.netctl("apply -f -", &limit("own", "1M"))?;
    assert!(done, "{text}");
    for object in [
        namespace("web"),
        pod("front", false),
        pod("host", true),
        limit("web", "20M"),
    ] {
        apply(bed, &object)?;
    }
    for object in [policy("good", "10.0.0.0/8"), policy("bad", "10.0.0.5/8")] {
        apply(bed, &object)?;
    }
    apply(bed, &tier("first", 10))?;
    node.soon("mirrored", || {
        node.has("namespaces", "web")
            && node.has("pods", "front")
            && node.has("networkpolicies", "good")
            && node.has("clusternetworkpolicies", "first")
            && node.has("ratelimits", "web")
    })?;
    assert!(!node.has("pods", "host") && !node.has("networkpolicies", "bad"));
    let (_, listed) = node.netctl("policy ls", "")?;
    assert!(listed.contains("web/good"), "{listed}");

    // Each is told what became of it.
    node.soon("accepted", || {
        let is = |object| accepted(bed, object).is_some_and(|(status, ..)| status == "True");
        is("ratelimit web") && is("clusternetworkpolicy first")
    })?;
    apply(bed, &tier("second", 10))?;
    node.soon("refused", || {
        accepted(bed, "clusternetworkpolicy second").is_some_and(|(status, reason, message)| {
            status == "False"
                && reason == "Invalid"
                && message.contains("spec.priority: 10 is the priority of")
        })
    })?;
    // What was in its way goes.
    bed.kubectl(User::Admin, "delete clusternetworkpolicy first")?;
    node.soon("accepted after all", || {
        accepted(bed, "clusternetworkpolicy second").is_some_and(|(status, ..)| status == "True")
    })?;
    node.soon("an event", || {
        let events = bed
            .json(User::Admin, "get events.events.k8s.io -n web")
            .unwrap_or_default()
            .to_string();
        events.contains("spec.ingress[0].from[0].ipBlock.cidr") && events.contains("host bits")
    })?;

    // What netctl applied is not overwritten, what the API server has is not touched by netctl.
    apply(bed, &limit("own", "9M"))?;
    node.soon("a conflict", || {
        accepted(bed, "ratelimit own").is_some_and(|(status, reason, message)| {
            status == "False" && reason == "Conflict" && message.contains("netctl")
        })
    })?;
    let (_, own) = node.netctl("get ratelimit own -o json", "")?;
    assert!(own.contains("1M") && !own.contains("9M"), "{own}");
    for (line, input) in [
        ("apply -f -", limit("web", "1M")),
        ("delete RateLimit web", String::new()),
    ] {
        let (done, text) = node.netctl(line, &input)?;
        assert!(
            !done && text.contains("comes from the API server"),
            "{text}"
        );
    }
    bed.kubectl(User::Admin, "delete ratelimit own")?;
    Ok(())
}

fn outlives_everything(bed: &Bed, node: &mut Node) -> Outcome {
    // While the server is away, nothing changes.
    bed.server.kill()?;
    node.soon("a problem", || {
        let problems = node
            .door
            .info()
            .map(|info| info.problems)
            .unwrap_or_default();
        problems
            .iter()
            .any(|problem| problem.starts_with("kubernetes: "))
    })?;
    assert!(node.has("pods", "front") && node.has("ratelimits", "web"));
    // One goes behind its back, and its history is forgotten.
    bed.etcd.etcdctl(&["del", "/registry/pods/web/front"])?;
    let status = bed.etcd.etcdctl(&["get", "/registry/none", "-w", "json"])?;
    let status: fairway_lab::Value = fairway_lab::serde_json::from_str(&status)?;
    let revision = status["header"]["revision"].to_string();
    bed.etcd.etcdctl(&["compact", &revision])?;
    bed.server.launch()?;
    bed.ready()?;
    node.soon("listed anew", || !node.has("pods", "front"))?;
    apply(bed, &pod("back", false))?;
    node.soon("watched again", || node.has("pods", "back"))?;

    // What goes while the daemon is down is gone when it is back.
    node.end(Signal::SIGKILL)?;
    bed.kubectl(User::Admin, "delete ratelimit web")?;
    apply(bed, &limit("new", "5M"))?;
    node.start()?;
    node.soon("compared", || {
        node.has("ratelimits", "new") && !node.has("ratelimits", "web")
    })?;
    assert!(
        node.has("ratelimits", "own"),
        "{:?}",
        node.names("ratelimits")
    );
    Ok(())
}

fn claims_end(bed: &Bed, node: &Node) -> Outcome {
    let (done, text) = node.netctl("pool create apps --cidr 10.22.0.0/16", "")?;
    assert!(done, "{text}");
    let set = |replicas: u32| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "web"},
               "spec": {"replicas": replicas, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
                        "template": {"metadata": {"labels": {"app": "db"}},
                                     "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
        .to_string()
    };
    apply(bed, &set(3))?;
    let given = |value: &str| {
        Some(Sourced {
            value: value.to_owned(),
            field: "release".to_owned(),
        })
    };
    let start = |ordinal: u32, release: &str| -> Outcome {
        let facts = Facts {
            namespace: Some("web".to_owned()),
            pod: Some(format!("db-{ordinal}")),
            release: given(release),
            ..Facts::default()
        };
        node.door.add(&attachment(&format!("c{ordinal}")), facts)?;
        Ok(())
    };
    start(0, "on-app-delete")?;
    start(1, "on-scale-down")?;
    start(2, "on-scale-down")?;
    let claims = || -> Vec<String> {
        let all = node.door.claims(fairway_api::admin::ClaimList::default());
        all.unwrap_or_default()
            .into_iter()
            .map(|claim| claim.name)
            .collect()
    };
    node.soon("claims", || claims().len() == 3)?;
    // The last two end, and one of them is scaled away.
    node.door.del(&attachment("c2"))?;
    node.door.del(&attachment("c1"))?;
    apply(bed, &set(2))?;
    node.soon("scaled down", || claims() == ["web/db-0", "web/db-1"])?;
    // Deleted: what is held still is left, and then all goes.
    apply(bed, &pod("db-0", false))?;
    node.soon("a pod", || node.has("pods", "db-0"))?;
    bed.kubectl(User::Admin, "delete statefulset db -n web")?;
    node.door.del(&attachment("c0"))?;
    // A later change has been seen, and nothing was given back: there is a pod of it still.
    apply(bed, &namespace("later"))?;
    node.soon("later", || node.has("namespaces", "later"))?;
    assert_eq!(claims(), ["web/db-0", "web/db-1"]);
    bed.kubectl(
        User::Admin,
        "delete pod db-0 -n web --force --grace-period=0",
    )?;
    Ok(node.soon("deleted", || claims().is_empty())?)
}
