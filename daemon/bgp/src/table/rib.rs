//! Routes of one family: what was told, and the best of it.

use super::bitmap::Bitmap;
use super::decide::{Candidate, choose};
use super::group::Group;
use super::import::Import;
use super::log::{Log, Reader};
use super::member::Member;
use super::nets::{Id, Nets};
use super::paths::{END, Path, Paths};
use super::peers::{PeerId, World};
use super::settings::{Neighbour, Of};
use super::store::RouteId;
use super::sweep::Sweep;
use crate::{Bits, Net};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Where paths to a prefix are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) first: u32,
    pub(super) best: u32,
}

const NO_PATH: Head = Head {
    first: END,
    best: END,
};

/// What is used of a prefix, the best first: what has to be said anew is what has another.
pub(super) type Used = SmallVec<[(PeerId, RouteId); 1]>;

pub(super) struct Rib<A> {
    pub(super) nets: Nets<A>,
    pub(super) heads: Vec<Head>,
    pub(super) paths: Paths,
    /// Prefixes of which something else is used than before.
    pub(super) log: Log,
    /// The node's place in it.
    pub(super) node: Reader,
    pub(super) groups: Vec<Option<Group>>,
    /// By neighbour.
    pub(super) members: Vec<Option<Member>>,
    pub(super) sweep: Sweep,
    /// Numbers that may be free.
    pub(super) idle: VecDeque<Id>,
    /// Those that are in it.
    pub(super) is_idle: Bitmap,
    /// How often numbers became free.
    pub(super) freed: u64,
    /// Room for the choice.
    candidates: Vec<Candidate>,
}

/// A prefix more than the neighbour may tell.
pub(super) struct TooMany;

impl<A: Bits> Rib<A> {
    pub(super) fn new() -> Rib<A> {
        let mut log = Log::default();
        Rib {
            nets: Nets::new(),
            heads: Vec::new(),
            paths: Paths::default(),
            node: log.subscribe(),
            log,
            groups: Vec::new(),
            members: Vec::new(),
            sweep: Sweep::default(),
            idle: VecDeque::new(),
            is_idle: Bitmap::default(),
            freed: 0,
            candidates: Vec::new(),
        }
    }

    pub(super) fn head(&self, id: Id) -> Head {
        self.heads.get(id.at()).copied().unwrap_or(NO_PATH)
    }

    pub(super) fn paths_of(&self, id: Id) -> impl Iterator<Item = (u32, &Path)> {
        self.paths.from(self.head(id).first)
    }

    /// The best, and who told it.
    pub(super) fn best(&self, id: Id) -> Option<(PeerId, RouteId)> {
        let path = self.paths.get(self.head(id).best)?;
        Some((path.peer, path.chosen?))
    }

    fn find(&self, id: Id, peer: PeerId) -> Option<u32> {
        let mut all = self.paths_of(id);
        all.find(|(_, path)| path.peer == peer).map(|(at, _)| at)
    }

    /// A neighbour told it.
    pub(super) fn announce(
        &mut self,
        world: &mut World,
        import: &mut Import,
        net: Net<A>,
    ) -> Result<(), TooMany> {
        let Some(id) = self.nets.number(net) else {
            return Err(TooMany);
        };
        let known = self.find(id, import.peer);
        let most = match world.peers.get(import.peer) {
            Some(peer) if known.is_none() => {
                let count = peer.heard.of(A::FAMILY).counts.received;
                peer.neighbour.most.of(A::FAMILY).map(|most| count < most)
            }
            Some(_) => None,
            None => Some(false),
        };
        if most == Some(false) {
            self.may_be_idle(id);
            return Err(TooMany);
        }
        let chosen = import.judge(world, A::any(net));
        let received = world.store.keep(import.received);
        self.put(world, id, known, import.peer, received, chosen)
    }

    /// Puts an own route, or another in its place.
    pub(super) fn originate(
        &mut self,
        world: &mut World,
        peer: PeerId,
        net: Net<A>,
        route: RouteId,
    ) {
        let Some(id) = self.nets.number(net) else {
            return world.store.release(route);
        };
        let known = self.find(id, peer);
        let chosen = Some(world.store.keep(route));
        // There are fewer own routes than numbers.
        let _ = self.put(world, id, known, peer, route, chosen);
    }

