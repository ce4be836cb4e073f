//! The table in the simplest words: everything in maps, and everything worked out anew whenever it is asked for. It is
//! written after the RFCs and not after the table.

use super::super::{Drain, Neighbour, PeerId, Relation, Route, Settings};
use crate::attr::{Attributes, Community, NextHop};
use crate::policy::{HopChange, Policy, Source, Subject};
use crate::{Family, Prefix};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) attributes: Attributes,
    pub(super) next_hop: NextHop,
    pub(super) stale: bool,
}

#[derive(Debug)]
pub(super) struct Naive {
    pub(super) settings: Settings,
    pub(super) peers: BTreeMap<PeerId, Neighbour>,
    pub(super) heard: BTreeMap<(Prefix, PeerId), Heard>,
    pub(super) own: BTreeMap<(Prefix, Source), Attributes>,
    pub(super) drain: Drain,
    pub(super) costs: BTreeMap<NextHop, u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) from: Option<PeerId>,
    source: Source,
    pub(super) attributes: Attributes,
    pub(super) next_hop: Option<NextHop>,
}

impl Naive {
    pub(super) fn prefixes(&self) -> BTreeSet<Prefix> {
        let heard = self.heard.keys().map(|(prefix, _)| *prefix);
        heard
            .chain(self.own.keys().map(|(prefix, _)| *prefix))
            .collect()
    }

    /// What is taken of what a neighbour told.
    fn taken(&self, prefix: Prefix, id: PeerId, heard: &Heard) -> Option<Way> {
        let peer = self.peers.get(&id)?;
        let mut attributes = heard.attributes.clone();
        let internal = peer.relation != Relation::External;
        if !internal {
            attributes.local_pref = None;
            attributes.originator = None;
            attributes.clusters = Vec::new();
            if peer.enforce_first_as && attributes.as_path.neighbour() != Some(peer.asn) {
                return None;
            }
        }
        if attributes.as_path.has(self.settings.asn)
            || attributes.originator == Some(self.settings.router)
            || attributes.clusters.contains(&self.settings.cluster)
        {
            return None;
        }
        let shutdown = attributes
            .communities
            .contains(&Community::GRACEFUL_SHUTDOWN);
        let subject = Subject {
            prefix,
            attributes: &attributes,
            neighbour: peer.party(),
            source: Source::Neighbour,
        };
        let policy = peer.filters.import.as_deref();
        let decision = Policy::decide_for(policy, peer.filters.needed && !internal, &subject);
        if !decision.accepted {
            return None;
        }
        let mut next_hop = heard.next_hop;
        if let Some(rule) = policy.and_then(|policy| policy.rule(decision))
            && let Some(HopChange::Address(other)) = rule.apply(&mut attributes, peer.asn)
        {
            next_hop = other;
        }
        if shutdown {
            attributes.local_pref = Some(0);
        }
        let cost = *self.costs.get(&next_hop)?;
        if peer.adjacent && cost > 0 && next_hop == heard.next_hop {
            return None;
        }
        Some(Way {
            from: Some(id),
            source: Source::Neighbour,
            attributes,
            next_hop: Some(next_hop),
        })
    }

    fn ways(&self, prefix: Prefix) -> Vec<Way> {
        let own = self.own.iter().filter(|((other, _), _)| *other == prefix);
        let own = own.map(|((_, source), attributes)| Way {
            from: None,
            source: *source,
            attributes: attributes.clone(),
            next_hop: None,
        });
        let heard = self.heard.iter().filter(|((other, _), _)| *other == prefix);
        let heard = heard.filter_map(|((_, id), heard)| self.taken(prefix, *id, heard));
        own.chain(heard).collect()
    }

    /// RFC 4271, 9.1.2.2, a to g, with RFC 4456, 9.
    pub(super) fn best(&self, prefix: Prefix) -> Option<Way> {
        self.order(self.equal(prefix)).into_iter().next()
    }

    /// The best, and those that are as good until the identifier: each next hop once, so many as may be.
    pub(super) fn used(&self, prefix: Prefix) -> Vec<Way> {
        let mut ways = self.order(self.equal(prefix));
        let Some(path) = ways.first().map(|best| best.attributes.as_path.clone()) else {
            return ways;
        };
        let relax = self.settings.multipath_relax;
        ways.retain(|way| relax || way.attributes.as_path == path);
        let mut hops = BTreeSet::new();
        ways.retain(|way| hops.insert(way.next_hop));
        ways.truncate(self.settings.multipath);
        ways
    }

    /// By identifier, clusters, address and source.
    fn order(&self, mut ways: Vec<Way>) -> Vec<Way> {
        let peer = |way: &Way| way.from.and_then(|id| self.peers.get(&id));
        ways.sort_by_key(|way| {
            let router = peer(way).map(|peer| peer.router);
            (
                way.attributes.originator.or(router),
                way.attributes.clusters.len(),
                peer(way).map(|peer| peer.address),
                way.source,
            )
        });
        ways
    }

