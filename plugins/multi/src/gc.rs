//! GC: containers that nobody knows any more are detached by their records; then each network is told which of its
//! attachments are valid.
//!
//! A network may be used by several configurations of this plugin, so the attachments of all of them are valid. Where
//! it is not known what a living container has, no network is told: it could lose what it has.

use crate::{
    conf::{MultiConf, state_dir},
    del,
    error::Error,
    folder,
    network::Network,
    record::Record,
    store::Store,
    wire::{self, Caller},
};
use fairway_cni::{Attachment, Context, Failure, FieldError, GcAttachments, object::remove};
use std::collections::HashSet;

pub(crate) fn gc(context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
    let root = context.conf.root();
    let store = Store::new(state_dir(&root)?, context.conf.name.clone());
    let mut failures = Vec::new();
    let mut living = Vec::new();
    let mut known = Vec::new();
    for attachment in store.list()? {
        let (id, ifname) = (attachment.container_id.as_str(), attachment.ifname.as_str());
        let read = store.read(&attachment);
        if valid.contains(id, ifname) {
            match read {
                Ok(record) => living.extend(record),
                Err(error) => failures.push(error.into()),
            }
        } else {
            match bury(context, &store, &attachment, read) {
                Ok(record) => known.extend(record.into_iter().flat_map(networks)),
                Err(failure) => failures.push(failure),
            }
        }
    }
    if let Some(forgotten) = forgotten(&store, valid, &living) {
        failures.push(forgotten.into());
        return Failure::collect(failures).map_or(Ok(()), Err);
    }
    match store.others() {
        Ok(others) => living.extend(others),
        Err(error) => {
            failures.push(error.into());
            return Failure::collect(failures).map_or(Ok(()), Err);
        }
    }
    known.extend(living.iter().cloned().flat_map(networks));
    match MultiConf::read(&root) {
        Ok(conf) => {
            match folder::read(&conf.folder) {
                Ok(found) => known.extend(found.networks),
                Err(error) => failures.push(error.into()),
            }
            known.extend(conf.delegates);
        }
        Err(error) => failures.push(error.into()),
    }
    failures.extend(tell(context, known, &living));
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// Detaches a container that nobody knows; its namespace's path may be another's by now.
fn bury(
    context: &Context<'_>,
    store: &Store,
    attachment: &Attachment,
    record: Result<Option<Record>, Error>,
) -> Result<Option<Record>, Failure> {
    let record = match record {
        Ok(record) => record,
        // What it had is in no list below, and goes with that.
        Err(Error::Damaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let caller = Caller {
        delegates: context.delegates,
        container: &attachment.container_id,
        netns: None,
    };
    let undone = record.iter().flat_map(|record| del::undo(record, caller));
    match Failure::collect(undone) {
        Some(failure) => Err(failure),
        None => {
            store.remove(attachment)?;
            Ok(record)
        }
    }
}

fn networks(record: Record) -> impl Iterator<Item = Network> {
    record.wires.into_iter().map(|wire| wire.network)
}

/// The network as it is for no container in particular.
fn bare(network: &Network) -> Result<Network, FieldError> {
    network.with_plugins(|plugin| remove(plugin, "args"))
}

/// Tells each network, once, which attachments of its name there are.
fn tell(context: &Context<'_>, known: Vec<Network>, living: &[Record]) -> Vec<Failure> {
    let mut told: Vec<Network> = Vec::new();
    let mut failures = Vec::new();
    for network in known {
        let network = match bare(&network) {
            Ok(network) => network,
            Err(error) => {
                failures.push(error.into());
                continue;
            }
        };
        if told.contains(&network) {
            continue;
        }
        let mut valid = Vec::new();
        for record in living {
            for wire in &record.wires {
                if wire.network.name() == network.name() {
                    let container = record.attachment.container_id.clone();
                    valid.push((container, wire.ifname.clone()));
                }
            }
        }
        failures.extend(wire::gc(&network, context.delegates, &valid));
        told.push(network);
    }
    failures
}

/// A valid attachment of which nothing is known.
fn forgotten(store: &Store, valid: &GcAttachments, living: &[Record]) -> Option<Error> {
    let known = living.iter().map(|record| {
        let attachment = &record.attachment;
        (attachment.container_id.as_str(), attachment.ifname.as_str())
    });
    let known: HashSet<_> = known.collect();
    let mut valid = valid.iter();
    let (container, ifname) = valid.find(|attachment| !known.contains(attachment))?;
    Some(Error::Forgotten {
        container: container.to_owned(),
        ifname: ifname.to_owned(),
        folder: store.folder(),
    })
}
