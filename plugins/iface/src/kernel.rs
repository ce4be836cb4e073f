//! The places that an attachment touches, opened once for a call.

use crate::{Error, Rules};
use fairway_netlink::{Handle, NetNs, Netlink, Qdiscs};

/// One namespace's side of the kernel: links with their addresses and routes, and how they send.
pub trait Space: Netlink + Qdiscs {}

impl<T: Netlink + Qdiscs> Space for T {}

/// The host's and the container's side of the kernel, or a model of it.
pub struct Kernel {
    /// Links, addresses and routes of the host.
    pub host: Box<dyn Space>,
    /// Those of the container.
    pub container: Box<dyn Space>,
    /// The container's namespace, for the settings that follow the thread.
    pub netns: NetNs,
    /// Firewall rules of the host.
    pub rules: Rules,
}

impl Kernel {
    /// Opens both sides; `netns` is `CNI_NETNS`.
    pub fn open(netns: &str) -> Result<Self, Error> {
        let netns = NetNs::open(netns)?;
        Ok(Kernel {
            host: Box::new(Handle::open()?),
            container: Box::new(Handle::open_in(&netns)?),
            netns,
            rules: Rules::default(),
        })
    }
}
