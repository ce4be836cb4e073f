//! A million steps in all, over every kind of run. `FAIRWAY_SIM_STEPS` asks for more.

use fairway_sim::{Profile, Report, Run};
use std::hash::{BuildHasher, RandomState};

/// Steps of one run; what is longer is harder to read.
const EACH: u64 = 25_000;

/// All profiles' shares together.
const USUAL: u64 = 1_000_000;

/// Runs fixed seeds for nine tenths of the share and then others, which are printed with what they show.
fn storm(name: &str, share: u64, seen: &[&str]) {
    let profile = Profile::named(name).expect("a profile");
    let all = std::env::var("FAIRWAY_SIM_STEPS").ok();
    let all: u64 = all.map_or(USUAL, |text| {
        text.parse().expect("FAIRWAY_SIM_STEPS: a number")
    });
    let share = share * all / USUAL;
    let mut sum = Report::default();
    let mut seed = 1_000;
    while sum.steps < share {
        seed = match sum.steps < share / 10 * 9 {
            true => seed + 1,
            false => RandomState::new().hash_one(sum.steps) >> 16,
        };
        match Run::new(seed, EACH, profile.clone()).go() {
            Ok(report) => sum.add(report),
            Err(failure) => panic!("seed {seed}:\n{failure}"),
        }
    }
    println!(
        "{name}: {} steps, {} s, {} answers, last seed {seed}",
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
        80_000,
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
        160_000,
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
        160_000,
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
        120_000,
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
        160_000,
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
        100_000,
        &["allocated", "of a claim", "links cut"],
    );
}

#[test]
fn operators() {
    storm(
        "operators",
        140_000,
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
    storm("reclaim", 80_000, &["nodes reclaimed", "cut off"]);
}
