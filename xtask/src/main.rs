//! The commands of the repository: `cargo xtask COMMAND`.
//!
//! One module per command. They are what the README, CI and people's fingers rely on, so names
//! and options are only ever added to. What a command needs and this machine lacks is installed
//! where that is possible, and named where it is not.
#![expect(clippy::print_stdout, reason = "these commands talk to a person")]

mod bench;
mod cache;
mod demo;
mod deploy;
mod dist;
mod ebpf;
mod exec;
mod failures;
mod fuzz;
mod k8s;
mod lint;
mod packages;
mod release;
mod report;
mod suites;
mod test;
mod tools;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo [--nodes N]    the main job, shown on N nodes (1 unless told)
  test [SUITE…]       the tests: unit netns deploy k8s interop vm (all of them unless told)
  test --no-fuzz …    without the fuzz targets, which are a part of unit
  fuzz                the fuzz targets, each for a few seconds
  dist                release build: dist/cni/ holds one static binary, one link per plugin type,
                      dist/bin/ fairwayd, netctl and fairway-install, dist/share/ man pages and
                      completions
  packages [--fast]   the release build as Debian and RPM packages, in dist/packages
  bench [NAME…]       side-by-side benchmarks
  ebpf [--check]      build the eBPF object; --check: is the kept one up to date
  lint                fmt, clippy, cargo-deny, file sizes, docs

What downloads and builds leave is kept in $FAIRWAY_CACHE (~/.cache/fairway unless told).
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some((command, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let done = match *command {
        "demo" => demo::run(rest),
        "test" => test::run(rest),
        "fuzz" => no_args(rest).and_then(|()| fuzz::run()),
        "dist" => no_args(rest).and_then(|()| dist::run().map(drop)),
        "packages" => release::run(rest),
        "bench" => bench::run(rest),
        "ebpf" => ebpf::run(rest),
        "lint" => no_args(rest).and_then(|()| lint::run()),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprint!("no command {other}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ncargo xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn no_args(rest: &[&str]) -> Result<()> {
    match rest {
        [] => Ok(()),
        [first, ..] => bail!("takes no argument, got {first}"),
    }
}
