//! `pods`: what of a pod's start is its network, and what the daemon takes when 250 of them run.
//!
//! Runtimes write to fixed paths and leave processes behind, so all of it is done on a private host as the interop suite has
//! it: this program starts itself there once more, and is told the samples. Nothing of it outlives that host.
//!
//! `FAIRWAY_BENCH_PARTS` picks from `start flight rest`.

mod calls;
mod flight;
mod floor;
mod overlay;
mod raw;
mod rest;
mod sides;
mod start;
mod tell;

use crate::report::Report;
use anyhow::{Result, ensure};
use fairway_tests_interop::host::{self, Host};
use raw::Raw;
use std::process::Stdio;
use std::time::Duration;

/// The argument that makes this program the one on the private host.
pub(crate) const CHILD: &str = "pods-on-a-private-host";

/// So many pods on one node.
const PODS: usize = 250;
/// So many of them at a time.
const AT_A_TIME: usize = 32;

/// One after the other, as long as nobody else is at work, a round takes four minutes.
const A_ROUND: Duration = Duration::from_secs(900);

type Part = fn(&Host, usize, &mut Raw) -> Result<()>;

const PARTS: &[(&str, Part)] = &[
    ("start", start::run),
    ("flight", flight::run),
    ("rest", rest::run),
];

/// All parts, or those that were asked for.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 8).max(3);
    println!("  {rounds} rounds …");
    let limit = A_ROUND * u32::try_from(rounds + 1)?;
    let args = [CHILD, &rounds.to_string()];
    let done = host::start_again(&args, limit, Stdio::inherit())?;
    ensure!(done.status.success(), "{done}");
    tell::all(&Raw::read(&done.stdout)?, report);
    Ok(())
}

/// What is done on the private host: the samples, as one line.
pub(crate) fn child(rounds: &str) -> Result<Vec<String>> {
    let rounds = rounds.parse()?;
    let raw = host::inside(|host| {
        let mut raw = Raw::default();
        for (name, part) in PARTS {
            if crate::named("FAIRWAY_BENCH_PARTS", name) {
                part(host, rounds, &mut raw)?;
            }
        }
        Ok(raw)
    })?;
    Ok(vec![raw.line()])
}
