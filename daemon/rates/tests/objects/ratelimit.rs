//! The kind `RateLimit`.

use super::{limit, refused, taken};
use fairway_policy::spec::{Operator, Requirement, Selector};
use fairway_rates::{Allowance, RateLimit, Scope, Wish, object};
use fairway_shape::Rate;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LABEL: &str = "1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends";
const NETWORK: &str = "1 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends";

fn rate(text: &str) -> Option<Rate> {
    Some(text.parse().expect("a rate"))
}

#[test]
fn an_object_says_what_stands_in_it() {
    let mut value = limit(json!({
        "namespaces": ["web", "shop"],
        "networks": ["blue.1"],
        "podSelector": {"matchLabels": {"app": "front"}},
        "ingress": {"rate": "20M", "burst": "64Ki", "packetsPerSecond": 500, "dscp": 46},
        "egress": {"dscp": 0},
    }));
    value["metadata"] = json!({"name": "web", "labels": {"team": "shop"}, "uid": "of-a-server"});
    value["status"] = json!({"whatever": 1});
    let parsed = taken(&value);
    let operator = Operator::In(BTreeSet::from(["front".to_owned()]));
    let key = "app".to_owned();
    let wanted = RateLimit {
        name: "web".into(),
        per: Scope::Container,
        namespaces: vec!["web".into(), "shop".into()],
        networks: vec!["blue.1".into()],
        pods: Selector {
            requirements: vec![Requirement { key, operator }],
        },
        ingress: Some(Wish {
            allowance: Allowance {
                rate: rate("20Mbit"),
                burst: Some(65536),
                packets: Some(500),
            },
            dscp: Some(46),
        }),
        egress: Some(Wish {
            dscp: Some(0),
            ..Wish::default()
        }),
    };
    assert_eq!(parsed.limit, wanted);
    assert_eq!(
        parsed.json["metadata"],
        json!({"name": "web", "labels": {"team": "shop"}})
    );
    assert_eq!(parsed.json["spec"]["per"], "Container");
    assert_eq!(parsed.json["spec"]["ingress"]["rate"], "20M");
    assert_eq!(parsed.json.get("status"), None);
    assert_eq!(taken(&parsed.json), parsed);
}

#[test]
fn amounts_are_numbers_or_text() {
    for (given, bits, bytes) in [
        (json!({"rate": 1000, "burst": 1500}), 1_000, 1500),
        (
            json!({"rate": "1T", "burst": "64k"}),
            1_000_000_000_000,
            64_000,
        ),
        (
            json!({"rate": "1.5Gbit", "burst": "2Mi"}),
            1_500_000_000,
            2 << 20,
        ),
        (json!({"rate": "1Mi", "burst": "0001500"}), 1 << 20, 1500),
    ] {
        let parsed = taken(&limit(json!({"per": "Network", "egress": given})));
        let allowance = parsed.limit.egress.unwrap().allowance;
        assert_eq!(allowance.rate.unwrap().bits_per_second(), bits);
        assert_eq!(allowance.burst, Some(bytes));
    }
}

