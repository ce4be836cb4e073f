//! The way to the API server.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
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
    #[error("{}: {fault}", path.display())]
    File { path: PathBuf, fault: String },
    #[error("service account: {0}")]
    InCluster(#[from] kube::config::InClusterError),
    #[error("client: {0}")]
    Client(#[from] Box<kube::Error>),
}

/// What is wrong with a file, which holds tokens and keys: of what could not be read no more than where, since whoever
/// parsed it shows its text.
fn fault(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!(
                "is no kubeconfig: line {}, column {}",
                at.line(),
                at.column()
            ),
            None => "is no kubeconfig".to_owned(),
        },
        error => error.to_string(),
    }
}

impl Access {
    /// A client. Tokens in files are read anew by it; certificates are not, see [`Access::mark`].
    pub(crate) async fn client(&self) -> Result<Client, AccessError> {
        let mut config = match self {
            Access::InCluster => Config::incluster()?,
            Access::File(path) => {
                let failed = |error| AccessError::File {
                    path: path.clone(),
                    fault: fault(&error),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_wrong_with_a_file_does_not_show_its_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        for text in [
            "hunter2",
            "users: hunter2",
            "users:\n- name: a\n  user: {token: [hunter2]}",
            "users:\n- name: a\n  user:\n    token: hunter2\n   password: hunter2",
            "users:\n- name: a\n  user:\n    token: \"hunter2",
            "current-context: none\nusers:\n- name: a\n  user: {token: hunter2}",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = match Access::File(path.clone()).client().await {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{text} is taken"),
            };
            assert!(
                !error.contains("hunter2") && error.contains("kubeconfig"),
                "{error}"
            );
        }
    }
}
