//! Limits of containers that run, changed: at once, and nothing is lost by it.

use super::stage::{MEGABIT, at_most, both, free, link, load, on, one_of_some, pod, row};
use crate::overlay::life::{lossless_but, streams};
use crate::overlay::stage::{Pod, network};
use crate::policy::byhand::netctl;
use crate::policy::objects::namespace;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::traffic::Kind;
use fairway_lab::{Ns, json};
use fairway_tests_cluster::{Bed, Plan, say};
use std::time::{Duration, Instant};

/// What a change takes at most besides a command and its way to the store, where a processor is there for it: the way
/// back, and the kernel.
const SOON: Duration = Duration::from_millis(30);

/// What a command and its way to the store take here and now: one that changes no limit.
fn control(bed: &Bed, number: u64) -> Result<Duration> {
    let object = namespace("elsewhere", json!({"number": number.to_string()}));
    let begun = Instant::now();
    let output = netctl(bed, 1, &["apply", "-f", "-"], &object.to_string())?;
    ensure!(output.status.success(), "{output:?}");
    Ok(begun.elapsed())
}

fn set(bed: &Bed, words: &[&str]) -> Result<Duration> {
    let begun = Instant::now();
    let output = netctl(bed, 1, &[&["rate", "set", "x/limited"], words].concat(), "")?;
    ensure!(output.status.success(), "{output:?}");
    Ok(begun.elapsed())
}

/// What a node waits at most to see a change itself before it answers.
const UNSEEN: Duration = Duration::from_secs(1);

/// Where rates are kept by classes of a queue, the kernel says of this one that it keeps to so much.
fn in_force(bed: &Bed, direction: Direction, (ns, link): (&Ns, &str), megabits: u64) -> Result<()> {
    let shown = ns.run(&format!("tc class show dev {link}"))?;
    let means = row(bed, 1, "x/limited", direction)?.means;
    let class = format!("class htb fa17:1 root rate {megabits}Mbit ceil {megabits}Mbit");
    ensure!(
        means != "htb" || shown.contains(&class),
        "{megabits}: {shown}"
    );
    Ok(())
}

/// A load through four rates: the kernel has each when the command is answered, and it holds from a tenth of a
/// second after that to the next one.
fn through(bed: &Bed, from: &Pod, at: &Pod, way: Direction) -> Result<()> {
    let (option, queue) = match way {
        Direction::Egress => ("--egress", (from.ns.clone(), "eth0".to_owned())),
        Direction::Ingress => ("--ingress", (bed.node(1).ns.clone(), link(at)?)),
    };
    set(bed, &[option, "20M"])?;
    let running = load(from, at, 0, 9).start()?;
    let begun = Instant::now();
    let mut changes = Vec::new();
    // Whatever else the machine does meanwhile.
    let (mut quickest, mut least) = (Duration::MAX, Duration::MAX);
    for (number, megabits) in (1..).zip([60, 10, 40]) {
        // The load's own second and a half, counted by its clock.
        let at = Duration::from_millis(2000 * number);
        fairway_lab::poll(Duration::from_secs(9), "time for the next", || {
            begun.elapsed() >= at
        })?;
        let took = set(bed, &[option, &format!("{megabits}M")])?;
        changes.push((begun.elapsed(), megabits));
        if took < UNSEEN {
            in_force(bed, way, (&queue.0, &queue.1), megabits)?;
        }
        say(format!("the change to {megabits} Mbit/s took {took:?}"));
        quickest = quickest.min(took);
        least = least.min(control(bed, number)?);
    }
    ensure!(
        quickest < least + SOON,
        "the quickest change took {quickest:?}, and what is no change {least:?}"
    );
    let rates = running.end()?;
    say(format!(
        "{option}: {} of {} sent again",
        rates.retransmits, rates.segments
    ));
    for (number, (since, megabits)) in changes.iter().enumerate() {
        let until = changes
            .get(number + 1)
            .map_or(Duration::from_secs(9), |next| next.0);
        // Two tenths at each end: the load's clock is not this one.
        let from = (since.as_secs_f64() * 10.0).ceil() as usize + 2;
        let to = ((until.as_secs_f64() * 10.0) as usize).saturating_sub(2);
        let part = rates.tenths.get(from..to.min(rates.tenths.len()));
        let part = part.context("tenths")?;
        let bits: f64 = part.iter().map(|one| one.bits).sum();
        let seconds: f64 = part.iter().map(|one| one.seconds).sum();
        let ratio = bits / seconds / (megabits * MEGABIT) as f64;
        let told = format!("{option} {megabits}M: {ratio:.3}");
        say(&told);
        at_most(ratio < 1.03, &told)?;
        ensure!(ratio > 0.95, "{told}");
    }
    ensure!(
        rates.retransmitted() < 0.001,
        "{} sent again",
        rates.retransmits
    );
    Ok(())
}

