//! A sticky address that moves to another node takes its route along.

use super::stage::{Pod, network, quick, reaches};
use anyhow::{Result, ensure};
use fairway_api::admin::{PoolSet, PoolSettings, RouteWhy};
use fairway_tests_cluster::{Bed, Plan, SOON, on, say};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What must hold, of the most of so many in a row: from ADD's answer on.
const WITHIN: Duration = Duration::from_millis(500);
const ROUNDS: usize = 6;
/// A machine that builds and tests besides may stop all of us for a while.
const TRIES: usize = 4;

fn db(bed: &Bed, node: usize, container: &str) -> Result<Pod> {
    Pod::with(bed, node, container, "net", |cni| {
        cni.args("IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0")
    })
}

/// How long it takes until all of them have reached all of these.
fn reached(watchers: &[Pod], address: &[IpAddr], since: Instant) -> Result<Duration> {
    for watcher in watchers {
        for ip in address {
            while !quick(&watcher.ns, *ip) {
                ensure!(since.elapsed() < SOON, "{}", watcher.name);
            }
        }
    }
    Ok(since.elapsed())
}

#[test]
fn a_sticky_address_is_reached_from_everywhere_where_it_is_now() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        network(bed, "net", 61, "always")?;
        bed.door(1).pool_set(PoolSet {
            name: "net".into(),
            settings: PoolSettings {
                release: Some("on-app-delete".into()),
                ..PoolSettings::default()
            },
            ..PoolSet::default()
        })?;
        let watchers = [
            Pod::add(bed, 1, "w1", "net")?,
            Pod::add(bed, 2, "w2", "net")?,
            Pod::add(bed, 3, "w3", "net")?,
        ];
        let mut current = db(bed, 1, "db-first")?;
        let address = current.ips.clone();
        let mut worst = Vec::new();
        let prompt = |worst: &[Duration]| {
            let mut last = worst.rchunks(ROUNDS).next().unwrap_or_default().to_vec();
            last.sort_unstable();
            worst.len() >= ROUNDS && last[ROUNDS / 2] <= WITHIN
        };
        for round in 1..=ROUNDS * TRIES {
            if prompt(&worst) {
                break;
            }
            let node = 1 + round % 3;
            current.del()?;
            current = db(bed, node, &format!("db-{round}"))?;
            let answered = Instant::now();
            ensure!(current.ips == address, "{:?}, not {address:?}", current.ips);
            let took = reached(&watchers, &address, answered)?;
            // The same once more, with nothing to wait for: so long does it take to look.
            let looks = reached(&watchers, &address, Instant::now())?;
            worst.push(took.saturating_sub(looks));
            // Nobody else has it, and each node says so.
            for number in 1..=3 {
                let explained = bed.door(number).why(RouteWhy {
                    address: address[0],
                    network: None,
                })?;
                let route = explained
                    .route
                    .map(|route| route.forward)
                    .unwrap_or_default();
                let here = number == node;
                ensure!(route.starts_with("dev ") == here, "node {number}: {route}");
            }
        }
        say(format!("reached from everywhere after {worst:?}"));
        ensure!(prompt(&worst), "{worst:?}");
        for watcher in &watchers {
            reaches(&current, watcher.ips[0], SOON)?;
        }
        Ok(())
    })
}
