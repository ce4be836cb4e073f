//! `rates`: limits beside the reference's bandwidth plugin, and what a packet pays for them where there are many.
//!
//! `FAIRWAY_BENCH_PARTS` picks from `load time paths free program`.

mod bed;
mod load;
mod paths;
mod program;
mod tell;
mod time;

use crate::report::Report;
use anyhow::Result;

/// (name, its run)
type Part = (&'static str, fn(&mut Report) -> Result<()>);

const PARTS: &[Part] = &[
    ("load", load::run),
    ("time", time::run),
    ("paths", paths::run),
    ("free", paths::free),
    ("program", program::run),
];

/// All parts, or those that were asked for.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let parts = std::env::var("FAIRWAY_BENCH_PARTS").unwrap_or_default();
    let wanted = |name| parts.is_empty() || parts.split([',', ' ']).any(|part| part == name);
    for (_, part) in PARTS.iter().filter(|(name, _)| wanted(*name)) {
        part(report)?;
    }
    Ok(())
}
