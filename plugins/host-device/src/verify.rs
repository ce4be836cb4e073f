//! CHECK.

use crate::{
    KIND,
    conf::{self, Selector},
    record::Record,
    sysfs::{Device, Sysfs},
};
use fairway_cni::{Context, Failure, Sandbox};
use fairway_iface::{Error, Kernel, Owner, keys, verify};

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let named = conf::parse(context)?;
    keys::no_host_end(context, KIND)?;
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let sysfs = Sysfs::default();
    let userspace = named.iter().any(|named| match &named.selector {
        Selector::Pci(address) | Selector::Id(address) => {
            sysfs.pci(address) == Ok(Device::Userspace)
        }
        _ => false,
    });
    if userspace {
        return Ok(());
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let interface = verify::container_interface(&prev, sandbox)?;
    let link = verify::link(kernel.container.as_mut(), interface, "container interface")?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    // Without it nobody would know the way back.
    if Record::of_owner(&link, owner).is_none() && Record::of_reference(&link).is_none() {
        return Err(Error::mismatch(
            format_args!("container interface {:?}", link.name),
            "its alias does not tell what it was on the host",
        )
        .into());
    }
    verify::addresses(kernel.container.as_mut(), &link, &prev)?;
    verify::routes(kernel.container.as_mut(), &prev)?;
    Ok(())
}
