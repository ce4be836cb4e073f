//! Built without Kubernetes: there is nothing to start, and nothing to tell.

use crate::{config, service::Daemon};
use std::sync::Arc;
use tokio::sync::watch;

/// How it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(());

impl Told {
    pub(crate) fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What runs: nothing does. Settings refuse to name an API server.
pub(crate) struct Kubernetes;

impl Kubernetes {
    pub(crate) fn start(
        _: config::Kubernetes,
        _: Arc<Daemon>,
        _: Told,
        _: watch::Receiver<bool>,
    ) -> Kubernetes {
        Kubernetes
    }

    pub(crate) async fn end(self) {}
}
