//! The transaction that writes a network, and what has to hold for it.

use super::{NetworkError, network_of};
use crate::{
    NetworkName, NetworkRecord, PoolName, View, Vni,
    admin::{
        AdminError,
        plan::{as_seen, put},
        pools::unreadable_below,
    },
    keys::Key,
    record::{GuardRecord, Record},
};
use fairway_kv::{Condition, ROOT, Txn, Write};
use std::collections::BTreeSet;

pub(super) fn free_vni(view: &View) -> Result<Vni, AdminError> {
    let taken: BTreeSet<Vni> = view.networks.values().map(|s| s.value.vni).collect();
    let mut numbers = Vni::FIRST.number()..=0xff_ffff;
    let free = numbers.find_map(|number| Vni::new(number).ok().filter(|vni| !taken.contains(vni)));
    free.ok_or_else(|| NetworkError::NoVni.into())
}

/// The transaction that writes a network, if it may be so. `before`: pools that it has already.
pub(super) fn commit(
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

pub(super) fn guard(view: &View) -> Result<(Condition, Write), AdminError> {
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
