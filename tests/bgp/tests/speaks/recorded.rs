//! What a session with BIRD was is written down, and is the same when it is told again.
//!
//! `FAIRWAY_RECORD=FILE` keeps the recording: that of `daemon/bgp/tests/recordings` is one.

use crate::bed::{Ours, SOON, cable, neighbour, says};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::session::State;
use fairway_bgp::session::config::Graceful;
use fairway_bgp::session::record::{Recording, Step};
use fairway_bgp_bed::Bird;
use fairway_lab::{Lab, poll};
use std::fs;

const BIRD: &str = "10.9.1.2";

#[test]
fn a_session_with_bird_is_recorded_and_replays() -> Result<()> {
    let lab = Lab::new()?;
    let (own, one) = (lab.machine("own")?, lab.machine("bird")?);
    cable(&lab, (&own, "bird"), (&one, "own"), 1)?;
    let folder = lab.scratch().join("recordings");
    let config = "router id 10.9.1.2;
         protocol device {}
         protocol static four { ipv4; route 192.0.2.0/24 blackhole; route 198.51.100.0/24 blackhole; }
         protocol static six { ipv6; route 2001:db8:1::/48 blackhole; }
         protocol bgp own {
           local 10.9.1.2 as 65001; neighbor 10.9.1.1 as 65000;
           hold time 6; connect delay time 1; connect retry time 1; error wait time 1, 2;
           graceful restart on; graceful restart time 20;
           ipv4 { import all; export where source = RTS_STATIC; };
           ipv6 { import all; export where source = RTS_STATIC; };
         }";
    let wanted = neighbour(BIRD, 65_001, |settings| {
        settings.graceful = Graceful::FULL;
        settings.password = None;
    })?;
    let mut ours = Ours::start_with(&own, vec![wanted], |config| {
        config.record = Some(folder.clone());
    })?;
    // Nobody listens yet.
    let failed = || {
        let status = ours.status(BIRD);
        status.is_ok_and(|status| status.session.state == State::Active)
    };
    poll(SOON, "an attempt failed", failed)?;
    let mut bird = Bird::start(&one, config)?;
    ours.originate(&["10.64.0.0/26"])?;
    ours.uses("192.0.2.0/24", Some(BIRD))?;
    says("BIRD", || bird.ask("show route"), &["10.64.0.0/26"])?;
    ours.refresh(BIRD)?;
    bird.ask("reload in own")?;
    bird.ask("disable four")?;
    ours.uses("198.51.100.0/24", None)?;
    bird.kill()?;
    let stale = || {
        let status = ours.status(BIRD);
        status.is_ok_and(|status| !status.session.stale.is_empty())
    };
    poll(SOON, "its routes are stale", stale)?;
    bird.restart()?;
    ours.uses("192.0.2.0/24", Some(BIRD))?;
    let again = || ours.status(BIRD).is_ok_and(|status| !stale_of(&status));
    poll(SOON, "all was told anew", again)?;
    let ticks = || ours.status(BIRD).map(|s| s.session.counters.sent.keepalive);
    let before = ticks()?;
    poll(SOON, "keepalives are sent", || {
        ticks().is_ok_and(|now| now > before)
    })?;
    bird.ask("disable own")?;
    ours.uses("192.0.2.0/24", None)?;
    let status = ours.status(BIRD)?;
    // It ends with the speaker.
    drop(ours);

    let path = folder.join(format!("{BIRD}.1.bgp"));
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    if let Some(kept) = std::env::var_os("FAIRWAY_RECORD") {
        fs::write(kept, &text)?;
    }
    let recording = Recording::parse(&text)?;
    ensure!(recording.to_string() == text, "it is as it was written");
    let session = recording.replay()?;
    let (counters, wanted) = (session.status().counters, status.session.counters);
    ensure!(counters.received == wanted.received, "{counters:#?}");
    ensure!(
        counters.ups == wanted.ups && wanted.ups >= 2,
        "{counters:#?}"
    );
    ensure!(session.state() == State::Idle, "{}", session.state());
    let frames = recording.steps();
    let frames = frames.filter(|(_, step)| matches!(step, Step::Frame(..)));
    let received = wanted.received;
    let all = received.open
        + received.update
        + received.notification
        + received.keepalive
        + received.refresh;
    ensure!(frames.count() as u64 == all, "{received:?}");
    Ok(())
}

fn stale_of(status: &fairway_speaker::PeerStatus) -> bool {
    !status.session.stale.is_empty()
}
