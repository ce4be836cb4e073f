//! The vrf plugin: an interface of a container belongs to a VRF, a table of routes of its own.
//!
//! It stands behind the plugin that makes the interface. The VRF is in the container's namespace, is made with the
//! first interface that belongs to it, and goes with the last. The kernel takes an interface down and up again when it
//! comes into a VRF: routes are lost by that, and addresses of IPv6, so both are put back.

mod add;
mod conf;
mod del;
#[cfg(test)]
mod tests;

use conf::Conf;
use fairway_cni::{CniResult, Code, Context, Detach, Failure, GcAttachments, Plugin, Sandbox};
use fairway_iface::Error;
use fairway_netlink::{Handle, Link, LinkKind, NetNs, Netlink};

/// The plugin `vrf`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vrf;

impl Vrf {
    /// Reads all keys, and does nothing.
    ///
    /// # Errors
    /// What is wrong, naming the field.
    pub fn parse(context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context.conf)?;
        Ok(())
    }
}

impl Plugin for Vrf {
    /// As the reference plugin, which reads none.
    fn reads_args(&self) -> bool {
        false
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context.conf)?;
        context.conf.require_prev_result()?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let conf = Conf::parse(context.conf)?;
        let prev = context.conf.require_prev_result()?;
        let mut container = open(&sandbox.netns)?;
        add::add(&mut container, &conf, sandbox.attachment.ifname.as_str())?;
        Ok(prev)
    }

    fn del(&self, context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        let inside = Handle::open_if_there(gone.netns.as_deref()).map_err(Error::from)?;
        let Some(mut container) = inside else {
            return Ok(());
        };
        del::del(&mut container, &conf, gone.attachment.ifname.as_str())
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let conf = Conf::parse(context.conf)?;
        context.conf.require_prev_result()?;
        let mut container = open(&sandbox.netns)?;
        check(&mut container, &conf, sandbox.attachment.ifname.as_str())
    }

    /// All that there is is in the container's namespace, and goes with it.
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        Conf::parse(context.conf)?;
        match Handle::open() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::new(Code::UNAVAILABLE, error.to_string())),
        }
    }
}

fn open(netns: &str) -> Result<Handle, Error> {
    Ok(Handle::open_in(&NetNs::open(netns)?)?)
}

/// The VRF's table; none where the link is something else.
fn table_of(link: &Link) -> Option<u32> {
    match link.kind {
        Some(LinkKind::Vrf { table }) => Some(table),
        _ => None,
    }
}

fn missing(ifname: &str) -> Error {
    Error::mismatch(
        format_args!("CNI_IFNAME: interface {ifname:?}"),
        "not found",
    )
}

fn check(container: &mut dyn Netlink, conf: &Conf, ifname: &str) -> Result<(), Failure> {
    let vrf = container.link_by_name(&conf.name).map_err(Error::from)?;
    let found = vrf.and_then(|vrf| Some((vrf.index, table_of(&vrf)?)));
    let Some((index, table)) = found else {
        return Err(Error::mismatch(format_args!("vrf {:?}", conf.name), "not found").into());
    };
    if let Some(wanted) = conf.table
        && wanted != table
    {
        let problem = format!("has table {table}, not {wanted}");
        return Err(Error::mismatch(format_args!("vrf {:?}", conf.name), problem).into());
    }
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    let link = link.ok_or_else(|| missing(ifname))?;
    match link.master == Some(index) {
        true => Ok(()),
        false => {
            let problem = format!("does not belong to vrf {:?}", conf.name);
            Err(Error::mismatch(format_args!("interface {ifname:?}"), problem).into())
        }
    }
}
