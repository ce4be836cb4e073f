//! Physical and virtual functions, as `/sys` relates them.

use crate::pci::PciAddress;
use fairway_host_device::sysfs::{Device, Sysfs, entries};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// `/sys`, or a copy for tests.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    root: PathBuf,
    sysfs: Sysfs,
}

/// A virtual function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its address.
    pub(crate) address: PciAddress,
    /// Its number below the physical function.
    pub(crate) index: u32,
    /// The physical function's link.
    pub(crate) pf: String,
}

impl Bus {
    pub(crate) fn at(root: &Path) -> Self {
        Bus {
            root: root.to_owned(),
            sysfs: Sysfs::at(root),
        }
    }

    /// Is there such a function at all?
    pub(crate) fn has(&self, address: &PciAddress) -> bool {
        self.sysfs.has_pci(address.as_str())
    }

    /// Whose it is by its driver: its link here, or a process. An error says why neither.
    pub(crate) fn device(&self, address: &PciAddress) -> Result<Device, &'static str> {
        self.sysfs.pci(address.as_str())
    }

    /// Has it a driver?
    pub(crate) fn is_driven(&self, address: &PciAddress) -> bool {
        let folder = self.sysfs.pci_folder(address.as_str());
        fs::symlink_metadata(folder.join("driver")).is_ok()
    }

    /// A virtual function by its address; an error says why it is none.
    pub(crate) fn function(&self, address: &PciAddress) -> Result<Function, &'static str> {
        if !self.has(address) {
            return Err("there is no such PCI device");
        }
        let folder = self.sysfs.pci_folder(address.as_str());
        let pf = target(&folder.join("physfn")).ok_or("is no virtual function")?;
        let pf_link = self
            .pf_link(&pf)
            .ok_or("its physical function has no network link on the host")?;
        let below = self.below(&pf, &pf_link);
        let mut below = below.into_iter();
        below
            .find(|function| function.address == *address)
            .ok_or("its physical function does not know it")
    }

    /// All virtual functions of a physical one, by its link's name; an error says why there are none.
    pub(crate) fn functions(&self, pf: &str) -> Result<Vec<Function>, &'static str> {
        let link = self.root.join("class/net").join(pf);
        if !link.exists() {
            return Err("there is no such link on the host");
        }
        let address = target(&link.join("device"));
        let address = address.filter(|address| self.sysfs.has_pci(address));
        let address = address.ok_or("is no network card on the PCI bus")?;
        if self.sysfs.pci_folder(&address).join("physfn").exists() {
            return Err("is a virtual function itself: name it by deviceID, or the physical one");
        }
        match self.below(&address, pf) {
            none if none.is_empty() => {
                Err("has no virtual functions: sriov_numvfs of its device makes them")
            }
            functions => Ok(functions),
        }
    }

    /// The functions below a physical one, in ascending order.
    fn below(&self, pf: &str, pf_link: &str) -> Vec<Function> {
        let folder = self.sysfs.pci_folder(pf);
        let one = |name: String| {
            Some(Function {
                index: name.strip_prefix("virtfn")?.parse().ok()?,
                address: target(&folder.join(&name))?.parse().ok()?,
                pf: pf_link.to_owned(),
            })
        };
        let mut found: Vec<_> = entries(&folder).into_iter().filter_map(one).collect();
        found.sort_by_key(|function| function.index);
        found
    }

    /// A physical function's own link. A card that switches by itself has representors of its virtual functions there,
    /// too, whose ports are called `pf0vf1`; its own is `p0`, or has no such name.
    fn pf_link(&self, pf: &str) -> Option<String> {
        let folder = self.sysfs.pci_folder(pf).join("net");
        let is_own = |name: &String| {
            let port = fs::read_to_string(folder.join(name).join("phys_port_name"));
            let port = port.unwrap_or_default();
            let digits = port.trim().strip_prefix('p').unwrap_or_default();
            port.trim().is_empty() || digits.parse::<u32>().is_ok()
        };
        entries(&folder).into_iter().find(is_own)
    }
}

/// The last part of where a symbolic link leads.
fn target(link: &Path) -> Option<String> {
    let target = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
