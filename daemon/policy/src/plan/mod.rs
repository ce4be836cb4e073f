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

mod choose;
mod prefixes;
mod tell;

pub(crate) use tell::everything;

use crate::{
    input::{Change, Number},
    placed::{Op, Placed, Resource, numbers},
    prefix::FIRST,
    set::{Header, Set, SetId},
    wanted::Wanted,
};
use choose::Switching;
use std::{
    collections::{BTreeMap, HashSet},
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
        let change = tell::describe(&op, self.wanted, self.placed);
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

    /// What nobody needs any more.
    fn drop_gone(&mut self, switching: &Switching) -> Result<(), Full> {
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
