//! The chart's values: each is known to its schema, and arrives where whoever runs a platform expects it.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Value, serde_json};
use fairway_tests_deploy::{Helm, Rendered, deploy};
use std::fs;

const EMBEDDED: &str = "store.embedded=true";

fn template(rendered: &Rendered) -> Result<&Value> {
    Ok(&rendered.one("DaemonSet")?["spec"]["template"])
}

/// The daemon's container, in either mode.
fn daemon(rendered: &Rendered) -> Result<&Value> {
    let pod = &template(rendered)?["spec"];
    let of = |key: &str| pod[key].as_array().into_iter().flatten();
    let mut all = of("initContainers").chain(of("containers"));
    all.find(|container| container["command"][0] == "/usr/sbin/fairwayd")
        .context("no daemon")
}

/// Walks both: what one has the other has.
fn same(path: &str, values: &Value, schema: &Value, wrong: &mut Vec<String>) {
    let (Some(values), Some(known)) = (values.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for (key, value) in values {
        match known.get(key) {
            Some(schema) => same(&format!("{path}.{key}"), value, schema, wrong),
            None => wrong.push(format!("{path}.{key} is not in the schema")),
        }
    }
    // What an administrator may add has no default: of a pod's resources, or of a probe.
    let open = [".resources", ".probes"]
        .iter()
        .any(|open| path.starts_with(open));
    let absent = known
        .keys()
        .filter(|key| !open && !values.contains_key(*key));
    wrong.extend(absent.map(|key| format!("{path}.{key} is not in values.yaml")));
}

#[test]
fn the_schema_knows_every_value_and_no_other() -> Result<()> {
    let read = |name: &str| fs::read_to_string(deploy().join("chart").join(name));
    let values: Value = serde_saphyr::from_str(&read("values.yaml")?)?;
    let mut schema: Value = serde_json::from_str(&read("values.schema.json")?)?;
    // Of all charts, where this one is a part of another.
    let known = schema["properties"].as_object_mut().context("properties")?;
    known.remove("global").context("global")?;
    let mut wrong = Vec::new();
    same("", &values, &schema, &mut wrong);
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn what_a_platform_sets_is_in_every_pod() -> Result<()> {
    for mode in ["mode=\"run\"", "mode=\"remove\""] {
        let values = [
            EMBEDDED,
            mode,
            "fullnameOverride=\"cni\"",
            "commonLabels={\"team\":\"net\"}",
            "annotations={\"a/set\":\"1\"}",
            "podAnnotations={\"a/pod\":\"2\"}",
            "podLabels={\"pod\":\"3\"}",
            "imagePullSecrets=[{\"name\":\"pull\"}]",
            "image.repository=\"registry.example/fairway\"",
            "image.tag=\"x1\"",
            "image.pullPolicy=\"Always\"",
            "tolerations=[{\"key\":\"k\",\"operator\":\"Exists\"}]",
            "nodeSelector={\"pool\":\"a\"}",
            "affinity={\"nodeAffinity\":{}}",
            "priorityClassName=\"mine\"",
            "terminationGracePeriodSeconds=77",
            "minReadySeconds=5",
            "updateStrategy.type=\"OnDelete\"",
            "dnsPolicy=\"Default\"",
            "resources.daemon={\"limits\":{\"memory\":\"1Gi\"},\"requests\":{\"cpu\":\"1\"}}",
            "extraEnv=[{\"name\":\"FAIRWAY_RECLAIM_AFTER\",\"value\":\"1h\"}]",
            "extraVolumes=[{\"name\":\"bgp\",\"emptyDir\":{}}]",
            "extraVolumeMounts=[{\"name\":\"bgp\",\"mountPath\":\"/bgp\"}]",
            "apiServer.host=\"api.example\"",
            "serviceAccount.annotations={\"iam\":\"role\"}",
        ];
        let rendered = Helm::new()?.render(&values)?;
        for object in &rendered.0 {
            let kind = &object["kind"];
            let ours =
                kind == "CustomResourceDefinition" || object["metadata"]["labels"]["team"] == "net";
            ensure!(ours, "{kind} has no common label");
        }
        let set = rendered.one("DaemonSet")?;
        ensure!(set["metadata"]["name"] == "cni" && set["metadata"]["annotations"]["a/set"] == "1");
        ensure!(set["spec"]["updateStrategy"] == serde_json::json!({"type": "OnDelete"}));
        ensure!(set["spec"]["minReadySeconds"] == 5);
        ensure!(rendered.one("ConfigMap")?["metadata"]["name"] == "cni-config");
        ensure!(rendered.one("ServiceAccount")?["metadata"]["annotations"]["iam"] == "role");
        let (meta, pod) = (
            &template(&rendered)?["metadata"],
            &template(&rendered)?["spec"],
        );
        ensure!(meta["annotations"]["a/pod"] == "2" && meta["labels"]["pod"] == "3");
        // Common labels are not part of what cannot change.
        ensure!(set["spec"]["selector"]["matchLabels"]["team"].is_null());
        ensure!(pod["imagePullSecrets"][0]["name"] == "pull");
        ensure!(pod["tolerations"][0]["key"] == "k" && pod["nodeSelector"]["pool"] == "a");
        ensure!(pod["affinity"]["nodeAffinity"].is_object());
        ensure!(pod["priorityClassName"] == "mine" && pod["dnsPolicy"] == "Default");
        ensure!(pod["terminationGracePeriodSeconds"] == 77);
        let has = |list: &Value, name: &str| {
            list.as_array()
                .is_some_and(|list| list.iter().any(|entry| entry["name"] == name))
        };
        ensure!(has(&pod["volumes"], "bgp"));
        let daemon = daemon(&rendered)?;
        ensure!(
            daemon["image"] == "registry.example/fairway:x1"
                && daemon["imagePullPolicy"] == "Always"
        );
        ensure!(daemon["resources"]["limits"]["memory"] == "1Gi");
        ensure!(
            has(&daemon["env"], "FAIRWAY_RECLAIM_AFTER") && has(&daemon["volumeMounts"], "bgp")
        );
        ensure!(
            has(&daemon["env"], "KUBERNETES_SERVICE_HOST"),
            "{}",
            daemon["env"]
        );
    }
    Ok(())
}

#[test]
fn probes_take_what_is_changed_and_keep_the_rest() -> Result<()> {
    let values = [EMBEDDED, "probes.startup.failureThreshold=200"];
    let rendered = Helm::new()?.render(&values)?;
    let probe = &daemon(&rendered)?["startupProbe"];
    ensure!(
        probe["failureThreshold"] == 200 && probe["periodSeconds"] == 2,
        "{probe}"
    );
    ensure!(probe["exec"]["command"][0] == "/usr/bin/netctl", "{probe}");
    Ok(())
}

#[test]
fn whoever_writes_the_configuration_or_the_accounts_themselves_can() -> Result<()> {
    let values = [EMBEDDED, "cni.writeConf=false", "rbac.create=false"];
    let rendered = Helm::new()?.render(&values)?;
    for kind in [
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ] {
        ensure!(rendered.kind(kind).count() == 0, "{kind}");
    }
    let text = rendered.one("DaemonSet")?.to_string();
    ensure!(
        text.contains("\"--to=/host/bin\"") && !text.contains("--conflist"),
        "{text}"
    );
    Ok(())
}

/// Policy of a cluster's own is nothing that a network brings along: the chart makes none.
#[test]
fn monitoring_finds_the_daemon_under_the_name_that_the_alerts_know() -> Result<()> {
    let helm = Helm::new()?;
    let monitor = "metrics.serviceMonitor={\"enabled\":true,\"interval\":\"15s\",\"labels\":{\"release\":\"prom\"}}";
    let rule = "metrics.prometheusRule={\"enabled\":true,\"namespace\":\"monitoring\"}";
    let values = [
        EMBEDDED,
        "metrics.service.enabled=true",
        monitor,
        rule,
        "metrics.podAnnotations=false",
    ];
    let rendered = helm.render(&values)?;
    let within = |wanted: &Value, labels: &Value| {
        let wanted = wanted.as_object().filter(|wanted| !wanted.is_empty());
        wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
    };
    let (service, monitor) = (rendered.one("Service")?, rendered.one("ServiceMonitor")?);
    let pods = &template(&rendered)?["metadata"]["labels"];
    ensure!(within(&service["spec"]["selector"], pods), "{service}");
    let port = &service["spec"]["ports"][0];
    ensure!(
        port["targetPort"] == daemon(&rendered)?["ports"][0]["name"],
        "{port}"
    );
    let labels = &service["metadata"]["labels"];
    ensure!(
        within(&monitor["spec"]["selector"]["matchLabels"], labels),
        "{monitor}"
    );
    ensure!(
        monitor["spec"]["namespaceSelector"]["matchNames"][0] == service["metadata"]["namespace"]
    );
    let endpoint = &monitor["spec"]["endpoints"][0];
    ensure!(
        endpoint["port"] == port["name"] && endpoint["interval"] == "15s",
        "{endpoint}"
    );
    ensure!(monitor["metadata"]["labels"]["release"] == "prom");
    let alerts = fs::read_to_string(deploy().join("alerts.yaml"))?;
    let job = monitor["spec"]["jobLabel"].as_str().context("a job")?;
    let job = labels[job].as_str().context("a label")?;
    ensure!(alerts.contains(&format!("job=\"{job}\"")), "{job}");
    let rule = rendered.one("PrometheusRule")?;
    let groups: Value = serde_saphyr::from_str(&alerts)?;
    ensure!(rule["spec"] == groups && rule["metadata"]["namespace"] == "monitoring");
    // Nobody is scraped twice.
    let pod = template(&rendered)?.to_string();
    ensure!(!pod.contains("prometheus.io/scrape"), "{pod}");

    let plain = helm.render(&[EMBEDDED])?;
    for kind in [
        "Service",
        "ServiceMonitor",
        "PrometheusRule",
        "NetworkPolicy",
    ] {
        ensure!(plain.kind(kind).count() == 0, "{kind}");
    }
    ensure!(
        template(&plain)?
            .to_string()
            .contains("prometheus.io/scrape")
    );
    Ok(())
}

#[test]
fn what_cannot_be_is_refused_by_its_value() -> Result<()> {
    let helm = Helm::new()?;
    for (values, word) in [
        (
            &["metrics.serviceMonitor.enabled=true"][..],
            "metrics.service.enabled",
        ),
        (
            &["metrics.service.enabled=true", "metrics.enabled=false"],
            "metrics.enabled",
        ),
        (&["metrics.serviceMonitor.interval=\"often\""], "interval"),
        (&["updateStrategy.type=\"Recreate\""], "updateStrategy"),
        (&["extraEnv=[{\"value\":\"x\"}]"], "extraEnv"),
        (&["extraVolumeMounts=[{\"name\":\"x\"}]"], "mountPath"),
        (&["probes.liveness.timeout=1"], "liveness"),
        (&["apiServer.host=\"https://x\""], "host"),
        (&["fullnameOverride=\"Fairway\""], "fullnameOverride"),
        (&["commonLabels={\"a\":1}"], "commonLabels"),
    ] {
        let values: Vec<_> = [EMBEDDED].iter().chain(values).copied().collect();
        let said = helm.refuses(&values)?;
        ensure!(said.contains(word), "{values:?}: {said}");
    }
    Ok(())
}
