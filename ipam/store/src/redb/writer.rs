//! The thread that writes.
//!
//! It takes all transactions that wait, judges them one after the other inside one redb transaction, and
//! makes them durable by one fsync. Leases end on this thread, too, as transactions of its own.
//!
//! When a write or fsync fails, redb takes nothing more until it is opened again. Whether the failed
//! commit reached the disk is then not guessed: the file is opened anew and its revision says it.

use super::file::{self, LEASES};
use super::group::Group;
use super::history::{History, Step};
use crate::StoreError;
use fairway_kv::{Committed, LeaseId, Txn};
use redb::{Database, ReadableDatabase, ReadableTable};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Transactions that share an fsync.
const GROUP: usize = 128;
/// A lease that could not be ended is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// What the thread is asked.
pub(super) enum Job {
    Commit(Txn, oneshot::Sender<Result<Committed, StoreError>>),
    Grant(u64, oneshot::Sender<Result<LeaseId, StoreError>>),
    KeepAlive(LeaseId, oneshot::Sender<Result<Duration, StoreError>>),
    Revoke(LeaseId, oneshot::Sender<Result<(), StoreError>>),
}

/// What handle and thread share. Without a database: opening it again failed.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) database: RwLock<Option<Database>>,
    pub(super) history: Arc<History>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    revision: u64,
    /// Seconds, and when it ends.
    leases: HashMap<i64, (u64, Instant)>,
}

/// What came of one redb transaction.
enum Written<T> {
    Done(T, Vec<Step>, u64),
    /// The fsync failed.
    Doubtful(T, Vec<Step>, u64, redb::Error),
    Failed(redb::Error),
}

impl Writer {
    /// Leases that were running when the process ended run their whole time again.
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self, redb::Error> {
        let database = shared.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        let (mut revision, mut leases) = (0, HashMap::new());
        if let Some(database) = &*database {
            revision = file::meta(database, "revision")?;
            let begun = database.begin_read()?;
            for row in begun.open_table(LEASES)?.iter()? {
                let (id, seconds) = row?;
                let seconds = seconds.value();
                leases.insert(id.value(), (seconds, ends(seconds)));
            }
        }
        drop(database);
        Ok(Self {
            shared,
            revision,
            leases,
        })
    }

