//! The dataplane's maps in plain form, and how a packet is judged by them: what the kernel programs do, for
//! tests and for whoever wants to know without a kernel.

use crate::{
    input::{Change, Decision, Direction, EndpointId, Number, PortPrefix, Sets},
    placed::Limits,
    ports::{best, mask},
    spec::{Action, Protocol},
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    identity: Number,
    here: bool,
    endpoint: Option<EndpointId>,
}

/// A set's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    otherwise: bool,
    rule: Number,
    prefixes: bool,
    anybody: (Number, u32),
}

/// A change that comes when it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    /// It points to a table that is not there, or does not have these lengths.
    #[error("table {table} is pointed to, and is not there or has other lengths")]
    Table {
        /// The table.
        table: Number,
    },
    /// A table goes to which something points, or comes under a number that is taken.
    #[error("table {table} comes or goes while it is in use")]
    InUse {
        /// The table.
        table: Number,
    },
    /// A set goes that an endpoint has or of which peers are left, or an endpoint gets one that is not there.
    #[error("set {set} is missing, or in use")]
    Set {
        /// The set.
        set: Number,
    },
    /// What goes is not there.
    #[error("something goes that is not there")]
    Absent,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// It passes.
    pub allowed: bool,
    /// By which rule; 0: none says anything.
    pub rule: Number,
    /// It passes, and would not if nothing were in audit: by this rule.
    pub audited: Option<Number>,
}

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    addresses: BTreeMap<IpAddr, Holder>,
    prefixes: BTreeMap<IpNetwork, Number>,
    tables: BTreeMap<Number, BTreeMap<PortPrefix, Decision>>,
    sets: BTreeMap<Number, Entry>,
    peers: BTreeMap<(Number, Number), (Number, u32)>,
    endpoints: BTreeMap<EndpointId, (Number, Sets)>,
}

impl Image {
    /// Makes a change.
    ///
    /// # Errors
    /// Something would point to nothing.
    pub fn apply(&mut self, change: &Change) -> Result<(), Disorder> {
        match change {
            Change::Address {
                address,
                identity,
                here,
                endpoint,
            } => match identity {
                Some(identity) => {
                    let holder = Holder {
                        identity: *identity,
                        here: *here,
                        endpoint: endpoint.clone(),
                    };
                    self.addresses.insert(*address, holder);
                }
                None => {
                    let gone = self.addresses.remove(address);
                    gone.ok_or(Disorder::Absent)?;
                }
            },
            Change::Prefix { prefix, number } => match number {
                Some(number) => {
                    self.prefixes.insert(*prefix, *number);
                }
                None => {
                    let gone = self.prefixes.remove(prefix);
                    gone.ok_or(Disorder::Absent)?;
                }
            },
            Change::Table { table, ports } => {
                let content = ports.iter().copied().collect();
                if self.tables.insert(*table, content).is_some() {
                    return Err(Disorder::InUse { table: *table });
                }
            }
            Change::TableGone { table, ports } => self.table_gone(*table, ports)?,
            Change::Set {
                set,
                otherwise,
                rule,
                prefixes,
                anybody,
                lengths,
            } => {
                self.points(*anybody, *lengths)?;
                let entry = Entry {
                    otherwise: *otherwise,
                    rule: *rule,
                    prefixes: *prefixes,
                    anybody: (*anybody, *lengths),
                };
                self.sets.insert(*set, entry);
            }
            Change::SetGone { set } => {
                let mut peers = self.peers.range((*set, 0)..=(*set, Number::MAX));
                let mut users = self.endpoints.values().flat_map(|(_, sets)| all(sets));
                if peers.next().is_some() || users.any(|user| user == *set) {
                    return Err(Disorder::Set { set: *set });
                }
                self.sets.remove(set).ok_or(Disorder::Absent)?;
            }
            Change::Peer {
                set,
                peer,
                table: 0,
                ..
            } => {
                let gone = self.peers.remove(&(*set, *peer));
                gone.ok_or(Disorder::Absent)?;
            }
            Change::Peer {
                set,
                peer,
                table,
                lengths,
            } => {
                self.points(*table, *lengths)?;
                self.peers.insert((*set, *peer), (*table, *lengths));
            }
            Change::Endpoint { id, identity, sets } => match sets {
                Some(sets) => {
                    if let Some(set) = all(sets).find(|set| !self.sets.contains_key(set)) {
                        return Err(Disorder::Set { set });
                    }
                    self.endpoints.insert(id.clone(), (*identity, *sets));
                }
                None => {
                    let gone = self.endpoints.remove(id);
                    gone.ok_or(Disorder::Absent)?;
                }
            },
        }
        Ok(())
    }

