//! More flows than there is room for: those that are open go on, and new ones come about.

use super::objects::{apply, namespace, policy};
use super::reach;
use super::workload::plain;
use crate::overlay::stage::{Pod, network};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{MapFill, PolicyStatus};
use fairway_lab::json;
use fairway_tests_cluster::{
    Bed, Echo, Patience, Plan, Protocol, Reached, Talk, Target, on, probe,
};
use std::net::{SocketAddr, UdpSocket};

/// The least that the daemon takes.
const SMALL: &str = "[policy]\nflows = 1024\n";

fn fill(status: &PolicyStatus, name: &str) -> Result<MapFill> {
    let mut maps = status.maps.iter();
    let map = maps.find(|map| map.name == name);
    map.cloned()
        .with_context(|| format!("no {name}: {status:?}"))
}

/// Datagrams to so many ports that nobody answers.
fn unanswered(from: &Pod, to: &Pod, count: u16) -> Result<()> {
    for ip in &to.ips {
        let any: SocketAddr = match ip.is_ipv4() {
            true => ([0; 4], 0).into(),
            false => ([0_u16; 8], 0).into(),
        };
        let socket = from.ns.inside(|| UdpSocket::bind(any))??;
        for port in 0..count {
            // An error may be that of one before: there is nobody.
            let _ = socket.send_to(b"flood", (*ip, 10_000 + port));
        }
    }
    Ok(())
}

/// Datagrams that are answered, from so many ports.
fn answered(from: &Pod, to: &Pod, count: usize) -> Result<usize> {
    let target = Target {
        protocol: Protocol::Udp,
        to: SocketAddr::new(to.ips[0], 80),
        wanted: true,
    };
    let mut reached = 0;
    for _ in 0..count.div_ceil(200) {
        let found = probe(&from.ns, &vec![target; 200], Patience::default())?;
        reached += found
            .iter()
            .filter(|found| **found == Reached::Whole)
            .count();
    }
    Ok(reached)
}

fn talks(from: &Pod, to: &Pod, first: u16) -> Result<Vec<Talk>> {
    let ports = first..;
    let ips = to.ips.iter().zip(ports);
    ips.map(|(ip, port)| Ok(Talk::start(&from.ns, (&to.ns, *ip), port)?))
        .collect()
}

fn flood(bed: &Bed) -> Result<()> {
    network(bed, "net", 173, "always")?;
    let server = plain(bed, 1, "x", "server")?;
    let (near, far) = (plain(bed, 1, "y", "near")?, plain(bed, 2, "y", "far")?);
    let foe = plain(bed, 2, "z", "foe")?;
    let _echo = Echo::start(&server.ns, &[80])?;
    let from = json!([{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]);
    let rules = policy(
        "x",
        "only-y",
        json!({"podSelector": {}, "ingress": [{"from": from}]}),
    );
    apply(&bed.door(1), &[namespace("y", json!({"ns": "y"})), rules])?;
    reach::until(&near.ns, server.ips[0], 80, true)?;
    reach::until(&foe.ns, server.ips[0], 80, false)?;
    let mut open = talks(&near, &server, 7000)?;
    open.extend(talks(&far, &server, 7010)?);
    open.iter().try_for_each(Talk::goes_on)?;

    // Nobody answers these: they push out their own kind.
    for from in [&near, &far, &foe] {
        unanswered(from, &server, 5000)?;
    }
    open.iter().try_for_each(Talk::goes_on)?;

    // These fill the table of those that are open.
    let reached = answered(&far, &server, 3000)?;
    ensure!(reached == 3000, "only {reached} were answered");
    eventually("the daemon has counted them", || {
        let full = fill(&bed.door(1).policy_status()?, "track_open")?;
        ensure!(
            full.size < 3000 && full.used > full.size * 9 / 10,
            "{full:?}"
        );
        Ok(())
    })?;
    open.iter().try_for_each(Talk::goes_on)?;
    // What begins now has no room there, and goes on all the same.
    let late = talks(&near, &server, 7020)?;
    reach::open(&far.ns, &server, 80)?;
    reach::shut(&foe.ns, &server, 80)?;
    unanswered(&near, &server, 500)?;
    for _ in 0..5 {
        open.iter().chain(&late).try_for_each(Talk::goes_on)?;
    }
    Ok(())
}

#[test]
fn a_full_table_of_flows_breaks_none_that_is_open() -> Result<()> {
    on(&Plan::nodes(2).members(1).settings(SMALL), flood)
}