    /// Works until every handle is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let due = self.leases.values().map(|(_, end)| *end).min();
            let first = match due {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => jobs.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match first {
                Ok(job) => self.work(job, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.expire();
        }
    }

    fn work(&mut self, first: Job, jobs: &Receiver<Job>) {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Commit(txn, answer) => {
                    group.push((txn, answer));
                    if group.len() < GROUP {
                        next = jobs.try_recv().ok();
                        continue;
                    }
                    next = None;
                }
                other => {
                    self.commit(std::mem::take(&mut group));
                    self.lease(other);
                    next = None;
                }
            }
        }
        self.commit(group);
    }

    fn commit(&mut self, group: Vec<(Txn, oneshot::Sender<Result<Committed, StoreError>>)>) {
        if group.is_empty() {
            return;
        }
        let (txns, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let done = self.write(|group| txns.iter().map(|txn| group.judge(txn)).collect());
        let results: Vec<Result<_, StoreError>> = match done {
            Ok(results) => results,
            // One error for all; it is not `Clone`, so each gets a fresh look at it.
            Err(error) => answers.iter().map(|_| Err(again(&error))).collect(),
        };
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
    }

    /// One redb transaction. On success all of it is on the disk and watchers are told.
    fn write<T>(
        &mut self,
        f: impl FnOnce(&mut Group) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let path = self.shared.path.clone();
        if self.closed() {
            self.reopen()?;
        }
        let (value, steps, revision) = match self.try_write(f) {
            Written::Done(value, steps, revision) => (value, steps, revision),
            Written::Failed(error) => {
                // Nothing was written, whatever comes of this.
                let _ = self.reopen();
                return Err(file::error(&path, error));
            }
            Written::Doubtful(value, steps, revision, error) => {
                let before = self.revision;
                let found = self.reopen().map_err(|error| StoreError::Unknown {
                    place: path.display().to_string(),
                    source: error.into(),
                })?;
                if revision == before || found != revision {
                    return Err(file::error(&path, error));
                }
                (value, steps, revision)
            }
        };
        self.revision = revision;
        self.shared.history.push(steps);
        Ok(value)
    }

    fn try_write<T>(&self, f: impl FnOnce(&mut Group) -> Result<T, redb::Error>) -> Written<T> {
        let database = self.shared.database.read();
        let database = database.unwrap_or_else(PoisonError::into_inner);
        let begun = match database.as_ref().map(Database::begin_write) {
            Some(Ok(begun)) => begun,
            Some(Err(error)) => return Written::Failed(error.into()),
            None => return Written::Failed(redb::Error::DatabaseClosed),
        };
        let mut group = Group::new(&begun, self.revision);
        let judged = f(&mut group).and_then(|value| Ok((value, group.finish()?)));
        match judged {
            Err(error) => Written::Failed(error),
            Ok((value, (revision, steps))) => match begun.commit() {
                Ok(()) => Written::Done(value, steps, revision),
                Err(error) => Written::Doubtful(value, steps, revision, error.into()),
            },
        }
    }

    fn closed(&self) -> bool {
        let database = self.shared.database.read();
        database.unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Opens the file anew; its revision.
    fn reopen(&mut self) -> Result<u64, StoreError> {
        let path = &self.shared.path;
        let database = self.shared.database.write();
        let mut database = database.unwrap_or_else(PoisonError::into_inner);
        *database = None;
        let fresh = file::reopen(path)?;
        let found = file::meta(&fresh, "revision").map_err(|error| file::error(path, error))?;
        *database = Some(fresh);
        drop(database);
        if found != self.revision {
            // Steps that no watcher was told of.
            self.shared.history.skip(found);
            self.revision = found;
        }
        Ok(found)
    }

    fn lease(&mut self, job: Job) {
        match job {
            Job::Commit(..) => {}
            Job::Grant(seconds, answer) => {
                let granted = self.write(|group| group.grant(seconds));
                if let Ok(lease) = &granted {
                    self.leases.insert(lease.0, (seconds, ends(seconds)));
                }
                let _ = answer.send(granted);
            }
            Job::KeepAlive(lease, answer) => {
                let kept = match self.leases.get_mut(&lease.0) {
                    Some((seconds, end)) => {
                        *end = ends(*seconds);
                        Ok(Duration::from_secs(*seconds))
                    }
                    None => Err(StoreError::LeaseGone { lease }),
                };
                let _ = answer.send(kept);
            }
            Job::Revoke(lease, answer) => {
                let _ = answer.send(self.end(&[lease.0]));
            }
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        let due = self.leases.iter().filter(|(_, (_, end))| *end <= now);
        let due: Vec<_> = due.map(|(id, _)| *id).collect();
        if !due.is_empty() && self.end(&due).is_err() {
            for id in due {
                if let Some((_, end)) = self.leases.get_mut(&id) {
                    *end = now + AGAIN;
                }
            }
        }
    }

    fn end(&mut self, leases: &[i64]) -> Result<(), StoreError> {
        self.write(|group| leases.iter().try_for_each(|lease| group.end(*lease)))?;
        leases.iter().for_each(|lease| {
            self.leases.remove(lease);
        });
        Ok(())
    }
}

fn ends(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// The same error for the next one who waits.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::OutOfSpace { place, source } => StoreError::OutOfSpace {
            place: place.clone(),
            source: source.to_string().into(),
        },
        StoreError::Corrupt { path, source } => StoreError::Corrupt {
            path: path.clone(),
            source: source.to_string().into(),
        },
        StoreError::File { path, source } => StoreError::File {
            path: path.clone(),
            source: source.to_string().into(),
        },
        other => StoreError::Unknown {
            place: String::new(),
            source: other.to_string().into(),
        },
    }
}
