//! Routes: the routing table of this node, fed by store, agent and kernel, and the kernel's table that
//! follows it.
//!
//! One thread owns both, since all that they do is quick and must be in order: it takes what has come,
//! tells the routing table, and has the kernel brought into step. Nothing waits for it but a container that
//! has just come up (`endpoint.ready`) and an administrator who asks.
//!
//! As long as no network is there, nothing of the kernel is touched.

mod containers;
mod fabric;
mod feed;
mod firewall;
mod follow;
mod ground;
mod machine;
mod state;
mod tally;
mod told;
mod turn;
mod underlay;
mod wait;
pub(crate) mod ways;
mod worker;

pub(crate) use fabric::{Learned, Way};
pub(crate) use feed::held;
pub use ground::Ground;
pub(crate) use tally::Tally;
pub use underlay::Found;

use crate::{clock::Clocks, error::Error, hops::Hops, inbox::Outbox};
use fairway_api::{ErrorBody, admin, endpoint};
use fairway_fib::Fib;
use fairway_ipam::{AttachmentId, Lease, NodeName, record::UnderlayRecord};
use fairway_kv::Update;
use fairway_netfilter::node::NodeTable;
use std::{net::IpAddr, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};

/// What the thread runs by.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// This node.
    pub node: NodeName,
    /// The link of the underlay, where an operator names it.
    pub underlay: Option<String>,
    /// UDP port of the overlay.
    pub port: u16,
    /// Are checksums of packets in the overlay left to what is below?
    pub offload: bool,
    /// For how long the routes of a node stay that is not heard of.
    pub grace: Duration,
    /// The clocks.
    pub clocks: Clocks,
    /// Is told of ways to other nodes.
    pub(crate) ways: mpsc::UnboundedSender<ways::Changed>,
    /// Next hops of BGP, which are looked up anew where the kernel's routes change.
    pub(crate) hops: Hops,
}

/// What is put to the thread.
enum Message {
    Store(Update),
    /// Containers that were there before the thread.
    Leases(Vec<Lease>),
    Gone(AttachmentId),
    Prepare(
        String,
        oneshot::Sender<Result<endpoint::Prepared, ErrorBody>>,
    ),
    Ready(Box<Ready>),
    Endpoints(oneshot::Sender<Vec<endpoint::Endpoint>>),
    Routes(
        Option<String>,
        oneshot::Sender<Result<Vec<admin::Route>, ErrorBody>>,
    ),
    Why(
        admin::RouteWhy,
        oneshot::Sender<Result<admin::RouteExplained, ErrorBody>>,
    ),
    /// What BGP neighbours tell, otherwise than before.
    Learned(Vec<Learned>),
    /// Nobody tells anything any more.
    ForgetLearned,
    /// What neighbours told before the daemon began, they have told again, or they had the time.
    LearnedAgain,
    Problems(oneshot::Sender<Vec<String>>),
    Ground(oneshot::Sender<Ground>),
    Tally(oneshot::Sender<Tally>),
}

struct Ready {
    lease: Lease,
    network: String,
    addresses: Vec<IpAddr>,
    to: oneshot::Sender<Result<(), ErrorBody>>,
}

/// A handle on the thread; clones share it.
#[derive(Clone)]
pub struct Routes {
    outbox: Outbox<Message>,
    underlay: watch::Receiver<Option<UnderlayRecord>>,
}

impl Routes {
    /// Starts the thread, in the network namespace of the caller. When this returns, the underlay is known.
    ///
    /// # Errors
    /// Where the kernel cannot be asked.
    pub async fn start(beginning: Beginning) -> Result<Routes, Error> {
        let (found, underlay) = watch::channel(None);
        let run = move |inbox, started| worker::run(beginning, inbox, found, started);
        let outbox = crate::worker::start(worker::NAME, run).await?;
        Ok(Routes { outbox, underlay })
    }

