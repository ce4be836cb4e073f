//! Sessions go down again and again: they come back with all routes, and leave nothing behind.

use crate::bed::{Ours, SOON, cable, neighbour, says};
use crate::beside::{Beside, PEER};
use crate::raw::{RIGHT, Raw, attributes, update};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Family;
use fairway_bgp::session::config::{Graceful, Settings};
use fairway_bgp_bed::{Bird, Frr};
use fairway_lab::{Lab, Ns, poll};
use std::fs;
use std::time::Duration;

const FLAPS: u64 = 50;

/// Attempts come at once.
fn quick(settings: &mut Settings) {
    settings.retry.first = Duration::from_millis(5);
    settings.retry.most = Duration::from_millis(20);
    settings.idle_hold.first = Duration::from_millis(5);
    settings.idle_hold.most = Duration::from_millis(10);
}

fn bird(more: &str) -> String {
    format!(
        "router id 10.9.1.2;
         protocol device {{}}
         protocol static {{ ipv4; route 192.0.2.0/24 blackhole; }}
         protocol bgp own {{
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000; {more}
           ipv4 {{ import all; export where source = RTS_STATIC; }};
         }}"
    )
}

/// Sockets that there are in a namespace, whatever their state.
pub(crate) fn sockets(ns: &Ns) -> Result<u64> {
    let text = ns.inside(|| fs::read_to_string("/proc/thread-self/net/sockstat"))??;
    let used = text
        .lines()
        .find_map(|line| line.strip_prefix("sockets: used "));
    Ok(used.context("a number of sockets")?.trim().parse()?)
}

/// A session that came up after the last one, and all that it is told.
fn is_back(ours: &Ours, ups: u64) -> bool {
    ours.status(PEER).is_ok_and(|status| {
        let mut routes = status.routes.iter();
        let four = routes.find(|(family, ..)| *family == Family::Ipv4);
        let told = four.is_some_and(|(.., told)| *told == 2);
        ours.is_up(PEER) && status.session.counters.ups == ups && told
    })
}

#[test]
fn fifty_restarts_of_bird_leave_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird = Bird::start(&one, &bird("passive on;"))?;
    let mut ours = Ours::start(&own, vec![neighbour(PEER, 65_001, quick)?])?;
    ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    let before = sockets(&own)?;
    for flap in 0..FLAPS {
        bird.ask("restart own")?;
        poll(SOON, "it is back", || is_back(&ours, flap + 2))
            .with_context(|| format!("flap {flap}: {:#?}", ours.status(PEER)))?;
    }
    // BIRD 2.0.12 may say nothing after its first KEEPALIVE, where the session is back within milliseconds, until the next
    // one is due or it is asked.
    ours.refresh(PEER)?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    let all = ["10.64.0.0/26", "10.64.1.0/26"];
    says("BIRD", || bird.ask("show route"), &all)?;
    let flaps = ours.status(PEER)?.session.counters.flaps;
    ensure!(flaps == FLAPS, "{flaps} flaps");
    let same = || sockets(&own).is_ok_and(|now| now <= before);
    poll(SOON, "no socket is left over", same)
        .with_context(|| format!("{:?} and not {before}", sockets(&own)))?;
    Ok(())
}

#[test]
fn fifty_connections_that_break_leave_nothing() -> Result<()> {
    let mut beside = Beside::new()?;
    let before = sockets(&beside.own)?;
    for flap in 0..FLAPS {
        let mut peer = Raw::up(&beside.peer, 0)?;
        for number in 0..100 {
            let mut all = RIGHT.to_vec();
            let med = u32::to_be_bytes(number);
            all.push((0x80, 4, &med));
            let [.., third] = med;
            peer.send(&update(&attributes(&all), &[24, 203, 0, third]))?;
        }
        // Some are taken up, or none; the last time, all.
        if flap + 1 == FLAPS {
            beside.ours.uses("203.0.99.0/24", Some(PEER))?;
        }
    }
    let only = || {
        let used = beside.ours.used();
        used.is_ok_and(|used| used.keys().all(|one| one.to_string() == "192.0.2.0/24"))
    };
    poll(SOON, "all its routes are gone", only)?;
    beside.others_are_told("10.64.0.0/26")?;
    let same = || sockets(&beside.own).is_ok_and(|now| now <= before);
    poll(SOON, "no socket is left over", same)
        .with_context(|| format!("{:?} and not {before}", sockets(&beside.own)))?;
    Ok(())
}

#[test]
fn sessions_are_cleared_by_frr() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("frr")?);
    cable(&lab, (&own, "frr"), (&one, "own"), 1)?;
    let frr = Frr::start(
        &one,
        "router bgp 65001
          bgp router-id 10.9.1.2
          no bgp ebgp-requires-policy
          no bgp network import-check
          neighbor 10.9.1.1 remote-as 65000
          neighbor 10.9.1.1 timers connect 1
          address-family ipv4 unicast
           network 192.0.2.0/24
          exit-address-family",
    )?;
    let mut ours = Ours::start(&own, vec![neighbour(PEER, 65_001, quick)?])?;
    ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    for flap in 0..3 {
        frr.ask("clear bgp *")?;
        poll(SOON, "it is back", || is_back(&ours, flap + 2))
            .with_context(|| format!("flap {flap}: {:#?}", ours.status(PEER)))?;
    }
    ours.uses("192.0.2.0/24", Some(PEER))?;
    let table = || frr.ask("show bgp ipv4 unicast");
    says("FRR", table, &["10.64.0.0/26", "10.64.1.0/26"])
}

/// The hold timer finds out, and nothing else has to be done.
#[test]
fn a_link_that_is_down_takes_the_session_with_it() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let config =
        bird("hold time 3; connect retry time 1; error wait time 1, 2; connect delay time 1;");
    let bird = Bird::start(&one, &config)?;
    let mut ours = Ours::start(&own, vec![neighbour(PEER, 65_001, quick)?])?;
    ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    one.run("ip link set own down")?;
    ours.uses("192.0.2.0/24", None)?;
    let why = ours.status(PEER)?.session.why;
    ensure!(why.is_some(), "it is down, and for a reason");
    one.run("ip link set own up")?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    let all = ["10.64.0.0/26", "10.64.1.0/26"];
    says("BIRD", || bird.ask("show route"), &all)
}

#[test]
fn without_graceful_restart_routes_go_with_the_session() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    // They would stay for longer than anybody waits here.
    let config = bird("graceful restart on; graceful restart time 120; connect delay time 1;");
    let mut bird = Bird::start(&one, &config)?;
    let off = neighbour(PEER, 65_001, |settings| settings.graceful = Graceful::OFF)?;
    let mut ours = Ours::start(&own, vec![off])?;
    ours.uses("192.0.2.0/24", Some(PEER))?;
    bird.kill()?;
    ours.uses("192.0.2.0/24", None)?;
    bird.restart()?;
    ours.uses("192.0.2.0/24", Some(PEER))
}
