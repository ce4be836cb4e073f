//! Which field each fact comes from, and which wins.

use super::*;
use crate::Error;
use fairway_cni::{Code, Fault as _};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(extra: Value, ipam: Value, args: &str) -> Result<Wanted, Error> {
    let mut conf = json!({"cniVersion": "1.0.0", "name": "net", "ipam": {"type": "fairway"}});
    let merge = |into: &mut Value, from: Value| {
        let from = from.as_object().unwrap().clone();
        into.as_object_mut().unwrap().extend(from);
    };
    merge(&mut conf["ipam"], ipam);
    merge(&mut conf, extra);
    let conf = NetConf::from_json(conf).unwrap();
    Wanted::read(&conf, &CniArgs::parse(args).unwrap())
}

fn facts(extra: Value, ipam: Value, args: &str) -> Facts {
    read(extra, ipam, args).unwrap().facts
}

fn sourced(value: &str, field: &str) -> Option<Sourced<String>> {
    let (value, field) = (value.to_owned(), field.to_owned());
    Some(Sourced { value, field })
}

fn shown(facts: &Facts) -> Vec<String> {
    let show = |asked: &Sourced<IpAddr>| format!("{}={}", asked.field, asked.value);
    facts.addresses.iter().map(show).collect()
}

/// The same label in all places, each with the place's name as its value.
fn everywhere(key: &str) -> (Value, Value, String) {
    let conf = json!({
        "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {format!("fairway.network/{key}"): "pod"}},
        "args": {
            "cni": {"labels": [{"key": format!("fairway.network/{key}"), "value": "cni"}]},
            "org.apache.mesos": {"network_info": {"labels": {"labels": [
                {"key": format!("fairway.network/{key}"), "value": "mesos"}
            ]}}},
        },
    });
    let args = format!("fairway.network/{key}=args");
    (conf, json!({key: "ipam"}), args)
}

#[test]
fn a_bare_configuration_says_nothing() {
    assert_eq!(facts(json!({}), json!({}), ""), Facts::default());
    let empty = json!({"pool": "", "claim": null, "release": "", "handover": ""});
    assert_eq!(
        facts(json!({}), empty, "K8S_POD_NAME=;IP=;K8S_POD_NAMESPACE="),
        Facts::default()
    );
}

#[test]
fn the_pod_is_who_the_runtime_says() {
    let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=db-0;K8S_POD_UID=7;FOO=1";
    let facts = facts(json!({}), json!({}), args);
    assert_eq!(facts.namespace.as_deref(), Some("web"));
    assert_eq!(facts.pod.as_deref(), Some("db-0"));
}

#[test]
fn what_counts_more_wins() {
    let value = |key: &str, facts: Facts| match key {
        "pool" => facts.pool,
        "claim" => facts.claim,
        "release" => facts.release,
        _ => facts.handover,
    };
    for key in ["pool", "claim", "release", "handover"] {
        let (mut conf, ipam, mut args) = everywhere(key);
        let label = |place: &str| format!("{place}: fairway.network/{key}");
        let expect = |conf: &Value, args: &str, says: &str, field: &str| {
            let found = value(key, facts(conf.clone(), ipam.clone(), args));
            assert_eq!(found, sourced(says, field), "{key}");
        };
        expect(&conf, &args, "pod", &label("pod annotation"));
        conf["runtimeConfig"] = json!({});
        expect(&conf, &args, "cni", &label("args.cni.labels"));
        conf["args"]["cni"] = json!({});
        expect(&conf, &args, "args", &label("CNI_ARGS"));
        args.clear();
        let mesos = label("args.org.apache.mesos.network_info.labels.labels");
        expect(&conf, &args, "mesos", &mesos);
        expect(&json!({}), &args, "ipam", &format!("ipam.{key}"));
    }
}

#[test]
fn the_owner_is_a_label_only() {
    let (conf, ipam, args) = everywhere("owner");
    let label = "pod annotation: fairway.network/owner";
    assert_eq!(
        facts(conf, ipam.clone(), &args).owner,
        sourced("pod", label)
    );
    assert_eq!(facts(json!({}), ipam, "").owner, None);
}

#[test]
fn an_address_may_be_asked_for_everywhere() {
    let mesos = json!({"args": {"org.apache.mesos": {"network_info": {
        "ip_addresses": [{"protocol": "IPv4", "ip_address": "10.0.0.5"}, {"protocol": "IPv6"}]
    }}}});
    let annotation = json!({"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {
        "fairway.network/address": "fd00::5, 10.0.0.5"
    }}});
    let pod = "pod annotation: fairway.network/address";
    for (extra, args, expected) in [
        (json!({}), "IP=10.0.0.5/24", vec!["CNI_ARGS: IP=10.0.0.5"]),
        (
            json!({}),
            "fairway.network/address=10.0.0.5",
            vec!["CNI_ARGS: fairway.network/address=10.0.0.5"],
        ),
        (
            json!({"runtimeConfig": {"ips": ["fd00::5/64", "10.0.0.5"]}}),
            "",
            vec![
                "runtimeConfig.ips[1]=10.0.0.5",
                "runtimeConfig.ips[0]=fd00::5",
            ],
        ),
        (
            json!({"args": {"cni": {"ips": ["::ffff:10.0.0.5"]}}}),
            "",
            vec!["args.cni.ips[0]=10.0.0.5"],
        ),
        (
            mesos,
            "",
            vec!["args.org.apache.mesos.network_info.ip_addresses[0].ip_address=10.0.0.5"],
        ),
        (
            annotation,
            "",
            vec![&*format!("{pod}=10.0.0.5"), &*format!("{pod}=fd00::5")],
        ),
    ] {
        assert_eq!(shown(&facts(extra, json!({}), args)), expected);
    }
}

