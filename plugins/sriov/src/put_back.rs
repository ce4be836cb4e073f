//! A virtual function becomes again what it was.

use crate::{
    Error,
    claim::Claim,
    node::Node,
    pci::PciAddress,
    settings::{self, Setting},
    state,
};
use fairway_cni::{Failure, GcAttachments};
use fairway_host_device::{home, record::Record, sysfs::Device};
use fairway_iface::Owner;
use fairway_netlink::{Handle, Link, MacAddr, Netlink, VfChange};
use std::time::{Duration, Instant};

/// How long the kernel may take to clear up a namespace.
const HOME_WAIT: Duration = Duration::from_secs(5);

/// Whether a link that is on its way is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// For some seconds.
    Some,
    /// It is not.
    None,
}

/// DEL: all that an attachment has. Nothing is fine.
pub(crate) fn all_of(
    node: &mut Node,
    owner: Owner<'_>,
    mut inside: Option<Handle>,
) -> Result<(), Error> {
    let its = |claim: &Claim| claim.owner() == owner;
    for address in node.state.find(its)? {
        release(
            node,
            &address,
            its,
            inside.as_mut().map(|inside| inside as _),
        )?;
    }
    Ok(())
}

/// GC: all that attachments of a network have that the runtime no longer knows.
pub(crate) fn stale(node: &mut Node, network: &str, valid: &GcAttachments) -> Vec<Failure> {
    let stale = |claim: &Claim| {
        let owner = claim.owner();
        owner.network == network && !valid.contains(owner.container_id, owner.ifname)
    };
    let found = match node.state.find(stale) {
        Ok(found) => found,
        Err(error) => return vec![error.into()],
    };
    let failures = found
        .iter()
        .filter_map(|address| release(node, address, stale, None).err());
    failures.map(Failure::from).collect()
}

/// Puts one back and gives it up, if its claim is still the one that was asked for.
fn release(
    node: &mut Node,
    address: &PciAddress,
    asked: impl Fn(&Claim) -> bool,
    inside: Option<&mut (dyn Netlink + 'static)>,
) -> Result<(), Error> {
    let _lock = node.state.lock(address)?;
    let claim = match node.state.read(address)? {
        Some(claim) if asked(&claim) => claim,
        _ => return Ok(()),
    };
    if claim.boot == node.boot {
        // A runtime that no longer names the namespace may still have it.
        let mut own = match claim.namespace()? {
            Some(netns) => Some(Handle::open_in(&netns)?),
            None => None,
        };
        let own = own.as_mut().map(|own| own as &mut (dyn Netlink + 'static));
        let mut spaces: Vec<_> = inside.into_iter().chain(own).collect();
        put_back(node, address, &claim, &mut spaces, Patience::Some)?;
    }
    node.state.remove(address)
}

/// Brings its link home from one of `spaces`, or finds it on the host, and undoes what was set.
pub(crate) fn put_back(
    node: &mut Node,
    address: &PciAddress,
    claim: &Claim,
    spaces: &mut [&mut (dyn Netlink + 'static)],
    patience: Patience,
) -> Result<(), Error> {
    if !node.bus.has(address) {
        // The card is gone, or has no virtual functions any more.
        return Ok(());
    }
    let function = node.bus.function(address);
    let subject = || format!("virtual function {address}");
    let function =
        function.map_err(|reason| Error::field(&subject(), claim.before.index, reason))?;
    let pf = node.host.link_by_name(&function.pf)?;
    let pf = pf.ok_or_else(|| fairway_iface::Error::Vanished {
        name: function.pf.clone(),
    })?;
    let pf = (pf.index, pf.name.as_str());
    match &claim.link {
        Some(record) => bring_home(node, pf, (address, claim, record), spaces, patience)?,
        None => free_mac(node, pf, claim),
    }
    settings::restore(node.vfs.as_mut(), pf, &claim.before, &claim.changed)
}

fn bring_home(
    node: &mut Node,
    pf: (u32, &str),
    (address, claim, record): (&PciAddress, &Claim, &Record),
    spaces: &mut [&mut (dyn Netlink + 'static)],
    patience: Patience,
) -> Result<(), Error> {
    let deadline = Instant::now() + HOME_WAIT;
    loop {
        for space in &mut *spaces {
            if let Some(link) = inside(*space, address, claim.owner())? {
                free_mac(node, pf, claim);
                let host = node.host.as_mut();
                return Ok(home::bring(host, &node.here, *space, &link, record)?);
            }
        }
        match node.bus.device(address) {
            Ok(Device::Link(name)) => {
                if let Some(link) = node.host.link_by_name(&name)? {
                    free_mac(node, pf, claim);
                    return Ok(home::restore(node.host.as_mut(), &link, record)?);
                }
            }
            // Somebody has given it to a process, or taken its driver: it has no link any more.
            other if other.is_ok() || !node.bus.is_driven(address) => {
                free_mac(node, pf, claim);
                return Ok(());
            }
            _ => {}
        }
        if patience == Patience::None || Instant::now() >= deadline {
            return Err(Error::Away {
                address: address.clone(),
            });
        }
        state::pause(Duration::from_millis(20));
    }
}

/// The function's link in a container, under whatever name by now: by its device or, where the kernel does not tell
/// that, by its alias.
pub(crate) fn inside(
    container: &mut dyn Netlink,
    address: &PciAddress,
    owner: Owner<'_>,
) -> Result<Option<Link>, Error> {
    let ours = |link: &Link| match &link.parent_dev {
        Some(device) => device == address.as_str(),
        None => Record::of_owner(link, owner).is_some(),
    };
    Ok(container.links()?.into_iter().find(ours))
}

/// While the physical function has set an address, drivers refuse the one that the link had. Those that know of no
/// unsetting have no such rule.
fn free_mac(node: &mut Node, (pf, _): (u32, &str), claim: &Claim) {
    if claim.changed.contains(&Setting::Mac) {
        let none = VfChange::Mac(MacAddr::default());
        let _ = node.vfs.set_vf(pf, claim.before.index, none);
    }
}
