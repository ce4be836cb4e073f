//! Either side restarts (RFC 4724): routes stay meanwhile, and those that are no more go once all was told anew.

use crate::bed::{Ours, SOON, cable, gobgp, lacks, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Family;
use fairway_bgp::session::config::{Graceful, Settings};
use fairway_bgp_bed::{Bird, Frr, Gobgp};
use fairway_lab::flow::Flow;
use fairway_lab::{Lab, poll};
use fairway_speaker::PeerStatus;
use std::time::Duration;

/// With routes, and with what is said of restarts.
fn bird(routes: &str, graceful: &str) -> String {
    format!(
        "router id 10.9.1.2;
         graceful restart wait 10;
         protocol device {{ scan time 1; }}
         protocol kernel {{ ipv4 {{ export all; }}; merge paths no; persist; learn no; scan time 1; }}
         protocol static four {{ ipv4; {routes} }}
         protocol bgp own {{
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000;
           connect delay time 1; connect retry time 1; error wait time 1, 2;
           {graceful}
           ipv4 {{ import all; export where source = RTS_STATIC; }};
         }}"
    )
}

const BOTH: &str = "route 192.0.2.0/24 blackhole; route 198.51.100.0/24 blackhole;";
const ONE: &str = "route 192.0.2.0/24 blackhole;";

fn stale(status: &PeerStatus) -> bool {
    !status.session.stale.is_empty()
}

fn told(ours: &Ours, address: &str) -> u32 {
    let status = ours.status(address);
    let routes = status.map(|status| status.routes).unwrap_or_default();
    let mut routes = routes.into_iter();
    let four = routes.find(|(family, ..)| *family == Family::Ipv4);
    four.map_or(0, |(_, counts, _)| counts.received)
}

#[test]
fn bird_restarts_and_what_it_has_no_more_goes() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let config = |routes| bird(routes, "graceful restart on; graceful restart time 120;");
    let mut bird = Bird::start(&one, &config(BOTH))?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", 65_001, |_| {})?])?;
    for prefix in ["192.0.2.0/24", "198.51.100.0/24"] {
        ours.uses(prefix, Some("10.9.1.2"))?;
    }
    bird.kill()?;
    let gone = || ours.status("10.9.1.2").is_ok_and(|status| stale(&status));
    poll(SOON, "its routes are stale", gone)?;
    let lost = ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} are gone while BIRD is");

    bird.write(&config(ONE))?;
    bird.restart()?;
    ours.uses("198.51.100.0/24", None)?;
    let lost = ours.lost()?;
    ensure!(lost == ["198.51.100.0/24".parse()?].into(), "{lost:?} went");
    let status = ours.status("10.9.1.2")?;
    ensure!(!stale(&status), "{status:#?}");
    ensure!(told(&ours, "10.9.1.2") == 1, "{status:#?}");
    ensure!(status.session.counters.flaps == 1, "{status:#?}");
    Ok(())
}

#[test]
fn frr_restarts_and_what_it_has_no_more_goes() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("frr")?);
    cable(&lab, (&own, "frr"), (&one, "own"), 1)?;
    let config = |routes: &str| {
        format!(
            "router bgp 65001
              bgp router-id 10.9.1.2
              no bgp ebgp-requires-policy
              no bgp network import-check
              bgp graceful-restart
              bgp graceful-restart preserve-fw-state
              bgp graceful-restart restart-time 120
              neighbor 10.9.1.1 remote-as 65000
              neighbor 10.9.1.1 timers connect 1
              address-family ipv4 unicast
               {routes}
              exit-address-family"
        )
    };
    let both = "network 192.0.2.0/24\n network 198.51.100.0/24";
    let mut frr = Frr::start(&one, &config(both))?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", 65_001, |_| {})?])?;
    for prefix in ["192.0.2.0/24", "198.51.100.0/24"] {
        ours.uses(prefix, Some("10.9.1.2"))?;
    }
    frr.kill()?;
    let gone = || ours.status("10.9.1.2").is_ok_and(|status| stale(&status));
    poll(SOON, "its routes are stale", gone)?;
    let lost = ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} are gone while FRR is");

    frr.write(&config("network 192.0.2.0/24"))?;
    frr.restart()?;
    ours.uses("198.51.100.0/24", None)
        .with_context(|| format!("{:#?}", ours.status("10.9.1.2")))?;
    let lost = ours.lost()?;
    ensure!(lost == ["198.51.100.0/24".parse()?].into(), "{lost:?} went");
    ensure!(told(&ours, "10.9.1.2") == 1);
    Ok(())
}

