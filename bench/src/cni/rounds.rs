//! One container at a time: ADD, CHECK and DEL of each type, by turns.

use super::cases::{Case, here};
use super::note_beside;
use super::side::Side;
use crate::report::Report;
use anyhow::{Context as _, Result};
use fairway_lab::{Ns, Value, json, plugin_dir, reference_dir, tempfile};
use std::path::PathBuf;

const VERBS: [&str; 3] = ["ADD", "CHECK", "DEL"];

/// One line of the table to be.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// The share that is aimed at.
    pub(crate) target: Option<f64>,
    pub(crate) peer: &'static str,
    /// In ms, the peer's first.
    pub(crate) samples: [Vec<f64>; 2],
}

/// Wall and CPU time of each verb. `FAIRWAY_BENCH_TYPES` names those that are wanted.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    for case in wanted(here()) {
        let rounds = match case.slow {
            true => (rounds / 8).max(3),
            false => rounds,
        };
        println!("  {}: {rounds} rounds of ADD, CHECK, DEL …", case.name);
        let dirs = [reference_dir(), plugin_dir()];
        for line in measure(&case, rounds, dirs).with_context(|| case.name)? {
            note_beside(
                report,
                line.peer,
                line.name,
                "ms",
                line.target,
                line.samples,
            );
        }
    }
    Ok(())
}

/// Those whose name begins with a word that was asked for.
pub(crate) fn wanted(cases: Vec<Case>) -> impl Iterator<Item = Case> {
    let is_wanted = |case: &Case| {
        let word = case.name.split([',', ' ']).next();
        word.is_some_and(|word| crate::named("FAIRWAY_BENCH_TYPES", word))
    };
    cases.into_iter().filter(is_wanted)
}

/// What one plugin of a list took in one round, in ms: wall and CPU time by verb.
type Took = [[f64; 3]; 2];

/// By turns; the first round makes what is the node's, such as a bridge, and is not counted.
pub(crate) fn measure(case: &Case, rounds: usize, dirs: [PathBuf; 2]) -> Result<Vec<Line>> {
    let [theirs, ours] = dirs.map(Side::new);
    let sides = [theirs?, ours?];
    let containers = [sides[0].lab.container()?, sides[1].lab.container()?];
    // Where plugins keep such things unless told: in memory.
    let run = || {
        tempfile::Builder::new()
            .prefix("fairway-bench-")
            .tempdir_in("/run")
    };
    let runs = [run()?, run()?];
    let mut configs = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        side.lab.node().sh(case.node)?;
        let run = runs[at].path().to_string_lossy();
        configs.push(case.configs(at, &side.data().to_string_lossy(), &run));
    }
    // [side][round][plugin]
    let mut took: [Vec<Vec<Took>>; 2] = Default::default();
    for round in 0..=rounds {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            let id = format!("c{round}");
            let life = life(case, &sides[at], &configs[at], (&id, &containers[at]))?;
            if round > 0 {
                took[at].push(life);
            }
        }
    }
    Ok(lines(case, &took))
}

/// From ADD to DEL, as a runtime calls a list.
fn life(case: &Case, side: &Side, configs: &[Value], container: (&str, &Ns)) -> Result<Vec<Took>> {
    let mut took = vec![Took::default(); configs.len()];
    let mut prev = Value::Null;
    for (verb, name) in VERBS.iter().enumerate() {
        if *name == "CHECK" && !case.checks {
            continue;
        }
        let mut order: Vec<usize> = (0..configs.len()).collect();
        if *name == "DEL" {
            order.reverse();
        }
        for at in order {
            let mut config = configs[at].clone();
            if !prev.is_null() {
                config["prevResult"] = prev.clone();
            }
            let call = side.call(name, &config, container)?;
            took[at][0][verb] = call.wall_ms();
            took[at][1][verb] = call.cpu_ms();
            if *name == "ADD" {
                prev = call.result;
            }
        }
    }
    Ok(took)
}

fn lines(case: &Case, took: &[Vec<Vec<Took>>; 2]) -> Vec<Line> {
    let last = case.list.len() - 1;
    let mut parts = vec![(case.name.to_owned(), last..last + 1)];
    if last > 0 {
        let kinds = case.list.iter().filter_map(|keys| keys["type"].as_str());
        let kinds: Vec<&str> = kinds.collect();
        let all = format!("{}: the list {}", case.name, kinds.join(" + "));
        parts.push((all, 0..last + 1));
    }
    let mut lines = Vec::new();
    for (name, plugins) in parts {
        for (what, prefix) in ["", "CPU of "].iter().enumerate() {
            for (verb, called) in VERBS.iter().enumerate() {
                if *called == "CHECK" && !case.checks {
                    continue;
                }
                let sum =
                    |life: &Vec<Took>| life[plugins.clone()].iter().map(|p| p[what][verb]).sum();
                let share = if what == 0 { verb } else { 3 };
                lines.push(Line {
                    name: format!("{prefix}{called} ({name})"),
                    target: case.shares.map(|shares| shares[share]),
                    peer: case.peer,
                    samples: took.each_ref().map(|lives| lives.iter().map(sum).collect()),
                });
            }
        }
    }
    lines
}

impl Line {
    /// For the way out of a guest.
    pub(crate) fn to_json(&self) -> Value {
        json!({"name": self.name, "target": self.target, "peer": self.peer, "samples": self.samples})
    }
}
