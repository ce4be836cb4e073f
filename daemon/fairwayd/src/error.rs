//! Why the daemon does not start, or ends.

use crate::{
    config::ConfigError,
    driver::{DriverError, Failure},
    journal::{FolderError, JournalFault},
    link::NameError,
    server::SocketError,
};
use fairway_api::released::ReleasedError;
use fairway_store::StoreError;
use std::io;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The daemon's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalFault),
    /// The agent, or its thread.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The store.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// Another node has the name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The kernel's links.
    #[error("the kernel's links cannot be listed: {0}")]
    Kernel(#[from] fairway_netlink::Error),
    /// What plugins left behind.
    #[error(transparent)]
    Released(#[from] ReleasedError),
    /// Nobody can be let in for metrics.
    #[error("metrics: cannot listen on {address}: {source}")]
    Metrics {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Runtime, signals.
    #[error("{what}: {source}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// Why it is not to be had.
        source: io::Error,
    },
    /// A thread has ended by itself.
    #[error("the {what} has ended; the log says why")]
    Ended {
        /// Which.
        what: &'static str,
    },
    /// What was missed cannot be made up for.
    #[error("what came while nobody was there cannot be done: {0}")]
    Late(Box<Failure>),
    /// `--cleanup` where there is nothing to reach.
    #[error("cleanup: {reason}")]
    Cleanup {
        /// Why nothing was done.
        reason: String,
    },
}
