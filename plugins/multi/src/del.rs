//! DEL: what ADD wrote down is undone in reverse, whatever configuration, folder and annotation say by now.
//!
//! Where nothing is written down, nothing was done: ADD writes first. But the file may have been lost, so what the
//! configuration says now is detached all the same, as far as it can be made out.

use crate::{
    conf::{MultiConf, state_dir},
    definition::Ask,
    error::Error,
    plan,
    record::Record,
    store::Store,
    wire::{Caller, Wire},
};
use fairway_cni::{CniResult, Context, Detach, Failure};

pub(crate) fn del(context: &Context<'_>, detach: &Detach, daemon: &dyn Ask) -> Result<(), Failure> {
    let store = Store::new(state_dir(&context.conf.root())?, context.conf.name.clone());
    let caller = Caller {
        delegates: context.delegates,
        container: &detach.attachment.container_id,
        netns: detach.netns.as_deref(),
    };
    let mut failures = Vec::new();
    let record = match store.read(&detach.attachment) {
        Ok(record) => record,
        Err(error @ Error::Damaged { .. }) => {
            eprintln!("fairway: {error}");
            None
        }
        Err(error) => {
            failures.push(error.into());
            None
        }
    };
    match &record {
        Some(record) => failures.extend(undo(record, caller)),
        None => {
            for wire in guess(context, detach, daemon).iter().rev() {
                failures.extend(wire.del(caller, None));
            }
        }
    }
    match Failure::collect(failures) {
        // The record stays for the next DEL.
        Some(failure) => Err(failure),
        None => Ok(store.remove(&detach.attachment)?),
    }
}

/// DEL of all wires in reverse, past errors.
pub(crate) fn undo(record: &Record, caller: Caller<'_>) -> Vec<Failure> {
    let wires = record.wires().rev();
    let del = |(wire, result): (&Wire, Option<&CniResult>)| wire.del(caller, result);
    wires.flat_map(del).collect()
}

fn guess(context: &Context<'_>, detach: &Detach, daemon: &dyn Ask) -> Vec<Wire> {
    let conf = match MultiConf::read(&context.conf.root()) {
        Ok(conf) => conf,
        Err(error) => {
            eprintln!("fairway: {error}");
            return Vec::new();
        }
    };
    let ifname = &detach.attachment.ifname;
    let (wires, errors) = plan::whatever_can_be(&conf, context, ifname, daemon);
    for error in errors {
        eprintln!("fairway: {error}");
    }
    wires
}
