//! What the store shows, for the agent.

use super::{Link, StoreMeter};
use crate::{
    bgp::Bgp,
    code::Coded as _,
    definitions::Definitions,
    driver::{Driver, Generation},
    news::news,
    policy::Policy,
    rates::Rates,
    routes::Routes,
};
use fairway_ipam::{NodeName, keys::Key};
use fairway_kv::{Change, ROOT, Update};
use fairway_store::{
    StoreError,
    mirror::{self, Sink},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::watch;
use tracing::{info, warn};

/// Tells the driver, routes, policy, rates, BGP and whoever knows definitions all that happens in the store. Each new agent is told everything from
/// the start.
/// `first` becomes true with the first whole picture.
pub(crate) async fn mirror(
    (link, node): (Link, NodeName),
    (driver, routes, policy, rates, bgp, definitions): (
        Driver,
        Routes,
        Policy,
        Rates,
        Bgp,
        Definitions,
    ),
    mut generation: watch::Receiver<Generation>,
    first: watch::Sender<bool>,
) {
    let store = link.opened().await;
    loop {
        let sink = Told {
            generation: *generation.borrow_and_update(),
            driver: driver.clone(),
            routes: routes.clone(),
            policy: policy.clone(),
            rates: rates.clone(),
            bgp: bgp.clone(),
            definitions: definitions.clone(),
            connected: link.connected.clone(),
            drained: link.drained.clone(),
            meter: link.meter.clone(),
            drain: Key::Drain(node.clone()).path(),
            first: first.clone(),
        };
        tokio::select! {
            never = mirror::run(store.clone(), ROOT, sink) => match never {},
            changed = generation.changed() => if changed.is_err() { return },
        }
    }
}

struct Told {
    generation: Generation,
    driver: Driver,
    routes: Routes,
    policy: Policy,
    rates: Rates,
    bgp: Bgp,
    definitions: Definitions,
    connected: Arc<AtomicBool>,
    drained: Arc<AtomicBool>,
    meter: StoreMeter,
    /// The key that says whether this node takes containers.
    drain: String,
    first: watch::Sender<bool>,
}

impl Told {
    /// What an update says about whether this node takes containers; none: nothing.
    fn drained(&self, update: &Update) -> Option<bool> {
        match update {
            Update::Lost => None,
            Update::Reset { entries, .. } => Some(entries.iter().any(|e| e.key == self.drain)),
            Update::Changes { changes, .. } => {
                changes.iter().rev().find_map(|change| match change {
                    Change::Put(entry) => (entry.key == self.drain).then_some(true),
                    Change::Deleted { key, .. } => (*key == self.drain).then_some(false),
                })
            }
        }
    }
}

impl Sink for Told {
    fn update(&mut self, update: Update) {
        let connected = !matches!(update, Update::Lost);
        if self.connected.swap(connected, Ordering::AcqRel) != connected {
            match connected {
                true => info!("the store is there"),
                false => {
                    self.meter.losses.inc();
                    warn!("the store is away; this node goes on with the blocks it has");
                }
            }
        }
        if let Some(drained) = self.drained(&update)
            && self.drained.swap(drained, Ordering::AcqRel) != drained
        {
            match drained {
                true => warn!("this node is drained: it takes no new containers"),
                false => info!("this node takes new containers again"),
            }
        }
        let whole = matches!(update, Update::Reset { .. });
        match &update {
            Update::Reset { revision, .. } | Update::Changes { revision, .. } => {
                self.meter.at(*revision, whole);
            }
            Update::Lost => {}
        }
        self.definitions.store(&update);
        self.routes.store(update.clone());
        self.policy.store(update.clone());
        self.rates.store(update.clone());
        self.bgp.store(&update);
        self.driver.store(self.generation, update);
        if whole {
            self.first.send_replace(true);
        }
    }

    fn trouble(&mut self, error: &StoreError) {
        news!(warn, code = error.number(), "{error}");
    }
}
