//! Sessions that are not as most are.

use crate::bed::{Ours, SOON, cable, lacks, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Family;
use fairway_bgp::session::config::{FamilySettings, Peer};
use fairway_bgp::session::{Neighbour, State};
use fairway_bgp_bed::{Bird, Frr};
use fairway_lab::{Lab, poll};
use std::time::Duration;

/// Over IPv6, with what both families say of it.
fn bird_over_ipv6(families: &str) -> String {
    format!(
        "router id 10.9.1.2;
         protocol device {{}}
         protocol static four {{ ipv4; route 192.0.2.0/24 blackhole; }}
         protocol static six {{ ipv6; route 2001:db8:1::/48 blackhole; }}
         protocol bgp own {{
           local fd09:1::2 as 65001; neighbor fd09:1::1 as 65000; connect delay time 1;
           {families}
         }}"
    )
}

/// RFC 8950.
#[test]
fn routes_of_ipv4_have_next_hops_of_ipv6() -> Result<()> {
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
        &bird_over_ipv6(
            "ipv4 { extended next hop on; import all; export all; };
             ipv6 { import all; export all; };",
        ),
    )?;
    let frr = Frr::start(
        &two,
        "router bgp 65002
          bgp router-id 10.9.2.2
          no bgp ebgp-requires-policy
          no bgp network import-check
          no bgp default ipv4-unicast
          neighbor fd09:2::1 remote-as 65000
          neighbor fd09:2::1 timers connect 1
          neighbor fd09:2::1 capability extended-nexthop
          address-family ipv4 unicast
           network 198.51.100.0/24
           neighbor fd09:2::1 activate
          exit-address-family",
    )?;
    let with = |address: &str, remote: u32| {
        neighbour(address, remote, |settings| {
            for family in &mut settings.families {
                family.ipv6_next_hops = family.family == Family::Ipv4;
            }
        })
    };
    let wanted = vec![with("fd09:1::2", 65_001)?, with("fd09:2::2", 65_002)?];
    let mut ours = Ours::start(&own, wanted)?;
    ours.originate(&["10.64.0.0/26", "fd64::/122"])?;
    ours.uses("192.0.2.0/24", Some("fd09:1::2"))?;
    ours.uses("2001:db8:1::/48", Some("fd09:1::2"))?;
    ours.uses("198.51.100.0/24", Some("fd09:2::2"))
        .with_context(|| format!("{:#?}", ours.status("fd09:2::2")))?;
    let route = || bird.ask("show route 10.64.0.0/26 all");
    says("BIRD", route, &["via fd09:1::1", "BGP.next_hop: fd09:1::1"])?;
    says("BIRD", || bird.ask("show route"), &["198.51.100.0/24"])?;
    let route = || frr.ask("show bgp ipv4 unicast 10.64.0.0/26");
    says("FRR", route, &["fd09:2::1", "valid"])
}

/// Without it, routes of IPv4 are told with the own address of IPv4 that was named, and none is told without one.
#[test]
fn a_session_of_ipv6_alone() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird = Bird::start(
        &one,
        &bird_over_ipv6("ipv6 { import all; export where source = RTS_STATIC; };"),
    )?;
    let wanted = neighbour("fd09:1::2", 65_001, |settings| {
        settings.families = vec![FamilySettings::new(Family::Ipv6)];
    })?;
    let mut ours = Ours::start(&own, vec![wanted])?;
    ours.originate(&["10.64.0.0/26", "fd64::/122"])?;
    ours.uses("2001:db8:1::/48", Some("fd09:1::2"))?;
    says("BIRD", || bird.ask("show route"), &["fd64::/122"])?;
    lacks("BIRD", || bird.ask("show route"), &["10.64.0.0/26"])?;
    let agreed = ours.status("fd09:1::2")?.session.agreed;
    let families = agreed
        .context("it is up")?
        .families()
        .iter()
        .collect::<Vec<_>>();
    ensure!(families == [Family::Ipv6], "{families:?}");
    Ok(())
}

fn bird(more: &str, routes: u32) -> String {
    let routes = (0..routes).map(|number| {
        let [.., third, last] = (number * 16).to_be_bytes();
        format!("route 192.{}.{third}.{last}/28 blackhole;", number >> 12)
    });
    format!(
        "router id 10.9.1.2;
         protocol device {{}}
         protocol static {{ ipv4; {} }}
         protocol bgp own {{
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000;
           connect delay time 1; connect retry time 1; error wait time 1, 2; {more}
           ipv4 {{ import all; export where source = RTS_STATIC; }};
         }}",
        routes.collect::<String>()
    )
}

