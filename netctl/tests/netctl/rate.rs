//! `rate`, and `RateLimit` objects: what they ask, and how it is shown.

use crate::{
    answers_rate as answers,
    fake::Fake,
    output::{holds, shows},
    requests::asks,
};
use serde_json::{Value, json};
use std::fs;

#[test]
fn what_is_asked() {
    asks(
        json!([]),
        &[
            ("rate ls", "rate.list", json!({})),
            (
                "rate ls shop/db-0",
                "rate.list",
                json!({"workload": "shop/db-0"}),
            ),
            ("rate history", "rate.history", json!({})),
            (
                "rate history shop/db-0",
                "rate.history",
                json!({"workload": "shop/db-0"}),
            ),
            ("get ratelimit", "object.list", json!({"kind": "ratelimit"})),
        ],
    );
    let set = |more: Value| {
        let mut params = json!({"workload": "shop/db-0"});
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        params
    };
    let cases = [
        ("--ingress 20M", json!({"ingress": {"rate": "20M"}})),
        ("--egress none", json!({"egress": {}})),
        (
            "--ingress none --ingress-dscp 46 --egress 1.5Gbit",
            json!({"ingress": {"dscp": 46}, "egress": {"rate": "1.5Gbit"}}),
        ),
        (
            "--egress 20M --egress-burst 64Ki --egress-packets 1000 --egress-dscp 0 --reason test",
            json!({
                "egress": {"rate": "20M", "burst": "64Ki", "packets": 1000, "dscp": 0},
                "reason": "test"
            }),
        ),
        // Values are the daemon's to judge.
        (
            "--ingress-burst x --egress-dscp 640 --ingress-packets 0",
            json!({"ingress": {"burst": "x", "packets": 0}, "egress": {"dscp": 640}}),
        ),
    ];
    for (options, params) in cases {
        let line = format!("rate set shop/db-0 {options}");
        asks(answers::set(), &[(&line, "rate.set", set(params))]);
    }
    asks(
        json!({}),
        &[(
            "rate rm shop/db-0",
            "rate.remove",
            json!({"workload": "shop/db-0"}),
        )],
    );
}

#[test]
fn wrong_lines_are_status_2() {
    let fake = Fake::answering(json!([]));
    for (line, says) in [
        ("rate", "Usage"),
        ("rate ls db-0", "NAMESPACE/POD"),
        ("rate history shop/", "NAMESPACE/POD"),
        ("rate rm", "NAMESPACE/POD"),
        ("rate set --ingress 20M", "NAMESPACE/POD"),
        ("rate set shop/db-0", "neither --ingress nor --egress"),
        (
            "rate set shop/db-0 --reason test",
            "neither --ingress nor --egress",
        ),
        (
            "rate set shop/db-0 --egress none --egress-burst 64Ki",
            "--egress says none",
        ),
        ("rate set shop/db-0 --ingress=", "--ingress"),
        ("rate set shop/db-0 --ingress-packets many", "many"),
        ("rate set shop/db-0 --egress-dscp -1", "-1"),
        ("rate set shop/db-0 --ingress 20M --watch", "--watch"),
        ("rate rm shop/db-0 --watch", "--watch"),
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.err.contains(says), "{line}: {ran:?}");
    }
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn rates_have_a_table() {
    assert_eq!(
        shows(answers::rates(), "rate ls", &[]),
        "WORKLOAD       INTERFACE  DIRECTION  RATE        PACKETS/S  DSCP  MEANS   DECIDED-BY                               SENT  DROPPED
shop/db-0      eth0       ingress    20Mbit                       htb     namespace shop: RateLimit/shop           41    0
shop/db-0      eth0       egress     1500kbit    1000       46    edt     container: netctl rate set: incident 17  9     2
                                                                          network apps: RateLimit/apps
0123456789ab…  eth0       ingress    1234567bit                   police  container: ingressRate
problem: 0123456789ab… eth0 ingress: fq and htb are missing: what is too much is dropped
"
    );
    let mut marked = json!([answers::rates()[0]]);
    marked[0]["rate"] = Value::Null;
    marked[0]["limits"] = json!([]);
    let quiet = shows(marked, "rate ls", &["htb"]);
    assert!(
        !quiet.contains("RATE ") && !quiet.contains("DECIDED") && !quiet.contains("problem"),
        "{quiet}"
    );
    shows(json!([]), "rate ls", &["nobody"]);
}

