//! `cni`: what a container's network costs, with our plugins and with the reference's.

mod burst;
mod floor;
mod memory;
mod pool;
mod rounds;
pub(crate) mod side;

use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::Result;

const REFERENCE: &str = "reference";

/// All measures, one after the other.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = crate::rounds()?;
    rounds::run(report, rounds)?;
    floor::run(report, rounds)?;
    memory::run(report)?;
    burst::run(report, (rounds / 8).max(3))?;
    pool::run(report, rounds)
}

/// Adds a measure and tells how it went.
fn note(
    report: &mut Report,
    name: impl Into<String>,
    unit: &'static str,
    target: Option<f64>,
    [theirs, ours]: [Vec<f64>; 2],
) {
    let measure = Measure {
        name: name.into(),
        unit,
        peer: REFERENCE,
        better: Better::Less,
        target,
        theirs: Samples(theirs),
        ours: Samples(ours),
    };
    measure.tell();
    report.measures.push(measure);
}
