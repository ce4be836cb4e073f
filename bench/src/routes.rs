//! `routes`: one daemon in a cluster of 1,000 nodes, with the 20,000 routes of it in a real kernel.
//!
//! The other nodes are records in a real etcd, written as their daemons would.

mod apart;
mod change;
mod event;
pub(crate) mod process;
mod relist;
mod sync;
mod told;
pub(crate) mod world;

use crate::report::Report;
use anyhow::Result;
use fairway_tests_cluster::{Plan, on};

/// So many full syncs, and times that nothing is to be done.
const ROUNDS: usize = 5;

/// All measures, on one bed.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        world::make(bed)?;
        sync::run(report, bed)?;
        change::run(report, bed)?;
        event::run(report, bed)?;
        relist::run(report, bed)
    })?;
    apart::run(report)
}
