//! Two nodes on a switch for each master that is wanted, and containers that our plugins attached.
//!
//! macvlan and ipvlan cannot share a master, so ipvlan has nodes of its own. vxlan has a cluster.

use super::HOST;
use crate::overlay::plain::Nodes;
use crate::overlay::{Way, ours};
use anyhow::{Context as _, Result};
use fairway_lab::{Cni, Ns, Value, json, plugin_dir};
use fairway_tests_cluster::Plan;

/// All ways stand while the work is done.
pub(super) fn on(ipvlan: bool, work: impl FnOnce(&[Way]) -> Result<()>) -> Result<()> {
    let nodes = Nodes::new(2)?;
    let mut ways = vec![
        host(&nodes)?,
        child(&nodes, "macvlan", "macvlan", json!({}))?,
        bridge(&nodes)?,
    ];
    let others = ipvlan.then(|| Nodes::new(2)).transpose()?;
    if let Some(others) = &others {
        ways.push(child(others, "ipvlan", "ipvlan", json!({"mode": "l2"}))?);
    }
    let plan = Plan::nodes(2).members(1);
    fairway_tests_cluster::on(&plan, |bed| {
        let pools = [
            ("vxlan", "10.64.0.0/16", "always"),
            ("vxlan, direct", "10.65.0.0/16", "cross-subnet"),
        ];
        for (name, cidr, encap) in pools {
            let network = encap;
            ours::network(bed, (network, cidr, encap), false)?;
            let (client, _) =
                ours::attached(bed, 1, network, (&format!("{network}-1"), json!({})))?;
            let (server, to) =
                ours::attached(bed, 2, network, (&format!("{network}-2"), json!({})))?;
            ways.push(Way {
                name,
                client,
                server,
                to,
            });
        }
        work(&ways)
    })
}

fn host(nodes: &Nodes) -> Result<Way> {
    let [(client, _), (server, cable)] = &nodes.nodes[..] else {
        anyhow::bail!("not two nodes");
    };
    Ok(Way {
        name: HOST,
        client: client.clone(),
        server: server.clone(),
        to: cable.address.clone(),
    })
}

/// Containers whose links stand on the nodes' wires.
fn child(nodes: &Nodes, name: &'static str, kind: &str, keys: Value) -> Result<Way> {
    let attach = |at: usize, address: &str| {
        let mut config = json!({"type": kind, "master": "uplink",
                                "ipam": {"type": "static", "addresses": [{"address": address}]}});
        for (key, value) in keys.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        attached(nodes, at, config)
    };
    Ok(Way {
        name,
        client: attach(0, "192.0.2.101/24")?,
        server: attach(1, "192.0.2.102/24")?,
        to: "192.0.2.102".to_owned(),
    })
}

/// Containers on their node's bridge, which is their gateway.
fn bridge(nodes: &Nodes) -> Result<Way> {
    let mut containers = Vec::new();
    for at in 0..2 {
        let other = 1 - at;
        let (address, gateway) = (format!("10.88.{at}.2/24"), format!("10.88.{at}.1"));
        let config = json!({"type": "bridge", "bridge": "br0", "isGateway": true,
            "ipam": {"type": "static", "addresses": [{"address": address, "gateway": gateway}],
                     "routes": [{"dst": "0.0.0.0/0"}]}});
        containers.push(attached(nodes, at, config)?);
        let via = &nodes.nodes[other].1.address;
        let route = format!("ip route add 10.88.{other}.0/24 via {via}");
        nodes.nodes[at].0.run(&route)?;
    }
    let [client, server] = &containers[..] else {
        anyhow::bail!("not two containers");
    };
    Ok(Way {
        name: "bridge",
        client: client.clone(),
        server: server.clone(),
        to: "10.88.1.2".to_owned(),
    })
}

fn attached(nodes: &Nodes, at: usize, mut config: Value) -> Result<Ns> {
    config["cniVersion"] = json!("1.1.0");
    config["name"] = json!("net");
    let container = nodes.lab.container()?;
    let kind = config["type"].as_str().context("a type")?.to_owned();
    let plugin = Cni::new(&nodes.nodes[at].0, plugin_dir(), &kind).config(config);
    let id = format!("{kind}{at}");
    plugin.container(id).netns(&container).add()?.ok()?;
    Ok(container)
}
