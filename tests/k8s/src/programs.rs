//! Where kube-apiserver and kubectl lie: in the cache, by version, as xtask has built them.

use crate::{Error, Result};
use std::env;
use std::path::{Path, PathBuf};

/// What xtask builds; `xtask/src/k8s.rs` names the folder, too.
const FOLDER: &str = "k8s/kubernetes-1.20.2";

/// The two programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The server.
    pub apiserver: PathBuf,
    /// The administrator's command line.
    pub kubectl: PathBuf,
    kubelet: PathBuf,
}

impl Programs {
    /// Those of the cache.
    ///
    /// # Errors
    /// Where they have not been built.
    pub fn find() -> Result<Self> {
        let set = |name| {
            let value = env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let cache = set("FAIRWAY_CACHE")
            .or_else(|| Some(set("XDG_CACHE_HOME")?.join("fairway")))
            .or_else(|| Some(set("HOME")?.join(".cache/fairway")))
            .ok_or(Error::NoCache)?;
        let one = |name| {
            let path = cache.join(FOLDER).join(name);
            match path.exists() {
                true => Ok(path),
                false => Err(Error::NotBuilt(path)),
            }
        };
        Ok(Self {
            apiserver: one("kube-apiserver")?,
            kubectl: one("kubectl")?,
            kubelet: cache.join(FOLDER).join("kubelet"),
        })
    }

    /// What runs pods; a cache may be older than the tests that need it.
    ///
    /// # Errors
    /// Where it has not been built.
    pub(crate) fn kubelet(&self) -> Result<&Path> {
        match self.kubelet.exists() {
            true => Ok(&self.kubelet),
            false => Err(Error::NotBuilt(self.kubelet.clone())),
        }
    }
}
