//! What `deploy/rbac.yaml` allows the daemon, and what it does not.

use fairway_lab::{Value, json, poll};
use fairway_tests_k8s::{Bed, Doc, Result, User};
use std::time::Duration;

/// On a busy machine.
const SEEN: Duration = Duration::from_secs(60);

/// The server judges by what it has seen of roles and bindings, which comes a moment later than they are written.
fn allowed(bed: &Bed) -> Result {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rbac.yaml");
    bed.kubectl(User::Admin, &format!("apply --server-side -f {path}"))?;
    let one_of_each = [
        json!({"verb": "list", "resource": "pods"}),
        json!({"verb": "update", "group": "coordination.k8s.io", "resource": "leases", "namespace": "kube-system",
               "name": "fairway"}),
    ];
    Ok(poll(SEEN, "roles and bindings are seen", || {
        let may = |what| bed.may(User::Daemon, what).is_ok_and(|may| may);
        one_of_each.iter().all(may)
    })?)
}

/// What the daemon reads: group and resource.
const READ: [(&str, &str); 14] = [
    ("", "nodes"),
    ("", "pods"),
    ("", "namespaces"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy.networking.k8s.io", "clusternetworkpolicies"),
    ("k8s.cni.cncf.io", "network-attachment-definitions"),
    ("apps", "statefulsets"),
    ("apps", "deployments"),
    (OWN, "ippools"),
    (OWN, "ipclaims"),
    (OWN, "networks"),
    (OWN, "ratelimits"),
    (OWN, "bgppeers"),
    (OWN, "bgpconfigs"),
];

const OWN: &str = "fairway.network";

#[test]
fn the_daemon_may_do_what_it_needs_and_no_more() -> Result {
    let bed = Bed::shared()?;
    allowed(&bed)?;
    let may = |what: Value| bed.may(User::Daemon, &what);
    for (group, resource) in READ {
        let one = |verb: &str, sub: &str| {
            may(json!({"verb": verb, "group": group, "resource": resource, "subresource": sub}))
        };
        for verb in ["get", "list", "watch"] {
            assert!(one(verb, "")?, "{verb} {resource}");
        }
        for verb in ["create", "update", "delete", "deletecollection"] {
            assert!(!one(verb, "")?, "{verb} {resource}");
        }
        let node = resource == "nodes";
        assert_eq!(one("patch", "")?, node, "patch {resource}");
        assert_eq!(
            one("patch", "status")?,
            node || group == OWN || resource == "clusternetworkpolicies",
            "patch {resource}/status"
        );
        assert!(!one("update", "status")?, "update {resource}/status");
    }
    for (verb, allowed) in [
        ("create", true),
        ("patch", true),
        ("get", false),
        ("delete", false),
    ] {
        let events = json!({"verb": verb, "group": "events.k8s.io", "resource": "events", "namespace": "web"});
        assert_eq!(may(events)?, allowed, "{verb} events");
    }
    for (verb, group, resource, sub) in [
        ("get", "", "secrets", ""),
        ("get", "", "configmaps", ""),
        ("create", "", "pods", "exec"),
        ("create", "", "serviceaccounts", "token"),
        (
            "get",
            "apiextensions.k8s.io",
            "customresourcedefinitions",
            "",
        ),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles", ""),
        ("impersonate", "", "users", ""),
    ] {
        let what = json!({"verb": verb, "group": group, "resource": resource, "subresource": sub});
        assert!(!may(what)?, "{verb} {resource}/{sub}");
    }
    let lease = |verb: &str, namespace: &str, name: &str| {
        let group = "coordination.k8s.io";
        may(
            json!({"verb": verb, "group": group, "resource": "leases", "namespace": namespace, "name": name}),
        )
    };
    assert!(lease("create", "kube-system", "")?);
    for verb in ["get", "update"] {
        assert!(lease(verb, "kube-system", "fairway")?, "{verb}");
        assert!(!lease(verb, "kube-system", "other")?, "{verb}");
        assert!(!lease(verb, "default", "fairway")?, "{verb}");
    }
    assert!(!lease("list", "kube-system", "")? && !lease("delete", "kube-system", "fairway")?);
    Ok(())
}

/// Not only by what the server says of it.
#[test]
fn the_daemon_writes_a_status_and_no_spec() -> Result {
    let bed = Bed::shared()?;
    allowed(&bed)?;
    let doc = Doc::ours("Network", "rbac", json!({"pools": ["web"]}));
    assert!(bed.apply(&doc)?.done);
    let path = "/apis/fairway.network/v1alpha1/networks/rbac";
    let spec = bed.patch(User::Daemon, path, &json!({"spec": {"pools": ["db"]}}))?;
    assert!(
        !spec.done && spec.text.contains("cannot patch resource"),
        "{}",
        spec.text
    );
    let status = bed.patch(
        User::Daemon,
        &format!("{path}/status"),
        &json!({"status": {"vni": 5}}),
    )?;
    assert!(status.done, "{}", status.text);
    let nobody = bed.ask(User::Nobody, "get fwnet", "")?;
    assert!(
        !nobody.done && nobody.text.contains("forbidden"),
        "{}",
        nobody.text
    );
    Ok(())
}
