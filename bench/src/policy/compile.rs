//! From policies to maps: many rules at once, and one of them changed.

use super::kernel::Kernel;
use super::verdict::server;
use super::world::{Case, PORT, SIZES, read};
use crate::figure::Bound;
use crate::report::Report;
use crate::routes::process;
use crate::stats::Samples;
use anyhow::{Result, ensure};
use std::time::Instant;

const ROUNDS: usize = 9;
const CHANGES: u32 = 300;

/// Each round on empty maps.
pub(super) fn run(report: &mut Report) -> Result<()> {
    let size = SIZES[SIZES.len() - 1];
    for case in Case::all(size) {
        all(report, case)?;
        one(report, case)?;
    }
    Ok(())
}

fn all(report: &mut Report, case: Case) -> Result<()> {
    let (mut reading, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let text = case.policy(None).to_string();
        let endpoints = case.endpoints();
        let mut kernel = Kernel::new()?;
        server(&mut kernel, case);
        kernel.learn(endpoints)?;
        let begun = Instant::now();
        let policy = read(text.parse()?)?;
        reading.push(ms(begun));
        let changes = kernel.learn([policy])?;
        whole.push(ms(begun));
        ensure!(changes > size_of(case), "{changes} changes");
    }
    let name = format!("{} rules {}: all in the kernel", case.size, case.name());
    report.figure(name, "ms", Some(Bound::AtMost(1000.0)), whole);
    report.figure("… of it reading the policy", "ms", None, reading);
    Ok(())
}

fn size_of(case: Case) -> usize {
    case.size as usize
}

/// Each change is the whole policy anew, as whoever changes it sends it.
fn one(report: &mut Report, case: Case) -> Result<()> {
    let mut kernel = Kernel::new()?;
    server(&mut kernel, case);
    kernel.learn(case.inputs()?)?;
    let (mut reading, mut whole, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    let mut used = Vec::new();
    for turn in 0..CHANGES {
        // A number without a factor in common with the rules', so that they are all over the policy.
        let at = turn * 7_919 % case.size;
        let text = case.policy(Some((at, PORT + 1))).to_string();
        let (begun, before) = (Instant::now(), process::own_ms()?);
        let policy = read(text.parse()?)?;
        reading.push(ms(begun));
        changes.push(kernel.learn([policy])? as f64);
        whole.push(ms(begun));
        used.push(process::own_ms()? - before);
    }
    let p99 = vec![Samples(whole.clone()).quantile(0.99)];
    let name = format!("one of {} rules {} changed", case.size, case.name());
    let bound = || Some(Bound::AtMost(50.0));
    report.figure(&name, "ms", bound(), whole);
    report.figure(format!("{name}: p99"), "ms", bound(), p99);
    report.figure("… of it reading the policy", "ms", None, reading);
    report.figure("… CPU time", "ms", None, used);
    report.figure("… changes of maps", "changes", None, changes);
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
