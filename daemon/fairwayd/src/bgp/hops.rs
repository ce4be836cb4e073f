//! Which next hops are reached: those in the subnets of the underlay. Others would need a way of the node's own
//! routing table, which changes without a word.

use fairway_bgp::{attr::NextHop, table::Resolve};
use fairway_ipam::{Cidr, record::UnderlayRecord};
use std::sync::{Arc, PoisonError, RwLock};

/// The subnets of the underlay; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Hops(Arc<RwLock<Vec<Cidr>>>);

impl Hops {
    /// Whether they are others than before.
    pub(super) fn set(&self, underlay: Option<&UnderlayRecord>) -> bool {
        let addresses = underlay.into_iter().flat_map(|record| &record.addresses);
        let subnets = addresses.filter_map(|own| Cidr::holding(own.address, own.prefix));
        let subnets: Vec<Cidr> = subnets.collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let other = *known != subnets;
        *known = subnets;
        other
    }
}

impl Resolve for Hops {
    fn cost(&self, next_hop: NextHop) -> Option<u32> {
        let subnets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut subnets = subnets.iter();
        subnets
            .any(|subnet| subnet.contains(next_hop.address()))
            .then_some(0)
    }
}
