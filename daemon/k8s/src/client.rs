//! The way to the API server.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Where it is, and as whom we come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// By the service account of the pod that we run in.
    InCluster,
    /// By a file, as kubectl has them.
    File(PathBuf),
}

/// There is no way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: Box<kube::config::KubeconfigError>,
    },
    #[error("service account: {0}")]
    InCluster(#[from] kube::config::InClusterError),
    #[error("client: {0}")]
    Client(#[from] Box<kube::Error>),
}

impl Access {
    /// A client. Tokens in files are read anew by it; certificates are not, see [`Access::mark`].
    pub(crate) async fn client(&self) -> Result<Client, AccessError> {
        let mut config = match self {
            Access::InCluster => Config::incluster()?,
            Access::File(path) => {
                let failed = |source| AccessError::File {
                    path: path.clone(),
                    source: Box::new(source),
                };
                let file = Kubeconfig::read_from(path).map_err(failed)?;
                let options = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(file, &options).await;
                config.map_err(failed)?
            }
        };
        config.connect_timeout = Some(CONNECT_WITHIN);
        Client::try_from(config).map_err(|error| Box::new(error).into())
    }

    /// Changes when the file does.
    pub(crate) fn mark(&self) -> Option<(SystemTime, u64)> {
        let mark = |data: Metadata| Some((data.modified().ok()?, data.len()));
        mark(Path::metadata(self.path()?).ok()?)
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Access::InCluster => None,
            Access::File(path) => Some(path),
        }
    }
}