#[test]
fn each_family_comes_from_the_place_that_counts_most_for_it() {
    let both = json!({
        "runtimeConfig": {"ips": ["10.0.0.9"]},
        "args": {"cni": {"ips": ["10.0.0.8", "fd00::8"]}},
    });
    assert_eq!(
        shown(&facts(both, json!({}), "IP=10.0.0.7,fd00::7")),
        ["runtimeConfig.ips[0]=10.0.0.9", "args.cni.ips[1]=fd00::8"]
    );
    let twice = json!({"runtimeConfig": {
        "ips": ["10.0.0.9", "10.0.0.9"],
        "io.kubernetes.cri.pod-annotations": {"fairway.network/address": "10.0.0.9"},
    }});
    assert_eq!(
        shown(&facts(twice, json!({}), "")),
        ["runtimeConfig.ips[0]=10.0.0.9"]
    );
}

#[test]
fn routes_are_passed_on() {
    let routes = json!({"routes": [{"dst": "0.0.0.0/0"}, {"dst": "fd01::/64", "gw": "fd00::1", "mtu": 1300}]});
    let routes = read(json!({}), routes, "").unwrap().routes;
    assert_eq!(routes.len(), 2);
    assert_eq!(routes[1].mtu, Some(1300));
}

#[test]
fn what_is_wrong_is_named() {
    let annotations =
        |value: Value| json!({"runtimeConfig": {"io.kubernetes.cri.pod-annotations": value}});
    let one = "asked for, and";
    for (extra, ipam, args, code, start) in [
        (
            json!({}),
            json!({"pool": 7}),
            "",
            7,
            "ipam.pool: expected a string".to_owned(),
        ),
        (
            json!({}),
            json!({"routes": [{"gw": "10.0.0.1"}]}),
            "",
            7,
            "ipam.routes[0].dst: missing".to_owned(),
        ),
        (
            json!({"ipam": []}),
            json!({}),
            "",
            7,
            "ipam: expected an object".to_owned(),
        ),
        (
            annotations(json!({"fairway.network/claim": true})),
            json!({}),
            "",
            7,
            "runtimeConfig.io.kubernetes.cri.pod-annotations.fairway.network/claim: expected"
                .to_owned(),
        ),
        (
            annotations(json!({"fairway.network/address": "10.0.0.5,x"})),
            json!({}),
            "",
            7,
            "pod annotation: fairway.network/address: \"x\": is no IP address".to_owned(),
        ),
        (
            json!({}),
            json!({}),
            "IP=10.0.0.300",
            7,
            "CNI_ARGS: IP: \"10.0.0.300\"".to_owned(),
        ),
        (
            json!({}),
            json!({}),
            "IP=10.0.0.5,10.0.0.6",
            102,
            format!("CNI_ARGS: IP: 10.0.0.6 {one} CNI_ARGS: IP asks for 10.0.0.5"),
        ),
        (
            json!({"runtimeConfig": {
                "ips": ["fd00::6"],
                "io.kubernetes.cri.pod-annotations": {"fairway.network/address": "fd00::5"},
            }}),
            json!({}),
            "",
            102,
            format!("pod annotation: fairway.network/address: fd00::5 {one} runtimeConfig.ips[0]"),
        ),
    ] {
        let error = read(extra, ipam, args).unwrap_err();
        assert_eq!(error.code(), Code::from_wire(code), "{error}");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

/// Any JSON of some depth.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9.:/,]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(
                prop_oneof![
                    Just("labels".to_owned()),
                    Just("key".to_owned()),
                    Just("fairway.network/address".to_owned()),
                    "[a-z]{1,6}",
                ],
                inner,
                0..4
            )
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever comes, it is read or refused, and never more than one address of a family.
    #[test]
    fn nothing_makes_it_panic(annotations in any_json(), labels in any_json(), ips in any_json(), mesos in any_json()) {
        let extra = json!({
            "runtimeConfig": {"io.kubernetes.cri.pod-annotations": annotations, "ips": ips},
            "args": {"cni": {"labels": labels}, "org.apache.mesos": {"network_info": mesos}},
        });
        if let Ok(wanted) = read(extra, json!({}), "") {
            let v6 = wanted.facts.addresses.iter().filter(|a| a.value.is_ipv6()).count();
            prop_assert!(v6 <= 1 && wanted.facts.addresses.len() - v6 <= 1);
        }
    }
}
