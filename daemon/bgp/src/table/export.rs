//! What becomes of the best route on its way to a neighbour.

use super::peers::{PeerId, World};
use super::settings::{Drain, Neighbour, Of, Relation};
use super::store::{LOCAL_PREF, Open, Route, RouteId};
use crate::attr::{Attributes, Community, ExtendedCommunity, NextHop};
use crate::policy::{Decision, HopChange, Party, Policy, Subject, Why};
use crate::{Asn, Family, Prefix};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Why a neighbour is not told of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTold {
    /// Nothing leads there.
    NoRoute,
    /// It told the best route itself.
    ItsOwn,
    /// One of the AS told it, and another of the AS hears that from there, not from here (RFC 4271, 9.2; RFC 4456, 6).
    Internal,
    /// Policy.
    Policy(Decision),
    /// The node is drained, and the route its own.
    Drained,
    /// There is no own address of the family that could be the next hop.
    NoNextHop,
    /// Nothing is told to it: its session does not stand, or not for the family.
    NoSession,
}

impl NotTold {
    /// In words; with the rule, where the neighbour's export policy is at hand.
    pub fn explain(self, policy: Option<&Policy>) -> String {
        match self {
            NotTold::Policy(decision) => decision.explain(policy),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTold::NoRoute => f.write_str("nothing leads there"),
            NotTold::ItsOwn => f.write_str("the best route is the neighbour's own"),
            NotTold::Internal => f.write_str(
                "an internal neighbour told the best route, and this is no reflector for the two",
            ),
            NotTold::Policy(decision) => f.write_str(&decision.explain(None)),
            NotTold::Drained => f.write_str("the node is drained"),
            NotTold::NoNextHop => f.write_str("there is no own address for its next hop"),
            NotTold::NoSession => f.write_str("nothing is told to the neighbour"),
        }
    }
}

/// All that what is told depends on: neighbours with equal ones are told the same and share the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    relation: Relation,
    local: Option<Asn>,
    policy: Option<Arc<Policy>>,
    needed: bool,
    own: Option<NextHop>,
    shared: Vec<Prefix>,
    /// Of whoever was first, unless the policy asks who it is.
    party: Party,
}

impl Profile {
    pub(super) fn of(neighbour: &Neighbour, family: Family) -> Profile {
        let policy = neighbour.filters.export.clone();
        let mut party = neighbour.party();
        if !policy
            .as_ref()
            .is_some_and(|policy| policy.asks_neighbour())
        {
            party.address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            party.asn = Asn::TRANS;
        }
        Profile {
            local: neighbour.local,
            relation: neighbour.relation,
            policy,
            needed: neighbour.needs_policy(),
            own: *neighbour.own_hops.of(family),
            shared: neighbour.shared.clone(),
            party,
        }
    }
}

/// Remembers what it made of a route, since prefixes of the same one come together.
#[derive(Default)]
pub(super) struct Export {
    last: Option<Made>,
    open: Open,
}

struct Made {
    from: PeerId,
    route: RouteId,
    why: Why,
    made: RouteId,
}

impl Export {
    /// What is told of a route, kept once.
    pub(super) fn tell(
        &mut self,
        world: &mut World,
        profile: &Profile,
        prefix: Prefix,
        (from, id): (PeerId, RouteId),
    ) -> Result<RouteId, NotTold> {
        let Some(route) = self.open.get(&world.store, id) else {
            return Err(NotTold::NoRoute);
        };
        let attributes = &route.attributes;
        world.may_tell(profile, from)?;
        if let Some(community) = forbidden(attributes, profile.relation) {
            let why = Why::Community(community);
            return Err(NotTold::Policy(Decision::refused(why)));
        }
        let subject = Subject {
            prefix,
            attributes,
            neighbour: profile.party,
            source: from.source(),
        };
        let policy = profile.policy.as_deref();
        let decision = Policy::decide_for(policy, profile.needed, &subject);
        if !decision.accepted {
            return Err(NotTold::Policy(decision));
        }
        let why = decision.why;
        if let Some(last) = &self.last
            && (last.from, last.route, last.why) == (from, id, why)
        {
            return Ok(world.store.keep(last.made));
        }
        let route = world
            .make(profile, decision, from, &route)
            .ok_or(NotTold::NoNextHop)?;
        let made = world.store.intern(&route).ok_or(NotTold::NoNextHop)?;
        let (route, kept) = (world.store.keep(id), world.store.keep(made));
        self.forget(world);
        self.last = Some(Made {
            from,
            route,
            why,
            made: kept,
        });
        Ok(made)
    }

