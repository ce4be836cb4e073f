//! Many containers at once, as when a node starts: 200, of which 32 at a time.

use super::{note, side};
use crate::report::Report;
use anyhow::{Result, ensure};
use fairway_lab::{Ns, Value, json};
use side::Side;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

const CONTAINERS: usize = 200;
const AT_A_TIME: usize = 32;

/// From the first start to the last end; a failure, or an address given out twice, ends the run.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    println!("  burst: {rounds} rounds of {CONTAINERS} containers, {AT_A_TIME} at a time …");
    let sides = side::both()?;
    let mut spaces: [Vec<Ns>; 2] = Default::default();
    for (side, spaces) in sides.iter().zip(&mut spaces) {
        for _ in 0..CONTAINERS {
            spaces.push(side.lab.container()?);
        }
    }
    let mut seconds: [Vec<f64>; 2] = Default::default();
    for round in 0..rounds {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let config = sides[at].config(&json!({}));
            let begin = Instant::now();
            let added = all(&sides[at], "ADD", &config, &spaces[at])?;
            seconds[at].push(begin.elapsed().as_secs_f64());
            unique(&added)?;
            all(&sides[at], "DEL", &config, &spaces[at])?;
        }
    }
    note(report, "200 ADDs, 32 at a time", "s", Some(0.35), seconds);
    Ok(())
}

/// The same call for all containers.
fn all(side: &Side, verb: &str, config: &Value, spaces: &[Ns]) -> Result<Vec<Value>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<Value>> {
        let mut results = Vec::new();
        while let Some((at, ns)) = spaces
            .iter()
            .enumerate()
            .nth(next.fetch_add(1, Ordering::Relaxed))
        {
            results.push(
                side.call_here(verb, config, (&format!("b{at}"), ns))?
                    .result,
            );
        }
        Ok(results)
    };
    let in_node = || side.lab.node().inside(worker);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(in_node)).collect();
        let mut results = Vec::new();
        for worker in workers {
            let done = worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            results.extend(done??);
        }
        Ok(results)
    })
}

fn unique(results: &[Value]) -> Result<()> {
    let addresses = results
        .iter()
        .map(|result| result["ips"][0]["address"].as_str());
    let addresses: HashSet<_> = addresses.collect();
    let different = addresses.len() == CONTAINERS && !addresses.contains(&None);
    ensure!(
        different,
        "{CONTAINERS} containers have {} addresses",
        addresses.len()
    );
    Ok(())
}
