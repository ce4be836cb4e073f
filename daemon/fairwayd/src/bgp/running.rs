//! The speaker while it runs: what it was told, and what it is to be told.

use super::own::Own;
use crate::hops::Hops;
use fairway_bgp::{
    Family, Prefix,
    attr::{AsPath, Attributes, Origin},
    object::Advertise,
    policy::Source,
    session::{State, config::Peer},
    table::Drain,
};
use fairway_speaker::{Config, Gone, PeerStatus, Speaker};
use std::{collections::BTreeSet, io, time::Duration};

pub(super) struct Running {
    pub(super) speaker: Speaker,
    pub(super) config: Config,
    announced: BTreeSet<(Source, Prefix)>,
    drain: Drain,
}

impl Running {
    /// Starts one. `restarted`: packets went on while there was none.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub(super) fn start(config: &Config, restarted: bool, hops: &Hops) -> io::Result<Running> {
        let (first, hops) = (config.clone(), hops.clone());
        let speaker = match restarted {
            true => Speaker::start_restarted(first, hops, Family::ALL.into_iter().collect()),
            false => Speaker::start(first, hops),
        };
        Ok(Running {
            speaker: speaker?,
            config: config.clone(),
            announced: BTreeSet::new(),
            drain: Drain::Off,
        })
    }

    /// Whether it can become like that while it runs; who one is cannot.
    pub(super) fn fits(&self, config: &Config) -> bool {
        self.config.settings == config.settings
    }

    /// Tells it what differs from before.
    ///
    /// # Errors
    /// Where it has ended.
    pub(super) async fn tell(
        &mut self,
        config: &Config,
        (own, advertise): (&Own, &Advertise),
        drain: Drain,
    ) -> Result<(), Gone> {
        // First what is announced: a neighbour that is new is told all of it at once.
        let routes = own.routes(advertise);
        for (source, prefix) in self.announced.difference(&routes) {
            self.speaker.retract(*source, *prefix).await?;
        }
        for (source, prefix) in routes.difference(&self.announced) {
            let attributes = Attributes::new(Origin::Igp, AsPath::default());
            self.speaker.originate(*source, *prefix, attributes).await?;
        }
        self.announced = routes;
        if self.drain != drain {
            self.speaker.drain(drain).await?;
            self.drain = drain;
        }
        let same =
            self.config.listen == config.listen && self.config.neighbours == config.neighbours;
        if !same {
            self.speaker.configure(config.clone()).await?;
            self.config = config.clone();
        }
        Ok(())
    }

    /// Whether all neighbours that are known by their addresses have had sessions for that long.
    pub(super) async fn is_settled(&self, long: Duration) -> bool {
        let Ok(all) = self.speaker.status().await else {
            return false;
        };
        let has = |status: &PeerStatus| {
            let session = &status.session;
            session.state == State::Established && status.now - session.since >= long
        };
        let wanted = self.config.neighbours.iter();
        let mut wanted = wanted.filter_map(|one| match one.neighbour.settings().peer {
            Peer::At(address) => Some(address),
            Peer::Within(_) => None,
        });
        wanted.all(|address| all.iter().any(|one| one.address == address && has(one)))
    }

    /// Ends it, and neighbours are told.
    pub(super) async fn stop(self) {
        // It waits for them to hear it.
        let end = tokio::task::spawn_blocking(move || drop(self.speaker));
        let _ended = end.await;
    }
}
