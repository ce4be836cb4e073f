//! Devices as `/sys` has them: which network link one has, and which driver.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Drivers that hand a device to a process: it has no link while one of them has it.
const USERSPACE: [&str; 3] = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/// `/sys`, or a copy for tests.
#[derive(Debug, Clone)]
pub struct Sysfs {
    root: PathBuf,
}

/// What a device is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// It has a link of this name.
    Link(String),
    /// A process has it (DPDK).
    Userspace,
}

impl Default for Sysfs {
    fn default() -> Self {
        Sysfs {
            root: PathBuf::from("/sys"),
        }
    }
}

impl Sysfs {
    /// A copy of it in another folder.
    pub fn at(root: &Path) -> Self {
        Sysfs {
            root: root.to_owned(),
        }
    }

    /// Is there such a PCI function?
    pub fn has_pci(&self, address: &str) -> bool {
        self.pci_folder(address).exists()
    }

    /// A PCI function; an error says what is wrong with it.
    pub fn pci(&self, address: &str) -> Result<Device, &'static str> {
        let folder = self.pci_folder(address);
        if !folder.exists() {
            return Err("there is no such PCI device");
        }
        let driver = fs::read_link(folder.join("driver")).map_err(|_| "has no driver")?;
        let driver = driver.file_name().and_then(|name| name.to_str());
        if driver.is_some_and(|driver| USERSPACE.contains(&driver)) {
            return Ok(Device::Userspace);
        }
        // A virtio device is one below the PCI function.
        let virtio = entries(&folder)
            .into_iter()
            .filter(|name| name.starts_with("virtio"));
        let mut folders =
            std::iter::once(folder.clone()).chain(virtio.map(|name| folder.join(name)));
        folders
            .find_map(|folder| link_of(&folder))
            .map(Device::Link)
            .ok_or("has no network link: it is no network card, or a container has it")
    }

    /// A device of the auxiliary bus, such as a part of a card.
    pub fn auxiliary(&self, name: &str) -> Result<Device, &'static str> {
        let folder = self.root.join("bus/auxiliary/devices").join(name);
        if !folder.exists() {
            return Err("is neither on the PCI bus nor on the auxiliary bus");
        }
        link_of(&folder)
            .map(Device::Link)
            .ok_or("has no network link: it is no network card, or a container has it")
    }

    /// A device by its folder, which is below `/sys/devices/`.
    pub fn path(&self, path: &str) -> Result<Device, &'static str> {
        let below = path.strip_prefix("/sys/").unwrap_or(path);
        link_of(&self.root.join(below))
            .map(Device::Link)
            .ok_or("has no network link: there is no such device, or a container has it")
    }

    /// The folder of a PCI function.
    pub fn pci_folder(&self, address: &str) -> PathBuf {
        self.root.join("bus/pci/devices").join(address)
    }
}

/// The first link of a device; a card with several ports behind one function has more.
fn link_of(folder: &Path) -> Option<String> {
    entries(&folder.join("net")).into_iter().next()
}

/// Names in a folder, sorted; none where it cannot be read.
pub fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
