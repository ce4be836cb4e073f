//! CHECK.

use crate::conf::PtpConf;
use fairway_cluster_ipam::Daemon;
use fairway_cni::{Context, Failure, Sandbox};
use fairway_iface::{Error, Kernel, Owner, verify};
use fairway_netlink::RouteFilter;

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let conf = PtpConf::parse(context)?;
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let interface = verify::container_interface(&prev, sandbox)?;
    let inside = verify::link(kernel.container.as_mut(), interface, "container interface")?;
    if !inside.is_veth() {
        return Err(Error::mismatch(
            format_args!("container interface {:?}", inside.name),
            "is not a veth",
        )
        .into());
    }
    verify::addresses(kernel.container.as_mut(), &inside, &prev)?;
    verify::routes(kernel.container.as_mut(), &prev)?;

    let other = match inside.peer_index {
        Some(index) => kernel.host.link_by_index(index).map_err(Error::from)?,
        None => None,
    };
    let other = other.ok_or_else(|| {
        Error::mismatch(format_args!("host's end of {:?}", inside.name), "not found")
    })?;
    let daemon = Daemon::from_env();
    if let Some(asking) = conf.asking(context, sandbox)? {
        asking.check(&daemon, &mut kernel, (&other, &inside), &conf.rates)?;
    }
    let filter = RouteFilter {
        oif: inside.peer_index,
        ..RouteFilter::default()
    };
    let routes = kernel.host.routes(&filter).map_err(Error::from)?;
    let own = verify::own(&prev, &inside.name);
    for ip in &own.ips {
        let to_container = |ip: std::net::IpAddr| {
            routes
                .iter()
                .any(|route| route.dst.ip() == ip && route.dst == ip.into())
        };
        if !to_container(ip.address.ip()) {
            return Err(Error::mismatch(
                format_args!("route {} on the host", ip.address.ip()),
                "missing",
            )
            .into());
        }
    }
    if let Some(backend) = conf.masquerade {
        let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
        kernel.rules.check_masquerade(backend, owner, &own)?;
    }
    if let Some(policy) = conf.policy(context, &sandbox.attachment)? {
        policy.verify(&daemon)?;
    }
    Ok(())
}
