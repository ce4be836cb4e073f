//! DEL and GC of a pair of links: total, idempotent, and with or without the namespace.
//!
//! Neither reads a plugin's own keys: what was set up under an older configuration goes as well.

use crate::{Error, Owner, Rules, ipam, veth};
use fairway_cni::{Context, Detach, Failure, GcAttachments};
use fairway_netlink::{Handle, Link, Netlink, Route, Scope};
use ipnetwork::IpNetwork;

/// The whole DEL of a plugin whose attachments are a pair of links, an address and rules.
pub fn del(context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &detach.attachment);
    // Rules first, and their socket closed last: the kernel's two waits overlap.
    let mut rules = Rules::default();
    let mut failures = rules.remove(owner);
    let release = || ipam::release(context, detach);
    match Handle::open() {
        Ok(mut host) => failures.extend(unplug(&mut host, inside, owner, detach, release)),
        Err(error) => failures.push(Error::from(error).into()),
    }
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// The whole GC of such a plugin. An address is only freed once its links are gone.
pub fn gc(context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
    let network = context.conf.name.as_str();
    let mut rules = Rules::default();
    let mut failures = rules.collect(network, valid);
    let collected = match Handle::open() {
        Ok(mut host) => collect(&mut host, network, valid),
        Err(error) => vec![Error::from(error).into()],
    };
    if collected.is_empty() {
        let delegated = context
            .ipam()
            .and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.gc(valid)));
        failures.extend(delegated.err());
    }
    failures.extend(collected);
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// The container's end, and the way to it.
type Inside = (Box<dyn Netlink>, Link);

/// Detaches a container: takes its addresses off, has them released, and removes the links.
///
/// In this order an address that is given out anew is on one interface only, and nobody waits for the
/// kernel's ~15 ms of deleting a link before the address is free. Where there was nothing to take the
/// addresses off, or that failed, they are released once the links are gone, or not at all: then a later
/// DEL or GC does it.
///
/// What is removed is told by the host's end, which says whose it is, and not by what bears the name in
/// the namespace: a late DEL may find another container's interface there (the path, or the process, is
/// used again), and a container may have renamed its own and made another of that name.
pub fn unplug(
    host: &mut dyn Netlink,
    open: impl FnOnce(Option<&str>) -> Result<Option<Box<dyn Netlink>>, Error>,
    owner: Owner<'_>,
    detach: &Detach,
    release: impl FnOnce() -> Result<(), Failure>,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut note = |result: Result<(), Error>| match result {
        Ok(()) => true,
        Err(error) => {
            failures.push(error.into());
            false
        }
    };

    let mut inside = None;
    let looked = look(host, open, owner, detach).map(|found| inside = found);
    let mut sure = note(looked);
    let mut release = Some(release);
    let mut released = Ok(());
    if let Some((container, link)) = &mut inside
        && note(strip(host, container.as_mut(), link))
        && let Some(release) = release.take()
    {
        released = release();
    }
    if let Some((container, link)) = &mut inside {
        let deleted = container.delete_link(link.index).map(drop);
        sure &= note(deleted.map_err(Error::from));
    }
    // Whatever else is left of it: the namespace may be gone for us and alive for a stuck process.
    sure &= note(veth::remove(host, owner));
    if sure && let Some(release) = release.take() {
        released = release();
    }
    failures.extend(released.err());
    failures
}

/// The container's end, if the namespace is there and an interface of this attachment in it.
fn look(
    host: &mut dyn Netlink,
    open: impl FnOnce(Option<&str>) -> Result<Option<Box<dyn Netlink>>, Error>,
    owner: Owner<'_>,
    detach: &Detach,
) -> Result<Option<Inside>, Error> {
    let Some(mut container) = open(detach.netns.as_deref())? else {
        return Ok(None);
    };
    if let Some(ours) = veth::find(host, owner)? {
        let Some(index) = ours.peer_index else {
            return Ok(None);
        };
        let link = container.link_by_index(index)?;
        return Ok(link
            .filter(|link| joined(link, &ours))
            .map(|link| (container, link)));
    }
    // No host's end of ours: one that the reference plugin made, or one that is gone.
    let Some(link) = container.link_by_name(owner.ifname)?.filter(Link::is_veth) else {
        return Ok(None);
    };
    let other = match link.peer_index {
        Some(index) => host.link_by_index(index)?,
        None => None,
    };
    match other {
        Some(end) if joined(&link, &end) && !Owner::marks(&end) => Ok(Some((container, link))),
        // Another attachment's, or a pair that does not lead to this host.
        _ => Ok(None),
    }
}

/// Are these the two ends of one pair?
fn joined(a: &Link, b: &Link) -> bool {
    a.is_veth() && b.is_veth() && a.peer_index == Some(b.index) && b.peer_index == Some(a.index)
}

/// Takes the addresses off, and the host's routes to them: whoever is given one next adds such a route at once, and
/// would find this one in its place.
fn strip(host: &mut dyn Netlink, container: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    for address in container.addresses(Some(link.index))? {
        if address.scope < Scope::LINK {
            container.delete_address(link.index, address.ip)?;
            host.delete_route(&Route {
                oif: link.peer_index,
                ..Route::to(IpNetwork::from(address.ip.ip()))
            })?;
        }
    }
    Ok(())
}

/// GC: removes the host's ends of attachments that the runtime no longer knows.
pub fn collect(host: &mut dyn Netlink, network: &str, valid: &GcAttachments) -> Vec<Failure> {
    let links = match host.links() {
        Ok(links) => links,
        Err(error) => return vec![Error::from(error).into()],
    };
    let stale = links
        .iter()
        .filter(|link| Owner::is_stale(link, network, valid));
    let removed = stale.map(|link| host.delete_link(link.index).map(drop));
    removed
        .filter_map(|result| result.err().map(|error| Error::from(error).into()))
        .collect()
}

fn inside(netns: Option<&str>) -> Result<Option<Box<dyn Netlink>>, Error> {
    let opened = Handle::open_if_there(netns)?;
    Ok(opened.map(|handle| Box::new(handle) as Box<dyn Netlink>))
}

#[cfg(test)]
mod tests;
