//! CHECK.

use crate::{conf::BridgeConf, vlan};
use fairway_cluster_ipam::Daemon;
use fairway_cni::{CniResult, Context, Failure, Interface, Sandbox};
use fairway_iface::{Error, Kernel, Owner, verify};
use fairway_netlink::Link;

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let conf = BridgeConf::parse(context)?;
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let bridge = check_bridge(&mut kernel, &prev, &conf)?;
    let interface = verify::container_interface(&prev, sandbox)?;
    let inside = verify::link(kernel.container.as_mut(), interface, "container interface")?;
    if !inside.is_veth() {
        return Err(Error::mismatch(
            format_args!("container interface {:?}", inside.name),
            "is not a veth",
        )
        .into());
    }
    let port = check_port(&mut kernel, &prev, &conf, &bridge, &inside)?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    check_rules(&mut kernel, owner, &conf, &prev, &port, &inside)?;
    verify::addresses(kernel.container.as_mut(), &inside, &prev)?;
    verify::routes(kernel.container.as_mut(), &prev)?;
    let daemon = Daemon::from_env();
    if let Some(asking) = conf.asking(context, sandbox)? {
        asking.check(&daemon, &mut kernel, (&port, &inside), &conf.rates)?;
    }
    if let Some(policy) = conf.policy(context, &sandbox.attachment)? {
        policy.verify(&daemon)?;
    }
    Ok(())
}

fn check_bridge(kernel: &mut Kernel, prev: &CniResult, conf: &BridgeConf) -> Result<Link, Error> {
    let name = conf.bridge.as_str();
    let subject = format!("bridge {name:?}");
    let named = prev
        .interfaces
        .iter()
        .find(|interface| interface.name == name && interface.sandbox.is_none());
    let interface = named.ok_or_else(|| Error::mismatch(&subject, "is not in prevResult"))?;
    // One that somebody else made and that has no address takes on a port's now and then: no fault.
    let interface = Interface {
        mac: interface.mac.clone().filter(|_| conf.is_gateway),
        ..interface.clone()
    };
    let bridge = verify::link(kernel.host.as_mut(), &interface, "bridge")?;
    if !bridge.is_bridge() {
        return Err(Error::mismatch(subject, "is not a bridge"));
    }
    if conf.promisc && !bridge.promisc {
        return Err(Error::mismatch(subject, "is not promiscuous"));
    }
    Ok(bridge)
}

/// The host's end: a port of the bridge whose other end is the container's interface.
fn check_port(
    kernel: &mut Kernel,
    prev: &CniResult,
    conf: &BridgeConf,
    bridge: &Link,
    inside: &Link,
) -> Result<Link, Error> {
    let subject = format!("host's end of {:?}", inside.name);
    for interface in prev
        .interfaces
        .iter()
        .filter(|interface| interface.sandbox.is_none())
    {
        let Some(port) = kernel.host.link_by_name(&interface.name)? else {
            continue;
        };
        let pair = port.is_veth()
            && port.peer_index == Some(inside.index)
            && inside.peer_index == Some(port.index);
        if !pair {
            continue;
        }
        let port = verify::link(kernel.host.as_mut(), interface, "host's end")?;
        if port.master != Some(bridge.index) {
            return Err(Error::mismatch(
                subject,
                format_args!("{:?} is not a port of {:?}", port.name, bridge.name),
            ));
        }
        let state = port
            .port
            .ok_or_else(|| Error::mismatch(&subject, "has no state as a bridge's port"))?;
        for (key, wanted, is) in [
            ("hairpinMode", conf.hairpin, state.hairpin),
            ("portIsolation", conf.port_isolation, state.isolated),
        ] {
            if wanted != is {
                return Err(Error::mismatch(
                    subject,
                    format_args!("{key} is {is}, expected {wanted}"),
                ));
            }
        }
        vlan::check_port(kernel.host.as_mut(), &port, conf)?;
        return Ok(port);
    }
    Err(Error::mismatch(
        subject,
        "not found among the interfaces of prevResult",
    ))
}

fn check_rules(
    kernel: &mut Kernel,
    owner: Owner<'_>,
    conf: &BridgeConf,
    prev: &CniResult,
    port: &Link,
    inside: &Link,
) -> Result<(), Error> {
    if let (true, Some(mac)) = (conf.mac_spoof_check, inside.mac) {
        kernel.rules.check_mac(owner, &port.name, mac)?;
    }
    if let (Some(backend), true) = (conf.masquerade, conf.has_ipam) {
        let own = verify::own(prev, &inside.name);
        kernel.rules.check_masquerade(backend, owner, &own)?;
    }
    Ok(())
}
