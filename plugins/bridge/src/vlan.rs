//! The VLANs of a port, and the gateway's own port in a VLAN.

use crate::{conf::BridgeConf, trunk};
use fairway_iface::{Error, container};
use fairway_netlink::{Link, Netlink, PortVlan, PortVlanRange, VethPeer, VethSpec};

/// Brings a port's VLANs to what the configuration says.
pub(crate) fn configure_port(
    host: &mut dyn Netlink,
    port: &Link,
    conf: &BridgeConf,
) -> Result<(), Error> {
    if !conf.filters_vlans() {
        return Ok(());
    }
    let there = host.port_vlans(port.index)?;
    // Without `vlan` a trunk's untagged frames belong to VLAN 1, as they would on a switch.
    let native = conf.vlan.unwrap_or(1);
    if !conf.preserve_default_vlan {
        let others = there
            .iter()
            .map(|vlan| vlan.vid)
            .filter(|vid| *vid != native);
        let others = trunk::ranges(others);
        if !others.is_empty() {
            host.delete_port_vlans(port.index, &others, false)?;
        }
    }
    let mut wanted = vec![PortVlanRange::access(native)];
    wanted.extend(trunk::without(&conf.trunk, native));
    Ok(host.add_port_vlans(port.index, &wanted, false)?)
}

/// Are the VLANs that the configuration asks for on the port?
pub(crate) fn check_port(
    host: &mut dyn Netlink,
    port: &Link,
    conf: &BridgeConf,
) -> Result<(), Error> {
    if !conf.filters_vlans() {
        return Ok(());
    }
    let there = host.port_vlans(port.index)?;
    let native = conf.vlan.unwrap_or(1);
    let access = PortVlan {
        vid: native,
        pvid: true,
        untagged: true,
    };
    let subject = || format!("bridge port {:?}", port.name);
    if !there.contains(&access) {
        return Err(Error::mismatch(
            subject(),
            format_args!("VLAN {native} is not its untagged VLAN"),
        ));
    }
    let trunk = trunk::without(&conf.trunk, native);
    let mut vids = trunk.iter().flat_map(|range| range.first..=range.last);
    match vids.find(|vid| !there.iter().any(|vlan| vlan.vid == *vid)) {
        Some(vid) => Err(Error::mismatch(
            subject(),
            format_args!("VLAN {vid} of its trunk is missing"),
        )),
        None => Ok(()),
    }
}

/// The name of the gateway's interface in a VLAN: `BRIDGE.VLAN`, 15 bytes at most.
pub(crate) fn gateway_name(bridge: &str, vlan: u16) -> String {
    format!("{bridge}.{vlan}")
}

/// Makes sure of the gateway's interface in a VLAN: a pair with one end an access port of the bridge.
///
/// Like the bridge it is the node's: it stays when containers go. Several ADDs may meet here, or find
/// one that was killed half-way: each step looks at what is there.
pub(crate) fn ensure_gateway(
    host: &mut dyn Netlink,
    bridge: &Link,
    conf: &BridgeConf,
    vlan: u16,
) -> Result<Link, Error> {
    let name = gateway_name(&bridge.name, vlan);
    if let Some(link) = host.link_by_name(&name)? {
        return complete(host, link, bridge, conf, vlan);
    }
    let spec = VethSpec {
        name: format!("{}p{vlan}", port_prefix(&bridge.name)),
        mtu: Some(bridge.mtu),
        master: Some(bridge.index),
        up: true,
        peer: VethPeer {
            name: name.clone(),
            mtu: Some(bridge.mtu),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    };
    match host.create_veth(&spec) {
        Err(error) if !error.is_exists() => return Err(error.into()),
        _ => {}
    }
    match host.link_by_name(&name)? {
        Some(link) => complete(host, link, bridge, conf, vlan),
        None => Err(Error::Conflict {
            name: spec.name,
            reason: format!("is not the other end of {name:?}"),
        }),
    }
}

/// `BRIDGEp4094` must fit 15 bytes; names that differ only beyond ten do clash, and are told so.
fn port_prefix(bridge: &str) -> &str {
    let mut end = bridge.len().min(10);
    while !bridge.is_char_boundary(end) {
        end -= 1;
    }
    &bridge[..end]
}

fn complete(
    host: &mut dyn Netlink,
    gateway: Link,
    bridge: &Link,
    conf: &BridgeConf,
    vlan: u16,
) -> Result<Link, Error> {
    let conflict = |reason: &str| Error::Conflict {
        name: gateway.name.clone(),
        reason: reason.to_owned(),
    };
    let peer = match gateway.peer_index {
        Some(peer) if gateway.is_veth() => host.link_by_index(peer)?,
        _ => return Err(conflict("is not a veth")),
    };
    let port = peer
        .filter(|port| port.master == Some(bridge.index))
        .ok_or_else(|| conflict("its other end is not a port of the bridge"))?;
    let access = BridgeConf {
        vlan: Some(vlan),
        trunk: Vec::new(),
        ..conf.clone()
    };
    configure_port(host, &port, &access)?;
    if !port.up {
        container::set_up(host, &port)?;
    }
    if !gateway.up {
        container::set_up(host, &gateway)?;
    }
    Ok(gateway)
}
