//! Which link of the host it is.

use crate::{
    conf::{Named, Selector},
    record::Record,
    sysfs::{Device, Sysfs},
};
use fairway_iface::Error;
use fairway_netlink::{Link, MacAddr, Netlink};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A link, and its address on the PCI bus where it was named by that.
    Link(Box<Link>, Option<String>),
    /// A PCI function that a process has (DPDK).
    Userspace(String),
}

/// Finds what all that is named leads to.
///
/// # Errors
/// Names the field: where there is no such device, where more than one fits, and where two do not agree.
pub(crate) fn find(host: &mut dyn Netlink, sysfs: &Sysfs, named: &[Named]) -> Result<Found, Error> {
    let mut found: Option<(&Named, Found)> = None;
    for named in named {
        let this = one(host, sysfs, named)?;
        found = Some(match found {
            Some((first, other)) if !other.is_same_as(&this) => {
                let reason = format!(
                    "is {}, and {} {:?} is {}: which of them?",
                    this.describe(),
                    first.field,
                    first.value,
                    other.describe()
                );
                return Err(Error::Field(named.invalid(reason)));
            }
            Some((first, Found::Link(link, pci))) => {
                let own = match this {
                    Found::Link(_, own) => own,
                    Found::Userspace(_) => None,
                };
                (first, Found::Link(link, pci.or(own)))
            }
            Some(same) => same,
            None => (named, this),
        });
    }
    match found {
        Some((_, found)) => Ok(found),
        // The configuration's parser has seen to it that there is one.
        None => Err(Error::Field(fairway_cni::FieldError::Missing {
            path: "device".to_owned(),
        })),
    }
}

impl Found {
    fn is_same_as(&self, other: &Found) -> bool {
        match (self, other) {
            (Found::Link(a, _), Found::Link(b, _)) => a.index == b.index,
            (a, b) => a == b,
        }
    }

    fn describe(&self) -> String {
        match self {
            Found::Link(link, _) => format!("link {}", link.name),
            Found::Userspace(_) => "a device that a process has".to_owned(),
        }
    }
}

fn one(host: &mut dyn Netlink, sysfs: &Sysfs, named: &Named) -> Result<Found, Error> {
    let invalid = |reason: &str| Error::Field(named.invalid(reason));
    let (device, pci) = match &named.selector {
        Selector::Name(name) => return by_name(host, named, name),
        Selector::Mac(mac) => return by_mac(host, named, *mac),
        Selector::Path(path) => (sysfs.path(path), None),
        Selector::Id(id) if !sysfs.has_pci(id) => (sysfs.auxiliary(id), None),
        Selector::Pci(address) | Selector::Id(address) => {
            (sysfs.pci(address), Some(address.clone()))
        }
    };
    match (device.map_err(invalid)?, pci) {
        (Device::Link(name), pci) => match host.link_by_name(&name)? {
            Some(link) => Ok(Found::Link(Box::new(link), pci)),
            None => Err(invalid(
                "has a link that is not in the plugin's namespace: a container has it",
            )),
        },
        (Device::Userspace, pci) => Ok(Found::Userspace(pci.unwrap_or_default())),
    }
}

/// By its name, or by the one that it had before it was lost with a container's namespace.
fn by_name(host: &mut dyn Netlink, named: &Named, name: &str) -> Result<Found, Error> {
    if let Some(link) = host.link_by_name(name)? {
        return Ok(Found::Link(Box::new(link), None));
    }
    let links = host.links()?;
    let lost = |link: &Link| {
        let record = link.alias.as_deref().and_then(Record::read);
        record.is_some_and(|(record, _)| record.name.as_str() == name)
    };
    match links.into_iter().find(lost) {
        Some(link) => Ok(Found::Link(Box::new(link), None)),
        None => Err(Error::Field(named.invalid(
            "there is no such link on the host; a container may have it",
        ))),
    }
}

/// A VLAN or a bridge has the hardware address of what it stands on, which is meant then.
fn by_mac(host: &mut dyn Netlink, named: &Named, mac: MacAddr) -> Result<Found, Error> {
    let links = host.links()?;
    let fits: Vec<_> = links.iter().filter(|link| link.mac == Some(mac)).collect();
    let hardware = fits.iter().copied().filter(|link| link.kind.is_none());
    let hardware: Vec<_> = hardware.collect();
    match (fits.as_slice(), hardware.as_slice()) {
        ([], _) => Err(Error::Field(named.invalid(
            "no link on the host has this hardware address; a container may have it",
        ))),
        ([one], _) | (_, [one]) => {
            let link: &Link = one;
            Ok(Found::Link(Box::new(link.clone()), None))
        }
        (several, _) => {
            let names: Vec<_> = several.iter().map(|link| link.name.as_str()).collect();
            let reason = format!(
                "is that of {}: name one of them by device",
                names.join(", ")
            );
            Err(Error::Field(named.invalid(reason)))
        }
    }
}

#[cfg(test)]
mod tests;
