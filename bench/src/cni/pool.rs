//! A pool with 50,000 addresses taken beside an empty one.

use super::side;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::Result;
use fairway_lab::{json, plugin_dir, reference_dir};
use side::Side;
use std::fs;
use std::net::Ipv4Addr;

const TAKEN: u32 = 50_000;
/// The first address that the config of [`Side::config`] gives out.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 64, 0, 2);
/// The reference reads every file at every call.
const REFERENCE_ROUNDS: usize = 5;

/// Ours against ours, and for the record the reference's against itself.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    let ours = ("ours", plugin_dir(), rounds, Some(1.5));
    let reference = ("reference", reference_dir(), REFERENCE_ROUNDS, None);
    for (whose, dir, rounds, target) in [ours, reference] {
        println!("  {TAKEN} addresses taken, {whose}: {rounds} rounds …");
        let sides = [Side::new(dir.clone())?, Side::new(dir)?];
        fill(&sides[1])?;
        let containers = [sides[0].lab.container()?, sides[1].lab.container()?];
        // [verb][side]
        let mut wall: [[Vec<f64>; 2]; 2] = Default::default();
        // The first round makes the bridge, and with ours the index of what is there.
        for round in 0..=rounds {
            for turn in 0..2 {
                let at = (round + turn) % 2;
                let config = sides[at].config(&json!({}));
                for (verb, name) in ["ADD", "DEL"].iter().enumerate() {
                    let id = format!("p{round}");
                    let call = sides[at].call(name, &config, (&id, &containers[at]))?;
                    if round > 0 {
                        wall[verb][at].push(call.wall_ms());
                    } else if at == 1 {
                        println!("    first {name}: {:.1} ms", call.wall_ms());
                    }
                }
            }
        }
        for ([empty, full], name) in wall.into_iter().zip(["ADD", "DEL"]) {
            let measure = Measure {
                name: format!("{name}, 50,000 taken or none, {whose}"),
                unit: "ms",
                peer: "the same plugin with an empty pool",
                better: Better::Less,
                target,
                theirs: Samples(empty),
                ours: Samples(full),
            };
            measure.tell();
            report.measures.push(measure);
        }
    }
    Ok(())
}

/// Writes the files as the reference writes them.
fn fill(side: &Side) -> Result<()> {
    let folder = side.data().join("net");
    fs::create_dir_all(&folder)?;
    let mut last = String::new();
    for at in 0..TAKEN {
        last = Ipv4Addr::from_bits(FIRST.to_bits() + at).to_string();
        fs::write(folder.join(&last), format!("taken{at}\r\neth0"))?;
    }
    Ok(fs::write(folder.join("last_reserved_ip.0"), last)?)
}
