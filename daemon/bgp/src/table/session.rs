//! Neighbours come, are told, restart and go.

use super::batch::Told;
use super::export::Profile;
use super::peers::{Counts, PeerId};
use super::settings::{Filters, Neighbour, Of};
use super::sweep::Choose;
use super::{Table, of};
use crate::Family;
use std::sync::Arc;

impl Table {
    /// A neighbour, which has told nothing yet and is told nothing yet. None where there are too many (some 65,000).
    pub fn add(&mut self, neighbour: Neighbour) -> Option<PeerId> {
        self.world.peers.add(neighbour)
    }

    /// A neighbour is gone for good, with all that it told. What has to be looked at for that is [work](Table::work);
    /// its paths count no more until then, but are there.
    pub fn remove(&mut self, peer: PeerId) {
        for family in Family::ALL {
            self.leave(peer, family);
            let told = self.counts(peer, family).received > 0;
            if told {
                of!(self, family, rib, _world => rib.sweep(Choose::None));
            }
        }
        if let Some(peer) = self.world.peers.get_mut(peer) {
            peer.gone = true;
        }
        self.world.peers.forget();
    }

    /// A neighbour of the same AS is back after a restart that it was expected from, maybe with another identifier,
    /// address or filters than before. It is told nothing until it [joins](Table::join).
    pub fn renew(&mut self, id: PeerId, neighbour: Neighbour) {
        for family in Family::ALL {
            self.leave(id, family);
        }
        let Some(peer) = self.world.peers.get_mut(id).filter(|peer| !peer.gone) else {
            return;
        };
        peer.neighbour = Arc::new(neighbour);
        for heard in &mut peer.heard {
            heard.judge = heard.counts.received > 0;
        }
        self.v4.sweep(Choose::All);
        self.v6.sweep(Choose::All);
        // What others are told of its routes has its identifier in it.
        self.look_again();
    }

    /// Who it is.
    pub fn neighbour(&self, peer: PeerId) -> Option<&Neighbour> {
        let peer = self.world.peers.get(peer).filter(|peer| !peer.gone)?;
        Some(&peer.neighbour)
    }

    /// How many paths there are of it.
    pub fn counts(&self, peer: PeerId, family: Family) -> Counts {
        let peer = self.world.peers.get(peer);
        peer.map(|peer| peer.heard.of(family).counts)
            .unwrap_or_default()
    }

    /// How many prefixes it was told.
    pub fn told_count(&self, peer: PeerId, family: Family) -> usize {
        let members = match family {
            Family::Ipv4 => &self.v4.members,
            Family::Ipv6 => &self.v6.members,
        };
        let member = members.get(peer.at()).and_then(Option::as_ref);
        member.map_or(0, |member| member.told.count())
    }

    pub(super) fn most(&self, peer: PeerId, family: Family) -> u32 {
        let peer = self.world.peers.get(peer);
        let most = peer.and_then(|peer| *peer.neighbour.most.of(family));
        most.unwrap_or(u32::MAX)
    }

    /// A session stands: the neighbour is told from now on, everything that there is first.
    pub fn join(&mut self, peer: PeerId, family: Family) {
        self.leave(peer, family);
        let Some(found) = self.world.peers.get(peer).filter(|peer| !peer.gone) else {
            return;
        };
        let profile = Profile::of(&found.neighbour, family);
        of!(self, family, rib, _world => rib.join(peer, profile));
    }

    /// A session is down: the neighbour is told no more, and knows nothing. What it told stays.
    pub fn leave(&mut self, peer: PeerId, family: Family) {
        of!(self, family, rib, world => rib.leave(world, peer));
    }

    /// The neighbour wants to be told all that there is once more. Where both sides know how to tell where that begins
    /// (RFC 7313), it begins now.
    pub fn refresh(&mut self, peer: PeerId, family: Family) {
        of!(self, family, rib, _world => rib.refresh(peer));
    }

