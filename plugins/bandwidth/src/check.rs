//! CHECK.

use fairway_cluster_ipam::Daemon;
use fairway_cni::{CniResult, Context, Failure, Sandbox};
use fairway_iface::{Error, Kernel, Rates, rates::least};
use fairway_netlink::Link;

use crate::reference::Reference;
use crate::{asking, links};

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let rates = Rates::read_flat(context.conf, context.args)?;
    let prev = context.conf.require_prev_result()?;
    if rates.is_empty() {
        return Ok(());
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let attachment = &sandbox.attachment;
    let theirs = Reference::new(context.conf.name.as_str(), attachment.container_id.as_str());
    let inside = links::inside(kernel.container.as_mut(), attachment.ifname.as_str())?;
    let asking = asking(context, attachment, &sandbox.netns)?;
    match asking.verify(&Daemon::from_env())? {
        true => Ok(()),
        false => judge(&mut kernel, &rates, &prev, &inside, &theirs),
    }
}

/// What the reference plugin has limited is limited too.
pub(crate) fn judge(
    kernel: &mut Kernel,
    rates: &Rates,
    prev: &CniResult,
    inside: &Link,
    theirs: &Reference,
) -> Result<(), Failure> {
    if let Some(limit) = least(&rates.ingress) {
        let end = links::host_end(kernel.host.as_mut(), prev, inside)?;
        let end = end.ok_or_else(|| {
            Error::mismatch(format_args!("host's end of {:?}", inside.name), "not found")
        })?;
        if let Err(error) = rates.check_ingress(kernel.host.as_mut(), &end)
            && !theirs.limits(kernel.host.as_mut(), end.index, &limit)?
        {
            return Err(found(error));
        }
    }
    if let Some(limit) = least(&rates.egress)
        && let Err(error) = rates.check_egress(kernel.container.as_mut(), inside)
    {
        let device = theirs.device(kernel.host.as_mut())?;
        let limited = match device {
            Some(device) => theirs.limits(kernel.host.as_mut(), device.index, &limit)?,
            None => false,
        };
        if !limited {
            return Err(found(error));
        }
    }
    Ok(())
}

/// Somebody else's qdisc in the place of a limit is a difference, whatever else it is at an ADD.
fn found(error: Error) -> Failure {
    match error {
        Error::Shape(error @ fairway_shape::Error::Foreign { .. }) => {
            Error::mismatch("limit", error).into()
        }
        error => error.into(),
    }
}
