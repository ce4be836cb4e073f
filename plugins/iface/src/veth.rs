//! A pair of links between the host and a container, made in one request.

use crate::{Error, Owner};
use fairway_cni::Interface;
use fairway_netlink::{Link, LinkChange, MacAddr, NetNs, Netlink, VethPeer, VethSpec};
use std::os::fd::AsFd as _;

/// What pair to make.
#[derive(Debug)]
pub struct PairSpec<'a> {
    /// Whose it is.
    pub owner: Owner<'a>,
    /// The container's namespace.
    pub netns: &'a NetNs,
    /// The container's hardware address; random where absent.
    pub mac: Option<MacAddr>,
    /// The host's end's hardware address; random where absent. One that is named is also one that udev
    /// leaves alone: by default it gives every link with a random address another one.
    pub host_mac: Option<MacAddr>,
    /// MTU of both ends, in bytes; the kernel's 1500 where absent.
    pub mtu: Option<u32>,
    /// The bridge that the host's end is a port of.
    pub master: Option<u32>,
    /// The host's end stays down, so that nothing passes before somebody has said what may.
    pub held: bool,
}

/// Both ends.
#[derive(Debug)]
pub struct Pair {
    /// The host's end, up unless it is held.
    pub host: Link,
    /// The container's end, down.
    pub container: Link,
}

/// Makes the pair: the host's end is up (unless it is held), in its bridge, and says whose it is.
///
/// The remains of an ADD of the same attachment that was killed are removed first. Where this fails
/// half-way, [`remove`] undoes it.
pub fn create(
    host: &mut dyn Netlink,
    container: &mut dyn Netlink,
    spec: &PairSpec<'_>,
) -> Result<Pair, Error> {
    let ifname = spec.owner.ifname;
    let mut tried = 0;
    for name in spec.owner.names() {
        tried += 1;
        if let Err(error) = request(host, spec, &name) {
            if !error.is_exists() {
                return Err(error.into());
            }
            must_be_free(container, ifname)?;
            match host.link_by_name(&name)? {
                // Another attachment's: the next name.
                Some(taken) if !spec.owner.owns(&taken) => continue,
                Some(remains) => host.delete_link(remains.index).map(drop)?,
                None => {}
            }
            request(host, spec, &name)?;
        }
        // Both are there: only what is asked for by a glance does not wait for all others that start a container.
        let near = host.glance(&name)?.ok_or(Error::Vanished { name })?;
        host.change_link(
            near.index,
            &LinkChange {
                alias: Some(spec.owner.alias()),
                ..LinkChange::default()
            },
        )?;
        let far = container.glance(ifname)?.ok_or_else(|| Error::Vanished {
            name: ifname.to_owned(),
        })?;
        return Ok(Pair {
            host: near,
            container: far,
        });
    }
    Err(Error::NoHostName {
        ifname: ifname.to_owned(),
        tried,
    })
}

/// Fails where the container has an interface of that name: an ADD without a DEL before it.
///
/// To be asked before anything is allocated, or undoing would release the address of the live interface.
pub fn must_be_free(container: &mut dyn Netlink, ifname: &str) -> Result<(), Error> {
    match container.link_by_name(ifname)? {
        Some(_) => Err(Error::AlreadyAttached {
            ifname: ifname.to_owned(),
        }),
        None => Ok(()),
    }
}

fn request(
    host: &mut dyn Netlink,
    spec: &PairSpec<'_>,
    name: &str,
) -> Result<(), fairway_netlink::Error> {
    host.create_veth(&VethSpec {
        name: name.to_owned(),
        mtu: spec.mtu,
        mac: spec.host_mac,
        master: spec.master,
        up: !spec.held,
        netns: None,
        peer: VethPeer {
            name: spec.owner.ifname.to_owned(),
            mtu: spec.mtu,
            mac: spec.mac,
            netns: Some(spec.netns.as_fd()),
        },
    })
}

/// The host's end, if it is there.
pub fn find(host: &mut dyn Netlink, owner: Owner<'_>) -> Result<Option<Link>, Error> {
    for name in owner.names() {
        // A later name is only ever used while the earlier ones are taken, but those may be gone by now.
        if let Some(link) = host.link_by_name(&name)?
            && owner.owns(&link)
        {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// Removes the host's end, and with it the pair, wherever the other end is. Nothing there is fine.
pub fn remove(host: &mut dyn Netlink, owner: Owner<'_>) -> Result<(), Error> {
    while let Some(link) = find(host, owner)? {
        host.delete_link(link.index)?;
    }
    Ok(())
}

/// A link as a result names it; `sandbox` is the path of the container's namespace for a link in there.
pub fn interface(link: &Link, sandbox: Option<&str>) -> Interface {
    Interface {
        name: link.name.clone(),
        mac: link.mac.map(|mac| mac.to_string()),
        mtu: Some(link.mtu),
        sandbox: sandbox.map(ToOwned::to_owned),
        ..Interface::default()
    }
}