    /// Those that nothing before the identifier tells apart from the best.
    fn equal(&self, prefix: Prefix) -> Vec<Way> {
        let mut ways = self.ways(prefix);
        if ways.iter().any(|way| way.from.is_none()) {
            ways.retain(|way| way.from.is_none());
        }
        keep(&mut ways, |way| {
            u32::MAX - way.attributes.local_pref.unwrap_or(100)
        });
        keep(&mut ways, |way| way.attributes.as_path.len());
        keep(&mut ways, |way| way.attributes.origin);
        let all = ways.clone();
        let med = |way: &Way| way.attributes.med.unwrap_or(0);
        ways.retain(|way| {
            let same = |other: &&Way| {
                self.settings.always_compare_med
                    || other.attributes.as_path.neighbour() == way.attributes.as_path.neighbour()
            };
            !all.iter().filter(same).any(|other| med(other) < med(way))
        });
        let peer = |way: &Way| way.from.and_then(|id| self.peers.get(&id));
        let internal =
            |way: &Way| peer(way).is_some_and(|peer| peer.relation != Relation::External);
        keep(&mut ways, |way| internal(way));
        keep(&mut ways, |way| {
            way.next_hop.map(|hop| self.costs.get(&hop))
        });
        ways
    }

    /// What a neighbour is to know.
    pub(super) fn told(&self, id: PeerId, family: Family) -> BTreeMap<Prefix, Route> {
        let prefixes = self.prefixes().into_iter();
        let prefixes = prefixes.filter(|prefix| prefix.family() == family);
        let told = prefixes.filter_map(|prefix| Some((prefix, self.tell(id, prefix)?)));
        told.collect()
    }

    fn tell(&self, id: PeerId, prefix: Prefix) -> Option<Route> {
        let peer = &self.peers[&id];
        let Way {
            from,
            source,
            mut attributes,
            next_hop,
        } = self.best(prefix)?;
        let external = peer.relation == Relation::External;
        let from = from.map(|id| (id, &self.peers[&id]));
        if from.is_some_and(|(from, _)| from == id)
            || (from.is_none() && self.drain == Drain::Withdrawn)
        {
            return None;
        }
        let relations = from.map(|(_, from)| (from.relation, peer.relation));
        if relations == Some((Relation::Internal, Relation::Internal)) {
            return None;
        }
        let bears = |community| attributes.communities.contains(&community);
        if bears(Community::NO_ADVERTISE)
            || external && (bears(Community::NO_EXPORT) || bears(Community::NO_EXPORT_SUBCONFED))
        {
            return None;
        }
        let subject = Subject {
            prefix,
            attributes: &attributes,
            neighbour: peer.party(),
            source,
        };
        let policy = peer.filters.export.as_deref();
        let decision = Policy::decide_for(policy, peer.filters.needed && external, &subject);
        if !decision.accepted {
            return None;
        }
        let reflected = from.filter(|(_, from)| !external && from.relation != Relation::External);
        if external {
            attributes.originator = None;
            attributes.clusters = Vec::new();
            if from.is_some() {
                attributes.med = None;
            }
        } else {
            attributes.local_pref = Some(attributes.local_pref.unwrap_or(100));
        }
        if let Some((_, from)) = reflected {
            attributes.originator = Some(attributes.originator.unwrap_or(from.router));
            attributes.clusters.insert(0, self.settings.cluster);
        }
        let rule = policy.and_then(|policy| policy.rule(decision));
        let change = rule.and_then(|rule| rule.apply(&mut attributes, self.settings.asn));
        if from.is_none() && self.drain == Drain::Announced {
            attributes.local_pref = Some(0);
            attributes.communities.push(Community::GRACEFUL_SHUTDOWN);
            attributes.communities.sort();
            attributes.communities.dedup();
        }
        if external {
            attributes.as_path = attributes.as_path.prepended(self.settings.asn, 1);
            attributes.local_pref = None;
        }
        let own = match prefix.family() {
            Family::Ipv4 => peer.own_hops[0]?,
            Family::Ipv6 => peer.own_hops[1]?,
        };
        let next_hop = match change {
            Some(HopChange::Address(hop)) => hop,
            Some(HopChange::Unchanged) => next_hop.unwrap_or(own),
            Some(HopChange::Own) => own,
            None if external => own,
            None => next_hop.unwrap_or(own),
        };
        Some(Route {
            attributes,
            next_hop: Some(next_hop),
        })
    }
}

fn keep<K: Ord>(ways: &mut Vec<Way>, key: impl Fn(&Way) -> K) {
    let least = ways.iter().map(&key).min();
    ways.retain(|way| Some(key(way)) == least);
}
