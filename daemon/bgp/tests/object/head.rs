//! What both kinds have in common.

use super::{config, peer, refused, taken};
use fairway_bgp::object::{self, Kind};
use serde_json::{Value, json};

#[test]
fn the_head_is_refused_by_field() {
    let fine = config(json!({}));
    let with = |at: &str, value: Value| {
        let mut wrong = fine.clone();
        *wrong.pointer_mut(at).unwrap() = value;
        wrong
    };
    refused(&json!([]), &["must be an object, is a list"]);
    refused(
        &json!({}),
        &["apiVersion: must be given", "kind: must be given"],
    );
    refused(&with("/spec", json!(null)), &["spec: must be given"]);
    refused(
        &with("/spec", json!([])),
        &["spec: must be an object, is a list"],
    );
    refused(
        &with("/metadata", json!({})),
        &["metadata.name: must be given"],
    );
    refused(
        &with("/apiVersion", json!("fairway.network/v1")),
        &["apiVersion: \"fairway.network/v1\" is not known; there are fairway.network/v1alpha1"],
    );
    refused(
        &with("/kind", json!("BGPPeer")),
        &["kind: \"BGPPeer\" is not known; there are BgpConfig, BgpPeer"],
    );
    refused(
        &with("/metadata", json!({"name": "a", "namespace": "web"})),
        &["metadata.namespace: may not be given where the kind is not of a namespace"],
    );
    let mut extra = fine.clone();
    extra["Spec"] = json!({});
    refused(&extra, &["Spec: no such field"]);
    let error = object::parse_slice(b"{").unwrap_err().to_string();
    assert!(error.starts_with("not JSON: "), "{error}");
}

#[test]
fn what_only_servers_write_is_not_kept() {
    let mut value = peer(json!({}));
    value["metadata"] = json!({"name": "tor", "labels": {"rack": "a"}, "uid": "of-a-server"});
    value["status"] = json!({"whatever": 1});
    let parsed = taken(&value);
    assert_eq!(
        parsed.json["metadata"],
        json!({"name": "tor", "labels": {"rack": "a"}})
    );
    assert_eq!(parsed.json.get("status"), None);
    assert_eq!(parsed.object.name(), "tor");
    assert_eq!(parsed.object.kind(), Kind::BgpPeer);
}

#[test]
fn all_faults_are_told_at_once() {
    refused(
        &peer(json!({
            "nodes": [],
            "port": 0,
            "asn": 0,
            "holdTime": "1s",
            "export": {"rules": [{"then": "Maybe"}, {"match": {"family": "IPX"}}]},
        })),
        &[
            "spec.nodes: must be given",
            "spec.port: 0 is not in 1 to 65535",
            "spec.asn: 0 is not in 1 to 4294967295",
            "spec.holdTime: it is 3s or more, or 0s, by which silence is no sign",
            "spec.export.rules[0].then: \"Maybe\" is not known; there are Accept, Reject",
            "spec.export.rules[1].match.family: \"IPX\" is not known; there are IPv4, IPv6",
            "spec.export.rules[1].then: must be given",
        ],
    );
}

#[test]
fn the_kinds_are_known_as_admins_type_them() {
    for (text, kind) in [
        ("BgpPeer", Some(Kind::BgpPeer)),
        ("bgppeers", Some(Kind::BgpPeer)),
        ("BGPPEERS.fairway.network", Some(Kind::BgpPeer)),
        ("bgpconfig", Some(Kind::BgpConfig)),
        ("bgpconfigs", Some(Kind::BgpConfig)),
        ("", None),
        ("bgp", None),
        ("bgppeers.crd.projectcalico.org", None),
    ] {
        assert_eq!(Kind::read(text), kind, "{text}");
    }
}
