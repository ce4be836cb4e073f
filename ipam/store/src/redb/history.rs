//! What has happened of late, for watchers in this process.
//!
//! Only one process has the file, so the history need not outlive it: a watcher that asks for what was
//! before it lists anew. It is bounded in number and size; one that falls behind lists anew, too, and
//! slows nobody down.

use crate::{Batch, StoreError, Watch};
use async_trait::async_trait;
use fairway_kv::{Change, Revision};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Revisions that are kept.
const REVISIONS: usize = 4096;
/// Bytes that are kept, keys and values.
const BYTES: usize = 2 << 20;

/// A revision and what changed at it.
pub(super) type Step = (u64, Vec<Change>);

#[derive(Debug)]
pub(super) struct History {
    kept: Mutex<Kept>,
    /// The newest revision.
    newest: watch::Sender<u64>,
    place: String,
}

#[derive(Debug)]
struct Kept {
    /// All after this revision is there.
    after: u64,
    bytes: usize,
    steps: VecDeque<Step>,
}

fn size(changes: &[Change]) -> usize {
    let size = |change: &Change| match change {
        Change::Put(entry) => entry.key.len() + entry.value.len(),
        Change::Deleted { key, .. } => key.len(),
    };
    changes.iter().map(size).sum()
}

impl History {
    pub(super) fn new(revision: u64, place: String) -> Arc<Self> {
        let kept = Mutex::new(Kept {
            after: revision,
            bytes: 0,
            steps: VecDeque::new(),
        });
        let newest = watch::Sender::new(revision);
        Arc::new(Self {
            kept,
            newest,
            place,
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds steps, in order.
    pub(super) fn push(&self, steps: Vec<Step>) {
        let Some((newest, _)) = steps.last() else {
            return;
        };
        let newest = *newest;
        let mut kept = self.kept();
        for step in steps {
            kept.bytes += size(&step.1);
            kept.steps.push_back(step);
        }
        while kept.steps.len() > REVISIONS || kept.bytes > BYTES {
            let Some((revision, changes)) = kept.steps.pop_front() else {
                break;
            };
            kept.bytes -= size(&changes);
            kept.after = revision;
        }
        drop(kept);
        self.newest.send_replace(newest);
    }

    /// Jumps to a revision: what led there is not known.
    pub(super) fn skip(&self, revision: u64) {
        let mut kept = self.kept();
        kept.steps.clear();
        kept.bytes = 0;
        kept.after = revision;
        drop(kept);
        self.newest.send_replace(revision);
    }

    pub(super) fn watch(
        self: &Arc<Self>,
        prefix: &str,
        after: Revision,
    ) -> Result<Box<dyn Watch>, StoreError> {
        let seen = self.newest.subscribe();
        let newest = *seen.borrow();
        if after.0 > newest {
            return Err(StoreError::Backwards {
                place: self.place.clone(),
                found: Revision(newest),
                wanted: after,
            });
        }
        let watcher = Watcher {
            history: Arc::downgrade(self),
            place: self.place.clone(),
            prefix: prefix.to_owned(),
            after: after.0,
            seen,
        };
        self.since(&watcher.prefix, after.0)?;
        Ok(Box::new(watcher))
    }

    /// All changes after a revision; the newest revision.
    fn since(&self, prefix: &str, after: u64) -> Result<Batch, StoreError> {
        let kept = self.kept();
        if after < kept.after {
            return Err(StoreError::Compacted {
                after: Revision(after),
                oldest: Revision(kept.after),
            });
        }
        let newest = kept.steps.back().map_or(kept.after, |(newest, _)| *newest);
        let from = kept
            .steps
            .partition_point(|(revision, _)| *revision <= after);
        let changes = kept.steps.range(from..).flat_map(|(_, changes)| changes);
        let changes = changes.filter(|change| change.key().starts_with(prefix));
        Ok(Batch {
            revision: Revision(newest),
            changes: changes.cloned().collect(),
        })
    }
}

struct Watcher {
    history: std::sync::Weak<History>,
    place: String,
    prefix: String,
    after: u64,
    seen: watch::Receiver<u64>,
}

#[async_trait]
impl Watch for Watcher {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        let closed = || StoreError::Unreachable {
            place: self.place.clone(),
            source: "it was closed".into(),
        };
        let after = self.after;
        let moved = self.seen.wait_for(|newest| *newest > after).await;
        moved.map_err(|_| closed())?;
        let history = self.history.upgrade().ok_or_else(closed)?;
        let batch = history.since(&self.prefix, after)?;
        self.after = batch.revision.0;
        Ok(batch)
    }
}
