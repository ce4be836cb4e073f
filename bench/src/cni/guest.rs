//! Types that the machine's kernel lacks, in a guest that has them.
//!
//! This program runs there as well, and tells what it measured, one line of JSON each. The CPU is emulated, some twenty
//! times slower, and not by the same factor for everything: ratios say something, times do not.

use super::rounds::{self, Line};
use super::{cases, note_beside, side};
use crate::report::Report;
use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Value, plugin_dir, reference_dir, serde_json};
use fairway_tests_vm::guest::Guest;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The argument that makes this program the one in the guest.
pub(crate) const CHILD: &str = "cni-in-a-guest";
/// An emulated CPU takes its time, and more where it has company.
const A_ROUND: Duration = Duration::from_secs(60);
/// Fewer than on the machine: each takes twenty times as long.
const PART: usize = 3;

/// Boots a guest and notes what it tells.
pub(crate) fn run(report: &mut Report, rounds: usize) -> Result<()> {
    let rounds = (rounds / PART).max(2);
    let cases: Vec<_> = rounds::wanted(cases::in_a_guest()).collect();
    if cases.is_empty() {
        return Ok(());
    }
    println!("  in a guest: {rounds} rounds of {} types …", cases.len());
    let this = std::env::current_exe()?;
    let (this, rounds_text) = (this.to_string_lossy(), rounds.to_string());
    let mut guest = Guest::new();
    for (name, dir) in [
        ("FAIRWAY_CNI_DIR", plugin_dir()),
        ("FAIRWAY_REFERENCE_DIR", reference_dir()),
    ] {
        guest = guest.env(name, &fs::canonicalize(dir)?.to_string_lossy());
    }
    if let Ok(types) = std::env::var("FAIRWAY_BENCH_TYPES") {
        guest = guest.env("FAIRWAY_BENCH_TYPES", &types);
    }
    let deadline = A_ROUND * u32::try_from(rounds * cases.len())?;
    let mut told = Vec::new();
    let mut hear = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(line) => told.push(line),
        Err(_) => println!("    {line}"),
    };
    let outcome = guest.run(&[&this, CHILD, &rounds_text], deadline, &mut hear)?;
    ensure!(outcome.status == 0, "the guest's part: {}", outcome.output);
    for line in told {
        let name = line["name"].as_str().context("a line without a name")?;
        let samples = [0, 1].map(|side| numbers(&line["samples"][side]));
        let peers = cases.iter().map(|case| case.peer);
        let peer = peers.into_iter().find(|peer| line["peer"] == *peer);
        note_beside(
            report,
            peer.context("a peer that nobody knows")?,
            format!("{name}, in a guest"),
            "ms",
            line["target"].as_f64(),
            samples,
        );
    }
    Ok(())
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_f64).collect()
}

/// In the guest.
pub(crate) fn child(rounds: &str) -> Result<Vec<Value>> {
    let rounds = rounds.parse().context("rounds")?;
    let dirs = [
        at_hand("reference", &reference_dir())?,
        at_hand("ours", &plugin_dir())?,
    ];
    let mut told: Vec<Value> = Vec::new();
    for case in rounds::wanted(cases::in_a_guest()) {
        eprintln!("{} …", case.name);
        let lines = rounds::measure(&case, rounds, dirs.clone()).with_context(|| case.name)?;
        told.extend(lines.iter().map(Line::to_json));
    }
    Ok(told)
}

/// The machine's files come by 9p, each page anew at each start of a program: plugins are measured from memory.
fn at_hand(whose: &str, dir: &Path) -> Result<PathBuf> {
    let to = PathBuf::from("/run").join(whose);
    fs::create_dir_all(&to)?;
    for kind in side::NEEDED {
        fs::copy(dir.join(kind), to.join(kind)).with_context(|| kind)?;
    }
    for case in cases::in_a_guest() {
        for config in case.list {
            let kind = config["type"].as_str().unwrap_or_default();
            // The reference has not all.
            fs::copy(dir.join(kind), to.join(kind)).ok();
        }
    }
    Ok(to)
}
