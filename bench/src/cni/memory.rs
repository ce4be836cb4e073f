//! Peak memory of an ADD.
//!
//! The usual `ru_maxrss` of a child counts what the process that forked it had: a parent of
//! 14 MiB makes every child look that big. So the plugin's stdout is a pipe that is full: it
//! stops at the end of its work, and its own high-water mark can be read.

use super::{note, side};
use crate::report::Report;
use anyhow::{Context as _, Result};
use fairway_lab::{Value, json, poll};
use side::Side;
use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Duration;

const ROUNDS: usize = 10;
/// What a pipe holds, unless the system was told otherwise.
const PIPE: usize = 64 << 10;

/// In KiB.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    /// Pages in memory, those of the program file included.
    whole: f64,
    /// Pages that no other process shares.
    own: f64,
}

/// The reference is two processes at a time, the bridge and host-local beneath it.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    println!("  memory: {ROUNDS} rounds …");
    let sides = side::both()?;
    let mut largest: [Vec<f64>; 2] = Default::default();
    let mut together: [Vec<f64>; 2] = Default::default();
    let mut own: [Vec<f64>; 2] = Default::default();
    for round in 0..ROUNDS {
        for (at, side) in sides.iter().enumerate() {
            let config = side.config(&json!({}));
            let bridge = peak(side, &config, &format!("m{round}"))?;
            let mut ipam = config.clone();
            ipam["type"] = json!("host-local");
            let ipam = match at {
                0 => peak(side, &ipam, &format!("i{round}"))?,
                _ => Peak::default(),
            };
            largest[at].push(bridge.whole.max(ipam.whole) / 1024.0);
            together[at].push((bridge.whole + ipam.whole) / 1024.0);
            own[at].push((bridge.own + ipam.own) / 1024.0);
        }
    }
    note(
        report,
        "memory of ADD, largest process",
        "MiB",
        Some(0.3),
        largest,
    );
    note(
        report,
        "memory of ADD, all its processes",
        "MiB",
        Some(0.3),
        together,
    );
    note(report, "memory of ADD, not shared", "MiB", None, own);
    Ok(())
}

/// Of one ADD, which is undone afterwards.
fn peak(side: &Side, config: &Value, id: &str) -> Result<Peak> {
    let netns = side.lab.container()?;
    let (mut reader, mut writer) = std::io::pipe()?;
    writer.write_all(&[b' '; PIPE])?;
    let mut command = side.command("ADD", config, (id, &netns), writer.into())?;
    let mut child = side.lab.node().inside(|| command.spawn())??;
    drop(command);
    let pid = child.id();
    let blocked = || {
        // Number and first argument of the system call that it waits in: write to stdout.
        fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|s| s.starts_with("1 0x1 "))
    };
    let waited = poll(
        Duration::from_secs(20),
        "the plugin prints its result",
        blocked,
    );
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    let mut printed = String::new();
    reader.read_to_string(&mut printed)?;
    let success = child.wait()?.success();
    anyhow::ensure!(success, "ADD failed: {}", printed.trim());
    waited?;
    let status = status?;
    let field = |key: &str| -> Result<f64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|n| n.parse().ok())
            .with_context(|| format!("no {key} in its status"))
    };
    let peak = Peak {
        whole: field("VmHWM")?,
        own: field("RssAnon")?,
    };
    side.call("DEL", config, (id, &netns))?;
    Ok(peak)
}
