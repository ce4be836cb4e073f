//! What the dataplane has: all that was told it and not refused, how much of each map that takes, and how a
//! half-told change is taken back.

use crate::{
    input::{EndpointId, Number, Sets},
    nets::Nets,
    set::Header,
    table::Tables,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};

/// How much fits into the dataplane's maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Addresses of which somebody is known.
    pub addresses: usize,
    /// Prefixes of each family.
    pub prefixes: usize,
    /// Sets.
    pub sets: usize,
    /// Peers, over all sets.
    pub peers: usize,
    /// Entries of tables, over all tables.
    pub ports: usize,
}

/// A map of the dataplane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// See [`Limits::addresses`].
    Addresses,
    /// See [`Limits::prefixes`].
    Prefixes,
    /// See [`Limits::sets`].
    Sets,
    /// See [`Limits::peers`].
    Peers,
    /// See [`Limits::ports`].
    Ports,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Resource::Addresses => "addresses",
            Resource::Prefixes => "prefixes",
            Resource::Sets => "sets",
            Resource::Peers => "peers of sets",
            Resource::Ports => "entries of port tables",
        })
    }
}

impl Limits {
    /// That of one map.
    pub fn of(&self, resource: Resource) -> usize {
        match resource {
            Resource::Addresses => self.addresses,
            Resource::Prefixes => self.prefixes,
            Resource::Sets => self.sets,
            Resource::Peers => self.peers,
            Resource::Ports => self.ports,
        }
    }
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) identity: Number,
    pub(crate) here: bool,
    pub(crate) endpoint: Option<Arc<EndpointId>>,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Address(IpAddr, Option<Holder>),
    Prefix(IpNetwork, Option<Number>),
    Table(Number, bool),
    Set(Number, Option<Header>),
    Peer(Number, Number, Number),
    Endpoint(Arc<EndpointId>, Option<(Number, Sets)>),
}

/// A set in the dataplane.
#[derive(Debug, Default)]
pub(crate) struct PlacedSet {
    /// `None`: its peers are there (or still there), it is not.
    pub(crate) header: Option<Header>,
    pub(crate) peers: BTreeMap<Number, Number>,
    /// Endpoints that have it, each as often as it has it.
    pub(crate) users: usize,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) limits: Limits,
    pub(crate) addresses: HashMap<IpAddr, Holder>,
    pub(crate) prefixes: Nets<Number>,
    pub(crate) sets: BTreeMap<Number, PlacedSet>,
    pub(crate) endpoints: BTreeMap<Arc<EndpointId>, (Number, Sets)>,
    /// How many addresses an identity has.
    pub(crate) seen: HashMap<Number, usize>,
    headers: usize,
    peers: usize,
    ports: usize,
}

