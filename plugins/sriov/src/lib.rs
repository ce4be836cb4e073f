//! The sriov plugin: a virtual function of a network card is the container's for as long as that lives.
//!
//! A virtual function (VF) is a PCI function of its own. What it may do (VLAN, hardware address, rates) is set by the
//! physical one (PF) that it belongs to, on the host, wherever the VF's link is; one that a process drives (DPDK) has no
//! link at all. So who has it, and what it was before, is kept in a file on the node ([`claim`]), by its PCI address,
//! and a DEL acts on what that file says is its own: one that comes late finds the next container's name there and
//! leaves the VF alone. The file is written before the first change, under a lock that a killed process loses: whoever
//! comes next finds a VF that is claimed, whose lock is free and whose link is on the host, and puts it right.

mod add;
mod bus;
mod check;
mod choose;
pub mod claim;
pub mod conf;
mod error;
mod node;
pub mod pci;
mod put_back;
mod settings;
mod state;

pub use error::Error;

use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::{Owner, child, ipam, keys};
use fairway_netlink::Handle;
use node::Node;

const KIND: &str = "sriov";

/// The plugin `sriov`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sriov;

impl Plugin for Sriov {
    fn makes_interface(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        conf::parse(context)?;
        keys::no_host_end(context, KIND)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        add::add(context, sandbox)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let owner = Owner::new(context.conf.name.as_str(), &gone.attachment);
        let inside = Handle::open_if_there(gone.netns.as_deref()).map_err(Error::from)?;
        put_back::all_of(&mut Node::open()?, owner, inside)?;
        ipam::release(context, gone)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        check::check(context, sandbox)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let mut failures = match Node::open() {
            Ok(mut node) => put_back::stale(&mut node, context.conf.name.as_str(), valid),
            Err(error) => vec![error.into()],
        };
        // What has lost its namespace has lost its addresses, come back or not.
        failures.extend(child::gc(context, valid).err());
        Failure::collect(failures).map_or(Ok(()), Err)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let unavailable =
            |error: &dyn std::fmt::Display| Failure::new(Code::UNAVAILABLE, error.to_string());
        keys::no_host_end(context, KIND)?;
        let device = conf::device(context)?;
        let mut node = Node::open().map_err(|error| unavailable(&error))?;
        // Which VF a device plugin will allot is known at ADD only.
        if let Some(conf::Device::OfPf { field, name }) = &device {
            choose::any_free(&mut node, field, name).map_err(|error| unavailable(&error))?;
        }
        context.ipam()?.map_or(Ok(()), |ipam| ipam.status())
    }
}
