//! Why a packet passes or does not: each policy that is for either end, each of its rules, and the one that
//! decides.
//!
//! Every rule is asked anew, without the sets and tables that the dataplane was told: a fault in those shows
//! as a difference between the two.

use crate::{
    address::Claim,
    engine::Engine,
    explanation::{
        Applies, Asked, Decided, End, Explanation, Judgement, Party, PolicySaid, RuleFits,
        RuleSaid, Stage, Who,
    },
    identity::IdentityKey,
    input::{Direction, Number, Packet},
    policy::{self, Policy, PolicyId, Target},
    ports::{Span, named},
    rule::GROUPS,
    set::Role,
    spec::{Action, Tier},
    wanted::{Resident, Wanted},
};
use std::net::IpAddr;

/// Neither an endpoint nor an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint is known of pod {namespace}/{pod}")]
pub struct NoSuchPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
}

/// One end, found.
struct Found<'a> {
    address: Option<IpAddr>,
    identity: Option<Number>,
    resident: Option<&'a Resident>,
    here: bool,
}

impl Engine {
    /// What holds of a packet between two, at both ends and by which rules.
    ///
    /// # Errors
    /// A pod of which no endpoint is known.
    pub fn explain(
        &self,
        from: &Party,
        to: &Party,
        packet: Packet,
    ) -> Result<Explanation, NoSuchPod> {
        let wanted = &self.wanted;
        let (of_from, of_to) = (wanted.addresses_of(from)?, wanted.addresses_of(to)?);
        // Both ends speak the same family.
        let pair = of_from.iter().find_map(|from| {
            let to = of_to.iter().find(|to| to.is_ipv4() == from.is_ipv4());
            Some((*from, *to?))
        });
        let (source, destination) = match pair {
            Some((source, destination)) => (Some(source), Some(destination)),
            None => (of_from.first().copied(), of_to.first().copied()),
        };
        let (source, destination) = (wanted.find(from, source), wanted.find(to, destination));
        let egress = wanted.judge(&source, &destination, Direction::Egress, packet);
        let ingress = wanted.judge(&destination, &source, Direction::Ingress, packet);
        Ok(Explanation {
            allowed: egress.allowed && ingress.allowed,
            from: wanted.end(&source),
            to: wanted.end(&destination),
            asked: Asked::from(packet),
            egress,
            ingress,
        })
    }
}

impl Wanted {
    /// IPv4 first.
    fn addresses_of(&self, party: &Party) -> Result<Vec<IpAddr>, NoSuchPod> {
        let (namespace, pod) = match party {
            Party::Address(address) => return Ok(vec![address.to_canonical()]),
            Party::Pod { namespace, pod } => (namespace, pod),
        };
        let endpoints = self.by_pod.get(&(namespace.clone(), pod.clone()));
        let endpoints = endpoints.ok_or_else(|| NoSuchPod {
            namespace: namespace.clone(),
            pod: pod.clone(),
        })?;
        let residents = endpoints.iter().filter_map(|id| self.endpoints.get(id));
        let addresses = residents.flat_map(|resident| &resident.endpoint.addresses);
        let mut addresses: Vec<IpAddr> = addresses.map(IpAddr::to_canonical).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        Ok(addresses)
    }

