//! One node: how many allocations a second are durable before they are answered.

use super::daemon::Daemon;
use super::load;
use crate::figure::Bound;
use crate::report::Report;
use crate::stats::Samples;
use anyhow::Result;
use fairway_lab::Lab;
use std::time::Duration;

const CLIENTS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);

/// 64 clients allocate and release, where freed addresses come back at once, and where they rest
/// as they do in a pool that nobody changed: then each one is new, and blocks are taken all the time.
pub(crate) fn run(report: &mut Report, _rounds: usize) -> Result<()> {
    let lab = Lab::new()?;
    let daemon = Daemon::alone(lab.node(), lab.scratch())?;
    daemon.pool("again", "10.64.0.0/12", 0)?;
    daemon.pool("rests", "10.128.0.0/10", 30)?;
    for (pool, what) in [
        ("again", "one node, addresses come back at once"),
        ("rests", "one node, addresses rest 30 s"),
    ] {
        println!("  {what}: {ROUNDS} rounds, {CLIENTS} clients allocate and release …");
        let (mut rate, mut p50, mut p99, mut freed) = (vec![], vec![], vec![], vec![]);
        // The first round warms up and is not counted.
        for round in 0..=ROUNDS {
            let first = round << 32;
            let churn = load::churn(&daemon.socket, pool, CLIENTS, ROUND, first)?;
            if round > 0 {
                let [allocate, release] = [churn.allocate, churn.release].map(Samples);
                rate.push(churn.rate);
                p50.push(allocate.median());
                p99.push(allocate.quantile(0.99));
                freed.push(release.quantile(0.99));
            }
        }
        let least = Some(Bound::AtLeast(5000.0));
        let most = Some(Bound::AtMost(20.0));
        report.figure(format!("{what}: allocations"), "/s", least, rate);
        report.figure(format!("{what}: p50"), "ms", None, p50);
        report.figure(format!("{what}: p99"), "ms", most, p99);
        report.figure(format!("{what}: p99 of a release"), "ms", None, freed);
    }
    Ok(())
}
