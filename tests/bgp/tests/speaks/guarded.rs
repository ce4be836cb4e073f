//! Keys, TTLs, AS numbers: who is not meant is not spoken with, and both sides say why.

use crate::bed::{Ours, SOON, asn, cable, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::message::{OpenError, Reason};
use fairway_bgp::session::config::{Password, Ttl};
use fairway_bgp::session::{RemoteAs, State};
use fairway_bgp_bed::Bird;
use fairway_lab::{Lab, poll};

fn bird(more: &str) -> String {
    format!(
        "router id 10.9.1.2;
         protocol device {{}}
         protocol static {{ ipv4; route 192.0.2.0/24 blackhole; }}
         protocol bgp own {{
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000; connect delay time 1; connect retry time 1;
           error wait time 1, 2; {more}
           ipv4 {{ import all; export all; }};
         }}"
    )
}

#[test]
fn a_key_is_right_wrong_and_changed() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird = Bird::start(&one, &bird("password \"right\";"))?;
    let with = |key: &str| {
        let key = Password::new(key.as_bytes());
        neighbour("10.9.1.2", 65_001, |settings| settings.password = key.ok())
    };
    let mut ours = Ours::start(&own, vec![with("wrong")?])?;
    // Segments that are not signed so are dropped by either kernel, which count them.
    let dropped = || {
        let counted = one.run("nstat -asz TcpExtTCPMD5Failure");
        let mut words = counted.iter().flat_map(|text| text.split_whitespace());
        let count = words.find_map(|word| word.parse::<u64>().ok());
        count.is_some_and(|count| count > 0)
    };
    poll(SOON, "segments with the wrong key are dropped", dropped)?;
    ensure!(!ours.is_up("10.9.1.2"), "up with the wrong key");

    ours.configure(|config| config.neighbours = with("right").into_iter().collect())?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    says("BIRD", || bird.ask("show protocols"), &["Established"])?;
    let shown = format!("{:?}", ours.status("10.9.1.2")?);
    ensure!(!shown.contains("right"), "{shown}");

    ours.configure(|config| config.neighbours = with("wrong").into_iter().collect())?;
    ours.uses("192.0.2.0/24", None)
}

#[test]
fn ttl_security_holds_with_bird() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird = Bird::start(&one, &bird("ttl security on;"))?;
    let secured = neighbour("10.9.1.2", 65_001, |settings| {
        settings.ttl = Ttl::Security(1)
    })?;
    let mut ours = Ours::start(&own, vec![secured])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))?;
    says("BIRD", || bird.ask("show protocols"), &["Established"])
}

#[test]
fn another_as_is_refused_by_name() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird = Bird::start(&one, &bird(""))?;
    let other = || neighbour("10.9.1.2", 65_009, |_| {});
    let mut ours = Ours::start(&own, vec![other()?])?;
    let sent = || {
        let status = ours.status("10.9.1.2").ok()?;
        status
            .session
            .counters
            .error_sent
            .map(|(_, said)| said.reason)
    };
    let told = || sent() == Some(Reason::Open(OpenError::PeerAs));
    poll(SOON, "a NOTIFICATION of the AS", told).with_context(|| format!("{:?}", sent()))?;
    says(
        "BIRD",
        || bird.ask("show protocols all own"),
        &["Bad peer AS"],
    )?;
    // While BIRD rests, it takes no connection, and that is the reason then.
    let why = || -> Result<String> {
        let status = ours.status("10.9.1.2")?.session;
        ensure!(status.state != State::Established, "{status:?}");
        status.why.context("it is not up, so there is a reason")
    };
    let named = || why().is_ok_and(|why| why.contains("65001") && why.contains("65009"));
    poll(SOON, "it is said why", named).with_context(|| format!("{:?}", why()))?;
    // One of several is right.
    let either = neighbour("10.9.1.2", 65_001, |settings| {
        settings.remote_as = RemoteAs::OneOf(vec![asn(65_009), asn(65_001)]);
    })?;
    ours.configure(|config| config.neighbours = vec![either])?;
    ours.uses("192.0.2.0/24", Some("10.9.1.2"))
}

/// It is told another AS than the node's, and finds that one in front of paths.
#[test]
fn a_neighbour_that_is_told_another_as_sees_no_other() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let config = bird("").replace("as 65000", "as 65010");
    let bird = Bird::start(&one, &config)?;
    let as_another = neighbour("10.9.1.2", 65_001, |settings| {
        settings.local.asn = asn(65_010)
    })?;
    let ours = Ours::start(&own, vec![as_another])?;
    ours.originate(&["10.64.0.0/26"])?;
    let route = || bird.ask("show route 10.64.0.0/26 all");
    says("BIRD", route, &["BGP.as_path: 65010\n"])
}
