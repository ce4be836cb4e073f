//! What the agent wants done: transactions, cutting off, a new start of the mirror.

use super::Link;
use crate::{
    cutoff::{self, Target},
    driver::{Driver, Generation, Order},
    policy::Policy,
    routes::Routes,
    trace,
};
use fairway_ipam::{Outcome, TxnId};
use fairway_kv::Txn;
use prometheus_client::metrics::counter::Counter;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc::UnboundedReceiver, watch};
use tracing::{Instrument as _, debug, debug_span};

/// Transactions under way at once. etcd takes a good deal more; its disk is what is slow.
const AT_ONCE: usize = 16;
/// The stores have deadlines of their own; this one is for a bug in them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Carries out the driver's orders for as long as there is one.
pub(crate) async fn carry_out(
    mut orders: UnboundedReceiver<Order>,
    link: Link,
    driver: Driver,
    (routes, policy): (Routes, Policy),
    generations: watch::Sender<Generation>,
    cut_offs: Counter,
) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(order) = orders.recv().await {
        match order {
            Order::Commit {
                generation,
                id,
                txn,
                trace,
            } => {
                let (link, driver, permits) = (link.clone(), driver.clone(), permits.clone());
                tokio::spawn(async move {
                    let _permit = permits.acquire().await;
                    let span = debug_span!("store", trace = trace::field(trace));
                    let outcome = commit(&link, id, &txn).instrument(span).await;
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
                cut_offs.inc();
                routes.gone(target.attachment.clone());
                policy.gone(target.attachment.clone());
                tokio::task::spawn_blocking(move || cutoff::cut_off(&target));
            }
            Order::Restarted { generation } => {
                generations.send_replace(generation);
            }
        }
    }
}

/// A store that only cannot be reached refuses nothing: whether it was asked or not, the agent may try again,
/// for as long as its own caller waits.
async fn commit(link: &Link, id: TxnId, txn: &Txn) -> Outcome {
    let Some(store) = link.store() else {
        return Outcome::Unknown;
    };
    match tokio::time::timeout(PATIENCE, store.commit(txn)).await {
        Ok(Ok(committed)) => Outcome::Done(committed),
        Ok(Err(error)) if error.needs_hands() => {
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

#[cfg(test)]
mod tests {
    use super::{super::StoreMeter, *};
    use fairway_kv::Write;
    use fairway_store::{Location, Store};

    async fn outcome(location: Option<&str>, txn: &Txn) -> Outcome {
        let mut opened: Option<Arc<dyn Store>> = None;
        if let Some(location) = location {
            let location: Location = location.parse().unwrap();
            opened = Some(fairway_store::open(&location).await.unwrap());
        }
        let (_found, store) = watch::channel(opened);
        let link = Link {
            store,
            connected: Arc::default(),
            drained: Arc::default(),
            meter: StoreMeter::default(),
            kind: "etcd",
        };
        commit(&link, TxnId(1), txn).await
    }

    #[tokio::test]
    async fn who_cannot_be_reached_refuses_nothing() {
        let txn = Txn::default();
        // No store yet, and a port that nobody listens on.
        for location in [None, Some("etcd:http://127.0.0.1:9")] {
            let outcome = outcome(location, &txn).await;
            assert!(matches!(outcome, Outcome::Unknown), "{outcome:?}");
        }
        // One that could not be taken by any store.
        let key = "/fairway/v1/a".to_owned();
        let twice = Txn {
            writes: vec![Write::Delete { key: key.clone() }, Write::Delete { key }],
            ..txn
        };
        let outcome = outcome(Some("etcd:http://127.0.0.1:9"), &twice).await;
        let Outcome::Rejected { reason } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(reason.contains("/fairway/v1/a"), "{reason}");
    }
}
