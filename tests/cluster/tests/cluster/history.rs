//! The history test: clients hammer five daemons while the cluster is broken again and again, and what was
//! answered is judged afterwards.

use crate::support::{create, dual, eventually, in_state, in_step};
use anyhow::{Context, Result, bail, ensure};
use fairway_tests_cluster::hammer::{Container, Hammer};
use fairway_tests_cluster::history::{Line, Lives, Recorder, Rules, check_snapshot, judge, read};
use fairway_tests_cluster::{Bed, Dice, Plan, SOON, Stop, joined, keep_dir, nemesis, on, say};
use std::fs;
use std::time::Duration;

const COOLDOWN: u64 = 2;
const CLIENTS: usize = 16;

fn seconds() -> u64 {
    let given = std::env::var("FAIRWAY_HISTORY_SECONDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(50)
}

#[test]
fn a_history_on_a_plain_store_is_sound() -> Result<()> {
    on(&Plan::nodes(5), |bed| history(bed, "plain"))
}

#[test]
fn a_history_over_mtls_is_sound() -> Result<()> {
    on(&Plan::nodes(5).store(|options| options.tls()), |bed| {
        history(bed, "mtls")
    })
}

fn history(bed: &Bed, name: &str) -> Result<()> {
    let path = bed.lab.scratch().join(format!("{name}.jsonl"));
    let recorder = Recorder::new(&path)?;
    let done = run(bed, &recorder);
    if let Some(dir) = keep_dir() {
        fs::create_dir_all(&dir)?;
        fs::copy(&path, dir.join(format!("history-{name}.jsonl")))?;
    }
    done
}

fn run(bed: &Bed, recorder: &Recorder) -> Result<()> {
    let seed = Dice::seed();
    recorder.fault(format!("seed {seed}"))?;
    // Eight blocks for five nodes: some must borrow, and some give back.
    create(bed, dual("p", 1, 25, COOLDOWN))?;
    let stop = Stop::default();
    let hammer = Hammer {
        doors: bed.daemons.iter().map(|daemon| daemon.door()).collect(),
        recorder,
        stop: &stop,
        wanted: vec![
            "10.80.1.60".parse()?,
            "fd00:80:1::77".parse()?,
            "10.80.1.99".parse()?,
        ],
    };
    let held = rage(bed, &hammer, seed).context("while it was broken")?;
    settled(bed, recorder).with_context(|| verdict(recorder))?;
    let left = hammer.all_go(held, SOON)?;
    ensure!(left.is_empty(), "DEL is not answered: {left:?}");
    emptied(bed).with_context(|| verdict(recorder))?;
    settled(bed, recorder)?;
    let found = judged(recorder)?;
    ensure!(found.is_empty(), "seed {seed}: {}", found.join("\n"));
    Ok(())
}

/// Clients and their disturber, side by side; gives the containers that are left.
fn rage(bed: &Bed, hammer: &Hammer, seed: u64) -> Result<Vec<Container>> {
    let dice = |salt: usize| Dice::new(seed ^ (salt as u64) << 32);
    std::thread::scope(|scope| {
        let spawn = |number| scope.spawn(move || hammer.client(number, dice(number)));
        let clients: Vec<_> = (1..=CLIENTS).map(spawn).collect();
        // In a long run also longer than a node's lease holds.
        let longest = Duration::from_secs(if seconds() < 300 { 5 } else { 40 });
        let nemesis =
            scope.spawn(move || nemesis::rage(bed, hammer.recorder, hammer.stop, longest, dice(0)));
        // The test's own end, not a wait for something.
        let never = Stop::default();
        let mut left = seconds() * 4;
        while left > 0 && !nemesis.is_finished() {
            never.pause(Duration::from_millis(250));
            left -= 1;
        }
        hammer.stop.stop();
        let mut held = Vec::new();
        for client in clients {
            held.extend(joined(client)?);
        }
        joined(nemesis)?;
        Ok(held)
    })
}

/// All daemons list the same, and what they list is what the containers know; it goes into the history.
fn settled(bed: &Bed, recorder: &Recorder) -> Result<()> {
    bed.etcd.wait_ready(SOON)?;
    bed.daemons
        .iter()
        .try_for_each(|daemon| daemon.connected())?;
    in_step(bed)?;
    let lives = Lives::new(&read(recorder.path())?);
    for daemon in &bed.daemons {
        let listed = eventually("a list that fits the history", || {
            let listed = daemon.door().listed(recorder)?;
            let found = check_snapshot(&lives, &listed);
            ensure!(found.is_empty(), "{found:#?}");
            Ok(listed)
        })?;
        recorder.write(&Line::Snapshot(listed))?;
    }
    Ok(())
}

/// Nothing is live, nothing rests any more; only claims are left, and the store says the same.
fn emptied(bed: &Bed) -> Result<()> {
    eventually("only claims are left", || {
        let rows = in_step(bed)?;
        let (live, cooling) = (in_state(&rows, "live"), in_state(&rows, "cooling"));
        ensure!(live.is_empty(), "live: {live:#?}");
        ensure!(cooling.is_empty(), "cooling: {cooling:#?}");
        ensure!(rows.iter().all(|row| row.claim.is_some()), "{rows:#?}");
        let store = bed.etcd.etcdctl(&[
            "get",
            "--prefix",
            "/fairway/v1/blocks/",
            "--print-value-only",
        ])?;
        ensure!(!store.contains("\"live\""), "the store: {store}");
        Ok(())
    })
}

fn judged(recorder: &Recorder) -> Result<Vec<String>> {
    let lines = read(recorder.path())?;
    let given = |line: &&Line| match line {
        Line::Call(call) => matches!(
            call.outcome,
            fairway_tests_cluster::history::Outcome::Given(_)
        ),
        _ => false,
    };
    let given = lines.iter().filter(given).count();
    say(format_args!(
        "{} lines, {given} ADDs with addresses",
        lines.len()
    ));
    if given < CLIENTS * 10 {
        bail!("only {given} ADDs were answered with addresses: this proves nothing");
    }
    let rules = Rules {
        cooldown: COOLDOWN * 1_000_000,
        families: 2,
    };
    let found = judge(&lines, rules);
    Ok(found.iter().map(ToString::to_string).collect())
}

/// The judge's word for a test that failed otherwise.
fn verdict(recorder: &Recorder) -> String {
    match judged(recorder) {
        Ok(found) => format!("the history by itself: {found:#?}"),
        Err(error) => format!("{error:#}"),
    }
}