    fn put(
        &mut self,
        world: &mut World,
        id: Id,
        known: Option<u32>,
        peer: PeerId,
        received: RouteId,
        chosen: Option<RouteId>,
    ) -> Result<(), TooMany> {
        let before = self.used(world, id);
        let heard = world.peers.heard_mut(peer, A::FAMILY);
        let epoch = heard.as_ref().map_or(0, |heard| heard.epoch);
        let new = Path {
            received,
            chosen,
            next: self.head(id).first,
            peer,
            epoch,
        };
        let old = match known.and_then(|at| self.paths.get_mut(at)) {
            Some(path) => {
                let next = path.next;
                Some(std::mem::replace(path, Path { next, ..new }))
            }
            None => {
                let Some(at) = self.paths.add(new) else {
                    world.store.release(received);
                    chosen.into_iter().for_each(|id| world.store.release(id));
                    return Err(TooMany);
                };
                if id.at() >= self.heads.len() {
                    self.heads.resize(id.at() + 1, NO_PATH);
                }
                if let Some(head) = self.heads.get_mut(id.at()) {
                    head.first = at;
                }
                None
            }
        };
        if let Some(heard) = heard {
            heard.counts.received += u32::from(old.is_none());
            heard.counts.accepted += u32::from(chosen.is_some());
            let was = old.is_some_and(|old| old.chosen.is_some());
            heard.counts.accepted -= u32::from(was);
        }
        let same = old.is_some_and(|old| old.chosen == chosen);
        if !same {
            self.settle(world, id, before.as_ref(), old.is_none().then_some(new));
        }
        if let Some(old) = old {
            world.store.release(old.received);
            old.chosen
                .into_iter()
                .for_each(|id| world.store.release(id));
        }
        Ok(())
    }

    /// A neighbour, or a source, has it no more.
    pub(super) fn withdraw(&mut self, world: &mut World, peer: PeerId, net: Net<A>) {
        let Some(id) = self.nets.find(net) else {
            return;
        };
        if let Some(at) = self.find(id, peer) {
            let before = self.used(world, id);
            self.remove(world, id, at);
            self.settle(world, id, before.as_ref(), None);
        }
    }

    /// Takes a path out of its list; the choice is the caller's.
    pub(super) fn remove(&mut self, world: &mut World, id: Id, at: u32) {
        let Some(path) = self.paths.get(at).copied() else {
            return;
        };
        let before = self.paths_of(id).find(|(_, path)| path.next == at);
        let before = before.map(|(before, _)| before);
        match before.and_then(|before| self.paths.get_mut(before)) {
            Some(before) => before.next = path.next,
            None => {
                if let Some(head) = self.heads.get_mut(id.at()) {
                    head.first = path.next;
                }
            }
        }
        if let Some(head) = self.heads.get_mut(id.at())
            && head.best == at
        {
            head.best = END;
        }
        self.paths.free(at);
        if let Some(heard) = world.peers.heard_mut(path.peer, A::FAMILY) {
            heard.counts.received -= 1;
            heard.counts.accepted -= u32::from(path.chosen.is_some());
        }
        world.store.release(path.received);
        path.chosen
            .into_iter()
            .for_each(|id| world.store.release(id));
        self.may_be_idle(id);
    }

    pub(super) fn may_be_idle(&mut self, id: Id) {
        if self.head(id).first == END && !self.is_idle.put(id, true) {
            self.idle.push_back(id);
        }
    }

    /// Those that may be chosen.
    pub(super) fn candidates(&self, world: &World, id: Id, into: &mut Vec<Candidate>) {
        let all = self.paths_of(id);
        into.extend(all.filter_map(|(at, path)| candidate(world, at, path)));
    }

    /// What is used now, as it was settled last. None where that is not known any more: next hops are reached in other
    /// ways than then, and which paths were used beside the best is nowhere kept.
    fn used(&mut self, world: &World, id: Id) -> Option<Used> {
        if world.settings.multipath <= 1 {
            return Some(self.best(id).into_iter().collect());
        }
        if self.sweep.is_choosing() {
            return None;
        }
        let mut all = std::mem::take(&mut self.candidates);
        self.candidates(world, id, &mut all);
        choose(&mut all, world.settings.always_compare_med);
        let used = self.beside(world, &mut all);
        all.clear();
        self.candidates = all;
        Some(used)
    }

