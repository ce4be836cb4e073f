//! One after the other, each on a machine of its own that nobody was on before.

use super::Plan;
use super::crowd::{self, Crowd, LIMIT, SINK, SPEAKER};
use super::process::{cpu_ms, peak_mib};
use super::side::{Maker, Side};
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_lab::Lab;
use std::time::Duration;

/// What is measured: its name, its unit, what is wanted of it beside BIRD, and beside GoBGP.
const KINDS: [(&str, &str, [Option<f64>; 2]); 3] = [
    ("until all are told", "ms", [Some(1.0), Some(0.1)]),
    ("CPU", "ms", [None, None]),
    ("memory at most", "MiB", [Some(1.0), None]),
];

const MAKERS: [(Maker, &str); 4] = [
    (Maker::Bird, "BIRD"),
    (Maker::Frr, "FRR"),
    (Maker::Gobgp, "GoBGP"),
    (Maker::Ours, "Fairway"),
];

/// Time, CPU time and memory of one.
fn once(maker: Maker, plan: Plan, feeds: &[Vec<u8>]) -> Result<[f64; 3]> {
    let lab = Lab::new()?;
    let (speaker, crowd) = (lab.machine("speaker")?, lab.machine("crowd")?);
    lab.wire(&speaker, "peers", &crowd, "peers")?;
    lab.wire(&speaker, "sink", &crowd, "sink")?;
    let [near, far] = SPEAKER;
    speaker.addr("peers", &format!("{near}/16"))?;
    speaker.addr("sink", &format!("{far}/24"))?;
    for number in 0..plan.peers {
        crowd.addr("peers", &format!("{}/16", crowd::peer(number).address))?;
    }
    crowd.addr("sink", &format!("{}/24", SINK.address))?;
    let side = Side::start(maker, &speaker, plan.peers)?;
    let measure = || {
        let mut crowd = Crowd::join(plan)?;
        let pid = side.pid()?;
        let cpu = || pid.map_or(Ok(f64::NAN), cpu_ms);
        let before = cpu()?;
        let time = crowd.tell(feeds)?;
        if time < LIMIT {
            // Peers, too, are told what others told; that counts as well.
            crowd.settle()?;
        }
        let time = ms(time);
        Ok([time, cpu()? - before, pid.map_or(Ok(f64::NAN), peak_mib)?])
    };
    let measured: Result<[f64; 3]> = crowd.inside(measure)?;
    measured.with_context(|| format!("{maker:?}: {}", side.log()))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// All four.
pub(super) fn run(report: &mut Report, plan: Plan, rounds: usize) -> Result<()> {
    println!("  {}: {rounds} rounds …", plan.name);
    let feeds = crowd::feeds(plan)?;
    // [maker][kind]
    let mut samples: [[Vec<f64>; 3]; 4] = Default::default();
    for round in 0..rounds {
        for turn in 0..MAKERS.len() {
            let at = (round + turn) % MAKERS.len();
            let measured = once(MAKERS[at].0, plan, &feeds)?;
            println!("    {}: {measured:.1?}", MAKERS[at].1);
            for (samples, value) in samples[at].iter_mut().zip(measured) {
                samples.push(value);
            }
        }
    }
    let [others @ .., ours] = &samples;
    for ((_, peer), [times, ..]) in MAKERS.iter().zip(&samples) {
        let late = times.iter().filter(|time| **time >= ms(LIMIT)).count();
        if late > 0 {
            report.notes.push(format!(
                "{}: {peer} had not told all after {LIMIT:?} in {late} of {rounds} rounds. That is its time then; its CPU \
                 time and memory are those by then.",
                plan.name
            ));
        }
    }
    for (kind, (what, unit, [bird, gobgp])) in KINDS.into_iter().enumerate() {
        for ((maker, peer), theirs) in MAKERS.into_iter().zip(others) {
            let measure = Measure {
                name: format!("{}: {what}, to {peer}", plan.name),
                unit,
                peer,
                better: Better::Less,
                target: match maker {
                    Maker::Bird => bird,
                    Maker::Gobgp => gobgp,
                    _ => None,
                },
                theirs: Samples(theirs[kind].clone()),
                ours: Samples(ours[kind].clone()),
            };
            measure.tell();
            report.measures.push(measure);
        }
    }
    Ok(())
}

/// None of them: what the generator takes by itself.
pub(super) fn floor(report: &mut Report, plan: Plan, rounds: usize) -> Result<()> {
    let feeds = crowd::feeds(plan)?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let [time, ..] = once(Maker::Relay, plan, &feeds)?;
        times.push(time);
    }
    let name = format!("{}: passed on by nobody who looks at it", plan.name);
    report.figure(name, "ms", None, times);
    Ok(())
}
