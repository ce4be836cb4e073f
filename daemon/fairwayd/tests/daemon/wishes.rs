//! Pools, claims and networks as objects: one model with what `netctl pool`, `claim` and `network` do.

use crate::bed::Bed;
use fairway_api::{
    ClientError, Method,
    admin::{self, Applied, ObjectApply, ObjectList, ObjectRef},
};
use fairway_lab::{Value, json};

/// A node whose daemon runs, without a pool.
fn up() -> Bed {
    let mut bed = Bed::new();
    bed.start();
    bed
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn apply(bed: &Bed, objects: &[Value]) -> Result<Vec<String>, ClientError> {
    let objects = objects.to_vec();
    let done: Vec<Applied> = bed.call(Method::ObjectApply(ObjectApply { objects }))?;
    let line = |one: Applied| format!("{} {} {}", one.object.kind, one.object.name, one.done);
    Ok(done.into_iter().map(line).collect())
}

fn refused(bed: &Bed, kind: &str, name: &str, spec: Value) -> String {
    let error = apply(bed, &[object(kind, name, spec)]).unwrap_err();
    error.to_string()
}

fn get(bed: &Bed, kind: &str, name: &str) -> Value {
    let list = ObjectList {
        kind: kind.to_owned(),
        namespace: None,
        name: Some(name.to_owned()),
    };
    let mut found: Vec<Value> = bed.call(Method::ObjectList(list)).unwrap();
    found.remove(0)
}

fn delete(bed: &Bed, kind: &str, name: &str) -> Result<Applied, ClientError> {
    let object = ObjectRef {
        kind: kind.to_owned(),
        namespace: None,
        name: name.to_owned(),
    };
    bed.call(Method::ObjectRemove(object))
}

fn pools(bed: &Bed) -> Vec<admin::Pool> {
    bed.call(Method::PoolList).unwrap()
}

#[test]
fn they_are_made_in_the_order_in_which_they_name_each_other() {
    let bed = up();
    let all = [
        object(
            "IPClaim",
            "edge",
            json!({"pool": "web", "addresses": ["10.1.0.7"]}),
        ),
        object("Network", "apps", json!({"pools": ["web"]})),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
        object(
            "IPPool",
            "web",
            json!({"ranges": [{"cidr": "10.1.0.0/24"}, {"cidr": "fd00:1::/64"}]}),
        ),
    ];
    // Told in the order in which they were given.
    let told = |done: &str| {
        [
            "IPClaim edge",
            "Network apps",
            "Namespace shop",
            "IPPool web",
        ]
        .map(|name| format!("{name} {done}"))
    };
    assert_eq!(apply(&bed, &all).unwrap(), told("created"));
    assert_eq!(apply(&bed, &all).unwrap(), told("unchanged"));
    let claim = get(&bed, "ipclaims", "edge");
    assert_eq!(claim["spec"]["addresses"][0], "10.1.0.7", "{claim}");
    assert_eq!(claim["spec"]["release"], "never");
    let network = get(&bed, "Network", "apps");
    assert_eq!(network["spec"], json!({"pools": ["web"], "vni": 4096}));
    let pool = get(&bed, "ippool", "web");
    assert_eq!(
        (&pool["status"]["network"], &pool["status"]["phase"]),
        (&json!("apps"), &json!("active"))
    );
    // What is shown may be applied.
    assert_eq!(apply(&bed, &[pool]).unwrap(), ["IPPool web unchanged"]);
    assert_eq!(
        apply(&bed, &[claim, network]).unwrap(),
        ["IPClaim edge unchanged", "Network apps unchanged"]
    );
}

#[test]
fn an_object_is_the_pool_however_that_was_made() {
    let bed = up();
    bed.pool("web", "10.1.0.0/24");
    let plain = object(
        "IPPool",
        "web",
        json!({"ranges": [{"cidr": "10.1.0.0/24"}]}),
    );
    apply(&bed, &[plain]).unwrap();
    let spec = json!({"ranges": [{"cidr": "10.1.0.0/24", "draining": true}, {"cidr": "10.2.0.0/24", "exclude": ["10.2.0.9"]}],
        "cooldown": 0, "release": "never"});
    assert_eq!(
        apply(&bed, &[object("IPPool", "web", spec)]).unwrap(),
        ["IPPool web configured"]
    );
    let pool = pools(&bed).remove(0);
    assert_eq!((pool.cooldown, pool.release.as_str()), (0, "never"));
    assert!(pool.ranges[0].draining && !pool.ranges[1].draining);
    assert_eq!(pool.ranges[1].exclude, ["10.2.0.9"]);
    // What is left out is the default, and a prefix that is left out goes.
    let spec = json!({"ranges": [{"cidr": "10.2.0.0/24"}]});
    assert_eq!(
        apply(&bed, &[object("IPPool", "web", spec)]).unwrap(),
        ["IPPool web configured"]
    );
    let pool = pools(&bed).remove(0);
    assert_eq!(
        (pool.cooldown, pool.release.as_str(), pool.ranges.len()),
        (30, "on-delete", 1)
    );
    assert!(pool.ranges[0].exclude.is_empty());
}

#[test]
fn what_cannot_be_is_refused_by_the_objects_field() {
    let bed = up();
    let web = object(
        "IPPool",
        "web",
        json!({"ranges": [{"cidr": "10.1.0.0/24"}]}),
    );
    let db = object("IPPool", "db", json!({"ranges": [{"cidr": "10.2.0.0/24"}]}));
    let apps = object("Network", "apps", json!({"pools": ["web"]}));
    let edge = object(
        "IPClaim",
        "edge",
        json!({"pool": "web", "addresses": ["10.1.0.7"]}),
    );
    apply(&bed, &[web, db, apps, edge]).unwrap();
    for (kind, name, spec, says) in [
        (
            "IPPool",
            "other",
            json!({"ranges": [{"cidr": "10.3.0.0/24"}, {"cidr": "10.1.0.0/16"}]}),
            "spec.ranges[1].cidr: 10.1.0.0/16 overlaps",
        ),
        (
            "IPPool",
            "web",
            json!({"ranges": [{"cidr": "10.4.0.0/24"}]}),
            "spec.ranges: 10.1.0.0/24 is left out",
        ),
        (
            "IPPool",
            "web",
            json!({"ranges": [{"cidr": "10.1.0.0/24", "block": 28}]}),
            "spec.ranges[0].block: 10.1.0.0/24 is cut into",
        ),
        (
            "IPPool",
            "web",
            json!({"ranges": [{"cidr": "10.1.0.0/24", "blok": 28}]}),
            "spec.ranges[0].blok: ",
        ),
        (
            "Network",
            "apps",
            json!({"pools": ["web"], "vni": 7}),
            "spec.vni: is 4096",
        ),
        (
            "Network",
            "apps",
            json!({"pools": ["web", "no"]}),
            "spec.pools: pool no does not exist",
        ),
        (
            "Network",
            "more",
            json!({"pools": ["web"]}),
            "spec.pools: pool web is in network apps",
        ),
        (
            "Network",
            "more",
            json!({"pools": ["db"], "imports": ["no"]}),
            "spec.imports: network no does not exist",
        ),
        (
            "IPClaim",
            "edge",
            json!({"pool": "db"}),
            "spec.pool: is web",
        ),
        (
            "IPClaim",
            "edge",
            json!({"pool": "web", "addresses": ["10.1.0.8"]}),
            "spec.addresses: has 10.1.0.7",
        ),
        (
            "IPClaim",
            "edge",
            json!({"pool": "web", "set": {}}),
            "spec.set: it is a claim",
        ),
        (
            "IPClaim",
            "edge",
            json!({"pool": "web", "node": "n9"}),
            "spec.node: node n9 is not known",
        ),
        (
            "IPClaim",
            "new",
            json!({"pool": "no"}),
            "spec.pool: pool no does not exist",
        ),
        (
            "IPClaim",
            "new",
            json!({"pool": "web", "addresses": ["10.1.0.7"]}),
            "10.1.0.7",
        ),
    ] {
        let error = refused(&bed, kind, name, spec);
        assert!(
            error.contains(&format!("{kind} {name}: ")) && error.contains(says),
            "not {says}: {error}"
        );
    }
    // Where one is wrong by itself, nothing is done of the others.
    let good = object(
        "IPPool",
        "late",
        json!({"ranges": [{"cidr": "10.9.0.0/24"}]}),
    );
    let wrong = object("IPPool", "worse", json!({"ranges": []}));
    assert!(apply(&bed, &[good, wrong]).is_err());
    assert_eq!(pools(&bed).len(), 2);
}

#[test]
fn a_claim_and_a_set_change_under_their_names() {
    let bed = up();
    let web = object(
        "IPPool",
        "web",
        json!({"ranges": [{"cidr": "10.1.0.0/24"}], "handover": "strict"}),
    );
    let edge = |more: Value| {
        let mut spec = json!({"pool": "web"});
        spec.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        [object("IPClaim", "edge", spec)]
    };
    apply(&bed, &[web]).unwrap();
    assert_eq!(
        apply(&bed, &edge(json!({}))).unwrap(),
        ["IPClaim edge created"]
    );
    let before = get(&bed, "IPClaim", "edge");
    assert_eq!(before["spec"]["handover"], "strict", "as the pool says");
    let other =
        edge(json!({"release": "after:1h", "handover": "wait", "app": "StatefulSet/shop/db"}));
    assert_eq!(apply(&bed, &other).unwrap(), ["IPClaim edge configured"]);
    assert_eq!(apply(&bed, &other).unwrap(), ["IPClaim edge unchanged"]);
    let after = get(&bed, "IPClaim", "edge");
    assert_eq!(after["spec"]["addresses"], before["spec"]["addresses"]);
    assert_eq!(
        (&after["spec"]["release"], &after["spec"]["app"]),
        (&json!("after:3600s"), &json!("StatefulSet/shop/db"))
    );
    let front = |size: u32| {
        [object(
            "IPClaim",
            "front",
            json!({"pool": "web", "set": {"size": size}}),
        )]
    };
    assert_eq!(apply(&bed, &front(4)).unwrap(), ["IPClaim front created"]);
    assert_eq!(apply(&bed, &front(4)).unwrap(), ["IPClaim front unchanged"]);
    assert_eq!(
        apply(&bed, &front(8)).unwrap(),
        ["IPClaim front configured"]
    );
    assert_eq!(
        get(&bed, "IPClaim", "front")["spec"]["set"],
        json!({"size": 8, "surge": 1})
    );
    assert!(
        refused(&bed, "IPClaim", "front", json!({"pool": "web"})).contains("spec.set: it is a set")
    );
}

#[test]
fn what_is_deleted_goes_as_it_does_by_other_names() {
    let bed = up();
    let web = object(
        "IPPool",
        "web",
        json!({"ranges": [{"cidr": "10.1.0.0/24"}]}),
    );
    let apps = object("Network", "apps", json!({"pools": ["web"]}));
    let edge = object("IPClaim", "edge", json!({"pool": "web"}));
    apply(&bed, &[web, apps, edge]).unwrap();
    let error = delete(&bed, "IPPool", "web").unwrap_err().to_string();
    assert!(error.contains("is in network apps"), "{error}");
    assert_eq!(delete(&bed, "Network", "apps").unwrap().done, "deleted");
    let gone = delete(&bed, "IPPool", "web").unwrap();
    assert!(gone.warnings[0].contains("1 of claims"), "{gone:?}");
    assert_eq!(get(&bed, "IPPool", "web")["status"]["phase"], "retiring");
    assert_eq!(delete(&bed, "ipclaim", "edge").unwrap().done, "deleted");
    for kind in ["IPClaim", "Network", "IPPool"] {
        let error = delete(&bed, kind, "none").unwrap_err().to_string();
        assert!(
            error.contains(&format!("{kind} none: there is none")),
            "{error}"
        );
    }
}
