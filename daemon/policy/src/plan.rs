//! From what the dataplane has to what it is to have, in steps none of which shows half of a change.
//!
//! A packet's verdict follows from its endpoint's set, and in that from up to three entries: for anybody
//! (in the set's own), for the peer's identity, for the longest prefix that its address is in. Each step
//! changes one entry, so
//! - a set of which only entries of one of these kinds change is changed in place; any other is made anew
//!   beside the old one, and its endpoints change over, each at one stroke;
//! - so is a set that changes and that an endpoint joins or leaves at the same time;
//! - a new prefix first says in all sets what the one around it says, and only then exists; one that goes
//!   leaves its addresses to the one around it, which says what is right by then.
//!
//! What nobody needs goes first, so that it makes room; what was replaced goes last.

use crate::{
    identity::SetIds,
    input::{Change, EndpointId, Number, Sets},
    nets::Nets,
    placed::{Op, Placed, Resource, numbers},
    prefix::FIRST,
    set::{Header, Set, SetId, Touched},
    wanted::Wanted,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

/// What was found not to fit.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) resource: Resource,
    /// The step that did not fit.
    pub(crate) op: Op,
    /// For which set it was.
    pub(crate) set: Option<SetId>,
}

/// Steps that have been made.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    pub(crate) changes: Vec<Change>,
    undo: Vec<Op>,
    pub(crate) removed_tables: Vec<Number>,
    /// New numbers of sets.
    pub(crate) fresh: Vec<(SetId, Number)>,
}

pub(crate) struct Plan<'a> {
    wanted: &'a mut Wanted,
    placed: &'a mut Placed,
    steps: Steps,
    fresh: BTreeMap<SetId, Number>,
    /// Sets that change as they are.
    in_place: Vec<SetId>,
    /// The set that steps are made for.
    now: Option<SetId>,
    /// There is no room for two: endpoints concerned are closed meanwhile.
    tight: bool,
}

/// Makes the steps; if they do not fit, none is made.
pub(crate) fn plan(wanted: &mut Wanted, placed: &mut Placed, tight: bool) -> Result<Steps, Full> {
    let mut plan = Plan {
        wanted,
        placed,
        steps: Steps::default(),
        fresh: BTreeMap::new(),
        in_place: Vec::new(),
        now: None,
        tight,
    };
    let result = plan.run();
    let Plan {
        wanted,
        placed,
        mut steps,
        fresh,
        ..
    } = plan;
    match result {
        Ok(()) => {
            steps.fresh = fresh.into_iter().collect();
            Ok(steps)
        }
        Err(full) => {
            for op in steps.undo.iter().rev() {
                placed.set(op, &mut wanted.tables);
            }
            for number in fresh.into_values() {
                wanted.set_numbers.retire(number);
            }
            Err(full)
        }
    }
}