    fn find(&self, party: &Party, address: Option<IpAddr>) -> Found<'_> {
        let mut found = Found {
            address,
            identity: None,
            resident: None,
            here: false,
        };
        if let Party::Pod { namespace, pod } = party {
            let ids = self.by_pod.get(&(namespace.clone(), pod.clone()));
            let mut residents = ids
                .into_iter()
                .flatten()
                .filter_map(|id| self.endpoints.get(id));
            let has = |resident: &&Resident| {
                let own = &resident.endpoint.addresses;
                address.is_some_and(|address| own.iter().any(|own| own.to_canonical() == address))
            };
            found.resident = residents.clone().find(has).or_else(|| residents.next());
            found.identity = found.resident.map(|resident| resident.identity);
            return found;
        }
        let claim = address.and_then(|address| self.claims.first(address));
        match claim {
            Some(Claim::Here(name) | Claim::Node(name)) => {
                found.identity = self.nodes.get(name).map(|(_, identity)| *identity);
                found.here = matches!(claim, Some(Claim::Here(_)));
            }
            Some(Claim::Local(id) | Claim::Remote(id)) => {
                found.resident = self.endpoints.get(id);
                found.identity = found.resident.map(|resident| resident.identity);
            }
            None => {}
        }
        found
    }

    fn end(&self, found: &Found<'_>) -> End {
        let who = match (found.resident, found.identity) {
            (Some(resident), Some(identity)) => Who::Endpoint {
                id: resident.endpoint.id.clone(),
                namespace: resident.endpoint.namespace.clone(),
                pod: resident.endpoint.pod.clone(),
                labels: self.labels(identity),
                groups: resident.endpoint.groups.clone(),
                identity,
                local: resident.endpoint.local,
            },
            (None, Some(identity)) => {
                let nodes = self.nodes.values().map(|(node, _)| node);
                let mut nodes = nodes.filter(|node| {
                    let mut own = node.addresses.iter().map(IpAddr::to_canonical);
                    own.any(|own| Some(own) == found.address)
                });
                Who::Node {
                    name: nodes.next().map_or(String::new(), |node| node.name.clone()),
                    labels: self.labels(identity),
                    identity,
                    here: found.here,
                }
            }
            _ => Who::Unknown,
        };
        End {
            address: found.address,
            who,
        }
    }

    fn labels(&self, identity: Number) -> crate::spec::Labels {
        match self.identities.get(identity).map(|who| &*who.key) {
            Some(IdentityKey::Pod { labels, .. } | IdentityKey::Node { labels }) => labels.clone(),
            None => Default::default(),
        }
    }

    fn judge(
        &self,
        at: &Found<'_>,
        peer: &Found<'_>,
        direction: Direction,
        packet: Packet,
    ) -> Judgement {
        let (Some(resident), Some(identity)) = (at.resident, at.identity) else {
            return Judgement::free(Applies::NoEndpoint);
        };
        if peer.here && !self.judges_node {
            return Judgement::free(Applies::Node);
        }
        let id = |found: &Found<'_>| found.resident.map(|it| it.endpoint.id.clone());
        if id(peer).as_ref() == Some(&resident.endpoint.id) {
            return Judgement::free(Applies::Itself);
        }
        let policies = self.said(identity, peer, direction, packet);
        let nothing = |audit| {
            let role = Role::ALL
                .iter()
                .position(|role| *role == Role { direction, audit });
            let set = role.and_then(|role| *self.sets_of(identity).get(role)?);
            set.and_then(|set| self.sets.all.get(&set))
                .map_or(0, |set| set.nothing)
        };
        let (allowed, by) = decide(&policies, false, || nothing(false));
        let all = policies.iter().any(|said| said.audit).then(|| {
            let number = match nothing(true) {
                0 => nothing(false),
                number => number,
            };
            decide(&policies, true, || number)
        });
        let refused = |(passes, decided): (bool, Decided)| (allowed && !passes).then_some(decided);
        Judgement {
            applies: Applies::Policies,
            allowed,
            by: Some(by),
            audited: all.and_then(refused),
            policies,
        }
    }

    /// What each policy says.
    fn said(
        &self,
        identity: Number,
        peer: &Found<'_>,
        direction: Direction,
        packet: Packet,
    ) -> Vec<PolicySaid> {
        let levels = |tier: Tier| {
            let levels = self.policies.levels.iter();
            levels
                .filter(move |((of, _, _), _)| *of == tier)
                .map(|(_, id)| *id)
        };
        let network = self.policies.by_name.values().copied().filter(|id| {
            let policy = self.policies.all.get(id);
            policy.is_some_and(|policy| policy.spec.stage() == policy::Stage::Network)
        });
        let of = |id: PolicyId| {
            let policy = self.policies.all.get(&id)?;
            policy.spec.rules(direction)?;
            let subject = self.selectors.get(policy.subject)?;
            let who = self.identities.get(identity)?;
            let selected = subject.key.fits(&who.key, &self.namespaces);
            selected.then(|| self.policy_said(policy, identity, peer, direction, packet))
        };
        let mut said: Vec<PolicySaid> = levels(Tier::Admin).filter_map(of).collect();
        if direction == Direction::Ingress {
            said.extend(self.groups_said(identity, peer));
        }
        said.extend(network.filter_map(of));
        said.extend(levels(Tier::Baseline).filter_map(of));
        said
    }

    fn groups_said(&self, identity: Number, peer: &Found<'_>) -> Option<PolicySaid> {
        let groups = |identity: Number| match &*self.identities.get(identity)?.key {
            IdentityKey::Pod { groups, .. } => Some(groups),
            IdentityKey::Node { .. } => None,
        };
        let own = groups(identity).filter(|own| !own.is_empty())?;
        let other = peer.identity.and_then(groups);
        let common = other.is_some_and(|other| !other.is_disjoint(own));
        Some(PolicySaid {
            policy: None,
            stage: Stage::Network,
            audit: false,
            rules: vec![RuleSaid {
                index: 0,
                name: Some("members of a common group".to_owned()),
                number: GROUPS,
                order: GROUPS,
                action: Action::Accept,
                fits: match common {
                    true => RuleFits::Yes,
                    false => RuleFits::OtherPeer,
                },
            }],
        })
    }

    fn policy_said(
        &self,
        policy: &Policy,
        identity: Number,
        peer: &Found<'_>,
        direction: Direction,
        packet: Packet,
    ) -> PolicySaid {
        let ports = |identity: Option<Number>| {
            let who = identity.and_then(|identity| self.identities.get(identity));
            who.map_or(&[][..], |who| who.key.ports())
        };
        let covers = |span: &Span| {
            span.protocol == packet.protocol
                && (span.protocol.is_none() || (span.first..=span.last).contains(&packet.port))
        };
        let rules = policy.rules[direction as usize].iter().enumerate();
        let rules = rules.map(|(index, rule)| {
            let spec = policy
                .spec
                .rules(direction)
                .and_then(|rules| rules.get(index));
            let fixed = rule.fixed.iter().any(covers);
            // A name means what the one who receives calls so; who is meant by address is not asked.
            let owned = match direction {
                Direction::Ingress => ports(Some(identity)),
                Direction::Egress => ports(peer.identity),
            };
            let by_name = named(&rule.named, owned).any(|span| covers(&span));
            let (mut met, mut fits) = (rule.peers.is_none(), false);
            fits |= rule.peers.is_none() && (fixed || by_name);
            for target in rule.peers.iter().flatten() {
                let (meant, names) = match target {
                    Target::Selector(id) => (self.is(*id, peer.identity), true),
                    Target::Block(block) => (
                        peer.address.is_some_and(|address| block.has(address)),
                        direction == Direction::Ingress,
                    ),
                };
                met |= meant;
                fits |= meant && (fixed || names && by_name);
            }
            RuleSaid {
                index,
                name: spec.and_then(|rule| rule.name.clone()),
                number: rule.number,
                order: rule.order,
                action: rule.action,
                fits: match (met, fits) {
                    (_, true) => RuleFits::Yes,
                    (true, false) => RuleFits::OtherPort,
                    (false, false) => RuleFits::OtherPeer,
                },
            }
        });
        PolicySaid {
            policy: Some(policy.name.clone()),
            stage: match policy.spec.stage() {
                policy::Stage::High => Stage::Admin,
                policy::Stage::Network => Stage::Network,
                policy::Stage::Baseline => Stage::Baseline,
            },
            audit: policy.audit,
            rules: rules.collect(),
        }
    }

    fn is(&self, selector: u32, identity: Option<Number>) -> bool {
        let slot = self.selectors.get(selector);
        let who = identity.and_then(|identity| self.identities.get(identity));
        slot.zip(who)
            .is_some_and(|(slot, who)| slot.key.fits(&who.key, &self.namespaces))
    }
}

