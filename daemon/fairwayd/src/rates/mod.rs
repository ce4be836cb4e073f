//! Rates: how much containers may send and get, kept on this node.
//!
//! One thread owns the engine, which decides, and the kernel's side, which does it. It hears of `RateLimit`
//! objects and of administrators' words from the store, of this node's containers from the plugins, and of links
//! that go from the kernel.
//!
//! What is in the kernel holds without the daemon. One that starts knows its containers from its own folder, waits
//! for the store's whole picture, and then puts its program in place of the one before, link by link; a container
//! that comes meanwhile has what its own configuration asks for.

mod feed;
pub(crate) mod keys;
mod plane;
mod record;
mod tally;
mod told;
mod turn;
mod wanted;

pub(crate) use record::RateRecord;
pub(crate) use tally::Tally;

use crate::{
    error::Error,
    inbox::Outbox,
    registry::{Filed as _, Registry},
    worker,
};
use fairway_api::{ErrorBody, admin, endpoint};
use fairway_ipam::AttachmentId;
use fairway_kv::{Revision, Update};
use plane::Running;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use tokio::sync::oneshot;
use turn::Turn;

/// What the thread is called.
const NAME: &str = "rates";

/// What the thread runs by.
pub(crate) struct Beginning {
    pub(crate) state_dir: PathBuf,
    /// Whose way in had a queue when this daemon began: [`shaped`].
    pub(crate) former: BTreeSet<AttachmentId>,
    /// Is told whose way in has one.
    pub(crate) tell: Box<dyn Fn(BTreeSet<AttachmentId>) + Send>,
}

type To<T> = oneshot::Sender<Result<T, ErrorBody>>;

/// Of what something is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// `NAMESPACE/POD`.
    Workload(String),
    /// A `RateLimit`'s name.
    RateLimit(String),
}

/// What is put to the thread.
enum Message {
    Store(Update),
    Shape(Box<RateRecord>, To<endpoint::Shaped>),
    Withdraw(AttachmentId, String, To<bool>),
    Verify(AttachmentId, To<()>),
    List(admin::RateList, oneshot::Sender<Vec<admin::Rate>>),
    History(admin::RateList, oneshot::Sender<Vec<admin::RateChanged>>),
    /// What is worth knowing, once the store was seen as of that revision.
    Warnings(About, Revision, oneshot::Sender<Vec<String>>),
    Problems(oneshot::Sender<Vec<String>>),
    Tally(oneshot::Sender<Tally>),
}

/// A handle on the thread; clones share it.
#[derive(Clone)]
pub(crate) struct Rates {
    outbox: Outbox<Message>,
}

impl Rates {
    /// Starts the thread, in the network namespace of the caller.
    ///
    /// # Errors
    /// Where the kernel cannot be asked, or the folder of containers be read.
    pub(crate) async fn start(beginning: Beginning) -> Result<Rates, Error> {
        let begin = move || Turn::new(beginning, Running);
        let run = move |inbox, started| worker::run(NAME, begin, inbox, started);
        let outbox = worker::start(NAME, run).await?;
        Ok(Rates { outbox })
    }

    /// What the store shows.
    pub(crate) fn store(&self, update: Update) {
        self.outbox.tell(Message::Store(update));
    }

    /// Keeps a container's rates from now on; comes back when they are kept.
    ///
    /// # Errors
    /// Where they cannot be.
    pub(crate) async fn shape(&self, record: RateRecord) -> Result<endpoint::Shaped, ErrorBody> {
        self.outbox
            .ask(|to| Message::Shape(Box::new(record), to))
            .await?
    }

    /// What somebody has asked for a container is not asked for any more; false where nobody has. The container
    /// may be gone, so nothing is waited for.
    ///
    /// # Errors
    /// Where that cannot be written down.
    pub(crate) async fn withdraw(
        &self,
        attachment: AttachmentId,
        by: String,
    ) -> Result<bool, ErrorBody> {
        let withdraw = |to| Message::Withdraw(attachment, by, to);
        self.outbox.ask(withdraw).await?
    }

    /// Are a container's rates kept?
    ///
    /// # Errors
    /// Where they are not; says what is missing.
    pub(crate) async fn verify(&self, attachment: AttachmentId) -> Result<(), ErrorBody> {
        self.outbox
            .ask(|to| Message::Verify(attachment, to))
            .await?
    }

    /// Limits of this node.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn list(&self, list: admin::RateList) -> Result<Vec<admin::Rate>, ErrorBody> {
        self.outbox.ask(|to| Message::List(list, to)).await
    }

    /// How they have changed.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn history(
        &self,
        list: admin::RateList,
    ) -> Result<Vec<admin::RateChanged>, ErrorBody> {
        self.outbox.ask(|to| Message::History(list, to)).await
    }

    /// What is worth knowing of limits on this node. Comes back when what the store held as of that revision is
    /// in force here, or after a while: the store may be gone again.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn warnings(
        &self,
        about: About,
        since: Revision,
    ) -> Result<Vec<String>, ErrorBody> {
        let warnings = |to| Message::Warnings(about, since, to);
        self.outbox.ask(warnings).await
    }

    /// What keeps limits from being kept.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn problems(&self) -> Result<Vec<String>, ErrorBody> {
        self.outbox.ask(Message::Problems).await
    }

    /// How it stands, in numbers.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn tally(&self) -> Result<Tally, ErrorBody> {
        self.outbox.ask(Message::Tally).await
    }

    /// Comes back when the thread has ended, by itself or because it was told to.
    pub(crate) async fn ended(&self) {
        self.outbox.ended().await;
    }

    /// Ends the thread; what is in the kernel stays.
    pub(crate) async fn end(&self) {
        self.outbox.end().await;
    }
}

/// Whose way in has a queue by what a daemon before has put there: no packet may go past it, also in the moment
/// before this one's thread knows.
pub(crate) fn shaped(state_dir: &Path) -> Result<BTreeSet<AttachmentId>, Error> {
    let registry = Registry::<RateRecord>::open(state_dir)?;
    let shaped = registry.all().filter(|record| {
        let [host, _] = wanted::places(record);
        plane::is_shaped(&Running, &host)
    });
    Ok(shaped.map(RateRecord::attachment).collect())
}

/// Takes all of rates away from this node's kernel, for good.
///
/// # Errors
/// What the kernel refuses.
pub(crate) fn clear(state_dir: &Path) -> Result<(), Error> {
    let mut registry = Registry::<RateRecord>::open(state_dir)?;
    let all: Vec<RateRecord> = registry.all().cloned().collect();
    for record in all {
        let [host, inside] = wanted::places(&record);
        // One whose namespace is gone has its link here at most.
        drop(plane::clear(&Running, &inside, Some(&host)));
        plane::clear(&Running, &host, None)?;
        registry.remove(&record.attachment());
    }
    Ok(())
}
