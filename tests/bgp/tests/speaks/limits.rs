//! A neighbour that tells more prefixes than it may.

use crate::bed::{Ours, SOON, cable, neighbour};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Family;
use fairway_bgp::message::{Cease, Reason};
use fairway_bgp::session::State;
use fairway_bgp::session::config::{Limit, Over};
use fairway_bgp_bed::Bird;
use fairway_lab::{Lab, poll};
use std::time::Duration;

const PEER: &str = "10.9.1.2";

fn bird(routes: u32) -> String {
    let routes = (0..routes).map(|number| format!("route 192.0.{number}.0/24 blackhole;"));
    format!(
        "router id 10.9.1.2;
         protocol device {{}}
         protocol static {{ ipv4; {} }}
         protocol bgp own {{
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000;
           connect delay time 1; connect retry time 1; error wait time 1, 2;
           ipv4 {{ import all; export all; }};
         }}",
        routes.collect::<String>()
    )
}

fn over(ours: &Ours) -> Option<State> {
    let session = ours.status(PEER).ok()?.session;
    let (_, said) = session.counters.error_sent?;
    let meant = said.hard_reset().map_or(said.reason, |meant| meant.reason);
    (meant == Reason::Cease(Cease::MaximumPrefixes)).then_some(session.state)
}

#[test]
fn too_many_prefixes_have_their_consequence() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let bird_runs = Bird::start(&one, &bird(5))?;
    let with = |over: Over| {
        neighbour(PEER, 65_001, |settings| {
            settings.idle_hold.first = Duration::from_millis(50);
            settings.retry.first = Duration::from_millis(200);
            settings.families[0].limit = Some(Limit {
                prefixes: 4,
                warn_at: 75,
                over,
            });
        })
    };
    // It is only said, and all are taken.
    let mut ours = Ours::start(&own, vec![with(Over::Warn)?])?;
    for number in 0..5 {
        ours.uses(&format!("192.0.{number}.0/24"), Some(PEER))?;
    }
    let prefixes = ours.status(PEER)?.session.prefixes;
    ensure!(prefixes.contains(&(Family::Ipv4, 5)), "{prefixes:?}");

    // It goes down for a while, and is back and down again for as long as there are too many.
    let again = Some(Duration::from_secs(1));
    let down = with(Over::Down { again })?;
    ours.configure(|config| config.neighbours = vec![down])?;
    poll(SOON, "there are too many", || over(&ours).is_some())
        .with_context(|| format!("{:#?}", ours.status(PEER)))?;
    let protocol = || bird_runs.ask("show protocols all own");
    let why = ["Maximum number of prefixes reached", "Hard reset"];
    let told = || protocol().is_ok_and(|text| why.iter().any(|why| text.contains(why)));
    poll(SOON, "BIRD says why", told).with_context(|| format!("{:?}", protocol()))?;
    ours.uses("192.0.0.0/24", None)?;
    let twice = || {
        let status = ours.status(PEER);
        status.is_ok_and(|status| status.session.counters.flaps >= 2)
    };
    poll(SOON, "it is tried again", twice)?;
    bird_runs.configure(&bird(4))?;
    for number in 0..4 {
        ours.uses(&format!("192.0.{number}.0/24"), Some(PEER))?;
    }

    // For good.
    let down = with(Over::Down { again: None })?;
    ours.configure(|config| config.neighbours = vec![down])?;
    ours.uses("192.0.3.0/24", Some(PEER))?;
    bird_runs.configure(&bird(5))?;
    poll(SOON, "it is down", || over(&ours) == Some(State::Idle))?;
    ours.uses("192.0.3.0/24", None)?;
    let status = ours.status(PEER)?.session;
    ensure!(status.next.is_none(), "{status:#?}");
    let why = status.why.context("it is down for a reason")?;
    ensure!(why.contains('4') && why.contains('5'), "{why}");
    Ok(())
}
