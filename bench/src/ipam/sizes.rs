//! A large pool beside a small one, in the same daemon.

use super::daemon::Daemon;
use super::load;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::Result;
use fairway_lab::Lab;
use std::path::Path;

const TAKEN: usize = 50_000;
/// Requests a round: one alone says little.
const EACH: usize = 10;
const SMALL: &str = "small";

/// Against a /24: an empty /12, an IPv6 /64, a /12 with 50,000 addresses taken.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    let lab = Lab::new()?;
    let daemon = Daemon::alone(lab.node(), lab.scratch())?;
    daemon.pool(SMALL, "10.1.0.0/24", 0)?;
    daemon.pool("large", "10.16.0.0/12", 0)?;
    daemon.pool("six", "fd10::/64", 0)?;
    compare(report, &daemon, ("large", "/12 or /24"), rounds)?;
    compare(report, &daemon, ("six", "IPv6 /64 or /24"), rounds)?;
    println!("  taking {TAKEN} addresses …");
    let socket: &Path = &daemon.socket;
    load::fill(&[socket], "large", (64, TAKEN), 1 << 32)?;
    let what = "/12 with 50,000 taken or /24";
    compare(report, &daemon, ("large", what), rounds)
}

/// One client, in turns.
fn compare(
    report: &mut Report,
    daemon: &Daemon,
    (pool, what): (&str, &str),
    rounds: usize,
) -> Result<()> {
    let mut client = daemon.client()?;
    // [verb][pool]
    let mut times: [[Vec<f64>; 2]; 2] = Default::default();
    for round in 0..=rounds {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            for number in 0..EACH {
                // No other run has clients of that number.
                let who = (usize::MAX - at, round * EACH + number);
                let (took, _) = load::allocate(&mut client, [SMALL, pool][at], who)?;
                let freed = load::release(&mut client, who)?;
                if round > 0 {
                    times[0][at].push(took);
                    times[1][at].push(freed);
                }
            }
        }
    }
    for (verb, [small, large]) in ["allocate", "release"].into_iter().zip(times) {
        let measure = Measure {
            name: format!("{verb}, {what}"),
            unit: "ms",
            peer: "a /24 in the same daemon",
            better: Better::Less,
            target: Some(1.25),
            theirs: Samples(small),
            ours: Samples(large),
        };
        measure.tell();
        report.measures.push(measure);
    }
    Ok(())
}
