//! Networks and pools, as far as routes depend on them.
//!
//! Two networks with one VNI would be one network without anybody having said so. The one that was made
//! first keeps the VNI and the other has no routes until it has one of its own; going by the name or by
//! who came last would break a network that works.

use crate::Invalid;
use fairway_ipam::{Encap, NetworkName, PoolName, Vni};
use std::collections::BTreeSet;

/// A network: a table of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    name: NetworkName,
    vni: Vni,
    created: u64,
    imports: BTreeSet<NetworkName>,
}

impl Network {
    /// A network that reaches only itself. `created`: the store's revision at which it came into being.
    pub fn new(name: NetworkName, vni: Vni, created: u64) -> Network {
        let imports = BTreeSet::new();
        Network {
            name,
            vni,
            created,
            imports,
        }
    }

    /// The same, and its containers reach those of other networks. What an imported network knows of
    /// containers is taken over, neither its static nor its BGP routes nor what it imports itself. An
    /// answer needs the import in the other direction, too.
    ///
    /// # Errors
    /// [`Invalid::ImportsItself`].
    pub fn importing(
        mut self,
        imports: impl IntoIterator<Item = NetworkName>,
    ) -> Result<Network, Invalid> {
        self.imports = imports.into_iter().collect();
        match self.imports.contains(&self.name) {
            true => Err(Invalid::ImportsItself),
            false => Ok(self),
        }
    }

    /// Its name.
    pub fn name(&self) -> &NetworkName {
        &self.name
    }

    /// Its VNI.
    pub fn vni(&self) -> Vni {
        self.vni
    }

    /// When it was made, as a revision of the store.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Whose containers its own reach.
    pub fn imports(&self) -> &BTreeSet<NetworkName> {
        &self.imports
    }
}

/// What routes need to know of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRouting {
    /// The pool.
    pub pool: PoolName,
    /// In whose table its blocks and claims are.
    pub network: NetworkName,
    /// How its addresses are reached on other nodes.
    pub encap: Encap,
}
