//! The policy engine's words, and the eBPF maps'.
//!
//! The engine says step by step what is to be, the loader writes entries; this is the dictionary between the two, and
//! decides nothing.

use fairway_dataplane::{
    Dataplane, Error, Sizes,
    abi::{self, Class, Lengths, PeerKey, PortKey},
};
use fairway_policy::{
    Limits,
    input::{Change, Decision, EndpointId, PortPrefix, Sets, Side},
    spec::{Action, Protocol},
};

/// What fits into maps of these sizes.
pub fn limits(sizes: &Sizes) -> Limits {
    Limits {
        addresses: sizes.addresses as usize,
        prefixes: sizes.prefixes() as usize,
        sets: sizes.sets as usize,
        peers: sizes.peers as usize,
        ports: sizes.ports as usize,
    }
}

/// An endpoint's sets.
pub const fn sets(sets: Sets) -> abi::Sets {
    abi::Sets {
        ingress: sets.ingress,
        egress: sets.egress,
        ingress_audit: sets.ingress_audit,
        egress_audit: sets.egress_audit,
    }
}

/// Brings one change to the maps, but for those of endpoints: whose links are known by the caller. `index` is the
/// link of an endpoint of this node, or 0.
///
/// # Errors
/// Where a map is full, or the kernel refuses.
pub fn write(
    data: &mut Dataplane,
    change: &Change,
    index: impl Fn(&EndpointId) -> u32,
) -> Result<(), Error> {
    match change {
        Change::Address {
            address,
            identity: None,
            ..
        } => data.remove_address(*address).map(drop),
        Change::Address {
            address,
            identity: Some(identity),
            here,
            endpoint,
        } => {
            let peer = abi::Peer {
                identity: *identity,
                link: endpoint.as_ref().map_or(0, index),
                flags: if *here { abi::Peer::HOST } else { 0 },
            };
            data.put_address(*address, &peer)
        }
        Change::Prefix {
            prefix,
            number: Some(number),
        } => data.put_prefix(*prefix, *number),
        Change::Prefix { prefix, .. } => data.remove_prefix(*prefix).map(drop),
        Change::Table { table, ports } => ports.iter().try_for_each(|(prefix, decision)| {
            data.put_ports(port_key(*table, prefix), &self::decision(decision))
        }),
        Change::TableGone { table, ports } => ports
            .iter()
            .try_for_each(|prefix| data.remove_ports(port_key(*table, prefix)).map(drop)),
        Change::Set {
            set,
            otherwise,
            rule,
            prefixes,
            anybody,
            lengths,
        } => {
            let value = abi::Set {
                otherwise: match otherwise {
                    true => abi::Side::ALLOW,
                    false => abi::Side::DENY,
                },
                rule: *rule,
                flags: if *prefixes { abi::Set::PREFIXES } else { 0 },
                anybody: Lengths {
                    table: *anybody,
                    lengths: *lengths,
                },
            };
            data.put_set(*set, &value)
        }
        Change::SetGone { set } => data.remove_set(*set).map(drop),
        Change::Peer {
            set,
            peer,
            table,
            lengths,
        } => {
            let key = PeerKey {
                set: *set,
                peer: *peer,
            };
            match table {
                0 => data.remove_peer(key).map(drop),
                table => data.put_peer(
                    key,
                    &Lengths {
                        table: *table,
                        lengths: *lengths,
                    },
                ),
            }
        }
        // The caller's: it knows the links.
        Change::Endpoint { .. } => Ok(()),
    }
}

fn port_key(table: u32, prefix: &PortPrefix) -> PortKey {
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
