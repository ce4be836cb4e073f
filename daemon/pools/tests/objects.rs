//! Objects as they are written, what is wrong with them, and what they change of what there is.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use fairway_ipam::{GatewaySpec, Pool, PoolChange, PoolPhase, RangeChange, record::*};
use fairway_pools::{Kind, Object, claim, network, parse, parse_slice, pool};
use serde_json::{Value, json};

fn object(kind: &str, spec: Value) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": "web"}, "spec": spec})
}

fn pool_of(spec: Value) -> pool::Wish {
    match parse(&object("IPPool", spec)).unwrap() {
        Object::Pool(wish) => wish,
        other => panic!("{other:?}"),
    }
}

fn claim_of(spec: Value) -> claim::Wish {
    match parse(&object("IPClaim", spec)).unwrap() {
        Object::Claim(wish) => wish,
        other => panic!("{other:?}"),
    }
}

fn network_of(spec: Value) -> network::Wish {
    match parse(&object("Network", spec)).unwrap() {
        Object::Network(wish) => wish,
        other => panic!("{other:?}"),
    }
}

fn faults(value: &Value) -> Vec<String> {
    let error = parse(value).unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn all_faults_are_told_at_once() {
    let spec = json!({"ranges": [{"cidr": "10.1.0.1/16", "blok": 24}], "cooldown": "30s", "phase": "gone", "encap": null});
    let found = faults(&object("IPPool", spec));
    let fields: Vec<_> = found
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(field, _)| field)
        .collect();
    let wanted = [
        "spec.ranges[0].blok",
        "spec.ranges[0].cidr",
        "spec.cooldown",
        "spec.encap",
        "spec.phase",
    ];
    assert_eq!(fields, wanted, "{found:?}");
}

#[test]
fn what_only_the_whole_pool_shows_has_its_field_too() {
    for (spec, field) in [
        (
            json!({"ranges": [{"cidr": "10.1.0.0/16"}, {"cidr": "10.1.2.0/24"}]}),
            "spec.ranges[1].cidr: ",
        ),
        (
            json!({"ranges": [{"cidr": "10.1.0.0/26", "block": 24}]}),
            "spec.ranges[0].block: ",
        ),
        (
            json!({"ranges": [{"cidr": "10.1.0.0/16", "gateway": "10.2.0.1"}]}),
            "spec.ranges[0].gateway: ",
        ),
        (
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "nodes": "a in"}),
            "spec.nodes: ",
        ),
        (
            json!({"ranges": [{"cidr": "10.1.0.0/16"}], "namespaces": "team=a"}),
            "spec.namespaces: ",
        ),
    ] {
        let found = faults(&object("IPPool", spec));
        assert!(found.len() == 1 && found[0].starts_with(field), "{found:?}");
    }
}

#[test]
fn the_head_is_judged() {
    for (path, value, says) in [
        ("/kind", json!("Pool"), "kind: \"Pool\" is not known"),
        ("/apiVersion", json!("v1"), "apiVersion: "),
        ("/metadata/name", json!("Web"), "metadata.name: "),
        ("/spec", json!(null), "spec: "),
    ] {
        let mut wrong = object("Network", json!({"pools": ["a"]}));
        *wrong.pointer_mut(path).unwrap() = value;
        let found = faults(&wrong);
        assert!(found.iter().any(|line| line.starts_with(says)), "{found:?}");
    }
    assert!(parse_slice(b"{").unwrap_err().to_string().contains("EOF"));
    let mut claim = object("IPClaim", json!({"pool": "web"}));
    claim["metadata"]["name"] = json!("shop/db-0");
    assert_eq!(parse(&claim).unwrap().name(), "shop/db-0");
    claim["metadata"]["name"] = json!("front#1");
    assert!(faults(&claim)[0].starts_with("metadata.name: "));
}