    /// Whether [`Table::tell`] has something for a neighbour.
    pub fn is_waiting(&self, peer: PeerId, family: Family) -> bool {
        match family {
            Family::Ipv4 => self.v4.is_waiting(peer),
            Family::Ipv6 => self.v6.is_waiting(peer),
        }
    }

    /// What a neighbour is to be told next: about so many prefixes. None when it knows all.
    pub fn tell(&mut self, peer: PeerId, family: Family, most: usize) -> Option<Told> {
        let mut serial = self.serial;
        let told = of!(self, family, rib, world => rib.tell(world, peer, most, &mut serial));
        self.serial = serial;
        told
    }

    /// All that a neighbour told may be old: its session is down and it is expected back (RFC 4724), or it begins to
    /// tell everything anew (RFC 7313). What was stale already from a time before goes (RFC 4724, 4.2).
    pub fn mark_stale(&mut self, peer: PeerId, family: Family) {
        self.purge_stale(peer, family);
        if let Some(heard) = self.world.peers.heard_mut(peer, family) {
            heard.epoch = heard.epoch.wrapping_add(1);
        }
    }

    /// What it has not told since goes: it was long enough away, or has told everything.
    pub fn purge_stale(&mut self, peer: PeerId, family: Family) {
        let Some(heard) = self.world.peers.heard_mut(peer, family) else {
            return;
        };
        if heard.counts.received == 0 {
            return;
        }
        heard.purge = Some(heard.epoch);
        of!(self, family, rib, _world => rib.sweep(Choose::None));
    }

    /// A neighbour is expected back no more, or tells nothing of this family any more: all that it told of it goes.
    pub fn purge(&mut self, peer: PeerId, family: Family) {
        self.mark_stale(peer, family);
        self.purge_stale(peer, family);
    }

    /// What is taken from neighbours and told to them is decided by others from now on. Nothing has to be told anew by
    /// anybody, and neighbours are told what differs. Those that change together stay together: say all at once.
    pub fn change(&mut self, changes: impl IntoIterator<Item = (PeerId, Filters)>) {
        let mut changed = Vec::new();
        for (id, filters) in changes {
            let Some(peer) = self.world.peers.get_mut(id).filter(|peer| !peer.gone) else {
                continue;
            };
            let old = &peer.neighbour.filters;
            let judge = (&old.import, old.needed) != (&filters.import, filters.needed);
            let mut neighbour = Neighbour::clone(&peer.neighbour);
            neighbour.filters = filters;
            peer.neighbour = Arc::new(neighbour);
            for heard in &mut peer.heard {
                heard.judge |= judge && heard.counts.received > 0;
            }
            changed.push(id);
        }
        changed.sort_unstable();
        changed.dedup();
        for family in Family::ALL {
            let due = self.world.peers.is_judged(family);
            if due {
                of!(self, family, rib, _world => rib.sweep(Choose::None));
            }
            self.regroup(&changed, family);
        }
    }

    fn regroup(&mut self, changed: &[PeerId], family: Family) {
        // Group, profile, and who of the group has it from now on.
        let mut moves: Vec<(usize, Profile, Vec<PeerId>)> = Vec::new();
        for id in changed {
            let group = of!(self, family, rib, _world => rib.group_of(*id));
            let Some((group, peer)) = group.zip(self.world.peers.get(*id)) else {
                continue;
            };
            let profile = Profile::of(&peer.neighbour, family);
            if of!(self, family, rib, _world => rib.has_profile(group, &profile)) {
                continue;
            }
            match moves
                .iter_mut()
                .find(|(at, other, _)| *at == group && *other == profile)
            {
                Some((.., who)) => who.push(*id),
                None => moves.push((group, profile, vec![*id])),
            }
        }
        for (group, profile, who) in moves {
            of!(self, family, rib, world => rib.change(&mut world.store, group, &who, profile));
        }
    }
}
