//! What routes rest on, for whoever wants to prove that it holds.

use super::{
    state::{State, no_underlay},
    underlay::Found,
};
use fairway_ipam::{Encap, Family};
use fairway_netlink::Netlink;

/// What routes rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Where this node is now.
    pub underlay: Option<Found>,
    /// The words for a node that is nowhere.
    pub no_underlay: String,
    /// What keeps packets from going where they should, but for a missing underlay.
    pub problems: Vec<String>,
    /// How many networks there are.
    pub networks: usize,
    /// Families of the pools in networks.
    pub families: Vec<Family>,
    /// Packets to other nodes may be encapsulated.
    pub wraps: bool,
    /// The overlay's device is wanted.
    pub device: bool,
}

pub(super) fn of<N: Netlink>(state: &State<N>) -> Ground {
    let no_underlay = no_underlay(state.named.as_deref());
    let networks = state.feed.networks.keys();
    let pools: Vec<_> = networks
        .flat_map(|name| state.feed.pools_of(name))
        .collect();
    let has = |family: &Family| {
        let mut ranges = pools.iter().flat_map(|pool| &pool.spec.ranges);
        ranges.any(|range| range.cidr.family() == *family)
    };
    let mut problems = state.problems();
    problems.retain(|problem| *problem != no_underlay);
    Ground {
        underlay: state.now.clone(),
        problems,
        networks: state.feed.networks.len(),
        families: [Family::V4, Family::V6].into_iter().filter(has).collect(),
        wraps: pools.iter().any(|pool| pool.spec.encap != Encap::Never),
        device: state.settings().overlay.is_some(),
        no_underlay,
    }
}
