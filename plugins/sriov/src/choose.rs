//! Which virtual function it is to be, and that nobody else has it.

use crate::{
    Error,
    bus::Function,
    claim::Claim,
    conf::Device,
    node::Node,
    pci::PciAddress,
    put_back::{self, Patience},
    settings,
    state::{self, Lock},
};
use fairway_host_device::sysfs;
use fairway_iface::Owner;
use fairway_netlink::{Handle, Link, Vf};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// How long one that is being put back is waited for, where all others are in use.
const PICK_WAIT: Duration = Duration::from_secs(10);

/// A virtual function that is ours to claim. Nobody else works on it until this is dropped.
pub(crate) struct Taken {
    _lock: Lock,
    /// Which one.
    pub(crate) function: Function,
    /// The physical one's link.
    pub(crate) pf: Link,
    /// As it is.
    pub(crate) before: Vf,
    /// Its link; `None` where a process drives it.
    pub(crate) link: Option<Link>,
}

/// What else must be so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// It was named.
    Named,
    /// It was not named, so the host must have no use for it, and it must have a link.
    Any,
}

/// Takes the function that is named, or the first of a physical one's that is free.
///
/// # Errors
/// Names the field, and who has it.
pub(crate) fn choose(node: &mut Node, device: &Device, owner: Owner<'_>) -> Result<Taken, Error> {
    match device {
        Device::OfPf { field, name } => pick(node, field, name.as_str(), owner),
        Device::Vf { field, address, of } => {
            let invalid = |reason: &str| Error::field(field, address, reason);
            let function = node.bus.function(address).map_err(invalid)?;
            if let Some((key, name)) = of
                && name.as_str() != function.pf
            {
                let reason = format!("is one of {}, and {key} is {name}", function.pf);
                return Err(invalid(&reason));
            }
            let lock = node.state.lock(address)?;
            take(node, lock, function, owner, (field, Wanted::Named))
        }
    }
}

fn pick(node: &mut Node, field: &str, pf: &str, owner: Owner<'_>) -> Result<Taken, Error> {
    let deadline = Instant::now() + PICK_WAIT;
    loop {
        let functions = node.bus.functions(pf);
        let functions = functions.map_err(|reason| Error::field(field, pf, reason))?;
        let (all, mut busy, mut reasons) = (functions.len(), false, Vec::new());
        for function in functions {
            let Some(lock) = node.state.try_lock(&function.address)? else {
                busy = true;
                continue;
            };
            match take(node, lock, function, owner, (field, Wanted::Any)) {
                Err(Error::Away { .. }) => busy = true,
                Err(error) => reasons.push(error.to_string()),
                taken => return taken,
            }
        }
        if !busy || Instant::now() >= deadline {
            let why = reasons
                .first()
                .map_or("other calls have them", String::as_str);
            let reason = format!("none of its {all} virtual functions is free; the first: {why}");
            return Err(Error::in_use(field, pf, reason));
        }
        state::pause(Duration::from_millis(10));
    }
}

/// Puts right what an earlier owner left, and looks at what there is.
fn take(
    node: &mut Node,
    lock: Lock,
    function: Function,
    owner: Owner<'_>,
    (field, wanted): (&str, Wanted),
) -> Result<Taken, Error> {
    let address = &function.address;
    let in_use = |reason: &str| Error::in_use(field, address, reason);
    if let Some(claim) = node.state.read(address)? {
        settle(node, address, &claim, owner, (field, wanted))?;
    }
    let link = match node.bus.device(address) {
        Ok(sysfs::Device::Userspace) if wanted == Wanted::Any => {
            return Err(in_use("its driver gives it to a process"));
        }
        Ok(sysfs::Device::Userspace) => None,
        Ok(sysfs::Device::Link(name)) => match node.host.link_by_name(&name)? {
            Some(link) => Some(link),
            None => return Err(in_use("its link is not in the plugin's namespace")),
        },
        Err(reason) if !node.bus.is_driven(address) => {
            return Err(Error::field(field, address, reason));
        }
        Err(_) => {
            let reason =
                "has no link on the host: somebody has it of whom this plugin knows nothing";
            return Err(in_use(reason));
        }
    };
    if let Some(link) = &link
        && let Some(use_of_it) = used_by_host(node, link, wanted)?
    {
        return Err(in_use(&use_of_it));
    }
    let pf = node.host.link_by_name(&function.pf)?;
    let pf = pf.ok_or_else(|| fairway_iface::Error::Vanished {
        name: function.pf.clone(),
    })?;
    let before = settings::read(node.vfs.as_mut(), (pf.index, &pf.name), function.index)?;
    let before = before.ok_or_else(|| {
        let reason = format!("the driver of {} tells nothing of it", pf.name);
        Error::field(field, address, reason)
    })?;
    Ok(Taken {
        _lock: lock,
        function,
        pf,
        before,
        link,
    })
}

