//! The wire itself, and a bridge on one node.

use super::{BRIDGE, UNDERLAY, Way};
use anyhow::Result;
use fairway_lab::{Lab, Ns};
use fairway_tests_cluster::{Cable, Lan};

/// Nodes on a switch; both go when this goes.
#[derive(Debug)]
pub(crate) struct Nodes {
    _lan: Lan,
    pub(crate) lab: Lab,
    pub(crate) nodes: Vec<(Ns, Cable)>,
}

impl Nodes {
    pub(crate) fn new(count: usize) -> Result<Self> {
        let (lab, lan) = (Lab::new()?, Lan::new()?);
        let mut nodes = Vec::new();
        for number in 0..count {
            let node = lab.machine(&format!("n{number}"))?;
            let cable = lan.plug(&node)?;
            nodes.push((node, cable));
        }
        Ok(Self {
            _lan: lan,
            lab,
            nodes,
        })
    }
}

/// A bridge with an address on a node.
pub(super) fn bridge(node: &Ns, name: &str, address: &str, mtu: u32) -> Result<()> {
    node.run(&format!(
        "ip link add {name} mtu {mtu} type bridge forward_delay 0"
    ))?;
    node.addr(name, address)?;
    node.up(name)?;
    Ok(())
}

/// A container on it, with the node as its way to all others.
pub(super) fn container(
    lab: &Lab,
    (node, bridge): (&Ns, &str),
    (address, gateway): (&str, &str),
    mtu: u32,
) -> Result<Ns> {
    let container = lab.container()?;
    let host = format!(
        "veth{}",
        address.rsplit(['.', '/']).nth(1).unwrap_or_default()
    );
    node.run(&format!(
        "ip link add {host} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {}",
        container.path().display()
    ))?;
    node.run(&format!("ip link set dev {host} master {bridge} up"))?;
    container.addr("eth0", address)?;
    container.up("eth0")?;
    container.run(&format!("ip route add default via {gateway}"))?;
    Ok(container)
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) ways: [Way; 2],
    _nodes: Nodes,
}

impl Plain {
    pub(super) fn new() -> Result<Self> {
        let nodes = Nodes::new(2)?;
        let [(one, _), (two, cable)] = &nodes.nodes[..] else {
            anyhow::bail!("not two nodes");
        };
        let underlay = Way {
            name: UNDERLAY,
            client: one.clone(),
            server: two.clone(),
            to: cable.address.clone(),
        };
        bridge(one, "br0", "10.88.0.1/24", 1500)?;
        let at = |address| container(&nodes.lab, (one, "br0"), (address, "10.88.0.1"), 1500);
        let bridge = Way {
            name: BRIDGE,
            client: at("10.88.0.2/24")?,
            server: at("10.88.0.3/24")?,
            to: "10.88.0.3".to_owned(),
        };
        Ok(Self {
            ways: [underlay, bridge],
            _nodes: nodes,
        })
    }
}
