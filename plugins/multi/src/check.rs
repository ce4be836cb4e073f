//! CHECK: each network's plugins against what they answered, and who has the default routes.

use crate::{
    add::Inside, conf::state_dir, error::Error, record::Record, routes, store::Store, wire::Caller,
};
use fairway_cni::{CniResult, Context, Failure, Sandbox};

pub(crate) fn check(
    context: &Context<'_>,
    sandbox: &Sandbox,
    inside: Inside<'_>,
) -> Result<(), Failure> {
    let attachment = &sandbox.attachment;
    let prev = context.conf.require_prev_result()?;
    let store = Store::new(state_dir(&context.conf.root())?, context.conf.name.clone());
    let record = store.read(attachment)?.ok_or_else(|| Error::Forgotten {
        container: attachment.container_id.as_str().to_owned(),
        ifname: attachment.ifname.as_str().to_owned(),
        folder: store.folder(),
    })?;
    judge(&record, &prev)?;
    let caller = Caller {
        delegates: context.delegates,
        container: &attachment.container_id,
        netns: Some(&sandbox.netns),
    };
    for (wire, result) in record.wires() {
        let result = result.ok_or_else(|| Error::Mismatch {
            what: format!("network {} at {}", wire.network.name(), wire.ifname),
            found: "its ADD has not come to an end".to_owned(),
        })?;
        wire.check(caller, result)?;
    }
    if record.wires.iter().any(|wire| wire.default_route.is_some()) {
        let mut container = inside(&sandbox.netns)?;
        routes::verify(container.as_mut(), &record.wires)?;
    }
    Ok(())
}

/// The runtime's result must be of the attachment that is known; later plugins of a list may have added to it.
fn judge(record: &Record, prev: &CniResult) -> Result<(), Error> {
    let own = record
        .results
        .first()
        .into_iter()
        .flat_map(|result| &result.ips);
    let mut own = own.map(|ip| ip.address);
    let missing = own.find(|address| prev.ips.iter().all(|ip| ip.address != *address));
    match missing {
        Some(address) => Err(Error::Mismatch {
            what: format!("prevResult: address {address}"),
            found: "missing, and the container has it".to_owned(),
        }),
        None => Ok(()),
    }
}
