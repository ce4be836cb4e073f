//! ADD.
//!
//! The order: look whether the interface is there, address, bridge, links, rates, what protects the port, what
//! is inside the container, gateway, masquerading. Everything but the bridge is undone on failure.

use crate::{conf::BridgeConf, master, vlan};
use fairway_cluster_ipam::{
    Daemon, Policy,
    policy::Enforce,
    rates::{Asking, Keep},
};
use fairway_cni::{CniResult, Context, Failure, IpConfig, Sandbox, Steps};
use fairway_iface::{
    Dad, Error, Kernel, Owner, PairSpec, container, forward, gateway, ipam, port, veth,
};
use fairway_netlink::{BridgePort, Link, sysctl};
use ipnetwork::IpNetwork;

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let conf = BridgeConf::parse(context)?;
    let policy = conf.policy(context, &sandbox.attachment)?;
    let dns = context.conf.dns()?;
    let asking = conf.asking(context, sandbox)?;
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let daemon = Daemon::from_env();
    let asks = Asks {
        policy: policy.as_ref().map(|policy| (policy, &daemon as _)),
        rates: asking.as_ref().map(|asking| (asking, &daemon as _)),
    };
    let mut result = run(&mut kernel, context, sandbox, &conf, asks)?;
    if !dns.is_empty() {
        result.dns = dns;
    }
    Ok(result)
}

/// What is asked of the daemon, and who stands for it.
#[derive(Clone, Copy)]
struct Asks<'a> {
    policy: Option<(&'a Policy, &'a dyn Enforce)>,
    rates: Option<(&'a Asking, &'a dyn Keep)>,
}

/// All that changes something, and takes it back where it fails.
fn run(
    kernel: &mut Kernel,
    context: &Context<'_>,
    sandbox: &Sandbox,
    conf: &BridgeConf,
    asks: Asks<'_>,
) -> Result<CniResult, Failure> {
    veth::must_be_free(
        kernel.container.as_mut(),
        sandbox.attachment.ifname.as_str(),
    )?;
    Steps::run(kernel, |kernel, steps| {
        let mut result = ipam::allocate(context, sandbox, steps)?.unwrap_or_default();
        if conf.is_gateway {
            gateway::fill(&mut result.ips);
        }
        if conf.is_default_gateway {
            gateway::add_default_routes(&mut result);
        }
        attach(kernel, steps, (context, sandbox), conf, asks, result)
    })
}

