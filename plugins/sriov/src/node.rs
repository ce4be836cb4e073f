//! The host's side of a call.

use crate::{Error, bus::Bus, state::State};
use fairway_netlink::{Handle, NetNs, Netlink, Vfs};
use std::{fs, io, path::Path};

/// What a call works with on the host, or a model of it.
pub(crate) struct Node {
    /// Links.
    pub(crate) host: Box<dyn Netlink>,
    /// Virtual functions.
    pub(crate) vfs: Box<dyn Vfs>,
    /// The host's namespace.
    pub(crate) here: NetNs,
    /// `/sys`.
    pub(crate) bus: Bus,
    /// Who has what.
    pub(crate) state: State,
    /// Which boot this is.
    pub(crate) boot: String,
}

impl Node {
    pub(crate) fn open() -> Result<Self, Error> {
        const BOOT: &str = "/proc/sys/kernel/random/boot_id";
        let boot = fs::read_to_string(BOOT).map_err(|source: io::Error| Error::State {
            op: "read",
            path: BOOT.into(),
            source,
        })?;
        Ok(Node {
            host: Box::new(Handle::open()?),
            vfs: Box::new(Handle::open()?),
            here: NetNs::current()?,
            bus: Bus::at(Path::new("/sys")),
            state: State::default(),
            boot: boot.trim().to_owned(),
        })
    }
}
