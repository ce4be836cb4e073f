//! What the agent wants done: transactions, cutting off, a new start of the mirror.

use super::Link;
use crate::{
    cutoff::{self, Target},
    driver::{Driver, Generation, Order},
};
use fairway_ipam::{Outcome, TxnId};
use fairway_kv::Txn;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc::UnboundedReceiver, watch};
use tracing::debug;

/// Transactions under way at once. etcd takes a good deal more; its disk is what is slow.
const AT_ONCE: usize = 16;
/// The stores have deadlines of their own; this one is for a bug in them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Carries out the driver's orders for as long as there is one.
pub async fn carry_out(
    mut orders: UnboundedReceiver<Order>,
    link: Link,
    driver: Driver,
    generations: watch::Sender<Generation>,
) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(order) = orders.recv().await {
        match order {
            Order::Commit {
                generation,
                id,
                txn,
            } => {
                let (link, driver, permits) = (link.clone(), driver.clone(), permits.clone());
                tokio::spawn(async move {
                    let _permit = permits.acquire().await;
                    let outcome = commit(&link, id, &txn).await;
                    driver.outcome(generation, id, outcome);
                });
            }
            Order::CutOff {
                attachment,
                netns,
                addresses,
            } => {
                let target = Target {
                    attachment,
                    netns,
                    addresses,
                };
                tokio::task::spawn_blocking(move || cutoff::cut_off(&target));
            }
            Order::Restarted { generation } => {
                generations.send_replace(generation);
            }
        }
    }
}

async fn commit(link: &Link, id: TxnId, txn: &Txn) -> Outcome {
    let Some(store) = link.store() else {
        let reason = "the store is not open".to_owned();
        return Outcome::Rejected { reason };
    };
    match tokio::time::timeout(PATIENCE, store.commit(txn)).await {
        Ok(Ok(committed)) => Outcome::Done(committed),
        Ok(Err(error)) if error.is_rejection() => {
            let reason = error.to_string();
            Outcome::Rejected { reason }
        }
        Ok(Err(error)) => {
            debug!("transaction {}: {error}", id.0);
            Outcome::Unknown
        }
        Err(_) => Outcome::Unknown,
    }
}
