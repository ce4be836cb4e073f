//! What can go wrong with the bed itself, worded for whoever reads a failed test.

use std::{fmt, io, path::PathBuf};

/// The result of nearly everything here; `Result` alone is `Result<()>`.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// See the module's head. `Debug` prints what `Display` prints, for `unwrap()`.
#[derive(thiserror::Error)]
pub enum Error {
    /// A process or namespace.
    #[error(transparent)]
    Lab(#[from] fairway_lab::Error),
    /// etcd.
    #[error(transparent)]
    Etcd(#[from] fairway_etcd_bed::Error),
    /// A file cannot be written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server has not been built.
    #[error("there is no {path}: `cargo xtask test k8s` builds it", path = .0.display())]
    NotBuilt(PathBuf),
    /// Nobody says where the cache is.
    #[error("no place for the cache: set FAIRWAY_CACHE or HOME")]
    NoCache,
    /// The server is not running and was to be signalled, or is running and was to be started.
    #[error("the API server is {0}")]
    State(&'static str),
    /// It did not get ready.
    #[error("the API server is not ready; it said:\n{0}")]
    NotReady(String),
    /// Something did not come to be on a node.
    #[error("{what}; {name} said:\n{log}")]
    Node {
        /// Which.
        name: String,
        /// What was waited for.
        what: String,
        /// What its daemon said.
        log: String,
    },
    /// A daemon is not as it has to be.
    #[error("the daemon {0}")]
    Daemon(&'static str),
    /// kubectl was refused.
    #[error("kubectl {line}: {text}")]
    Kubectl {
        /// Its arguments.
        line: String,
        /// What it said.
        text: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
