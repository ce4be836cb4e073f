//! From the start of the daemon's process until the kernel has all routes, and what it takes of CPU and
//! memory.

use super::world::{ROUTES, TABLE};
use super::{ROUNDS, process, told::Told};
use crate::figure::Bound;
use crate::report::Report;
use anyhow::{Result, ensure};
use fairway_fib::names::PROTOCOL;
use fairway_netlink::{Handle, Netlink as _, Route, RouteFilter};
use fairway_tests_cluster::Bed;
use std::collections::HashSet;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

/// Each round on a kernel that has nothing of it.
pub(super) fn run(report: &mut Report, bed: &Bed) -> Result<()> {
    println!("  {ROUNDS} starts with {ROUTES} routes …");
    let daemon = bed.node(1);
    let (mut seconds, mut used, mut most, mut now) = (vec![], vec![], vec![], vec![]);
    let mut again = Vec::new();
    for _ in 0..ROUNDS {
        daemon.stop()?;
        clear(bed)?;
        seconds.push(daemon.ns.inside(|| {
            let mut told = Told::open()?;
            let begun = Instant::now();
            daemon.launch()?;
            all(&mut told)?;
            anyhow::Ok(begun.elapsed().as_secs_f64())
        })??);
        daemon.connected()?;
        used.push(process::idle(daemon)?);
        ensure!(
            there(bed)? == ROUTES,
            "the kernel has {} routes",
            there(bed)?
        );
        most.push(process::memory(daemon, "VmHWM")?);
        now.push(process::memory(daemon, "VmRSS")?);
        // With all routes in the kernel.
        daemon.stop()?;
        daemon.start_connected()?;
        again.push(process::idle(daemon)?);
    }
    let bound = |most| Some(Bound::AtMost(most));
    report.figure(
        "a start: all routes in the kernel",
        "s",
        bound(2.0),
        seconds,
    );
    report.figure("… CPU time until nothing is to be done", "ms", None, used);
    report.figure(
        "a start with all in the kernel: CPU time",
        "ms",
        None,
        again,
    );
    report.figure("memory, the most that it had", "MiB", bound(100.0), most);
    report.figure("memory, after that", "MiB", None, now);
    Ok(())
}

/// Until each route was told once.
fn all(told: &mut Told) -> Result<()> {
    let mut seen = HashSet::with_capacity(ROUTES);
    told.until(LIMIT, |route| {
        if leads_away(route) {
            seen.insert(route.dst);
        }
        seen.len() == ROUTES
    })
}

fn leads_away(route: &Route) -> bool {
    route.table == TABLE && route.nexthop.is_some()
}

/// How many the kernel has.
fn there(bed: &Bed) -> Result<usize> {
    let filter = RouteFilter {
        table: Some(TABLE),
        protocol: Some(PROTOCOL),
        ..RouteFilter::default()
    };
    let routes = bed
        .node(1)
        .ns
        .inside(|| Handle::open()?.routes(&filter))??;
    Ok(routes.iter().filter(|route| leads_away(route)).count())
}

/// Nothing of the overlay is left.
fn clear(bed: &Bed) -> Result<()> {
    let mut script = String::from("ip link del fairway.vx 2>/dev/null || :\n");
    for family in ["-4", "-6"] {
        for what in [
            format!("route flush table {TABLE}"),
            format!("rule flush protocol {PROTOCOL}"),
        ] {
            script += &format!("ip {family} {what} 2>/dev/null || :\n");
        }
    }
    bed.node(1).ns.sh(&script)?;
    Ok(())
}
