//! The chart's objects on a real API server, which knows each field.

use anyhow::{Result, ensure};
use fairway_tests_deploy::Helm;
use fairway_tests_k8s::{Bed, User};

const POOL: &str = r#"pools=[{"name":"pods","spec":{"ranges":[{"cidr":"10.64.0.0/12"},{"cidr":"fd00:64::/48"}]}}]"#;
const NETWORK: &str = r#"networks=[{"name":"pods","spec":{"pools":["pods"]}}]"#;
const ETCD: &str = r#"store.etcd={"endpoints":["https://a:2379"],"tlsSecret":"tls"}"#;
const APPLY: &str = "apply --dry-run=server --validate=true -f -";

#[test]
fn an_api_server_takes_all_that_is_rendered() -> Result<()> {
    let (bed, helm) = (Bed::shared()?, Helm::new()?);
    bed.kubectl(User::Admin, "create namespace net")?;
    for values in [
        &["store.embedded=true"][..],
        &[ETCD, POOL, NETWORK, "hostPID=true", "cni.types=[\"vxlan\"]"],
        &[ETCD, "mode=\"remove\"", "updateStrategy.maxUnavailable=3"],
        &[
            "store.embedded=true",
            "metrics.service.enabled=true",
            "extraEnv=[{\"name\":\"A\",\"value\":\"1\"}]",
            "extraVolumes=[{\"name\":\"bgp\",\"emptyDir\":{}}]",
            "extraVolumeMounts=[{\"name\":\"bgp\",\"mountPath\":\"/bgp\"}]",
            "annotations={\"a/b\":\"c\"}",
            "serviceAccount.annotations={\"a/b\":\"c\"}",
            "updateStrategy.type=\"OnDelete\"",
            "apiServer.host=\"10.0.0.1\"",
            "cni.writeConf=false",
        ],
    ] {
        let text = helm.text(values)?;
        let answer = bed.ask(User::Admin, APPLY, &text)?;
        ensure!(answer.done, "{values:?}: {answer:?}");
        // What is misspelt is not swallowed.
        let wrong = text.replace("hostNetwork:", "hostNetwrok:");
        let answer = bed.ask(User::Admin, APPLY, &wrong)?;
        ensure!(
            !answer.done && format!("{answer:?}").contains("hostNetwrok"),
            "{answer:?}"
        );
    }
    // A pool of the values is judged as one by hand is.
    let wrong = POOL.replace("10.64.0.0/12", "10.64.0.0");
    let text = helm.text(&["store.embedded=true", &wrong])?;
    let answer = bed.ask(User::Admin, APPLY, &text)?;
    ensure!(
        !answer.done && format!("{answer:?}").contains("cidr"),
        "{answer:?}"
    );
    Ok(())
}