/// It is expected for as long as it said, and no longer.
#[test]
fn a_neighbour_that_is_not_back_in_time_is_not_waited_for() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let config = bird(ONE, "graceful restart on; graceful restart time 6;");
    let mut bird = Bird::start(&one, &config)?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", 65_001, |_| {})?])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    bird.kill()?;
    let gone = || ours.status("10.9.1.2").is_ok_and(|status| stale(&status));
    poll(SOON, "its routes are stale", gone)?;
    let used = ours.used()?;
    ensure!(used.contains_key(&"192.0.2.0/24".parse()?), "{used:?}");
    ours.uses("192.0.2.0/24", None)?;
    let status = ours.status("10.9.1.2")?;
    ensure!(!stale(&status), "{status:#?}");
    // As if it were new.
    bird.restart()?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))
}

/// For longer than anybody waits here.
fn full(settings: &mut Settings) {
    settings.graceful = Graceful {
        restart_time: 120,
        deferral: Duration::from_secs(120),
        ..Graceful::FULL
    };
}

/// GoBGP as the one that stays, and as the one that restarts.
#[test]
fn either_side_restarts_and_the_other_is_gobgp() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("gobgp")?);
    cable(&lab, (&own, "gobgp"), (&one, "own"), 1)?;
    let graceful = "[neighbors.graceful-restart.config]
           enabled = true
           restart-time = 120
           deferral-time = 5";
    let mut gobgp = Gobgp::start(&one, &gobgp(65_001, graceful))?;
    let ours = Ours::start(&own, vec![neighbour("10.9.1.2", 65_001, full)?])?;
    ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
    let table = || gobgp.ask("global rib");
    says("GoBGP", table, &["10.64.0.0/26", "10.64.1.0/26"])?;
    let mut changes = one
        .command("gobgp")
        .args(["monitor", "global", "rib", "--current"])
        .spawn()?;
    changes.wait_for(SOON, "10.64.1.0/26")?;

    let adjacent = || gobgp.ask("neighbor 10.9.1.1 adj-in");
    let marked = || adjacent().is_ok_and(|text| text.contains("S "));
    ensure!(!marked(), "{:?}", adjacent());
    let config = ours.leave()?;
    poll(SOON, "routes of ours are stale", marked).with_context(|| format!("{:?}", adjacent()))?;
    let mut ours = Ours::back(&own, config)?;
    ours.originate(&["10.64.0.0/26"])?;
    lacks("GoBGP", table, &["10.64.1.0/26"])?;
    says("GoBGP", table, &["10.64.0.0/26"])?;
    let log = changes.log();
    ensure!(!log.contains("[DELROUTE] 10.64.0.0/26"), "{log}");

    gobgp.ask("global rib add 192.0.2.0/24")?;
    gobgp.ask("global rib add 198.51.100.0/24")?;
    for prefix in ["192.0.2.0/24", "198.51.100.0/24"] {
        ours.uses(prefix, Some("10.9.1.2"))?;
    }
    gobgp.kill()?;
    let gone = || ours.status("10.9.1.2").is_ok_and(|status| stale(&status));
    poll(SOON, "its routes are stale", gone)?;
    let lost = ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} are gone while GoBGP is");
    // It has its routes by its CLI alone: nobody is to be told before.
    one.run("ip link set own down")?;
    gobgp.restart()?;
    gobgp.ask("global rib add 192.0.2.0/24")?;
    one.run("ip link set own up")?;
    ours.uses("198.51.100.0/24", None)?;
    let lost = ours.lost()?;
    ensure!(lost == ["198.51.100.0/24".parse()?].into(), "{lost:?} went");
    Ok(())
}

