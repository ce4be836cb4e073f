//! CHECK.

use crate::{
    conf::VxlanConf,
    links,
    network::ready,
    shape::{gateway, gateways},
};
use fairway_cluster_ipam::{Daemon, daemon};
use fairway_cni::{CniResult, Context, Failure, Sandbox};
use fairway_iface::{Error, Kernel, Owner, verify, veth};
use fairway_netlink::{Link, MacAddr, NeighbourState, Netlink, RouteFilter, Scope};
use std::{fmt::Display, net::IpAddr};

pub(crate) fn check(
    context: &Context<'_>,
    sandbox: &Sandbox,
    daemon: &Daemon,
) -> Result<(), Failure> {
    let conf = VxlanConf::parse(context)?;
    let policy = conf.policy(context, &sandbox.attachment)?;
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let (own, near, far) = ends(&mut kernel, context, sandbox, &prev)?;
    let asking = conf.asking(context, sandbox)?;
    asking.check(daemon, &mut kernel, (&near, &far), &conf.rates)?;
    let attachment = daemon::attachment(context.conf, &sandbox.attachment);
    let addresses = own.ips.iter().map(|ip| ip.address.ip()).collect();
    if let Some(policy) = policy {
        policy.verify(daemon)?;
    }
    ready(daemon, attachment, conf.network, addresses)
}

/// Judges both ends; gives what of the result is this attachment's, the host's end and the container's.
fn ends(
    kernel: &mut Kernel,
    context: &Context<'_>,
    sandbox: &Sandbox,
    prev: &CniResult,
) -> Result<(CniResult, Link, Link), Error> {
    let (host, container) = (kernel.host.as_mut(), kernel.container.as_mut());
    let interface = verify::container_interface(prev, sandbox)?;
    let inside = verify::link(container, interface, "container interface")?;
    must_be(
        inside.is_veth(),
        named("container interface", &inside),
        "is not a veth",
    )?;
    must_be(inside.up, named("container interface", &inside), "is down")?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let outside = veth::find(host, owner)?
        .filter(|link| inside.peer_index == Some(link.index))
        .ok_or_else(|| Error::mismatch(named("the host's end of", &inside), "not found"))?;
    must_be(outside.up, named("the host's end", &outside), "is down")?;

    let own = verify::own(prev, &inside.name);
    verify::addresses(container, &inside, prev)?;
    verify::routes(container, prev)?;
    let gateways = gateways(&own);
    let there = host.addresses(Some(outside.index))?;
    for wanted in gateways.iter().map(|ip| links::gateway_address(*ip).ip) {
        let has = there.iter().any(|address| address.ip == wanted);
        must_be(
            has,
            format_args!("address {wanted} on {:?}", outside.name),
            "missing",
        )?;
    }
    if gateways.contains(&gateway(false)) {
        to_gateway(container, &inside)?;
    }
    if let (Some(near), Some(far)) = (outside.mac, inside.mac) {
        let containers = own.ips.iter().map(|ip| ip.address.ip()).collect::<Vec<_>>();
        neighbours(container, &inside, &gateways, near)?;
        neighbours(host, &outside, &containers, far)?;
    }
    Ok((own, outside, inside))
}

/// The route that leads to the IPv4 gateway.
fn to_gateway(container: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    let wanted = links::to_gateway(link);
    let routes = container.routes(&RouteFilter {
        oif: wanted.oif,
        ..RouteFilter::default()
    })?;
    let has = routes
        .iter()
        .any(|route| route.dst == wanted.dst && route.scope == Scope::LINK);
    must_be(
        has,
        format_args!("route {} on {:?}", wanted.dst, link.name),
        "missing",
    )
}

/// Each of these is known on the link for good, with that hardware address.
fn neighbours(
    netlink: &mut dyn Netlink,
    link: &Link,
    ips: &[IpAddr],
    mac: MacAddr,
) -> Result<(), Error> {
    let there = netlink.neighbours(Some(link.index))?;
    for ip in ips {
        let known = there.iter().find(|known| known.ip == *ip);
        let subject = format!("neighbour {ip} on {:?}", link.name);
        match known {
            Some(known) if known.mac.is_some_and(|known| known != mac) => {
                let found = known.mac.unwrap_or_default();
                let problem = format!("hardware address is {found}, expected {mac}");
                return Err(Error::mismatch(subject, problem));
            }
            Some(known) if known.state == NeighbourState::PERMANENT => {}
            _ => return Err(Error::mismatch(subject, "is not permanent")),
        }
    }
    Ok(())
}

fn named(what: &str, link: &Link) -> String {
    format!("{what} {:?}", link.name)
}

fn must_be(held: bool, subject: impl Display, problem: &str) -> Result<(), Error> {
    match held {
        true => Ok(()),
        false => Err(Error::mismatch(subject, problem)),
    }
}
