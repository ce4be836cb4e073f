//! What the daemon holds in memory with 10,000 containers on its node.

use super::daemon::Daemon;
use super::load;
use crate::figure::Bound;
use crate::report::Report;
use anyhow::Result;
use fairway_lab::Lab;
use std::path::Path;

const ADDRESSES: usize = 10_000;

/// Before and after; `load` checks that no address is given twice.
pub(crate) fn run(report: &mut Report, _rounds: usize) -> Result<()> {
    let lab = Lab::new()?;
    let daemon = Daemon::alone(lab.node(), lab.scratch())?;
    daemon.pool("bench", "10.64.0.0/14", 30)?;
    let empty = daemon.memory()?;
    let socket: &Path = &daemon.socket;
    load::fill(&[socket], "bench", (32, ADDRESSES), 0)?;
    let full = daemon.memory()?;
    let most = Some(Bound::AtMost(40.0));
    let mut figure = |name: &str, bound, value| report.figure(name, "MiB", bound, vec![value]);
    figure("fairwayd's memory, no address", None, empty.resident);
    figure("fairwayd's memory, 10,000 addresses", most, full.resident);
    figure("… without its program's text", None, full.own);
    Ok(())
}