    /// The best, and those that are used beside it, with the same AS path unless that is not asked, each next hop once. What is told of a prefix is the best alone.
    pub(super) fn beside(&self, world: &World, all: &mut [Candidate]) -> Used {
        let most = world.settings.multipath.max(1);
        all.sort_unstable_by_key(|one| (!one.is_equal(), one.third, one.address, one.peer));
        let mut used = Used::new();
        let mut hops: SmallVec<[_; 8]> = SmallVec::new();
        let best = all.first().map(|best| best.route);
        let like_best = |route| {
            let same = |best| world.store.has_same_path(best, route);
            world.settings.multipath_relax || best.is_some_and(same)
        };
        for one in all.iter().take_while(|one| one.is_equal()) {
            let hop = world.store.next_hop(one.route);
            if used.len() < most && !hops.contains(&hop) && like_best(one.route) {
                hops.push(hop);
                used.push((one.peer, one.route));
            }
        }
        used
    }

    /// Chooses anew, and says so where something else is used than before, or where that is not known. Where one path
    /// was added and nothing else changed, a look at the best is mostly enough.
    pub(super) fn settle(
        &mut self,
        world: &World,
        id: Id,
        before: Option<&Used>,
        added: Option<Path>,
    ) {
        if let Some(added) = added
            && world.settings.multipath <= 1
            && let Some(better) = self.is_clear(world, id, &added)
        {
            if better {
                self.set_best(id, self.head(id).first);
                self.log.push(id);
            }
            return;
        }
        let mut all = std::mem::take(&mut self.candidates);
        self.candidates(world, id, &mut all);
        let best = choose(&mut all, world.settings.always_compare_med);
        self.set_best(id, best.map_or(END, |best| best.path));
        let best = best.map(|best| (best.peer, best.route));
        let same = match before {
            Some(before) if world.settings.multipath <= 1 => before.first().copied() == best,
            Some(before) => self.beside(world, &mut all) == *before,
            None => false,
        };
        if !same {
            self.log.push(id);
        }
        all.clear();
        self.candidates = all;
    }

    fn set_best(&mut self, id: Id, best: u32) {
        if let Some(head) = self.heads.get_mut(id.at()) {
            head.best = best;
        }
    }

    /// Whether a path that was just added is better than the best, where preference, length and origin tell: nothing
    /// after them can change who is compared.
    fn is_clear(&self, world: &World, id: Id, added: &Path) -> Option<bool> {
        let head = self.head(id);
        let Some(new) = candidate(world, head.first, added) else {
            return Some(false);
        };
        let Some(best) = self.paths.get(head.best) else {
            return Some(true);
        };
        let best = candidate(world, head.best, best)?;
        (new.first != best.first).then_some(new.first < best.first)
    }
}

/// A path as the choice sees it; none where it cannot be chosen.
fn candidate(world: &World, at: u32, path: &Path) -> Option<Candidate> {
    let route = path.chosen?;
    let (rank, cost) = world.store.rank(route)?;
    let mut candidate = Candidate {
        path: at,
        peer: path.peer,
        route,
        first: rank.first,
        med: rank.med,
        neighbour: rank.neighbour,
        second: u64::from(cost?),
        third: u64::from(rank.clusters),
        address: 0,
        lost: None,
    };
    if path.peer.is_own() {
        return Some(candidate);
    }
    let peer = world.peers.get(path.peer).filter(|peer| !peer.gone)?;
    let neighbour = &peer.neighbour;
    if is_too_far(world, neighbour, path) {
        return None;
    }
    let router = match rank.originator {
        0 => neighbour.router.get(),
        originator => originator,
    };
    candidate.first |= Candidate::OTHERS;
    candidate.second |= u64::from(neighbour.is_internal()) << 32;
    candidate.third |= u64::from(router) << 16;
    candidate.address = match neighbour.address {
        std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        std::net::IpAddr::V6(ip) => ip.to_bits(),
    };
    Some(candidate)
}

/// Whether the neighbour is on a link and the next hop that it told is not.
pub(super) fn is_too_far(world: &World, neighbour: &Neighbour, path: &Path) -> bool {
    let is_told = |route| world.store.next_hop(route) == world.store.next_hop(path.received);
    let is_far = |route| {
        world
            .store
            .rank(route)
            .is_some_and(|(_, cost)| cost != Some(0))
    };
    neighbour.adjacent
        && path
            .chosen
            .is_some_and(|route| is_told(route) && is_far(route))
}

/// Whether the next hop of a route is reached.
pub(super) fn is_reached(world: &World, route: RouteId) -> bool {
    world
        .store
        .rank(route)
        .is_some_and(|(_, cost)| cost.is_some())
}
