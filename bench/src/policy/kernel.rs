//! The engine and the maps together, as the daemon has them on one thread: what the one wants is in the other
//! when a call returns.

use anyhow::{Context as _, Result};
use fairway_dataplane::abi::{self, Class, Lengths, PeerKey, PortKey};
use fairway_dataplane::{Dataplane, Options, Sizes};
use fairway_policy::input::{Change, Decision, EndpointId, Input, PortPrefix, Side};
use fairway_policy::spec::{Action, Protocol};
use fairway_policy::{Engine, Limits};
use std::collections::BTreeMap;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) data: Dataplane,
    engine: Engine,
    config: abi::Config,
    /// Links of this node's endpoints, and what is known of them.
    links: BTreeMap<EndpointId, (u32, abi::Endpoint)>,
}

impl Kernel {
    /// Empty, with maps as large as the daemon's.
    pub(super) fn new() -> Result<Self> {
        let sizes = Sizes::default();
        let data = Dataplane::load(&Options { sizes, pins: None })?;
        let mut kernel = Self {
            data,
            engine: Engine::new(Limits {
                addresses: sizes.addresses as usize,
                prefixes: sizes.prefixes() as usize,
                sets: sizes.sets as usize,
                peers: sizes.peers as usize,
                ports: sizes.ports as usize,
            }),
            config: abi::Config::default(),
            links: BTreeMap::new(),
        };
        kernel.flags(0)?;
        Ok(kernel)
    }

    /// Where an endpoint of this node is.
    pub(super) fn link(&mut self, id: EndpointId, index: u32, entry: abi::Endpoint) {
        self.links.insert(id, (index, entry));
    }

    /// [`abi::Config::flags`]. All flows are judged anew.
    pub(super) fn flags(&mut self, flags: u32) -> Result<()> {
        self.config.flags = flags;
        self.config.epoch += 1;
        Ok(self.data.set_config(&self.config)?)
    }

    /// In the kernel when it returns; how many changes that took.
    pub(super) fn learn(&mut self, inputs: impl IntoIterator<Item = Input>) -> Result<usize> {
        inputs
            .into_iter()
            .for_each(|input| self.engine.handle(input));
        let changes = self.engine.changes();
        let changes = changes.map_err(|full| anyhow::anyhow!("{full}"))?;
        for change in &changes {
            self.carry_out(change)?;
        }
        self.flags(self.config.flags)?;
        Ok(changes.len())
    }

    fn carry_out(&mut self, change: &Change) -> Result<()> {
        let data = &mut self.data;
        match change {
            Change::Address {
                address,
                identity: Some(identity),
                here,
                endpoint,
            } => {
                let link = endpoint.as_ref().and_then(|id| self.links.get(id));
                let peer = abi::Peer {
                    identity: *identity,
                    link: link.map_or(0, |link| link.0),
                    flags: if *here { abi::Peer::HOST } else { 0 },
                };
                data.put_address(*address, &peer)?;
            }
            Change::Address { address, .. } => drop(data.remove_address(*address)?),
            Change::Prefix {
                prefix,
                number: Some(number),
            } => data.put_prefix(*prefix, *number)?,
            Change::Prefix { prefix, .. } => drop(data.remove_prefix(*prefix)?),
            Change::Table { table, ports } => {
                for (prefix, decision) in ports {
                    data.put_ports(key(*table, prefix), &self::decision(decision))?;
                }
            }
            Change::TableGone { table, ports } => {
                for prefix in ports {
                    data.remove_ports(key(*table, prefix))?;
                }
            }
            Change::Set {
                set,
                otherwise,
                rule,
                prefixes,
                anybody,
                lengths,
            } => {
                let set_is = abi::Set {
                    otherwise: u32::from(*otherwise),
                    rule: *rule,
                    flags: u32::from(*prefixes) * abi::Set::PREFIXES,
                    anybody: Lengths {
                        table: *anybody,
                        lengths: *lengths,
                    },
                };
                data.put_set(*set, &set_is)?;
            }
            Change::SetGone { set } => drop(data.remove_set(*set)?),
            Change::Peer {
                set,
                peer,
                table,
                lengths,
            } => {
                let (set, table, lengths) = (*set, *table, *lengths);
                let key = PeerKey { set, peer: *peer };
                match table {
                    0 => drop(data.remove_peer(key)?),
                    _ => data.put_peer(key, &Lengths { table, lengths })?,
                }
            }
            Change::Endpoint { id, identity, sets } => {
                let (index, known) = self.links.get(id).context("a link that nobody knows")?;
                let Some(sets) = sets else {
                    data.remove_endpoint(*index)?;
                    return Ok(());
                };
                let entry = abi::Endpoint {
                    identity: *identity,
                    sets: abi::Sets {
                        ingress: sets.ingress,
                        egress: sets.egress,
                        ingress_audit: sets.ingress_audit,
                        egress_audit: sets.egress_audit,
                    },
                    ..*known
                };
                data.put_endpoint(*index, &entry)?;
            }
        }
        Ok(())
    }
}

fn key(table: u32, prefix: &PortPrefix) -> PortKey {
    PortKey {
        table,
        port: prefix.port,
        class: match prefix.protocol {
            None => Class::OTHER,
            Some(Protocol::Tcp) => Class::TCP,
            Some(Protocol::Udp) => Class::UDP,
            Some(Protocol::Sctp) => Class::SCTP,
        },
        length: prefix.length,
    }
}

fn decision(decision: &Decision) -> abi::Decision {
    abi::Decision {
        high: side(decision.high),
        low: side(decision.low),
    }
}

fn side(side: Option<Side>) -> abi::Side {
    side.map_or(abi::Side::NONE, |side| abi::Side {
        order: side.order,
        rule: side.rule,
        action: match side.action {
            Action::Accept => abi::Side::ALLOW,
            Action::Deny => abi::Side::DENY,
            Action::Pass => abi::Side::PASS,
        },
    })
}