#[test]
fn what_is_written_is_read_as_the_same() {
    for (kind, spec) in [
        ("IPPool", json!({"ranges": [{"cidr": "10.1.0.0/16"}]})),
        (
            "IPPool",
            json!({"ranges": [{"cidr": "fd00::/64", "block": 120, "gateway": "none", "exclude": ["fd00::7"], "draining": true}],
            "phase": "draining", "masquerade": false, "release": "after:90s"}),
        ),
        (
            "IPClaim",
            json!({"pool": "web", "addresses": ["10.1.0.7"], "node": "n1"}),
        ),
        ("IPClaim", json!({"pool": "web", "set": {"size": 2}})),
        (
            "Network",
            json!({"pools": ["b", "a"], "imports": ["z", "c"], "vni": 7}),
        ),
    ] {
        let read = parse(&object(kind, spec)).unwrap();
        assert_eq!(parse(&read.json()), Ok(read));
    }
}

#[test]
fn kinds_are_read_as_they_are_typed() {
    for text in ["IPPool", "ippool", "ippools", "IPPools.fairway.network"] {
        assert_eq!(Kind::read(text), Some(Kind::IPPool), "{text}");
    }
    assert_eq!(Kind::read("networks"), Some(Kind::Network));
    assert_eq!(Kind::read("networks.example.com"), None);
    assert_eq!(Kind::read("pool"), None);
}

#[test]
fn a_pool_that_is_so_already_is_not_changed() {
    // What is left out is the default: said or not makes no difference.
    let plain = pool_of(json!({"ranges": [{"cidr": "10.1.0.0/16"}]}));
    let said = pool_of(
        json!({"ranges": [{"cidr": "10.1.0.0/16", "block": 26, "gateway": "10.1.0.1"}], "cooldown": 30}),
    );
    for (there, wish) in [(&plain, &said), (&said, &plain), (&plain, &plain)] {
        let there = Pool::new(there.name.clone(), there.spec.clone()).unwrap();
        assert_eq!(pool::change(&there, wish), Ok(None));
    }
}

#[test]
fn a_pool_becomes_what_is_wanted() {
    let old = pool_of(json!({
        "ranges": [{"cidr": "10.1.0.0/16", "exclude": ["10.1.0.9"]}, {"cidr": "10.2.0.0/16", "draining": true}, {"cidr": "fd00::/64"}],
        "release": "never",
    }));
    let new = pool_of(json!({
        "ranges": [{"cidr": "fd00::/64", "draining": true}, {"cidr": "10.3.0.0/16"}, {"cidr": "10.1.0.0/16", "gateway": "10.1.0.5"}],
        "cooldown": 5, "phase": "draining",
    }));
    let there = Pool::new(old.name.clone(), old.spec).unwrap();
    let change = pool::change(&there, &new).unwrap().unwrap();
    let v4 = RangeChange {
        gateway: Some(GatewaySpec::Address("10.1.0.5".parse().unwrap())),
        include: true,
        ..RangeChange::new("10.1.0.0/16".parse().unwrap())
    };
    let wanted = PoolChange {
        add: vec![new.spec.ranges[1].clone()],
        replace: vec![v4],
        drain: vec!["fd00::/64".parse().unwrap()],
        remove: vec!["10.2.0.0/16".parse().unwrap()],
        phase: Some(PoolPhase::Draining),
        cooldown: Some(5),
        release: Some(fairway_ipam::Release::OnDelete),
        ..PoolChange::default()
    };
    assert_eq!(change, wanted);
    // And once it is so, nothing is left to do.
    struct Idle;
    impl fairway_ipam::InUse for Idle {
        fn prefix(&self, _: fairway_ipam::Cidr) -> Option<String> {
            None
        }
        fn address(&self, _: std::net::IpAddr) -> Option<String> {
            None
        }
    }
    let after = there.changed(&change, &Idle).unwrap();
    assert_eq!(pool::change(&after, &new), Ok(None));
}