/// Whoever connects from there is a neighbour, for as long as it is one.
#[test]
fn neighbours_of_a_prefix_come_and_go() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let mut all = neighbour("10.9.1.2", 65_001, |settings| {
        settings.idle_hold.first = Duration::from_millis(50);
        settings.idle_hold.most = Duration::from_millis(100);
    })?;
    let mut settings = all.neighbour.settings().clone();
    settings.peer = Peer::Within("10.9.1.0/24".parse()?);
    all.neighbour = Neighbour::new(settings)?;
    let mut ours = Ours::start(&own, vec![all])?;
    ours.originate(&["10.64.0.0/26"])?;
    ensure!(ours.statuses()?.is_empty(), "nobody is there yet");
    let mut bird = Bird::start(&one, &bird("", 1))?;
    ours.uses("192.0.0.0/28", Some("10.9.1.2"))?;
    says("BIRD", || bird.ask("show route"), &["10.64.0.0/26"])?;
    for _ in 0..2 {
        bird.kill()?;
        ours.uses("192.0.0.0/28", None)?;
        let gone = || ours.statuses().is_ok_and(|all| all.is_empty());
        poll(SOON, "it is forgotten", gone).with_context(|| format!("{:#?}", ours.statuses()))?;
        bird.restart()?;
        ours.uses("192.0.0.0/28", Some("10.9.1.2"))?;
    }
    Ok(())
}

#[test]
fn either_side_may_wait_for_the_other() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let waits = || neighbour("10.9.1.2", 65_001, |settings| settings.passive = true);
    let mut ours = Ours::start(&own, vec![waits()?])?;
    let waits_now = || {
        let status = ours.status("10.9.1.2");
        status.is_ok_and(|status| status.session.state == State::Active)
    };
    poll(SOON, "it waits", waits_now).with_context(|| format!("{:?}", ours.status("10.9.1.2")))?;
    let with = |more: &str| bird(more, 1);
    let bird = Bird::start(&one, &with(""))?;
    ours.uses("192.0.0.0/28", Some("10.9.1.2"))?;
    let theirs = format!("{:?}", ours.status("10.9.1.2")?.session.connection);
    ensure!(theirs.contains("Theirs"), "{theirs}");

    let connects = neighbour("10.9.1.2", 65_001, |settings| {
        settings.retry.first = Duration::from_millis(200);
        settings.retry.most = Duration::from_millis(500);
    })?;
    ours.configure(|config| config.neighbours = vec![connects])?;
    bird.configure(&with("passive on;"))?;
    let by_us = || {
        let status = ours.status("10.9.1.2");
        status.is_ok_and(|status| {
            let connection = format!("{:?}", status.session.connection);
            status.session.state == State::Established && connection.contains("Ours")
        })
    };
    poll(SOON, "ours connects", by_us)
        .with_context(|| format!("{:#?}", ours.status("10.9.1.2")))?;
    ours.uses("192.0.0.0/28", Some("10.9.1.2"))
}

/// RFC 8654.
#[test]
fn long_messages_go_either_way() -> Result<()> {
    const ROUTES: u32 = 10_000;
    const MARKS: usize = 1_100;
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let mut ours = Ours::start(&own, vec![neighbour("10.9.1.2", 65_001, |_| {})?])?;
    ours.originate_many(ROUTES, |_| 7)?;
    // One route with more marks than a message of the usual length holds.
    let marks = (0..MARKS).map(|number| format!("bgp_community.add((65001,{number}));"));
    let marks: String = marks.collect();
    let config = bird("enable extended messages on;", 1).replace(
        "export where source = RTS_STATIC;",
        &format!("export filter {{ if source != RTS_STATIC then reject; {marks} accept; }};"),
    );
    let bird = Bird::start(&one, &config)?;
    let count = || {
        let said = bird.ask("show route count");
        said.is_ok_and(|said| said.contains(&format!("{} of", 1 + ROUTES)))
    };
    poll(SOON, "BIRD has all", count)
        .with_context(|| format!("{:?}", bird.ask("show route count")))?;
    ours.uses("192.0.0.0/28", Some("10.9.1.2"))
        .with_context(|| format!("{:#?}", ours.status("10.9.1.2")))?;
    let used = ours.used()?.get(&"192.0.0.0/28".parse()?);
    let best = used.and_then(|used| used.first()).context("a route")?;
    let marks = best.route.attributes.communities.len();
    ensure!(marks == MARKS, "{marks} communities");
    let session = ours.status("10.9.1.2")?.session;
    let agreed = session.agreed.context("it is up")?;
    ensure!(agreed.extended_messages, "{agreed:#?}");
    // 50 kilobytes of prefixes: more than a dozen messages of the usual length.
    let sent = session.counters.sent;
    ensure!(sent.update <= 10, "{sent:?}");
    Ok(())
}
