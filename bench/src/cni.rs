//! `cni`: what a container's network costs, with our plugins and with the reference's.

pub(crate) mod burst;
mod cases;
mod floor;
pub(crate) mod guest;
pub(crate) mod many;
mod memory;
mod pool;
mod rounds;
pub(crate) mod side;

use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::Result;

const REFERENCE: &str = "reference";

type Part = fn(&mut Report, usize) -> Result<()>;

/// `FAIRWAY_BENCH_PARTS` names those that are wanted, all unless told.
const PARTS: &[(&str, Part)] = &[
    ("types", rounds::run),
    ("guest", guest::run),
    ("floor", floor::run),
    ("memory", |report, _| memory::run(report)),
    ("burst", |report, rounds| {
        burst::run(report, (rounds / 8).max(3))
    }),
    ("pool", pool::run),
];

/// All measures, one after the other.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = crate::rounds()?;
    for (name, part) in PARTS {
        if crate::named("FAIRWAY_BENCH_PARTS", name) {
            part(report, rounds)?;
        }
    }
    Ok(())
}

/// Adds a measure and tells how it went.
fn note(
    report: &mut Report,
    name: impl Into<String>,
    unit: &'static str,
    target: Option<f64>,
    samples: [Vec<f64>; 2],
) {
    note_beside(report, REFERENCE, name.into(), unit, target, samples);
}

/// The same, beside somebody else.
fn note_beside(
    report: &mut Report,
    peer: &'static str,
    name: String,
    unit: &'static str,
    target: Option<f64>,
    [theirs, ours]: [Vec<f64>; 2],
) {
    let measure = Measure {
        name,
        unit,
        peer,
        better: Better::Less,
        target,
        theirs: Samples(theirs),
        ours: Samples(ours),
    };
    measure.tell();
    report.measures.push(measure);
}
