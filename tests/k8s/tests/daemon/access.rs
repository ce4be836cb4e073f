//! Credentials that change while the daemon runs, and those that are refused.

use crate::Outcome;
use fairway_lab::json;
use fairway_tests_k8s::node::{Node, UNJUDGED, apply, bed};
use fairway_tests_k8s::{Bed, User};
use std::path::Path;

/// Puts a file in place of another, as whoever renews credentials does.
fn put(path: &Path, text: &str) -> Outcome {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)?;
    Ok(std::fs::rename(beside, path)?)
}

/// A namespace that is made now is seen.
fn follows(bed: &Bed, node: &Node, name: &str) -> Outcome {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    apply(bed, &object.to_string())?;
    Ok(node.soon(name, || node.has("namespaces", name))?)
}

#[test]
fn credentials_are_read_anew_while_the_daemon_runs() -> Outcome {
    let bed = bed()?;
    let mut node = Node::bare(&bed, "n1")?;
    let (file, token) = (
        node.folder().join("kubeconfig"),
        node.folder().join("token"),
    );
    let good = json!({"token": User::Daemon.token()});
    put(&file, &bed.access(&good))?;
    node.configure(&bed, &file, UNJUDGED)?;
    node.start()?;
    follows(&bed, &node, "one")?;

    // Whom the server does not know, and who may do nothing: all stays as it is.
    for (user, told) in [("stolen", "(401)"), ("nobody-token", "(403)")] {
        put(&file, &bed.access(&json!({ "token": user })))?;
        node.soon(told, || node.problem(told))?;
        assert!(node.has("namespaces", "one"), "{told}");
    }
    // A token in a file of its own, which is renewed later than the server stops taking the old one.
    put(&token, "stolen")?;
    put(&file, &bed.access(&json!({ "tokenFile": token })))?;
    node.soon("refused", || node.problem("(401)"))?;
    put(&token, &User::Daemon.token())?;
    follows(&bed, &node, "two")?;
    // What is no file of this kind is told, and is put right in its turn.
    put(&file, "clusters: [")?;
    let told = file.display().to_string();
    node.soon("told", || node.problem(&told))?;
    assert!(node.has("namespaces", "two"));
    put(&file, &bed.access(&good))?;
    follows(&bed, &node, "three")?;
    Ok(node.soon("no problem", || !node.problem("kubernetes: "))?)
}
