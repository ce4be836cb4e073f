//! Bytes that several neighbours are told.

use std::sync::Arc;

/// Bytes on their way out.
pub(crate) type Bytes = Arc<Vec<u8>>;

pub(crate) fn shared(bytes: Vec<u8>) -> Bytes {
    Arc::new(bytes)
}
