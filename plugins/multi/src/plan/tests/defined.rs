//! Networks of objects, and annotations that the daemon knows.

use super::{brief, told};
use crate::{error::Error, tests::Told};
use fairway_api::definition::{Definition, Found, Name};
use fairway_cni::{Code, Fault as _};
use serde_json::{Value, json};

const POD: &str = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0;K8S_POD_UID=u-1";

/// A daemon with `shop/fast` and `shop/a`, and a pod that asks for `networks`.
fn daemon(networks: Option<&str>) -> Told {
    let defined = |name: &str| Definition {
        name: Name {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        },
        config: json!({"name": "own", "type": "macvlan", "capabilities": {"mac": true}})
            .as_object()
            .cloned(),
    };
    Told {
        found: Some(Found {
            networks: networks.map(str::to_owned),
            definitions: vec![defined("fast"), defined("a")],
        }),
        ..Told::default()
    }
}

#[test]
fn what_the_node_has_not_is_asked_for() {
    let daemon = daemon(None);
    let wires = told(&daemon, json!("b,fast@data0,shop/fast,a"), json!({}), POD).unwrap();
    // Known by the object's name, called by the configuration's.
    assert_eq!(
        brief(&wires)[1..],
        [
            ("b", "net1", "shop/b"),
            ("own", "data0", "shop/fast"),
            ("own", "net3", "shop/fast"),
            // The node's own counts before an object of the name.
            ("a", "net4", "shop/a"),
        ]
    );
    let asked = daemon.asked.into_inner().unwrap();
    assert_eq!(asked.len(), 1);
    let names: Vec<_> = asked[0]
        .names
        .iter()
        .map(|name| name.name.as_str())
        .collect();
    assert_eq!((names, &asked[0].pod), (vec!["fast"], &None));
}

#[test]
fn where_the_node_has_all_nobody_is_asked() {
    for annotation in [json!("a,b"), Value::Null] {
        let nobody = Told::default();
        told(&nobody, annotation, json!({}), POD).unwrap();
        assert!(nobody.asked.into_inner().unwrap().is_empty());
    }
}

#[test]
fn a_daemon_that_is_away_is_no_reason_to_go_on() {
    let error = told(&Told::default(), json!("fast"), json!({}), POD).unwrap_err();
    assert_eq!(error.code(), Code::TRY_AGAIN);
    let text = error.to_string();
    assert!(
        text.contains("networks[0]: network \"fast\"") && text.ends_with("fairwayd is not there"),
        "{text}"
    );
    // A container of no namespace means no object.
    let error = told(&Told::default(), json!("fast"), json!({}), "").unwrap_err();
    assert_eq!(error.code(), Code::INVALID_CONFIG);
    let error = told(&daemon(None), json!("slow"), json!({}), POD).unwrap_err();
    assert_eq!(error.code(), Code::INVALID_CONFIG);
    assert!(matches!(error, Error::Unknown { .. }));
}

#[test]
fn wishes_are_for_those_who_can() {
    let asked = |key: &str| json!(format!(r#"[{{"name": "fast", {key}}}]"#));
    let mac = asked(r#""mac": "02:00:00:00:00:01""#);
    let wires = told(&daemon(None), mac, json!({}), POD).unwrap();
    assert_eq!(wires[1].runtime["mac"], json!("02:00:00:00:00:01"));
    let error = told(
        &daemon(None),
        asked(r#""ips": ["10.0.0.1"]"#),
        json!({}),
        POD,
    )
    .unwrap_err();
    assert_eq!(error.code(), Code::UNSUPPORTED_FIELD);
}

#[test]
fn the_daemon_knows_what_a_pod_asks_for() {
    let conf = || json!({"annotationsFrom": "daemon"});
    let with = daemon(Some("fast,b"));
    let wires = told(&with, Value::Null, conf(), POD).unwrap();
    assert_eq!(
        brief(&wires)[1..],
        [("own", "net1", "shop/fast"), ("b", "net2", "shop/b")]
    );
    let asked = with.asked.into_inner().unwrap();
    let pod = asked[0].pod.clone().unwrap();
    assert_eq!(
        (asked.len(), pod.uid.as_deref(), pod.wait),
        (1, Some("u-1"), true)
    );
    // One that does not ask for anything.
    assert_eq!(
        told(&daemon(None), Value::Null, conf(), POD).unwrap().len(),
        1
    );
    // What is not defined is known by then, too.
    let without = daemon(Some("slow"));
    told(&without, Value::Null, conf(), POD).unwrap_err();
    assert_eq!(without.asked.into_inner().unwrap().len(), 1);
    // What the runtime says counts before it.
    let wires = told(&daemon(Some("fast")), json!("b"), conf(), POD).unwrap();
    assert_eq!(brief(&wires)[1..], [("b", "net1", "shop/b")]);
    // A container without networks that it was to have is worse than none.
    let error = told(&Told::default(), Value::Null, conf(), POD).unwrap_err();
    assert_eq!(error.code(), Code::TRY_AGAIN);
    // What is no pod asks for nothing.
    assert_eq!(
        told(&Told::default(), Value::Null, conf(), "")
            .unwrap()
            .len(),
        1
    );
}
