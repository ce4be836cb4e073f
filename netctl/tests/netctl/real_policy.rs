//! Objects, policies and flows against the daemon itself.

use crate::real::Real;
use serde_json::{Value, json};
use std::fs;

/// Objects come and go, and each verb is answered as its schema says.
#[test]
fn objects_and_policies_are_understood_by_the_daemon() {
    if !is_root() {
        eprintln!(
            "\nSKIP objects_and_policies_are_understood_by_the_daemon: only root may use the socket"
        );
        return;
    }
    let real = Real::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("web.yaml");
    let text = include_str!("fixture/policy.yaml");
    fs::write(&file, format!("{text}---\nkind: Namespace\napiVersion: v1\nmetadata: {{name: web, labels: {{eu: no}}}}\n")).unwrap();
    let apply = format!("apply -f {}", file.display());
    let done = |applied: &Value| -> Vec<Value> {
        let applied = applied.as_array().unwrap();
        applied.iter().map(|one| one["done"].clone()).collect()
    };
    let applied = real.does_once("apply", &apply);
    assert_eq!(done(&applied), ["created", "created"]);
    assert_eq!(applied[0]["namespace"], "web");
    assert_eq!(
        done(&real.does("apply", &apply)),
        ["unchanged", "unchanged"]
    );

    let get = |line: &str| -> Value {
        let ran = real.run(&format!("{line} -o json"));
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    };
    let one = get("get netpol web/allow-dns");
    assert_eq!(one["spec"]["egress"][0]["ports"][0]["port"], json!(53));
    assert_eq!(get("get networkpolicies")["items"], json!([one]));
    assert_eq!(get("get netpol -n shop")["items"], json!([]));
    assert_eq!(get("get ns web")["metadata"]["labels"]["eu"], "no");
    // What is shown can be applied again, and is the same.
    let yaml = real.run("get netpol -o yaml").out;
    fs::write(&file, yaml).unwrap();
    assert_eq!(done(&real.does_once("apply", &apply)), ["unchanged"]);

    real.refuses("get netpol web/none", "web/none");
    real.refuses("get secrets", "secrets");
    fs::write(
        &file,
        format!("{text}  podSelektor: {{}}\n---\nkind: Pod\n"),
    )
    .unwrap();
    real.refuses(&apply, "NetworkPolicy web/allow-dns: spec.podSelektor");
    real.refuses(&apply, "web.yaml, document 2, line ");

    real.does("policy-ls", "policy ls");
    // This one enforces nothing, so that nothing of it is left in the kernel.
    real.refuses("policy audit", "not enforced");
    real.does("policy-status", "policy status");
    real.does("flows", "flows --drops");
    let why = real.does("policy-explain", "policy explain 192.0.2.1 192.0.2.2 80");
    assert_eq!(
        (&why["verdict"], &why["directions"]),
        (&json!("allowed"), &json!([]))
    );
    real.does("policy-explain", "policy explain 192.0.2.1 2001:db8::1");
    real.refuses("policy explain web/none 192.0.2.2 80", "web/none");

    let gone = real.does_once("delete", "delete NetworkPolicy web/allow-dns");
    assert_eq!(gone["done"], "deleted");
    real.refuses("delete NetworkPolicy web/allow-dns", "web/allow-dns");
    real.refuses("delete netpol allow-dns", "namespace");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}
