//! What this node says of its containers to all others.
//!
//! What is wanted is compared with what the store shows, and the difference is written; so whatever was lost
//! on the way is written again.

use super::{Policy, keys::Key, record::EndpointRecord};
use crate::link::Link;
use fairway_ipam::record::Record as _;
use fairway_kv::{Txn, Write};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tracing::debug;

/// Transactions that a difference is cut into.
pub(super) type Order = Vec<Txn>;

/// After the store could not be told.
const PAUSE: Duration = Duration::from_secs(1);
/// The stores have deadlines of their own; this one is for a bug in them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is to be told, and whether it is being done.
#[derive(Debug)]
pub(super) struct Publisher {
    orders: UnboundedSender<Order>,
    node: String,
    busy: bool,
    /// Something may have changed.
    pub(super) due: bool,
}

impl Publisher {
    pub(super) fn new(orders: UnboundedSender<Order>, node: String) -> Publisher {
        Publisher {
            orders,
            node,
            busy: false,
            due: true,
        }
    }

    /// An order was carried out, or could not be.
    pub(super) fn done(&mut self, done: bool) {
        self.busy = false;
        // Where it was, the store shows it, and that is looked at then.
        self.due |= !done;
    }

    /// Has the difference written, unless one is under way.
    pub(super) fn step<'a>(
        &mut self,
        wanted: impl Iterator<Item = &'a EndpointRecord>,
        told: &BTreeMap<&String, &Vec<u8>>,
    ) {
        if self.busy || !std::mem::take(&mut self.due) {
            return;
        }
        let writes = difference(&self.node, wanted, told);
        if writes.is_empty() {
            return;
        }
        let txns = writes.chunks(Txn::LIMIT).map(|writes| Txn {
            conditions: Vec::new(),
            writes: writes.to_vec(),
        });
        self.busy = self.orders.send(txns.collect()).is_ok();
    }
}

fn difference<'a>(
    node: &str,
    wanted: impl Iterator<Item = &'a EndpointRecord>,
    told: &BTreeMap<&String, &Vec<u8>>,
) -> Vec<Write> {
    let wanted: BTreeMap<String, Vec<u8>> = wanted
        .filter(|record| record.cluster)
        .map(|record| {
            let key = Key::endpoint(node, &record.attachment());
            (key.path(), record.encode())
        })
        .collect();
    let gone = told.keys().filter(|key| !wanted.contains_key(**key));
    let mut writes: Vec<Write> = gone
        .map(|key| Write::Delete {
            key: (*key).clone(),
        })
        .collect();
    for (key, value) in wanted {
        if told.get(&key).is_none_or(|there| **there != value) {
            writes.push(Write::Put {
                key,
                value,
                lease: None,
            });
        }
    }
    writes
}

/// Carries out orders for as long as there is one to give them.
pub(super) async fn carry_out(mut orders: UnboundedReceiver<Order>, link: Link, policy: Policy) {
    while let Some(order) = orders.recv().await {
        let store = link.opened().await;
        let mut done = true;
        for txn in &order {
            let committed = tokio::time::timeout(PATIENCE, store.commit(txn)).await;
            match committed {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    debug!("endpoints cannot be told to the store: {error}");
                    done = false;
                }
                Err(_) => done = false,
            }
            if !done {
                tokio::time::sleep(PAUSE).await;
                break;
            }
        }
        policy.published(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(container: &str, cluster: bool) -> EndpointRecord {
        EndpointRecord {
            network: "net".into(),
            container: container.into(),
            ifname: "eth0".into(),
            workload: Default::default(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            mac: "02:00:00:00:00:01".into(),
            cluster,
            tenant: None,
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        let (a, b, c, own) = (
            record("a", true),
            record("b", true),
            record("c", true),
            record("own", false),
        );
        let path = |record: &EndpointRecord| Key::endpoint("n1", &record.attachment()).path();
        let (same, other, gone) = (a.encode(), b"old".to_vec(), c.encode());
        let keys = [path(&a), path(&b), path(&c)];
        let told: BTreeMap<&String, &Vec<u8>> = keys.iter().zip([&same, &other, &gone]).collect();
        let writes = difference("n1", [&a, &b, &own].into_iter(), &told);
        let put = Write::Put {
            key: path(&b),
            value: b.encode(),
            lease: None,
        };
        assert_eq!(writes, [Write::Delete { key: path(&c) }, put]);
    }
}
