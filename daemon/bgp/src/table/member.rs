//! A neighbour that is told: how far it is, and what it was told.

use super::batch::{Batch, Item, Part, Parts, Told};
use super::bitmap::Bitmap;
use super::export::Profile;
use super::group::Group;
use super::log::Reader;
use super::nets::Id;
use super::peers::{PeerId, World};
use super::rib::Rib;
use super::store::RouteId;
use crate::Bits;
use std::sync::Arc;

pub(super) struct Member {
    pub(super) group: usize,
    /// Its place in the group's log.
    pub(super) reader: Reader,
    /// Prefixes that it knows of from here.
    pub(super) told: Bitmap,
    /// All that there is, told from the first to the last.
    dump: Option<Dump>,
    /// What changed for it alone.
    pub(super) extra: Vec<Id>,
}

#[derive(Debug, Clone, Copy)]
struct Dump {
    next: u32,
    /// It knows of nothing yet.
    first: bool,
    /// It wants to be told anew what it knows.
    refresh: bool,
}

impl Member {
    /// What it is to know.
    pub(super) fn wanted(group: &Group, peer: PeerId, id: Id) -> Option<RouteId> {
        group.told(id).filter(|_| group.source(id) != peer)
    }

    fn item(&mut self, group: &Group, peer: PeerId, id: Id, items: &mut Vec<Item>) {
        let wanted = Member::wanted(group, peer, id);
        let told = self.told.put(id, wanted.is_some());
        if told || wanted.is_some() {
            items.push((id, wanted));
        }
    }

    /// Goes on with all that there is, over at most so many prefixes.
    fn walk(&mut self, group: &Group, peer: PeerId, end: u32, most: usize, items: &mut Vec<Item>) {
        let Some(dump) = self.dump else { return };
        let seen = group.scanned.unwrap_or(end);
        let mut next = dump.next;
        let seen = seen.min(next.saturating_add(most.saturating_mul(16) as u32));
        while next < seen && items.len() < most {
            let id = Id(next);
            next += 1;
            let known = self.told.has(id) && !dump.refresh;
            if group.told(id).is_some() && !known && !group.log.is_ahead(self.reader, id) {
                self.item(group, peer, id, items);
            }
        }
        self.dump = Some(Dump { next, ..dump });
    }
}

impl<A: Bits + Parts> Rib<A> {
    /// A neighbour is told from now on, all that there is first.
    pub(super) fn join(&mut self, peer: PeerId, profile: Profile) {
        let at = self.group(profile);
        let Some(Some(group)) = self.groups.get_mut(at) else {
            return;
        };
        group.members += 1;
        let member = Member {
            group: at,
            reader: group.log.subscribe(),
            told: Bitmap::default(),
            dump: Some(Dump {
                next: 0,
                first: true,
                refresh: false,
            }),
            extra: Vec::new(),
        };
        if peer.at() >= self.members.len() {
            self.members.resize_with(peer.at() + 1, || None);
        }
        if let Some(place) = self.members.get_mut(peer.at()) {
            *place = Some(member);
        }
    }

    /// A neighbour is told no more.
    pub(super) fn leave(&mut self, world: &mut World, peer: PeerId) {
        let Some(member) = self.members.get_mut(peer.at()).and_then(Option::take) else {
            return;
        };
        if let Some(Some(group)) = self.groups.get_mut(member.group) {
            group.log.unsubscribe(member.reader);
            group.members -= 1;
        }
        self.end_group(&mut world.store, member.group);
    }

    /// All is told anew.
    pub(super) fn refresh(&mut self, peer: PeerId) {
        if let Some(Some(member)) = self.members.get_mut(peer.at()) {
            member.dump = Some(Dump {
                next: 0,
                first: member.dump.is_some_and(|dump| dump.first),
                refresh: true,
            });
        }
    }

    fn both(&mut self, peer: PeerId) -> Option<(&mut Member, &mut Group)> {
        let member = self.members.get_mut(peer.at())?.as_mut()?;
        let group = self.groups.get_mut(member.group)?.as_mut()?;
        Some((member, group))
    }

    /// Whether a neighbour has to be told something, or it has to be looked at whether.
    pub(super) fn is_waiting(&self, peer: PeerId) -> bool {
        let Some(Some(member)) = self.members.get(peer.at()) else {
            return false;
        };
        let Some(Some(group)) = self.groups.get(member.group) else {
            return false;
        };
        member.dump.is_some()
            || !member.extra.is_empty()
            || !group.is_settled()
            || !self.log.is_read(group.feed)
            || !group.log.is_read(member.reader)
    }

    /// What a neighbour is told next: about so many prefixes.
    pub(super) fn tell(
        &mut self,
        world: &mut World,
        peer: PeerId,
        most: usize,
        serial: &mut u64,
    ) -> Option<Told> {
        if !self.is_waiting(peer) {
            return None;
        }
        let most = most.max(2);
        let at = self.members.get(peer.at())?.as_ref()?.group;
        self.catch_up(world, at, most);
        let end = self.nets.end();
        let (member, group) = self.both(peer)?;
        let mut items = Vec::new();
        let extra = member.extra.len().min(most / 2);
        let mut changed: Vec<Id> = member.extra.drain(..extra).collect();
        // What changes all the time leaves room for the rest.
        let room = match member.dump {
            Some(_) => most / 2,
            None => most,
        };
        group
            .log
            .read(member.reader, room.saturating_sub(extra).max(1), |id| {
                changed.push(id)
            });
        for id in changed {
            member.item(group, peer, id, &mut items);
        }
        member.walk(group, peer, end, most, &mut items);
        let (mut end_of_rib, mut end_of_refresh) = (false, false);
        let read = member.extra.is_empty() && group.log.is_read(member.reader);
        if let Some(dump) = member.dump
            && dump.next >= end
            && read
            && group.is_settled()
            && self.log_is_read(at)
            && let Some((member, _)) = self.both(peer)
        {
            member.dump = None;
            (end_of_rib, end_of_refresh) = (dump.first, dump.refresh);
        }
        Some(Told {
            batch: self.batch(world, at, items, serial),
            end_of_rib,
            end_of_refresh,
        })
    }

    fn log_is_read(&self, at: usize) -> bool {
        let group = self.groups.get(at).and_then(Option::as_ref);
        group.is_none_or(|group| self.log.is_read(group.feed))
    }

    /// What another of the group was told just now, if it is the same.
    fn batch(
        &mut self,
        world: &mut World,
        at: usize,
        items: Vec<Item>,
        serial: &mut u64,
    ) -> Arc<Batch> {
        let (nets, freed) = (&self.nets, self.freed);
        let mut group = self.groups.get_mut(at).and_then(Option::as_mut);
        group = group.filter(|group| group.members > 1 && !items.is_empty());
        if let Some(group) = &mut group
            && let Some(same) = group.recent.find(&mut world.store, freed, &items)
        {
            return same;
        }
        let mut sorted = items.clone();
        sorted.sort_unstable_by_key(|(id, route)| (*route, *id));
        sorted.dedup();
        let part = Part::of(&sorted, &world.store, |id| nets.get(id));
        *serial += 1;
        let batch = Arc::new(Batch::new(*serial, A::body(part)));
        if let Some(group) = group {
            group
                .recent
                .add(&mut world.store, items, Arc::clone(&batch));
        }
        batch
    }
}
