//! What there is, in rows for people.

use super::networks::network_of;
use crate::{
    AttachmentId, Cidr, ClaimName, NetworkName, NodeName, Pool, PoolName, Stored, UnixSeconds,
    View,
    record::{BlockRecord, ClaimRecord, UnderlayRecord, Use},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// The addresses of a pool, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Addresses that are not free, each once.
    pub allocated: u64,
    /// Those that a container has, by itself or by a claim.
    pub live: u64,
    /// Those of claims that nobody holds.
    pub claimed: u64,
    /// Those that rest.
    pub cooling: u64,
    /// Those that are a claim's that does not exist.
    pub orphaned: u64,
    /// Blocks with an owner.
    pub owned: u64,
    /// Blocks that have a record.
    pub blocks: u64,
}

/// Counts a pool's addresses, as the store shows them.
pub fn tally(view: &View, pool: &PoolName) -> Tally {
    let of = view.blocks.iter().filter(|((of, _), _)| of == pool);
    count(view, of.map(|(_, stored)| &stored.value))
}

/// Counts all pools' addresses; those of pools that do not exist as well.
pub fn tallies(view: &View) -> BTreeMap<PoolName, Tally> {
    let mut blocks: BTreeMap<&PoolName, Vec<&BlockRecord>> = BTreeMap::new();
    for ((pool, _), stored) in &view.blocks {
        blocks.entry(pool).or_default().push(&stored.value);
    }
    let counted = blocks.into_iter();
    counted
        .map(|(pool, blocks)| (pool.clone(), count(view, blocks)))
        .collect()
}

fn count<'a>(view: &View, blocks: impl IntoIterator<Item = &'a BlockRecord>) -> Tally {
    let mut tally = Tally::default();
    let mut ips = BTreeSet::new();
    for record in blocks {
        tally.blocks += 1;
        tally.owned += u64::from(record.owner.is_some());
        for entry in &record.entries {
            ips.insert(entry.ip);
            let count = match &entry.used {
                Use::Live { .. } => &mut tally.live,
                Use::Cooling => &mut tally.cooling,
                Use::Claimed { uid } => match view.claim_by_uid(uid) {
                    Some((_, _, claim, _)) if claim.holder.is_some() => &mut tally.live,
                    Some(_) => &mut tally.claimed,
                    None => &mut tally.orphaned,
                },
            };
            *count += 1;
        }
    }
    tally.allocated = ips.len() as u64;
    tally
}

/// A pool and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    /// The pool.
    pub pool: Pool,
    /// How many addresses it has in all that can be given.
    pub size: u128,
    /// How many of them are what.
    pub tally: Tally,
    /// The network that names it.
    pub network: Option<NetworkName>,
}

/// A pool and how it stands.
pub fn pool(view: &View, name: &PoolName) -> Option<PoolRow> {
    let pool = view.pools.get(name)?.value.clone();
    Some(PoolRow {
        size: pool.size(),
        tally: tally(view, name),
        network: network_of(view, name).cloned(),
        pool,
    })
}

/// All pools.
pub fn pools(view: &View) -> Vec<PoolRow> {
    let tallies = tallies(view);
    let row = |(name, stored): (&PoolName, &Stored<Pool>)| PoolRow {
        size: stored.value.size(),
        tally: tallies.get(name).copied().unwrap_or_default(),
        network: network_of(view, name).cloned(),
        pool: stored.value.clone(),
    };
    view.pools.iter().map(row).collect()
}

/// Which addresses to list. What is none is not asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressFilter {
    /// Of this pool.
    pub pool: Option<PoolName>,
    /// Of this node: the claim's holder's, else the block's owner.
    pub node: Option<NodeName>,
    /// This very one.
    pub address: Option<IpAddr>,
}

/// One address that is not free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRow {
    /// The address.
    pub ip: IpAddr,
    /// Its pool.
    pub pool: PoolName,
    /// Its block.
    pub block: Cidr,
    /// `live`, `claimed` or `cooling`.
    pub state: &'static str,
    /// The node that has it: the claim's holder's, else the block's owner.
    pub node: Option<NodeName>,
    /// Who has it.
    pub attachment: Option<AttachmentId>,
    /// The workload's name.
    pub workload: Option<String>,
    /// Its claim.
    pub claim: Option<ClaimName>,
    /// The owner's sequence number.
    pub seq: u64,
}

