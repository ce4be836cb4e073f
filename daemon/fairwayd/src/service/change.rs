//! Changes of the store that somebody asked for: read, computed, committed, and computed anew where
//! somebody else was quicker.
//!
//! They are computed from the store itself and not from the mirror: who changes a pool and lists it then
//! must see it changed. What was committed is waited for in the mirror too, so that the ADD that comes next
//! finds the new pool.

use super::Daemon;
use crate::{
    code::Coded as _,
    convert::body,
    server::{Gone, Replies},
};
use fairway_api::{ErrorBody, Progress};
use fairway_cni::Code;
use fairway_ipam::{
    PoolName, View,
    admin::{AdminError, Plan},
    keys::Key,
};
use fairway_kv::{Committed, ROOT, Revision, Txn, Write};
use fairway_store::{Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// How often a change is computed, in all.
const TRIES: u32 = 12;
/// How long the mirror may take to show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// A request that failed, or nobody to tell.
#[derive(Debug)]
pub(super) enum Stop {
    /// To be told.
    Error(ErrorBody),
    /// Nobody is there.
    Gone,
}

impl From<ErrorBody> for Stop {
    fn from(error: ErrorBody) -> Stop {
        Stop::Error(error)
    }
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Stop {
        Stop::Gone
    }
}

impl From<AdminError> for Stop {
    fn from(error: AdminError) -> Stop {
        Stop::Error(admin_error(&error))
    }
}

pub(super) fn admin_error(error: &AdminError) -> ErrorBody {
    let code = match error {
        AdminError::Unreadable { .. } => Code::IO,
        AdminError::Held { .. } | AdminError::Alive { .. } => Code::ADDRESS_UNAVAILABLE,
        _ => Code::INVALID_CONFIG,
    };
    body(code, error)
}

/// A pool that is asked about is there, readable or not: nothing found of one that is not would look as
/// though all were well.
pub(super) fn must_be_known(view: &View, pool: Option<&PoolName>) -> Result<(), AdminError> {
    match pool {
        Some(name)
            if !view.pools.contains_key(name)
                && !view
                    .unreadable
                    .contains_key(&Key::Pool(name.clone()).path()) =>
        {
            let pool = name.clone();
            Err(AdminError::NoPool { pool })
        }
        _ => Ok(()),
    }
}

pub(super) fn store_error(error: &StoreError) -> ErrorBody {
    body(error.code(), error)
}

fn away() -> ErrorBody {
    body(Code::TRY_AGAIN, "the store cannot be reached")
}

impl Daemon {
    pub(super) fn open_store(&self) -> Result<Arc<dyn Store>, ErrorBody> {
        self.link.store().ok_or_else(away)
    }

    /// What the store holds now.
    pub(super) async fn fresh(&self) -> Result<View, ErrorBody> {
        let range = self.open_store()?.range(ROOT).await;
        let range = range.map_err(|error| store_error(&error))?;
        // A large cluster is megabytes of JSON; others are served meanwhile.
        let read = move || View::from_entries(range.revision, range.entries);
        let view = tokio::task::spawn_blocking(read).await;
        view.map_err(|error| body(Code::INTERNAL, error))
    }

    /// What the store holds now or, where it is away, what this node heard of it last, with a note.
    pub(super) async fn listed(&self, replies: &mut Replies) -> Result<View, Stop> {
        // Where it is known to be away, nobody waits for it once more.
        let away = match self.link.connected() {
            true => self.fresh().await,
            false => Err(away()),
        };
        let away = match away {
            Err(away) if away.code == Code::TRY_AGAIN.number() => away,
            fresh => return Ok(fresh?),
        };
        let known = self.driver.look(View::clone).await;
        let Some(view) = known.ok().filter(|view| view.revision > Revision(0)) else {
            return Ok(self.fresh().await?);
        };
        let note = format!(
            "{}; this is what node {} knew last, at revision {}",
            away.message, self.config.node, view.revision.0
        );
        replies.progress(Progress::note(note)).await?;
        Ok(view)
    }

    /// Does what `plan` says, and tells the summary of each time that it was computed.
    pub(super) async fn change<T>(
        &self,
        what: &str,
        replies: &mut Replies,
        plan: impl Fn(&View) -> Result<Plan<T>, AdminError>,
    ) -> Result<Vec<T>, Stop> {
        let store = self.open_store()?;
        let mut summaries = Vec::new();
        let mut done = 0;
        for attempt in 0..TRIES {
            let planned = match plan(&self.fresh().await?) {
                // What was to go has gone, and most of it by us.
                Err(
                    AdminError::NoNode { .. }
                    | AdminError::NoClaim { .. }
                    | AdminError::NoApp { .. },
                ) if done > 0 => {
                    return Ok(summaries);
                }
                planned => planned?,
            };
            summaries.push(planned.summary);
            let total = done + planned.txns.len() as u64;
            let mut refused = false;
            let mut last = Revision::default();
            for txn in &planned.txns {
                match commit(&*store, txn).await? {
                    Some(revision) => last = revision,
                    None => {
                        refused = true;
                        break;
                    }
                }
                done += 1;
                if total > 1 {
                    let (what, total) = (what.to_owned(), Some(total));
                    replies.progress(Progress { what, done, total }).await?;
                }
            }
            if !refused {
                self.shown(last).await;
                return Ok(summaries);
            }
            sleep(Duration::from_millis(5 << attempt.min(6))).await;
        }
        let text = format_args!("{what}: others change the same all the time; try again");
        Err(body(Code::TRY_AGAIN, text).into())
    }

    /// As [`Daemon::change`], with one transaction.
    pub(super) async fn change_one(
        &self,
        what: &str,
        replies: &mut Replies,
        txn: impl Fn(&View) -> Result<Txn, AdminError>,
    ) -> Result<(), Stop> {
        let plan = |view: &View| {
            let txns = vec![txn(view)?];
            Ok(Plan { txns, summary: () })
        };
        self.change(what, replies, plan).await.map(drop)
    }

    /// Waits until this node's agent sees a revision, for a while.
    async fn shown(&self, revision: Revision) {
        let until = Instant::now() + SHOWN_WITHIN;
        while self.link.connected() && Instant::now() < until {
            match self
                .driver
                .look(move |view| view.revision >= revision)
                .await
            {
                Ok(false) => sleep(Duration::from_millis(2)).await,
                _ => return,
            }
        }
    }
}

/// Commits; none where a condition did not hold.
async fn commit(store: &dyn Store, txn: &Txn) -> Result<Option<Revision>, ErrorBody> {
    match store.commit(txn).await {
        Ok(Committed::Yes { revision }) => Ok(Some(revision)),
        Ok(Committed::No { .. }) => Ok(None),
        Err(error) if error.outcome_unknown() => match was_done(store, txn).await {
            Ok(found) => Ok(found),
            Err(second) => Err(ErrorBody {
                details: second.to_string(),
                ..store_error(&error)
            }),
        },
        Err(error) => Err(store_error(&error)),
    }
}

/// Does the store hold what a transaction of unknown outcome would have written?
async fn was_done(store: &dyn Store, txn: &Txn) -> Result<Option<Revision>, StoreError> {
    let mut at = Revision::default();
    for write in &txn.writes {
        let found = store.get(write.key()).await?;
        match (write, found) {
            (Write::Put { value, .. }, Some(found)) if found.value == *value => {
                at = at.max(found.modified);
            }
            (Write::Delete { .. }, None) => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(at))
}
