//! What has to look at every path goes over them bit by bit, so that nothing else waits for it.
//!
//! A neighbour of a million prefixes that is gone, whose policy is another or whose stale paths have to go: one sweep
//! does all of that which is due. What is asked for while it goes begins a new round from where it is.

use super::import::Import;
use super::nets::Id;
use super::paths::END;
use super::peers::{Duty, PeerId, World};
use super::rib::Rib;
use crate::Bits;

/// Numbers that are looked at and cannot be freed yet, each time.
pub(super) const VAIN: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Sweep {
    next: u32,
    round: Round,
    choose: Choose,
}

/// Which prefixes are chosen for anew, whoever told them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choose {
    /// None.
    #[default]
    None,
    /// Those with a next hop that is reached in another way than when the choice was made.
    Hops,
    /// All.
    All,
}

/// How far it is. Prefixes come while it goes on: they are at the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Round {
    #[default]
    Over,
    /// On to the end, and then from the beginning to there.
    ToEnd(u32),
    /// On to there.
    To(u32),
}

impl Sweep {
    pub(super) fn is_choosing(&self) -> bool {
        self.choose != Choose::None
    }

    /// The prefix that is looked at next.
    fn advance(&mut self, end: u32) -> Option<Id> {
        if let Round::ToEnd(to) = self.round
            && self.next >= end
        {
            self.next = 0;
            self.round = Round::To(to);
        }
        if let Round::To(to) = self.round
            && self.next >= to
        {
            self.round = Round::Over;
        }
        if self.round == Round::Over {
            return None;
        }
        let id = Id(self.next);
        self.next += 1;
        Some(id)
    }
}

impl<A: Bits> Rib<A> {
    /// All paths have to be looked at.
    pub(super) fn sweep(&mut self, choose: Choose) {
        self.sweep.round = Round::ToEnd(self.sweep.next);
        self.sweep.choose = self.sweep.choose.max(choose);
    }

    pub(super) fn is_swept(&self) -> bool {
        self.sweep.round == Round::Over
    }

    /// Does so much of what is due.
    pub(super) fn work(&mut self, world: &mut World, most: usize) {
        self.free_numbers(most);
        if self.is_swept() {
            return;
        }
        let mut import: Option<Import> = None;
        for _ in 0..most {
            let Some(id) = self.sweep.advance(self.nets.end()) else {
                break;
            };
            self.sweep_one(world, id, &mut import);
        }
        if let Some(import) = import {
            import.end(world);
        }
        if self.is_swept() {
            self.sweep.choose = Choose::None;
            world.peers.done(A::FAMILY);
            world.peers.forget();
        }
    }

    fn sweep_one(&mut self, world: &mut World, id: Id, import: &mut Option<Import>) {
        // Its prefix may have another number by now: nothing must be said of this one.
        if self.head(id).first == END {
            return;
        }
        let due = |path: &super::paths::Path| {
            let duty = world.peers.duty(path.peer, A::FAMILY, path.epoch);
            let otherwise = || {
                path.chosen
                    .is_some_and(|id| world.store.is_reached_otherwise(id))
            };
            duty != Duty::None
                || match self.sweep.choose {
                    Choose::None => false,
                    Choose::Hops => otherwise(),
                    Choose::All => true,
                }
        };
        let mut paths = self.paths_of(id);
        if !paths.any(|(_, path)| due(path)) {
            return;
        }
        drop(paths);
        // Paths of who is gone may have been used beside the best: that is not known any more, so that it is said anew.
        let best = self.best(id).into_iter().collect();
        let before = (world.settings.multipath <= 1).then_some(best);
        let mut released = Vec::new();
        let mut at = self.head(id).first;
        while let Some(path) = self.paths.get(at).copied() {
            match world.peers.duty(path.peer, A::FAMILY, path.epoch) {
                Duty::None => {}
                Duty::Remove => self.remove(world, id, at),
                Duty::Judge => {
                    let chosen = self.judge(world, id, path.peer, path.received, import);
                    released.extend(path.chosen);
                    if let Some(heard) = world.peers.heard_mut(path.peer, A::FAMILY) {
                        heard.counts.accepted += u32::from(chosen.is_some());
                        heard.counts.accepted -= u32::from(path.chosen.is_some());
                    }
                    if let Some(path) = self.paths.get_mut(at) {
                        path.chosen = chosen;
                    }
                }
            }
            at = path.next;
        }
        self.settle(world, id, before.as_ref(), None);
        released.into_iter().for_each(|id| world.store.release(id));
    }

    fn judge(
        &mut self,
        world: &mut World,
        id: Id,
        peer: PeerId,
        received: super::store::RouteId,
        import: &mut Option<Import>,
    ) -> Option<super::store::RouteId> {
        let net = self.nets.get(id)?;
        let fits = |import: &Import| (import.peer, import.received) == (peer, received);
        if !import.as_ref().is_some_and(fits) {
            if let Some(import) = import.take() {
                import.end(world);
            }
            *import = world.import(peer, received);
        }
        import.as_mut()?.judge(world, A::any(net))
    }

    /// Numbers of prefixes that nobody has anything of any more, not even an unread line about. While a neighbour does not
    /// read, all of them may be spoken of: few are looked at in vain each time, the next few the next time.
    fn free_numbers(&mut self, most: usize) {
        let mut vain = 0;
        for _ in 0..most.min(self.idle.len()) {
            let Some(id) = self.idle.pop_front() else {
                return;
            };
            self.is_idle.put(id, false);
            if self.head(id).first != END {
                continue;
            }
            match self.is_spoken_of(id) {
                true => {
                    self.may_be_idle(id);
                    vain += 1;
                    if vain >= VAIN {
                        return;
                    }
                }
                false => {
                    self.nets.forget(id);
                    self.freed += 1;
                }
            }
        }
    }

    fn is_spoken_of(&self, id: Id) -> bool {
        let mut groups = self.groups.iter().flatten();
        self.log.has(id) || groups.any(|group| group.speaks_of(id))
    }
}
