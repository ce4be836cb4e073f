//! The speakers among themselves: what is seen here is the bed's doing, and no speaker's of ours.

use anyhow::Result;
use fairway_bgp_bed::{Bird, Frr, Gobgp};
use fairway_lab::{Lab, Ns, poll};
use std::time::Duration;

/// Sessions come up when the slowest retries.
const UP: Duration = Duration::from_secs(60);

/// A cable between two.
fn cable(lab: &Lab, one: (&Ns, &str), other: (&Ns, &str), net: u8) -> Result<()> {
    lab.wire(one.0, one.1, other.0, other.1)?;
    one.0.addr(one.1, &format!("10.9.{net}.1/30"))?;
    Ok(other.0.addr(other.1, &format!("10.9.{net}.2/30"))?)
}

fn machines(lab: &Lab) -> Result<[Ns; 3]> {
    Ok([
        lab.machine("bird")?,
        lab.machine("frr")?,
        lab.machine("gobgp")?,
    ])
}

#[test]
fn all_three_tell_each_other_their_routes() -> Result<()> {
    let lab = Lab::new()?;
    let [one, two, three] = machines(&lab)?;
    cable(&lab, (&one, "frr"), (&two, "bird"), 1)?;
    cable(&lab, (&two, "gobgp"), (&three, "frr"), 2)?;
    let bird = Bird::start(
        &one,
        "router id 10.9.1.1;
         protocol device {}
         protocol static { ipv4; route 192.0.2.0/24 blackhole; }
         protocol bgp frr {
           local 10.9.1.1 as 65001; neighbor 10.9.1.2 as 65002; connect delay time 1;
           ipv4 { import all; export all; };
         }",
    )?;
    let frr = Frr::start(
        &two,
        "router bgp 65002
          bgp router-id 10.9.1.2
          no bgp ebgp-requires-policy
          no bgp network import-check
          neighbor 10.9.1.1 remote-as 65001
          neighbor 10.9.2.2 remote-as 65003
          neighbor 10.9.1.1 timers connect 1
          neighbor 10.9.2.2 timers connect 1
          address-family ipv4 unicast
           network 198.51.100.0/24
          exit-address-family",
    )?;
    let gobgp = Gobgp::start(
        &three,
        r#"[global.config]
             as = 65003
             router-id = "10.9.2.2"
           [[neighbors]]
             [neighbors.config]
               neighbor-address = "10.9.2.1"
               peer-as = 65002
             [neighbors.timers.config]
               connect-retry = 1"#,
    )?;
    gobgp.ask("global rib add 203.0.113.0/24")?;

    let knows = |text: Result<String>, prefixes: [&str; 2]| {
        text.is_ok_and(|text| prefixes.iter().all(|prefix| text.contains(prefix)))
    };
    let all = || {
        knows(
            bird.ask("show route"),
            ["198.51.100.0/24", "203.0.113.0/24"],
        ) && knows(
            frr.ask("show bgp ipv4 unicast"),
            ["192.0.2.0/24", "203.0.113.0/24"],
        ) && knows(gobgp.ask("global rib"), ["192.0.2.0/24", "198.51.100.0/24"])
    };
    let heard = poll(UP, "each has the others' routes", all);
    heard.map_err(|error| {
        let tables = [
            bird.ask("show route all"),
            frr.ask("show bgp ipv4 unicast"),
            gobgp.ask("global rib"),
        ];
        anyhow::anyhow!(
            "{error}\n{tables:#?}\n{}\n{}\n{}",
            bird.log(),
            frr.log(),
            gobgp.log()
        )
    })
}

#[test]
fn who_was_killed_comes_back() -> Result<()> {
    let lab = Lab::new()?;
    let [one, two, three] = machines(&lab)?;
    let mut bird = Bird::start(&one, "router id 10.9.1.1; protocol device {}")?;
    let mut frr = Frr::start(&two, "router bgp 65002\n bgp router-id 10.9.1.2")?;
    let mut gobgp = Gobgp::start(
        &three,
        "[global.config]\nas = 65003\nrouter-id = \"10.9.2.2\"",
    )?;
    bird.kill()?;
    frr.kill()?;
    gobgp.kill()?;
    assert!(
        bird.ask("show status").is_err()
            && frr.ask("show bgp summary").is_err()
            && gobgp.ask("global").is_err()
    );
    bird.restart()?;
    frr.restart()?;
    gobgp.restart()?;
    bird.configure("router id 10.9.1.2; protocol device {}")?;
    assert!(bird.ask("show status")?.contains("10.9.1.2"));
    frr.configure(&["router bgp 65002", "bgp router-id 10.9.1.7"])?;
    assert!(frr.ask("show running-config")?.contains("10.9.1.7"));
    assert_eq!(gobgp.json("global")?["asn"], 65003);
    Ok(())
}
