//! Making, changing and removing networks.
//!
//! Two networks made at once could take one VNI or one pool: whatever changes the set of networks also
//! writes `meta/networks` on the condition that it is as it was seen.

mod error;
mod rows;
mod write;

pub use error::NetworkError;
pub use rows::{NetworkRow, networks};

pub(super) use rows::network_of;

use super::{
    AdminError,
    plan::{as_seen, delete},
    tally,
};
use crate::{NetworkName, NetworkRecord, PoolName, Stored, View, Vni, keys::Key};
use fairway_kv::Txn;
use rows::live;
use std::collections::BTreeSet;
use write::{commit, free_vni, guard};

/// A network to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNetwork {
    /// Its name.
    pub name: NetworkName,
    /// Its VNI; none: the first that is free, from [`Vni::FIRST`] on.
    pub vni: Option<Vni>,
    /// Its pools.
    pub pools: Vec<PoolName>,
    /// Whose containers its own reach.
    pub imports: BTreeSet<NetworkName>,
}

/// A change of a network. What is empty stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkChange {
    /// Pools that it gets.
    pub add_pools: Vec<PoolName>,
    /// Pools that leave it.
    pub remove_pools: Vec<PoolName>,
    /// Networks that it imports from now on.
    pub import: Vec<NetworkName>,
    /// Networks that it does not import any more.
    pub unimport: Vec<NetworkName>,
}

/// Makes a network.
///
/// # Errors
/// Names the field that is wrong.
pub fn create_network(view: &View, new: NewNetwork) -> Result<Txn, AdminError> {
    let key = Key::Network(new.name.clone());
    if view.modified(&key).is_some() {
        return Err(NetworkError::Exists { network: new.name }.into());
    }
    let vni = match new.vni {
        Some(vni) => match view.networks.iter().find(|(_, s)| s.value.vni == vni) {
            Some((by, _)) => {
                let by = by.clone();
                return Err(NetworkError::VniTaken { vni, by }.into());
            }
            None => vni,
        },
        None => free_vni(view)?,
    };
    let record = NetworkRecord {
        vni,
        pools: new.pools,
        imports: new.imports,
    };
    commit(view, &new.name, &record, &[])
}

/// Changes a network. None: it is so already.
///
/// # Errors
/// Names the field that is wrong.
pub fn change_network(
    view: &View,
    name: &NetworkName,
    change: &NetworkChange,
    force: bool,
) -> Result<Option<Txn>, AdminError> {
    let stored = known(view, name)?;
    let mut record = stored.value.clone();
    for pool in &change.remove_pools {
        let network = || name.clone();
        let Some(at) = record.pools.iter().position(|known| known == pool) else {
            let (pool, network) = (pool.clone(), network());
            return Err(NetworkError::NotItsPool { pool, network }.into());
        };
        let live = tally(view, pool).live;
        if live > 0 && !force {
            let what = format!("pool {pool}");
            return Err(NetworkError::InUse { live, what }.into());
        }
        record.pools.remove(at);
    }
    record.pools.extend(change.add_pools.iter().cloned());
    record.imports.extend(change.import.iter().cloned());
    for network in &change.unimport {
        record.imports.remove(network);
    }
    if record == stored.value {
        return Ok(None);
    }
    // What was there before may be gone meanwhile, and need not be named again.
    commit(view, name, &record, &stored.value.pools).map(Some)
}

/// Removes a network; its pools stay.
///
/// # Errors
/// No such network; one that imports it; containers that are in it, unless `force`.
pub fn remove_network(view: &View, name: &NetworkName, force: bool) -> Result<Txn, AdminError> {
    let key = Key::Network(name.clone());
    if view.modified(&key).is_none() {
        let network = name.clone();
        return Err(NetworkError::Unknown { network }.into());
    }
    let mut others = view.networks.iter();
    if let Some((by, _)) = others.find(|(_, other)| other.value.imports.contains(name)) {
        let (network, by) = (name.clone(), by.clone());
        return Err(NetworkError::Imported { network, by }.into());
    }
    if !force {
        let live = live(view, &known(view, name)?.value);
        if live > 0 {
            let what = format!("network {name}");
            return Err(NetworkError::InUse { live, what }.into());
        }
    }
    let (guard, bump) = guard(view)?;
    Ok(Txn {
        conditions: vec![as_seen(view, &key), guard],
        writes: vec![delete(&key), bump],
    })
}

fn known<'a>(view: &'a View, name: &NetworkName) -> Result<&'a Stored<NetworkRecord>, AdminError> {
    if let Some(stored) = view.networks.get(name) {
        return Ok(stored);
    }
    let key = Key::Network(name.clone()).path();
    Err(match view.unreadable.get(&key) {
        Some(unreadable) => AdminError::Unreadable {
            reason: unreadable.error.to_string(),
            key,
        },
        None => NetworkError::Unknown {
            network: name.clone(),
        }
        .into(),
    })
}
