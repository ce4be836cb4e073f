//! The host-device plugin: a link of the host is the container's for as long as that lives.
//!
//! A link that is moved keeps nothing of where it was, and one whose namespace goes turns up on the host under some
//! other name, down. So it carries in its alias what it was and whose it is ([`record`]); wherever it is found again, by
//! DEL, by GC or by the next ADD, it can be made what it was.

mod add;
pub mod conf;
mod find;
pub mod home;
pub mod record;
pub mod sysfs;
mod verify;

use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::{Error, Owner, child, ipam, keys};
use fairway_netlink::{Handle, NetNs};

const KIND: &str = "host-device";

/// The plugin `host-device`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostDevice;

impl Plugin for HostDevice {
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
        let mut host = Handle::open().map_err(Error::from)?;
        let here = NetNs::current().map_err(Error::from)?;
        let mut inside = Handle::open_if_there(gone.netns.as_deref()).map_err(Error::from)?;
        // With its addresses the device would bring them along, so they are free once it has come back.
        home::take_back(
            &mut host,
            &here,
            inside.as_mut().map(|inside| inside as _),
            owner,
        )?;
        ipam::release(context, gone)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        verify::check(context, sandbox)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let mut failures = match Handle::open() {
            Ok(mut host) => home::collect(&mut host, context.conf.name.as_str(), valid),
            Err(error) => vec![Error::from(error).into()],
        };
        // What has lost its namespace has lost its addresses, come back or not.
        failures.extend(child::gc(context, valid).err());
        Failure::collect(failures).map_or(Ok(()), Err)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        // Which device it will be is often known at ADD only, and one that is in use is no defect of the node.
        keys::no_host_end(context, KIND)?;
        Handle::open().map_err(|error| Failure::new(Code::UNAVAILABLE, error.to_string()))?;
        context.ipam()?.map_or(Ok(()), |ipam| ipam.status())
    }
}
