//! Making, changing and removing networks.
//!
//! Two networks made at once could take one VNI or one pool: whatever changes the set of networks also
//! writes `meta/networks` on the condition that it is as it was seen.

use super::{
    AdminError,
    plan::{as_seen, delete, put},
    pools::unreadable_below,
    tally,
};
use crate::{
    NetworkName, NetworkRecord, PoolName, Stored, View, Vni,
    keys::Key,
    record::{GuardRecord, Record},
};
use fairway_kv::{Condition, ROOT, Txn, Write};
use std::collections::BTreeSet;

/// Why networks cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No such network.
    #[error("network {network} does not exist")]
    Unknown {
        /// The name.
        network: NetworkName,
    },
    /// The name is taken.
    #[error("network {network} exists already")]
    Exists {
        /// The name.
        network: NetworkName,
    },
    /// The VNI is taken.
    #[error("vni: {vni} is that of network {by}")]
    VniTaken {
        /// Which.
        vni: Vni,
        /// Whose.
        by: NetworkName,
    },
    /// Every VNI from [`Vni::FIRST`] on is taken.
    #[error("vni: none is free from {} on; name one", Vni::FIRST)]
    NoVni,
    /// A network without pools has no containers.
    #[error("pools: at least one is needed")]
    NoPools,
    /// One pool twice.
    #[error("pools: {pool} is named twice")]
    Twice {
        /// Which.
        pool: PoolName,
    },
    /// Such a pool is not there, or it goes.
    #[error("pools: pool {pool} does not exist or is retiring")]
    NoPool {
        /// Which.
        pool: PoolName,
    },
    /// A pool belongs to one network.
    #[error("pools: pool {pool} is in network {network}")]
    PoolTaken {
        /// Which.
        pool: PoolName,
        /// Whose.
        network: NetworkName,
    },
    /// It would go, and a network has it.
    #[error(
        "pool {pool} is in network {network}: take it out first (netctl network set {network} --remove-pool {pool})"
    )]
    PoolInNetwork {
        /// Which.
        pool: PoolName,
        /// Whose.
        network: NetworkName,
    },
    /// The pool is not the network's.
    #[error("remove_pools: pool {pool} is not in network {network}")]
    NotItsPool {
        /// Which.
        pool: PoolName,
        /// The network.
        network: NetworkName,
    },
    /// A network does not import itself.
    #[error("imports: network {network} would import itself")]
    Itself {
        /// Which.
        network: NetworkName,
    },
    /// What is imported is not there.
    #[error("imports: network {network} does not exist")]
    NoImport {
        /// Which.
        network: NetworkName,
    },
    /// Another network imports it: one that is made later under the same name would be reached by who meant
    /// this one.
    #[error(
        "network {network} is imported by {by}: take that back first (netctl network set {by} --unimport {network})"
    )]
    Imported {
        /// Which.
        network: NetworkName,
        /// By whom.
        by: NetworkName,
    },
    /// Containers would lose their routes.
    #[error("{live} addresses of {what} are containers', which would not be reached any more")]
    InUse {
        /// How many.
        live: u64,
        /// Of what.
        what: String,
    },
}

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

/// A network and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRow {
    /// Its name.
    pub name: NetworkName,
    /// What it is.
    pub record: NetworkRecord,
    /// Addresses of containers.
    pub live: u64,
    /// What is not as it should be.
    pub problems: Vec<String>,
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

/// All networks.
pub fn networks(view: &View) -> Vec<NetworkRow> {
    let row = |(name, stored): (&NetworkName, &Stored<NetworkRecord>)| NetworkRow {
        name: name.clone(),
        record: stored.value.clone(),
        live: live(view, &stored.value),
        problems: problems(view, name, stored),
    };
    view.networks.iter().map(row).collect()
}

/// The network that names a pool.
pub(super) fn network_of<'a>(view: &'a View, pool: &PoolName) -> Option<&'a NetworkName> {
    let mut networks = view.networks.iter();
    let named = networks.find(|(_, stored)| stored.value.pools.contains(pool));
    named.map(|(name, _)| name)
}

