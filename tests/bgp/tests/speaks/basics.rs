//! Sessions come up, and routes of both families go either way.

use crate::bed::{OWN, Ours, SOON, cable, lacks, neighbour, says};
use anyhow::{Context as _, Result};
use fairway_bgp_bed::{Bird, Frr, Gobgp};
use fairway_lab::{Lab, poll};
use fairway_speaker::Wanted;

/// Over IPv4, with an own next hop of IPv6.
fn both(address: &str, remote: u32, own: &str) -> Result<Wanted> {
    let mut wanted = neighbour(address, remote, |_| {})?;
    wanted.next_hops.v6 = Some(own.parse()?);
    Ok(wanted)
}

#[test]
fn all_three_hear_and_are_heard() -> Result<()> {
    let lab = Lab::new()?;
    let [own, one, two, three] = ["own", "bird", "frr", "gobgp"].map(|name| lab.machine(name));
    let (own, one, two, three) = (own?, one?, two?, three?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    cable(&lab, (&own, "frr"), (&two, "own"), 2)?;
    cable(&lab, (&own, "gobgp"), (&three, "own"), 3)?;
    let bird = Bird::start(
        &one,
        "router id 10.9.1.2;
         protocol device {}
         protocol static four { ipv4; route 192.0.2.0/24 blackhole; }
         protocol static six { ipv6; route 2001:db8:1::/48 blackhole; }
         protocol bgp own {
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000; connect delay time 1;
           ipv4 { import all; export all; };
           ipv6 { import all; export all; };
         }",
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
          exit-address-family
          address-family ipv6 unicast
           network 2001:db8:2::/48
           neighbor 10.9.2.1 activate
          exit-address-family",
    )?;
    let gobgp = Gobgp::start(
        &three,
        r#"[global.config]
             as = 65003
             router-id = "10.9.3.2"
           [[neighbors]]
             [neighbors.config]
               neighbor-address = "10.9.3.1"
               peer-as = 65000
             [neighbors.timers.config]
               connect-retry = 1
             [[neighbors.afi-safis]]
               [neighbors.afi-safis.config]
                 afi-safi-name = "ipv4-unicast"
             [[neighbors.afi-safis]]
               [neighbors.afi-safis.config]
                 afi-safi-name = "ipv6-unicast""#,
    )?;
    gobgp.ask("global rib add 203.0.113.0/24")?;
    gobgp.ask("global rib add -a ipv6 2001:db8:3::/48")?;

    let mut ours = Ours::start(
        &own,
        vec![
            both("10.9.1.2", 65_001, "fd09:1::1")?,
            both("10.9.2.2", OWN, "fd09:2::1")?,
            both("10.9.3.2", 65_003, "fd09:3::1")?,
        ],
    )?;
    ours.originate(&["10.64.0.0/26", "10.64.3.7/32", "fd64::/122"])?;

    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    ours.uses("198.51.100.0/24", Some("10.9.2.2"))?;
    ours.uses("203.0.113.0/24", Some("10.9.3.2"))?;
    for prefix in ["2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:3::/48"] {
        let prefix = prefix.parse()?;
        // By an update of its own, and which next hop that has is the neighbour's to say.
        let used = || ours.used().is_ok_and(|used| used.contains_key(&prefix));
        poll(SOON, "it is used", used).with_context(|| {
            let status = ["10.9.1.2", "10.9.2.2", "10.9.3.2"].map(|peer| ours.status(peer));
            format!("{prefix} is not used: {status:#?}")
        })?;
    }
    // What others told goes on, with the AS it came through.
    says(
        "BIRD",
        || bird.ask("show route all"),
        &[
            "10.64.0.0/26",
            "10.64.3.7/32",
            "203.0.113.0/24",
            "65000 65003",
        ],
    )?;
    says(
        "FRR",
        || frr.ask("show bgp ipv4 unicast"),
        &[
            "10.64.0.0/26",
            "10.64.3.7/32",
            "192.0.2.0/24",
            "203.0.113.0/24",
        ],
    )?;
    says(
        "GoBGP",
        || gobgp.ask("global rib"),
        &["10.64.0.0/26", "192.0.2.0/24", "198.51.100.0/24"],
    )?;

    let six = [
        "fd64::/122",
        "2001:db8:1::/48",
        "2001:db8:2::/48",
        "2001:db8:3::/48",
    ];
    says("BIRD", || bird.ask("show route"), &six)?;
    says("FRR", || frr.ask("show bgp ipv6 unicast"), &six)?;
    says("GoBGP", || gobgp.ask("global rib -a ipv6"), &six)?;

    ours.retract("10.64.3.7/32")?;
    lacks("BIRD", || bird.ask("show route"), &["10.64.3.7/32"])?;
    lacks(
        "FRR",
        || frr.ask("show bgp ipv4 unicast"),
        &["10.64.3.7/32"],
    )?;
    lacks("GoBGP", || gobgp.ask("global rib"), &["10.64.3.7/32"])?;
    bird.ask("disable four")?;
    ours.uses("192.0.2.0/24", None)
}

#[test]
fn who_reads_late_is_told_all() -> Result<()> {
    let lab = Lab::new()?;
    let mut ours = Ours::start(&lab.machine("alone")?, Vec::new())?;
    // Many more than there are lists that wait, and nothing happens any more after them.
    let all: Vec<String> = (0..100).map(|net| format!("10.1.{net}.0/24")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    ours.originate(&all)?;
    let mut used = 0;
    let known = || {
        used = ours.used().map_or(0, |used| used.len());
        used == all.len()
    };
    poll(SOON, "all are known", known).with_context(|| format!("{used} of {}", all.len()))
}