fn attach<'a>(
    kernel: &mut Kernel,
    steps: &mut Steps<'a, Kernel>,
    (context, sandbox): (&'a Context<'a>, &'a Sandbox),
    conf: &BridgeConf,
    asks: Asks<'_>,
    mut result: CniResult,
) -> Result<CniResult, Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let wanted = master::Wanted {
        name: conf.bridge.as_str(),
        mtu: conf.mtu,
        promisc: conf.promisc,
        vlan_filtering: conf.filters_vlans(),
    };
    let bridge = master::ensure(kernel.host.as_mut(), wanted)?;

    steps.push("links", move |kernel| {
        Ok(veth::remove(kernel.host.as_mut(), owner)?)
    });
    let spec = PairSpec {
        owner,
        netns: &kernel.netns,
        mac: conf.mac,
        host_mac: None,
        mtu: conf.mtu,
        master: Some(bridge.index),
        held: asks.policy.is_some(),
    };
    let pair = veth::create(kernel.host.as_mut(), kernel.container.as_mut(), &spec)?;
    // It is down until nothing passes it that has not been judged.
    if let Some((policy, by)) = asks.policy {
        policy.guard(by)?;
        container::set_up(kernel.host.as_mut(), &pair.host)?;
    }
    // Before the first packet. They go with the links.
    if let Some((asking, by)) = asks.rates {
        asking.keep(by, kernel, (&pair.host, &pair.container), &conf.rates)?;
    }
    if let Some((policy, by)) = asks.policy {
        // At once, or what the container's end says as it comes up would be dropped: whose the address is, and
        // whether somebody else has it.
        let mac = pair.container.mac.ok_or_else(|| Error::Vanished {
            name: pair.container.name.clone(),
        })?;
        policy.open(by, &result.ips, mac)?;
    }
    configure_port(kernel, &pair.host, conf)?;
    if let (true, Some(mac)) = (conf.mac_spoof_check, pair.container.mac) {
        steps.push("MAC spoof check", move |kernel| {
            Ok(kernel.rules.stop_guard(owner)?)
        });
        kernel.rules.guard_mac(owner, &pair.host.name, mac)?;
    }

    let dad = if conf.dad { Dad::Wait } else { Dad::Off };
    if conf.has_ipam {
        container::settings(&kernel.netns, owner.ifname, &result.ips, dad, true)?;
        container::configure(
            kernel.container.as_mut(),
            &pair.container,
            &result.ips,
            &result.routes,
            dad,
        )?;
    } else if conf.container_interface {
        container::set_up(kernel.container.as_mut(), &pair.container)?;
    }
    let vlan_gateway = match conf.is_gateway {
        true => set_gateway(kernel, &bridge, conf, &result.ips)?,
        false => None,
    };
    if let (Some(backend), true) = (conf.masquerade, conf.has_ipam) {
        steps.push("masquerading", move |kernel| {
            Ok(kernel.rules.stop_masquerade(owner)?)
        });
        kernel.rules.masquerade(backend, owner, &result)?;
    }

    let host = match conf.container_interface {
        true => port::wait_until_up(kernel.host.as_mut(), &pair.host)?,
        false => pair.host,
    };
    // A bridge without an address of its own may have taken the port's hardware address by now.
    let bridge = kernel
        .host
        .glance(&bridge.name)
        .map_err(Error::from)?
        .ok_or_else(|| Error::Vanished {
            name: conf.bridge.to_string(),
        })?;
    for ip in &mut result.ips {
        ip.interface = Some(2);
    }
    result.interfaces = vec![veth::interface(&bridge, None), veth::interface(&host, None)];
    result
        .interfaces
        .push(veth::interface(&pair.container, Some(&sandbox.netns)));
    result
        .interfaces
        .extend(vlan_gateway.map(|link| veth::interface(&link, None)));
    Ok(result)
}

fn configure_port(kernel: &mut Kernel, port: &Link, conf: &BridgeConf) -> Result<(), Failure> {
    // Best effort, as a kernel without IPv6 has no such setting.
    let _ = sysctl::ensure(&format!("net/ipv6/conf/{}/accept_ra", port.name), "0");
    if conf.hairpin || conf.port_isolation {
        let change = BridgePort {
            hairpin: Some(conf.hairpin),
            isolated: Some(conf.port_isolation),
        };
        kernel
            .host
            .set_bridge_port(port.index, &change)
            .map_err(Error::from)?;
    }
    Ok(vlan::configure_port(kernel.host.as_mut(), port, conf)?)
}

/// Gives the bridge (or its interface in the VLAN, which is then returned) the gateways' addresses.
fn set_gateway(
    kernel: &mut Kernel,
    bridge: &Link,
    conf: &BridgeConf,
    ips: &[IpConfig],
) -> Result<Option<Link>, Failure> {
    let vlan_link = match conf.vlan {
        Some(vid) if !ips.is_empty() => Some(vlan::ensure_gateway(
            kernel.host.as_mut(),
            bridge,
            conf,
            vid,
        )?),
        _ => None,
    };
    for ip in ips {
        let link = vlan_link.as_ref().unwrap_or(bridge);
        let gateway = ip
            .gateway
            .and_then(|gateway| IpNetwork::new(gateway, ip.address.prefix()).ok());
        let gateway = gateway.ok_or(Error::NoGateway {
            address: ip.address,
        })?;
        master::ensure_address(kernel.host.as_mut(), link, gateway, conf)?;
    }
    forward::enable(ips)?;
    Ok(vlan_link)
}

#[cfg(test)]
mod tests;
