//! The IPAM driver: one thread that owns the agent and its journal.
//!
//! It takes all that waits, lets the agent handle each, makes one commit of the journal, and only then acts:
//! answers, transactions, everything. An answer that left before its allocation was durable would be an
//! address given twice after a power cut; so the one exception (`early`) is marked as such and followed by
//! the real answer.

mod agent;
mod pending;
#[cfg(test)]
mod tests;
mod thread;

pub use agent::{Core, Failure};
pub use pending::{Pending, Said};

use crate::{
    clock::Clocks,
    journal::{Contents, Journal, JournalFault},
    metrics::keep::Counters,
    trace,
};
use fairway_api::Trace;
use fairway_ipam::{
    Answer, AttachmentId, JournalError, Lease, Netns, NodeName, Outcome, Request, RequestId,
    Settings, Sighting, TxnId, View,
};
use fairway_kv::{Txn, Update};
use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

/// Which life of the agent something belongs to: it begins anew after a commit of the journal has failed,
/// and what was under way for the one before is not its business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(u64);

/// What the agent wants done by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A transaction; its outcome is told by [`Driver::outcome`], once.
    Commit {
        /// Whose.
        generation: Generation,
        /// Its name.
        id: TxnId,
        /// What to commit.
        txn: Txn,
        /// The call that it follows from, where it follows from one at once.
        trace: Option<Trace>,
    },
    /// Addresses that a container must not use any more.
    CutOff {
        /// Whose.
        attachment: AttachmentId,
        /// Where it is.
        netns: Option<Netns>,
        /// Which.
        addresses: Vec<IpAddr>,
    },
    /// There is a new agent, which must be told all of the store anew.
    Restarted {
        /// The new one.
        generation: Generation,
    },
}

type Look = Box<dyn FnOnce(&View) + Send>;

/// What is put to the thread.
pub(crate) enum Message {
    Request(RequestId, Request, Asking),
    Cancel(RequestId),
    Unheard(AttachmentId, u64),
    Store(Generation, Update),
    Outcome(Generation, TxnId, Outcome),
    Leases(oneshot::Sender<Result<Vec<Lease>, Failure>>),
    Sequence(oneshot::Sender<Result<u64, Failure>>),
    Fault(oneshot::Sender<Option<String>>),
    Settled(oneshot::Sender<bool>),
    Look(Look),
    /// Refuse what waits and what comes; go on with the store.
    Quiesce(oneshot::Sender<()>),
    End,
}

/// Who asks, and how.
#[derive(Debug)]
pub(crate) struct Asking {
    early: bool,
    to: UnboundedSender<Said>,
    trace: Option<Trace>,
}

/// What a driver begins with.
pub struct Beginning {
    /// For the agent; its journal's id is that of `contents`.
    pub settings: Settings,
    /// Where the agent's changes go.
    pub journal: Box<dyn Journal>,
    /// What the journal holds.
    pub contents: Contents,
    /// Which boot of the machine this is.
    pub boot: String,
    /// What the kernel shows, for when the journal is new.
    pub sightings: Vec<Sighting>,
    /// The clocks.
    pub clocks: Clocks,
    /// Who carries out the agent's orders.
    pub orders: UnboundedSender<Order>,
    /// Counts what operators should hear of.
    pub(crate) notices: Counters<1>,
}

/// Why a driver does not start.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The agent cannot make sense of its journal.
    #[error(transparent)]
    Agent(#[from] JournalError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalFault),
    /// The journal is that of a node with another name. By this one all that its containers have would be
    /// somebody else's.
    #[error(
        "node: the journal is that of node {was}, and this one is called {now}. Start it as {was} (--node, \
         FAIRWAY_NODE); to rename a node, end its containers, run fairwayd --node {was} --cleanup, and start \
         it as {now}"
    )]
    Renamed {
        /// The name in the journal.
        was: NodeName,
        /// The name now.
        now: NodeName,
    },
    /// No thread to be had.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A driver that runs.
#[derive(Debug)]
pub struct Started {
    /// The handle on it.
    pub driver: Driver,
    /// Its thread.
    pub thread: JoinHandle<()>,
    /// Attachments up to this number were made before the machine was booted.
    pub former: u64,
}

