//! From nothing to serving, and back.
//!
//! In this order: what is ours alone (socket, folder), what we know (journal), whose name we bear (store),
//! what lives (kernel), what was missed (released); only then the socket. Each step may be the last one
//! before a SIGKILL, so each begins from what is on the disk.

use crate::{
    base::Base,
    config::Config,
    error::Error,
    kubernetes::{self, Kubernetes},
    metrics::{self, Collector},
    server::{Claim, Limits, serve},
    service::{Calls, Daemon},
    sweep, tend,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};
use tracing::info;

/// A daemon that serves.
pub struct Running {
    base: Base,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    metrics: Option<SocketAddr>,
    claim: Claim,
    kubernetes: Option<Kubernetes>,
}

impl Running {
    /// Starts; returns when the socket is there.
    ///
    /// # Errors
    /// See [`Error`]; nothing is left behind then.
    pub async fn start(config: Config) -> Result<Running, Error> {
        let mut claim = Claim::new(&config.socket)?;
        let scraped = match config.metrics {
            Some(address) => Some(metrics::listen(address).await?),
            None => None,
        };
        let config = Arc::new(config);
        let mut base = Base::start(config.clone()).await?;
        let listener = match claim.listen() {
            Ok(listener) => listener,
            Err(error) => {
                drop(base.end().await);
                return Err(error.into());
            }
        };
        let told = kubernetes::Told::default();
        let daemon = Daemon {
            config: config.clone(),
            driver: base.driver.clone(),
            link: base.link.clone(),
            routes: base.routes.clone(),
            policy: base.policy.clone(),
            rates: base.rates.clone(),
            bgp: base.bgp.clone(),
            definitions: base.definitions.clone(),
            released: base.released.clone(),
            journal: base.journal.clone(),
            clocks: base.clocks,
            calls: Calls::default(),
            meters: base.meters.clone(),
            kubernetes: told.clone(),
        };
        let daemon = Arc::new(daemon);
        let (stop, stopped) = watch::channel(false);
        let metrics = scraped
            .as_ref()
            .and_then(|scraped| scraped.local_addr().ok());
        if let (Some(listener), Some(address)) = (scraped, metrics) {
            let collector = Collector::new(daemon.clone());
            base.tasks.spawn(collector.serve(listener, stopped.clone()));
            info!("metrics are at http://{address}/metrics");
        }
        let server = tokio::spawn(serve(listener, daemon.clone(), Limits::default(), stopped));
        let swept = base.meters.swept.clone();
        let sweeping = sweep::sweep(base.driver.clone(), config.sweep, base.former, swept);
        base.tasks.spawn(sweeping);
        base.tasks.spawn(tend::tend(
            config.node.clone(),
            base.driver.clone(),
            base.link.clone(),
            base.clocks,
        ));
        let (released, driver) = (base.released.clone(), base.driver.clone());
        base.tasks
            .spawn(async move { released.watch(&driver).await });
        info!(
            "node {} with store {} listens on {}",
            config.node,
            config.store,
            config.socket.display()
        );
        let settings = config.kubernetes.clone();
        let kubernetes =
            settings.map(|settings| Kubernetes::start(settings, daemon, told, base.seen.clone()));
        Ok(Running {
            base,
            stop,
            server,
            metrics,
            claim,
            kubernetes,
        })
    }

    /// Where metrics are to be had, if they are.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Comes back when it cannot go on: another node has its name, or the agent has ended.
    pub async fn failed(&mut self) -> Error {
        self.base.failed().await
    }

    /// Ends: requests are answered, what is to be told to the store is told, both for a while; all else
    /// stays in place.
    pub async fn stop(mut self) {
        self.claim.remove();
        if let Some(kubernetes) = self.kubernetes.take() {
            kubernetes.end().await;
        }
        self.stop.send_replace(true);
        drop(self.server.await);
        drop(self.base.end().await);
    }
}
