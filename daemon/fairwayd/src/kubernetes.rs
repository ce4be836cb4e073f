//! The API server of Kubernetes: what runs beside the daemon where there is one.
//!
//! `fairway-k8s` does the work; here it gets its settings, and the store to write to. Nothing of the daemon waits for it.

use crate::{
    config,
    service::{Daemon, objects::Mirror},
};
use fairway_k8s::{Access, Report, Settings};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// How long giving back the lead may take.
const END_WITHIN: Duration = Duration::from_secs(2);

/// How it stands, for whoever asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Report>);

impl Told {
    /// What is not as it should be.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.0.problems()
    }
}

/// What runs.
pub(crate) struct Kubernetes {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Kubernetes {
    /// Starts. `ready`: this node has seen what the store has.
    pub(crate) fn start(
        config: config::Kubernetes,
        daemon: Arc<Daemon>,
        told: Told,
        ready: watch::Receiver<bool>,
    ) -> Kubernetes {
        let access = match config.kubeconfig {
            Some(path) => Access::File(path),
            None => Access::InCluster,
        };
        let settings = Settings::new(access, daemon.config.node.to_string());
        let sink = Arc::new(Mirror::new(daemon, config.cluster));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(fairway_k8s::run(settings, sink, told.0, ready, stopped));
        Kubernetes { stop, task }
    }

    /// Ends; another node leads at once where this one did.
    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        if timeout(END_WITHIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
