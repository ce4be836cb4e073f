//! From a set's policies to what is said of each peer.

use crate::{
    identity::Identities,
    input::{Direction, Number, Side},
    nets::Nets,
    policy::{Compiled, Policies, PolicyId, Target},
    ports::{Clause, EVERYTHING, Span, named},
    prefix::{FIRST, Universe},
    rule::GROUPS,
    selector::{SelectorId, Selectors},
    set::{Content, Header, Set, SetId, SetRule},
    spec::{Action, NamedPort},
    table::Tables,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What sets are made of.
pub(crate) struct Known<'a> {
    pub(crate) policies: &'a Policies,
    pub(crate) identities: &'a Identities,
    pub(crate) universe: &'a Universe,
}

/// Drops what was compiled, and every hint to it: its policies' selectors may be gone soon.
pub(crate) fn detach(id: SetId, set: &mut Set, selectors: &mut Selectors) {
    set.stale = true;
    set.stale_peers.clear();
    set.rules.clear();
    set.blocks = Nets::default();
    for selector in std::mem::take(&mut set.by_selector).into_keys() {
        if let Some(slot) = selectors.get_mut(selector) {
            slot.used_by.remove(&id);
        }
    }
}

/// Everything anew.
pub(crate) fn compile(
    id: SetId,
    set: &mut Set,
    known: &Known<'_>,
    selectors: &mut Selectors,
    tables: &mut Tables,
) {
    detach(id, set, selectors);
    set.stale = false;
    let key = Arc::clone(&set.key);
    let mut anybody = Vec::new();
    for (high, policies) in [(true, &key.high), (false, &key.low)] {
        for policy in policies {
            for rule in rules_of(known.policies, *policy, key.direction) {
                add(set, rule, high, &mut anybody);
            }
        }
    }
    if !set.groups.is_empty() {
        let at = push(
            set,
            SetRule {
                high: false,
                side: Side {
                    order: GROUPS,
                    rule: GROUPS,
                    action: Action::Accept,
                },
                fixed: Arc::clone(&EVERYTHING),
                named: Vec::new(),
                anybody: false,
            },
        );
        for group in set.groups.clone() {
            set.by_selector.entry(group).or_default().push(at);
        }
    }
    let mut said: HashMap<Number, Vec<u32>> = HashMap::new();
    for (selector, rules) in &set.by_selector {
        if let Some(slot) = selectors.get_mut(*selector) {
            slot.used_by.insert(id);
            for member in &slot.members {
                said.entry(*member).or_default().extend(rules);
            }
        }
    }
    let mut peers = BTreeMap::new();
    for (member, rules) in said {
        let owned = known.identities.get(member).map(|who| who.key.ports());
        let table = tables.want(clauses(set, rules, owned.unwrap_or_default()));
        if table != 0 {
            peers.insert(member, table);
        }
    }
    if !set.blocks.is_empty() {
        for (net, number) in known.universe.iter() {
            let table = tables.want(clauses(set, rules_for(set, net), &[]));
            if table != 0 {
                peers.insert(number, table);
            }
        }
    }
    let header = Header {
        otherwise: !key.network,
        rule: set.nothing,
        prefixes: !set.blocks.is_empty(),
        anybody: tables.want(anybody),
    };
    // The new tables are wanted before the old ones are not, so that those that stay keep their numbers.
    set.clear(tables);
    set.content = Content { header, peers };
}

fn rules_of(policies: &Policies, id: PolicyId, direction: Direction) -> &[Compiled] {
    let policy = policies.all.get(&id);
    policy.map_or(&[], |policy| &policy.rules[direction as usize])
}

fn push(set: &mut Set, rule: SetRule) -> u32 {
    set.rules.push(rule);
    u32::try_from(set.rules.len() - 1).unwrap_or(u32::MAX)
}

