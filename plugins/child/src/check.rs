//! CHECK.

use crate::{
    Child,
    conf::{Conf, Make},
};
use fairway_cni::{Context, Failure, Sandbox};
use fairway_iface::{Error, Kernel, verify};
use fairway_netlink::{ChildKind, Link, LinkKind, Netlink};

pub(crate) fn check(
    kind: Child,
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
) -> Result<(), Failure> {
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let interface = verify::container_interface(&prev, sandbox)?;
    let link = verify::link(kernel.container.as_mut(), interface, "container interface")?;
    judge(kind, conf, &link)?;
    let space: &mut dyn Netlink = match conf.in_container {
        true => kernel.container.as_mut(),
        false => kernel.host.as_mut(),
    };
    stands_on(conf, space, &link)?;
    verify::addresses(kernel.container.as_mut(), &link, &prev)?;
    verify::routes(kernel.container.as_mut(), &prev)?;
    Ok(())
}

/// Is it the link that was asked for?
fn judge(kind: Child, conf: &Conf, link: &Link) -> Result<(), Error> {
    let differs = |problem: String| {
        let subject = format!("container interface {:?}", link.name);
        Err(Error::mismatch(subject, problem))
    };
    if !kind.is_kind(link) {
        return differs(format!("is no {}", kind.name()));
    }
    let Make::Child(wanted) = conf.make else {
        return Ok(());
    };
    let (there, wanted_mode) = match (&link.kind, wanted) {
        (Some(LinkKind::Macvlan(there)), ChildKind::Macvlan { mode, .. }) => {
            (there.to_string(), mode.to_string())
        }
        (Some(LinkKind::Ipvlan(there)), ChildKind::Ipvlan { mode }) => {
            (there.to_string(), mode.to_string())
        }
        (Some(LinkKind::Vlan { id: there }), ChildKind::Vlan { id }) => {
            (there.to_string(), id.to_string())
        }
        (_, ChildKind::Dummy) if !link.up => return differs("is down".to_owned()),
        (_, ChildKind::Dummy) => return Ok(()),
        _ => return differs("is of a mode that nobody has asked for".to_owned()),
    };
    let what = match wanted {
        ChildKind::Vlan { .. } => "VLAN",
        _ => "mode",
    };
    if there != wanted_mode {
        return differs(format!("has {what} {there}, expected {wanted_mode}"));
    }
    match (wanted, conf.mtu) {
        (ChildKind::Vlan { .. }, Some(mtu)) if mtu != link.mtu => {
            differs(format!("has an MTU of {}, expected {mtu}", link.mtu))
        }
        _ => Ok(()),
    }
}

/// Is its master there, and the one that it stands on? A default route may lead elsewhere by now.
fn stands_on(conf: &Conf, space: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    let Some(master) = &conf.master else {
        return Ok(());
    };
    let subject = format!("master {:?}", master.as_str());
    let Some(parent) = space.link_by_name(master.as_str())? else {
        return Err(Error::mismatch(subject, "not found"));
    };
    // What is made on one of these stands on what that one stands on.
    let leads_on = matches!(
        parent.kind,
        Some(LinkKind::Macvlan(_) | LinkKind::Ipvlan(_))
    );
    match leads_on || link.peer_index == Some(parent.index) {
        true => Ok(()),
        false => Err(Error::mismatch(
            subject,
            format!("{:?} stands on another link", link.name),
        )),
    }
}
