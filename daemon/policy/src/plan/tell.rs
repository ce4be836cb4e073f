//! Steps as the dataplane is told of them.

use crate::{
    input::{Change, EndpointId, Number},
    nets::Nets,
    placed::{Op, Placed},
    wanted::Wanted,
};
use std::sync::Arc;

/// A step as the dataplane is told.
pub(super) fn describe(op: &Op, wanted: &Wanted, placed: &Placed) -> Change {
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
