//! The chart, rendered by Helm.

use anyhow::{Context, Result, ensure};
use fairway_lab::{Value, bin_dir, plugin_dir, serde_json, tempfile};
use fairway_tests_deploy::{Helm, Rendered};
use std::fs;

const EMBEDDED: &str = "store.embedded=true";
const ETCD: &str =
    r#"store.etcd={"endpoints":["https://a:2379","https://b:2379"],"tlsSecret":"tls"}"#;

/// All containers, those that run first included.
fn containers(rendered: &Rendered) -> Result<Vec<&Value>> {
    let pod = &rendered.one("DaemonSet")?["spec"]["template"]["spec"];
    let of = |key: &str| pod[key].as_array().into_iter().flatten();
    Ok(of("initContainers").chain(of("containers")).collect())
}

fn config<'a>(rendered: &'a Rendered, name: &str) -> Result<&'a str> {
    let text = &rendered.one("ConfigMap")?["data"][name];
    text.as_str().with_context(|| name.to_owned())
}

#[test]
fn helm_finds_no_fault_with_it() -> Result<()> {
    let output = Helm::new()?.run(&["lint", "--strict"], &[EMBEDDED])?;
    ensure!(
        output.status.success(),
        "{}{}",
        output.stdout,
        output.stderr
    );
    Ok(())
}

#[test]
fn settings_are_what_the_values_say() -> Result<()> {
    let helm = Helm::new()?;
    let more = r#"settings="node_grace = \"10m\"\n[sweep]\nevery = \"5s\"""#;
    let rendered = helm.render(&[ETCD, "underlay=\"eth1\"", "overlayPort=4790", more])?;
    let settings = config(&rendered, "fairwayd.toml")?;
    for line in [
        r#"store = "etcd:https://a:2379,https://b:2379""#,
        r#"etcd_ca = "/etc/fairway/etcd/ca.crt""#,
        r#"etcd_key = "/etc/fairway/etcd/tls.key""#,
        r#"underlay = "eth1""#,
        "overlay_port = 4790",
        r#"kubeconfig = "in-cluster""#,
        r#"metrics = "[::]:9790""#,
        r#"node_grace = "10m""#,
    ] {
        ensure!(
            settings.lines().any(|there| there == line),
            "{line}: {settings}"
        );
    }
    // Tables come last, or what follows them would be theirs.
    ensure!(
        settings.trim_end().ends_with("[sweep]\nevery = \"5s\""),
        "{settings}"
    );
    // Another setting is another pod.
    let mark = |rendered: &Rendered| -> Result<Value> {
        let template = &rendered.one("DaemonSet")?["spec"]["template"];
        Ok(template["metadata"]["annotations"]["fairway.network/settings"].clone())
    };
    ensure!(mark(&rendered)? != mark(&helm.render(&[ETCD])?)?);
    Ok(())
}

