//! Nodes that take no new containers, and take them again.
//!
//! What is there stays: addresses, routes, blocks. It is for the time before a node is mended or goes, and a
//! word of its own, so that it outlives the node's daemon and its lease.

use super::{
    AdminError, nodes,
    plan::{as_seen, delete, put},
};
use crate::{
    NodeName, UnixSeconds, View,
    keys::Key,
    record::{DrainRecord, Record},
};
use fairway_kv::Txn;

/// Has a node take no new containers. None: it is so already.
///
/// # Errors
/// Nothing is known of such a node.
pub fn drain_node(
    view: &View,
    node: &NodeName,
    now: UnixSeconds,
) -> Result<Option<Txn>, AdminError> {
    if !nodes(view).contains_key(node) {
        return Err(AdminError::NoNode { node: node.clone() });
    }
    let key = Key::Drain(node.clone());
    if view.drains.contains_key(node) {
        return Ok(None);
    }
    let record = DrainRecord { since: now };
    Ok(Some(Txn {
        conditions: vec![as_seen(view, &key)],
        writes: vec![put(&key, record.encode())],
    }))
}

/// Has it take containers again. None: it does already.
///
/// # Errors
/// Nothing is known of such a node.
pub fn undrain_node(view: &View, node: &NodeName) -> Result<Option<Txn>, AdminError> {
    let key = Key::Drain(node.clone());
    if view.modified(&key).is_none() {
        return match nodes(view).contains_key(node) {
            true => Ok(None),
            false => Err(AdminError::NoNode { node: node.clone() }),
        };
    }
    Ok(Some(Txn {
        conditions: vec![as_seen(view, &key)],
        writes: vec![delete(&key)],
    }))
}
