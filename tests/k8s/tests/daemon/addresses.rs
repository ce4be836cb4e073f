//! Pools, claims and networks of the API server are those that the daemons give addresses of.

use crate::Outcome;
use fairway_api::ipam::{Facts, Sourced};
use fairway_lab::{Value, json};
use fairway_tests_cluster::attachment;
use fairway_tests_k8s::node::{Node, apply, condition};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;

fn object(kind: &str, name: &str, spec: Value) -> String {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
        .to_string()
}

fn pool(name: &str, cidrs: &[&str]) -> String {
    let ranges: Vec<Value> = cidrs.iter().map(|cidr| json!({"cidr": cidr})).collect();
    object("IPPool", name, json!({"ranges": ranges, "cooldown": 0}))
}

const BOTH: [&str; 2] = ["10.23.0.0/16", "fd00:23::/64"];

fn status(bed: &Bed, object: &str) -> Value {
    let there = bed.json(User::Admin, &format!("get {object}"));
    there.unwrap_or_default()["status"].clone()
}

fn is(bed: &Bed, object: &str, wanted: (&str, &str), text: &str) -> bool {
    condition(bed, object, "Accepted").is_some_and(|(status, reason, message)| {
        (status.as_str(), reason.as_str()) == wanted && message.contains(text)
    })
}

fn accepted(bed: &Bed, object: &str) -> bool {
    is(bed, object, ("True", "Accepted"), "")
}

fn marks(bed: &Bed) -> String {
    let line = ["get", "--prefix", "--keys-only", "/fairway/v1/origins/"];
    bed.etcd
        .etcdctl(&line)
        .unwrap_or_else(|error| error.to_string())
}

/// There is a pool `apps` of netctl's.
pub(crate) fn come_and_go(bed: &Bed, node: &mut Node) -> Outcome {
    come_with_status(bed, node)?;
    are_judged(bed, node)?;
    go_when_they_are_free(bed, node)
}

fn come_with_status(bed: &Bed, node: &Node) -> Outcome {
    // In the wrong order: each is taken when what it names is there.
    apply(bed, &object("IPClaim", "edge", json!({"pool": "shop"})))?;
    apply(
        bed,
        &object("Network", "tenant", json!({"pools": ["shop"]})),
    )?;
    node.soon("refused", || {
        let why = "pool shop does not exist";
        is(bed, "ipclaim edge", ("False", "Invalid"), why)
    })?;
    apply(bed, &pool("shop", &BOTH))?;
    node.soon("accepted", || {
        ["ippool shop", "network tenant", "ipclaim edge"]
            .iter()
            .all(|object| accepted(bed, object))
    })?;
    assert!(!marks(bed).is_empty());
    let facts = Facts {
        pool: Some(Sourced {
            value: "shop".to_owned(),
            field: "pool".to_owned(),
        }),
        ..Facts::default()
    };
    node.door.add(&attachment("c9"), facts)?;
    Ok(node.soon("counted", || {
        let (pool, network) = (status(bed, "ippool shop"), status(bed, "network tenant"));
        let claim = status(bed, "ipclaim edge");
        pool["live"] == 2
            && pool["claimed"] == 2
            && pool["network"] == "tenant"
            && pool["phase"] == "active"
            && pool["size"].is_string()
            && network["live"] == 2
            && network["vni"].as_u64() >= Some(4096)
            && claim["addresses"]
                .as_array()
                .is_some_and(|all| all.len() == 2)
    })?)
}

fn are_judged(bed: &Bed, node: &Node) -> Outcome {
    // What netctl made is not changed, nor counted as this one's.
    apply(bed, &pool("apps", &["10.24.0.0/16"]))?;
    node.soon("a conflict", || {
        is(bed, "ippool apps", ("False", "Conflict"), "netctl")
    })?;
    assert_eq!(status(bed, "ippool apps")["size"], Value::Null);
    let (_, listed) = node.netctl("pool ls", "")?;
    assert!(!listed.contains("10.24.0.0/16"), "{listed}");
    bed.kubectl(User::Admin, "delete ippool apps")?;

    // What is in use is not taken away, and what was wrong can be put right.
    apply(bed, &pool("shop", &BOTH[1..]))?;
    node.soon("refused", || {
        is(bed, "ippool shop", ("False", "Invalid"), "spec.ranges: ")
    })?;
    let (_, listed) = node.netctl("pool ls", "")?;
    assert!(listed.contains(BOTH[0]), "{listed}");
    apply(bed, &pool("shop", &BOTH))?;
    node.soon("accepted again", || accepted(bed, "ippool shop"))?;

    // Nobody changes by hand what the API server has.
    for (line, input) in [
        ("pool set shop --cooldown 9s", String::new()),
        ("pool rm shop", String::new()),
        ("network rm tenant", String::new()),
        ("claim rm edge", String::new()),
        ("delete IPClaim edge", String::new()),
        ("apply -f -", pool("shop", &BOTH)),
    ] {
        let (done, text) = node.netctl(line, &input)?;
        let told = text.contains("comes from the API server");
        assert!(!done && told, "{line}: {text}");
    }
    Ok(())
}

fn go_when_they_are_free(bed: &Bed, node: &mut Node) -> Outcome {
    // Behind the back of a daemon that does not run.
    node.end(Signal::SIGTERM)?;
    for object in ["ippool shop", "network tenant", "ipclaim edge"] {
        bed.kubectl(User::Admin, &format!("delete {object}"))?;
    }
    node.start()?;
    node.soon("the claim is given back", || !node.has("ipclaims", "edge"))?;
    node.soon("told what it waits for", || {
        let problems = node.door.info().map(|info| info.problems);
        let problems = problems.unwrap_or_default();
        [
            "IPPool shop: was deleted: ",
            "Network tenant: was deleted: ",
        ]
        .iter()
        .all(|wanted| problems.iter().any(|problem| problem.contains(wanted)))
    })?;
    assert!(node.has("networks", "tenant") && node.has("ippools", "shop"));
    node.door.del(&attachment("c9"))?;
    node.soon("gone", || {
        !node.has("networks", "tenant") && !node.has("ippools", "shop") && marks(bed).is_empty()
    })?;
    assert!(node.has("ippools", "apps"));
    Ok(())
}
