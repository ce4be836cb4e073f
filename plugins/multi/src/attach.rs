//! One more network for a container that runs: what an administrator does by hand (`netctl attach`), as a runtime
//! would have done it.
//!
//! All is written down before the first plugin is called, so that a detach needs neither the configuration nor the
//! namespace, and so that whoever comes after one that was killed in the middle undoes what it left. A namespace is
//! known by its file's device and inode, too: what has come to the same path since is another container, and is left
//! alone. A container that has a default route keeps it.

use crate::{
    boot, del,
    error::Error,
    record::{NetnsId, Record},
    routes,
    store::Store,
    wire::{Caller, Wire},
};
use fairway_cni::{CniResult, Code, ContainerId, Delegates, Failure, Steps};

pub use crate::add::{Inside, inside};
use std::{fs, net::IpAddr, os::unix::fs::MetadataExt as _, path::Path};

/// A container, as it is reached.
#[derive(Debug, Clone)]
pub struct Target {
    /// What plugins call it.
    pub container: ContainerId,
    /// The path of its namespace.
    pub netns: String,
}

/// Attaches; `wanted` are addresses that the container must have then.
///
/// # Errors
/// What a plugin refuses, and where the container has the interface already. Nothing is left of it then, or the next
/// call undoes it.
pub fn attach(
    delegates: &Delegates<'_>,
    store: &Store,
    target: &Target,
    wire: Wire,
    wanted: &[IpAddr],
    inside: Inside<'_>,
) -> Result<CniResult, Failure> {
    let mut record = Record {
        network: wire.network.name().clone(),
        attachment: fairway_cni::Attachment {
            container_id: target.container.clone(),
            ifname: wire.ifname.clone(),
        },
        boot: boot::id()?,
        netns: target.netns.clone(),
        identity: identity(&target.netns),
        wires: vec![wire],
        results: Vec::new(),
    };
    store.must_fit(&record.attachment)?;
    unfinished(delegates, store, &target.container)?;
    clear(delegates, store, &record, inside)?;
    let mut container = inside(&target.netns)?;
    let attachment = record.attachment.clone();
    let ifname = attachment.ifname.as_str();
    if container
        .link_by_name(ifname)
        .map_err(Error::from)?
        .is_some()
    {
        return Err(Error::Taken {
            ifname: ifname.to_owned(),
        }
        .into());
    }
    let former = routes::defaults(container.as_mut())?;
    let caller = Caller {
        delegates,
        container: &target.container,
        netns: Some(&target.netns),
    };
    let wire = &record.wires[0].clone();
    wire.must_be_there(caller)?;
    // Is something left that a later call has to undo?
    let mut left = false;
    Steps::run(&mut left, |left: &mut bool, steps| {
        steps.push("record", |left: &mut bool| match *left {
            true => Ok(()),
            false => Ok(store.remove(&attachment)?),
        });
        store.write(&record)?;
        let mut result = wire.add(caller).map_err(|failed| {
            *left |= !failed.is_undone;
            failed.failure
        })?;
        let prev = result.clone();
        steps.push("network", move |left: &mut bool| {
            let failures = wire.del(caller, Some(&prev));
            *left |= !failures.is_empty();
            Failure::collect(failures).map_or(Ok(()), Err)
        });
        must_have(&result, wanted)?;
        routes::keep(container.as_mut(), &former, ifname, &mut result)?;
        record.results = vec![result.clone()];
        store.write(&record)?;
        Ok(result)
    })
}

/// Undoes what a record tells of, past errors, and forgets it.
///
/// # Errors
/// What a plugin refuses; the record stays then.
pub fn detach(delegates: &Delegates<'_>, store: &Store, record: &Record) -> Result<(), Failure> {
    let caller = Caller {
        delegates,
        container: &record.attachment.container_id,
        netns: is_there(record)?.then_some(&record.netns),
    };
    match Failure::collect(del::undo(record, caller)) {
        Some(failure) => Err(failure),
        None => Ok(store.remove(&record.attachment)?),
    }
}

