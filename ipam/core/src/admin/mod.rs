//! What an administrator may change in the store: pools, claims, nodes. Each change is computed from what
//! is there and comes out as transactions whose conditions fail where it is no longer so.
//!
//! Nothing here asks the owner of a block: what an owner decides alone (giving and freeing addresses)
//! stays the agent's. What is written here is what nobody decides alone, or what belongs to a node that is
//! not there. Long work is several transactions, each whole by itself: whoever commits them can stop after
//! any, look again, and go on with what is left.

mod census;
mod claims;
mod drain;
mod list;
mod networks;
mod nodes;
mod plan;
mod pools;
mod remove;
mod settle;
#[cfg(test)]
mod tests;

pub use census::{Census, PoolCensus, census};
pub use claims::{
    Keep, Move, SetWish, Terms, change_claim, create_set, find_claim, given_name, move_claim,
};
pub use drain::{drain_node, undrain_node};
pub use list::{
    AddressFilter, AddressRow, ClaimRow, NodeRow, PoolRow, Tally, addresses, claims, nodes, pool,
    pools, tallies, tally,
};
pub use networks::{
    NetworkChange, NetworkError, NetworkRow, NewNetwork, change_network, create_network, networks,
    remove_network,
};
pub use nodes::{Removed, remove_node};
pub use plan::Plan;
pub use pools::{Left, Retire, change_pool, create_pool, finish_retire};
pub use remove::{Freed, Which, expired, remove_claims};
pub use settle::Rests;

pub(crate) use plan::{as_seen, delete, put};
pub(crate) use remove::set_of;
pub(crate) use settle::{delete_if_empty, knows_claims};

use crate::{AppName, ClaimName, NodeName, PoolError, PoolName, UnixSeconds, WorkloadError};

/// Why a change cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// No such pool.
    #[error("pool {pool} does not exist")]
    NoPool {
        /// The name.
        pool: PoolName,
    },
    /// The name is taken.
    #[error("pool {pool} exists already")]
    PoolExists {
        /// The name.
        pool: PoolName,
    },
    /// Nobody has retired it.
    #[error("pool {pool} is not retiring")]
    NotRetiring {
        /// The name.
        pool: PoolName,
    },
    /// The pool, or the change, is wrong.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The network, or the change, is wrong.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Something that has to be known for this cannot be read.
    #[error("{key}: {reason}")]
    Unreadable {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such claim.
    #[error("claim {claim} does not exist{}", in_pool(.pool))]
    NoClaim {
        /// The name.
        claim: ClaimName,
        /// The pool that was named.
        pool: Option<PoolName>,
    },
    /// Nothing belongs to that application.
    #[error("app: no claim{} belongs to {app}", in_pool(.pool))]
    NoApp {
        /// Its name.
        app: AppName,
        /// The pool that was named.
        pool: Option<PoolName>,
    },
    /// The name is in more than one pool.
    #[error("claim {claim} is in the pools {}; name one of them", names(.pools))]
    Ambiguous {
        /// The name.
        claim: ClaimName,
        /// The pools.
        pools: Vec<PoolName>,
    },
    /// The name is taken.
    #[error("claim {claim} exists already in pool {pool}")]
    ClaimExists {
        /// The name.
        claim: ClaimName,
        /// Its pool.
        pool: PoolName,
    },
    /// It is a set, and this is done to single claims.
    #[error("claim {claim} is a set; its members are {claim}#0, {claim}#1 and so on")]
    IsSet {
        /// The name.
        claim: ClaimName,
    },
    /// A name that only the daemon may make, or none at all.
    #[error(transparent)]
    Name(WorkloadError),
    /// Containers hold claims that were to go.
    #[error("held by containers, which would be cut off: {}", holders(.claims))]
    Held {
        /// Each claim, and who holds it.
        claims: Vec<(ClaimName, String)>,
    },
    /// A move to nowhere.
    #[error("nothing to be done: name a node, another workload, or take the claim from its holder")]
    NoMove,
    /// Nothing is known of the node.
    #[error("node {node} is not known: it has no lease, no block and no claim")]
    NoNode {
        /// Its name.
        node: NodeName,
    },
    /// The node is there.
    #[error(
        "node {node} is alive (since {}): its containers would be cut off; stop it first",
        since.0
    )]
    Alive {
        /// Its name.
        node: NodeName,
        /// Since when, in seconds since 1970.
        since: UnixSeconds,
    },
}

fn in_pool(pool: &Option<PoolName>) -> String {
    pool.as_ref()
        .map_or_else(String::new, |pool| format!(" in pool {pool}"))
}

fn names(pools: &[PoolName]) -> String {
    let names: Vec<_> = pools.iter().map(PoolName::as_str).collect();
    names.join(", ")
}

/// The first few: an application may have thousands.
fn holders(claims: &[(ClaimName, String)]) -> String {
    const SHOWN: usize = 5;
    let some = claims.iter().take(SHOWN);
    let mut some: Vec<_> = some.map(|(name, by)| format!("{name} by {by}")).collect();
    if let Some(more) = claims.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        some.push(format!("and {more} more"));
    }
    some.join("; ")
}
