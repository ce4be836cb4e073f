//! What no node owns, and somebody has to look after: addresses that rest in blocks without an owner, and
//! pools that retire.
//!
//! Every daemon may do it; where two do the same, one of them is refused and nothing is lost. So that a
//! thousand do not do it at once, each looks the less often the further down the list of nodes it is.

use crate::{clock::Clocks, driver::Driver, link::Link};
use fairway_ipam::{
    NodeName, PoolPhase, View,
    admin::{Rests, Retire, finish_retire},
};
use fairway_kv::{Committed, Txn};
use std::time::Duration;
use tracing::{debug, info};

const EVERY: Duration = Duration::from_secs(5);
/// Nodes from this place on look as often as this one.
const LAST: u32 = 60;

/// Looks again and again.
pub(crate) async fn tend(node: NodeName, driver: Driver, link: Link, clocks: Clocks) {
    let mut rests = Rests::default();
    let mut place = 0;
    loop {
        tokio::time::sleep(EVERY * (1 + place)).await;
        if !link.connected() {
            continue;
        }
        let own = node.clone();
        let looked = driver.look(move |view| {
            let clock = clocks.now();
            let resting = rests.settle(view, clock);
            let place = view.nodes.range(..own).count();
            (resting, retiring(view), place, rests)
        });
        let Ok((resting, retiring, at, kept)) = looked.await else {
            // The journal is broken for now; what was remembered is only since when.
            rests = Rests::default();
            continue;
        };
        rests = kept;
        place = u32::try_from(at).unwrap_or(LAST).min(LAST);
        for txn in &resting {
            commit(&link, txn).await;
        }
        for (pool, txns) in retiring {
            let mut gone = true;
            for txn in &txns {
                gone = gone && commit(&link, txn).await;
            }
            if gone {
                info!("pool {pool} is retired: all of it was back");
            }
        }
    }
}

/// Pools that retire and of which nothing is out any more.
fn retiring(view: &View) -> Vec<(String, Vec<Txn>)> {
    let pools = view.pools.iter();
    let retiring = pools.filter(|(_, pool)| pool.value.spec.phase == PoolPhase::Retiring);
    let finish = retiring.filter_map(|(name, _)| match finish_retire(view, name) {
        Ok(Retire::Finish(txns)) => Some((name.to_string(), txns)),
        _ => None,
    });
    finish.collect()
}

async fn commit(link: &Link, txn: &Txn) -> bool {
    let Some(store) = link.store() else {
        return false;
    };
    match store.commit(txn).await {
        Ok(Committed::Yes { .. }) => true,
        Ok(Committed::No { .. }) => false,
        Err(error) => {
            debug!("{error}");
            false
        }
    }
}
