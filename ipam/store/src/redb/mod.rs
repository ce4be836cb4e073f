//! The store in a file: for one node, or to try things out.
//!
//! Only one process has it. Every transaction is on the disk (fsync) before it is acknowledged; those
//! that wait at the same time share an fsync. Leases are counted by this process and start anew when it
//! does.

mod file;
mod group;
mod history;
mod overlay;
mod writer;

use crate::txn::check;
use crate::{Range, Store, StoreError, Watch};
use async_trait::async_trait;
use fairway_kv::{Committed, Entry, LeaseId, Revision, Txn};
use file::KEYS;
use history::History;
use redb::{Database, ReadableDatabase};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;
use writer::{Job, Shared, Writer};

/// A disk that hangs.
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Redb {
    shared: Arc<Shared>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Redb {
    /// Opens the file, or makes it where there is none. Blocks.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = file::open(path)?;
        let failed = |error| file::error(path, error);
        let revision = file::meta(&database, "revision").map_err(failed)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            database: RwLock::new(Some(database)),
            history: History::new(revision, path.display().to_string()),
        });
        let writer = Writer::new(Arc::clone(&shared)).map_err(failed)?;
        let (jobs, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("store".into());
        let writer = thread.spawn(move || writer.run(&queue));
        let writer = writer.map_err(|error| file::failed(path, error))?;
        Ok(Self {
            shared,
            jobs: Some(jobs),
            writer: Some(writer),
        })
    }

    /// Asks the thread that writes.
    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let unknown = |source: &str| StoreError::Unknown {
            place: self.shared.path.display().to_string(),
            source: source.into(),
        };
        let (sender, answer) = oneshot::channel();
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job(sender)));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StoreError::File {
                path: self.shared.path.clone(),
                source: "the thread that writes has ended".into(),
            });
        }
        match tokio::time::timeout(DEADLINE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(unknown("the thread that writes has ended")),
            Err(_) => Err(unknown("the disk does not answer")),
        }
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let place = shared.path.display().to_string();
        let read = move || {
            let database = shared.database.read();
            let database = database.unwrap_or_else(PoisonError::into_inner);
            let closed = Err(redb::Error::DatabaseClosed);
            let found = database.as_ref().map_or(closed, f);
            found.map_err(|error| file::error(&shared.path, error))
        };
        let away = |source: crate::Cause| StoreError::Unreachable { place, source };
        match tokio::time::timeout(DEADLINE, tokio::task::spawn_blocking(read)).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(away(error.into())),
            Err(error) => Err(away(error.into())),
        }
    }
}

impl Drop for Redb {
    /// Waits for what was begun, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl Store for Redb {
    async fn get(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let key = key.to_owned();
        let get = move |database: &Database| {
            let keys = database.begin_read()?.open_table(KEYS)?;
            group::entry(&keys, &key)
        };
        self.read(get).await
    }

    async fn range(&self, prefix: &str) -> Result<Range, StoreError> {
        let prefix = prefix.to_owned();
        let range = move |database: &Database| {
            let begun = database.begin_read()?;
            let revision = begun.open_table(file::META)?.get("revision")?;
            let mut entries = Vec::new();
            for row in begun.open_table(KEYS)?.range(prefix.as_str()..)? {
                let (key, row) = row?;
                if !key.value().starts_with(&prefix) {
                    break;
                }
                entries.push(group::to_entry(key.value(), row.value()));
            }
            Ok(Range {
                revision: Revision(revision.map_or(0, |revision| revision.value())),
                entries,
            })
        };
        self.read(range).await
    }

    async fn commit(&self, txn: &Txn) -> Result<Committed, StoreError> {
        check(txn, || self.shared.path.display().to_string())?;
        let txn = txn.clone();
        self.ask(|answer| Job::Commit(txn, answer)).await
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.shared.history.watch(prefix, after)
    }

    async fn grant_lease(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let seconds = crate::txn::seconds(ttl);
        self.ask(|answer| Job::Grant(seconds, answer)).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<Duration, StoreError> {
        self.ask(|answer| Job::KeepAlive(lease, answer)).await
    }

    async fn revoke_lease(&self, lease: LeaseId) -> Result<(), StoreError> {
        self.ask(|answer| Job::Revoke(lease, answer)).await
    }

    fn kind(&self) -> &'static str {
        "redb"
    }
}
