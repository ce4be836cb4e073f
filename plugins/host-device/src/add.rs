//! ADD.

use crate::{
    KIND, conf,
    find::{self, Found},
    home,
    record::Record,
    sysfs::Sysfs,
};
use fairway_cni::{CniResult, Context, Failure, FieldError, Interface, Sandbox, Steps};
use fairway_iface::{Dad, Error, Kernel, Owner, configure, container, ipam, keys, veth};
use fairway_netlink::{Link, LinkChange, NetNs, Netlink};
use std::os::fd::AsFd as _;

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let mut kernel = Kernel::open(&sandbox.netns)?;
    run(&mut kernel, context, sandbox, &Sysfs::default())
}

/// All but opening the kernel.
fn run(
    kernel: &mut Kernel,
    context: &Context<'_>,
    sandbox: &Sandbox,
    sysfs: &Sysfs,
) -> Result<CniResult, Failure> {
    let named = conf::parse(context)?;
    keys::no_host_end(context, KIND)?;
    let dns = context.conf.dns()?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    veth::must_be_free(kernel.container.as_mut(), owner.ifname)?;
    let found = find::find(kernel.host.as_mut(), sysfs, &named)?;
    let mut result = match found {
        Found::Userspace(pci) => userspace(context, sandbox, pci)?,
        Found::Link(link, pci) => {
            let field = named.first().map_or("device", |named| named.field.as_str());
            moved(kernel, context, sandbox, (field, &link, pci))?
        }
    };
    if !dns.is_empty() {
        result.dns = dns;
    }
    for ip in &mut result.ips {
        ip.interface = Some(0);
    }
    Ok(result)
}

/// A process has the device: there is no link to move, and addresses are that process's business.
fn userspace(context: &Context<'_>, sandbox: &Sandbox, pci: String) -> Result<CniResult, Failure> {
    Steps::run(&mut (), |(), steps| {
        let given = ipam::allocate(context, sandbox, steps)?.unwrap_or_default();
        Ok(CniResult {
            interfaces: vec![Interface {
                name: sandbox.attachment.ifname.as_str().to_owned(),
                sandbox: Some(sandbox.netns.clone()),
                pci_id: Some(pci),
                ..Interface::default()
            }],
            ..given
        })
    })
}

fn moved(
    kernel: &mut Kernel,
    context: &Context<'_>,
    sandbox: &Sandbox,
    (field, link, pci): (&str, &Link, Option<String>),
) -> Result<CniResult, Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let record = record(field, link)?;
    let alias = alias(field, link, &record, owner)?;
    let name = record.name.as_str();
    if link.name != name
        && kernel
            .host
            .link_by_name(name)
            .map_err(Error::from)?
            .is_some()
    {
        let reason =
            format!("was {name} before it was lost, and another link has that name by now");
        return Err(Error::InUse(blame(field, link, reason)).into());
    }
    let here = NetNs::current().map_err(Error::from)?;
    let (index, was) = (link.index, record);
    Steps::run(kernel, |kernel, steps| {
        let given = ipam::allocate(context, sandbox, steps)?.unwrap_or_default();
        steps.push("device", move |kernel: &mut Kernel| {
            let Kernel {
                host, container, ..
            } = kernel;
            let container: &mut (dyn Netlink + 'static) = container.as_mut();
            home::take_back_unmarked(host.as_mut(), &here, container, &was)?;
            let taken = home::take_back(host.as_mut(), &here, Some(container), owner);
            Ok(taken?)
        });
        let mark = LinkChange {
            name: Some(owner.ifname.to_owned()),
            alias: Some(alias.clone()),
            ..LinkChange::default()
        };
        let there = kernel.netns.as_fd();
        kernel
            .host
            .move_link(index, there, &mark)
            .map_err(|error| refused(field, link, error))?;
        let vanished = || Error::Vanished {
            name: owner.ifname.to_owned(),
        };
        let container = kernel.container.as_mut();
        let inside = container.link_by_name(owner.ifname).map_err(Error::from)?;
        let inside = inside.filter(|inside| inside.alias.as_ref() == Some(&alias));
        let inside = inside.ok_or_else(vanished)?;
        finish(kernel, &inside, &given)?;
        Ok(CniResult {
            interfaces: vec![Interface {
                pci_id: pci,
                ..veth::interface(&inside, Some(&sandbox.netns))
            }],
            ..given
        })
    })
}

/// Addresses, up, routes.
fn finish(kernel: &mut Kernel, link: &Link, given: &CniResult) -> Result<(), Error> {
    if given.ips.is_empty() {
        return container::set_up(kernel.container.as_mut(), link);
    }
    container::settings(&kernel.netns, &link.name, &given.ips, Dad::AsItIs, false)?;
    let container = kernel.container.as_mut();
    configure(container, link, &given.ips, &given.routes, Dad::AsItIs)
}

/// What the link was: as it says itself where it was lost with a container, as it is otherwise.
fn record(field: &str, link: &Link) -> Result<Record, Error> {
    if link.master.is_some() {
        let reason = "is a port of a bridge or of a bond, which would lose it";
        return Err(Error::InUse(blame(field, link, reason)));
    }
    let lost = link.alias.as_deref().and_then(Record::read);
    match lost {
        Some((record, _)) => Ok(record),
        None => Record::of(link).map_err(|error| Error::Field(blame(field, link, error))),
    }
}

fn alias(field: &str, link: &Link, record: &Record, owner: Owner<'_>) -> Result<String, Error> {
    record.alias_for(owner).ok_or_else(|| {
        let reason = "has an alias that is too long to be kept until it comes back";
        Error::InUse(blame(field, link, reason))
    })
}

/// Why the kernel does not move it.
fn refused(field: &str, link: &Link, error: fairway_netlink::Error) -> Error {
    const EINVAL: i32 = 22;
    match error.errno().map(|errno| errno as i32) {
        Some(EINVAL) => Error::Field(blame(
            field,
            link,
            format_args!("cannot leave its namespace ({error})"),
        )),
        _ if error.is_not_found() => Error::InUse(blame(
            field,
            link,
            "has gone to another container meanwhile",
        )),
        _ => error.into(),
    }
}

fn blame(field: &str, link: &Link, reason: impl std::fmt::Display) -> FieldError {
    FieldError::Value {
        path: field.to_owned(),
        value: format!("link {}", link.name),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
