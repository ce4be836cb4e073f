//! `policy`, `get` and `delete`: what they ask, and how it is shown.

use crate::{
    answers_policy as answers,
    fake::Fake,
    output::{holds, shows},
    requests::asks,
};
use serde_json::{Value, json};

#[test]
fn what_is_asked() {
    asks(
        answers::network_policies(),
        &[
            ("get netpol", "object.list", json!({"kind": "netpol"})),
            (
                "get NetworkPolicy --all-namespaces",
                "object.list",
                json!({"kind": "NetworkPolicy"}),
            ),
            (
                "get netpol -n web",
                "object.list",
                json!({"kind": "netpol", "namespace": "web"}),
            ),
            (
                "get netpol web/allow-dns",
                "object.list",
                json!({"kind": "netpol", "namespace": "web", "name": "allow-dns"}),
            ),
            (
                "get netpol allow-dns --namespace web",
                "object.list",
                json!({"kind": "netpol", "namespace": "web", "name": "allow-dns"}),
            ),
            (
                "get ns web",
                "object.list",
                json!({"kind": "ns", "name": "web"}),
            ),
        ],
    );
    asks(
        answers::deleted(),
        &[
            (
                "delete NetworkPolicy web/allow-dns",
                "object.remove",
                json!({"kind": "NetworkPolicy", "namespace": "web", "name": "allow-dns"}),
            ),
            (
                "delete cnp deny-all",
                "object.remove",
                json!({"kind": "cnp", "name": "deny-all"}),
            ),
        ],
    );
    asks(
        json!([]),
        &[
            ("policy ls", "policy.list", Value::Null),
            ("policy audit", "policy.audit", Value::Null),
        ],
    );
    let status = answers::policy_status(true);
    asks(status, &[("policy status", "policy.status", Value::Null)]);
    let question = |port: Option<u16>, protocol: &str| {
        let mut question = json!({
            "from": {"pod": "web/front"}, "to": {"address": "fd01::7"}, "protocol": protocol
        });
        if let Some(port) = port {
            question["port"] = port.into();
        }
        question
    };
    let line = |rest: &str| format!("policy explain web/front fd01::7 {rest}");
    let cases = [
        ("80", question(Some(80), "tcp")),
        ("53/udp", question(Some(53), "udp")),
        ("53/UDP --protocol udp", question(Some(53), "udp")),
        ("9 --protocol sctp", question(Some(9), "sctp")),
        ("", question(None, "icmp")),
        ("--protocol ospf", question(None, "ospf")),
    ];
    for (rest, params) in cases {
        let line = line(rest);
        asks(
            answers::policy_explained("denied"),
            &[(&line, "policy.explain", params)],
        );
    }
}

#[test]
fn wrong_lines_are_status_2() {
    let fake = Fake::answering(json!([]));
    for (line, says) in [
        ("get", "KIND"),
        ("get netpol web/", "NAME"),
        ("get netpol a/b/c", "NAME"),
        ("get netpol web/dns -n web", "web/dns says its namespace"),
        ("get netpol -n web -A", "--all-namespaces"),
        ("delete netpol", "NAME"),
        ("delete netpol web/dns -n web", "web/dns says its namespace"),
        ("delete netpol web/dns --watch", "--watch"),
        ("apply", "--file"),
        ("policy", "Usage"),
        ("policy explain web/front", "DST"),
        ("policy explain front web/db 80", "SRC"),
        ("policy explain web/front web/db 0", "PORT"),
        ("policy explain web/front web/db 80/", "PORT"),
        ("policy explain web/front web/db http", "PORT"),
        (
            "policy explain web/a web/b 80/udp --protocol tcp",
            "udp already",
        ),
        (
            "policy explain web/a web/b 80 --protocol icmp",
            "icmp has no ports",
        ),
        (
            "policy explain web/a web/b --protocol udp",
            "udp needs a PORT",
        ),
        ("flows --follow --watch", "--follow"),
        ("flows --watch", "--follow"),
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.err.contains(says), "{line}: {ran:?}");
    }
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn objects_have_tables() {
    let out = shows(
        answers::network_policies(),
        "get netpol",
        &[
            "web",
            "allow-dns",
            "NAMESPACE",
            "audit",
            "app=db,tier=010,zone",
            "(a,b),!old",
            "shop",
            "all",
        ],
    );
    assert!(!out.contains("TIER") && !out.contains("LABELS"), "{out}");
    let row = out.lines().find(|line| line.starts_with("shop")).unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>(),
        ["shop", "closed", "all", "0"]
    );
    let out = shows(
        answers::cluster_policies(),
        "get cnp",
        &["deny-all", "Admin", "100", "team=red", "all", "1"],
    );
    assert!(!out.starts_with("NAMESPACE "), "{out}");
    shows(
        answers::pods(),
        "get pods -n web",
        &["front", "http=8080/TCP", "dns=53/UDP", "app=front"],
    );
    assert_eq!(shows(json!([]), "get ns", &[]), "no such objects\n");
    let out = shows(answers::deleted(), "delete netpol web/allow-dns", &[]);
    assert_eq!(
        out,
        "KIND           NAMESPACE  NAME       DONE\nNetworkPolicy  web        allow-dns  deleted\n"
    );
}