#[test]
fn amounts_are_refused_by_field() {
    let low = "is less than 1000 bit/s, the least that is kept";
    let high = "is more than 1000000000000 bit/s, the most that is kept";
    let no_rate = "is no rate: a number of bits a second, such as 20M, 1.5Gbit, 500k or 1Mi";
    let no_burst = "must be a number of bytes, such as 64Ki or 64000";
    let with = |field: &str, value: Value| {
        let mut way = json!({"rate": "1M"});
        way[field] = value;
        limit(json!({"ingress": way}))
    };
    for (field, value, wrong) in [
        ("rate", json!(0), format!("0 bit/s {low}")),
        ("rate", json!("0"), format!("0 bit/s {low}")),
        ("rate", json!("999"), format!("999 bit/s {low}")),
        ("rate", json!(-1), "-1 is not a whole number above 0".into()),
        (
            "rate",
            json!(1.5e6),
            "1500000.0 is not a whole number above 0".into(),
        ),
        (
            "rate",
            json!("1001G"),
            format!("1001000000000 bit/s {high}"),
        ),
        (
            "rate",
            json!(u64::MAX),
            format!("18446744073709551615 bit/s {high}"),
        ),
        ("rate", json!("-20M"), format!("\"-20M\" {no_rate}")),
        ("rate", json!("20MBps"), format!("\"20MBps\" {no_rate}")),
        ("rate", json!(""), format!("\"\" {no_rate}")),
        (
            "rate",
            json!(true),
            "must be a number or text, is true or false".into(),
        ),
        (
            "rate",
            json!(null),
            "must be a number or text, is null".into(),
        ),
        (
            "burst",
            json!(0),
            "0 bytes are less than a packet of 1500 bytes".into(),
        ),
        (
            "burst",
            json!("1499"),
            "1499 bytes are less than a packet of 1500 bytes".into(),
        ),
        (
            "burst",
            json!("4Gi"),
            "4294967296 bytes are more than 4294967295".into(),
        ),
        (
            "burst",
            json!("99999999999999999999999Gi"),
            "18446744073709551615 bytes are more than 4294967295".into(),
        ),
        ("burst", json!("64KiB"), format!("\"64KiB\" {no_burst}")),
        ("burst", json!("Ki"), format!("\"Ki\" {no_burst}")),
        ("burst", json!("-1"), format!("\"-1\" {no_burst}")),
        (
            "burst",
            json!([]),
            "must be a number or text, is a list".into(),
        ),
        (
            "packetsPerSecond",
            json!(0),
            "0 is not in 1 to 1000000000".into(),
        ),
        (
            "packetsPerSecond",
            json!(-5),
            "-5 is not in 1 to 1000000000".into(),
        ),
        (
            "packetsPerSecond",
            json!(1_000_000_001),
            "1000000001 is not in 1 to 1000000000".into(),
        ),
        (
            "packetsPerSecond",
            json!("500"),
            "must be a number, is text".into(),
        ),
        ("dscp", json!(64), "64 is not in 0 to 63".into()),
        ("dscp", json!(-1), "-1 is not in 0 to 63".into()),
        ("dscp", json!(300), "300 is not in 0 to 63".into()),
        ("dscp", json!("EF"), "must be a number, is text".into()),
        ("packets", json!(1), "no such field".into()),
    ] {
        refused(
            &with(field, value),
            &[&format!("spec.ingress.{field}: {wrong}")],
        );
    }
    let long = json!({"rate": "9".repeat(5000)});
    let line = object::parse(limit(json!({"ingress": long}))).unwrap_err();
    assert!(line.to_string().len() < 400, "{line}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let way = json!({"rate": "1M"});
    let rows = [
        (json!({}), "spec: must have one of ingress, egress"),
        (
            json!({"per": "Pod", "ingress": way}),
            "spec.per: \"Pod\" is not known; there are Container, Namespace, Network",
        ),
        (
            json!({"ingress": {}}),
            "spec.ingress: must have one of rate, burst, packetsPerSecond, dscp",
        ),
        (
            json!({"ingress": null}),
            "spec.ingress: must be left out or have a value, is null",
        ),
        (json!({"ingres": way}), "spec.ingres: no such field"),
        (
            json!({"egress": {"burst": "64Ki"}}),
            "spec.egress.burst: may not be given where rate is not",
        ),
        (
            json!({"per": "Namespace", "podSelector": {}, "egress": way}),
            "spec.podSelector: may not be given where per is Namespace or Network",
        ),
        (
            json!({"podSelector": {"matchLabel": {}}, "egress": way}),
            "spec.podSelector.matchLabel: no such field",
        ),
        (
            json!({"namespaces": [], "egress": way}),
            "spec.namespaces: must be given",
        ),
        (
            json!({"networks": ["a", "a"], "egress": way}),
            "spec.networks[1]: is given twice",
        ),
    ];
    for (spec, line) in rows {
        refused(&limit(spec), &[line]);
    }
    let namespaces = json!(["Web", "web"]);
    let spec = json!({"namespaces": namespaces, "networks": ["a_b", "-", ".a"], "ingress": way});
    refused(
        &limit(spec),
        &[
            &format!("spec.namespaces[0]: \"Web\" must be {LABEL}"),
            &format!("spec.networks[0]: \"a_b\" must be {NETWORK}"),
            &format!("spec.networks[1]: \"-\" must be {NETWORK}"),
            &format!("spec.networks[2]: \".a\" must be {NETWORK}"),
        ],
    );
    let many: Vec<String> = (0..1001).map(|n| format!("n{n}")).collect();
    let line = "spec.namespaces: has 1001 elements, may have 1000";
    refused(&limit(json!({"namespaces": many, "ingress": way})), &[line]);
}

#[test]
fn the_head_is_refused_by_field() {
    let fine = limit(json!({"ingress": {"rate": "1M"}}));
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
        &with("/metadata", json!({})),
        &["metadata.name: must be given"],
    );
    refused(
        &with("/apiVersion", json!("fairway.network/v1")),
        &["apiVersion: \"fairway.network/v1\" is not known; there are fairway.network/v1alpha1"],
    );
    refused(
        &with("/kind", json!("Ratelimit")),
        &["kind: \"Ratelimit\" is not known; there are RateLimit"],
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
fn the_kind_is_known_as_admins_type_it() {
    for text in [
        "RateLimit",
        "ratelimit",
        "ratelimits",
        "RATELIMITS",
        "ratelimits.fairway.network",
    ] {
        assert!(object::is_kind(text), "{text}");
    }
    for text in ["", "rate", "ratelimits.networking.k8s.io", "netpol"] {
        assert!(!object::is_kind(text), "{text}");
    }
}
