//! Why a network cannot be so.

use crate::{NetworkName, PoolName, Vni};

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
