//! What no durable change can be quicker than: one small write that the disk confirms.

use crate::report::Report;
use anyhow::Result;
use fairway_lab::Lab;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::Instant;

const PAGE: usize = 4096;
const ROUNDS: u64 = 1000;

/// 4 KiB and fdatasync, over a file that has its length already.
pub(crate) fn run(report: &mut Report, _rounds: usize) -> Result<()> {
    let lab = Lab::new()?;
    let path = lab.scratch().join("disk");
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    let page = [7; PAGE];
    for at in 0..ROUNDS {
        file.write_all_at(&page, at * PAGE as u64)?;
    }
    file.sync_all()?;
    let mut samples = Vec::new();
    for at in 0..ROUNDS {
        let begin = Instant::now();
        file.write_all_at(&page, at * PAGE as u64)?;
        file.sync_data()?;
        samples.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let mut stat = Command::new("stat");
    let kind = stat.args(["-f", "-c", "%T"]).arg(&path).output()?;
    let kind = String::from_utf8_lossy(&kind.stdout).trim().to_owned();
    report.figure(
        format!("disk alone: 4 KiB and fdatasync ({kind})"),
        "ms",
        None,
        samples,
    );
    Ok(())
}
