//! The store: one trait, on redb (one node) and on etcd (many).
//!
//! [`open`] gives a [`Store`] for a [`Location`]; [`mirror`] and [`presence`] are the loops that callers
//! stand on, and heal themselves.

mod backoff;
mod error;
#[cfg(feature = "etcd")]
mod etcd;
mod location;
pub mod mirror;
pub mod presence;
mod redb;
mod store;
mod txn;

pub use error::{Cause, StoreError};
pub use fairway_kv as kv;
pub use location::{Etcd, Location, LocationError, Named, Tls, User};
pub use store::{Batch, Range, Store, Watch};

use std::sync::Arc;

/// Opens a store. A file is made where there is none; an etcd cluster need not be there yet, but its
/// files of TLS must be good.
///
/// # Errors
/// A location that cannot be used; a file that is damaged, newer, or in use.
pub async fn open(location: &Location) -> Result<Arc<dyn Store>, StoreError> {
    match location {
        Location::Redb(path) => {
            let (file, place) = (path.clone(), path.display().to_string());
            // Checking a large file takes a while.
            let opened = tokio::task::spawn_blocking(move || redb::Redb::open(&file)).await;
            let ended = |error: tokio::task::JoinError| StoreError::Unreachable {
                place,
                source: error.into(),
            };
            Ok(Arc::new(opened.map_err(ended)??))
        }
        #[cfg(feature = "etcd")]
        Location::Etcd(etcd) => {
            etcd.check()?;
            Ok(Arc::new(etcd::EtcdStore::open(etcd.clone())?))
        }
        #[cfg(not(feature = "etcd"))]
        Location::Etcd(_) => Err(LocationError::NoEtcd {
            text: location.to_string(),
        }
        .into()),
    }
}

/// Until when the certificates of a store's connections are good, in seconds since 1970, by their flags. The files are
/// read: this may block.
pub fn certificate_ends(location: &Location) -> Vec<(&'static str, u64)> {
    match location {
        #[cfg(feature = "etcd")]
        Location::Etcd(Etcd { tls: Some(tls), .. }) => etcd::certificate_ends(tls),
        _ => Vec::new(),
    }
}
