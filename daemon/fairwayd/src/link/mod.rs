//! The way to the store: opened once it can be, mirrored to the agent, written to on the agent's orders.

mod measured;
mod mirror;
mod name;
mod orders;

pub use measured::StoreMeter;
pub(crate) use mirror::mirror;
pub use name::{NameError, NameState, keep_name};
pub(crate) use orders::carry_out;

use crate::{code::Coded as _, config::Config, news::news};
use fairway_store::{Location, LocationError, Store, StoreError};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use tracing::info;

/// The store, as soon as there is one.
#[derive(Clone)]
pub struct Link {
    store: watch::Receiver<Option<Arc<dyn Store>>>,
    connected: Arc<AtomicBool>,
    drained: Arc<AtomicBool>,
    pub(crate) meter: StoreMeter,
    kind: &'static str,
}

impl Link {
    /// Opens the store. A file must open at once: nobody else will mend it. An etcd cluster is tried again
    /// and again, by the future that is returned besides; so it is where our certificate has expired, since
    /// containers that run need the daemon until there is another.
    ///
    /// # Errors
    /// A file that cannot be used; settings of etcd that cannot be.
    pub async fn open(
        config: &Config,
    ) -> Result<(Link, impl Future<Output = ()> + Send + use<>), StoreError> {
        let (found, store) = watch::channel(None);
        let (location, kind) = match &config.store {
            Location::Redb(_) => (config.store.clone(), "redb"),
            Location::Etcd(_) => (config.store.clone(), "etcd"),
        };
        let meter = StoreMeter::default();
        let measured = {
            let meter = meter.clone();
            move |store| measured::Measured::of(store, meter.clone())
        };
        let retry = match fairway_store::open(&location).await {
            Ok(store) => {
                found.send_replace(Some(measured(store)));
                false
            }
            Err(error) if kind == "etcd" && may_pass(&error) => {
                news!(error, code = error.number(), "{error}; it is tried again");
                true
            }
            Err(error) => return Err(error),
        };
        let link = Link {
            store,
            connected: Arc::default(),
            drained: Arc::default(),
            meter,
            kind,
        };
        let again = async move {
            let mut pause = Duration::from_millis(500);
            while retry && found.borrow().is_none() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(15));
                match fairway_store::open(&location).await {
                    Ok(store) => {
                        info!("the store is open");
                        found.send_replace(Some(measured(store)));
                    }
                    Err(error) => news!(error, code = error.number(), "{error}; it is tried again"),
                }
            }
            found.closed().await;
        };
        Ok((link, again))
    }

    /// The store, if it could be opened.
    pub fn store(&self) -> Option<Arc<dyn Store>> {
        self.store.borrow().clone()
    }

    /// The store, as soon as it could be opened.
    pub async fn opened(&self) -> Arc<dyn Store> {
        let mut store = self.store.clone();
        let found = store.wait_for(Option::is_some).await;
        match found.ok().and_then(|found| found.clone()) {
            Some(store) => store,
            // Nobody opens it any more: the daemon ends.
            None => std::future::pending().await,
        }
    }

    /// Is the mirror up to date?
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Does this node take no new containers?
    pub fn drained(&self) -> bool {
        self.drained.load(Ordering::Acquire)
    }

    /// `redb` or `etcd`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

/// Not with a setting that can never be; but what is in a file of TLS is renewed, or only written halfway,
/// or of a time that the clock of a machine that has just come up does not know yet.
fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Location(error) => matches!(error, LocationError::TlsFile { .. }),
        _ => true,
    }
}
