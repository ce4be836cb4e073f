//! TCP under limits: how near to the limit, how soon, how long a ping takes meanwhile, what was sent again, and what it
//! costs the machine.
//!
//! Slow loads run four at once, since together they are next to nothing for the machine; of these nobody counts
//! what they cost.

use super::bed::{self, Lane, Limit, Way};
use super::tell;
use crate::report::Report;
use anyhow::{Context as _, Result};
use fairway_lab::traffic::{Pings, Rates};
use std::fs;

/// Slow limits, in Mbit/s: their loads run at once.
const SLOW: [u64; 2] = [1, 10];
/// Each load by itself.
const FAST: [u64; 2] = [100, 1000];
/// Connections at once.
const FLOWS: [u32; 2] = [1, 8];
/// The kernel's unit of processor time.
const TICKS: f64 = 100.0;

/// What one load was like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Of the limit, over all of the time.
    pub(super) whole: f64,
    /// In the first second.
    pub(super) first: f64,
    /// A ping inside the limited container, in ms: the median, and the slowest of a hundred.
    pub(super) ping: [f64; 2],
    /// Of a thousand segments, how many were sent again.
    pub(super) again: f64,
    /// Processor seconds of the whole machine for a gigabyte of frames, where the load ran by itself.
    pub(super) cost: Option<f64>,
}

/// One case on both sides: the reference's samples, then ours.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) limit: Limit,
    pub(super) flows: u32,
    pub(super) done: [Vec<Sample>; 2],
}

/// All stand at once and take turns.
pub(super) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 20).max(1);
    let both = |megabits| Way::BOTH.map(|way| Limit { megabits, way });
    let limits: Vec<Limit> = SLOW.into_iter().chain(FAST).flat_map(both).collect();
    let slow = SLOW.len() * Way::BOTH.len();
    let turns = std::iter::once(0..slow).chain((slow..limits.len()).map(|at| at..at + 1));
    let turns: Vec<_> = turns.collect();
    let beds = bed::both(&limits)?;
    println!(
        "  {rounds} rounds of {} loads …",
        limits.len() * FLOWS.len() * 2
    );
    let mut cases: Vec<Case> = Vec::new();
    for flows in FLOWS {
        cases.extend(limits.iter().map(|limit| Case {
            limit: *limit,
            flows,
            done: Default::default(),
        }));
    }
    for round in 0..rounds {
        for (part, flows) in FLOWS.into_iter().enumerate() {
            for turn in &turns {
                for order in 0..2 {
                    let side = (round + order) % 2;
                    let samples = at_once(&beds[side].lanes[turn.clone()], flows)?;
                    let first = part * limits.len() + turn.start;
                    for (case, sample) in cases[first..].iter_mut().zip(samples) {
                        case.done[side].push(sample);
                    }
                }
            }
        }
    }
    tell::all(report, &cases);
    Ok(())
}

/// The loads of these lanes; what the machine did for them is told where there is one.
fn at_once(lanes: &[Lane], flows: u32) -> Result<Vec<Sample>> {
    let before = busy()?;
    let begun: Result<Vec<_>> = lanes
        .iter()
        .map(|lane| {
            Ok((
                Pings::start(&lane.limited, lane.other())?,
                lane.load(flows).start()?,
            ))
        })
        .collect();
    let mut ended = Vec::new();
    for (pings, load) in begun? {
        let rates = load.end()?;
        ended.push((pings.end()?, rates));
    }
    let used = busy()? - before;
    let one = lanes.len() == 1;
    let samples = lanes.iter().zip(ended).map(|(lane, (pings, rates))| {
        let limit = lane.limit.megabits as f64 * 1e6;
        let cost = one.then(|| used / (bits(&rates) / 8e9));
        sample(limit, &pings, &rates, cost)
    });
    Ok(samples.collect())
}

fn sample(limit: f64, pings: &[f64], rates: &Rates, cost: Option<f64>) -> Sample {
    // They come in ascending order.
    let ping = |part: usize| pings[(pings.len() * part / 100).min(pings.len() - 1)];
    Sample {
        whole: rates.whole() / limit,
        first: rates.first() / limit,
        ping: [ping(50), ping(99)],
        again: rates.retransmitted() * 1e3,
        cost,
    }
}

fn bits(rates: &Rates) -> f64 {
    rates.tenths.iter().map(|one| one.bits).sum()
}

/// Seconds that the machine's processors were not idle, since it began.
fn busy() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("/proc/stat is empty")?;
    // user, nice, system, idle, iowait, irq, softirq: what comes after was not ours.
    let fields: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|at| fields.get(*at));
    Ok(busy.sum::<f64>() / TICKS)
}
