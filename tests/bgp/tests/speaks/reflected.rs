//! RFC 4456 either way: as a reflector, and as the client of one.

use crate::bed::{OWN, Ours, SOON, cable, gobgp, lacks, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp_bed::{Bird, Frr, Gobgp};
use fairway_lab::{Lab, poll};

/// Two clients of ours that do not know each other.
#[test]
fn clients_hear_of_each_other() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one, two) = (
        lab.machine("own")?,
        lab.machine("bird")?,
        lab.machine("frr")?,
    );
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    cable(&lab, (&own, "frr"), (&two, "own"), 2)?;
    let bird = Bird::start(
        &one,
        "router id 10.9.1.2;
         protocol device {}
         protocol static four { ipv4; route 192.0.2.0/24 blackhole; }
         protocol bgp own {
           local 10.9.1.2 as 65000; neighbor 10.9.1.1 as 65000; connect delay time 1;
           ipv4 { import all; export where proto = \"four\"; next hop self; gateway recursive; };
         }
         protocol static ways { ipv4; route 10.9.2.0/24 via 10.9.1.1; }",
    )?;
    let frr = Frr::start(
        &two,
        "router bgp 65000
          bgp router-id 10.9.2.2
          no bgp network import-check
          neighbor 10.9.2.1 remote-as 65000
          neighbor 10.9.2.1 timers connect 1
          address-family ipv4 unicast
           network 198.51.100.0/24
          exit-address-family",
    )?;
    let client = |address: &str| -> Result<_> {
        let mut wanted = neighbour(address, OWN, |_| {})?;
        wanted.client = true;
        Ok(wanted)
    };
    let mut ours = Ours::start(&own, vec![client("10.9.1.2")?, client("10.9.2.2")?])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    // Who began it, and which cluster it came through.
    let route = || frr.ask("show bgp ipv4 unicast 192.0.2.0/24");
    says(
        "FRR",
        route,
        &["Originator: 10.9.1.2", "Cluster list: 10.9.0.1"],
    )?;
    let route = || bird.ask("show route 198.51.100.0/24 all");
    says(
        "BIRD",
        route,
        &["BGP.originator_id: 10.9.2.2", "BGP.cluster_list: 10.9.0.1"],
    )?;
    bird.ask("disable four")?;
    lacks(
        "FRR",
        || frr.ask("show bgp ipv4 unicast"),
        &["192.0.2.0/24"],
    )?;

    // Of two that are no clients, neither hears of the other.
    let plain = |address: &str| neighbour(address, OWN, |_| {});
    let plain = vec![plain("10.9.1.2")?, plain("10.9.2.2")?];
    ours.configure(|config| config.neighbours = plain)?;
    bird.ask("enable four")?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    ours.uses("198.51.100.0/24", Some("10.9.2.2"))?;
    ours.originate(&["10.64.0.0/26"])?;
    // Once it has this, it has all that it is told.
    says(
        "FRR",
        || frr.ask("show bgp ipv4 unicast"),
        &["10.64.0.0/26"],
    )?;
    lacks(
        "FRR",
        || frr.ask("show bgp ipv4 unicast"),
        &["192.0.2.0/24"],
    )
}

