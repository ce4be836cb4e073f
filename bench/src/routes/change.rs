//! One block gets another owner: from before the commit until the kernel tells of the route.

use super::process;
use super::told::Told;
use super::world::{NODES, TABLE, blocks, client};
use crate::figure::Bound;
use crate::report::Report;
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_tests_cluster::Bed;
use ipnetwork::IpNetwork;
use std::time::{Duration, Instant};

const CHANGES: usize = 500;
const LIMIT: Duration = Duration::from_secs(20);

/// One after the other, both families by turns.
pub(super) fn run(report: &mut Report, bed: &Bed) -> Result<()> {
    println!("  {CHANGES} blocks get another owner …");
    let blocks = blocks()?;
    let half = blocks.len() / 2;
    let before = process::idle(bed.node(1))?;
    let (mut whole, mut commits) = (Vec::new(), Vec::new());
    client(bed, |store| {
        let mut told = Told::open()?;
        for number in 0..CHANGES {
            let block = blocks[(number % 2) * half + number * 7];
            let write = block.record((block.node + NODES / 2) % NODES, 2)?;
            let dst = IpNetwork::new(block.cidr.first(), block.cidr.prefix())?;
            told.drain()?;
            let begun = Instant::now();
            store.commit(vec![write])?;
            commits.push(ms(begun));
            told.until(LIMIT, |route| route.table == TABLE && route.dst == dst)
                .with_context(|| format!("{dst}"))?;
            whole.push(ms(begun));
        }
        Ok(())
    })?;
    let used = (process::idle(bed.node(1))? - before) / CHANGES as f64;
    let p99 = |times: &[f64]| vec![Samples(times.to_vec()).quantile(0.99)];
    let name = "one change, etcd to kernel";
    report.figure(
        format!("{name}: p99"),
        "ms",
        Some(Bound::AtMost(50.0)),
        p99(&whole),
    );
    report.figure(name, "ms", None, whole);
    report.figure("… of it etcd's commit", "ms", None, commits.clone());
    report.figure("… of it etcd's commit: p99", "ms", None, p99(&commits));
    report.figure("… CPU time of the daemon", "ms", None, vec![used]);
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
