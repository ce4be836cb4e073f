//! A watch that notices its own death.
//!
//! A member that is stopped or cut off closes nothing: the stream just stays silent. So a sign of life is
//! asked for every second (a progress request, which any member answers at once), and silence for
//! [`SILENCE`] ends the watch. A member that lost its leader ends it by itself, since it is asked to
//! (`hasleader`).
//!
//! The revision in those signs is not used: members before 3.4.25 and 3.5.8 answer with a revision whose
//! events are still to come (etcd issue 15220), and events would be skipped.

use super::convert::{entry, revision};
use super::link::{Link, Links};
use super::verdict::client_words;
use crate::{Batch, StoreError, Watch};
use async_trait::async_trait;
use etcd_client::{WatchRequestSender, WatchResponse, WatchResponseStream};
use fairway_kv::{Change, Revision};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// How often a sign of life is asked for.
const BEAT: Duration = Duration::from_secs(1);
/// How long a watch may be silent.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

/// Why a member ends a watch that a fresh token, or a connection with a name, may still be given.
const DENIALS: [&str; 4] = [
    "user name is empty",
    "permission denied",
    "invalid auth token",
    "revision in auth header is old",
];

pub(super) struct Watcher {
    links: Arc<Links>,
    link: Arc<Link>,
    sender: WatchRequestSender,
    stream: WatchResponseStream,
    after: Revision,
    heard: Instant,
    beat: Interval,
    renewed: tokio::sync::watch::Receiver<u64>,
}

impl Watcher {
    pub(super) fn new(
        links: Arc<Links>,
        link: Arc<Link>,
        stream: etcd_client::WatchStream,
        after: Revision,
    ) -> Self {
        let (sender, stream) = stream.split();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            renewed: links.renewed(),
            links,
            link,
            sender,
            stream,
            after,
            heard: Instant::now(),
            beat,
        }
    }

    fn broken(&self, source: impl Into<crate::Cause>) -> StoreError {
        self.links.doubt(&self.link);
        StoreError::Unreachable {
            place: self.link.place.clone(),
            source: source.into(),
        }
    }

    fn take(&mut self, response: &WatchResponse) -> Result<Batch, StoreError> {
        if response.compact_revision() > 0 {
            return Err(StoreError::Compacted {
                after: self.after,
                oldest: revision(response.compact_revision()),
            });
        }
        if response.canceled() {
            let reason = response.cancel_reason();
            if DENIALS.iter().any(|word| reason.contains(word)) {
                return Err(StoreError::Denied {
                    place: self.link.place.clone(),
                    source: reason.into(),
                });
            }
            return Err(self.broken(format!("it ended the watch: {reason}")));
        }
        let found = response.header().map_or(0, |header| header.revision());
        if response.created() && revision(found) < self.after {
            self.links.doubt(&self.link);
            return Err(StoreError::Backwards {
                place: self.link.place.clone(),
                found: revision(found),
                wanted: self.after,
            });
        }
        let kvs = response.events().iter().filter_map(|event| event.kv());
        // Only what is there was created at some revision.
        let changes = kvs.map(|kv| match kv.create_revision() {
            0 => Change::Deleted {
                key: String::from_utf8_lossy(kv.key()).into_owned(),
                revision: revision(kv.mod_revision()),
            },
            _ => Change::Put(entry(kv)),
        });
        let changes: Vec<_> = changes.collect();
        let last = changes.last().map(|change| match change {
            Change::Put(entry) => entry.modified,
            Change::Deleted { revision, .. } => *revision,
        });
        self.after = self.after.max(last.unwrap_or_default());
        Ok(Batch {
            revision: self.after,
            changes,
        })
    }
}

#[async_trait]
impl Watch for Watcher {
    async fn next(&mut self) -> Result<Batch, StoreError> {
        loop {
            tokio::select! {
                biased;
                message = self.stream.message() => {
                    self.heard = Instant::now();
                    return match message {
                        Ok(Some(response)) => self.take(&response),
                        Ok(None) => Err(self.broken("it ended the watch")),
                        Err(error) => Err(self.broken(client_words(&error))),
                    };
                }
                Ok(()) = self.renewed.changed() => {
                    return Err(self.broken("this machine's addresses have changed"));
                }
                _ = self.beat.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Err(self.broken("it has fallen silent"));
                    }
                    if let Err(error) = self.sender.request_progress().await {
                        return Err(self.broken(error));
                    }
                }
            }
        }
    }
}
