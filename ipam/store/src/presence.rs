//! One key under a lease, kept for as long as its keeper lives.
//!
//! A node shows by it that it is there. The lease is kept alive at a third of its time; where it has
//! ended (the store was away for long), another is granted, never two at once. A key that somebody else
//! holds is never overwritten: two nodes with one name are an error that an operator must hear of.

use crate::backoff::{Backoff, jitter};
use crate::{Store, StoreError};
use fairway_kv::{Committed, Condition, Entry, LeaseId, Revision, Txn, Write};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
pub async fn keep(store: Arc<dyn Store>, presence: Presence, keeper: impl Keeper) -> Infallible {
    let mut keeping = Keeping {
        store: &*store,
        presence,
        keeper,
        lease: None,
        told: None,
        seen: Instant::now(),
    };
    let mut backoff = Backoff::new();
    loop {
        match keeping.round().await {
            Ok(pause) => {
                backoff.reset();
                tokio::time::sleep(pause).await;
            }
            Err(StoreError::LeaseGone { .. }) => {
                keeping.lease = None;
                backoff.pause().await;
            }
            Err(error) => {
                keeping.trouble(&error);
                backoff.pause().await;
            }
        }
    }
}

struct Keeping<'a, K> {
    store: &'a dyn Store,
    presence: Presence,
    keeper: K,
    /// The lease, and the revision at which the key was bound to it, if it was.
    lease: Option<(LeaseId, Option<Revision>)>,
    told: Option<State>,
    /// When all was well last.
    seen: Instant,
}

impl<K: Keeper> Keeping<'_, K> {
    /// One look; how long until the next.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        if let Some((lease, _)) = self.lease {
            self.store.keep_alive(lease).await?;
        }
        let found = self.store.get(&self.presence.key).await?;
        let pause = jitter(self.presence.ttl / 3);
        let condition = match &found {
            Some(entry) if self.bound(entry) => {
                self.tell(State::Held);
                return Ok(pause);
            }
            Some(entry) if !self.keeper.ours(entry, &self.presence) => {
                self.tell(State::Taken(entry.clone()));
                return Ok(pause);
            }
            Some(entry) => Condition::Unchanged {
                key: entry.key.clone(),
                modified: entry.modified,
            },
            None => Condition::Absent {
                key: self.presence.key.clone(),
            },
        };
        let lease = match self.lease {
            Some((lease, _)) => lease,
            None => self.store.grant_lease(self.presence.ttl).await?,
        };
        self.lease = Some((lease, None));
        let put = Write::Put {
            key: self.presence.key.clone(),
            value: self.presence.value.clone(),
            lease: Some(lease),
        };
        let txn = Txn {
            conditions: vec![condition],
            writes: vec![put],
        };
        match self.store.commit(&txn).await? {
            Committed::Yes { revision } => {
                self.lease = Some((lease, Some(revision)));
                self.tell(State::Held);
                Ok(pause)
            }
            // Somebody was quicker: look again at once.
            Committed::No { .. } => Ok(Duration::ZERO),
        }
    }

    /// It is the very entry that we bound to our lease.
    fn bound(&self, entry: &Entry) -> bool {
        let bound = self.lease.and_then(|(_, revision)| revision);
        bound == Some(entry.modified)
    }

    fn tell(&mut self, state: State) {
        self.seen = Instant::now();
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            self.keeper.state(state);
        }
    }

    fn trouble(&mut self, error: &StoreError) {
        self.keeper.trouble(error);
        let stale = self.seen.elapsed() >= self.presence.ttl * 2 / 3;
        let told = self.told == Some(State::Lost);
        if (stale || self.told.is_none()) && !told {
            self.told = Some(State::Lost);
            self.keeper.state(State::Lost);
        }
    }
}
