//! Pools that grow, are drained and retired under running containers.

use crate::support::{
    create, dual, eventually, in_state, in_step, ips, pod, pool, range, refused, rows,
};
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Pool, PoolRemove, PoolSet};
use fairway_api::ipam::Allocated;
use fairway_api::{Client, Method, Progress};
use fairway_tests_cluster::{Bed, Door, Plan, SOON, Stop, attachment, joined, on};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

fn set(name: &str) -> PoolSet {
    PoolSet {
        name: name.into(),
        add: Vec::new(),
        replace: Vec::new(),
        drain: Vec::new(),
        undrain: Vec::new(),
        remove: Vec::new(),
        phase: None,
        settings: Default::default(),
    }
}

fn add(door: &Door, name: &str) -> Result<Allocated> {
    let given = door.add(&attachment(name), pod("plain", name));
    given.with_context(|| format!("{name} on {}", door.node))
}

fn ip(given: &Allocated) -> IpAddr {
    given.addresses[0].ip
}

fn within(given: &Allocated, prefix: &str) -> bool {
    ip(given).to_string().starts_with(prefix)
}

fn of(door: &Door, name: &str) -> Result<Pool> {
    let pools = door.pools()?;
    pools
        .into_iter()
        .find(|pool| pool.name == name)
        .context("the pool is there")
}

/// ADDs on all nodes in turn until the pool has no more.
fn fill(bed: &Bed, prefix: &str) -> Result<Vec<(usize, String, Allocated)>> {
    let mut all = Vec::new();
    let mut full = vec![false; bed.daemons.len()];
    while full.contains(&false) {
        for node in 1..=bed.daemons.len() {
            let name = format!("{prefix}{}", all.len());
            match bed.door(node).add(&attachment(&name), pod("plain", &name)) {
                Ok(given) => all.push((node, name, given)),
                Err(fairway_api::ClientError::Refused(body)) if body.code == 101 => {
                    full[node - 1] = true
                }
                Err(error) => return Err(error.into()),
            }
        }
        ensure!(all.len() < 512);
    }
    Ok(all)
}

#[test]
fn a_pool_grows_is_drained_and_retired() -> Result<()> {
    on(&Plan::nodes(3).members(1), |bed| {
        let one = bed.door(1);
        let made = create(bed, pool("p", vec![range("10.81.0.0/27", 28)], 1))?;
        let size: usize = made.size.parse()?;
        let first = fill(bed, "a")?;
        ensure!(first.len() == size, "{} of {size} were given", first.len());
        refused(add_raw(&bed.door(2)), 101, &["p"])?;
        // It grows, and all nodes see it.
        one.pool_set(PoolSet {
            add: vec![range("10.81.1.0/26", 28)],
            ..set("p")
        })?;
        for node in 1..=3 {
            let given = eventually("the pool has grown", || {
                add(&bed.door(node), &format!("b{node}"))
            })?;
            ensure!(within(&given, "10.81.1."), "{given:?}");
        }
        // The first prefix is drained: what is out stays out, what comes back is not given again.
        one.pool_set(PoolSet {
            drain: vec!["10.81.0.0/27".into()],
            ..set("p")
        })?;
        for (node, name, given) in &first {
            bed.door(*node).check(&attachment(name), &ips(given))?;
        }
        let in_use = one.pool_set(PoolSet {
            remove: vec!["10.81.0.0/27".into()],
            ..set("p")
        });
        ensure!(
            in_use.is_err_and(|error| error.to_string().contains("10.81.0.0/27")),
            "it is in use"
        );
        eventually("all nodes know of the draining", || {
            let rows = bed
                .daemons
                .iter()
                .map(|d| of(&d.door(), "p"))
                .collect::<Result<Vec<_>>>()?;
            ensure!(rows.iter().all(|pool| pool.ranges[0].draining), "{rows:#?}");
            Ok(())
        })?;
        for (node, name, _) in &first {
            bed.door(*node).del(&attachment(name))?;
        }
        let later = fill(bed, "c")?;
        ensure!(
            later.iter().all(|(_, _, given)| within(given, "10.81.1.")),
            "{later:#?}"
        );
        eventually("the drained prefix can go", || {
            let remove = vec!["10.81.0.0/27".into()];
            Ok(one.pool_set(PoolSet { remove, ..set("p") })?)
        })?;
        ensure!(of(&bed.door(2), "p")?.ranges.len() == 1);
        in_step(bed)?;
        retire(bed, later)
    })
}

