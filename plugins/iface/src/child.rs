//! A link in the container that stands on another one, made straight where it is to be.
//!
//! There is no end on the host: what tells whose it is, is its alias, in the container, and with the namespace
//! the kernel takes the link as well.

use crate::{Error, Kernel, Owner, ipam, veth};
use fairway_cni::{Context, Detach, Failure, FieldError, GcAttachments};
use fairway_netlink::{
    ChildKind, ChildSpec, Handle, Link, LinkChange, MacAddr, Netlink, Route, RouteFilter,
};
use std::os::fd::AsFd as _;

/// How many indexes are tried, should one be taken.
const INDEXES: usize = 8;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose it is.
    pub owner: Owner<'a>,
    /// Index of the link that it stands on; none for a dummy.
    pub parent: Option<u32>,
    /// That one is the container's, not the host's.
    pub in_container: bool,
    /// MTU in bytes; the parent's where absent.
    pub mtu: Option<u32>,
    /// Its hardware address; the kernel's choice where absent.
    pub mac: Option<MacAddr>,
    /// Which driver, and its settings.
    pub kind: ChildKind,
}

/// Makes it, down, with its alias, and gives it as it is then.
///
/// Kernels before 6.15 refuse a name that the host has for a link of its own, which is the rule for `eth0`. They
/// do not look where an index is asked for. The reference plugins take a random name and change it, and that
/// waits for the kernel once more.
///
/// # Errors
/// Where the container has an interface of that name, and as the kernel has it; nothing is left then.
pub fn create(kernel: &mut Kernel, wanted: &Wanted<'_>) -> Result<Link, Error> {
    let Kernel {
        host,
        container,
        netns,
        ..
    } = kernel;
    let owner = wanted.owner;
    let spec = ChildSpec {
        name: owner.ifname.to_owned(),
        index: None,
        parent: wanted.parent,
        netns: (!wanted.in_container).then(|| netns.as_fd()),
        mtu: wanted.mtu,
        mac: wanted.mac,
        kind: wanted.kind,
    };
    match wanted.in_container {
        true => container.create_child(&spec)?,
        false => match host.create_child(&spec) {
            Err(error) if error.is_exists() => {
                veth::must_be_free(container.as_mut(), owner.ifname)?;
                create_with_index(host.as_mut(), container.as_mut(), owner, &spec)?;
            }
            other => other?,
        },
    }
    let container = container.as_mut();
    let made = container.link_by_name(owner.ifname)?;
    let made = made.ok_or_else(|| Error::Vanished {
        name: owner.ifname.to_owned(),
    })?;
    let marked = mark(container, owner, made.index);
    if marked.is_err() {
        let _ = container.delete_link(made.index);
    }
    marked.map(|()| made)
}

/// With an index that neither side has.
fn create_with_index(
    maker: &mut dyn Netlink,
    container: &mut dyn Netlink,
    owner: Owner<'_>,
    spec: &ChildSpec<'_>,
) -> Result<(), fairway_netlink::Error> {
    let mut index = None;
    for wanted in owner.indexes().take(INDEXES) {
        let taken =
            maker.link_by_index(wanted)?.is_some() || container.link_by_index(wanted)?.is_some();
        if !taken {
            index = Some(wanted);
            break;
        }
    }
    maker.create_child(&ChildSpec {
        index,
        ..spec.clone()
    })
}

/// Says whose a link in the container is.
pub fn mark(container: &mut dyn Netlink, owner: Owner<'_>, index: u32) -> Result<(), Error> {
    let alias = LinkChange {
        alias: Some(owner.alias()),
        ..LinkChange::default()
    };
    Ok(container.change_link(index, &alias)?)
}

/// The link that `master` names.
///
/// # Errors
/// Names the field.
pub fn named(space: &mut dyn Netlink, field: &str, name: &str) -> Result<Link, Error> {
    let missing = || {
        Error::Field(FieldError::Value {
            path: field.to_owned(),
            value: format!("{name:?}"),
            reason: "there is no such link".to_owned(),
        })
    };
    space.link_by_name(name)?.ok_or_else(missing)
}

/// The link that the default route leads out by, of IPv4 rather than of IPv6.
pub fn of_default_route(space: &mut dyn Netlink) -> Result<Option<Link>, Error> {
    let main = RouteFilter {
        table: Some(Route::MAIN),
        ..RouteFilter::default()
    };
    let routes = space.routes(&main)?;
    let mut defaults = routes.iter().filter(|route| route.dst.prefix() == 0);
    match defaults.find_map(|route| route.oif) {
        Some(index) => Ok(space.link_by_index(index)?),
        None => Ok(None),
    }
}

/// The whole DEL of a plugin whose attachments are one link in the container and an address.
///
/// `is_kind` tells the links that it makes. An address is only freed once its link is gone; where the
/// namespace is, the link is as well.
pub fn del(
    context: &Context<'_>,
    detach: &Detach,
    is_kind: impl Fn(&Link) -> bool,
) -> Result<(), Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &detach.attachment);
    let inside = Handle::open_if_there(detach.netns.as_deref()).map_err(Error::from)?;
    if let Some(mut container) = inside {
        remove(&mut container, owner, is_kind)?;
    }
    ipam::release(context, detach)
}

/// The whole GC of such a plugin: links have gone with their namespaces, what is left are addresses.
pub fn gc(context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
    context.ipam()?.map_or(Ok(()), |ipam| ipam.gc(valid))
}

/// Removes an attachment's link, under whatever name the container has it by now.
///
/// A late DEL may come to a path where another container's namespace is now: what says that it is another
/// attachment's, or is of another kind, is left alone.
pub fn remove(
    container: &mut dyn Netlink,
    owner: Owner<'_>,
    is_kind: impl Fn(&Link) -> bool,
) -> Result<(), Error> {
    let named = container.link_by_name(owner.ifname)?;
    let ours = |link: &Link| is_kind(link) && !owner.is_anothers(link);
    if let Some(link) = named.filter(ours) {
        container.delete_link(link.index)?;
        if owner.is_marked(&link) {
            return Ok(());
        }
    }
    for link in container.links()? {
        if is_kind(&link) && owner.is_marked(&link) {
            container.delete_link(link.index)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
