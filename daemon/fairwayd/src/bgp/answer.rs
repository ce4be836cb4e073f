//! What is asked of the task.

use super::{Asked, Listed, told, turn::Turn};
use crate::{code::Coded as _, convert::body};
use fairway_api::{ErrorBody, admin, frame};
use fairway_cni::Code;
use fairway_speaker::{Gone, PeerStatus, Seen, Which};
use std::net::IpAddr;

impl Turn {
    pub(super) async fn peers(&self) -> Result<admin::BgpPeers, ErrorBody> {
        let (statuses, listening) = match &self.running {
            Some(running) => (
                running.speaker.status().await.map_err(ends)?,
                running.speaker.listening().await.map_err(ends)?,
            ),
            None => (Vec::new(), Vec::new()),
        };
        let settings = self
            .running
            .as_ref()
            .map(|running| &running.config.settings);
        let mut peers: Vec<_> = statuses.iter().map(told::peer).collect();
        let left = self.goal.iter().flat_map(|goal| &goal.left);
        peers.extend(left.map(told::left));
        peers.sort_by_key(|peer| peer.address);
        let mut listening: Vec<String> = listening.iter().map(ToString::to_string).collect();
        listening.sort();
        Ok(admin::BgpPeers {
            asn: settings.map(|settings| settings.asn.get()),
            router: settings.map(|settings| settings.router.to_string()),
            listening,
            problems: self.problems(),
            peers,
        })
    }

    async fn status(&self, address: IpAddr) -> Result<PeerStatus, ErrorBody> {
        let all = match &self.running {
            Some(running) => running.speaker.status().await.map_err(ends)?,
            None => Vec::new(),
        };
        let mut all = all.into_iter();
        all.find(|peer| peer.address == address)
            .ok_or_else(|| self.stranger("address", address))
    }

    /// Of one that has no session since its key cannot be read, that is said.
    fn stranger(&self, field: &str, address: IpAddr) -> ErrorBody {
        let mut left = self.goal.iter().flat_map(|goal| &goal.left);
        match left.find(|left| left.address == address) {
            Some(left) => body(
                Code::INVALID_CONFIG,
                format_args!("{}: {}", left.name, left.why),
            ),
            None => {
                let text = format_args!("{field}: {address} is no BGP neighbour of this node");
                body(Code::INVALID_CONFIG, text)
            }
        }
    }

    pub(super) async fn neighbour(&self, address: IpAddr) -> Result<admin::BgpNeighbor, ErrorBody> {
        let status = self.status(address).await?;
        let name = status.name.strip_prefix("BgpPeer/");
        let object = name.and_then(|name| self.feed.reader.peers.get(name));
        let warnings = object.map_or_else(Vec::new, |object| object.warnings());
        Ok(told::neighbour(&status, &warnings))
    }

    pub(super) async fn list(&self, asked: Asked) -> Result<Listed, ErrorBody> {
        let which = told::which(&asked.list)?;
        let is_told = matches!(which, Which::Told(_));
        let hops = (!is_told).then_some(&self.hops);
        let (mut routes, mut bytes) = (Vec::new(), 0);
        let take = |seen: Vec<Seen>| {
            let some = told::routes(&seen, hops);
            bytes += some.iter().map(frame::size).sum::<usize>();
            routes.extend(some);
            bytes < asked.enough
        };
        let shown = match &self.running {
            Some(running) => {
                let shown = running.speaker.show_some(which, asked.after, take).await;
                shown.map_err(ends)?
            }
            None if matches!(which, Which::Heard(_) | Which::Told(_)) => None,
            None => Some(None),
        };
        match (shown, which) {
            (Some(next), _) => Ok(Listed { routes, next }),
            (None, Which::Heard(address)) => Err(self.stranger("received", address)),
            (None, Which::Told(address)) => Err(self.stranger("advertised", address)),
            (None, Which::Used | Which::To(_)) => Ok(Listed { routes, next: None }),
        }
    }

    pub(super) async fn reset(&self, reset: admin::BgpReset) -> Result<(), ErrorBody> {
        self.status(reset.address).await?;
        let Some(running) = &self.running else {
            return Ok(());
        };
        if !reset.soft {
            return running.speaker.reset(reset.address).await.map_err(ends);
        }
        for family in fairway_bgp::Family::ALL {
            let asked = running.speaker.refresh(reset.address, family).await;
            asked.map_err(ends)?;
        }
        Ok(())
    }
}

fn ends(gone: Gone) -> ErrorBody {
    body(gone.code(), gone)
}
