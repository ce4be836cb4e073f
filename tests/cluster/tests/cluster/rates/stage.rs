//! Limited containers, and loads between them.

use crate::overlay::stage::{Pod, plugin};
use crate::policy::workload::Workload;
use anyhow::{Context, Error, Result, ensure};
use fairway_api::admin::{Direction, Rate, RateList};
use fairway_lab::traffic::{Kind, Load, Pings, Rates};
use fairway_lab::{Ns, Value, json};
use fairway_tests_cluster::{Bed, Plan, say};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

pub(super) const MEGABIT: u64 = 1_000_000;
const TRIES: usize = 6;
/// So often may more than the limit have been counted, of those.
const EXCEEDED: usize = 2;
pub(super) const CUBIC: Kind = Kind::Tcp("cubic");

static MEASURED: RwLock<()> = RwLock::new(());

/// As [`fairway_tests_cluster::on`], with no other test of rates beside it: what is measured here is what a machine
/// does at its best.
pub(super) fn on(plan: &Plan, test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    let _alone = MEASURED.write().unwrap_or_else(PoisonError::into_inner);
    fairway_tests_cluster::on(plan, test)
}

/// The same beside its like: tests that measure nothing, or by [`holds`], with loads that a limit keeps so small that
/// several are little for a processor.
pub(super) fn on_beside(plan: &Plan, test: impl FnOnce(&Bed) -> Result<()>) -> Result<()> {
    let _beside = MEASURED.read().unwrap_or_else(PoisonError::into_inner);
    fairway_tests_cluster::on(plan, test)
}

/// A container of network `net` whose configuration limits what it gets and what it sends.
pub(super) fn pod(
    bed: &Bed,
    node: usize,
    (namespace, name): (&str, &str),
    bandwidth: Value,
) -> Result<Pod> {
    let ns = bed.lab.container()?;
    let id = format!("{namespace}-{name}");
    let cni = plugin(bed.node(node), &id, "net", Some(&ns));
    let mut config = cni.conf().clone();
    config["bandwidth"] = bandwidth;
    let who = Workload {
        namespace,
        pod: name,
        labels: &[],
    };
    Pod::of(&id, ns.clone(), who.tell(cni.config(config)))
}

/// The host's end of a container's link.
pub(super) fn link(pod: &Pod) -> Result<String> {
    let link = pod.result["interfaces"][0]["name"].as_str();
    Ok(link.context("no link")?.to_owned())
}

pub(super) fn both(bits: u64) -> Value {
    json!({"ingressRate": bits, "egressRate": bits})
}

pub(super) fn free() -> Value {
    json!({})
}

pub(super) fn to(from: &Ns, to: (&Ns, IpAddr), seconds: u32) -> Load {
    Load {
        from: from.clone(),
        to: to.0.clone(),
        address: to.1,
        port: 5201,
        kind: CUBIC,
        flows: 1,
        seconds,
        reverse: false,
    }
}

/// From one container to another, by IPv4 and by IPv6.
pub(super) fn load(from: &Pod, at: &Pod, family: usize, seconds: u32) -> Load {
    to(&from.ns, (&at.ns, at.ips[family]), seconds)
}

/// What a limit does it does each time, and what a busy machine does besides it does now and then: a sender without a
/// processor sends less, and what waits in the socket of a receiver without one is counted when he has one, which may be
/// more than comes in that time. So one of some tries counts; but more than the limit is not had again and again.
pub(super) fn one_of_some(mut once: impl FnMut() -> Result<()>) -> Result<()> {
    let mut missed = Ok(());
    let mut exceeded = 0;
    for _ in 0..TRIES {
        missed = once();
        match &missed {
            Ok(()) => break,
            Err(told) => say(format!("missed: {told:#}")),
        }
        exceeded += usize::from(missed.as_ref().is_err_and(Error::is::<Exceeded>));
        if exceeded > EXCEEDED {
            break;
        }
    }
    missed
}

/// More than a limit lets through.
#[derive(Debug)]
struct Exceeded(String);

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "more than the limit: {}", self.0)
    }
}

impl std::error::Error for Exceeded {}

/// What was had is no more than the limit lets through.
pub(super) fn at_most(so: bool, told: &str) -> Result<()> {
    match so {
        true => Ok(()),
        false => Err(Exceeded(told.to_owned()).into()),
    }
}

pub(super) fn holds(what: &str, load: &Load, bits: u64) -> Result<()> {
    one_of_some(|| reaches(what, load, bits))
}

fn reaches(what: &str, load: &Load, bits: u64) -> Result<()> {
    let pings = Pings::start(&load.from, load.address)?;
    let rates = load.run()?;
    let pings = pings.end()?;
    let ping = pings[pings.len() / 2];
    let told = format!(
        "{what}, {bits} bit/s: {}, ping {ping:.2} ms",
        shown(&rates, bits)
    );
    say(&told);
    let of = |rate: f64| rate / bits as f64;
    let (first, whole) = (of(rates.first()), of(rates.whole()));
    at_most(first < 1.1 && whole < 1.03, &told)?;
    let few = rates.retransmitted() < 0.001 && ping < 10.0;
    ensure!(first > 0.9 && whole > 0.97 && few, "{told}");
    Ok(())
}

pub(super) fn shown(rates: &Rates, bits: u64) -> String {
    let of = |rate: f64| rate / bits as f64;
    format!(
        "first second {:.3}, whole {:.3}, {} of {} sent again",
        of(rates.first()),
        of(rates.whole()),
        rates.retransmits,
        rates.segments
    )
}

/// How a direction of a workload stands on a node.
pub(super) fn row(bed: &Bed, node: usize, workload: &str, direction: Direction) -> Result<Rate> {
    let list = RateList {
        workload: Some(workload.to_owned()),
    };
    let rows = bed.door(node).rate_list(list)?;
    let mut rows = rows.into_iter();
    let row = rows.find(|row| row.direction == direction);
    row.with_context(|| format!("no {direction:?} of {workload}"))
}

/// A `RateLimit`.
pub(super) fn limit(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit",
           "metadata": {"name": name}, "spec": spec})
}
