//! What was told and has no effect, or not the one that was meant.

use super::Rib;
use crate::{ExplainError, NetworkName, Vni};
use fairway_ipam::{NodeName, PoolName};
use std::fmt;

/// Something that waits for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Two networks want one VNI; the one that was made first has it, the other has no routes.
    VniTaken {
        /// The one without.
        network: NetworkName,
        /// The VNI.
        vni: Vni,
        /// The one that has it.
        by: NetworkName,
    },
    /// A pool's network is not there.
    PoolWithoutNetwork {
        /// The pool.
        pool: PoolName,
        /// The network.
        network: NetworkName,
    },
    /// A network imports one that is not there.
    ImportWithoutNetwork {
        /// The network.
        network: NetworkName,
        /// What it imports.
        import: NetworkName,
    },
    /// There are blocks or claims of a pool that is not there, or in no network.
    RoutesWithoutPool {
        /// The pool.
        pool: PoolName,
        /// How many.
        routes: usize,
    },
    /// There are routes of a network that is not there.
    RoutesWithoutNetwork {
        /// The network.
        network: NetworkName,
        /// How many prefixes.
        prefixes: usize,
    },
    /// Routes lead to a node that is not there.
    RoutesWithoutNode {
        /// The node.
        node: NodeName,
        /// How many.
        routes: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::VniTaken { network, vni, by } => write!(
                f,
                "network {network} has no routes: its VNI {vni} is that of {by}, which was made first"
            ),
            Problem::PoolWithoutNetwork { pool, network } => {
                write!(f, "pool {pool} is in network {network}, which is not there")
            }
            Problem::ImportWithoutNetwork { network, import } => {
                write!(
                    f,
                    "network {network} imports network {import}, which is not there"
                )
            }
            Problem::RoutesWithoutPool { pool, routes } => write!(
                f,
                "{routes} blocks and claims are of pool {pool}, which is in no network"
            ),
            Problem::RoutesWithoutNetwork { network, prefixes } => write!(
                f,
                "{prefixes} prefixes are of network {network}, which is not there"
            ),
            Problem::RoutesWithoutNode { node, routes } => {
                write!(f, "{routes} routes lead to node {node}, which is not there")
            }
        }
    }
}

impl Rib {
    /// What waits for something else. Looks at all networks, pools and nodes, but not at each route.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let known = |network: &NetworkName| self.networks.get(network).is_some();
        for network in self.networks.iter() {
            if let Err(ExplainError::VniTaken { network, vni, by }) =
                self.networks.standing(network.name())
            {
                problems.push(Problem::VniTaken { network, vni, by });
            }
            for import in network.imports().iter().filter(|import| !known(import)) {
                problems.push(Problem::ImportWithoutNetwork {
                    network: network.name().clone(),
                    import: import.clone(),
                });
            }
        }
        for pool in self.pools.values().filter(|pool| !known(&pool.network)) {
            problems.push(Problem::PoolWithoutNetwork {
                pool: pool.pool.clone(),
                network: pool.network.clone(),
            });
        }
        let lost = self.by_pool.iter();
        for (pool, keys) in lost.filter(|(pool, _)| !self.pools.contains_key(*pool)) {
            problems.push(Problem::RoutesWithoutPool {
                pool: pool.clone(),
                routes: keys.len(),
            });
        }
        let lost = self.tables.iter();
        for (network, table) in lost.filter(|(network, _)| !known(network)) {
            problems.push(Problem::RoutesWithoutNetwork {
                network: network.clone(),
                prefixes: table.len(),
            });
        }
        for node in self.nodes.unheard().filter(|node| **node != self.me) {
            problems.push(Problem::RoutesWithoutNode {
                node: node.clone(),
                routes: self.by_node.get(node).map_or(0, |keys| keys.len()),
            });
        }
        problems
    }
}
