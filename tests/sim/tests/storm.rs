//! More than a million steps in all, over every kind of run. `FAIRWAY_SIM_STEPS=100000000` asks for more.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it ran, and fails by a panic"
)]

use fairway_sim::{Profile, Report, Run};
use std::hash::{BuildHasher, RandomState};

/// Steps of one run, before all is tidied up; what is longer is harder to read. With thousands of nodes the
/// tidying takes many more.
fn each(name: &str) -> u64 {
    match name {
        "thousands-of-nodes" => 4_000,
        _ => 25_000,
    }
}

/// All profiles' shares together.
const USUAL: u64 = 1_000_000;

/// Runs fixed seeds for nine tenths of the share, and then one that is another each time.
fn storm(name: &str, share: u64, seen: &[&str]) {
    let profile = Profile::named(name).expect("a profile");
    let all = std::env::var("FAIRWAY_SIM_STEPS").ok();
    let all: u64 = all.map_or(USUAL, |text| {
        text.parse().expect("FAIRWAY_SIM_STEPS: a number")
    });
    let share = share * all / USUAL;
    let mut sum = Report::default();
    let mut run = |seed: u64| {
        let run = Run::new(seed, each(name), profile.clone());
        match run.go() {
            Ok(report) => sum.add(report),
            Err(failure) => panic!("seed {seed}:\n{failure}"),
        }
        sum.steps
    };
    let fixed = share / 10 * 9;
    let ran = (1_001..).map(&mut run).find(|steps| *steps >= fixed);
    let other = RandomState::new().hash_one(ran) >> 16;
    run(other);
    println!(
        "{name}: {} steps, {} s, {} answers, {other} beside the fixed seeds",
        sum.steps,
        sum.millis / 1000,
        sum.given
    );
    println!("{:#?}", sum.counts);
    // A run in which nothing happens judges nothing.
    for what in seen {
        assert!(
            sum.counts.contains_key(what),
            "{name}: there were no {what}"
        );
    }
}

#[test]
fn calm() {
    storm(
        "calm",
        75_000,
        &[
            "allocated",
            "of a claim",
            "of a set",
            "DELs",
            "DELs lost",
            "GCs",
            "swept",
            "clients that died",
        ],
    );
}

#[test]
fn crashes() {
    storm(
        "crash-heavy",
        150_000,
        &[
            "daemons killed",
            "reboots",
            "journals lost",
            "machines dead",
            "DELs without the daemon",
        ],
    );
}

#[test]
fn partitions() {
    storm(
        "partition-heavy",
        150_000,
        &[
            "links cut",
            "outcomes unknown",
            "store full",
            "writes rejected",
            "mirrors listed",
        ],
    );
}

#[test]
fn tiny_pools() {
    storm(
        "tiny-pools",
        100_000,
        &[
            "refused: exhausted",
            "refused: taken",
            "commits that failed",
        ],
    );
}

#[test]
fn sticky() {
    storm(
        "sticky-heavy",
        150_000,
        &[
            "of a claim",
            "of a set",
            "temporary",
            "refused: held",
            "claims moved",
            "claims removed",
        ],
    );
}

#[test]
fn thousands_of_nodes() {
    storm(
        "thousands-of-nodes",
        125_000,
        &["allocated", "of a claim", "links cut"],
    );
}

#[test]
fn operators() {
    storm(
        "operators",
        150_000,
        &[
            "nodes removed",
            "cut off",
            "blocks lost",
            "pools changed",
            "pools retired",
            "pools made",
            "sets made",
        ],
    );
}

#[test]
fn reclaim() {
    storm("reclaim", 125_000, &["nodes reclaimed", "cut off"]);
}
