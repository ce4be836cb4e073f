//! The manifest for those who have no Helm: what the chart makes, kept in deploy/kubernetes.
//!
//! `FAIRWAY_REGENERATE=1` writes it anew.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::Value;
use fairway_tests_deploy::{Helm, deploy};
use fairway_tests_k8s::{Bed, User};
use std::fs;

const HEAD: &str = "\
# The daemon and the plugins on every node of a cluster, as the chart makes them, for `kubectl apply` by itself.
# To be changed before: the endpoints of etcd in the ConfigMap, and the image where the cluster has one of its own.
# docs/install.md tells the whole way. Made by FAIRWAY_REGENERATE=1 cargo xtask test deploy.
apiVersion: v1
kind: Namespace
metadata:
  name: fairway
  labels:
    # The daemon sets kernel settings of the node.
    pod-security.kubernetes.io/enforce: privileged
";

/// The endpoints have names that nobody has, so that a daemon that is given them says so.
const ETCD: &str = r#"store.etcd={"endpoints":["https://etcd-1.invalid:2379","https://etcd-2.invalid:2379","https://etcd-3.invalid:2379"],"tlsSecret":"fairway-etcd"}"#;

fn rendered() -> Result<String> {
    let command = ["template", "fairway", "--namespace", "fairway"];
    let output = Helm::new()?.run(&command, &[ETCD])?;
    ensure!(output.status.success(), "{}", output.stderr);
    let helms = [
        "# Source: ",
        "helm.sh/chart:",
        "app.kubernetes.io/managed-by:",
    ];
    let lines = output.stdout.lines().filter(|line| {
        let line = line.trim_start();
        !helms.iter().any(|helms| line.starts_with(helms))
    });
    let lines: Vec<_> = lines.collect();
    Ok(format!("{HEAD}{}\n", lines.join("\n")))
}

fn kept() -> Result<String> {
    let file = deploy().join("kubernetes/fairway.yaml");
    if std::env::var_os("FAIRWAY_REGENERATE").is_some() {
        fs::write(&file, rendered()?)?;
    }
    fs::read_to_string(&file).with_context(|| file.display().to_string())
}

#[test]
fn it_is_what_the_chart_makes() -> Result<()> {
    let stale = kept()? != rendered()?;
    ensure!(
        !stale,
        "deploy/kubernetes/fairway.yaml is stale: FAIRWAY_REGENERATE=1 makes it anew"
    );
    let objects: Vec<Value> = serde_saphyr::from_multiple(&kept()?)?;
    ensure!(
        objects
            .iter()
            .filter(|object| object["kind"] == "DaemonSet")
            .count()
            == 1
    );
    Ok(())
}

#[test]
fn an_api_server_takes_it() -> Result<()> {
    let bed = Bed::shared()?;
    bed.kubectl(User::Admin, "create namespace fairway")?;
    let answer = bed.ask(
        User::Admin,
        "apply --dry-run=server --validate=true -f -",
        &kept()?,
    )?;
    ensure!(answer.done, "{answer:?}");
    Ok(())
}
