//! Update groups: neighbours that are told the same (but for what they told themselves) share what it is.

use super::batch::Recent;
use super::export::{Export, Profile};
use super::log::{Log, Reader};
use super::nets::Id;
use super::peers::{PeerId, World};
use super::rib::Rib;
use super::store::{RouteId, Store};
use crate::Bits;

/// What is told of each prefix, and what of it changed.
pub(super) struct Group {
    pub(super) profile: Profile,
    /// Its place in what changed in the table.
    pub(super) feed: Reader,
    /// What is told of each prefix; kept once each.
    pub(super) out: Vec<Option<RouteId>>,
    /// Who told it.
    source: Vec<PeerId>,
    /// Prefixes of which something else is told than before.
    pub(super) log: Log,
    /// Prefixes before this one were looked at; then all.
    pub(super) scanned: Option<u32>,
    /// Prefixes from this one on have to be looked at once more.
    again: Option<u32>,
    pub(super) members: usize,
    pub(super) recent: Recent,
}

impl Group {
    fn new(profile: Profile, feed: Reader) -> Group {
        Group {
            profile,
            feed,
            out: Vec::new(),
            source: Vec::new(),
            log: Log::default(),
            scanned: Some(0),
            again: None,
            members: 0,
            recent: Recent::default(),
        }
    }

    /// What is told of a prefix to those that did not tell it.
    pub(super) fn told(&self, id: Id) -> Option<RouteId> {
        self.out.get(id.at()).copied().flatten()
    }

    pub(super) fn source(&self, id: Id) -> PeerId {
        self.source.get(id.at()).copied().unwrap_or(PeerId::NONE)
    }

    pub(super) fn speaks_of(&self, id: Id) -> bool {
        self.told(id).is_some() || self.log.has(id)
    }

    /// What is told depends on something else than before.
    pub(super) fn look_again(&mut self) {
        self.again = Some(0);
    }

    /// Whether nothing is left to be looked at but what changes from now on.
    pub(super) fn is_settled(&self) -> bool {
        self.scanned.is_none() && self.again.is_none()
    }

    /// For members that part from the rest: they were told the same until now.
    fn fork(&self, feed: Reader, stay: &[Reader], profile: Profile, store: &mut Store) -> Group {
        for id in self.out.iter().flatten() {
            store.keep(*id);
        }
        let mut log = self.log.clone();
        log.only(stay);
        Group {
            profile,
            feed,
            out: self.out.clone(),
            source: self.source.clone(),
            log,
            scanned: self.scanned,
            again: Some(0),
            members: stay.len(),
            recent: Recent::default(),
        }
    }

    fn end(mut self, store: &mut Store) -> Reader {
        self.recent.clear(store);
        for id in self.out.into_iter().flatten() {
            store.release(id);
        }
        self.feed
    }
}

impl<A: Bits> Rib<A> {
    /// The group of a profile; a new one if there is none.
    pub(super) fn group(&mut self, profile: Profile) -> usize {
        let is_it = |group: &Option<Group>| group.as_ref().is_some_and(|g| g.profile == profile);
        if let Some(at) = self.groups.iter().position(is_it) {
            return at;
        }
        let group = Group::new(profile, self.log.subscribe());
        self.add_group(group)
    }

    fn add_group(&mut self, group: Group) -> usize {
        let free = self.groups.iter().position(Option::is_none);
        let at = free.unwrap_or(self.groups.len());
        match self.groups.get_mut(at) {
            Some(place) => *place = Some(group),
            None => self.groups.push(Some(group)),
        }
        at
    }

    /// A group that nobody is in any more is gone.
    pub(super) fn end_group(&mut self, store: &mut Store, at: usize) {
        let Some(place) = self.groups.get_mut(at) else {
            return;
        };
        if let Some(group) = place.take_if(|group| group.members == 0) {
            let feed = group.end(store);
            self.log.unsubscribe(feed);
        }
    }

    /// Where a neighbour is.
    pub(super) fn group_of(&self, peer: PeerId) -> Option<usize> {
        let member = self.members.get(peer.at())?.as_ref()?;
        Some(member.group)
    }

