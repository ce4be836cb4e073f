//! What limits are put in place with: this node's kernel, or in tests what stands for it.

use super::place::Away;
use fairway_dataplane::{Error, Shaper, abi, shaper::Hook};
use fairway_ipam::Netns;
use fairway_netlink::{Handle, NetNs, Netlink, Qdiscs, TrafficControl};
use std::time::Instant;

/// A node's kernel.
pub(in crate::rates) trait Kernel {
    /// A way to a namespace's links.
    type Links: Netlink + Qdiscs + TrafficControl;
    /// The program, and its maps.
    type Program: Program<Self::Links>;

    /// A way to links of this namespace.
    fn here(&self) -> fairway_netlink::Result<Self::Links>;

    /// A way to links of a container's. It is not to be kept: it holds the namespace.
    fn inside(&self, netns: &Netns) -> Result<Self::Links, Away>;

    /// Loads the program, with empty maps.
    fn load(&self) -> Result<Self::Program, Error>;

    /// Its time.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// The program that counts what links send; see [`Shaper`] for what each of these does.
pub(in crate::rates) trait Program<L> {
    fn begin_limit(&self, number: u32, limit: &abi::Limit) -> Result<(), Error>;
    fn set_limit(&self, number: u32, limit: &abi::Limit) -> Result<(), Error>;
    fn begin_slot(&self, number: u32, slot: &abi::Slot) -> Result<(), Error>;
    fn set_slot(&self, number: u32, slot: &abi::Slot) -> Result<(), Error>;
    fn sent(&self, slot: u32) -> Result<abi::Sent, Error>;
    fn is_attached(&self, links: &mut L, index: u32, hook: Hook, slot: u32) -> Result<bool, Error>;
    fn attach(&self, links: &mut L, index: u32, hook: Hook, slot: u32) -> Result<(), Error>;
}

/// The one that runs here.
#[derive(Debug, Clone, Copy)]
pub(in crate::rates) struct Running;

impl Kernel for Running {
    type Links = Handle;
    type Program = Shaper;

    fn here(&self) -> fairway_netlink::Result<Handle> {
        Handle::open()
    }

    fn inside(&self, netns: &Netns) -> Result<Handle, Away> {
        let there = NetNs::open_same(&netns.path, (netns.device, netns.inode))?;
        let there = there.ok_or_else(|| Away::Another(netns.path.clone()))?;
        Ok(Handle::open_in(&there)?)
    }

    fn load(&self) -> Result<Shaper, Error> {
        Shaper::load()
    }
}

impl<L: TrafficControl> Program<L> for Shaper {
    fn begin_limit(&self, number: u32, limit: &abi::Limit) -> Result<(), Error> {
        Shaper::begin_limit(self, number, limit)
    }

    fn set_limit(&self, number: u32, limit: &abi::Limit) -> Result<(), Error> {
        Shaper::set_limit(self, number, limit)
    }

    fn begin_slot(&self, number: u32, slot: &abi::Slot) -> Result<(), Error> {
        Shaper::begin_slot(self, number, slot)
    }

    fn set_slot(&self, number: u32, slot: &abi::Slot) -> Result<(), Error> {
        Shaper::set_slot(self, number, slot)
    }

    fn sent(&self, slot: u32) -> Result<abi::Sent, Error> {
        Shaper::sent(self, slot)
    }

    fn is_attached(&self, links: &mut L, index: u32, hook: Hook, slot: u32) -> Result<bool, Error> {
        Shaper::is_attached(self, links, index, hook, slot)
    }

    fn attach(&self, links: &mut L, index: u32, hook: Hook, slot: u32) -> Result<(), Error> {
        Shaper::attach(self, links, index, hook, slot)
    }
}
