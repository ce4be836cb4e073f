//! One container at a time: ADD, CHECK and DEL, by turns.

use super::{note, side};
use crate::report::Report;
use anyhow::Result;
use fairway_lab::json;

const VERBS: [&str; 3] = ["ADD", "CHECK", "DEL"];

/// Wall and CPU time of each verb, with and without masquerading.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    for (what, masquerade) in [("bridge", false), ("bridge, ipMasq", true)] {
        println!("  {what}: {rounds} rounds of ADD, CHECK, DEL …");
        let sides = side::both()?;
        let containers = [sides[0].lab.container()?, sides[1].lab.container()?];
        let configs = sides
            .each_ref()
            .map(|side| side.config(&json!({"ipMasq": masquerade})));
        // [verb][side]
        let mut wall: [[Vec<f64>; 2]; 3] = Default::default();
        let mut cpu: [[Vec<f64>; 2]; 3] = Default::default();
        // The first round makes the bridge and is not counted.
        for round in 0..=rounds {
            for turn in 0..2 {
                let at = (round + turn) % 2;
                let id = format!("c{round}");
                let mut config = configs[at].clone();
                for (verb, name) in VERBS.iter().enumerate() {
                    let call = sides[at].call(name, &config, (&id, &containers[at]))?;
                    if round > 0 {
                        wall[verb][at].push(call.wall_ms());
                        cpu[verb][at].push(call.cpu_ms());
                    }
                    if verb == 0 {
                        config["prevResult"] = call.result;
                    }
                }
            }
        }
        for (verb, samples) in wall.into_iter().enumerate() {
            let target = [0.25, 0.25, 0.6][verb];
            note(
                report,
                format!("{} ({what})", VERBS[verb]),
                "ms",
                Some(target),
                samples,
            );
        }
        for (verb, samples) in cpu.into_iter().enumerate() {
            let name = format!("CPU of {} ({what})", VERBS[verb]);
            note(report, name, "ms", Some(0.25), samples);
        }
    }
    Ok(())
}
