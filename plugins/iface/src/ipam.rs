//! The IPAM plugin around an ADD.

use crate::Error;
use fairway_cni::{CniResult, Context, Detach, Failure, Sandbox, Steps};

/// Has the addresses allocated, and released again should the ADD fail, or the allocation not come true
/// while the links are made. `None` where no IPAM plugin is
/// configured; with one, there is an address at least.
pub fn allocate<'a, C>(
    context: &'a Context<'a>,
    sandbox: &'a Sandbox,
    steps: &mut Steps<'a, C>,
) -> Result<Option<CniResult>, Failure> {
    let Some(ipam) = context.ipam()? else {
        return Ok(None);
    };
    let (result, confirmation) = ipam.add_ahead(sandbox)?;
    steps.push("address", move |_| {
        ipam.del(&Detach {
            attachment: sandbox.attachment.clone(),
            netns: Some(sandbox.netns.clone()),
        })
    });
    steps.confirm_last(confirmation);
    if result.ips.is_empty() {
        return Err(Error::NoAddress.into());
    }
    Ok(Some(CniResult {
        interfaces: Vec::new(),
        ..result
    }))
}

/// Has the addresses released; nothing to do where no IPAM plugin is configured.
pub fn release(context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
    context.ipam()?.map_or(Ok(()), |ipam| ipam.del(detach))
}