    fn points(&self, table: Number, lengths: u32) -> Result<(), Disorder> {
        let bits = self.tables.get(&table).map(|content| {
            let lengths = content.keys().map(|prefix| prefix.length);
            lengths.fold(0, |bits, length| bits | 1 << length)
        });
        if table == 0 || bits == Some(lengths) {
            return Ok(());
        }
        Err(Disorder::Table { table })
    }

    fn table_gone(&mut self, table: Number, ports: &[PortPrefix]) -> Result<(), Disorder> {
        let of_peers = self.peers.values().map(|(table, _)| *table);
        let of_sets = self.sets.values().map(|entry| entry.anybody.0);
        if of_peers.chain(of_sets).any(|pointed| pointed == table) {
            return Err(Disorder::InUse { table });
        }
        let gone = self.tables.remove(&table).ok_or(Disorder::Absent)?;
        match gone.keys().eq(ports) {
            true => Ok(()),
            false => Err(Disorder::Absent),
        }
    }

    /// Nothing at all is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How much of each map is taken; of prefixes, those of the family that has more.
    pub fn sizes(&self) -> Limits {
        let v6 = self.prefixes.keys().filter(|net| net.is_ipv6()).count();
        Limits {
            addresses: self.addresses.len(),
            prefixes: v6.max(self.prefixes.len() - v6),
            sets: self.sets.len(),
            peers: self.peers.len(),
            ports: self.tables.values().map(BTreeMap::len).sum(),
        }
    }

    /// The endpoints that are there.
    pub fn endpoints(&self) -> BTreeSet<EndpointId> {
        self.endpoints.keys().cloned().collect()
    }

    /// Judges a packet: `remote` is the other end's address, `port` that of who receives. `None`: the
    /// endpoint is not there, nothing passes.
    pub fn verdict(
        &self,
        endpoint: &EndpointId,
        direction: Direction,
        remote: IpAddr,
        protocol: Option<Protocol>,
        port: u16,
    ) -> Option<Verdict> {
        let (_, sets) = self.endpoints.get(endpoint)?;
        let holder = self.addresses.get(&remote);
        let free = |rule| Verdict {
            allowed: true,
            rule,
            audited: None,
        };
        if holder.is_some_and(|holder| holder.here || holder.endpoint.as_ref() == Some(endpoint)) {
            return Some(free(0));
        }
        let (set, audit) = match direction {
            Direction::Ingress => (sets.ingress, sets.ingress_audit),
            Direction::Egress => (sets.egress, sets.egress_audit),
        };
        let (allowed, rule) = self.ask(set, holder, remote, protocol, port);
        let mut verdict = Verdict {
            allowed,
            ..free(rule)
        };
        if allowed && audit != 0 {
            let (allowed, rule) = self.ask(audit, holder, remote, protocol, port);
            verdict.audited = (!allowed).then_some(rule);
        }
        Some(verdict)
    }

    fn ask(
        &self,
        set: Number,
        holder: Option<&Holder>,
        remote: IpAddr,
        protocol: Option<Protocol>,
        port: u16,
    ) -> (bool, Number) {
        if set == 0 {
            return (true, 0);
        }
        let Some(entry) = self.sets.get(&set) else {
            return (false, 0);
        };
        let mut candidates = vec![entry.anybody];
        let peers = |peer| self.peers.get(&(set, peer)).copied();
        candidates.extend(holder.and_then(|holder| peers(holder.identity)));
        if entry.prefixes {
            let fits = self.prefixes.iter().filter(|(net, _)| net.contains(remote));
            let longest = fits.max_by_key(|(net, _)| net.prefix());
            candidates.extend(longest.and_then(|(_, number)| peers(*number)));
        }
        let found = candidates
            .into_iter()
            .filter_map(|(table, lengths)| self.look(table, lengths, protocol, port))
            .fold(Decision::default(), best);
        match (found.high, found.low) {
            (Some(high), _) if high.action != Action::Pass => {
                (high.action == Action::Accept, high.rule)
            }
            (_, Some(low)) => (low.action == Action::Accept, low.rule),
            _ => (entry.otherwise, entry.rule),
        }
    }

    fn look(
        &self,
        table: Number,
        lengths: u32,
        protocol: Option<Protocol>,
        port: u16,
    ) -> Option<Decision> {
        let content = self.tables.get(&table)?;
        let port = protocol.map_or(0, |_| port);
        let mut by_length = (0..=16u8).rev().filter(|length| lengths & 1 << length != 0);
        by_length.find_map(|length| {
            let prefix = PortPrefix {
                protocol,
                port: port & mask(length),
                length,
            };
            content.get(&prefix).copied()
        })
    }
}

fn all(sets: &Sets) -> impl Iterator<Item = Number> + use<> {
    let sets = [
        sets.ingress,
        sets.egress,
        sets.ingress_audit,
        sets.egress_audit,
    ];
    sets.into_iter().filter(|set| *set != 0)
}
