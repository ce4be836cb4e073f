//! Neighbours, by number.

use super::settings::{Drain, Neighbour, Of, Settings};
use super::store::Store;
use crate::Family;
use crate::policy::Source;
use std::sync::Arc;

/// A neighbour of the table, for as long as its routes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(super) u16);

impl PeerId {
    /// Nobody.
    pub(super) const NONE: PeerId = PeerId(u16::MAX);
    /// The first that is no neighbour but an own source.
    const OWN: u16 = u16::MAX - 1 - Source::OWN.len() as u16;

    pub(super) fn own(source: Source) -> PeerId {
        PeerId(PeerId::OWN + source as u16)
    }

    pub(super) fn is_own(self) -> bool {
        self.0 >= PeerId::OWN
    }

    pub(super) fn source(self) -> Source {
        let own = self.0.checked_sub(PeerId::OWN).map(usize::from);
        let own = own.and_then(|own| Source::OWN.get(own));
        own.copied().unwrap_or(Source::Neighbour)
    }

    pub(super) fn at(self) -> usize {
        self.0.into()
    }
}

/// What a neighbour told of one family.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard {
    /// Paths bear the number of when they were told: those of an earlier one are stale.
    pub(super) epoch: u16,
    /// Paths from before this one have to go.
    pub(super) purge: Option<u16>,
    /// Its policy is another than that which paths were judged by.
    pub(super) judge: bool,
    pub(super) counts: Counts,
}

/// How many paths there are of a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All that it told and has not withdrawn.
    pub received: u32,
    /// Those of them that policy and loops let through.
    pub accepted: u32,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) neighbour: Arc<Neighbour>,
    pub(super) heard: [Heard; 2],
    /// Its paths count no more, and are on their way out.
    pub(super) gone: bool,
}

/// What has to be done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    None,
    Remove,
    Judge,
}

#[derive(Debug, Default)]
pub(super) struct Peers(Vec<Option<Peer>>);

impl Peers {
    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.0.get(id.at())?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.0.get_mut(id.at())?.as_mut()
    }

    pub(super) fn heard_mut(&mut self, id: PeerId, family: Family) -> Option<&mut Heard> {
        Some(self.get_mut(id)?.heard.of_mut(family))
    }

    /// Whether paths of anybody have to be judged anew.
    pub(super) fn is_judged(&self, family: Family) -> bool {
        let mut peers = self.0.iter().flatten();
        peers.any(|peer| peer.heard.of(family).judge)
    }

    pub(super) fn add(&mut self, neighbour: Neighbour) -> Option<PeerId> {
        let peer = Some(Peer {
            neighbour: Arc::new(neighbour),
            heard: [Heard::default(); 2],
            gone: false,
        });
        let free = self.0.iter().position(Option::is_none);
        let at = free.unwrap_or(self.0.len());
        let id = u16::try_from(at).ok().filter(|id| *id < PeerId::OWN)?;
        match self.0.get_mut(at) {
            Some(place) => *place = peer,
            None => self.0.push(peer),
        }
        Some(PeerId(id))
    }

    /// Who is gone and has no paths left gives its number to another.
    pub(super) fn forget(&mut self) {
        for place in &mut self.0 {
            let over = |peer: &Peer| {
                peer.gone && peer.heard.iter().all(|heard| heard.counts.received == 0)
            };
            if place.as_ref().is_some_and(over) {
                *place = None;
            }
        }
    }

    /// Whether a path of this time is stale.
    pub(super) fn is_stale(&self, id: PeerId, family: Family, epoch: u16) -> bool {
        let peer = self.get(id);
        peer.is_some_and(|peer| peer.heard.of(family).epoch != epoch)
    }

    pub(super) fn duty(&self, id: PeerId, family: Family, epoch: u16) -> Duty {
        let Some(peer) = self.get(id) else {
            return Duty::None;
        };
        let heard = peer.heard.of(family);
        let older = |purge: u16| (1..0x8000).contains(&purge.wrapping_sub(epoch));
        match heard {
            _ if peer.gone || heard.purge.is_some_and(older) => Duty::Remove,
            Heard { judge: true, .. } => Duty::Judge,
            _ => Duty::None,
        }
    }

    /// Every path of the family was looked at.
    pub(super) fn done(&mut self, family: Family) {
        for peer in self.0.iter_mut().flatten() {
            let heard = peer.heard.of_mut(family);
            heard.purge = None;
            heard.judge = false;
        }
    }
}

/// What both families share.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) store: Store,
    pub(super) peers: Peers,
    pub(super) drain: Drain,
}
