//! Runs the simulation: one seed, or one after the other.

use clap::Parser;
use fairway_sim::{Profile, Report, Run};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Simulates a cluster's address logic and judges each step.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Steps of each run.
    #[arg(long, default_value_t = 20_000)]
    steps: u64,
    /// What kind of run; all kinds where it is not given.
    #[arg(long)]
    profile: Option<String>,
    /// Writes each event of the (last) run to this file.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Goes on after a run that failed.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fairway-sim: {error}");
            ExitCode::from(2)
        }
    }
}

/// `false`: a run failed.
fn run(args: &Args) -> io::Result<bool> {
    let profiles = match &args.profile {
        None => Profile::all(),
        Some(name) => match Profile::named(name) {
            Some(profile) => vec![profile],
            None => {
                let known: Vec<_> = Profile::all().iter().map(|profile| profile.name).collect();
                let text = format!("no profile {name}; there are {}", known.join(", "));
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        },
    };
    let mut out = io::stdout().lock();
    let mut good = true;
    for profile in profiles {
        let mut sum = Report::default();
        for seed in args.seed..args.seed + args.seeds {
            let run = Run::new(seed, args.steps, profile.clone());
            let result = match &args.trace {
                None => run.go(),
                Some(path) => {
                    let (result, lines) = run.traced();
                    std::fs::write(path, lines.join("\n"))?;
                    result
                }
            };
            match result {
                Ok(report) => sum.add(report),
                Err(failure) => {
                    good = false;
                    writeln!(out, "{failure}\n")?;
                    if !args.keep_going {
                        return Ok(false);
                    }
                }
            }
        }
        let Report {
            steps,
            millis,
            revisions,
            given,
            counts,
        } = sum;
        writeln!(
            out,
            "{}: {steps} steps, {} s, {revisions} revisions, {given} answers judged",
            profile.name,
            millis / 1000
        )?;
        for (what, count) in counts {
            writeln!(out, "  {count:>8} {what}")?;
        }
    }
    Ok(good)
}
