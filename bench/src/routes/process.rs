//! What the daemon's process has used, as the kernel counts it.

use anyhow::{Context as _, Result};
use fairway_lab::poll;
use fairway_tests_cluster::Daemon;
use std::fs;
use std::time::{Duration, Instant};

/// So long without using any time is idle.
const IDLE: Duration = Duration::from_millis(400);

/// CPU time of all threads so far, in ms.
pub(crate) fn cpu_ms(daemon: &Daemon) -> Result<f64> {
    cpu_of(daemon.pid().context("fairwayd does not run")?)
}

/// The same of any process.
pub(crate) fn cpu_of(pid: i32) -> Result<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        sum += of(&task?.path().join("schedstat").to_string_lossy())?;
    }
    Ok(sum)
}

/// CPU time of the calling thread so far, in ms.
pub(crate) fn own_ms() -> Result<f64> {
    of("/proc/thread-self/schedstat")
}

fn of(path: &str) -> Result<f64> {
    let text = fs::read_to_string(path)?;
    let nanoseconds: f64 = text.split(' ').next().context("empty")?.parse()?;
    Ok(nanoseconds / 1e6)
}

/// Waits until it does nothing but keep its lease; CPU time in ms by then.
pub(crate) fn idle(daemon: &Daemon) -> Result<f64> {
    let mut last = (cpu_ms(daemon)?, Instant::now());
    poll(
        Duration::from_secs(60),
        "fairwayd has nothing to do",
        || {
            let now = cpu_ms(daemon).unwrap_or(f64::NAN);
            let busy = now - last.0 > 3.0;
            if busy || now.is_nan() {
                last = (now, Instant::now());
            }
            last.1.elapsed() > IDLE
        },
    )?;
    cpu_ms(daemon)
}

/// A field of its memory, in MiB.
pub(crate) fn memory(daemon: &Daemon, field: &str) -> Result<f64> {
    let pid = daemon.pid().context("fairwayd does not run")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no such field")?.parse()?;
    Ok(kib / 1024.0)
}
