//! What became of each path, and why.

use super::decide::{Step, choose};
use super::export::{Export, NotTold, Profile};
use super::import::Unfit;
use super::member::Member;
use super::peers::{PeerId, World};
use super::rib::{Rib, is_reached, is_too_far};
use super::store::{Open, Route};
use crate::policy::{Policy, Source};
use crate::{Bits, Net};
use std::fmt;
use std::sync::Arc;

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the best.
    Best,
    /// It is used beside the best.
    Beside,
    /// It lost to the best.
    Lost(Step),
    /// It cannot be chosen.
    Unfit(Unfit),
}

impl Outcome {
    /// In words; with the rule, where the neighbour's import policy is at hand.
    pub fn explain(self, policy: Option<&Policy>) -> String {
        match self {
            Outcome::Unfit(unfit) => unfit.explain(policy),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Best => f.write_str("best"),
            Outcome::Beside => f.write_str("used beside the best"),
            Outcome::Lost(step) => write!(f, "the best has {step}"),
            Outcome::Unfit(unfit) => unfit.fmt(f),
        }
    }
}

/// A path, and what became of it.
#[derive(Debug, Clone)]
pub struct Fate {
    /// Who told it; none of own routes.
    pub peer: Option<PeerId>,
    /// Where it is from.
    pub source: Source,
    /// As it was told.
    pub received: Arc<Route>,
    /// As policy has it; none where it is not taken.
    pub chosen: Option<Arc<Route>>,
    /// It is from before a restart or a refresh, and was not told again yet.
    pub stale: bool,
    /// What became of it.
    pub outcome: Outcome,
}

impl<A: Bits> Rib<A> {
    /// All paths to a prefix, the best first.
    pub(super) fn why(&self, world: &mut World, net: Net<A>) -> Vec<Fate> {
        let Some(id) = self.nets.find(net) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        self.candidates(world, id, &mut all);
        let best = choose(&mut all, world.settings.always_compare_med);
        let used = self.beside(world, &mut all);
        let paths: Vec<_> = self.paths_of(id).map(|(at, path)| (at, *path)).collect();
        let mut fates = Vec::new();
        for (at, path) in paths {
            let candidate = all.iter().find(|one| one.path == at).zip(best.as_ref());
            let is_used = used.iter().any(|(peer, _)| *peer == path.peer);
            let outcome = match candidate {
                Some((one, best)) => match one.step(best) {
                    None => Outcome::Best,
                    Some(_) if is_used => Outcome::Beside,
                    Some(step) => Outcome::Lost(step),
                },
                None => Outcome::Unfit(self.unfit(world, net, path)),
            };
            let get = |route| world.store.get(route).map(Arc::new);
            let Some(received) = get(path.received) else {
                continue;
            };
            fates.push(Fate {
                peer: (!path.peer.is_own()).then_some(path.peer),
                source: path.peer.source(),
                received,
                chosen: path.chosen.and_then(get),
                stale: world.peers.is_stale(path.peer, A::FAMILY, path.epoch),
                outcome,
            });
        }
        fates.sort_by_key(|fate| fate.outcome.place());
        fates
    }

    fn unfit(&self, world: &mut World, net: Net<A>, path: super::paths::Path) -> Unfit {
        if world.peers.get(path.peer).is_some_and(|peer| peer.gone) {
            return Unfit::Gone;
        }
        if path.chosen.is_some_and(|route| !is_reached(world, route)) {
            return Unfit::NextHop;
        }
        let peer = world.peers.get(path.peer);
        if peer.is_some_and(|peer| is_too_far(world, &peer.neighbour, &path)) {
            return Unfit::NotOnLink;
        }
        let import = world.import(path.peer, path.received);
        let unfit = import.and_then(|import| {
            let unfit = import.unfit(A::any(net));
            import.end(world);
            unfit
        });
        // Its policy is another now and would take it: it is about to be judged anew.
        unfit.unwrap_or(Unfit::Unjudged)
    }

    /// What a neighbour is told of a prefix, or why nothing.
    pub(super) fn why_told(
        &self,
        world: &mut World,
        peer: PeerId,
        net: Net<A>,
    ) -> Result<Arc<Route>, NotTold> {
        let found = world.peers.get(peer).ok_or(NotTold::NoSession)?;
        let profile = Profile::of(&found.neighbour, A::FAMILY);
        let id = self.nets.find(net).ok_or(NotTold::NoRoute)?;
        let best = self.best(id).ok_or(NotTold::NoRoute)?;
        if best.0 == peer {
            return Err(NotTold::ItsOwn);
        }
        let mut export = Export::default();
        let told = export.tell(world, &profile, A::any(net), best);
        export.end(world);
        let told = told?;
        let route = world.store.get(told).map(Arc::new);
        world.store.release(told);
        match self.members.get(peer.at()) {
            Some(Some(_)) => route.ok_or(NotTold::NoRoute),
            _ => Err(NotTold::NoSession),
        }
    }

    /// What a neighbour knows of from here, as it was told or is to be told next.
    pub(super) fn all_told(&self, world: &World, peer: PeerId) -> Vec<(Net<A>, Arc<Route>)> {
        let Some(Some(member)) = self.members.get(peer.at()) else {
            return Vec::new();
        };
        let Some(Some(group)) = self.groups.get(member.group) else {
            return Vec::new();
        };
        let mut open = Open::default();
        let ids = (0..self.nets.end()).map(super::nets::Id);
        let told = ids.filter(|id| member.told.has(*id)).filter_map(|id| {
            let route = Member::wanted(group, peer, id)?;
            Some((self.nets.get(id)?, open.get(&world.store, route)?))
        });
        told.collect()
    }

    /// What a neighbour told.
    pub(super) fn all_heard(&self, world: &World, peer: PeerId) -> Vec<(Net<A>, Arc<Route>)> {
        let mut open = Open::default();
        let ids = (0..self.nets.end()).map(super::nets::Id);
        let heard = ids.filter_map(|id| {
            let mut paths = self.paths_of(id);
            let (_, path) = paths.find(|(_, path)| path.peer == peer)?;
            Some((self.nets.get(id)?, open.get(&world.store, path.received)?))
        });
        heard.collect()
    }
}

impl Outcome {
    /// In which order they are shown.
    fn place(self) -> (u8, Option<std::cmp::Reverse<Step>>) {
        match self {
            Outcome::Best => (0, None),
            Outcome::Beside => (1, None),
            Outcome::Lost(step) => (2, Some(std::cmp::Reverse(step))),
            Outcome::Unfit(_) => (3, None),
        }
    }
}
