//! Networks that objects define, from kubectl to a second interface in a container; the witness there is `ip`.

use crate::Outcome;
use fairway_lab::{Cni, Ns, Value, json};
use fairway_tests_k8s::node::{Node, apply, bed};
use fairway_tests_k8s::{Bed, User};
use nix::sys::signal::Signal;

const CRD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/crds/network-attachment-definitions.yaml"
);

fn namespace(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string()
}

/// A bridge with addresses of `subnet`; without a name of its own it goes by the object's.
fn bridge(node: &Node, subnet: &str) -> Value {
    json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "br-second",
           "ipam": {"type": "host-local", "dataDir": node.folder().join("addresses"),
                    "ranges": [[{"subnet": subnet}]]}})
}

/// Empty: the node has it.
fn definition(namespace: &str, name: &str, config: &str) -> String {
    let mut spec = json!({});
    if !config.is_empty() {
        spec["config"] = json!(config);
    }
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
           "metadata": {"name": name, "namespace": namespace}, "spec": spec})
    .to_string()
}

fn pod(name: &str, networks: Option<&str>) -> String {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"containers": [{"name": "c", "image": "i"}]}});
    if let Some(networks) = networks {
        pod["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/networks": networks});
    }
    pod.to_string()
}

/// `multi` with a first network of its own, which asks the daemon what pods ask for.
fn conf(node: &Node) -> Value {
    let mut first = bridge(node, "10.1.0.0/24");
    first["name"] = json!("first");
    first["bridge"] = json!("br-first");
    json!({"cniVersion": "1.1.0", "name": "pods", "type": "multi", "delegates": [first],
           "annotationsFrom": "daemon", "confDir": node.folder().join("net.d"),
           "stateDir": node.folder().join("multi")})
}

/// The plugin `multi` for one pod.
fn multi(node: &Node, ns: &Ns, (container, args): (&str, &str), conf: Value) -> Cni {
    let cni = node.cni("multi").config(conf);
    cni.container(container).netns(ns).args(args)
}

/// What a runtime says of a pod.
fn args(bed: &Bed, pod: &str) -> Outcome<String> {
    let there = bed.json(User::Admin, &format!("get pod {pod} -n shop"))?;
    let uid = there["metadata"]["uid"].as_str().unwrap_or_default();
    Ok(format!(
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME={pod};K8S_POD_UID={uid}"
    ))
}

/// Interfaces of a container besides its loopback, with their addresses.
fn has(ns: &Ns) -> Outcome<Vec<(String, String)>> {
    let links = ns.json("ip -j -4 address show")?;
    let links = links.as_array().into_iter().flatten();
    let pair = |link: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&link["ifname"]), text(&link["addr_info"][0]["local"]))
    };
    Ok(links.map(pair).filter(|(name, _)| name != "lo").collect())
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(name, address): &(&str, &str)| ((*name).to_owned(), (*address).to_owned());
    all.iter().map(pair).collect()
}

