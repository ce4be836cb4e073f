//! `policy`: what verdicts cost, how soon a change is in the kernel, and what packets pay for it.
//!
//! `FAIRWAY_BENCH_PARTS` picks from `verdict compile cluster daemon filter wire`.

mod cluster;
mod compile;
mod connect;
mod crowd;
mod daemon;
mod filter;
mod frame;
mod kernel;
mod maps;
mod verdict;
mod wire;
mod world;

use crate::report::Report;
use anyhow::Result;

pub(crate) use cluster::{CHILD, child};

/// (name, its run)
type Part = (&'static str, fn(&mut Report) -> Result<()>);

const PARTS: &[Part] = &[
    ("verdict", verdict::run),
    ("compile", compile::run),
    ("cluster", cluster::run),
    ("daemon", daemon::run),
    ("filter", filter::run),
    ("wire", wire::run),
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
