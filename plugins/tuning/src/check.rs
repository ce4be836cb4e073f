//! CHECK.

use crate::add::same;
use crate::conf::{Conf, Sysctl};
use crate::error::Error;
use fairway_cni::{Context, Failure, Sandbox};
use fairway_netlink::{Handle, NetNs, Netlink as _, sysctl};

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let conf = Conf::parse(context)?;
    context.conf.require_prev_result()?;
    let ifname = sandbox.attachment.ifname.as_str();
    let netns = NetNs::open(&sandbox.netns).map_err(Error::from)?;
    let there = || -> Result<Handle, Error> {
        let mut sysctls = conf.sysctls.iter();
        sysctls.try_for_each(|wanted| judge(wanted, ifname))?;
        Ok(Handle::open()?)
    };
    let mut container = netns.run(there).map_err(Error::from)??;
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    let link = link.ok_or_else(|| Error::NoLink(ifname.to_owned()))?;
    match conf.link.difference(&link) {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

/// In the container's namespace.
fn judge(wanted: &Sysctl, ifname: &str) -> Result<(), Error> {
    let found = match sysctl::read(&wanted.key(ifname)) {
        Ok(found) if same(&found, &wanted.value) => return Ok(()),
        Ok(found) => found,
        Err(error) => error.to_string(),
    };
    Err(Error::Differs {
        what: wanted.field.clone(),
        found,
        wanted: wanted.value.clone(),
    })
}
