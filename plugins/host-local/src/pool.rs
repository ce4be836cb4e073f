//! Giving out addresses and taking them back.

use crate::{
    error::{AllocError, StoreError},
    order::search_order,
    range::RangeSet,
    record::Record,
    request::Request,
    search::find,
    session::{Held, Holdings, Session, Trust},
    stage::Staged,
    store::Store,
};
use fairway_cni::{ContainerId, IfName};
use std::{collections::HashSet, net::IpAddr};

/// Gives the attachment one address of each set, or none at all.
///
/// `wanted` holds for each set the address asked for, if any (see [`crate::request::plan`]).
pub(crate) fn add(
    store: &Store,
    sets: &[RangeSet],
    wanted: &[Option<&Request>],
    id: &ContainerId,
    ifname: &IfName,
) -> Result<Vec<IpAddr>, AllocError> {
    store.with(|session| {
        forget_earlier_boot(session, sets, id, ifname)?;
        let mut given = Vec::with_capacity(sets.len());
        for (index, set) in sets.iter().enumerate() {
            let wanted = wanted.get(index).copied().flatten();
            match give(session, index, set, wanted, id, ifname) {
                Ok(ip) => given.push(ip),
                Err(error) => {
                    // What cannot be taken back now is the DEL's that follows a failed ADD.
                    for ip in given {
                        let _ = session.release_of(id, ip);
                    }
                    return Err(error);
                }
            }
        }
        for (index, ip) in given.iter().enumerate() {
            session.folder.set_last_reserved(index, *ip);
        }
        Ok(given)
    })
}

/// Frees what the attachment has from before a reboot, and refuses if it has anything else.
fn forget_earlier_boot(
    session: &mut Session<'_>,
    sets: &[RangeSet],
    id: &ContainerId,
    ifname: &IfName,
) -> Result<(), AllocError> {
    let mut held = session.held_by(id)?.all()?;
    held.retain(|held| held.ifname.as_ref().is_none_or(|name| name == ifname));
    for held in &held {
        let set = sets.iter().find(|set| set.contains(held.ip));
        if let Some(set) = set.filter(|_| !held.earlier_boot) {
            return Err(AllocError::Duplicate {
                set: set.path().to_owned(),
                ip: held.ip,
                id: id.to_string(),
                ifname: ifname.to_string(),
            });
        }
    }
    for held in held.iter().filter(|held| held.earlier_boot) {
        session.release(held)?;
    }
    Ok(())
}

fn give(
    session: &mut Session<'_>,
    index: usize,
    set: &RangeSet,
    wanted: Option<&Request>,
    id: &ContainerId,
    ifname: &IfName,
) -> Result<IpAddr, AllocError> {
    let folder = session.folder;
    let mut staged = session.stage(id, ifname)?;
    if let Some(request) = wanted {
        return give_exactly(session, &mut staged, request, id);
    }
    let order = search_order(set, folder.last_reserved(index));
    let take = &mut |session: &mut Session<'_>, ip| session.reserve(&mut staged, id, ip);
    let mut found = find(session, &order, take)?;
    if found.is_none()
        && let Some(ip) = session.reclaim(&order)?
    {
        found = take(session, ip)?.then_some(ip);
    }
    found.ok_or_else(|| AllocError::Exhausted {
        set: set.path().to_owned(),
        ranges: set.to_string(),
    })
}

fn give_exactly(
    session: &mut Session<'_>,
    staged: &mut Staged<'_>,
    request: &Request,
    id: &ContainerId,
) -> Result<IpAddr, AllocError> {
    let ip = request.ip;
    if session.reserve(staged, id, ip)? {
        return Ok(ip);
    }
    let there = session.contest(ip)?;
    if there.is_none() && session.reserve(staged, id, ip)? {
        return Ok(ip);
    }
    let holder = match there.map(|file| file.record) {
        Some(Record::Owner {
            id,
            ifname: Some(ifname),
        }) => format!("{id} {ifname} has it"),
        Some(Record::Owner { id, ifname: None }) => format!("{id} has it"),
        _ => format!(
            "{} is in the way",
            session.folder.path_of(&ip.to_string()).display()
        ),
    };
    Err(AllocError::Taken {
        field: request.field.clone(),
        ip,
        holder,
    })
}

/// Releases what the attachment has in the network: what bears both names or, where nothing does, what
/// bears the container's alone. Carries on past errors.
pub(crate) fn del(
    store: &Store,
    id: &ContainerId,
    ifname: &IfName,
) -> Result<Vec<StoreError>, StoreError> {
    let errors = store.with_existing(|session| {
        let Holdings { held, unreadable } = session.held_by(id)?;
        let failed = own(&held, ifname).filter_map(|held| session.release(held).err());
        Ok::<_, StoreError>(failed.chain(unreadable).collect())
    })?;
    Ok(errors.unwrap_or_default())
}

/// Of what a container has: what belongs to this interface.
fn own<'a>(held: &'a [Held], ifname: &'a IfName) -> impl Iterator<Item = &'a Held> {
    let exact = |held: &Held| held.ifname.as_ref() == Some(ifname);
    let any = held.iter().any(exact);
    held.iter().filter(move |held| {
        if any {
            exact(held)
        } else {
            held.ifname.is_none()
        }
    })
}

/// What the attachment has.
pub(crate) fn holdings(
    store: &Store,
    id: &ContainerId,
    ifname: &IfName,
) -> Result<Vec<IpAddr>, StoreError> {
    let found = store.with_existing(|session| {
        let held = session.held_by(id)?.all()?;
        Ok::<_, StoreError>(own(&held, ifname).map(|held| held.ip).collect())
    })?;
    Ok(found.unwrap_or_default())
}

/// Frees every address of the network whose owner is not among `valid`. Carries on past errors.
pub(crate) fn gc<'a>(
    store: &Store,
    valid: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<StoreError>, StoreError> {
    let valid: HashSet<_> = valid.collect();
    let containers: HashSet<_> = valid.iter().map(|(id, _)| *id).collect();
    let listed = |id: &ContainerId, ifname: &Option<IfName>| match ifname {
        Some(ifname) => valid.contains(&(id.as_str(), ifname.as_str())),
        None => containers.contains(id.as_str()),
    };
    let errors = store.with_existing(|session| {
        // Removes what is torn.
        session.verify(Trust::Read)?;
        let mut errors = Vec::new();
        for ip in session.folder.addresses()? {
            let done = match session.folder.address_file(ip) {
                Ok(Some(file)) => match file.record {
                    Record::Owner { id, ifname } if !listed(&id, &ifname) => {
                        session.release_of(&id, ip)
                    }
                    _ => Ok(()),
                },
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            errors.extend(done.err());
        }
        Ok::<_, StoreError>(errors)
    })?;
    Ok(errors.unwrap_or_default())
}

/// The first set that has no address left to give.
pub(crate) fn exhausted<'a>(
    store: &Store,
    sets: &'a [RangeSet],
) -> Result<Option<&'a RangeSet>, StoreError> {
    let full = store.with_existing(|session| {
        for set in sets {
            let legs = search_order(set, None);
            let mut free = false;
            for leg in &legs {
                free = free || session.has_free(leg)?;
            }
            if !free && session.reclaimable(&legs)?.is_none() {
                return Ok::<_, StoreError>(Some(set));
            }
        }
        Ok(None)
    })?;
    Ok(full.flatten())
}
