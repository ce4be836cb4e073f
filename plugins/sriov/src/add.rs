//! ADD.

use crate::{
    KIND,
    choose::{self, Taken},
    claim::Claim,
    conf::{self, Conf},
    error::Error,
    node::Node,
    put_back::{self, Patience},
    settings::{self, Setting},
};
use fairway_cni::{CniResult, Context, Failure, FieldError, Interface, Sandbox, Steps};
use fairway_host_device::record::Record;
use fairway_iface::{Dad, Kernel, Owner, configure, container, ipam, keys, veth};
use fairway_netlink::{Link, LinkChange, MacAddr, Netlink, VfChange};
use std::os::fd::AsFd as _;

/// What an ADD works with.
pub(crate) struct Work {
    /// The container's side; of the host's, what the steps of other plugins need.
    pub(crate) kernel: Kernel,
    /// The host's.
    pub(crate) node: Node,
}

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let conf = conf::parse(context)?;
    keys::no_host_end(context, KIND)?;
    let mut work = Work {
        kernel: Kernel::open(&sandbox.netns)?,
        node: Node::open()?,
    };
    run(&mut work, &conf, context, sandbox)
}

/// All but opening the kernel.
fn run(
    work: &mut Work,
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
) -> Result<CniResult, Failure> {
    let dns = context.conf.dns()?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    veth::must_be_free(work.kernel.container.as_mut(), owner.ifname)?;
    let mut result = {
        // Nobody else works on it until the end of this, steps that are undone included.
        let taken = choose::choose(&mut work.node, &conf.device, owner)?;
        give(work, conf, context, sandbox, &taken)?
    };
    if !dns.is_empty() {
        result.dns = dns;
    }
    for ip in &mut result.ips {
        ip.interface = Some(0);
    }
    Ok(result)
}

