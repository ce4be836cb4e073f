//! NOTIFICATIONs with graceful restart (RFC 8538): routes stay through one, and go with a Hard Reset. Either way, and by
//! either side.

use crate::bed::{Ours, SOON, cable, gobgp, lacks, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::session::config::{Graceful, Settings};
use fairway_bgp_bed::{Frr, Gobgp};
use fairway_lab::{Guarded, Lab, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

const PEER: &str = "10.9.1.2";
const THEIRS: &str = "192.0.2.0/24";
const OWN: &str = "10.64.0.0/26";

fn full(settings: &mut Settings) {
    settings.graceful = Graceful {
        restart_time: 120,
        deferral: Duration::from_secs(20),
        ..Graceful::FULL
    };
    settings.idle_hold.first = Duration::from_millis(100);
    settings.idle_hold.most = Duration::from_millis(200);
}

/// A session that came up once more, and both told all of it.
fn back(ours: &Ours, ups: u64) -> Result<()> {
    let is_back = || {
        ours.status(PEER).is_ok_and(|status| {
            let one = |(_, counts, told): &(_, fairway_bgp::table::Counts, usize)| {
                counts.received > 0 && *told > 0
            };
            ours.is_up(PEER)
                && status.session.counters.ups == ups
                && status.session.stale.is_empty()
                && status.routes.first().is_some_and(one)
        })
    };
    poll(SOON, "it is back", is_back)
        .with_context(|| format!("{ups} times: {:#?}", ours.status(PEER)))?;
    Ok(())
}

/// Codes of the last NOTIFICATION that came, and of that which went.
fn codes(ours: &Ours) -> Result<[Option<(u8, u8)>; 2]> {
    let counters = ours.status(PEER)?.session.counters;
    let codes = |said: Option<(_, fairway_bgp::message::Notification)>| {
        said.map(|(_, said)| said.reason.codes())
    };
    Ok([codes(counters.error_received), codes(counters.error_sent)])
}

/// Nothing that was used was lost for a moment.
fn kept(ours: &mut Ours) -> Result<()> {
    let lost = ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} went");
    Ok(())
}

fn kept_there(theirs: &Guarded, gone: &str) -> Result<()> {
    let log = theirs.log();
    ensure!(!log.contains(gone), "it was taken away there: {log}");
    Ok(())
}

/// The kernel of FRR's machine is the witness of what FRR does.
#[test]
fn frr_keeps_routes_through_notifications_and_drops_them_at_a_hard_reset() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("frr")?);
    cable(&lab, (&own, "frr"), (&one, "own"), 1)?;
    let frr = Frr::start(
        &one,
        "router bgp 65001
          bgp router-id 10.9.1.2
          no bgp ebgp-requires-policy
          no bgp network import-check
          no bgp hard-administrative-reset
          bgp graceful-restart
          bgp graceful-restart preserve-fw-state
          bgp graceful-restart restart-time 120
          bgp graceful-restart notification
          neighbor 10.9.1.1 remote-as 65000
          neighbor 10.9.1.1 timers 2 6
          neighbor 10.9.1.1 timers connect 1
          address-family ipv4 unicast
           network 192.0.2.0/24
          exit-address-family",
    )?;
    // FRR connects: a new connection before it has read all of the old one would be a restart to it, and no more.
    let passive = |settings: &mut Settings| {
        full(settings);
        settings.passive = true;
    };
    let mut ours = Ours::start(&own, vec![neighbour(PEER, 65_001, passive)?])?;
    ours.originate(&[OWN])?;
    ours.uses(THEIRS, Some(PEER))?;
    let routes = || Ok(one.run(&format!("ip route show {OWN}"))?);
    says("the kernel", routes, &["via 10.9.1.1"])?;
    let deleted = format!("Deleted {OWN}");
    let agreed = ours.status(PEER)?.session.agreed.context("it is up")?;
    let graceful = agreed.graceful.context("both restart gracefully")?;
    ensure!(graceful.notification(), "{graceful:?}");

    // FRR resets the session: Cease, Administrative Reset. (8.4 drops by itself what it had from us.)
    frr.ask("clear bgp *")?;
    back(&ours, 2)?;
    ensure!(codes(&ours)?[0] == Some((6, 4)), "{:?}", codes(&ours)?);
    kept(&mut ours)?;

    // Ours does.
    says("the kernel", routes, &["via 10.9.1.1"])?;
    let kernel = one.command("ip").args(["-4", "monitor", "route"]).spawn()?;
    ours.reset(PEER)?;
    back(&ours, 3)?;
    ensure!(codes(&ours)?[1] == Some((6, 4)), "{:?}", codes(&ours)?);
    let neighbour = || frr.ask("show bgp neighbors 10.9.1.1");
    says("FRR", neighbour, &["received (Cease/Administrative Reset)"]).context(frr.log())?;
    kept(&mut ours)?;
    kept_there(&kernel, &deleted)?;

    // FRR is silent for the hold time, and goes on later.
    let pid = Pid::from_raw(frr.pid().context("FRR runs")?);
    kill(pid, Signal::SIGSTOP)?;
    let stale = || {
        let status = ours.status(PEER);
        status.is_ok_and(|status| !status.session.stale.is_empty())
    };
    poll(SOON, "its routes are stale", stale)?;
    ensure!(codes(&ours)?[1] == Some((4, 0)), "{:?}", codes(&ours)?);
    let used = ours.used()?.contains_key(&THEIRS.parse()?);
    ensure!(used, "its route is used while it is silent");
    kill(pid, Signal::SIGCONT)?;
    back(&ours, 4)?;
    kept(&mut ours)?;

    // What is meant to last goes at once: first FRR says so,
    frr.configure(&["router bgp 65001", "bgp hard-administrative-reset"])?;
    frr.ask("clear bgp *")?;
    back(&ours, 5)?;
    ensure!(codes(&ours)?[0] == Some((6, 9)), "{:?}", codes(&ours)?);
    let lost = ours.lost()?;
    ensure!(lost == [THEIRS.parse()?].into(), "{lost:?} went");

    // and then ours.
    ours.uses(THEIRS, Some(PEER))?;
    says("the kernel", routes, &["via 10.9.1.1"])?;
    ours.configure(|config| config.neighbours.clear())?;
    lacks("the kernel", routes, &["10.64"])?;
    // It says so a moment later than it is so.
    poll(SOON, "the witness sees it", || {
        kernel.log().contains(&deleted)
    })?;
    says("FRR", neighbour, &["(Cease/Peer De-configured/Hard Reset)"])
}

