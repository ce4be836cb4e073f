//! What the daemon takes when 250 pods of the overlay run and nothing happens.

use super::flight::Bed;
use super::raw::Raw;
use super::{AT_A_TIME, PODS};
use crate::ipam::daemon::Daemon;
use crate::routes::process;
use anyhow::{Context as _, Result};
use fairway_tests_interop::host::Host;
use std::thread;
use std::time::{Duration, Instant};

const PART: &str = "rest";
/// A sample of the CPU's time. Looks for dead containers come every 30 s, so each has one.
const SAMPLE: Duration = Duration::from_secs(30);
/// All of the kernel's routes are listed anew every three minutes: one of these has that.
const SAMPLES: usize = 7;
/// What the pods' start leaves to be done is done by then.
const CALM: Duration = Duration::from_secs(10);

/// On its own store and on etcd, both at once: neither is to have anything to do.
pub(super) fn run(host: &Host, _rounds: usize, raw: &mut Raw) -> Result<()> {
    eprintln!("    {PODS} pods at rest …");
    let beds = [
        Bed::overlay("overlay", host, false)?,
        Bed::overlay("etcd", host, true)?,
    ];
    let daemon = |at: usize| beds[at].daemon.as_ref().context("no daemon");
    let daemons = [daemon(0)?, daemon(1)?];
    for (bed, daemon) in beds.iter().zip(daemons) {
        raw.note(PART, bed.name, "empty", daemon.memory()?.resident);
        bed.add(AT_A_TIME)?;
        raw.note(PART, bed.name, "started", daemon.memory()?.resident);
    }
    wait(CALM);
    let used = |daemon: &Daemon| process::cpu_of(daemon.pid());
    for _ in 0..SAMPLES {
        let begin = Instant::now();
        let before = [used(daemons[0])?, used(daemons[1])?];
        wait(SAMPLE);
        let wall = begin.elapsed().as_secs_f64() * 1e3;
        for ((bed, daemon), before) in beds.iter().zip(daemons).zip(before) {
            let busy = (used(daemon)? - before) / wall * 100.0;
            raw.note(PART, bed.name, "cpu", busy);
            raw.note(PART, bed.name, "memory", daemon.memory()?.resident);
        }
    }
    for (bed, daemon) in beds.iter().zip(daemons) {
        raw.note(PART, bed.name, "own", daemon.memory()?.own);
    }
    Ok(())
}

fn wait(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}
