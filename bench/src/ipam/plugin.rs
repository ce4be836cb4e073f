//! A container's network with an address from the daemon, beside the plugins that need none.

use super::daemon::Daemon;
use crate::cni::side::{Side, both};
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::Result;
use fairway_lab::{json, plugin_dir};

const VERBS: [&str; 2] = ["ADD", "DEL"];

/// ADD and DEL of the reference's bridge with its host-local, ours with ours, ours with the daemon.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    println!("  bridge with host-local and with fairway: {rounds} rounds of ADD, DEL …");
    let [reference, files] = both()?;
    let mut asks = Side::new(plugin_dir())?;
    let daemon = Daemon::alone(asks.lab.node(), asks.lab.scratch())?;
    daemon.pool("bench", "10.64.0.0/14", 30)?;
    for (key, value) in [
        ("FAIRWAY_SOCKET", &daemon.socket),
        ("FAIRWAY_STATE_DIR", &daemon.state),
    ] {
        asks.env.push((key, value.into()));
    }
    let fairway = json!({"ipam": {"type": "fairway", "pool": "bench"}});
    let more = [json!({}), json!({}), fairway];
    let sides = [reference, files, asks];
    let mut containers = Vec::new();
    for side in &sides {
        containers.push(side.lab.container()?);
    }
    // [verb][side]
    let mut wall: [[Vec<f64>; 3]; 2] = Default::default();
    // The first round makes the bridge and is not counted.
    for round in 0..=rounds {
        for turn in 0..3 {
            let at = (round + turn) % 3;
            let id = format!("c{round}");
            let mut config = sides[at].config(&more[at]);
            for (verb, name) in VERBS.iter().enumerate() {
                let call = sides[at].call(name, &config, (&id, &containers[at]))?;
                if round > 0 {
                    wall[verb][at].push(call.wall_ms());
                }
                if verb == 0 {
                    config["prevResult"] = call.result;
                }
            }
        }
    }
    for (verb, [reference, files, asks]) in VERBS.into_iter().zip(wall) {
        let target = (verb == "ADD").then_some(0.4);
        for (what, peer, target, theirs) in [
            (
                "the reference",
                "bridge + host-local, reference",
                target,
                reference,
            ),
            (
                "ours with host-local",
                "bridge + host-local, ours",
                None,
                files,
            ),
        ] {
            let measure = Measure {
                name: format!("{verb} (bridge + fairway), to {what}"),
                unit: "ms",
                peer,
                better: Better::Less,
                target,
                theirs: Samples(theirs),
                ours: Samples(asks.clone()),
            };
            measure.tell();
            report.measures.push(measure);
        }
    }
    Ok(())
}