fn add_raw(door: &Door) -> fairway_tests_cluster::Answer<Allocated> {
    door.add(&attachment("more"), pod("plain", "more"))
}

/// The pool goes when its last address is back; who waits for that is told.
fn retire(bed: &Bed, held: Vec<(usize, String, Allocated)>) -> Result<()> {
    let one = bed.door(1);
    let wait = |wait| PoolRemove {
        name: "p".into(),
        wait,
    };
    let marked = one.pool_remove(wait(false))?;
    ensure!(marked.phase == "retiring", "{marked:?}");
    eventually("no node gives of it any more", || {
        for node in 1..=3 {
            let given = add_raw(&bed.door(node));
            bed.door(node).del(&attachment("more"))?;
            ensure!(given.is_err(), "n{node} gave {given:?}");
        }
        Ok(())
    })?;
    let waits = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| -> Result<Pool> {
            let socket = bed.door(2).socket;
            let client = Client::connect(&socket, Duration::from_secs(5))?;
            let mut client = client.answer_timeout(SOON * 2);
            let told = |said: &Progress| {
                waits.fetch_or(
                    said.what.contains("addresses of containers"),
                    Ordering::Relaxed,
                );
            };
            Ok(client.call_with(Method::PoolRemove(wait(true)), told)?)
        });
        // Once it waits, also over a store that is away longer than a read of it is tried.
        eventually("it is told that it waits", || {
            ensure!(waits.load(Ordering::Relaxed) || waiting.is_finished());
            Ok(())
        })?;
        bed.etcd.stop(0)?;
        Stop::default().pause(Duration::from_secs(8));
        bed.etcd.cont(0)?;
        bed.etcd.wait_ready(Duration::from_secs(60))?;
        for (node, name, given) in &held {
            bed.door(*node).check(&attachment(name), &ips(given))?;
            bed.door(*node).del(&attachment(name))?;
        }
        for node in 1..=3 {
            bed.door(node).del(&attachment(&format!("b{node}")))?;
        }
        joined(waiting).context("who waits is answered")?;
        Ok::<_, anyhow::Error>(())
    })?;
    ensure!(
        one.pools()?.is_empty() && rows(&one)?.is_empty(),
        "{:#?}",
        rows(&one)?
    );
    let left = bed
        .etcd
        .etcdctl(&["get", "--prefix", "/fairway/v1/blocks/", "--keys-only"])?;
    ensure!(left.trim().is_empty(), "{left}");
    // The name and the prefix can be used again.
    create(bed, pool("p", vec![range("10.81.1.0/26", 28)], 1))?;
    eventually("the new pool gives", || add(&bed.door(3), "new")).map(drop)
}

#[test]
fn a_pool_that_is_drained_as_a_whole_can_come_back() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let one = bed.door(1);
        create(bed, dual("p", 12, 26, 1))?;
        let held = add(&one, "a")?;
        let phase = |phase: &str| PoolSet {
            phase: Some(phase.into()),
            ..set("p")
        };
        one.pool_set(phase("draining"))?;
        eventually("it gives nothing", || {
            for door in [&one, &bed.door(2)] {
                let given = add_raw(door);
                door.del(&attachment("more"))?;
                ensure!(given.is_err(), "{given:?}");
            }
            Ok(())
        })?;
        one.check(&attachment("a"), &ips(&held))?;
        one.pool_set(phase("active"))?;
        eventually("it gives again", || add(&bed.door(2), "b"))?;
        let listed = in_step(bed)?;
        ensure!(in_state(&listed, "live").len() == 4, "{listed:#?}");
        Ok(())
    })
}