/// A handle on the thread; clones share it.
#[derive(Debug, Clone)]
pub struct Driver {
    inbox: mpsc::Sender<Message>,
    next: Arc<AtomicU64>,
}

impl Driver {
    /// Makes the agent and starts the thread. Orders are put into their channel from the start; they may
    /// wait there.
    ///
    /// # Errors
    /// See [`DriverError`]; nothing was answered or committed to the store then.
    pub fn start<C: Core>(beginning: Beginning) -> Result<Started, DriverError> {
        let (inbox, messages) = mpsc::channel();
        let (body, former) = thread::Body::<C>::begin(beginning)?;
        let thread = std::thread::Builder::new().name("ipam".to_owned());
        let thread = thread.spawn(move || body.run(&messages));
        let driver = Driver {
            inbox,
            next: Arc::new(AtomicU64::new(1)),
        };
        let thread = thread.map_err(DriverError::Thread)?;
        Ok(Started {
            driver,
            thread,
            former,
        })
    }

    fn tell(&self, message: Message) {
        // Where the thread has ended, whoever waits for an answer sees its channel closed.
        drop(self.inbox.send(message));
    }

    /// Asks the agent. Dropping what is returned before the answer is there cancels the request.
    pub fn request(&self, request: Request, early: bool) -> Pending {
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let (to, said) = tokio::sync::mpsc::unbounded_channel();
        let asking = Asking {
            early,
            to,
            trace: trace::current(),
        };
        self.tell(Message::Request(id, request, asking));
        Pending::new(id, said, self.inbox.clone())
    }

    /// Asks the agent and waits for its answer.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        self.request(request, false).answer().await
    }

    /// What was given with this number was told to nobody.
    pub fn unheard(&self, attachment: AttachmentId, seq: u64) {
        self.tell(Message::Unheard(attachment, seq));
    }

    /// What attachments of this node have.
    ///
    /// # Errors
    /// [`Failure::Stopping`], and [`Failure::Journal`]: nothing is known while it cannot be written.
    pub async fn leases(&self) -> Result<Vec<Lease>, Failure> {
        self.inquire(Message::Leases).await?
    }

    /// The highest sequence number so far.
    ///
    /// # Errors
    /// As [`Driver::leases`].
    pub async fn sequence(&self) -> Result<u64, Failure> {
        self.inquire(Message::Sequence).await?
    }

    /// Why the journal cannot be written. `None`: it can.
    ///
    /// # Errors
    /// [`Failure::Stopping`].
    pub async fn fault(&self) -> Result<Option<String>, Failure> {
        self.inquire(Message::Fault).await
    }

    async fn inquire<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, Failure> {
        let (to, answer) = oneshot::channel();
        self.tell(message(to));
        answer.await.map_err(|_| Failure::Stopping)
    }

    /// Tells the agent what the store shows.
    pub fn store(&self, generation: Generation, update: Update) {
        self.tell(Message::Store(generation, update));
    }

    /// Tells the agent what became of a transaction.
    pub fn outcome(&self, generation: Generation, id: TxnId, outcome: Outcome) {
        self.tell(Message::Outcome(generation, id, outcome));
    }

    /// Looks at what the agent knows of the store. The thread does nothing else meanwhile: be quick.
    ///
    /// # Errors
    /// [`Failure::Stopping`].
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.inquire(|to| {
            Message::Look(Box::new(move |view| {
                let _gone = to.send(look(view));
            }))
        })
        .await
    }

    /// Has the store been told all?
    ///
    /// # Errors
    /// [`Failure::Stopping`].
    pub async fn settled(&self) -> Result<bool, Failure> {
        self.inquire(Message::Settled).await
    }

    /// From now on requests are refused, and those that wait too; what is told to the store goes on.
    pub async fn quiesce(&self) {
        let _ended = self.inquire(Message::Quiesce).await;
    }

    /// Ends the thread after the commit that is under way.
    pub fn end(&self) {
        self.tell(Message::End);
    }
}
