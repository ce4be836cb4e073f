//! How networks stand: whom they hold, and what is wrong with them.

use crate::{NetworkName, NetworkRecord, PoolName, Stored, View, admin::tally};

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
pub(crate) fn network_of<'a>(view: &'a View, pool: &PoolName) -> Option<&'a NetworkName> {
    let mut networks = view.networks.iter();
    let named = networks.find(|(_, stored)| stored.value.pools.contains(pool));
    named.map(|(name, _)| name)
}

pub(super) fn live(view: &View, record: &NetworkRecord) -> u64 {
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
