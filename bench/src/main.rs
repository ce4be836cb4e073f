//! Side-by-side benchmarks: `fairway-bench [NAME…]`, all of them where none is named.
//!
//! Each takes turns with its peer in one run, since the same machine is not as fast an hour
//! later. A missed target is printed and is no failure of the run; a call that fails is.
//! `FAIRWAY_BENCH_ROUNDS` sets the number of rounds (40 unless told, 30 at least for a claim).

#![expect(
    clippy::print_stdout,
    reason = "tables and progress are for the terminal"
)]

mod bgp;
mod cni;
mod figure;
mod ipam;
mod machine;
mod overlay;
mod plot;
mod pods;
mod policy;
mod rates;
mod report;
mod routes;
mod stats;
mod wires;

use anyhow::Result;
use report::Report;
use std::fmt::Display;
use std::process::ExitCode;

/// (name, what it measures, its run)
type Bench = (&'static str, &'static str, fn(&mut Report) -> Result<()>);

const BENCHES: &[Bench] = &[
    (
        "cni",
        "each type of plugin beside the reference's",
        cni::run,
    ),
    (
        "ipam",
        "addresses from the daemon, on one node and on ten",
        ipam::run,
    ),
    (
        "routes",
        "the daemon's routes in a cluster of a thousand nodes",
        routes::run,
    ),
    (
        "pods",
        "250 pods on one node, through containerd and without",
        pods::run,
    ),
    (
        "overlay",
        "packets between containers on two nodes",
        overlay::run,
    ),
    (
        "wires",
        "packets between containers by each type of link",
        wires::run,
    ),
    (
        "policy",
        "verdicts, changes of policy, and packets that are judged",
        policy::run,
    ),
    (
        "rates",
        "limits beside the reference's bandwidth plugin",
        rates::run,
    ),
    (
        "bgp",
        "our BGP speaker beside BIRD, FRR and GoBGP",
        bgp::run,
    ),
];

/// How many rounds of what takes turns.
fn rounds() -> Result<usize> {
    Ok(match std::env::var("FAIRWAY_BENCH_ROUNDS") {
        Ok(text) => text.parse()?,
        Err(_) => 40,
    })
}

/// Whether the variable has that word, or is not there at all.
fn named(variable: &str, word: &str) -> bool {
    let words = std::env::var(variable).ok();
    words.is_none_or(|words| words.split([',', ' ']).any(|one| one == word))
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    match words[..] {
        [policy::CHILD] => return told(policy::child().map(|line| vec![line])),
        [cni::guest::CHILD, rounds] => return told(cni::guest::child(rounds)),
        [pods::CHILD, rounds] => return told(pods::child(rounds)),
        [wires::CHILD, rounds] => return told(wires::child(rounds)),
        _ => {}
    }
    let known = |name: &String| BENCHES.iter().any(|bench| bench.0 == *name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        eprintln!("fairway-bench: no benchmark {unknown:?}; there is");
        for (name, what, _) in BENCHES {
            eprintln!("  {name}: {what}");
        }
        return ExitCode::from(2);
    }
    match run(&names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fairway-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What this program says where it is a child of itself.
fn told<T: Display>(lines: Result<Vec<T>>) -> ExitCode {
    match lines {
        Ok(lines) => {
            for line in lines {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("fairway-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(names: &[String]) -> Result<()> {
    let wanted = |bench: &&Bench| names.is_empty() || names.iter().any(|name| name == bench.0);
    for (name, what, run) in BENCHES.iter().filter(wanted) {
        println!("{name}: {what}");
        let mut report = Report::new(name);
        run(&mut report)?;
        println!("\n{}\n", report.table());
        for path in report.write()? {
            println!("{}", path.display());
        }
    }
    Ok(())
}
