//! Networks that objects define, without an API server: applied at one node, attached to at another.

use crate::policy::byhand::{netctl, prints};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_lab::{Cni, Ns, Value, json};
use fairway_tests_cluster::{Bed, Cut, Plan, on};

/// `shop/fast`, whose first plugin is of this type.
fn fast(bed: &Bed, kind: &str) -> String {
    let config = json!({"cniVersion": "1.0.0", "name": "far", "plugins": [
        {"type": kind, "bridge": "br-far", "ipam": ipam(bed, "10.62.0.0/24", "fd62::/64")},
    ]});
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
           "metadata": {"name": "fast", "namespace": "shop"}, "spec": {"config": config.to_string()}})
    .to_string()
}

fn ipam(bed: &Bed, v4: &str, v6: &str) -> Value {
    json!({"type": "host-local", "dataDir": bed.lab.scratch().join("addresses"),
           "ranges": [[{"subnet": v4}], [{"subnet": v6}]]})
}

/// `multi` on a node, as a runtime calls it that passes annotations.
fn multi(bed: &Bed, ns: &Ns, id: &str, networks: &str) -> Cni {
    let first = json!({"name": "near", "cniVersion": "1.0.0", "type": "bridge", "bridge": "br-near",
                       "ipam": ipam(bed, "10.61.0.0/24", "fd61::/64")});
    let conf = json!({
        "cniVersion": "1.1.0", "name": "multi", "type": "multi", "delegates": [first],
        "confDir": bed.lab.scratch().join("net.d"), "stateDir": bed.lab.scratch().join("multi"),
        "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
    });
    let cni = bed.node(1).cni("multi").config(conf);
    cni.container(id)
        .netns(ns)
        .args("K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0")
}

/// Interfaces besides the loopback, with how many global addresses each has.
fn has(ns: &Ns) -> Result<Vec<(String, usize)>> {
    let links = ns.json("ip -j address show scope global")?;
    let links = links.as_array().cloned().unwrap_or_default();
    let pair = |link: &Value| {
        let infos = link["addr_info"].as_array().into_iter().flatten();
        let addresses = infos.filter(|info| info["local"].is_string()).count();
        let name = link["ifname"].as_str().unwrap_or_default().to_owned();
        (name, addresses)
    };
    Ok(links
        .iter()
        .map(pair)
        .filter(|(name, _)| name != "lo" && !name.is_empty())
        .collect())
}

#[test]
fn what_one_node_defines_another_attaches_to() -> Result<()> {
    on(&Plan::nodes(2), |bed| {
        let ns = bed.lab.container()?;
        let cni = multi(
            bed,
            &ns,
            "c1",
            "[{\"name\": \"fast\", \"interface\": \"data0\"}]",
        );
        let error = cni.add()?.fails(7)?;
        ensure!(
            error
                .msg
                .contains("nor is there a NetworkAttachmentDefinition shop/fast"),
            "{error:?}"
        );

        let refused = netctl(bed, 2, &["apply", "-f", "-"], &fast(bed, "multi"))?;
        prints(
            &refused,
            1,
            &["spec.config: plugins[0].type: \"multi\": would call itself"],
        )?;
        let applied = netctl(bed, 2, &["apply", "-f", "-"], &fast(bed, "bridge"))?;
        prints(
            &applied,
            0,
            &["NetworkAttachmentDefinition", "shop", "fast", "created"],
        )?;
        let shown = netctl(bed, 1, &["get", "net-attach-def"], "")?;
        prints(
            &shown,
            0,
            &["NAMESPACE", "PLUGINS", "shop", "fast", "bridge"],
        )?;

        // It comes by way of the store.
        eventually("the other node has it", || Ok(cni.add()?.ok()?))?;
        let both = [("eth0".to_owned(), 2), ("data0".to_owned(), 2)];
        ensure!(has(&ns)? == both, "{:?}", has(&ns)?);

        // What was seen is had while the store is away.
        bed.node(1).cable.cut(Cut::Carrier)?;
        eventually("the store is seen to be away", || {
            ensure!(!bed.door(1).info()?.connected, "it is not");
            Ok(())
        })?;
        let second = bed.lab.container()?;
        let away = multi(bed, &second, "c2", "fast");
        away.add()?.ok()?;
        ensure!(has(&second)?.len() == 2, "{:?}", has(&second)?);
        away.del(None)?.ok()?;

        // Without the daemon only it would know; what was attached goes by what was written down.
        bed.node(1).kill()?;
        let error = away.add()?.fails(11)?;
        ensure!(
            error.msg.contains(
                "whether there is a NetworkAttachmentDefinition shop/fast only fairwayd knows"
            ),
            "{error:?}"
        );
        ensure!(has(&second)?.is_empty());
        multi(bed, &second, "c3", "near").add()?.ok()?;
        cni.del(None)?.ok()?;
        ensure!(has(&ns)?.is_empty());
        Ok(())
    })
}
