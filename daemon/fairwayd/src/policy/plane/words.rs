//! The engine's words, and the dataplane's.

use super::super::record::EndpointRecord;
use crate::config::Policing;
use fairway_dataplane::{
    Dataplane, Error, Sizes,
    abi::{self, Class, Lengths, PeerKey, PortKey},
};
use fairway_netlink::Link;
use fairway_policy::{
    Limits,
    input::{Change, Decision, EndpointId, PortPrefix, Sets, Side},
    spec::{Action, Protocol},
};
use std::net::IpAddr;

/// What fits into maps of these sizes.
pub(super) fn limits(sizes: &Sizes) -> Limits {
    Limits {
        addresses: sizes.addresses as usize,
        prefixes: sizes.prefixes() as usize,
        sets: sizes.sets as usize,
        peers: sizes.peers as usize,
        ports: sizes.ports as usize,
    }
}

/// What holds for all links.
pub(super) fn flags(policing: &Policing) -> u32 {
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    flag(policing.judge_node, abi::Config::JUDGE_HOST)
        | flag(policing.deliver, abi::Config::DELIVER)
}

/// The entry of an endpoint whose policy is in place.
pub(in crate::policy) fn endpoint(
    record: &EndpointRecord,
    link: &Link,
    identity: u32,
    sets: Sets,
    vni: Option<u32>,
) -> abi::Endpoint {
    let v4 = record.addresses.iter().find_map(|ip| match ip {
        IpAddr::V4(ip) => Some(u32::from_ne_bytes(ip.octets())),
        IpAddr::V6(_) => None,
    });
    let v6 = record.addresses.iter().find(|ip| ip.is_ipv6());
    let v6 = v6.map(|ip| fairway_dataplane::addr_of(*ip).0);
    let held = usize::from(v4.is_some()) + usize::from(v6.is_some());
    let bridged = link.master.is_some();
    let mut flags = abi::Endpoint::OPEN;
    if record.addresses.len() > held {
        flags |= abi::Endpoint::MORE;
    }
    if bridged {
        flags |= abi::Endpoint::BRIDGED;
    } else if vni.is_some() {
        flags |= abi::Endpoint::DELIVER;
    }
    let mac = |mac: Option<fairway_netlink::MacAddr>| mac.map(|mac| mac.octets());
    abi::Endpoint {
        identity,
        flags,
        sets: abi::Sets {
            ingress: sets.ingress,
            egress: sets.egress,
            ingress_audit: sets.ingress_audit,
            egress_audit: sets.egress_audit,
        },
        vni: vni.unwrap_or(0),
        mtu: link.mtu,
        v4: v4.unwrap_or(0),
        v6: v6.unwrap_or_default(),
        mac: mac(record.mac.parse().ok()).unwrap_or_default(),
        host_mac: mac(link.mac).unwrap_or_default(),
    }
}

/// Brings one change to the maps.
pub(super) fn write(
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