/// The configuration is put on a node by the program that the chart has do it.
#[test]
fn the_runtimes_configuration_can_be_installed() -> Result<()> {
    let helm = Helm::new()?;
    let own = r#"cni.conflist="{\"cniVersion\":\"1.0.0\",\"name\":\"own\",\"plugins\":[{\"type\":\"loopback\"}]}""#;
    for (values, types) in [
        (&[EMBEDDED][..], &["vxlan", "portmap", "bandwidth"][..]),
        (
            &[
                EMBEDDED,
                "cni.portMappings=false",
                "cni.bandwidth=false",
                "cni.mtu=1400",
                "cni.podAnnotations=false",
            ],
            &["vxlan"],
        ),
        (&[EMBEDDED, own], &["loopback"]),
    ] {
        let rendered = helm.render(values)?;
        let text = config(&rendered, "conflist.json")?;
        let conflist: Value = serde_json::from_str(text)?;
        let plugins = conflist["plugins"].as_array().context("plugins")?;
        let there: Vec<_> = plugins
            .iter()
            .filter_map(|plugin| plugin["type"].as_str())
            .collect();
        ensure!(there == types, "{text}");
        let mtu = values.contains(&"cni.mtu=1400");
        ensure!(!mtu || plugins[0]["mtu"] == 1400, "{text}");
        let annotations = &plugins[0]["capabilities"]["io.kubernetes.cri.pod-annotations"];
        // Told to one that knows them, and by default.
        ensure!((*annotations == true) == (types.len() == 3), "{text}");

        let node = tempfile::tempdir()?;
        let at = |name: &str| node.path().join(name);
        fs::write(at("conflist.json"), text)?;
        let args = |container: &Value| -> Vec<String> {
            let args = container["args"].as_array().into_iter().flatten();
            args.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let container = containers(&rendered)?
            .into_iter()
            .find(|c| c["name"] == "install");
        let args = args(container.context("install")?).into_iter().map(|arg| {
            let arg = arg.replace("/host/bin", &at("bin").display().to_string());
            let arg = arg.replace("/host/net.d", &at("net.d").display().to_string());
            arg.replace("/etc/fairway/cni", &node.path().display().to_string())
        });
        let args: Vec<_> = args.collect();
        let ns = fairway_lab::Ns::new("node")?;
        let install = ns
            .command(bin_dir().join("fairway-install"))
            .arg("conflist")
            .args(&args);
        let install = install.arg("--from").arg(plugin_dir().join("fairway-cni"));
        let output = install.env("FAIRWAY_SOCKET", at("nobody")).output()?;
        // No daemon is there, so what needs one is not ready; loopback by itself is.
        let ready = types == ["loopback"];
        ensure!(output.status.success() == ready, "{}", output.stderr);
        ensure!(
            ready || output.stderr.contains("vxlan is not ready"),
            "{}",
            output.stderr
        );
        ensure!(at("net.d/00-fairway.conflist").exists() == ready);
        ensure!(at("bin/vxlan").exists());
    }
    Ok(())
}

#[test]
fn only_the_daemon_has_privileges_and_every_container_a_limit() -> Result<()> {
    let helm = Helm::new()?;
    for mode in ["mode=\"run\"", "mode=\"remove\""] {
        let rendered = helm.render(&[ETCD, mode])?;
        let pod = &rendered.one("DaemonSet")?["spec"]["template"]["spec"];
        ensure!(pod["hostNetwork"] == true && pod["priorityClassName"] == "system-node-critical");
        ensure!(pod["tolerations"][0]["operator"] == "Exists" && pod["hostPID"].is_null());
        let volumes = pod["volumes"].as_array().context("volumes")?;
        for container in containers(&rendered)? {
            let name = container["name"].as_str().context("a name")?;
            let may = &container["securityContext"];
            let daemon = container["command"][0] == "/usr/sbin/fairwayd";
            ensure!((may["privileged"] == true) == daemon, "{name}: {may}");
            ensure!(may["readOnlyRootFilesystem"] == true, "{name}");
            ensure!(
                daemon || may["capabilities"]["drop"][0] == "ALL",
                "{name}: {may}"
            );
            ensure!(
                !container["resources"]["limits"]["memory"].is_null(),
                "{name}"
            );
            for mount in container["volumeMounts"].as_array().context("mounts")? {
                let known = volumes.iter().any(|volume| volume["name"] == mount["name"]);
                ensure!(known, "{name}: {mount}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_node_is_ready_when_daemon_and_configuration_are() -> Result<()> {
    let rendered = Helm::new()?.render(&[EMBEDDED])?;
    let update = &rendered.one("DaemonSet")?["spec"]["updateStrategy"];
    ensure!(
        update["rollingUpdate"]["maxUnavailable"] == "10%",
        "{update}"
    );
    let containers = containers(&rendered)?;
    let names: Vec<_> = containers
        .iter()
        .map(|c| c["name"].as_str().unwrap_or_default())
        .collect();
    ensure!(names == ["plugins", "fairwayd", "install"], "{names:?}");
    let probe = |at: usize, kind: &str| containers[at][kind]["exec"]["command"].to_string();
    ensure!(probe(1, "livenessProbe").contains("netctl"));
    ensure!(probe(1, "readinessProbe").contains("netctl"));
    ensure!(probe(2, "readinessProbe").contains("fairway-install\",\"check"));
    Ok(())
}

#[test]
fn a_removal_takes_away_in_the_right_order() -> Result<()> {
    let rendered = Helm::new()?.render(&[EMBEDDED, "mode=\"remove\""])?;
    let order: Vec<_> = containers(&rendered)?
        .iter()
        .map(|container| container["command"].to_string())
        .collect();
    ensure!(order.len() == 3, "{order:?}");
    ensure!(order[0].contains("remove\",\"--conflists"), "{order:?}");
    ensure!(order[1].contains("fairwayd\",\"--cleanup"), "{order:?}");
    ensure!(
        order[2].contains("--plugins=/host/bin\",\"--stay"),
        "{order:?}"
    );
    Ok(())
}

#[test]
fn accounts_rules_and_kinds_come_with_it() -> Result<()> {
    let helm = Helm::new()?;
    let pool = r#"pools=[{"name":"pods","spec":{"ranges":[{"cidr":"10.64.0.0/12"}]}}]"#;
    let network = r#"networks=[{"name":"pods","spec":{"pools":["pods"]}}]"#;
    let rendered = helm.render(&[EMBEDDED, pool, network])?;
    let account = &rendered.one("ServiceAccount")?["metadata"];
    ensure!(account["namespace"] == "net", "{account}");
    let pod = &rendered.one("DaemonSet")?["spec"]["template"]["spec"];
    ensure!(pod["serviceAccountName"] == account["name"]);
    for binding in rendered
        .kind("ClusterRoleBinding")
        .chain(rendered.kind("RoleBinding"))
    {
        ensure!(binding["subjects"][0]["namespace"] == "net", "{binding}");
    }
    let kinds: Vec<_> = rendered
        .kind("CustomResourceDefinition")
        .filter_map(|crd| crd["spec"]["names"]["kind"].as_str())
        .collect();
    for kind in ["IPPool", "Network", "BgpPeer", "BgpConfig"] {
        ensure!(kinds.contains(&kind), "{kinds:?}");
    }
    ensure!(rendered.one("IPPool")?["spec"]["ranges"][0]["cidr"] == "10.64.0.0/12");
    ensure!(rendered.one("Network")?["spec"]["pools"][0] == "pods");
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_by_its_value() -> Result<()> {
    let helm = Helm::new()?;
    for (values, word) in [
        (&[][..], "store.etcd.endpoints"),
        (&[EMBEDDED, ETCD], "exclude each other"),
        (&[EMBEDDED, "overlayPort=0"], "overlayPort"),
        (&[EMBEDDED, "metrics.port=\"x\""], "port"),
        (&[EMBEDDED, "cni.mtu=500"], "mtu"),
        (&[EMBEDDED, "cni.confName=\"../x.conflist\""], "confName"),
        (&[EMBEDDED, "cni.conflist=\"{\""], "conflist"),
        (&[EMBEDDED, "mode=\"off\""], "mode"),
        (&[EMBEDDED, "underley=\"eth0\""], "underley"),
        (&[EMBEDDED, "log={\"format\":\"xml\"}"], "format"),
        (
            &[EMBEDDED, "pools=[{\"name\":\"Pods\",\"spec\":{}}]"],
            "pools",
        ),
        (&["store.etcd.endpoints=[\"a:2379\"]"], "endpoints"),
    ] {
        let said = helm.refuses(values)?;
        ensure!(said.contains(word), "{values:?}: {said}");
    }
    Ok(())
}