#[test]
fn a_change_that_is_refused_names_the_objects_field() {
    struct Busy;
    impl fairway_ipam::InUse for Busy {
        fn prefix(&self, _: fairway_ipam::Cidr) -> Option<String> {
            Some("node n1 has a block of it".to_owned())
        }
        fn address(&self, _: std::net::IpAddr) -> Option<String> {
            None
        }
    }
    let old = pool_of(
        json!({"ranges": [{"cidr": "10.1.0.0/16"}, {"cidr": "10.2.0.0/16", "draining": true}]}),
    );
    let there = Pool::new(old.name.clone(), old.spec).unwrap();
    for (spec, wanted) in [
        (
            json!({"ranges": [{"cidr": "10.2.0.0/16", "draining": true}]}),
            "spec.ranges: 10.1.0.0/16 is left out",
        ),
        (
            json!({"ranges": [{"cidr": "10.1.0.0/16"}]}),
            "spec.ranges: 10.2.0.0/16 is in use: node n1",
        ),
        (
            json!({"ranges": [{"cidr": "10.2.0.0/16", "draining": true}, {"cidr": "10.1.0.0/16", "block": 27}]}),
            "spec.ranges[1].block: 10.1.0.0/16 is cut into",
        ),
    ] {
        let wish = pool_of(spec);
        let change = pool::change(&there, &wish).unwrap().unwrap();
        let error = there.changed(&change, &Busy).unwrap_err();
        let (field, what) = pool::fault(&error, &wish.spec);
        let text = format!("{field}: {what}");
        assert!(text.starts_with(wanted), "{text}");
    }
}

#[test]
fn a_claim_keeps_its_pool_and_addresses() {
    let record: ClaimRecord = serde_json::from_value(json!({"claim": {
        "uid": "u1", "kind": "sticky", "parts": [{"state": "granted", "ip": "10.1.0.7"}],
        "release": "never", "handover": "wait", "created": 1,
    }}))
    .unwrap();
    let web = "web".parse().unwrap();
    let fixed = |spec: Value| claim::fixed(&claim_of(spec), &web, &record).map(|(field, _)| field);
    assert_eq!(fixed(json!({"pool": "web"})), None);
    assert_eq!(
        fixed(json!({"pool": "web", "addresses": ["10.1.0.7"]})),
        None
    );
    assert_eq!(
        fixed(json!({"pool": "web", "addresses": ["10.1.0.8"]})),
        Some("spec.addresses")
    );
    assert_eq!(fixed(json!({"pool": "db"})), Some("spec.pool"));
    assert_eq!(fixed(json!({"pool": "web", "set": {}})), Some("spec.set"));
    let name = "shop/db-0".parse().unwrap();
    let shown = claim::of_record(&name, &web, &record);
    assert_eq!(
        claim::fixed(&shown, &web, &record),
        None,
        "what is shown may be applied"
    );
    assert_eq!(claim::json(&shown)["addresses"], json!(["10.1.0.7"]));
}

#[test]
fn a_network_becomes_what_is_wanted() {
    let there = NetworkRecord {
        vni: fairway_ipam::Vni::new(4096).unwrap(),
        pools: vec!["a".parse().unwrap(), "b".parse().unwrap()],
        imports: ["x".parse().unwrap()].into(),
    };
    let change = |spec: Value| network::change(&there, &network_of(spec));
    assert_eq!(
        change(json!({"pools": ["a", "b"], "imports": ["x"]})),
        Ok(None)
    );
    assert_eq!(
        change(json!({"pools": ["a", "b"], "imports": ["x"], "vni": 4096})),
        Ok(None)
    );
    let other = change(json!({"pools": ["a", "c"], "imports": ["y"]}))
        .unwrap()
        .unwrap();
    assert_eq!(other.add_pools, ["c".parse().unwrap()]);
    assert_eq!(other.remove_pools, ["b".parse().unwrap()]);
    assert_eq!(
        (other.import, other.unimport),
        (vec!["y".parse().unwrap()], vec!["x".parse().unwrap()])
    );
    assert_eq!(
        change(json!({"pools": ["a"], "vni": 5})).unwrap_err().0,
        "spec.vni"
    );
    assert_eq!(
        change(json!({"pools": ["b", "a"], "imports": ["x"]}))
            .unwrap_err()
            .0,
        "spec.pools"
    );
    // The first may change by the other leaving.
    assert!(change(json!({"pools": ["b"], "imports": ["x"]})).is_ok());
}
