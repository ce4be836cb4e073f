//! Ours, a neighbour written by hand, and BIRD, which must not be harmed by whatever that one does.

use crate::bed::{Ours, cable, neighbour};
use anyhow::{Context as _, Result, ensure};
use fairway_bgp::Time;
use fairway_bgp_bed::Bird;
use fairway_lab::{Lab, Ns, promptly};
use std::time::Duration;

pub(crate) const PEER: &str = "10.9.1.2";
pub(crate) const OTHER: &str = "10.9.2.2";
/// For a route to get from here to BIRD, where a processor is there for it.
pub(crate) const PROMPT: Duration = Duration::from_secs(1);

pub(crate) struct Beside {
    pub(crate) ours: Ours,
    pub(crate) own: Ns,
    pub(crate) peer: Ns,
    pub(crate) bird: Bird,
    since: Time,
    _lab: Lab,
}

impl Beside {
    pub(crate) fn new() -> Result<Beside> {
        let lab = Lab::new()?;
        let machine = |name| lab.machine(name);
        let (own, peer, other) = (machine("own")?, machine("peer")?, machine("bird")?);
        cable(&lab, (&own, "peer"), (&peer, "own"), 1)?;
        cable(&lab, (&own, "bird"), (&other, "own"), 2)?;
        let bird = Bird::start(
            &other,
            "router id 10.9.2.2;
             protocol device {}
             protocol static { ipv4; route 192.0.2.0/24 blackhole; }
             protocol bgp own {
               local 10.9.2.2 as 65002; neighbor 10.9.2.1 as 65000; connect delay time 1; hold time 6;
               ipv4 { import all; export where source = RTS_STATIC; };
             }",
        )?;
        let by_hand = neighbour(PEER, 65_001, |settings| {
            settings.passive = true;
            settings.idle_hold.first = Duration::from_millis(10);
            settings.idle_hold.most = Duration::from_millis(20);
        })?;
        let mut ours = Ours::start(&own, vec![by_hand, neighbour(OTHER, 65_002, |_| {})?])?;
        ours.uses("192.0.2.0/24", Some(OTHER))?;
        let since = ours.status(OTHER)?.session.established;
        Ok(Beside {
            ours,
            own,
            peer,
            bird,
            since: since.context("BIRD's session is up")?,
            _lab: lab,
        })
    }

    /// BIRD's session went on, and so did its route.
    pub(crate) fn others_are_fine(&mut self) -> Result<()> {
        let status = self.ours.status(OTHER)?.session;
        ensure!(
            status.established == Some(self.since) && status.counters.flaps == 0,
            "{status:#?}"
        );
        self.ours.uses("192.0.2.0/24", Some(OTHER))
    }

    /// Likewise, and a new route gets there without delay.
    pub(crate) fn others_are_told(&mut self, prefix: &str) -> Result<()> {
        self.ours.originate(&[prefix])?;
        let told = || {
            let route = self.bird.ask(&format!("show route {prefix}"));
            route.is_ok_and(|route| route.contains(prefix))
        };
        promptly(PROMPT, "a new route gets to BIRD", told)?;
        self.others_are_fine()
    }
}