/// Gives the container the function, or leaves it as it is.
fn give(
    work: &mut Work,
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
    taken: &Taken,
) -> Result<CniResult, Failure> {
    check_mtu(conf, taken)?;
    let claim = claim(work, conf, context, sandbox, taken)?;
    Steps::run(work, |work, steps| {
        let given = ipam::allocate(context, sandbox, steps)?.unwrap_or_default();
        let (address, to_undo) = (taken.function.address.clone(), claim.clone());
        steps.push("virtual function", move |work: &mut Work| {
            let Work { kernel, node } = work;
            let container: &mut (dyn Netlink + 'static) = kernel.container.as_mut();
            put_back::put_back(node, &address, &to_undo, &mut [container], Patience::Some)?;
            Ok(node.state.remove(&address)?)
        });
        work.node.state.write(&taken.function.address, &claim)?;
        let interface = attach(work, conf, (taken, &claim), sandbox, &given)?;
        Ok(CniResult {
            interfaces: vec![interface],
            ..given
        })
    })
}

/// A process's function has no link whose MTU it could be, and no frame is longer than the wire's.
fn check_mtu(conf: &Conf, taken: &Taken) -> Result<(), Error> {
    let Some(mtu) = conf.mtu else {
        return Ok(());
    };
    let blame = |reason: String| FieldError::Value {
        path: "mtu".to_owned(),
        value: mtu.to_string(),
        reason,
    };
    match &taken.link {
        None => {
            let reason = "a process has the function, which sets its MTU itself".to_owned();
            Err(fairway_iface::Error::Unsupported(blame(reason)).into())
        }
        Some(_) if mtu > taken.pf.mtu => {
            let reason = format!("is more than the {} of {}", taken.pf.mtu, taken.pf.name);
            Err(fairway_iface::Error::Field(blame(reason)).into())
        }
        Some(_) => Ok(()),
    }
}

/// What the file will say.
fn claim(
    work: &Work,
    conf: &Conf,
    context: &Context<'_>,
    sandbox: &Sandbox,
    taken: &Taken,
) -> Result<Claim, Error> {
    // One that was lost and whose file is lost, too, says in its alias what it was.
    let link = taken.link.as_ref().map(|link| {
        let lost = link.alias.as_deref().and_then(Record::read);
        match lost {
            Some((record, _)) => Ok(record),
            None => Record::of(link)
                .map_err(|error| Error::field("deviceID", &link.name, error.to_string())),
        }
    });
    Ok(Claim {
        boot: work.node.boot.clone(),
        network: context.conf.name.clone(),
        container_id: sandbox.attachment.container_id.clone(),
        ifname: sandbox.attachment.ifname.clone(),
        netns: sandbox.netns.clone(),
        netns_id: work.kernel.netns.identity()?,
        link: link.transpose()?,
        before: taken.before.clone(),
        changed: conf.changes().into_iter().map(Setting::of).collect(),
    })
}

/// Sets what is to be set, and moves the link.
fn attach(
    work: &mut Work,
    conf: &Conf,
    (taken, claim): (&Taken, &Claim),
    sandbox: &Sandbox,
    given: &CniResult,
) -> Result<Interface, Error> {
    let pf = (taken.pf.index, taken.pf.name.as_str());
    for change in conf.changes() {
        settings::set(work.node.vfs.as_mut(), pf, taken.function.index, change)?;
    }
    let pci_id = Some(taken.function.address.to_string());
    let (Some(link), Some(record)) = (&taken.link, &claim.link) else {
        let own = taken.before.mac;
        let own = (own != MacAddr::default()).then_some(own);
        return Ok(Interface {
            name: claim.ifname.as_str().to_owned(),
            mac: conf.mac.or(own).map(|mac| mac.to_string()),
            sandbox: Some(sandbox.netns.clone()),
            pci_id,
            ..Interface::default()
        });
    };
    if let Some(mac) = conf.mac {
        give_mac(&mut work.node, pf, (taken.function.index, link), mac)?;
    }
    if let Some(mtu) = conf.mtu {
        give_mtu(&mut work.node, link, mtu)?;
    }
    let inside = enter(work, claim, link, record)?;
    finish(&mut work.kernel, &inside, given)?;
    let vanished = || fairway_iface::Error::Vanished {
        name: claim.ifname.as_str().to_owned(),
    };
    // Some drivers take the address that was set for them only now.
    let inside = work.kernel.container.link_by_index(inside.index)?;
    let inside = inside.ok_or_else(vanished)?;
    match conf.mac {
        Some(mac) if inside.mac != Some(mac) => {
            let has = inside.mac.unwrap_or_default();
            let reason = format!("the driver of {} leaves it at {has}", inside.name);
            Err(Error::field("mac", mac, reason))
        }
        _ => Ok(Interface {
            pci_id,
            ..veth::interface(&inside, Some(&sandbox.netns))
        }),
    }
}

/// The link's own hardware address. Some drivers let it have the one that the physical function has set, others only
/// one that it asks for itself before that is set.
fn give_mac(
    node: &mut Node,
    pf: (u32, &str),
    (index, link): (u32, &Link),
    mac: MacAddr,
) -> Result<(), Error> {
    let change = LinkChange {
        mac: Some(mac),
        ..LinkChange::default()
    };
    if link.mac == Some(mac) || node.host.change_link(link.index, &change).is_ok() {
        return Ok(());
    }
    let vfs = node.vfs.as_mut();
    settings::set(vfs, pf, index, VfChange::Mac(MacAddr::default()))?;
    node.host
        .change_link(link.index, &change)
        .map_err(|error| {
            let reason = format!("the driver of {} refuses it ({error})", link.name);
            Error::field("mac", mac, reason)
        })?;
    settings::set(vfs, pf, index, VfChange::Mac(mac))
}

fn give_mtu(node: &mut Node, link: &Link, mtu: u32) -> Result<(), Error> {
    if link.mtu == mtu {
        return Ok(());
    }
    let change = LinkChange {
        mtu: Some(mtu),
        ..LinkChange::default()
    };
    node.host.change_link(link.index, &change).map_err(|error| {
        let reason = format!("the driver of {} refuses it ({error})", link.name);
        Error::field("mtu", mtu, reason)
    })
}

/// Moves the link to the container, named and marked there.
fn enter(work: &mut Work, claim: &Claim, link: &Link, record: &Record) -> Result<Link, Error> {
    let owner = claim.owner();
    let alias = record.alias_for(owner).ok_or_else(|| {
        let reason = "has an alias that is too long to be kept until it comes back";
        Error::in_use("deviceID", &link.name, reason)
    })?;
    let mark = LinkChange {
        name: Some(owner.ifname.to_owned()),
        alias: Some(alias.clone()),
        ..LinkChange::default()
    };
    let Work { kernel, node } = work;
    node.host
        .move_link(link.index, kernel.netns.as_fd(), &mark)?;
    let inside = kernel.container.link_by_name(owner.ifname)?;
    let inside = inside.filter(|inside| inside.alias.as_ref() == Some(&alias));
    let vanished = || fairway_iface::Error::Vanished {
        name: owner.ifname.to_owned(),
    };
    Ok(inside.ok_or_else(vanished)?)
}

/// Addresses, up, routes; neighbours may know another hardware address.
fn finish(kernel: &mut Kernel, link: &Link, given: &CniResult) -> Result<(), Error> {
    if given.ips.is_empty() {
        return Ok(container::set_up(kernel.container.as_mut(), link)?);
    }
    container::settings(&kernel.netns, &link.name, &given.ips, Dad::AsItIs, false)?;
    container::announce(&kernel.netns, &link.name, true)?;
    let container = kernel.container.as_mut();
    Ok(configure(
        container,
        link,
        &given.ips,
        &given.routes,
        Dad::AsItIs,
    )?)
}

#[cfg(test)]
mod tests;
