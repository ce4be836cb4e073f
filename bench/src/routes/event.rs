//! Links that are nobody's come and go: what the daemon's look at them takes.

use super::{ROUNDS, process};
use crate::report::Report;
use anyhow::Result;
use fairway_tests_cluster::Bed;

const PAIRS: usize = 20;

/// Veth pairs, made and deleted one after the other.
pub(super) fn run(report: &mut Report, bed: &Bed) -> Result<()> {
    let daemon = bed.node(1);
    let script = "ip link add x0 type veth peer name x1; ip link del x0\n".repeat(PAIRS);
    let mut used = Vec::new();
    for _ in 0..ROUNDS {
        let before = process::idle(daemon)?;
        daemon.ns.sh(&script)?;
        used.push((process::idle(daemon)? - before) / PAIRS as f64);
    }
    report.figure("a pair of links comes and goes: CPU time", "ms", None, used);
    Ok(())
}