impl Placed {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            addresses: HashMap::new(),
            prefixes: Nets::default(),
            sets: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            seen: HashMap::new(),
            headers: 0,
            peers: 0,
            ports: 0,
        }
    }

    fn full(&self, op: &Op) -> Option<Resource> {
        match op {
            Op::Address(address, _) => (self.addresses.len() > self.limits.addresses
                && self.addresses.contains_key(address))
            .then_some(Resource::Addresses),
            Op::Prefix(net, _) => {
                (self.prefixes.of_family(*net) > self.limits.prefixes).then_some(Resource::Prefixes)
            }
            Op::Table(..) => (self.ports > self.limits.ports).then_some(Resource::Ports),
            Op::Set(..) => (self.headers > self.limits.sets).then_some(Resource::Sets),
            Op::Peer(..) => (self.peers > self.limits.peers).then_some(Resource::Peers),
            Op::Endpoint(..) => None,
        }
    }

    /// Makes a change, and says what would undo it. If the change does not fit, it is undone already.
    pub(crate) fn apply(&mut self, op: &Op, tables: &mut Tables) -> Result<Op, Resource> {
        let undo = self.set(op, tables);
        match self.full(op) {
            None => Ok(undo),
            Some(resource) => {
                self.set(&undo, tables);
                Err(resource)
            }
        }
    }

    /// Makes a change whatever the limits; for undoing.
    pub(crate) fn set(&mut self, op: &Op, tables: &mut Tables) -> Op {
        match op {
            Op::Address(address, holder) => {
                let before = match holder.clone() {
                    Some(holder) => {
                        *self.seen.entry(holder.identity).or_default() += 1;
                        self.addresses.insert(*address, holder)
                    }
                    None => self.addresses.remove(address),
                };
                if let Some(before) = &before
                    && let Some(count) = self.seen.get_mut(&before.identity)
                {
                    *count -= 1;
                    if *count == 0 {
                        self.seen.remove(&before.identity);
                    }
                }
                Op::Address(*address, before)
            }
            Op::Prefix(net, number) => {
                let before = match *number {
                    Some(number) => self.prefixes.insert(*net, number),
                    None => self.prefixes.remove(*net),
                };
                Op::Prefix(*net, before)
            }
            Op::Table(number, there) => {
                let before = tables.is_there(*number);
                let size = tables.entries(*number);
                match (before, *there) {
                    (false, true) => self.ports += size,
                    (true, false) => self.ports = self.ports.saturating_sub(size),
                    _ => {}
                }
                tables.place(*number, *there);
                Op::Table(*number, before)
            }
            Op::Set(number, header) => {
                let set = self.sets.entry(*number).or_default();
                let before = std::mem::replace(&mut set.header, *header);
                tables.repoint(anybody(before), anybody(*header));
                match (before.is_some(), header.is_some()) {
                    (false, true) => self.headers += 1,
                    (true, false) => self.headers = self.headers.saturating_sub(1),
                    _ => {}
                }
                self.tidy(*number);
                Op::Set(*number, before)
            }
            Op::Peer(number, peer, table) => {
                let set = self.sets.entry(*number).or_default();
                let before = match *table {
                    0 => set.peers.remove(peer),
                    table => set.peers.insert(*peer, table),
                };
                match (before.is_some(), *table != 0) {
                    (false, true) => self.peers += 1,
                    (true, false) => self.peers = self.peers.saturating_sub(1),
                    _ => {}
                }
                let before = before.unwrap_or_default();
                tables.repoint(before, *table);
                self.tidy(*number);
                Op::Peer(*number, *peer, before)
            }
            Op::Endpoint(id, policy) => {
                let before = match *policy {
                    Some(policy) => self.endpoints.insert(Arc::clone(id), policy),
                    None => self.endpoints.remove(id),
                };
                for number in numbers(policy) {
                    self.sets.entry(number).or_default().users += 1;
                }
                for number in numbers(&before) {
                    if let Some(set) = self.sets.get_mut(&number) {
                        set.users = set.users.saturating_sub(1);
                    }
                    self.tidy(number);
                }
                Op::Endpoint(Arc::clone(id), before)
            }
        }
    }

    fn tidy(&mut self, number: Number) {
        if self
            .sets
            .get(&number)
            .is_some_and(|set| set.header.is_none() && set.peers.is_empty() && set.users == 0)
        {
            self.sets.remove(&number);
        }
    }

    /// What is said of `peer` in a set; 0: nothing.
    pub(crate) fn peer(&self, set: Number, peer: Number) -> Number {
        let set = self.sets.get(&set);
        set.and_then(|set| set.peers.get(&peer))
            .copied()
            .unwrap_or_default()
    }
}

fn anybody(header: Option<Header>) -> Number {
    header.map_or(0, |header| header.anybody)
}

/// The sets of a policy that are there.
pub(crate) fn numbers(policy: &Option<(Number, Sets)>) -> impl Iterator<Item = Number> + use<> {
    let sets = policy.map_or([0; 4], |(_, sets)| in_order(sets));
    sets.into_iter().filter(|number| *number != 0)
}

/// In the order of [`crate::set::Role::ALL`].
pub(crate) fn in_order(sets: Sets) -> [Number; 4] {
    [
        sets.ingress,
        sets.egress,
        sets.ingress_audit,
        sets.egress_audit,
    ]
}
