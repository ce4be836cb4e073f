//! `ipam`: what addresses cost when a daemon gives them, alone on redb and with others on etcd.
//!
//! Where the targets are numbers and not a peer's time, what bounds them is measured in the same
//! run: how quickly this disk confirms one small write.

mod cluster;
pub(crate) mod daemon;
mod disk;
mod durable;
mod load;
mod memory;
mod plugin;
mod sizes;

use crate::report::Report;
use anyhow::Result;

type Part = fn(&mut Report, usize) -> Result<()>;

/// `FAIRWAY_BENCH_PARTS` names those that are wanted, all unless told.
const PARTS: &[(&str, Part)] = &[
    ("disk", disk::run),
    ("durable", durable::run),
    ("plugin", plugin::run),
    ("cluster", cluster::run),
    ("memory", memory::run),
    ("sizes", sizes::run),
];

/// All measures, one after the other.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = crate::rounds()?;
    let wanted = std::env::var("FAIRWAY_BENCH_PARTS").ok();
    for (name, part) in PARTS {
        let all = wanted.as_deref();
        if all.is_none_or(|all| all.split([',', ' ']).any(|one| one == *name)) {
            part(report, rounds)?;
        }
    }
    Ok(())
}
