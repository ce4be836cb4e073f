//! DEL and GC of a pair of links: total, idempotent, and with or without the namespace.
//!
//! Neither reads a plugin's own keys: what was set up under an older configuration goes as well.

use crate::{Error, Owner, Rules, ipam, veth};
use fairway_cni::{Context, Detach, Failure, GcAttachments};
use fairway_netlink::{Handle, Link, NetNs, Netlink, NsError, Scope};

/// The whole DEL of a plugin whose attachments are a pair of links, an address and rules.
pub fn del(context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &detach.attachment);
    // Rules first, and their socket closed last: the kernel's two waits overlap.
    let mut rules = Rules::default();
    let mut failures = rules.remove(owner);
    let release = || ipam::release(context, detach);
    match Handle::open() {
        Ok(mut host) => failures.extend(unplug(&mut host, handle, owner, detach, release)),
        Err(error) => failures.push(Error::from(error).into()),
    }
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// The whole GC of such a plugin.
pub fn gc(context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
    let network = context.conf.name.as_str();
    let mut rules = Rules::default();
    let mut failures = rules.collect(network, valid);
    match Handle::open() {
        Ok(mut host) => failures.extend(collect(&mut host, network, valid)),
        Err(error) => failures.push(Error::from(error).into()),
    }
    let delegated = context
        .ipam()
        .and_then(|ipam| ipam.map_or(Ok(()), |ipam| ipam.gc(valid)));
    failures.extend(delegated.err());
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// The container's end, and the way to it.
type Inside = (Box<dyn Netlink>, Link);

/// Detaches a container: takes its addresses off, has them released, and removes the links.
///
/// In this order an address that is given out anew is on one interface only, and nobody waits for the
/// kernel's ~15 ms of deleting a link before the address is free. Where the addresses cannot be taken
/// off, they are released after the link is gone, or not at all: then a later DEL or GC does it.
pub fn unplug(
    host: &mut dyn Netlink,
    open: impl FnOnce(&NetNs) -> Result<Box<dyn Netlink>, Error>,
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
    let looked = look(open, detach).map(|found| inside = found);
    let mut quiet = note(looked);
    if let Some((container, link)) = &mut inside {
        quiet = note(strip(container.as_mut(), link));
    }
    let mut release = Some(release);
    let mut released = Ok(());
    if quiet && let Some(release) = release.take() {
        released = release();
    }
    let gone = match &mut inside {
        Some((container, link)) => note(
            container
                .delete_link(link.index)
                .map(drop)
                .map_err(Error::from),
        ),
        // Nothing to be seen inside: the namespace may be gone for us and alive for a stuck process.
        None => note(veth::remove(host, owner)),
    };
    if gone && let Some(release) = release.take() {
        released = release();
    }
    failures.extend(released.err());
    failures
}

/// The container's end, if the namespace and the link are there.
fn look(
    open: impl FnOnce(&NetNs) -> Result<Box<dyn Netlink>, Error>,
    detach: &Detach,
) -> Result<Option<Inside>, Error> {
    let Some(netns) = &detach.netns else {
        return Ok(None);
    };
    let netns = match NetNs::open(netns) {
        Ok(netns) => netns,
        // What a runtime leaves behind once the namespace is unmounted.
        Err(NsError::Gone(_) | NsError::NotANamespace(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut container = open(&netns)?;
    let link = container.link_by_name(detach.attachment.ifname.as_str())?;
    // A link of another kind is not ours to delete: somebody moved it in under that name.
    Ok(link.filter(Link::is_veth).map(|link| (container, link)))
}

fn strip(container: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
    for address in container.addresses(Some(link.index))? {
        if address.scope < Scope::LINK {
            container.delete_address(link.index, address.ip)?;
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
        .filter(|link| Owner::of(link).is_some_and(|owner| owner.is_stale(network, valid)));
    let removed = stale.map(|link| host.delete_link(link.index).map(drop));
    removed
        .filter_map(|result| result.err().map(|error| Error::from(error).into()))
        .collect()
}

fn handle(netns: &NetNs) -> Result<Box<dyn Netlink>, Error> {
    Ok(Box::new(Handle::open_in(netns)?))
}