/// CHECK of what is attached.
///
/// # Errors
/// The first difference, and where nothing is known of it.
pub fn check(delegates: &Delegates<'_>, record: &Record) -> Result<(), Failure> {
    if !is_there(record)? {
        return Err(Error::Mismatch {
            what: format!("namespace {}", record.netns),
            found: "gone".to_owned(),
        }
        .into());
    }
    let caller = Caller {
        delegates,
        container: &record.attachment.container_id,
        netns: Some(&record.netns),
    };
    for (wire, result) in record.wires() {
        let result = result.ok_or_else(|| Error::Mismatch {
            what: format!("network {} at {}", wire.network.name(), wire.ifname),
            found: "its ADD has not come to an end: attach it again, or detach it".to_owned(),
        })?;
        wire.check(caller, result)?;
    }
    Ok(())
}

/// Is a record's container still there, and the same?
///
/// # Errors
/// Where it cannot be known which boot this is.
pub fn is_there(record: &Record) -> Result<bool, Error> {
    let same = record.identity.is_some() && identity(&record.netns) == record.identity;
    Ok(same && record.boot == boot::id()?)
}

/// What is kept below a folder.
#[derive(Debug, Default)]
pub struct Kept {
    /// Records that can be read, each with where it is.
    pub records: Vec<(Store, Record)>,
    /// A line for each that cannot.
    pub unread: Vec<String>,
}

/// Reads all records below a folder.
///
/// # Errors
/// Where a folder cannot be listed.
pub fn records(root: &Path) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    for network in Store::networks(root)? {
        let list = Store::new(root.to_owned(), network.clone()).list()?;
        for attachment in list {
            let store = Store::new(root.to_owned(), network.clone());
            match store.read(&attachment) {
                Ok(record) => kept.records.extend(record.map(|record| (store, record))),
                Err(error) => kept.unread.push(error.to_string()),
            }
        }
    }
    Ok(kept)
}

/// What was killed in the middle for the same container goes, of whatever network it was: its link may have the very
/// name that is wanted now.
fn unfinished(
    delegates: &Delegates<'_>,
    store: &Store,
    container: &ContainerId,
) -> Result<(), Failure> {
    for (store, record) in &records(store.root())?.records {
        let ended = record.results.len() == record.wires.len();
        if !ended && record.attachment.container_id == *container {
            detach(delegates, store, record)?;
        }
    }
    Ok(())
}

/// One whom the same network was attached to before: what is another container's goes.
fn clear(
    delegates: &Delegates<'_>,
    store: &Store,
    wanted: &Record,
    inside: Inside<'_>,
) -> Result<(), Failure> {
    let former = match store.read(&wanted.attachment) {
        Ok(former) => former,
        // Whatever it was: where an interface is left, that is told.
        Err(error @ Error::Damaged { .. }) => {
            eprintln!("fairway: {error}");
            None
        }
        Err(error) => return Err(error.into()),
    };
    let Some(former) = former else {
        return Ok(());
    };
    if is_there(&former)? {
        let mut container = inside(&former.netns)?;
        let ifname = former.attachment.ifname.as_str();
        if container
            .link_by_name(ifname)
            .map_err(Error::from)?
            .is_some()
        {
            return Err(Error::Attached {
                container: former.attachment.container_id.as_str().to_owned(),
                ifname: ifname.to_owned(),
            }
            .into());
        }
    }
    detach(delegates, store, &former)
}

fn must_have(result: &CniResult, wanted: &[IpAddr]) -> Result<(), Failure> {
    let has = |address: &&IpAddr| result.ips.iter().any(|ip| ip.address.ip() == **address);
    match wanted.iter().find(|address| !has(address)) {
        None => Ok(()),
        Some(address) => {
            let given: Vec<_> = result.ips.iter().map(|ip| ip.address.to_string()).collect();
            let text = format!(
                "{address} was asked for, and the network's plugins gave {}",
                given.join(", ")
            );
            Err(Failure::new(Code::ADDRESS_UNAVAILABLE, text))
        }
    }
}

/// What tells a namespace from the next one at the same path.
fn identity(netns: &str) -> Option<NetnsId> {
    let found = fs::metadata(netns).ok()?;
    Some(NetnsId {
        device: found.dev(),
        inode: found.ino(),
    })
}
