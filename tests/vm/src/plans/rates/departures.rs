//! The limit holds, whatever sends and whichever way.
//!
//! An emulated processor moves some 300 Mbit/s, and sends UDP at half of that; and what comes from eight senders
//! at once, of which each begins with ten packets, is more than a second's worth at 1 Mbit/s, so that senders which
//! the queue cannot tell of it take them for lost. Those cases are not asked for.

use anyhow::{Result, ensure};
use fairway_lab::traffic::{Kind, Pings};

use super::bed::{Bed, Way, addresses};
use super::tries::{one_of_three, tried};

const MEGABIT: u64 = 1_000_000;
const CUBIC: Kind = Kind::Tcp("cubic");
const BBR: Kind = Kind::Tcp("bbr");
const SECONDS: u32 = 5;

pub(super) fn what_a_container_sends() -> Result<()> {
    let bed = Bed::new()?;
    bed.shape()?;
    holds(&bed, Way::Out, MEGABIT, CUBIC, 8)?;
    holds(&bed, Way::Out, 10 * MEGABIT, BBR, 1)?;
    holds(&bed, Way::Out, 10 * MEGABIT, Kind::Udp(20 * MEGABIT), 1)?;
    holds(&bed, Way::Out, 100 * MEGABIT, CUBIC, 1)?;
    holds(&bed, Way::Out, 100 * MEGABIT, BBR, 8)
}

pub(super) fn what_a_container_gets() -> Result<()> {
    let bed = Bed::new()?;
    bed.shape()?;
    holds(&bed, Way::In, MEGABIT, BBR, 1)?;
    holds(&bed, Way::In, 10 * MEGABIT, CUBIC, 8)?;
    holds(&bed, Way::In, 10 * MEGABIT, Kind::Udp(20 * MEGABIT), 1)?;
    holds(&bed, Way::In, 100 * MEGABIT, CUBIC, 1)?;
    holds(&bed, Way::In, 100 * MEGABIT, BBR, 8)
}

fn holds(bed: &Bed, way: Way, bits: u64, kind: Kind, flows: u32) -> Result<()> {
    one_of_three(|| reaches(bed, way, bits, kind, flows))
}

fn reaches(bed: &Bed, way: Way, bits: u64, kind: Kind, flows: u32) -> Result<Result<()>> {
    bed.limit(bits)?;
    let inside = Pings::start(&bed.containers[0], addresses(2)[0])?;
    let beside = Pings::start(&bed.containers[2], addresses(2)[0])?;
    let rates = bed.load(way, kind, flows, SECONDS).run()?;
    let [inside, beside] = [inside.end()?, beside.end()?].map(|times| times[times.len() / 2]);
    let of = |rate: f64| rate / bits as f64;
    let (first, whole) = (of(rates.first()), of(rates.whole()));
    let told = format!(
        "{way:?} {bits} {kind:?} {flows}: first second {first:.3}, whole {whole:.3}, {} of {} sent again, \
         ping {inside:.2} ms, beside it {beside:.2} ms",
        rates.retransmits, rates.segments
    );
    eprintln!("{told}");
    ensure!(first < 1.1 && whole < 1.03, "{told}");
    let reached = first > 0.9
        && whole > 0.97
        && rates.retransmitted() < 0.001
        && inside < 10.0
        && inside - beside < 5.0;
    Ok(tried(reached, told))
}
