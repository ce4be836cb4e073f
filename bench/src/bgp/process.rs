//! What a process has used, as the kernel counts it.

use anyhow::{Context as _, Result};
use std::fs;

/// CPU time of all its threads so far, user and system, in ms.
pub(super) fn cpu_ms(pid: i32) -> Result<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanoseconds: f64 = text.split(' ').next().context("empty")?.parse()?;
        sum += nanoseconds / 1e6;
    }
    Ok(sum)
}

/// The most memory that it had, in MiB.
pub(super) fn peak_mib(pid: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no VmHWM")?.parse()?;
    Ok(kib / 1024.0)
}