/// Which rule decides; `all`: as if nothing were in audit, `nothing`: the number of "nothing allows it".
fn decide(policies: &[PolicySaid], all: bool, nothing: impl FnOnce() -> Number) -> (bool, Decided) {
    let of = |stage| {
        let said = policies.iter();
        said.filter(move |said| said.stage == stage && (all || !said.audit))
    };
    let first = |stage| {
        let rules = of(stage).flat_map(|said| said.rules.iter().map(move |rule| (said, rule)));
        let fitting = rules.filter(|(_, rule)| rule.fits == RuleFits::Yes);
        fitting.min_by_key(|(_, rule)| rule.order)
    };
    let by = |(said, rule): (&PolicySaid, &RuleSaid)| Decided::Rule {
        policy: said.policy.clone(),
        index: rule.index,
        name: rule.name.clone(),
        number: rule.number,
    };
    if let Some(found) = first(Stage::Admin)
        && found.1.action != Action::Pass
    {
        return (found.1.action == Action::Accept, by(found));
    }
    if of(Stage::Network).next().is_some() {
        return match first(Stage::Network) {
            Some(found) => (true, by(found)),
            None => {
                let names = of(Stage::Network).filter_map(|said| said.policy.clone());
                let decided = Decided::NotAllowed {
                    policies: names.collect(),
                    number: nothing(),
                };
                (false, decided)
            }
        };
    }
    match first(Stage::Baseline) {
        Some(found) => (found.1.action != Action::Deny, by(found)),
        None => (true, Decided::Nothing),
    }
}
