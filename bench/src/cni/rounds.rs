//! One container at a time: ADD, CHECK and DEL, by turns.

use super::{note, side};
use crate::report::Report;
use anyhow::Result;
use fairway_lab::{Value, json};

const VERBS: [&str; 3] = ["ADD", "CHECK", "DEL"];

/// What is measured: a name, keys, and the shares of the reference's time that are aimed at, by verb and of CPU time.
fn cases() -> [(&'static str, Value, [f64; 4]); 4] {
    let [pair, link] = [[0.25, 0.25, 0.6, 0.25], [0.3, 0.3, 0.6, 0.3]];
    [
        ("bridge", json!({"ipMasq": false}), pair),
        ("bridge, ipMasq", json!({"ipMasq": true}), pair),
        ("macvlan", json!({"type": "macvlan", "master": "up0"}), link),
        (
            "host-device",
            json!({"type": "host-device", "device": "up0"}),
            link,
        ),
    ]
}

/// A link for the types that need one.
fn wire(side: &side::Side) -> Result<()> {
    let script = "ip link add up0 type veth peer name far; ip link set up0 up; ip link set far up";
    side.lab.node().sh(script)?;
    Ok(())
}

/// Wall and CPU time of each verb.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    for (what, keys, targets) in cases() {
        println!("  {what}: {rounds} rounds of ADD, CHECK, DEL …");
        let sides = side::both()?;
        let containers = [sides[0].lab.container()?, sides[1].lab.container()?];
        let configs = sides.each_ref().map(|side| side.config(&keys));
        sides.iter().try_for_each(wire)?;
        // [verb][side]
        let mut wall: [[Vec<f64>; 2]; 3] = Default::default();
        let mut cpu: [[Vec<f64>; 2]; 3] = Default::default();
        // The first round makes what is the node's, such as a bridge, and is not counted.
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
            note(
                report,
                format!("{} ({what})", VERBS[verb]),
                "ms",
                Some(targets[verb]),
                samples,
            );
        }
        for (verb, samples) in cpu.into_iter().enumerate() {
            let name = format!("CPU of {} ({what})", VERBS[verb]);
            note(report, name, "ms", Some(targets[3]), samples);
        }
    }
    Ok(())
}
