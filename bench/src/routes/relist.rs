//! The daemon misses what the kernel tells, and lists all anew.
//!
//! It is stopped while more happens than its socket holds. What it takes includes reading what it did not
//! miss, some 6,000 changes of others; what the list alone takes is measured apart.

use super::{ROUNDS, process};
use crate::report::Report;
use anyhow::Result;
use fairway_tests_cluster::Bed;
use nix::sys::signal::Signal;
use std::fmt::Write as _;

/// More than fit.
const MISSED: usize = 60_000;

/// In a table that is nobody's.
pub(super) fn run(report: &mut Report, bed: &Bed) -> Result<()> {
    println!("  {ROUNDS} times it misses {MISSED} changes …");
    let daemon = bed.node(1);
    let mut batch = String::new();
    for verb in ["add", "del"] {
        for n in 0..MISSED / 2 {
            let _ = writeln!(
                batch,
                "route {verb} blackhole 10.0.{}.{}/32 table 999",
                n / 256,
                n % 256
            );
        }
    }
    let path = bed.lab.scratch().join("batch");
    std::fs::write(&path, batch)?;
    let line = format!("ip -batch {}", path.display());
    let mut used = Vec::new();
    for _ in 0..ROUNDS {
        let before = process::idle(daemon)?;
        daemon.signal(Signal::SIGSTOP)?;
        let done = daemon.ns.run(&line);
        daemon.signal(Signal::SIGCONT)?;
        done?;
        used.push(process::idle(daemon)? - before);
    }
    report.figure("the daemon missed changes: CPU time", "ms", None, used);
    Ok(())
}