/// GoBGP tells by itself what becomes of routes.
#[test]
fn gobgp_keeps_routes_through_notifications_and_drops_them_at_a_hard_reset() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("gobgp")?);
    cable(&lab, (&own, "gobgp"), (&one, "own"), 1)?;
    let gobgp = Gobgp::start(
        &one,
        &gobgp(
            65_001,
            "[neighbors.graceful-restart.config]
               enabled = true
               notification-enabled = true
               restart-time = 120",
        ),
    )?;
    gobgp.ask("global rib add 192.0.2.0/24")?;
    let mut ours = Ours::start(&own, vec![neighbour(PEER, 65_001, full)?])?;
    ours.originate(&[OWN])?;
    ours.uses(THEIRS, Some(PEER))?;
    let table = || gobgp.ask("global rib");
    says("GoBGP", table, &[OWN])?;
    let mut changes = one
        .command("gobgp")
        .args(["monitor", "global", "rib", "--current"])
        .spawn()?;
    changes.wait_for(SOON, OWN)?;
    let deleted = format!("[DELROUTE] {OWN}");

    // Ours resets the session.
    ours.reset(PEER)?;
    back(&ours, 2)?;
    ensure!(codes(&ours)?[1] == Some((6, 4)), "{:?}", codes(&ours)?);
    kept_there(&changes, &deleted)?;

    // It is wanted no longer, and then it is.
    let mut before = Vec::new();
    ours.configure(|config| before = std::mem::take(&mut config.neighbours))?;
    changes.wait_for(SOON, &deleted)?;
    lacks("GoBGP", table, &[OWN])?;
    ours.configure(|config| config.neighbours = before)?;
    back(&ours, 1)?;
    ours.lost()?;
    says("GoBGP", table, &[OWN])?;

    // GoBGP is told to be quiet. 3.10 has no Hard Reset for it, so that its routes are kept for as long as it may be away.
    gobgp.ask("neighbor 10.9.1.1 disable")?;
    let stale = || {
        let status = ours.status(PEER);
        status.is_ok_and(|status| !status.session.stale.is_empty())
    };
    poll(SOON, "its routes are stale", stale)?;
    ensure!(codes(&ours)?[0] == Some((6, 2)), "{:?}", codes(&ours)?);
    kept(&mut ours)
}