#[test]
fn changes_hold_at_once() -> Result<()> {
    on(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 210, "always")?;
        let limited = pod(bed, 1, ("x", "limited"), both(20 * MEGABIT))?;
        let peer = pod(bed, 1, ("x", "peer"), free())?;
        one_of_some(|| through(bed, &limited, &peer, Direction::Egress))?;
        one_of_some(|| through(bed, &peer, &limited, Direction::Ingress))
    })
}

/// Packets that fit through all of these limits all arrive: another limit, one more, none by word, and the first.
#[test]
fn no_packet_is_lost_by_a_change() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        network(bed, "net", 211, "always")?;
        // The first limit puts a queue in, and what the link sends in that very moment the kernel drops.
        let limited = pod(bed, 1, ("x", "limited"), both(50 * MEGABIT))?;
        let near = pod(bed, 1, ("x", "near"), free())?;
        let far = pod(bed, 2, ("x", "far"), free())?;
        let pings = [
            streams(&[&near, &limited])?,
            streams(&[&limited, &near])?,
            streams(&[&far, &limited])?,
        ];
        let mut udp = load(&near, &limited, 1, 8);
        udp.kind = Kind::Udp(4 * MEGABIT);
        let running = udp.start()?;
        let begun = Instant::now();
        let mut rounds = 0;
        while begun.elapsed() < Duration::from_secs(5) {
            set(bed, &["--ingress", "20M", "--egress", "20M"])?;
            ensure!(row(bed, 1, "x/limited", Direction::Ingress)?.rate == Some(20 * MEGABIT));
            set(bed, &["--ingress", "90M", "--egress", "900M"])?;
            set(bed, &["--ingress", "none"])?;
            let output = netctl(bed, 1, &["rate", "rm", "x/limited"], "")?;
            ensure!(output.status.success());
            rounds += 1;
        }
        say(format!("{rounds} rounds"));
        let rates = running.end()?;
        // For what has arrived and found no room with a receiver who was without a processor, no limit can.
        let no_room = no_room(&limited.ns)?;
        let ratio = rates.whole() / (4 * MEGABIT) as f64;
        for pings in pings {
            // As with the first limit, the kernel may drop what a link sends while its queue becomes another one.
            lossless_but(pings, 1)?;
        }
        say(format!(
            "UDP: {ratio:.4}, {} lost, no room for {no_room}",
            rates.lost
        ));
        ensure!(
            rates.lost <= no_room,
            "{} datagrams are lost, and for {no_room} there was no room",
            rates.lost
        );
        Ok(())
    })
}

/// Datagrams of IPv6 that have come and found a socket full.
fn no_room(ns: &Ns) -> Result<u64> {
    let counted = ns.run("nstat -asz Udp6RcvbufErrors")?;
    let mut words = counted.split_whitespace();
    let count = words.find_map(|word| word.parse().ok());
    count.with_context(|| counted.clone())
}
