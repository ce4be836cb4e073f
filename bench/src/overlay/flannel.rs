//! What flannel sets up on a node, made by `ip`: `backend/vxlan` with its default `nolearning`, FDB and
//! neighbour entries for each other node, one route for each other node's containers, and a bridge.
//!
//! With its rules for masquerading, which it has unless told otherwise and which make the kernel track each
//! connection, and without.

use super::plain::{Nodes, bridge, container};
use super::{FLANNEL, FLANNEL_TRACKED, Way};
use anyhow::Result;
use fairway_lab::Ns;

/// The underlay's 1500, less what VXLAN takes.
const MTU: u32 = 1450;

/// As flannel's `--ip-masq` writes them.
const MASQUERADE: &str = "
    iptables -t nat -A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN
    iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully
    iptables -t nat -A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE --random-fully
";

/// See the module's head.
#[derive(Debug)]
pub(super) struct Flannel {
    pub(super) way: Way,
    _nodes: Nodes,
}

impl Flannel {
    pub(super) fn new(masquerade: bool) -> Result<Self> {
        let nodes = Nodes::new(2)?;
        let addresses: Vec<_> = nodes
            .nodes
            .iter()
            .map(|(_, cable)| &*cable.address)
            .collect();
        let mut containers = Vec::new();
        for (at, (node, _)) in nodes.nodes.iter().enumerate() {
            device(node, at, &addresses)?;
            if masquerade {
                node.sh(MASQUERADE)?;
            }
            let gateway = format!("10.244.{at}.1");
            bridge(node, "cni0", &format!("{gateway}/24"), MTU)?;
            let address = format!("10.244.{at}.2/24");
            containers.push(container(
                &nodes.lab,
                (node, "cni0"),
                (&address, &gateway),
                MTU,
            )?);
        }
        let [client, server] = &containers[..] else {
            anyhow::bail!("not two containers");
        };
        let way = Way {
            name: if masquerade { FLANNEL_TRACKED } else { FLANNEL },
            client: client.clone(),
            server: server.clone(),
            to: "10.244.1.2".to_owned(),
        };
        Ok(Self { way, _nodes: nodes })
    }
}

fn mac(node: usize) -> String {
    format!("0a:58:0a:f4:{node:02x}:00")
}

fn device(node: &Ns, at: usize, addresses: &[&str]) -> Result<()> {
    let local = addresses[at];
    node.set_sysctl("ipv4/ip_forward", "1")?;
    node.run(&format!(
        "ip link add flannel.1 mtu {MTU} address {} type vxlan id 1 dev uplink local {local} dstport 8472 nolearning",
        mac(at)
    ))?;
    node.addr("flannel.1", &format!("10.244.{at}.0/32"))?;
    node.up("flannel.1")?;
    for (other, address) in addresses
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
    {
        let (mac, gateway) = (mac(other), format!("10.244.{other}.0"));
        node.run(&format!(
            "ip neigh add {gateway} lladdr {mac} dev flannel.1 nud permanent"
        ))?;
        node.run(&format!(
            "bridge fdb add {mac} dev flannel.1 dst {address} self permanent"
        ))?;
        node.run(&format!(
            "ip route add {gateway}/24 via {gateway} dev flannel.1 onlink"
        ))?;
    }
    Ok(())
}
