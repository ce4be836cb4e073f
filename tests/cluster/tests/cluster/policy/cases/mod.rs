//! Policies, and what one who knows the standards says of each pair of pods under them.
//!
//! The predicates are written by hand from the standards' words, and never from what the engine says.

mod blocks;
mod cluster;
mod ports;
mod selectors;
mod sums;
mod tiers;

use super::table::{Table, What, Who};
use anyhow::Result;
use fairway_lab::Value;

/// Some objects and what they mean.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) objects: fn(&Table) -> Result<Vec<Value>>,
    pub(crate) expect: fn(Who, Who, What) -> bool,
}

/// A case whose objects need no addresses.
macro_rules! case {
    ($title:literal, [$($object:expr),* $(,)?], $expect:expr $(,)?) => {
        $crate::policy::cases::Case {
            title: $title,
            objects: |_| Ok(vec![$($object),*]),
            expect: $expect,
        }
    };
}
use case;

/// `NetworkPolicy`, all features.
pub(crate) fn network_policies() -> Vec<Case> {
    let mut cases = selectors::cases();
    cases.extend(ports::cases());
    cases.extend(blocks::cases());
    cases.extend(sums::cases());
    cases
}

/// `ClusterNetworkPolicy`, alone and beside `NetworkPolicy`.
pub(crate) fn cluster_policies() -> Vec<Case> {
    let mut cases = cluster::cases();
    cases.extend(tiers::cases());
    cases
}

/// Some of everything at once.
pub(crate) fn mixed() -> Case {
    tiers::mixed()
}
