//! The way back to the host.

use crate::record::Record;
use fairway_cni::{Failure, FieldError, GcAttachments};
use fairway_iface::{Error, Owner};
use fairway_netlink::{Link, LinkChange, NetNs, Netlink};
use std::os::fd::AsFd as _;

/// Takes an attachment's device back, from its container or, where that was lost, from among the host's links.
/// Nothing to take is fine.
pub(crate) fn take_back(
    host: &mut dyn Netlink,
    here: &NetNs,
    container: Option<&mut (dyn Netlink + 'static)>,
    owner: Owner<'_>,
) -> Result<(), Error> {
    if let Some(container) = container
        && let Some((link, record)) = inside(container, owner)?
    {
        return bring(host, here, container, &link, &record);
    }
    for link in host.links()? {
        if let Some(record) = Record::of_owner(&link, owner) {
            restore(host, &link, &record)?;
        }
    }
    Ok(())
}

/// What the kernel has moved to a container and not marked, when it refused the rest.
pub(crate) fn take_back_unmarked(
    host: &mut dyn Netlink,
    here: &NetNs,
    container: &mut dyn Netlink,
    record: &Record,
) -> Result<(), Error> {
    if host.link_by_name(record.name.as_str())?.is_some() {
        return Ok(());
    }
    let stray = container.link_by_name(record.name.as_str())?;
    let as_it_was =
        |link: &Link| link.mac == record.mac && link.mac.is_some() && link.alias == record.alias;
    match stray.filter(as_it_was) {
        Some(link) => Ok(container.move_link(link.index, here.as_fd(), &record.undo(&link))?),
        None => Ok(()),
    }
}

/// GC: makes those what they were whose container is lost. Those in a namespace that still lives are out of reach.
pub(crate) fn collect(
    host: &mut dyn Netlink,
    network: &str,
    valid: &GcAttachments,
) -> Vec<Failure> {
    let links = match host.links() {
        Ok(links) => links,
        Err(error) => return vec![Error::from(error).into()],
    };
    let mut failures = Vec::new();
    for link in links {
        if let Some(record) = Record::of_stale(&link, network, valid) {
            failures.extend(restore(host, &link, &record).err().map(Failure::from));
        }
    }
    failures
}

/// An attachment's device in the container, under whatever name by now.
fn inside(container: &mut dyn Netlink, owner: Owner<'_>) -> Result<Option<(Link, Record)>, Error> {
    let named = container.link_by_name(owner.ifname)?;
    if let Some(link) = &named
        && let Some(record) = Record::of_owner(link, owner)
    {
        return Ok(Some((link.clone(), record)));
    }
    for link in container.links()? {
        if let Some(record) = Record::of_owner(&link, owner) {
            return Ok(Some((link, record)));
        }
    }
    // What says nothing of ours, and has a name for an alias: the reference plugin writes no more.
    Ok(named.and_then(|link| Record::of_reference(&link).map(|record| (link, record))))
}

/// Moves a device home and makes it what it was.
///
/// It gets its name while it is still in the container, as long as that is free there: whoever names the host's links
/// (udev, NetworkManager) would see it come by another one, and name it anew.
pub fn bring(
    host: &mut dyn Netlink,
    here: &NetNs,
    container: &mut dyn Netlink,
    link: &Link,
    record: &Record,
) -> Result<(), Error> {
    must_be_free(host, link, record)?;
    let name = record.name.as_str();
    if link.name != name {
        // Older kernels rename no link that is up.
        down(container, link)?;
        let renamed = LinkChange {
            name: Some(name.to_owned()),
            ..LinkChange::default()
        };
        match container.change_link(link.index, &renamed) {
            Err(error) if error.is_exists() => {}
            other => other?,
        }
    }
    Ok(container.move_link(link.index, here.as_fd(), &record.undo(link))?)
}

/// Makes a link of the host what it was.
pub fn restore(host: &mut dyn Netlink, link: &Link, record: &Record) -> Result<(), Error> {
    if link.name == record.name.as_str() {
        let change = LinkChange {
            name: None,
            ..record.undo(link)
        };
        return Ok(host.change_link(link.index, &change)?);
    }
    must_be_free(host, link, record)?;
    down(host, link)?;
    Ok(host.change_link(link.index, &record.undo(link))?)
}

fn down(space: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    if !link.up {
        return Ok(());
    }
    let down = LinkChange {
        up: Some(false),
        ..LinkChange::default()
    };
    Ok(space.change_link(link.index, &down)?)
}

/// Nobody has taken its name meanwhile.
fn must_be_free(host: &mut dyn Netlink, link: &Link, record: &Record) -> Result<(), Error> {
    match host.link_by_name(record.name.as_str())? {
        Some(_) => Err(Error::InUse(FieldError::Value {
            path: format!("device of {:?}", link.name),
            value: format!("{:?}", record.name.as_str()),
            reason: "another link of the host has its name by now, so it stays where it is"
                .to_owned(),
        })),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
