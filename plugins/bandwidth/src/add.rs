//! ADD.

use fairway_cluster_ipam::{
    Daemon,
    rates::{Asking, Keep},
};
use fairway_cni::{CniResult, Context, Failure, FieldError, Sandbox, Steps};
use fairway_iface::{Error, Kernel, Rates, rates::Asked};

use crate::{asking, links};

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let rates = Rates::read_flat(context.conf, context.args)?;
    let prev = context.conf.require_prev_result()?;
    if !rates.is_empty() {
        let asking = asking(context, &sandbox.attachment, &sandbox.netns)?;
        let mut kernel = Kernel::open(&sandbox.netns)?;
        let ifname = sandbox.attachment.ifname.as_str();
        let by = (&asking, &Daemon::from_env() as _);
        limit(&mut kernel, &rates, &prev, ifname, by)?;
    }
    Ok(prev)
}

/// Has both ends limited. The daemon knows a container by the host's end; without that, or without the daemon, it
/// is done here, and where the second end fails, the first is taken off again.
pub(crate) fn limit(
    kernel: &mut Kernel,
    rates: &Rates,
    prev: &CniResult,
    ifname: &str,
    (asking, by): (&Asking, &dyn Keep),
) -> Result<(), Failure> {
    let inside = links::inside(kernel.container.as_mut(), ifname)?;
    let end = links::host_end(kernel.host.as_mut(), prev, &inside)?;
    match (&end, rates.ingress.first()) {
        (Some(end), _) => {
            rates.must_fit(end, &inside)?;
            if asking.ask(by, end, rates)? {
                return Ok(());
            }
        }
        (None, Some(asked)) => return Err(no_host_end(asked, ifname).into()),
        (None, None) => {}
    }
    Steps::run(kernel, |kernel, steps| {
        if let Some(end) = end.as_ref().filter(|_| !rates.ingress.is_empty()) {
            let index = end.index;
            steps.push("limit of the host's end", move |kernel: &mut Kernel| {
                let removed = fairway_shape::remove(kernel.host.as_mut(), index);
                Ok(removed.map(drop).map_err(Error::from)?)
            });
            rates.apply_ingress(kernel.host.as_mut(), end)?;
        }
        // What fails here leaves nothing by itself.
        Ok(rates.apply_egress(kernel.container.as_mut(), &inside)?)
    })
}

fn no_host_end(asked: &Asked, ifname: &str) -> FieldError {
    FieldError::Value {
        path: asked.field.clone(),
        value: format!("{ifname:?}"),
        reason: "has no host's end that prevResult names, where what a container gets is limited"
            .to_owned(),
    }
}