    /// Where this node is, as others are to be told.
    pub fn underlay(&self) -> watch::Receiver<Option<UnderlayRecord>> {
        self.underlay.clone()
    }

    /// What the store shows.
    pub fn store(&self, update: Update) {
        self.outbox.tell(Message::Store(update));
    }

    /// What containers of this node have.
    pub fn leases(&self, leases: Vec<Lease>) {
        self.outbox.tell(Message::Leases(leases));
    }

    /// A container must not use its addresses any more.
    pub fn gone(&self, attachment: AttachmentId) {
        self.outbox.tell(Message::Gone(attachment));
    }

    /// What BGP neighbours tell, otherwise than before.
    pub(crate) fn learned(&self, learned: Vec<Learned>) {
        self.outbox.tell(Message::Learned(learned));
    }

    /// No neighbour tells anything any more.
    pub(crate) fn forget_learned(&self) {
        self.outbox.tell(Message::ForgetLearned);
    }

    /// What neighbours told before the daemon began, they have told again, or they had the time: what else is in the
    /// kernel may go.
    pub(crate) fn learned_again(&self) {
        self.outbox.tell(Message::LearnedAgain);
    }

    /// What a container of a network is to be like.
    ///
    /// # Errors
    /// Where the network is not there, or has no way to other nodes; names the field.
    pub async fn prepare(&self, network: String) -> Result<endpoint::Prepared, ErrorBody> {
        self.outbox.ask(|to| Message::Prepare(network, to)).await?
    }

    /// Waits until the kernel's routes lead to a container.
    ///
    /// # Errors
    /// Where they do not within a few seconds; says what is in the way.
    pub async fn ready(
        &self,
        lease: Lease,
        network: String,
        addresses: Vec<IpAddr>,
    ) -> Result<(), ErrorBody> {
        let ready = |to| {
            Message::Ready(Box::new(Ready {
                lease,
                network,
                addresses,
                to,
            }))
        };
        self.outbox.ask(ready).await?
    }

    /// Containers of this node that are in a network.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub async fn endpoints(&self) -> Result<Vec<endpoint::Endpoint>, ErrorBody> {
        self.outbox.ask(Message::Endpoints).await
    }

    /// All routes, or those of a network.
    ///
    /// # Errors
    /// Where there is no such network.
    pub async fn routes(&self, network: Option<String>) -> Result<Vec<admin::Route>, ErrorBody> {
        self.outbox.ask(|to| Message::Routes(network, to)).await?
    }

    /// Which way an address goes, and why.
    ///
    /// # Errors
    /// Where there is no such network, or none that has the address.
    pub async fn why(&self, why: admin::RouteWhy) -> Result<admin::RouteExplained, ErrorBody> {
        self.outbox.ask(|to| Message::Why(why, to)).await?
    }

    /// What keeps packets from going where they should.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub async fn problems(&self) -> Result<Vec<String>, ErrorBody> {
        self.outbox.ask(Message::Problems).await
    }

    /// What everything else rests on.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub async fn ground(&self) -> Result<Ground, ErrorBody> {
        self.outbox.ask(Message::Ground).await
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
    pub async fn end(&self) {
        self.outbox.end().await;
    }
}

/// Takes away all routes, rules and links that routes have made, for good.
///
/// # Errors
/// What the kernel refuses.
pub fn clear() -> Result<(), Error> {
    let failed = |source: std::io::Error| Error::System {
        what: "routes",
        source,
    };
    let handle = fairway_netlink::Handle::open();
    let handle = handle.map_err(|error| failed(std::io::Error::other(error)))?;
    let mut fib = Fib::new(handle);
    fib.clear();
    if let Some(problem) = fib.problems().first() {
        return Err(failed(std::io::Error::other(problem.to_string())));
    }
    let table = NodeTable::open().and_then(|mut table| table.remove());
    table.map_err(|error| failed(std::io::Error::other(error)))
}
