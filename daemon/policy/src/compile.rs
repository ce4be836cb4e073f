//! From a set's policies to what is said of each peer.
//!
//! A set of which everything has changed is compiled as a whole ([`compile`]). Where a policy of many rules
//! gets one more, only that rule is put in ([`patch`]), and what is said of those whom it concerns is found
//! anew ([`refresh`]).

use crate::{
    identity::Identities,
    input::{Direction, Number, Side},
    nets::Nets,
    policy::{Compiled, Policies, PolicyId},
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
    set.stale_nets.clear();
    set.stale_header = false;
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
    for (high, policies) in [(true, &key.high), (false, &key.low)] {
        for policy in policies {
            for rule in rules_of(known.policies, *policy, key.direction) {
                add(set, rule, high);
            }
        }
    }
    add_groups(set);
    let mut said: HashMap<Number, Vec<Number>> = HashMap::new();
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
    let header = header(set, tables);
    // The new tables are wanted before the old ones are not, so that those that stay keep their numbers.
    set.clear(tables);
    set.content = Content { header, peers };
}

fn rules_of(policies: &Policies, id: PolicyId, direction: Direction) -> &[Compiled] {
    let policy = policies.all.get(&id);
    policy.map_or(&[], |policy| &policy.rules[direction as usize])
}

/// What holds for all peers alike.
fn header(set: &Set, tables: &mut Tables) -> Header {
    let anybody = set.rules.values().filter(|rule| rule.anybody);
    let said = anybody.filter(|rule| !rule.fixed.is_empty());
    let clauses = said.map(|rule| Clause {
        high: rule.high,
        side: rule.side,
        ports: Arc::clone(&rule.fixed),
    });
    Header {
        otherwise: !set.key.network,
        rule: set.nothing,
        prefixes: !set.blocks.is_empty(),
        anybody: tables.want(clauses.collect()),
    }
}

fn add_groups(set: &mut Set) {
    if set.groups.is_empty() {
        return;
    }
    let side = Side {
        order: GROUPS,
        rule: GROUPS,
        action: Action::Accept,
    };
    let rule = SetRule {
        high: false,
        side,
        fixed: Arc::clone(&EVERYTHING),
        named: Vec::new(),
        anybody: false,
    };
    set.rules.insert(GROUPS, rule);
    for group in set.groups.clone() {
        set.by_selector.entry(group).or_default().push(GROUPS);
    }
}

fn add(set: &mut Set, rule: &Compiled, high: bool) {
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
    let said = SetRule {
        high,
        side,
        fixed,
        named: names,
        anybody: rule.peers.is_none(),
    };
    set.rules.insert(rule.number, said);
    for selector in rule.selectors() {
        set.by_selector
            .entry(selector)
            .or_default()
            .push(rule.number);
    }
    for block in rule.blocks() {
        let net = block.block.cidr;
        if set.blocks.get(net).is_none() {
            set.blocks.insert(net, Vec::new());
        }
        if let Some(rules) = set.blocks.get_mut(net) {
            rules.push((rule.number, Arc::clone(block)));
        }
    }
}

/// Puts rules of a policy in and takes others out.
pub(crate) fn patch(
    id: SetId,
    set: &mut Set,
    high: bool,
    (removed, added): (&[&Compiled], &[&Compiled]),
    selectors: &mut Selectors,
) {
    for rule in removed {
        concern(set, rule, selectors);
        set.rules.remove(&rule.number);
        for selector in rule.selectors() {
            let Some(rules) = set.by_selector.get_mut(&selector) else {
                continue;
            };
            rules.retain(|number| *number != rule.number);
            if rules.is_empty() {
                set.by_selector.remove(&selector);
                if let Some(slot) = selectors.get_mut(selector) {
                    slot.used_by.remove(&id);
                }
            }
        }
        for block in rule.blocks() {
            let net = block.block.cidr;
            let Some(rules) = set.blocks.get_mut(net) else {
                continue;
            };
            rules.retain(|(number, _)| *number != rule.number);
            if rules.is_empty() {
                set.blocks.remove(net);
            }
        }
    }
    for rule in added {
        add(set, rule, high);
        for selector in rule.selectors() {
            if let Some(slot) = selectors.get_mut(selector) {
                slot.used_by.insert(id);
            }
        }
        concern(set, rule, selectors);
    }
}

/// Those of whom a rule speaks are looked at anew.
fn concern(set: &mut Set, rule: &Compiled, selectors: &Selectors) {
    set.stale_header = true;
    for selector in rule.selectors() {
        set.stale_peers.extend(members(selectors, selector));
    }
    let nets = rule.blocks().map(|block| block.block.cidr);
    set.stale_nets.extend(nets);
}

/// What is said of some peers anew.
pub(crate) fn refresh(
    set: &mut Set,
    changed: &HashMap<Number, (IpNetwork, bool)>,
    known: &Known<'_>,
    tables: &mut Tables,
) {
    let mut nets: HashMap<Number, IpNetwork> = HashMap::new();
    for outer in std::mem::take(&mut set.stale_nets) {
        let within = known
            .universe
            .iter()
            .filter(|(net, _)| outer.prefix() <= net.prefix() && outer.contains(net.ip()));
        nets.extend(within.map(|(net, number)| (number, net)));
    }
    set.stale_peers.extend(nets.keys());
    if std::mem::take(&mut set.stale_header) {
        let header = header(set, tables);
        let before = std::mem::replace(&mut set.content.header, header);
        tables.unwant(before.anybody);
    }
    for peer in std::mem::take(&mut set.stale_peers) {
        let net = nets.get(&peer).copied();
        let net = net.or_else(|| match changed.get(&peer) {
            Some((net, true)) => Some(*net),
            _ => None,
        });
        let said = match (known.identities.get(peer), net) {
            (Some(who), _) if peer < FIRST => {
                let rules = who.selectors.iter();
                let rules = rules.filter_map(|selector| set.by_selector.get(selector));
                clauses(set, rules.flatten().copied().collect(), who.key.ports())
            }
            (_, Some(net)) => clauses(set, rules_for(set, net), &[]),
            _ => Vec::new(),
        };
        let table = tables.want(said);
        set.put(peer, table, tables);
    }
}

/// The rules that speak of all of a prefix that is in the universe: none of those there lies across another.
fn rules_for(set: &Set, net: IpNetwork) -> Vec<Number> {
    let blocks = set.blocks.containing(net).flat_map(|(_, rules)| rules);
    let spared = blocks.filter(|(_, block)| block.spared(net));
    spared.map(|(rule, _)| *rule).collect()
}

fn clauses(set: &Set, mut rules: Vec<Number>, owned: &[NamedPort]) -> Vec<Clause> {
    rules.sort_unstable();
    rules.dedup();
    let said = rules.into_iter().filter_map(|number| {
        let rule = set.rules.get(&number)?;
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

/// Whom a selector fits.
pub(crate) fn members(selectors: &Selectors, id: SelectorId) -> impl Iterator<Item = Number> + '_ {
    let slot = selectors.get(id);
    slot.into_iter()
        .flat_map(|slot| slot.members.iter().copied())
}