/// An address of ours that BIRD has a way to, by us alone.
#[test]
fn packets_go_on_while_ours_restarts() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    own.addr("lo", "10.64.0.1/32")?;
    let bird = Bird::start(&one, &bird(ONE, ""))?;
    let with = || neighbour("10.9.1.2", 65_001, full);
    let mut ours = Ours::start(&own, vec![with()?])?;
    ours.originate(&["10.64.0.0/26"])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    let routes = || Ok(one.run("ip route show 10.64.0.0/26")?);
    says("the kernel", routes, &["via 10.9.1.1"])?;
    let mut pings = Flow::start(&one, "10.64.0.1".parse()?)?;
    pings.runs(SOON)?;

    let config = ours.leave()?;
    let protocol = || bird.ask("show protocols all own");
    says("BIRD", protocol, &["Neighbor graceful restart active"])?;
    let mut ours = Ours::back(&own, config)?;
    ours.originate(&["10.64.0.0/26"])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    says("BIRD", protocol, &["Established"])?;
    lacks("BIRD", protocol, &["graceful restart active"])?;
    let told = || {
        let status = ours.status("10.9.1.2");
        status.is_ok_and(|status| !status.session.restarting)
    };
    poll(SOON, "the restart is over", told)?;
    let found = pings.end()?;
    ensure!(found.lost == 0, "{found:?}");

    // One that ends for good says so, and is not waited for.
    drop(ours);
    lacks("the kernel", routes, &["10.64"])
}

/// Of two neighbours the second is late: until it has told its routes, the first is told nothing, and keeps what it has.
#[test]
fn a_restarted_speaker_waits_for_all() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one, two) = (
        lab.machine("own")?,
        lab.machine("bird")?,
        lab.machine("late")?,
    );
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    cable(&lab, (&own, "late"), (&two, "own"), 2)?;
    let first = Bird::start(&one, &bird("", ""))?;
    let late = bird(ONE, "").replace("10.9.1.", "10.9.2.");
    let late = Bird::start(&two, &late.replace("65001", "65002"))?;
    let four = |address: &str, remote: u32| {
        neighbour(address, remote, |settings| {
            full(settings);
            settings.families.truncate(1);
        })
    };
    let wanted = vec![four("10.9.1.2", 65_001)?, four("10.9.2.2", 65_002)?];
    let ours = Ours::start(&own, wanted)?;
    ours.originate(&["10.64.0.0/26", "10.64.1.0/26"])?;
    let routes = || first.ask("show route");
    let all = ["10.64.0.0/26", "10.64.1.0/26", "192.0.2.0/24"];
    says("BIRD", routes, &all)?;

    let config = ours.leave()?;
    let protocol = || first.ask("show protocols all own");
    says("BIRD", protocol, &["Neighbor graceful restart active"])?;
    late.ask("disable own")?;
    let mut ours = Ours::back(&own, config.clone())?;
    ours.originate(&["10.64.0.0/26"])?;
    poll(SOON, "the first is up", || ours.is_up("10.9.1.2"))?;
    // It has told all: only the other is waited for.
    let heard = || {
        let status = ours.status("10.9.1.2");
        status.is_ok_and(|status| status.session.counters.received.update > 0)
    };
    poll(SOON, "the first has told all", heard)?;
    let used = ours.used()?;
    ensure!(used.is_empty(), "the node was told of {used:?}");
    let status = ours.status("10.9.1.2")?;
    ensure!(status.session.counters.sent.update == 0, "{status:#?}");
    says("BIRD", routes, &all)?;

    late.ask("enable own")?;
    ours.uses("192.0.2.0/24", Some("10.9.2.2"))?;
    lacks("BIRD", routes, &["10.64.1.0/26"])?;
    says("BIRD", routes, &["10.64.0.0/26", "192.0.2.0/24"])?;

    // One that does not come at all is waited for until the time is over.
    let mut config = ours.leave()?;
    says("BIRD", protocol, &["Neighbor graceful restart active"])?;
    late.ask("disable own")?;
    let soon = |address: &str, remote: u32| {
        neighbour(address, remote, |settings| {
            full(settings);
            settings.families.truncate(1);
            settings.graceful.deferral = Duration::from_secs(2);
        })
    };
    config.neighbours = vec![soon("10.9.1.2", 65_001)?, soon("10.9.2.2", 65_002)?];
    let ours = Ours::back(&own, config)?;
    ours.originate(&["10.64.0.0/26"])?;
    lacks("BIRD", routes, &["192.0.2.0/24"])?;
    says("BIRD", routes, &["10.64.0.0/26"])
}
