//! Ten nodes on one store: how soon 10,000 addresses are given, and what of it the store sees.

use super::daemon::Daemon;
use super::load;
use crate::figure::Bound;
use crate::report::Report;
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_etcd_bed::{Cluster, METRICS_PORT, Options, Seat};
use fairway_lab::{Lab, poll};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

const NODES: usize = 10;
const ADDRESSES: usize = 10_000;
const CLIENTS: usize = 4;
const ROUNDS: u8 = 3;
/// What others say of theirs, on their machines; not measured here.
const PUBLISHED: &str = "published by others, on their own machines and not measured here: \
    whereabouts 2,529 s for 1,000 pods, Spiderpool 182 s";

/// A pool that nobody has a block of, each round anew.
pub(crate) fn run(report: &mut Report, _rounds: usize) -> Result<()> {
    println!("  {NODES} daemons on three etcd members: {ROUNDS} rounds of {ADDRESSES} addresses …");
    let lab = Lab::new()?;
    let seats = (1..=3).map(|at| Seat {
        ns: lab.node().clone(),
        ip: Ipv4Addr::new(127, 0, 0, at).into(),
    });
    let etcd = Cluster::start(Options::seats(seats))?;
    let store = format!("etcd:{}", etcd.endpoints().join(","));
    let start = |at| Daemon::start(lab.node(), lab.scratch(), &format!("n{at}"), &store);
    let daemons: Vec<_> = (0..NODES).map(start).collect::<Result<_>>()?;
    let sockets: Vec<&Path> = daemons.iter().map(|daemon| &*daemon.socket).collect();

    let (mut seconds, mut p99, mut written, mut agreed) = (vec![], vec![], vec![], vec![]);
    let mut memory = None;
    for round in 0..ROUNDS {
        let pool = format!("round{round}");
        daemons[0].pool(&pool, &format!("10.{}.0.0/16", 64 + round), 30)?;
        daemons
            .iter()
            .try_for_each(|daemon| daemon.wait_for(&pool))?;
        let first = usize::from(round) << 32;
        let before = settled(&etcd)?;
        let (took, times) = load::fill(&sockets, &pool, (CLIENTS, ADDRESSES / NODES), first)?;
        let after = settled(&etcd)?;
        let each = |before: f64, after: f64| (after - before) / ADDRESSES as f64;
        seconds.push(took);
        p99.push(Samples(times).quantile(0.99));
        written.push(each(before.written, after.written));
        agreed.push(each(before.agreed, after.agreed));
        if memory.is_none() {
            memory = Some(daemons[0].memory()?);
        }
    }
    let most = |most| Some(Bound::AtMost(most));
    let what = "ten nodes, 10,000 addresses";
    report.figure(what, "s", most(10.0), seconds);
    report.figure(format!("{what}: p99 of one"), "ms", None, p99);
    let name = format!("{what}: etcd transactions for each");
    report.figure(name, "", most(0.2), written);
    let name = format!("{what}: what etcd's members agreed on, for each");
    report.figure(name, "", None, agreed);
    if let Some(memory) = memory {
        let name = "fairwayd's memory, 1,000 of the 10,000 its own";
        report.figure(name, "MiB", None, vec![memory.resident]);
    }
    report.notes.push(PUBLISHED.to_owned());
    Ok(())
}

/// What etcd has counted since its start.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted {
    /// Requests that may write, refused comparisons among them.
    written: f64,
    /// Entries of the members' log: those that wrote, and what the members have among themselves.
    agreed: f64,
}

/// Once nothing is written any more: what is told the store later counts, too.
fn settled(etcd: &Cluster) -> Result<Counted> {
    let mut last = (counted(etcd)?.written, Instant::now());
    let limit = Duration::from_secs(30);
    poll(limit, "nothing is written to etcd any more", || {
        let written = counted(etcd).map_or(f64::NAN, |counted| counted.written);
        if written != last.0 {
            last = (written, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(1500)
    })?;
    counted(etcd)
}

fn counted(etcd: &Cluster) -> Result<Counted> {
    let mut sum = Counted {
        written: 0.0,
        agreed: 0.0,
    };
    for member in 0..etcd.len() {
        let text = etcd.ns(member).inside(|| metrics(etcd.ip(member)))??;
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value: f64 = value.parse().unwrap_or_default();
            let method = |method: &str| name.contains(&format!("grpc_method=\"{method}\""));
            let writes = ["Txn", "Put", "DeleteRange"]
                .iter()
                .any(|name| method(name));
            if name.starts_with("grpc_server_handled_total{") && writes {
                sum.written += value;
            }
            if name == "etcd_server_proposals_committed_total" {
                sum.agreed = sum.agreed.max(value);
            }
        }
    }
    Ok(sum)
}

/// A member's metrics, as Prometheus would fetch them.
fn metrics(ip: IpAddr) -> Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::new(ip, METRICS_PORT))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let body = text.split_once("\r\n\r\n").context("no answer")?.1;
    Ok(body.to_owned())
}
