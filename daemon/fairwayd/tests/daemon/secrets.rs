//! Whatever the daemon logs, and however much: no password, key or token is in it.

use crate::bed::{Bed, SOON};
use fairway_api::{
    ClientError, Method,
    admin::{Applied, ObjectApply},
};
use fairway_lab::{Guarded, Value, json, poll};
use std::fs;

const TOKEN: &str = "token-hunter2-of-kubernetes";
const PASSWORD: &str = "password-hunter2-of-etcd";
const KEY: &str = "key-hunter2-of-bgp";

/// A server that answers HTTP and is neither etcd nor Kubernetes: another daemon's metrics.
const SERVER: &str = "127.0.0.1:9790";

/// A node with that server.
fn node() -> (Bed, Guarded) {
    let bed = Bed::new();
    let other = bed.lab.scratch().join("other");
    let folder = |name: &str| other.join(name).display().to_string();
    let mut server = bed
        .lab
        .node()
        .command(env!("CARGO_BIN_EXE_fairwayd"))
        .args(["--node", "n2", "--metrics", SERVER])
        .args(["--socket", &folder("s"), "--state-dir", &folder("state")])
        .spawn()
        .unwrap();
    server.wait_for(SOON, "metrics are at").unwrap();
    (bed, server)
}

fn file(bed: &Bed, name: &str, text: &str) -> String {
    let path = bed.lab.scratch().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Waits until the log says all of this, and looks for secrets.
fn says_and_hides(log: impl Fn() -> String, words: &[&str]) {
    for word in words {
        let said = poll(SOON, word, || log().contains(word));
        assert!(said.is_ok(), "not a word of {word:?}:\n{}", log());
    }
    let log = log();
    let secrets = [TOKEN, PASSWORD, KEY, "hunter2"];
    let shown: Vec<&str> = log
        .lines()
        .filter(|line| secrets.iter().any(|secret| line.contains(secret)))
        .collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn a_password_of_etcd_is_not_logged() {
    let (bed, _server) = node();
    let password = file(&bed, "password", PASSWORD);
    let store = format!("etcd:http://{SERVER}");
    let daemon = bed.launch_logging(
        "trace",
        &[
            "--log",
            "json",
            "--store",
            &store,
            "--etcd-user",
            "fairway",
            "--etcd-password-file",
            &password,
        ],
    );
    // It has been tried, and what was sent is told down to the frames.
    says_and_hides(
        || daemon.log(),
        &["cannot be reached", "TRACE", "\"target\":\"h2"],
    );
}

#[test]
fn a_token_of_kubernetes_and_a_key_of_bgp_are_not_logged() {
    let (mut bed, _server) = node();
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{SERVER}")}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    });
    let kubeconfig = file(&bed, "kubeconfig", &kubeconfig.to_string());
    bed.daemon = Some(bed.launch_logging("trace", &["--log", "json", "--kubeconfig", &kubeconfig]));
    bed.answers();
    let key = file(&bed, "key", KEY);
    let peer = |field: &str, value: &str| -> Value {
        json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "BgpPeer", "metadata": {"name": "tor"},
            "spec": {"address": "127.0.0.2", "asn": 65001, field: value},
        })
    };
    let config = json!({
        "apiVersion": "fairway.network/v1alpha1", "kind": "BgpConfig", "metadata": {"name": "all"},
        "spec": {"asn": 64512, "nodes": ["n1"], "routerID": "192.0.2.1"},
    });
    let apply = |objects: Vec<Value>| -> Result<Vec<Applied>, ClientError> {
        bed.call(Method::ObjectApply(ObjectApply { objects }))
    };
    apply(vec![config, peer("passwordFile", &key)]).unwrap();
    // One who takes the file's field for the key's, or has the key in the object.
    for field in ["passwordFile", "password"] {
        let error = apply(vec![peer(field, KEY)]).unwrap_err().to_string();
        assert!(
            error.contains("password") && !error.contains("hunter2"),
            "{error}"
        );
    }
    says_and_hides(
        || bed.log(),
        &[
            "the BGP speaker begins",
            "kubernetes: ",
            "TRACE",
            "\"target\":\"kube_client",
        ],
    );
}

/// What an operator gets wrong is told, and so goes to the log.
#[test]
fn a_file_that_is_wrong_is_not_shown() {
    let bed = Bed::new();
    let config = file(
        &bed,
        "wrong.toml",
        "etcd_user = \"u\"\netcd_password = hunter2\n",
    );
    let command = bed.lab.node().command(env!("CARGO_BIN_EXE_fairwayd"));
    let output = command.args(["--config", &config]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        output.stderr.contains("line 2: etcd_password") && !output.stderr.contains("hunter2"),
        "{}",
        output.stderr
    );
    // Somebody put the token alone into the file.
    let token = file(&bed, "token", TOKEN);
    let daemon = bed.launch_logging("trace", &["--kubeconfig", &token]);
    says_and_hides(|| daemon.log(), &["is no kubeconfig"]);
}