#[test]
fn a_pods_annotation_leads_to_a_second_interface() -> Outcome {
    let bed = bed()?;
    // The cluster does not have the kind at first, and that is no problem of anybody's.
    bed.kubectl(User::Admin, &format!("delete -f {CRD}"))?;
    let mut node = Node::new(&bed, "n1")?;
    node.start()?;
    for name in ["shop", "other"] {
        apply(&bed, &namespace(name))?;
    }
    apply(&bed, &pod("db-0", Some("fast@data0")))?;
    node.soon("mirrored", || node.has("pods", "db-0"))?;
    let problems = node.door.info()?.problems;
    assert!(
        !problems.iter().any(|one| one.contains("NetworkAttachment")),
        "{problems:?}"
    );

    // Without the object there is no such network, and nothing is left behind.
    let ns = node.container()?;
    let cni = multi(&node, &ns, ("c0", &args(&bed, "db-0")?), conf(&node));
    let error = cni.add()?.fails(7)?;
    assert!(
        error
            .msg
            .contains("nor is there a NetworkAttachmentDefinition shop/fast"),
        "{error:?}"
    );
    assert_eq!(has(&ns)?, []);

    // The kind comes, and with it objects.
    bed.kubectl(User::Admin, &format!("apply -f {CRD}"))?;
    bed.kubectl(
        User::Admin,
        "wait --for=condition=established --timeout=60s crd --all",
    )?;
    let config = bridge(&node, "10.2.0.0/24").to_string();
    for (namespace, name, config) in [
        ("shop", "fast", config.as_str()),
        ("other", "theirs", &config),
        ("default", "all", &config),
        ("shop", "here", ""),
        ("shop", "bad", r#"{"type": "multi"}"#),
    ] {
        apply(&bed, &definition(namespace, name, config))?;
    }
    const KIND: &str = "network-attachment-definitions";
    node.soon("mirrored", || {
        ["fast", "theirs", "all", "here"]
            .iter()
            .all(|name| node.has(KIND, name))
    })?;
    node.soon("an event", || {
        let events = bed
            .json(User::Admin, "get events.events.k8s.io -n shop")
            .unwrap_or_default()
            .to_string();
        events.contains("spec.config: type: ") && events.contains("would call itself")
    })?;
    assert!(!node.has(KIND, "bad"));
    cni.status()?.ok()?;
    let added = cni.add()?.ok()?;
    assert_eq!(
        has(&ns)?,
        pairs(&[("eth0", "10.1.0.2"), ("data0", "10.2.0.2")])
    );
    cni.check(&added)?.ok()?;

    only_what_is_the_pods(&bed, &node)?;
    outlives_its_object(&bed, &mut node, (&ns, &cni, &added))
}

fn only_what_is_the_pods(bed: &Bed, node: &Node) -> Outcome {
    for (name, networks, found) in [
        ("global", "default/all", None),
        (
            "theirs",
            "other/theirs",
            Some("other/theirs is not for namespace \"shop\""),
        ),
        (
            "node",
            "here",
            Some("shop/here has no spec.config and leaves it to the node"),
        ),
        (
            "bad",
            "bad",
            Some("nor is there a NetworkAttachmentDefinition shop/bad"),
        ),
    ] {
        apply(bed, &pod(name, Some(networks)))?;
        let ns = node.container()?;
        // It is waited for.
        let cni = multi(node, &ns, (name, &args(bed, name)?), conf(node));
        match found {
            None => {
                cni.add()?.ok()?;
                assert_eq!(has(&ns)?.len(), 2, "{name}");
                cni.del(None)?.ok()?;
            }
            Some(text) => {
                let error = cni.add()?.fails(7)?;
                assert!(error.msg.contains(text), "{name}: {error:?}");
            }
        }
        assert_eq!(has(&ns)?, [], "{name}");
    }
    // The node has it, by the file's own name.
    let mut here = bridge(node, "10.3.0.0/24");
    here["name"] = json!("here");
    std::fs::create_dir_all(node.folder().join("net.d"))?;
    std::fs::write(node.folder().join("net.d/any.conf"), here.to_string())?;
    let ns = node.container()?;
    let cni = multi(node, &ns, ("node", &args(bed, "node")?), conf(node));
    cni.add()?.ok()?;
    assert_eq!(has(&ns)?[1], ("net1".to_owned(), "10.3.0.2".to_owned()));
    cni.del(None)?.ok()?;

    // One after another of a name may ask for different things.
    let args_of_the_first = args(bed, "node")?;
    bed.kubectl(
        User::Admin,
        "delete pod node -n shop --force --grace-period=0",
    )?;
    apply(bed, &pod("node", None))?;
    let second = args(bed, "node")?;
    assert_ne!(args_of_the_first, second);
    let ns = node.container()?;
    let cni = multi(node, &ns, ("second", &second), conf(node));
    cni.add()?.ok()?;
    assert_eq!(has(&ns)?.len(), 1);
    cni.del(None)?.ok()?;
    let late = multi(node, &ns, ("late", &args_of_the_first), conf(node));
    let error = late.add()?.fails(11)?;
    assert!(error.msg.contains("pod shop/node"), "{error:?}");
    Ok(())
}

fn outlives_its_object(
    bed: &Bed,
    node: &mut Node,
    (ns, cni, added): (&Ns, &Cni, &Value),
) -> Outcome {
    bed.kubectl(User::Admin, "delete net-attach-def fast -n shop")?;
    node.soon("deleted", || {
        !node.has("network-attachment-definitions", "fast")
    })?;
    cni.check(added)?.ok()?;
    // Without the daemon nobody knows what a pod asks for; what is there is checked, and goes.
    node.end(Signal::SIGKILL)?;
    let other = node.container()?;
    let more = multi(node, &other, ("c1", &args(bed, "db-0")?), conf(node));
    let error = more.add()?.fails(11)?;
    assert!(
        error
            .msg
            .starts_with("what the pod asks for is not known: "),
        "{error:?}"
    );
    assert_eq!(has(&other)?, []);
    more.status()?.fails(50)?;
    cni.check(added)?.ok()?;
    cni.gc(&[("c0", "eth0")])?.ok()?;
    assert_eq!(has(ns)?.len(), 2);
    cni.del(Some(added))?.ok()?;
    assert_eq!(has(ns)?, []);
    let held = std::fs::read_dir(node.folder().join("addresses/fast"))?;
    let held: Vec<_> = held
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("10."))
        .collect();
    assert_eq!(held, [""; 0]);
    Ok(())
}
