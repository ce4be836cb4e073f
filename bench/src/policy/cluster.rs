//! Engine and maps of a node in a large cluster, in a process of their own, so that its memory is theirs.

use super::crowd::{self, APPS, ENDPOINTS, Member, POLICIES};
use super::kernel::Kernel;
use super::maps;
use super::world::entry;
use crate::figure::Bound;
use crate::report::Report;
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_lab::{Ns, Value, json};
use fairway_policy::input::Input;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// The name by which the process knows that it is the one.
pub(crate) const CHILD: &str = "policy:cluster";
const CHANGES: u32 = 300;
/// No link has it.
const FIRST_LINK: u32 = 1 << 20;
const LIMIT: Duration = Duration::from_secs(300);

/// Starts the process and tells what it found.
pub(super) fn run(report: &mut Report) -> Result<()> {
    println!("  {ENDPOINTS} endpoints and {POLICIES} policies …");
    let own = std::env::current_exe()?;
    let told = Ns::host()?.command(own).arg(CHILD).limit(LIMIT).json()?;
    let list = |name: &str| -> Result<Vec<f64>> {
        let values = told[name].as_array().context("no such list")?;
        values
            .iter()
            .map(|value| value.as_f64().context("no number"))
            .collect()
    };
    let name = format!("{ENDPOINTS} endpoints and {POLICIES} policies");
    report.figure(
        format!("{name}: all in the kernel"),
        "ms",
        None,
        list("all")?,
    );
    for (key, whose) in [("away", "another node's"), ("here", "this node's")] {
        let times = list(key)?;
        let p99 = vec![Samples(times.clone()).quantile(0.99)];
        let name = format!("a label of {whose} endpoint changes: in the kernel");
        let bound = || Some(Bound::AtMost(200.0));
        report.figure(&name, "ms", bound(), times);
        report.figure(format!("{name}: p99"), "ms", bound(), p99);
    }
    let bound = Some(Bound::AtMost(150.0));
    report.figure(
        "memory of engine and loader, the most that they had",
        "MiB",
        bound,
        list("most")?,
    );
    report.figure(
        "memory of engine and loader, after that",
        "MiB",
        None,
        list("resident")?,
    );
    report.figure("… before anything is known", "MiB", None, list("empty")?);
    report.figure(
        "memory of the kernel's maps besides",
        "MiB",
        None,
        list("maps")?,
    );
    report.figure(
        "… before anything is known",
        "MiB",
        None,
        list("maps empty")?,
    );
    report.notes.push(format!(
        "The kernel's maps, MiB: {}.",
        words(&told["each map"])
    ));
    Ok(())
}

fn words(maps: &Value) -> String {
    let maps = maps.as_object().into_iter().flatten();
    let maps = maps.map(|(name, size)| format!("{name} {size}"));
    maps.collect::<Vec<_>>().join(", ")
}

/// What the process does; its only output is JSON.
pub(crate) fn child() -> Result<Value> {
    let mut kernel = Kernel::new()?;
    let (empty, maps_empty) = (
        memory("VmRSS")?,
        maps::memory("self")?.values().sum::<f64>(),
    );
    for member in crowd::members().filter(|member| member.is_here()) {
        let entry = entry(&member.addresses(), [2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]);
        kernel.link(member.id(), FIRST_LINK + member.number, entry);
    }
    let inputs = crowd::inputs()?;
    let begun = Instant::now();
    kernel.learn(inputs)?;
    let all = ms(begun);
    let mut change = |first: u32| {
        let mut times = Vec::new();
        for turn in 0..CHANGES {
            let mut member = Member::new((first + turn * 100) % ENDPOINTS);
            // Once to another application, and once back.
            if (turn / (ENDPOINTS / 100)).is_multiple_of(2) {
                member.app = (member.app + 3) % APPS;
            }
            let begun = Instant::now();
            kernel.learn([Input::Endpoint(member.endpoint())])?;
            times.push(ms(begun));
        }
        anyhow::Ok(times)
    };
    let (away, here) = (change(57)?, change(0)?);
    let maps = maps::memory("self")?;
    Ok(json!({
        "all": [all], "away": away, "here": here,
        "empty": [empty], "resident": [memory("VmRSS")?], "most": [memory("VmHWM")?],
        "maps": [maps.values().sum::<f64>()], "maps empty": [maps_empty],
        "each map": maps.iter().map(|(name, size)| (name.clone(), json!((size * 10.0).round() / 10.0)))
            .collect::<BTreeMap<_, _>>(),
    }))
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// A field of this process' memory, in MiB.
fn memory(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no such field")?.parse()?;
    Ok(kib / 1024.0)
}
