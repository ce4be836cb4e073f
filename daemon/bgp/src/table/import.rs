//! What becomes of a route that a neighbour tells.

use super::peers::{PeerId, World};
use super::settings::{Neighbour, Of};
use super::store::{Route, RouteId};
use crate::attr::{Attributes, Community, NextHop};
use crate::policy::{Decision, HopChange, Policy, Source, Subject, Why};
use crate::{Asn, Prefix};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Why a path cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The own AS is in its path: it has been here.
    AsLoop,
    /// One brought it into the AS oneself (RFC 4456).
    OwnOriginator,
    /// It has been in the own cluster (RFC 4456).
    OwnCluster,
    /// It does not begin with the neighbour's AS, but with this.
    FirstAs(Option<Asn>),
    /// Policy.
    Policy(Decision),
    /// Its next hop is not reached.
    NextHop,
    /// Its next hop is not on a link, as the neighbour is.
    NotOnLink,
    /// Another policy than before would take it, and is about to.
    Unjudged,
    /// The neighbour is gone, and the path soon.
    Gone,
}

impl Unfit {
    /// In words; with the rule, where the neighbour's import policy is at hand.
    pub fn explain(self, policy: Option<&Policy>) -> String {
        match self {
            Unfit::Policy(decision) => decision.explain(policy),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::AsLoop => f.write_str("the own AS is in its path"),
            Unfit::OwnOriginator => f.write_str("its originator is this speaker"),
            Unfit::OwnCluster => f.write_str("the own cluster is in its list"),
            Unfit::FirstAs(Some(asn)) => {
                write!(
                    f,
                    "its path begins with AS {asn}, which is not the neighbour's"
                )
            }
            Unfit::FirstAs(None) => f.write_str("its path does not begin with the neighbour's AS"),
            Unfit::Policy(decision) => f.write_str(&decision.explain(None)),
            Unfit::NextHop => f.write_str("its next hop is not reached"),
            Unfit::NotOnLink => f.write_str(
                "its next hop is not on a link, as one of an external neighbour that is one hop away has to be",
            ),
            Unfit::Unjudged => f.write_str("it is about to be judged by another policy"),
            Unfit::Gone => f.write_str("the neighbour is gone"),
        }
    }
}

/// Judges routes of one neighbour with the same attributes, one prefix after the other.
pub(super) struct Import {
    pub(super) peer: PeerId,
    pub(super) received: RouteId,
    route: Route,
    neighbour: Arc<Neighbour>,
    loops: Option<Unfit>,
    /// What rules made of them.
    made: SmallVec<[(Why, RouteId); 4]>,
}

impl World {
    /// The attributes as they count: what only means something within an AS is not taken from another.
    pub(super) fn receive(
        &mut self,
        peer: PeerId,
        attributes: &Attributes,
        next_hop: NextHop,
    ) -> Option<(RouteId, Route)> {
        let internal = self.peers.get(peer)?.neighbour.is_internal();
        let mut attributes = attributes.clone();
        if !internal {
            attributes.local_pref = None;
            attributes.originator = None;
            attributes.clusters.clear();
        }
        let route = Route {
            attributes,
            next_hop: Some(next_hop),
        };
        Some((self.store.intern(&route)?, route))
    }

    /// Judges what a neighbour told so.
    pub(super) fn import(&mut self, peer: PeerId, received: RouteId) -> Option<Import> {
        let route = self.store.get(received)?;
        self.import_as(peer, received, route)
    }

    /// Likewise, where the route is at hand.
    pub(super) fn import_as(
        &mut self,
        peer: PeerId,
        received: RouteId,
        route: Route,
    ) -> Option<Import> {
        let neighbour = Arc::clone(&self.peers.get(peer)?.neighbour);
        self.store.keep(received);
        let loops = self.loops(&neighbour, &route.attributes);
        Some(Import {
            peer,
            received,
            route,
            neighbour,
            loops,
            made: SmallVec::new(),
        })
    }

    fn loops(&self, neighbour: &Neighbour, attributes: &Attributes) -> Option<Unfit> {
        let path = &attributes.as_path;
        let first = path.neighbour();
        let enforced = neighbour.enforce_first_as && !neighbour.is_internal();
        match self.settings {
            _ if path.has(self.settings.asn) => Some(Unfit::AsLoop),
            _ if attributes.originator == Some(self.settings.router) => Some(Unfit::OwnOriginator),
            _ if attributes.clusters.contains(&self.settings.cluster) => Some(Unfit::OwnCluster),
            _ if enforced && first != Some(neighbour.asn) => Some(Unfit::FirstAs(first)),
            _ => None,
        }
    }
}

impl Import {
    fn decide(&self, prefix: Prefix) -> Decision {
        let policy = self.neighbour.filters.import.as_deref();
        let subject = Subject {
            prefix,
            attributes: &self.route.attributes,
            neighbour: self.neighbour.party(),
            source: Source::Neighbour,
        };
        Policy::decide_for(policy, self.neighbour.needs_policy(), &subject)
    }

    /// Why it is not taken.
    pub(super) fn unfit(&self, prefix: Prefix) -> Option<Unfit> {
        let decision = || Some(self.decide(prefix)).filter(|decision| !decision.accepted);
        self.loops.or_else(|| decision().map(Unfit::Policy))
    }

    /// What it is taken as, kept once; none where it is not taken.
    pub(super) fn judge(&mut self, world: &mut World, prefix: Prefix) -> Option<RouteId> {
        if self.loops.is_some() {
            return None;
        }
        let decision = self.decide(prefix);
        if !decision.accepted {
            return None;
        }
        let made = self.made.iter().find(|(why, _)| *why == decision.why);
        if let Some((_, id)) = made {
            return Some(world.store.keep(*id));
        }
        let id = self.make(world, decision, prefix)?;
        self.made.push((decision.why, id));
        Some(world.store.keep(id))
    }

    fn make(&self, world: &mut World, decision: Decision, prefix: Prefix) -> Option<RouteId> {
        let policy = self.neighbour.filters.import.as_deref();
        let rule = policy.and_then(|policy| policy.rule(decision));
        let rule = rule.filter(|rule| !rule.actions().is_empty());
        let communities = &self.route.attributes.communities;
        let shutdown = communities.contains(&Community::GRACEFUL_SHUTDOWN);
        if rule.is_none() && !shutdown {
            return Some(world.store.keep(self.received));
        }
        let mut route = Route::clone(&self.route);
        let hop = rule.and_then(|rule| rule.apply(&mut route.attributes, self.neighbour.asn));
        match hop {
            Some(HopChange::Address(hop)) => route.next_hop = Some(hop),
            Some(HopChange::Own) => {
                let own = *self.neighbour.own_hops.of(prefix.family());
                route.next_hop = own.or(route.next_hop);
            }
            Some(HopChange::Unchanged) | None => {}
        }
        // The neighbour's word that it goes soon is the last one (RFC 8326, 4.1).
        if shutdown {
            route.attributes.local_pref = Some(0);
        }
        world.store.intern(&route)
    }

    /// What was kept meanwhile is let go.
    pub(super) fn end(self, world: &mut World) {
        for (_, id) in self.made {
            world.store.release(id);
        }
        world.store.release(self.received);
    }
}
