//! `wires`: packets between containers on two nodes by each type of link, beside those of the nodes themselves.
//!
//! All ways stand at once on wires of the same kind, and are used by turns. What the machine's kernel lacks is
//! measured in a guest, and all else once more there: an emulated CPU's times stand by themselves.

mod bed;

use crate::overlay::{Way, load};
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Value, bin_dir, json, plugin_dir, serde_json};
use fairway_tests_vm::guest::Guest;
use std::fs;
use std::time::Duration;

/// The argument that makes this program the one in the guest.
pub(crate) const CHILD: &str = "wires-in-a-guest";
const HOST: &str = "the nodes themselves";
/// Of ten or so ways, on an emulated CPU.
const A_ROUND: Duration = Duration::from_secs(300);

/// A guest's programs stand in a root of their own, and daemons enter namespaces of mounts, which leads to the guest's
/// first: so that is covered with theirs.
const ROOT: &str = r#"mount --no-canonicalize --rbind / /proc/1/root && exec nsenter --mount=/proc/1/ns/mnt -- "$0" "$@""#;

/// What one way did in each round.
#[derive(Debug)]
struct Done {
    way: String,
    /// TCP's rate in Gbit/s, and a ping's median and 99th part of a hundred in µs.
    samples: [Vec<f64>; 3],
}

/// What is measured of a way.
const WHAT: [(&str, &str, Better); 3] = [
    ("TCP, one stream", "Gbit/s", Better::More),
    ("ping", "µs", Better::Less),
    ("ping, p99", "µs", Better::Less),
];

type Part = fn(&mut Report, usize) -> Result<()>;

/// `FAIRWAY_BENCH_PARTS` names those that are wanted, all unless told.
const PARTS: [(&str, Part); 2] = [("here", here), ("guest", guest)];

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 5).max(5);
    for (name, part) in PARTS {
        if crate::named("FAIRWAY_BENCH_PARTS", name) {
            part(report, rounds)?;
        }
    }
    Ok(())
}

fn here(report: &mut Report, rounds: usize) -> Result<()> {
    bed::on(false, |ways| {
        println!("  {rounds} rounds of {} ways …", ways.len());
        compare(report, "", &measure(ways, rounds)?)
    })
}

/// By turns.
fn measure(ways: &[Way], rounds: usize) -> Result<Vec<Done>> {
    let done = |way: &Way| -> Result<Done> {
        Ok(Done {
            way: load::describe(way)?,
            samples: Default::default(),
        })
    };
    let mut all: Vec<Done> = ways.iter().map(done).collect::<Result<_>>()?;
    for round in 0..rounds {
        for turn in 0..ways.len() {
            let at = (round + turn) % ways.len();
            let way = &ways[at];
            let rate = load::stream(way).with_context(|| way.name)?;
            let delays = Samples(load::delays(way).with_context(|| way.name)?);
            let now = [rate, delays.median(), delays.quantile(0.99)];
            for (samples, value) in all[at].samples.iter_mut().zip(now) {
                samples.push(value);
            }
        }
    }
    Ok(all)
}

/// Each beside the nodes themselves.
fn compare(report: &mut Report, place: &str, all: &[Done]) -> Result<()> {
    let host = all.iter().find(|done| done.way.starts_with(HOST));
    let host = host.context("nobody measured the nodes")?;
    for done in all.iter().filter(|done| !done.way.starts_with(HOST)) {
        for (at, (what, unit, better)) in WHAT.into_iter().enumerate() {
            let measure = Measure {
                name: format!("{what}: {}{place}", done.way),
                unit,
                peer: HOST,
                better,
                target: None,
                theirs: Samples(host.samples[at].clone()),
                ours: Samples(done.samples[at].clone()),
            };
            measure.tell();
            report.measures.push(measure);
        }
    }
    Ok(())
}

fn guest(report: &mut Report, rounds: usize) -> Result<()> {
    let rounds = (rounds / 2).max(3);
    println!("  in a guest: {rounds} rounds …");
    let this = std::env::current_exe()?;
    let (this, rounds_text) = (this.to_string_lossy(), rounds.to_string());
    let mut guest = Guest::new();
    for (name, dir) in [
        ("FAIRWAY_CNI_DIR", plugin_dir()),
        ("FAIRWAY_BIN_DIR", bin_dir()),
    ] {
        guest = guest.env(name, &fs::canonicalize(dir)?.to_string_lossy());
    }
    let deadline = A_ROUND * u32::try_from(rounds)?;
    let mut all = Vec::new();
    let mut hear = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(line) => all.push(from_json(&line)),
        Err(_) => println!("    {line}"),
    };
    let command = ["sh", "-c", ROOT, &this, CHILD, &rounds_text];
    let outcome = guest.run(&command, deadline, &mut hear)?;
    ensure!(outcome.status == 0, "the guest's part: {}", outcome.output);
    compare(report, ", in a guest", &all)
}

/// In the guest.
pub(crate) fn child(rounds: &str) -> Result<Vec<Value>> {
    let rounds = rounds.parse().context("rounds")?;
    let mut told = Vec::new();
    bed::on(true, |ways| {
        let done = measure(ways, rounds)?;
        told.extend(
            done.iter()
                .map(|done| json!({"way": done.way, "samples": done.samples})),
        );
        Ok(())
    })?;
    Ok(told)
}

fn from_json(line: &Value) -> Done {
    let numbers = |list: &Value| {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(Value::as_f64).collect()
    };
    Done {
        way: line["way"].as_str().unwrap_or_default().to_owned(),
        samples: [0, 1, 2].map(|at| numbers(&line["samples"][at])),
    }
}