/// Is the one who claims it gone? Then it is put back. Its lock is ours, so no call of theirs goes on.
fn settle(
    node: &mut Node,
    address: &PciAddress,
    claim: &Claim,
    owner: Owner<'_>,
    (field, wanted): (&str, Wanted),
) -> Result<(), Error> {
    if claim.boot == node.boot {
        let is_home = matches!(node.bus.device(address), Ok(sysfs::Device::Link(_)));
        let is_lost = match claim.link {
            // An ADD that was killed, or a namespace that went.
            Some(_) if is_home => true,
            Some(_) => !has_link(address, claim)?,
            None => claim.namespace()?.is_none(),
        };
        if !is_lost {
            return Err(taken_by(claim, owner, field, address));
        }
        let patience = match wanted {
            Wanted::Named => Patience::Some,
            Wanted::Any => Patience::None,
        };
        put_back::put_back(node, address, claim, &mut [], patience)?;
    }
    node.state.remove(address)
}

/// Is its link in the namespace of who claims it? A path and even an inode may be another namespace's by now, while the
/// kernel still clears up the one that had them.
fn has_link(address: &PciAddress, claim: &Claim) -> Result<bool, Error> {
    let Some(netns) = claim.namespace()? else {
        return Ok(false);
    };
    let found = put_back::inside(&mut Handle::open_in(&netns)?, address, claim.owner())?;
    Ok(found.is_some())
}

fn taken_by(claim: &Claim, owner: Owner<'_>, field: &str, address: &PciAddress) -> Error {
    if claim.owner() == owner {
        return Error::Iface(fairway_iface::Error::AlreadyAttached {
            ifname: owner.ifname.to_owned(),
        });
    }
    let reason = format!(
        "container {} has it, as {} of network {}",
        claim.container_id, claim.ifname, claim.network
    );
    Error::in_use(field, address, reason)
}

/// What the host has a link for. One that was named may have addresses: whoever named it has seen them.
fn used_by_host(node: &mut Node, link: &Link, wanted: Wanted) -> Result<Option<String>, Error> {
    if link.master.is_some() {
        let reason = format!("its link {} is a port of a bridge or of a bond", link.name);
        return Ok(Some(reason));
    }
    if wanted == Wanted::Named {
        return Ok(None);
    }
    let addresses = node.host.addresses(Some(link.index))?;
    let given = addresses.iter().any(|address| match address.ip.ip() {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    });
    let reason = || format!("its link {} has addresses on the host", link.name);
    Ok(given.then(reason))
}

/// Is one of a physical function's free, as it looks?
///
/// # Errors
/// Says that none is.
pub(crate) fn any_free(
    node: &mut Node,
    field: &str,
    pf: &fairway_cni::IfName,
) -> Result<(), Error> {
    let functions = node.bus.functions(pf.as_str());
    let functions = functions.map_err(|reason| Error::field(field, pf, reason))?;
    for function in &functions {
        // One that is claimed and on the host is put right by whoever asks for it.
        let is_damaged = matches!(
            node.state.read(&function.address),
            Err(Error::Damaged { .. })
        );
        if let Ok(sysfs::Device::Link(name)) = node.bus.device(&function.address)
            && let Some(link) = node.host.link_by_name(&name)?
            && used_by_host(node, &link, Wanted::Any)?.is_none()
            && !is_damaged
        {
            return Ok(());
        }
    }
    let reason = format!("none of its {} virtual functions is free", functions.len());
    Err(Error::in_use(field, pf, reason))
}
