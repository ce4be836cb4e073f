//! Many containers at once, as when a node starts: 200, of which 32 at a time.

use super::many::all;
use super::{note, side};
use crate::report::Report;
use anyhow::{Result, ensure};
use fairway_lab::{Ns, json};
use side::Call;
use std::collections::HashSet;
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
            let added = all(&sides[at], ("ADD", "b"), &config, &spaces[at], AT_A_TIME)?;
            seconds[at].push(begin.elapsed().as_secs_f64());
            unique(&added, CONTAINERS)?;
            all(&sides[at], ("DEL", "b"), &config, &spaces[at], AT_A_TIME)?;
        }
    }
    note(report, "200 ADDs, 32 at a time", "s", Some(0.35), seconds);
    Ok(())
}

/// As many calls as containers gave as many addresses.
pub(crate) fn unique(calls: &[Call], containers: usize) -> Result<()> {
    let addresses = calls
        .iter()
        .map(|call| call.result["ips"][0]["address"].as_str());
    let addresses: HashSet<_> = addresses.collect();
    let different = addresses.len() == containers && !addresses.contains(&None);
    ensure!(
        different,
        "{containers} containers have {} addresses",
        addresses.len()
    );
    Ok(())
}