impl Plan<'_> {
    fn run(&mut self) -> Result<(), Full> {
        self.choose();
        let switching = self.switching();
        self.drop_gone(&switching)?;
        self.widen()?;
        for (id, number) in self.fresh.clone() {
            self.now = Some(id);
            self.fill(id, number)?;
        }
        for id in self.in_place.clone() {
            self.now = Some(id);
            self.change(id, false)?;
        }
        self.now = None;
        for (id, policy) in &switching {
            if policy.is_some() {
                self.step(Op::Endpoint(Arc::clone(id), *policy))?;
            }
        }
        for address in self.wanted.dirty.addresses.clone() {
            let holder = self.wanted.holder(address);
            if holder.is_some() && holder.as_ref() != self.placed.addresses.get(&address) {
                self.step(Op::Address(address, holder))?;
            }
        }
        self.narrow()?;
        for id in self.in_place.clone() {
            self.change(id, true)?;
        }
        self.sweep()
    }

    fn step(&mut self, op: Op) -> Result<(), Full> {
        let change = self.describe(&op);
        match self.placed.apply(&op, &mut self.wanted.tables) {
            Ok(undo) => {
                self.steps.undo.push(undo);
                self.steps.changes.push(change);
                Ok(())
            }
            Err(resource) => Err(Full {
                resource,
                op,
                set: self.now,
            }),
        }
    }

    fn describe(&self, op: &Op) -> Change {
        describe(op, self.wanted, self.placed)
    }

    /// Which sets are changed as they are, and which are made anew.
    fn choose(&mut self) {
        let (mut joined, mut left) = (HashSet::new(), HashSet::new());
        for id in &self.wanted.dirty.endpoints {
            let Some((_, before)) = self.placed.endpoints.get(id) else {
                continue;
            };
            let Some(resident) = self.wanted.endpoints.get(id) else {
                continue;
            };
            let after = self.wanted.sets_of(resident.identity);
            for (number, set) in crate::placed::in_order(*before).into_iter().zip(after) {
                let known = set.and_then(|set| self.wanted.sets.all.get(&set)?.number);
                if Some(number) != known {
                    left.insert(number);
                    joined.extend(set);
                }
            }
        }
        for id in self.wanted.sets.dirty.clone() {
            let Some(set) = self.wanted.sets.all.get(&id) else {
                continue;
            };
            if set.users.is_empty() {
                continue;
            }
            let in_place = set.number.is_some_and(|number| {
                let there = self.placed.sets.get(&number).and_then(|set| set.header);
                match self.kinds(set, number) {
                    _ if there.is_none() => false,
                    _ if self.tight => {
                        there == Some(set.content.header) && self.differing(set, number).is_empty()
                    }
                    0 => true,
                    1 => !joined.contains(&id) && !left.contains(&number),
                    _ => false,
                }
            });
            if in_place {
                self.in_place.push(id);
            } else {
                let number = self.wanted.set_numbers.take();
                self.fresh.insert(id, number);
            }
        }
    }

    /// Entries of how many kinds would be seen to change.
    fn kinds(&self, set: &Set, number: Number) -> usize {
        let header = self.placed.sets.get(&number).and_then(|set| set.header);
        let (mut identities, mut prefixes) = (false, false);
        for peer in self.differing(set, number) {
            if peer < FIRST {
                identities |= self.placed.seen.contains_key(&peer)
                    && self.wanted.identities.get(peer).is_some();
                continue;
            }
            let said = |peer| set.content.peers.get(&peer).copied().unwrap_or_default();
            prefixes |= match self.wanted.dirty.prefixes.get(&peer) {
                None => true,
                Some((net, true)) => {
                    let around = self.placed.prefixes.containing(*net).next();
                    let now = around.map_or(0, |(_, around)| self.placed.peer(number, *around));
                    now != said(peer)
                }
                Some((net, false)) => {
                    let around = self.wanted.universe.covering(*net);
                    self.placed.peer(number, peer) != around.map_or(0, said)
                }
            };
        }
        usize::from(header != Some(set.content.header))
            + usize::from(identities)
            + usize::from(prefixes)
    }

    /// Peers of whom the dataplane does not say what it should.
    fn differing(&self, set: &Set, number: Number) -> Vec<Number> {
        let none = BTreeMap::new();
        let placed = self.placed.sets.get(&number);
        let there = placed.map_or(&none, |placed| &placed.peers);
        let differs = |peer: &Number| there.get(peer) != set.content.peers.get(peer);
        match &set.touched {
            Touched::Some(peers) => peers.iter().copied().filter(differs).collect(),
            Touched::All => {
                let new = set.content.peers.keys().filter(|peer| differs(peer));
                let gone = there
                    .keys()
                    .filter(|peer| !set.content.peers.contains_key(peer));
                new.chain(gone).copied().collect()
            }
        }
    }

    /// Endpoints whose policy is to be another than it is, and that policy.
    fn switching(&self) -> BTreeMap<Arc<EndpointId>, Option<(Number, Sets)>> {
        let mut concerned: BTreeSet<Arc<EndpointId>> = self.wanted.dirty.endpoints.clone();
        for id in self.fresh.keys() {
            let users = self.wanted.sets.all.get(id).map(|set| &set.users);
            for (identity, _) in users.into_iter().flatten() {
                if let Some(who) = self.wanted.identities.get(*identity) {
                    concerned.extend(who.locals.iter().cloned());
                }
            }
        }
        let mut switching = BTreeMap::new();
        for id in concerned {
            let resident = self.wanted.endpoints.get(&id);
            let resident = resident.filter(|resident| resident.endpoint.local);
            let policy = resident.map(|resident| {
                let sets = self.wanted.sets_of(resident.identity);
                (resident.identity, self.numbered(sets))
            });
            if policy.as_ref() != self.placed.endpoints.get(&id) {
                switching.insert(id, policy);
            }
        }
        switching
    }

    fn numbered(&self, sets: SetIds) -> Sets {
        let [ingress, egress, ingress_audit, egress_audit] = sets.map(|id| {
            let fresh = id.and_then(|id| self.fresh.get(&id).copied());
            let known = || self.wanted.sets.all.get(&id?)?.number;
            fresh.or_else(known).unwrap_or_default()
        });
        Sets {
            ingress,
            egress,
            ingress_audit,
            egress_audit,
        }
    }

    /// What nobody needs any more.
    fn drop_gone(
        &mut self,
        switching: &BTreeMap<Arc<EndpointId>, Option<(Number, Sets)>>,
    ) -> Result<(), Full> {
        for address in self.wanted.dirty.addresses.clone() {
            if self.placed.addresses.contains_key(&address) && self.wanted.holder(address).is_none()
            {
                self.step(Op::Address(address, None))?;
            }
        }
        for (id, policy) in switching {
            let there = self.placed.endpoints.get(id).copied();
            let closes =
                self.tight && there.is_some_and(|there| numbers(&Some(there)).next().is_some());
            if there.is_some() && (policy.is_none() || closes) {
                self.step(Op::Endpoint(Arc::clone(id), None))?;
            }
        }
        for id in self.in_place.clone() {
            let Some((set, number)) = self.placed_set(id) else {
                continue;
            };
            let gone: Vec<Number> = self
                .differing(set, number)
                .into_iter()
                .filter(|peer| {
                    *peer < FIRST
                        && self.wanted.identities.get(*peer).is_none()
                        && !self.placed.seen.contains_key(peer)
                })
                .collect();
            for peer in gone {
                self.step(Op::Peer(number, peer, 0))?;
            }
        }
        self.sweep()?;
        if self.tight {
            self.narrow()?;
        }
        Ok(())
    }

    fn placed_set(&self, id: SetId) -> Option<(&Set, Number)> {
        let set = self.wanted.sets.all.get(&id)?;
        Some((set, set.number?))
    }

    /// New prefixes, each saying what was said of its addresses before.
    fn widen(&mut self) -> Result<(), Full> {
        let prefixes = self.wanted.dirty.prefixes.iter();
        let mut new: Vec<(IpNetwork, Number)> = prefixes
            .filter(|(number, (net, _))| self.wanted.universe.number(*net) == Some(**number))
            .map(|(number, (net, _))| (*net, *number))
            .collect();
        new.sort_unstable_by_key(|(net, _)| (net.prefix(), *net));
        for (net, number) in new {
            let around = self.placed.prefixes.containing(net).next();
            let around = around.map(|(_, around)| *around);
            if around == Some(number) {
                continue;
            }
            if let Some(around) = around {
                let sets = self.placed.sets.iter();
                let copies: Vec<Op> = sets
                    .filter_map(|(set, said)| {
                        let table = said.peers.get(&around)?;
                        Some(Op::Peer(*set, number, *table))
                    })
                    .collect();
                for copy in copies {
                    self.step(copy)?;
                }
            }
            self.step(Op::Prefix(net, Some(number)))?;
        }
        Ok(())
    }

    /// A set that nobody has yet.
    fn fill(&mut self, id: SetId, number: Number) -> Result<(), Full> {
        let Some(set) = self.wanted.sets.all.get(&id) else {
            return Ok(());
        };
        let mut peers: Vec<(Number, Number)> = set
            .content
            .peers
            .iter()
            .map(|(peer, table)| (*peer, *table))
            .collect();
        let header = set.content.header;
        if header.prefixes {
            // Prefixes on their way out are still found.
            for (net, old) in self.going() {
                let around = self.wanted.universe.covering(net);
                let table = around.and_then(|around| set.content.peers.get(&around));
                peers.extend(table.map(|table| (old, *table)));
            }
        }
        for (peer, table) in peers {
            self.table(table)?;
            self.step(Op::Peer(number, peer, table))?;
        }
        self.header(number, header)
    }

    fn header(&mut self, number: Number, header: Header) -> Result<(), Full> {
        self.table(header.anybody)?;
        self.step(Op::Set(number, Some(header)))
    }

    fn table(&mut self, table: Number) -> Result<(), Full> {
        if table == 0 || self.wanted.tables.is_there(table) {
            return Ok(());
        }
        self.step(Op::Table(table, true))
    }

    /// A set as it is; what is still seen though it is going only at the `end`.
    fn change(&mut self, id: SetId, end: bool) -> Result<(), Full> {
        let Some((set, number)) = self.placed_set(id) else {
            return Ok(());
        };
        let header = set.content.header;
        let differing = self.differing(set, number);
        let said: Vec<(Number, Number)> = differing
            .into_iter()
            .filter(|peer| end || !self.is_going(*peer))
            .map(|peer| {
                let table = set.content.peers.get(&peer);
                (peer, table.copied().unwrap_or_default())
            })
            .collect();
        if self.placed.sets.get(&number).and_then(|set| set.header) != Some(header) {
            self.header(number, header)?;
        }
        for (peer, table) in said {
            self.table(table)?;
            self.step(Op::Peer(number, peer, table))?;
        }
        Ok(())
    }

    fn is_going(&self, peer: Number) -> bool {
        if peer < FIRST {
            return self.wanted.identities.get(peer).is_none();
        }
        let moving = self.wanted.dirty.prefixes.get(&peer);
        moving.is_some_and(|(net, _)| self.wanted.universe.number(*net) != Some(peer))
    }

    /// Prefixes that the dataplane has and is not to have, the shortest first.
    fn going(&self) -> Vec<(IpNetwork, Number)> {
        let prefixes = self.wanted.dirty.prefixes.iter();
        let mut going: Vec<(IpNetwork, Number)> = prefixes
            .filter(|(number, (net, _))| {
                self.placed.prefixes.get(*net) == Some(*number) && self.is_going(**number)
            })
            .map(|(number, (net, _))| (*net, *number))
            .collect();
        going.sort_unstable_by_key(|(net, _)| (net.prefix(), *net));
        going
    }

    /// Prefixes that go, and what was said of them.
    fn narrow(&mut self) -> Result<(), Full> {
        let going: BTreeSet<Number> = self
            .wanted
            .dirty
            .prefixes
            .keys()
            .copied()
            .filter(|number| self.is_going(*number))
            .collect();
        if going.is_empty() {
            return Ok(());
        }
        for (net, _) in self.going() {
            self.step(Op::Prefix(net, None))?;
        }
        let mut said = Vec::new();
        for (number, set) in &self.placed.sets {
            let peers = set.peers.range(FIRST..).map(|(peer, _)| *peer);
            said.extend(
                peers
                    .filter(|peer| going.contains(peer))
                    .map(|peer| (*number, peer)),
            );
        }
        for (set, peer) in said {
            self.step(Op::Peer(set, peer, 0))?;
        }
        Ok(())
    }

    /// Sets that no endpoint has and that are not to be filled, and tables to which nothing points.
    fn sweep(&mut self) -> Result<(), Full> {
        let mut kept: HashSet<Number> = self.fresh.values().copied().collect();
        for (id, set) in &self.wanted.sets.all {
            if !set.users.is_empty() && !self.fresh.contains_key(id) {
                kept.extend(set.number);
            }
        }
        let placed = self.placed.sets.iter();
        let gone: Vec<(Number, Vec<Number>)> = placed
            .filter(|(number, set)| set.users == 0 && !kept.contains(number))
            .map(|(number, set)| (*number, set.peers.keys().copied().collect()))
            .collect();
        for (number, peers) in gone {
            for peer in peers {
                self.step(Op::Peer(number, peer, 0))?;
            }
            self.step(Op::Set(number, None))?;
        }
        for table in self.wanted.tables.loose() {
            self.step(Op::Table(table, false))?;
            self.steps.removed_tables.push(table);
        }
        Ok(())
    }
}