#[test]
fn objects_as_documents_can_be_applied_again() {
    let one = json!([answers::network_policy()]);
    let read = |line: &str, answer: &Value| {
        let ran = Fake::answering(answer.clone()).run(line);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
        ran.out
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(
        json(&read("get netpol web/allow-dns -o json", &one)),
        one[0]
    );
    let all = answers::network_policies();
    let list = |items: &Value| json!({"apiVersion": "v1", "kind": "List", "items": items});
    assert_eq!(json(&read("get netpol -o json", &all)), list(&all));
    // Of one name in several namespaces, and one that was not asked for by its name.
    assert_eq!(
        json(&read("get netpol allow-dns -o json", &all)),
        list(&all)
    );
    assert_eq!(json(&read("get netpol -o json", &one)), list(&one));
    assert_eq!(
        json(&read("get netpol -o json", &json!([]))),
        list(&json!([]))
    );

    // What a reader of YAML 1.1 takes for something else is in quotes.
    let yaml = read("get netpol web/allow-dns -o yaml", &one);
    for quoted in ["\"no\": \"no\"", "tier: \"010\""] {
        assert!(
            yaml.replace('\'', "\"").contains(quoted),
            "{quoted}:\n{yaml}"
        );
    }
    let fake = Fake::answering(answers::applied());
    let dir = tempfile::tempdir().unwrap();
    for (file, line, answer) in [
        ("a.yaml", "get netpol -o yaml", &all),
        ("b.json", "get netpol -o json", &all),
    ] {
        let file = dir.path().join(file);
        std::fs::write(&file, read(line, answer)).unwrap();
        let asked = fake.asks(&format!("apply -f {}", file.display()));
        assert_eq!(asked["params"]["objects"], all, "{line}");
    }
}

#[test]
fn policies_have_tables() {
    let out = shows(
        answers::policies(),
        "policy ls",
        &[
            "deny-all",
            "admin",
            "100",
            "web/allow-dns",
            "namespace",
            "audit",
            "PROBLEMS",
            "9",
        ],
    );
    assert_eq!(out.lines().count(), 3);
    shows(json!([]), "policy ls", &["no", "policies:"]);

    let rows = shows(answers::audit_rows(), "policy audit", &[]);
    assert_eq!(
        rows,
        "FLOWS  POLICY  RULE\n40     web/c   ingress[0]\n3      web/a   ingress\n3      web/b   ingress\n"
    );
    shows(json!([]), "policy audit", &["nothing"]);

    let out = shows(
        answers::policy_status(true),
        "policy status",
        &["yes", "PEERS", "95%", "denied", "4200"],
    );
    assert_eq!(
        out.lines().filter(|line| line.is_empty()).count(),
        2,
        "{out}"
    );
    let out = shows(answers::policy_status(false), "policy status", &["NO"]);
    assert_eq!(
        out,
        "ENFORCED  ENDPOINTS\nNO        0\nproblem: the kernel is 4.19: eBPF programs of policies need 5.10\n"
    );
}

#[test]
fn an_explanation_begins_with_the_verdict() {
    let out = shows(
        answers::policy_explained("allowed"),
        "policy explain web/front 192.0.2.7 80",
        &[],
    );
    assert_eq!(
        out,
        "allowed: web/front to 192.0.2.7, tcp 80
from: pod web/front, node n1, 10.1.0.17, fd01::5, app=front, zone=a, not in group db (policy.group_namespaces)
to:   world 192.0.2.7

egress of web/front: allowed: NetworkPolicy web/allow-dns, egress[0] lets it through
audit: would be denied: no rule lets it through
TIER       POLICY         RULE             ACTION  OUTCOME                    MODE
admin      deny-all       egress[0] \"far\"  pass    fits
namespace  web/allow-dns  egress[0]        accept  decides                    audit
namespace  web/other      egress[1]        accept  port: 80 is not in udp 53
"
    );
    // A denial is an answer like any other.
    let denied = answers::policy_explained("denied");
    let out = shows(denied, "policy explain web/front 192.0.2.7 80", &[]);
    assert!(out.starts_with("denied: "), "{out}");
    let mut nobody = answers::policy_explained("allowed");
    nobody["directions"] = json!([]);
    let out = shows(nobody, "policy explain 10.0.0.1 192.0.2.7", &[]);
    assert!(
        out.ends_with("neither end is a pod whose packets are judged\n"),
        "{out}"
    );
}

#[test]
fn documents_are_the_answer_itself() {
    for (line, answer) in [
        ("policy ls", answers::policies()),
        (
            "policy explain a/b c/d 80",
            answers::policy_explained("denied"),
        ),
        ("policy status", answers::policy_status(true)),
        ("policy status", answers::policy_status(false)),
        ("flows", answers::flows()),
        ("delete netpol web/allow-dns", answers::deleted()),
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
    let fake = Fake::refusing(7, "NetworkPolicy web/x: there is none", "");
    for line in [
        "get netpol web/x",
        "delete netpol web/x",
        "policy explain web/x web/y 80",
        "policy ls -o json",
        "flows",
        "flows --follow",
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        assert_eq!(
            ran.err, "netctl: NetworkPolicy web/x: there is none\n",
            "{line}"
        );
    }
}
