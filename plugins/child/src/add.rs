//! ADD.

use crate::{
    conf::{Announce, Conf, Make},
    explain::{self, Moment},
    ipvlan::modes,
    tap,
};
use fairway_cni::{CniResult, Context, Failure, Sandbox, Steps};
use fairway_iface::{Dad, Error, Kernel, Owner, child, configure, container, ipam, veth};
use fairway_netlink::{ChildKind, Link, Netlink};

pub(crate) fn add(
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
) -> Result<CniResult, Failure> {
    let mut kernel = Kernel::open(&sandbox.netns)?;
    run(&mut kernel, conf, context, sandbox)
}

/// All but opening the kernel.
fn run(
    kernel: &mut Kernel,
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
) -> Result<CniResult, Failure> {
    let dns = context.conf.dns()?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    veth::must_be_free(kernel.container.as_mut(), owner.ifname)?;
    let space: &mut dyn Netlink = match conf.in_container {
        true => kernel.container.as_mut(),
        false => kernel.host.as_mut(),
    };
    let parent = conf.parent(space)?;
    if let (Some(parent), Make::Child(ChildKind::Ipvlan { mode })) = (&parent, &conf.make) {
        modes::must_agree(space, conf, sandbox, (parent, *mode))?;
    }

    let mut result = Steps::run(kernel, |kernel, steps| {
        let mut result = match &conf.chained {
            Some(prev) => prev.clone(),
            None => ipam::allocate(context, sandbox, steps)?.unwrap_or_default(),
        };
        let link = make(kernel, conf, owner, parent.as_ref())?;
        let index = link.index;
        steps.push("link", move |kernel: &mut Kernel| {
            let deleted = kernel.container.delete_link(index).map(drop);
            Ok(deleted.map_err(Error::from)?)
        });
        finish(kernel, conf, &link, &result)
            .map_err(|error| explain::error(conf, parent.as_ref(), Moment::Up, error))?;
        for ip in &mut result.ips {
            ip.interface = Some(0);
        }
        result.interfaces = vec![veth::interface(&link, Some(&sandbox.netns))];
        Ok(result)
    })?;
    if !dns.is_empty() {
        result.dns = dns;
    }
    Ok(result)
}

/// The link, down; nothing where this fails.
fn make(
    kernel: &mut Kernel,
    conf: &Conf,
    owner: Owner<'_>,
    parent: Option<&Link>,
) -> Result<Link, Error> {
    let kind = match &conf.make {
        Make::Child(kind) => *kind,
        Make::Tap {
            spec,
            selinux_context,
            ..
        } => return tap::make(kernel, conf, owner, spec, selinux_context.as_deref()),
    };
    let wanted = child::Wanted {
        owner,
        parent: parent.map(|parent| parent.index),
        // What stands on nothing is made by the container itself, where no name of the host's is in the way.
        in_container: conf.in_container || parent.is_none(),
        mtu: conf.mtu,
        mac: conf.mac,
        kind,
    };
    child::create(kernel, &wanted)
        .map_err(|error| explain::error(conf, parent, Moment::Create, error))
}

/// Its bridge, addresses, up, routes.
fn finish(kernel: &mut Kernel, conf: &Conf, link: &Link, result: &CniResult) -> Result<(), Error> {
    if let Make::Tap {
        bridge: Some(bridge),
        ..
    } = &conf.make
    {
        tap::join(kernel.container.as_mut(), link, bridge)?;
    }
    if result.ips.is_empty() {
        return container::set_up(kernel.container.as_mut(), link);
    }
    // Whoever opens a tap is not there yet: detection would wait for a wire.
    let dad = match conf.make {
        Make::Tap { .. } => Dad::Skip,
        Make::Child(_) => Dad::AsItIs,
    };
    container::settings(&kernel.netns, &link.name, &result.ips, dad, false)?;
    if conf.announce != Announce::No {
        let nd = conf.announce == Announce::Both;
        container::announce(&kernel.netns, &link.name, nd)?;
    }
    let container = kernel.container.as_mut();
    configure(container, link, &result.ips, &result.routes, dad)
}

#[cfg(test)]
mod tests;