fn live(view: &View, record: &NetworkRecord) -> u64 {
    let pools = record.pools.iter();
    pools.map(|pool| tally(view, pool).live).sum()
}

/// Only what somebody wrote past this program can be so.
fn problems(view: &View, name: &NetworkName, stored: &Stored<NetworkRecord>) -> Vec<String> {
    let record = &stored.value;
    let older = |other: &Stored<NetworkRecord>| other.created < stored.created;
    let mut problems = Vec::new();
    for (other, known) in view.networks.iter().filter(|(other, _)| *other != name) {
        if known.value.vni == record.vni && older(known) {
            problems.push(format!("its VNI is that of network {other}"));
        }
        for pool in record
            .pools
            .iter()
            .filter(|pool| known.value.pools.contains(pool))
        {
            if older(known) {
                problems.push(format!("its pool {pool} is in network {other}"));
            }
        }
    }
    for pool in record
        .pools
        .iter()
        .filter(|pool| !view.pools.contains_key(*pool))
    {
        problems.push(format!("its pool {pool} is not there"));
    }
    for import in record
        .imports
        .iter()
        .filter(|i| !view.networks.contains_key(*i))
    {
        problems.push(format!("it imports network {import}, which is not there"));
    }
    problems
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

fn free_vni(view: &View) -> Result<Vni, AdminError> {
    let taken: BTreeSet<Vni> = view.networks.values().map(|s| s.value.vni).collect();
    let mut numbers = Vni::FIRST.number()..=0xff_ffff;
    let free = numbers.find_map(|number| Vni::new(number).ok().filter(|vni| !taken.contains(vni)));
    free.ok_or_else(|| NetworkError::NoVni.into())
}

/// The transaction that writes a network, if it may be so. `before`: pools that it has already.
fn commit(
    view: &View,
    name: &NetworkName,
    record: &NetworkRecord,
    before: &[PoolName],
) -> Result<Txn, AdminError> {
    // What cannot be read may have the VNI, or a pool.
    if let Some(unreadable) = unreadable_below(view, &format!("{ROOT}networks/")) {
        return Err(unreadable);
    }
    if record.pools.is_empty() {
        return Err(NetworkError::NoPools.into());
    }
    let mut conditions = Vec::new();
    for (at, pool) in record.pools.iter().enumerate() {
        let pool = pool.clone();
        if record.pools[..at].contains(&pool) {
            return Err(NetworkError::Twice { pool }.into());
        }
        if before.contains(&pool) {
            continue;
        }
        let known = view.pools.get(&pool);
        if known.is_none_or(|known| known.value.spec.phase == crate::PoolPhase::Retiring) {
            return Err(NetworkError::NoPool { pool }.into());
        }
        if let Some(network) = network_of(view, &pool) {
            let network = network.clone();
            return Err(NetworkError::PoolTaken { pool, network }.into());
        }
        conditions.push(as_seen(view, &Key::Pool(pool)));
    }
    for import in &record.imports {
        let network = import.clone();
        if import == name {
            return Err(NetworkError::Itself { network }.into());
        }
        let before = view.networks.get(name);
        let had = before.is_some_and(|known| known.value.imports.contains(import));
        if !had && !view.networks.contains_key(import) {
            return Err(NetworkError::NoImport { network }.into());
        }
    }
    let key = Key::Network(name.clone());
    let (guard, bump) = guard(view)?;
    conditions.extend([as_seen(view, &key), guard]);
    Ok(Txn {
        conditions,
        writes: vec![put(&key, record.encode()), bump],
    })
}

fn guard(view: &View) -> Result<(Condition, Write), AdminError> {
    let key = Key::NetworksGuard;
    if let Some(unreadable) = view.unreadable.get(&key.path()) {
        return Err(AdminError::Unreadable {
            key: key.path(),
            reason: unreadable.error.to_string(),
        });
    }
    let known = view.networks_guard.as_ref();
    let generation = known.map_or(0, |guard| guard.value.generation);
    let next = GuardRecord {
        generation: generation.saturating_add(1),
    };
    Ok((as_seen(view, &key), put(&key, next.encode())))
}