/// A step as the dataplane is told.
pub(crate) fn describe(op: &Op, wanted: &Wanted, placed: &Placed) -> Change {
    let tables = &wanted.tables;
    match op {
        Op::Address(address, holder) => Change::Address {
            address: *address,
            identity: holder.as_ref().map(|holder| holder.identity),
            here: holder.as_ref().is_some_and(|holder| holder.here),
            endpoint: holder
                .as_ref()
                .and_then(|holder| holder.endpoint.as_deref().cloned()),
        },
        Op::Prefix(prefix, number) => Change::Prefix {
            prefix: *prefix,
            number: *number,
        },
        Op::Table(table, true) => Change::Table {
            table: *table,
            ports: tables.content(*table),
        },
        Op::Table(table, false) => Change::TableGone {
            table: *table,
            ports: tables
                .content(*table)
                .into_iter()
                .map(|(prefix, _)| prefix)
                .collect(),
        },
        Op::Set(set, None) => Change::SetGone { set: *set },
        Op::Set(set, Some(header)) => Change::Set {
            set: *set,
            otherwise: header.otherwise,
            rule: header.rule,
            prefixes: header.prefixes,
            anybody: header.anybody,
            lengths: tables.lengths(header.anybody),
        },
        Op::Peer(set, peer, table) => Change::Peer {
            set: *set,
            peer: *peer,
            table: *table,
            lengths: tables.lengths(*table),
        },
        Op::Endpoint(id, policy) => Change::Endpoint {
            id: EndpointId::clone(id),
            identity: match policy {
                Some((identity, _)) => *identity,
                None => placed
                    .endpoints
                    .get(id)
                    .map_or(0, |(identity, _)| *identity),
            },
            sets: policy.map(|(_, sets)| sets),
        },
    }
}

/// All of it, in the same order.
pub(crate) fn everything(wanted: &Wanted, placed: &Placed) -> Vec<Change> {
    let mut ops: Vec<Op> = Vec::new();
    ops.extend(
        wanted
            .tables
            .there()
            .into_iter()
            .map(|table| Op::Table(table, true)),
    );
    let prefixes: &Nets<Number> = &placed.prefixes;
    for (number, set) in &placed.sets {
        let peers = set.peers.iter();
        ops.extend(peers.map(|(peer, table)| Op::Peer(*number, *peer, *table)));
    }
    ops.extend(
        prefixes
            .iter()
            .map(|(net, number)| Op::Prefix(net, Some(*number))),
    );
    for (number, set) in &placed.sets {
        ops.extend(set.header.map(|header| Op::Set(*number, Some(header))));
    }
    for (id, policy) in &placed.endpoints {
        ops.push(Op::Endpoint(Arc::clone(id), Some(*policy)));
    }
    for (address, holder) in &placed.addresses {
        ops.push(Op::Address(*address, Some(holder.clone())));
    }
    ops.iter().map(|op| describe(op, wanted, placed)).collect()
}
