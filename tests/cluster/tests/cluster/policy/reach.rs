//! Single connections, for tests that are not about all pairs.

use crate::overlay::stage::Pod;
use anyhow::{Result, ensure};
use fairway_lab::{Ns, poll};
use fairway_tests_cluster::{Patience, Protocol, Reached, SOON, Target, probe};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// TCP and UDP at once.
fn tried(from: &Ns, ip: IpAddr, port: u16, wanted: bool, limit: Duration) -> Result<[Reached; 2]> {
    let target = |protocol| Target {
        protocol,
        to: SocketAddr::new(ip, port),
        wanted,
    };
    let targets = [target(Protocol::Tcp), target(Protocol::Udp)];
    let patience = Patience {
        limit,
        ..Patience::default()
    };
    let reached = probe(from, &targets, patience)?;
    Ok([reached[0], reached[1]])
}

/// The echo server of a pod is reached, now, by both families, TCP and UDP.
pub(crate) fn open(from: &Ns, to: &Pod, port: u16) -> Result<()> {
    open_at(from, &to.ips, port)
}

/// One is reached by these addresses.
pub(crate) fn open_at(from: &Ns, ips: &[IpAddr], port: u16) -> Result<()> {
    for ip in ips {
        let found = tried(from, *ip, port, true, SOON)?;
        ensure!(
            found == [Reached::Whole; 2],
            "{from:?} to {ip} {port}: {found:?}"
        );
    }
    Ok(())
}

/// Nothing of it is reached.
pub(crate) fn shut(from: &Ns, to: &Pod, port: u16) -> Result<()> {
    for ip in &to.ips {
        let found = tried(from, *ip, port, false, Duration::ZERO)?;
        ensure!(
            found == [Reached::No; 2],
            "{from:?} to {} ({ip} {port}): {found:?}",
            to.name
        );
    }
    Ok(())
}

/// How long it takes until UDP gets there and back, or does not any more; looked for every few milliseconds.
pub(crate) fn until(from: &Ns, ip: IpAddr, port: u16, wanted: bool) -> Result<Duration> {
    let begun = Instant::now();
    let what = format!("UDP from {from:?} to {ip} {port} is open: {wanted}");
    let target = Target {
        protocol: Protocol::Udp,
        to: SocketAddr::new(ip, port),
        wanted,
    };
    // What is refused is refused at once; an answer takes far less where nobody is in its way.
    let quick = Duration::from_millis(60);
    let is_so = |time| {
        let patience = Patience {
            limit: time,
            silence: time,
        };
        let found = probe(from, &[target], patience);
        found.is_ok_and(|found| (found[0] == Reached::Whole) == wanted)
    };
    let took = poll(SOON, &what, || {
        let so = is_so(quick).then(|| begun.elapsed());
        // Where somebody is, silence is no refusal.
        so.filter(|_| wanted || is_so(quick * 10))
    })?;
    Ok(took)
}
