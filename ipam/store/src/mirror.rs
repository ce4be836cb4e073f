//! A mirror of the store that heals itself.
//!
//! It lists, watches from there, and after any doubt (a broken or silent connection, a history that was
//! compacted, a revision that went backwards) lists again: each doubt is a new [`Update::Reset`]. What
//! it tells may repeat, but skips nothing, and the changes of one revision come together.

use crate::backoff::Backoff;
use crate::{Batch, Range, Store, StoreError};
use fairway_kv::{Revision, Update};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

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
///
/// [`Update::Lost`] comes where the store cannot be read for [`STALE`] after a doubt, and then not again
/// before a [`Update::Reset`].
pub async fn run(store: Arc<dyn Store>, prefix: &str, mut sink: impl Sink) -> Infallible {
    let mut backoff = Backoff::new();
    let mut lost = false;
    loop {
        let error = match list(&*store, prefix, &mut sink, &mut lost).await {
            Ok(range) => {
                let after = range.revision;
                lost = false;
                sink.update(Update::Reset {
                    revision: range.revision,
                    entries: range.entries,
                });
                follow(&*store, prefix, after, &mut sink, &mut backoff).await
            }
            Err(error) => {
                lose(&mut sink, &mut lost);
                error
            }
        };
        sink.trouble(&error);
        backoff.pause().await;
    }
}

/// How long a doubt may last before it is called a loss.
pub const STALE: Duration = Duration::from_secs(1);

fn lose(sink: &mut impl Sink, lost: &mut bool) {
    if !std::mem::replace(lost, true) {
        sink.update(Update::Lost);
    }
}

async fn list(
    store: &dyn Store,
    prefix: &str,
    sink: &mut impl Sink,
    lost: &mut bool,
) -> Result<Range, StoreError> {
    let mut listed = pin!(store.range(prefix));
    match timeout(STALE, &mut listed).await {
        Ok(done) => done,
        Err(_) => {
            lose(sink, lost);
            listed.await
        }
    }
}

/// Tells what happens after a revision, until there is a doubt.
async fn follow(
    store: &dyn Store,
    prefix: &str,
    after: Revision,
    sink: &mut impl Sink,
    backoff: &mut Backoff,
) -> StoreError {
    let mut watch = match store.watch(prefix, after).await {
        Ok(watch) => watch,
        Err(error) => return error,
    };
    let mut told = after;
    loop {
        let Batch { revision, changes } = match watch.next().await {
            Ok(batch) => batch,
            Err(error) => return error,
        };
        backoff.reset();
        if !changes.is_empty() || revision > told {
            told = told.max(revision);
            let revision = told;
            sink.update(Update::Changes { revision, changes });
        }
    }
}