fn add(set: &mut Set, rule: &Compiled, high: bool, anybody: &mut Vec<Clause>) {
    let side = Side {
        order: rule.order,
        rule: rule.number,
        action: match rule.action {
            // After the baseline there is nothing to pass on to: what no rule refuses is let through.
            Action::Pass if !high => Action::Accept,
            action => action,
        },
    };
    // Who receives is the subject, or the peer: their names count.
    let (fixed, names) = match set.key.direction {
        Direction::Egress => (Arc::clone(&rule.fixed), rule.named.clone()),
        Direction::Ingress if rule.named.is_empty() => (Arc::clone(&rule.fixed), Vec::new()),
        Direction::Ingress => {
            let own = named(&rule.named, &set.key.ports);
            let all: Arc<[Span]> = rule.fixed.iter().copied().chain(own).collect();
            (all, Vec::new())
        }
    };
    if fixed.is_empty() && names.is_empty() {
        return;
    }
    let at = push(
        set,
        SetRule {
            high,
            side,
            fixed: Arc::clone(&fixed),
            named: names,
            anybody: rule.peers.is_none(),
        },
    );
    let Some(peers) = &rule.peers else {
        if !fixed.is_empty() {
            anybody.push(Clause {
                high,
                side,
                ports: fixed,
            });
        }
        for owner in &rule.owners {
            set.by_selector.entry(*owner).or_default().push(at);
        }
        return;
    };
    for peer in peers {
        match peer {
            Target::Selector(selector) => set.by_selector.entry(*selector).or_default().push(at),
            Target::Block(block) => {
                let net = block.block.cidr;
                match set.blocks.get_mut(net) {
                    Some(rules) => rules.push((at, Arc::clone(block))),
                    None => {
                        set.blocks.insert(net, vec![(at, Arc::clone(block))]);
                    }
                }
            }
        }
    }
}

/// What is said of some peers anew.
pub(crate) fn refresh(
    set: &mut Set,
    changed: &HashMap<Number, (IpNetwork, bool)>,
    known: &Known<'_>,
    tables: &mut Tables,
) {
    for peer in std::mem::take(&mut set.stale_peers) {
        let clauses = if peer < FIRST {
            match known.identities.get(peer) {
                None => Vec::new(),
                Some(who) => {
                    let rules = who.selectors.iter();
                    let rules = rules.filter_map(|selector| set.by_selector.get(selector));
                    clauses(set, rules.flatten().copied().collect(), who.key.ports())
                }
            }
        } else {
            match changed.get(&peer) {
                Some((net, true)) => clauses(set, rules_for(set, *net), &[]),
                _ => Vec::new(),
            }
        };
        let table = tables.want(clauses);
        set.put(peer, table, tables);
    }
}

/// The rules that speak of all of a prefix that is in the universe: none of those there lies across another.
fn rules_for(set: &Set, net: IpNetwork) -> Vec<u32> {
    let blocks = set.blocks.containing(net).flat_map(|(_, rules)| rules);
    let spared = blocks.filter(|(_, block)| block.spared(net));
    spared.map(|(rule, _)| *rule).collect()
}

fn clauses(set: &Set, mut rules: Vec<u32>, owned: &[NamedPort]) -> Vec<Clause> {
    rules.sort_unstable();
    rules.dedup();
    let said = rules.into_iter().filter_map(|at| {
        let rule = set.rules.get(usize::try_from(at).ok()?)?;
        let fixed = if rule.anybody { &[] } else { &*rule.fixed };
        let ports: Arc<[Span]> = if rule.named.is_empty() && !rule.anybody {
            Arc::clone(&rule.fixed)
        } else {
            let names = named(&rule.named, owned);
            fixed.iter().copied().chain(names).collect()
        };
        (!ports.is_empty()).then_some(Clause {
            high: rule.high,
            side: rule.side,
            ports,
        })
    });
    said.collect()
}

/// A selector by its number, for those that only read.
pub(crate) fn members(selectors: &Selectors, id: SelectorId) -> impl Iterator<Item = Number> + '_ {
    let slot = selectors.get(id);
    slot.into_iter()
        .flat_map(|slot| slot.members.iter().copied())
}
