//! The store: one trait, on redb (one node) and on etcd (many).
//!
//! [`open`] gives a [`Store`] for a [`Location`]; [`mirror`] and [`presence`] are the loops that callers
//! stand on, and heal themselves.

mod error;
mod location;
pub mod mirror;
pub mod presence;
mod store;

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
    Err(StoreError::Unreachable {
        place: location.to_string(),
        source: "not there yet".into(),
    })
}