/// One limit decides both: it is said once.
#[test]
fn who_decides_is_said_once() {
    let mut both = json!([answers::rates()[1]]);
    both[0]["limits"][0]["packets"] = json!(1000);
    let out = shows(both, "rate ls", &["incident"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(!out.contains("RateLimit/apps"), "{out}");
}

#[test]
fn what_was_set_is_shown() {
    assert_eq!(
        shows(answers::set(), "rate set shop/db-0 --ingress none", &[]),
        "WORKLOAD   INGRESS  EGRESS                                      REASON
shop/db-0  none     1500k, burst 64Ki, 1000 packets/s, dscp 46  incident 17
warning: shop/db-0: egress: RateLimit/shop allows 1Mbit only
"
    );
    assert_eq!(
        shows(json!({}), "rate rm shop/db-0", &[]),
        "nothing is set for shop/db-0: its own configuration counts\n"
    );
    assert_eq!(shows(json!({}), "rate rm shop/db-0 -o json", &[]), "{}\n");
}

#[test]
fn history_has_a_table() {
    assert_eq!(
        shows(answers::history(), "rate history", &[]),
        "TIME                  SCOPE      OF         DIRECTION  FROM    TO      REASON
2026-11-28T20:12:01Z  container  shop/db-0  egress     none    20Mbit  RateLimit/web
2026-11-28T20:12:05Z  namespace  shop       ingress    20Mbit  none    RateLimit/shop is gone
"
    );
    shows(json!([]), "rate history", &["changed"]);
}

#[test]
fn limits_as_objects_have_a_table() {
    assert_eq!(
        shows(answers::limits(), "get ratelimits", &[]),
        "NAME  PER        NAMESPACES  NETWORKS  PODS     INGRESS  EGRESS
web   Container  all         all       app=web           20M, burst 64Ki, 1000 packets/s, dscp 10
shop  Namespace  shop        apps               1000000
                 bank
"
    );
    // As YAML it is what can be applied again.
    let yaml = Fake::answering(answers::limits())
        .run("get ratelimit -o yaml")
        .out;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("limits.yaml");
    fs::write(&file, yaml).unwrap();
    let applied = json!([{"kind": "RateLimit", "name": "web", "done": "unchanged"}]);
    let fake = Fake::answering(applied);
    let asked = fake.asks(&format!("apply -f {}", file.display()));
    assert_eq!(asked["params"]["objects"], answers::limits());
}

#[test]
fn documents_are_the_answer_itself() {
    for (line, answer) in [
        ("rate ls", answers::rates()),
        ("rate set shop/db-0 --egress none", answers::set()),
        ("rate history", answers::history()),
    ] {
        let fake = Fake::answering(answer.clone());
        let json: Value = serde_json::from_str(&fake.run(&format!("{line} -o json")).out).unwrap();
        assert!(holds(&json, &answer), "{line}: {json}");
        let yaml = fake.run(&format!("{line} -o yaml")).out;
        assert_eq!(
            serde_saphyr::from_str::<Value>(&yaml).unwrap(),
            json,
            "{line}"
        );
    }
}

#[test]
fn a_refusal_is_status_1() {
    let fake = Fake::refusing(7, "ingress.rate: \"20X\" is no rate", "");
    for line in ["rate set shop/db-0 --ingress 20X", "rate ls", "rate rm a/b"] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        assert_eq!(
            ran.err, "netctl: ingress.rate: \"20X\" is no rate\n",
            "{line}"
        );
    }
}