/// Ours is one of two clients of FRR.
#[test]
fn a_reflector_is_told_and_tells() -> Result<()> {
    let lab = Lab::new()?;
    let (own, hub, two) = (
        lab.machine("own")?,
        lab.machine("frr")?,
        lab.machine("bird")?,
    );
    cable(&lab, (&own, "frr"), (&hub, "own"), 1)?;
    cable(&lab, (&hub, "bird"), (&two, "frr"), 2)?;
    let _frr = Frr::start(
        &hub,
        "router bgp 65000
          bgp router-id 10.9.1.2
          neighbor 10.9.1.1 remote-as 65000
          neighbor 10.9.1.1 timers connect 1
          neighbor 10.9.2.2 remote-as 65000
          neighbor 10.9.2.2 timers connect 1
          address-family ipv4 unicast
           neighbor 10.9.1.1 route-reflector-client
           neighbor 10.9.2.2 route-reflector-client
          exit-address-family",
    )?;
    let bird = Bird::start(
        &two,
        "router id 10.9.2.2;
         protocol device {}
         protocol static { ipv4; route 192.0.2.0/24 blackhole; }
         protocol bgp hub {
           local 10.9.2.2 as 65000; neighbor 10.9.2.1 as 65000; connect delay time 1;
           ipv4 { import all; export all; next hop self; gateway recursive; };
         }",
    )?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", OWN, |_| {})?])?;
    ours.originate(&["10.64.0.0/26"])?;
    ours.uses("192.0.2.0/24", Some("10.9.2.2"))?;
    let route = || bird.ask("show route 10.64.0.0/26 all");
    says(
        "BIRD",
        route,
        &["BGP.originator_id: 10.9.0.1", "BGP.next_hop: 10.9.1.1"],
    )
}

/// And of GoBGP, whose cluster is not its identifier, with BIRD that is told by it.
#[test]
fn gobgp_reflects_for_ours_and_bird() -> Result<()> {
    let lab = Lab::new()?;
    let (own, hub, two) = (
        lab.machine("own")?,
        lab.machine("gobgp")?,
        lab.machine("bird")?,
    );
    cable(&lab, (&own, "gobgp"), (&hub, "own"), 1)?;
    cable(&lab, (&hub, "bird"), (&two, "gobgp"), 2)?;
    let client = "[neighbors.route-reflector.config]
           route-reflector-client = true
           route-reflector-cluster-id = \"10.9.9.9\"";
    let second = format!(
        "[[neighbors]]
           [neighbors.config]
             neighbor-address = \"10.9.2.2\"
             peer-as = {OWN}
           [neighbors.transport.config]
             passive-mode = true
           {client}"
    );
    let gobgp = Gobgp::start(&hub, &format!("{}{second}", gobgp(OWN, client)))?;
    let bird = Bird::start(
        &two,
        "router id 10.9.2.2;
         protocol device {}
         protocol static { ipv4; route 192.0.2.0/24 blackhole; }
         protocol bgp hub {
           local 10.9.2.2 as 65000; neighbor 10.9.2.1 as 65000; connect delay time 1;
           ipv4 { import all; export where source = RTS_STATIC; next hop self; gateway recursive; };
         }",
    )?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", OWN, |_| {})?])?;
    ours.originate(&["10.64.0.0/26"])?;
    ours.uses("192.0.2.0/24", Some("10.9.2.2"))?;
    let best = ours.used()?[&"192.0.2.0/24".parse()?].clone();
    let attributes = &best.first().context("a route")?.route.attributes;
    let began = attributes.originator.map(|router| router.to_string());
    ensure!(began.as_deref() == Some("10.9.2.2"), "{attributes:?}");
    let through: Vec<_> = attributes
        .clusters
        .iter()
        .map(|one| one.to_string())
        .collect();
    ensure!(through == ["10.9.9.9"], "{attributes:?}");
    let route = || bird.ask("show route 10.64.0.0/26 all");
    says(
        "BIRD",
        route,
        &["BGP.originator_id: 10.9.0.1", "BGP.cluster_list: 10.9.9.9"],
    )?;
    // RFC 2918 alone: GoBGP tells neither beginning nor end.
    let updates = || -> Result<u64> {
        let session = ours.status("10.9.1.2")?.session;
        Ok(session.counters.received.update)
    };
    let before = updates()?;
    ours.refresh("10.9.1.2")?;
    poll(SOON, "it tells all once more", || {
        updates().is_ok_and(|now| now > before)
    })?;
    let lost = ours.lost()?;
    ensure!(lost.is_empty(), "{lost:?} went");
    says("GoBGP", || gobgp.ask("global rib"), &["10.64.0.0/26"])
}
