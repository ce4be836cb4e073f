//! The fuzz targets of tests/fuzz, each for a few seconds, so that none rots.
//!
//! They need nightly Rust (sanitizers), cargo-fuzz and a C++ compiler. CI must run them;
//! elsewhere a machine without nightly says so and goes on.

use crate::exec;
use crate::report::{self, Mark, Part};
use crate::{cache, packages, tools};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::num::NonZero;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// For each target.
const SECONDS: u32 = 5;
/// Long: CI builds them beside the suites, with what these leave of the processors.
const BUILD: Duration = Duration::from_secs(1800);

/// `fuzz`: these alone.
pub(crate) fn run() -> Result<()> {
    packages::ensure(&[packages::FUZZ, packages::BUILD])?;
    report::finish(&[short()])
}

/// The part of the report.
pub(crate) fn short() -> Part {
    let begin = Instant::now();
    match missing() {
        Some(what) if std::env::var_os("CI").is_none() => Part {
            name: "fuzz".into(),
            mark: Mark::Left(what),
            time: begin.elapsed(),
            computed: Duration::ZERO,
            note: String::new(),
        },
        Some(what) => Part::of("fuzz", || bail!(what)),
        None => Part::of("fuzz", all),
    }
}

fn missing() -> Option<String> {
    if !cache::root().join("tests/fuzz/Cargo.toml").exists() {
        return Some("tests/fuzz is not there yet".into());
    }
    let nightly = Command::new("rustup")
        .args(["run", "nightly", "cargo", "--version"])
        .output();
    let there = nightly.is_ok_and(|output| output.status.success());
    (!there).then(|| "needs nightly Rust: rustup toolchain install nightly".into())
}

fn all() -> Result<String> {
    let tool = tools::cargo_fuzz()?;
    let fuzz = |args: &[&str]| {
        let mut command = exec::command("rustup", &["run", "nightly"]);
        command
            .arg(&tool)
            .args(args)
            .args(["--fuzz-dir", "tests/fuzz"]);
        // What `cargo xtask` was started with would win over the toolchain named here.
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        command
    };
    let list = fuzz(&["list"]).output().context("cargo fuzz list")?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let targets: Vec<_> = list.split_whitespace().collect();
    ensure!(!targets.is_empty(), "tests/fuzz has no target");
    let target_dir = cache::target().join("fuzz");
    let build = cache::target().display().to_string() + "/fuzz";
    exec::run(&mut fuzz(&["build", "--target-dir", &build]), BUILD)?;
    let mut commands = Vec::new();
    for target in &targets {
        // New inputs go into the first folder named; the repository's own are only read.
        let found = target_dir.join("found").join(target);
        fs::create_dir_all(&found)?;
        let mut command = fuzz(&["run", "--target-dir", &build]);
        command.arg(target).arg(&found);
        let kept = cache::root().join("tests/fuzz/corpus").join(target);
        if kept.exists() {
            command.arg(kept);
        }
        let time = format!("-max_total_time={SECONDS}");
        command.args([
            "--",
            &time,
            "-rss_limit_mb=1024",
            "-verbosity=0",
            "-print_final_stats=1",
        ]);
        commands.push(command);
    }
    // Each takes one core.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for some in commands.chunks_mut(cores) {
        exec::run_all(some, BUILD)?;
    }
    Ok(format!("{} targets, {SECONDS} s each", targets.len()))
}