    fn forget(&mut self, world: &mut World) {
        if let Some(last) = self.last.take() {
            world.store.release(last.route);
            world.store.release(last.made);
        }
    }

    /// What was kept meanwhile is let go.
    pub(super) fn end(mut self, world: &mut World) {
        self.forget(world);
    }
}

/// The community that forbids it.
fn forbidden(attributes: &Attributes, to: Relation) -> Option<Community> {
    let mut all = attributes.communities.iter().copied();
    all.find(|community| match *community {
        Community::NO_ADVERTISE => true,
        Community::NO_EXPORT | Community::NO_EXPORT_SUBCONFED => to == Relation::External,
        _ => false,
    })
}

impl World {
    /// Whether what one told is for the other at all.
    fn may_tell(&self, profile: &Profile, from: PeerId) -> Result<(), NotTold> {
        if from.is_own() {
            return match self.drain {
                Drain::Withdrawn => Err(NotTold::Drained),
                Drain::Off | Drain::Announced => Ok(()),
            };
        }
        let from = self.peers.get(from).ok_or(NotTold::NoRoute)?;
        match (from.neighbour.relation, profile.relation) {
            (Relation::External, _) | (_, Relation::External) => Ok(()),
            (Relation::Client, _) | (_, Relation::Client) => Ok(()),
            (Relation::Internal, Relation::Internal) => Err(NotTold::Internal),
        }
    }

    fn make(
        &self,
        profile: &Profile,
        decision: Decision,
        from: PeerId,
        route: &Route,
    ) -> Option<Route> {
        let Route {
            mut attributes,
            next_hop,
        } = route.clone();
        let external = profile.relation == Relation::External;
        let source = self.peers.get(from).map(|peer| &peer.neighbour);
        match external {
            true => self.leave(&mut attributes, from),
            false => {
                attributes.local_pref.get_or_insert(LOCAL_PREF);
                if let Some(source) = source.filter(|source| source.is_internal()) {
                    attributes.originator.get_or_insert(source.router);
                    attributes.clusters.insert(0, self.settings.cluster);
                }
            }
        }
        let own = profile.local.unwrap_or(self.settings.asn);
        let policy = profile.policy.as_deref();
        let rule = policy.and_then(|policy| policy.rule(decision));
        let hop = rule.and_then(|rule| rule.apply(&mut attributes, own));
        if from.is_own() && self.drain == Drain::Announced {
            let communities = &mut attributes.communities;
            if let Err(at) = communities.binary_search(&Community::GRACEFUL_SHUTDOWN) {
                communities.insert(at, Community::GRACEFUL_SHUTDOWN);
            }
            attributes.local_pref = Some(0);
        }
        if external {
            attributes.local_pref = None;
            attributes.as_path = attributes.as_path.prepended(own, 1);
        }
        let next_hop = next_hop.map(|hop| profile.passed(hop));
        let next_hop = match hop {
            Some(HopChange::Own) => None,
            Some(HopChange::Address(hop)) => Some(hop),
            Some(HopChange::Unchanged) => next_hop,
            None if external => next_hop.filter(|hop| profile.is_shared(*hop)),
            None => next_hop,
        };
        Some(Route {
            attributes,
            next_hop: Some(next_hop.or(profile.own)?),
        })
    }

    /// What only means something within the AS stays there; a MED is for the AS that it was told to, no further.
    fn leave(&self, attributes: &mut Attributes, from: PeerId) {
        if !from.is_own() {
            attributes.med = None;
        }
        attributes.originator = None;
        attributes.clusters.clear();
        attributes
            .extended
            .retain(|one| ExtendedCommunity::is_transitive(*one));
    }
}

impl Profile {
    /// An address on a link is nothing to who is on another (RFC 2545, 3).
    fn passed(&self, hop: NextHop) -> NextHop {
        match hop {
            NextHop::V6(global, Some(_)) if !self.is_shared(hop) => NextHop::V6(global, None),
            hop => hop,
        }
    }

    fn is_shared(&self, hop: NextHop) -> bool {
        let address = hop.address();
        let host = match address {
            IpAddr::V4(_) => Prefix::new(address, 32),
            IpAddr::V6(_) => Prefix::new(address, 128),
        };
        host.is_some_and(|host| self.shared.iter().any(|shared| shared.holds(host)))
    }
}