    pub(super) fn has_profile(&self, at: usize, profile: &Profile) -> bool {
        let group = self.groups.get(at).and_then(Option::as_ref);
        group.is_some_and(|group| group.profile == *profile)
    }

    /// These members of a group are told by another profile from now on. Where they are all of it, it has the profile;
    /// else they part. Only what differs is told.
    pub(super) fn change(
        &mut self,
        store: &mut Store,
        at: usize,
        who: &[PeerId],
        profile: Profile,
    ) {
        let Some(Some(group)) = self.groups.get_mut(at) else {
            return;
        };
        if group.members == who.len() {
            group.profile = profile;
            return group.look_again();
        }
        let members = who
            .iter()
            .filter_map(|id| self.members.get(id.at())?.as_ref());
        let stay: Vec<Reader> = members.map(|member| member.reader).collect();
        let fork = group.fork(self.log.beside(group.feed), &stay, profile, store);
        group.members -= stay.len();
        for reader in stay {
            group.log.unsubscribe(reader);
        }
        let fork = self.add_group(fork);
        for id in who {
            if let Some(Some(member)) = self.members.get_mut(id.at()) {
                member.group = fork;
            }
        }
    }

    /// Looks at what changed, at most so many prefixes.
    pub(super) fn catch_up(&mut self, world: &mut World, at: usize, most: usize) {
        let Some(mut group) = self.groups.get_mut(at).and_then(Option::take) else {
            return;
        };
        let mut export = Export::default();
        let mut changed = Vec::new();
        // What changes all the time leaves room for the rest.
        let room = match group.is_settled() {
            true => most,
            false => most / 2,
        };
        self.log
            .read(group.feed, room.max(1), |id| changed.push(id));
        let left = most.saturating_sub(changed.len());
        let new = group.scanned;
        changed.retain(|id| new.is_none_or(|scanned| id.0 < scanned));
        for id in changed {
            self.look(world, &mut group, id, &mut export);
        }
        let end = self.nets.end();
        if let Some(from) = group.again {
            let to = from.saturating_add(left as u32).min(end);
            let known = group.scanned.map_or(to, |scanned| to.min(scanned));
            for id in from..known {
                self.look(world, &mut group, Id(id), &mut export);
            }
            group.again = (known == to && to < end).then_some(to);
        }
        if let (Some(from), None) = (group.scanned, group.again) {
            let to = from.saturating_add(left as u32).min(end);
            for id in from..to {
                self.look(world, &mut group, Id(id), &mut export);
            }
            group.scanned = (to < end).then_some(to);
        }
        export.end(world);
        if let Some(place) = self.groups.get_mut(at) {
            *place = Some(group);
        }
    }

    /// What is told of one prefix.
    fn look(&mut self, world: &mut World, group: &mut Group, id: Id, export: &mut Export) {
        let best = self.best(id).zip(self.nets.get(id));
        let told = best.and_then(|(best, net)| {
            let told = export.tell(world, &group.profile, A::any(net), best).ok()?;
            Some((best.0, told))
        });
        let (source, told) = told.map_or((PeerId::NONE, None), |(from, told)| (from, Some(told)));
        if id.at() >= group.out.len() {
            if told.is_none() {
                return;
            }
            group.out.resize(id.at() + 1, None);
            group.source.resize(id.at() + 1, PeerId::NONE);
        }
        let (Some(place), Some(from)) = (group.out.get_mut(id.at()), group.source.get_mut(id.at()))
        else {
            return;
        };
        let old = std::mem::replace(place, told);
        let was = std::mem::replace(from, source);
        if let Some(old) = old {
            world.store.release(old);
        }
        if old != told {
            // Until a new group has seen all, nobody was told anything of what it sees.
            let seen = group.scanned.is_none_or(|scanned| id.0 < scanned);
            if seen {
                group.log.push(id);
            }
        } else if was != source {
            // The same from somebody else: only the two are told something else than before.
            for peer in [was, source] {
                if let Some(Some(member)) = self.members.get_mut(peer.at()) {
                    member.extra.push(id);
                }
            }
        }
    }
}