/// Addresses that are not free, by pool, block and address.
pub fn addresses(view: &View, filter: &AddressFilter) -> Vec<AddressRow> {
    let mut rows = Vec::new();
    for ((pool, block), stored) in &view.blocks {
        let fits = filter.pool.as_ref().is_none_or(|of| of == pool)
            && filter.address.is_none_or(|ip| block.contains(ip));
        if !fits {
            continue;
        }
        let owner = stored.value.owner.as_ref().map(|owner| &owner.node);
        for entry in &stored.value.entries {
            let mut row = AddressRow {
                ip: entry.ip,
                pool: pool.clone(),
                block: *block,
                state: "cooling",
                node: owner.cloned(),
                attachment: None,
                workload: None,
                claim: None,
                seq: entry.seq,
            };
            match &entry.used {
                Use::Cooling => {}
                Use::Live {
                    attachment,
                    workload,
                } => {
                    row.state = "live";
                    row.attachment = Some(attachment.clone());
                    row.workload = workload.clone();
                }
                Use::Claimed { uid } => {
                    row.state = "claimed";
                    if let Some((_, name, claim, _)) = view.claim_by_uid(uid) {
                        row.claim = Some(name.clone());
                        if let Some(holder) = &claim.holder {
                            row.state = "live";
                            row.node = Some(holder.node.clone());
                            row.attachment = Some(holder.attachment.clone());
                        }
                    }
                }
            }
            let node = filter.node.as_ref();
            let wanted = node.is_none_or(|node| row.node.as_ref() == Some(node))
                && filter.address.is_none_or(|ip| ip == row.ip);
            if wanted {
                rows.push(row);
            }
        }
    }
    rows
}

/// A claim or a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// Its pool.
    pub pool: PoolName,
    /// Its name.
    pub name: ClaimName,
    /// What it is.
    pub record: ClaimRecord,
}

/// Claims and sets, by pool and name.
pub fn claims(view: &View, pool: Option<&PoolName>, app: Option<&crate::AppName>) -> Vec<ClaimRow> {
    let wanted = |(of, record): (&PoolName, &ClaimRecord)| {
        let its = match record {
            ClaimRecord::Claim(claim) => claim.app.as_ref(),
            ClaimRecord::Set(set) => set.app.as_ref(),
        };
        pool.is_none_or(|pool| pool == of) && app.is_none_or(|app| its == Some(app))
    };
    let all = view.claims.iter();
    let all = all.filter(|((of, _), stored)| wanted((of, &stored.value)));
    let row = |((pool, name), stored): (&(PoolName, ClaimName), &Stored<ClaimRecord>)| ClaimRow {
        pool: pool.clone(),
        name: name.clone(),
        record: stored.value.clone(),
    };
    all.map(row).collect()
}

/// A node that is alive, or that still has something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeRow {
    /// Its lease holds.
    pub alive: bool,
    /// It takes no new containers.
    pub drained: bool,
    /// Since when it is up.
    pub since: UnixSeconds,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The daemon's version.
    pub daemon: String,
    /// Its machine.
    pub host: String,
    /// Where others reach it.
    pub underlay: Option<UnderlayRecord>,
    /// Blocks that it owns.
    pub blocks: u64,
    /// Addresses that its containers have.
    pub live: u64,
    /// Claims that it holds.
    pub claims: u64,
}

/// All nodes that are alive, own a block or hold a claim.
pub fn nodes(view: &View) -> BTreeMap<NodeName, NodeRow> {
    let mut rows: BTreeMap<NodeName, NodeRow> = BTreeMap::new();
    for (node, stored) in &view.nodes {
        let node_row = rows.entry(node.clone()).or_default();
        *node_row = NodeRow {
            alive: true,
            since: stored.value.since,
            labels: stored.value.labels.clone(),
            daemon: stored.value.daemon.clone(),
            host: stored.value.host.clone(),
            underlay: stored.value.underlay.clone(),
            ..NodeRow::default()
        };
    }
    for stored in view.blocks.values() {
        let Some(owner) = &stored.value.owner else {
            continue;
        };
        let entries = stored.value.entries.iter();
        let live = entries.filter(|entry| matches!(entry.used, Use::Live { .. }));
        let row = rows.entry(owner.node.clone()).or_default();
        row.blocks += 1;
        row.live += live.count() as u64;
    }
    for stored in view.claims.values() {
        if let ClaimRecord::Claim(claim) = &stored.value
            && let Some(holder) = &claim.holder
        {
            let row = rows.entry(holder.node.clone()).or_default();
            row.claims += 1;
            row.live += claim.addresses().map_or(0, |ips| ips.len() as u64);
        }
    }
    for (node, row) in &mut rows {
        row.drained = view.drains.contains_key(node);
    }
    rows
}
