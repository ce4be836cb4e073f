//! BGP: this node tells other routers where containers are, and learns from them.
//!
//! One task has it all: it hears of objects and of what is this node's from the store, reads keys from files, and
//! has the speaker run when an object is for this node, and only then. The speaker has a thread of its own
//! ([`fairway_speaker`]); what it learns goes to the thread of routes, which puts it into networks' tables. The
//! node's own routing table is never touched.

mod answer;
mod feed;
pub(crate) mod keys;
mod own;
mod password;
mod running;
mod told;
mod turn;
mod wanted;

use crate::{convert::body, driver::Driver, hops::Hops, routes::Routes};
use fairway_api::{ErrorBody, admin};
use fairway_bgp::Prefix;
use fairway_cni::Code;
use fairway_ipam::NodeName;
use fairway_kv::Update;
use std::{net::IpAddr, path::PathBuf};
use tokio::sync::{
    mpsc::{UnboundedSender, unbounded_channel},
    oneshot,
};
use turn::Turn;

/// What the task runs by.
pub(crate) struct Beginning {
    pub(crate) node: NodeName,
    /// Knows where this node is, and is told what neighbours tell.
    pub(crate) routes: Routes,
    /// Knows whether containers are here.
    pub(crate) driver: Driver,
    /// Where sessions are recorded, if they are.
    pub(crate) record: Option<PathBuf>,
    /// Knows how next hops are reached.
    pub(crate) hops: Hops,
}

type To<T> = oneshot::Sender<Result<T, ErrorBody>>;

/// Which routes, behind which prefix, and how many bytes of them are enough.
struct Asked {
    list: admin::BgpRouteList,
    after: Option<Prefix>,
    enough: usize,
}

/// Some routes, by prefix.
pub(crate) struct Listed {
    pub(crate) routes: Vec<admin::BgpRoute>,
    /// There are more behind this one.
    pub(crate) next: Option<Prefix>,
}

/// What is put to the task.
enum Message {
    Store(Update),
    Peers(To<admin::BgpPeers>),
    Neighbour(IpAddr, To<admin::BgpNeighbor>),
    Routes(Asked, To<Listed>),
    Reset(admin::BgpReset, To<()>),
    Problems(To<Vec<String>>),
    End(oneshot::Sender<()>),
}

/// A handle on the task; clones share it.
#[derive(Clone)]
pub(crate) struct Bgp {
    tell: UnboundedSender<Message>,
}

impl Bgp {
    /// Starts the task. Its sockets are in the network namespace of the runtime's threads.
    pub(crate) fn start(beginning: Beginning) -> Bgp {
        let (tell, told) = unbounded_channel();
        tokio::spawn(Turn::new(beginning).run(told));
        Bgp { tell }
    }

    /// What the store shows.
    pub(crate) fn store(&self, update: &Update) {
        // Where the task has ended, whoever asks hears of it.
        if let Some(update) = concerning(update) {
            drop(self.tell.send(Message::Store(update)));
        }
    }

    /// The speaker and its neighbours.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn peers(&self) -> Result<admin::BgpPeers, ErrorBody> {
        self.ask(Message::Peers).await
    }

    /// A neighbour, whole.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) async fn neighbour(
        &self,
        get: admin::BgpNeighborGet,
    ) -> Result<admin::BgpNeighbor, ErrorBody> {
        self.ask(|to| Message::Neighbour(get.address, to)).await
    }

    /// Those behind a prefix, until they are `enough` bytes.
    ///
    /// # Errors
    /// Where it is not clear which are wanted, or the neighbour is none.
    pub(crate) async fn routes(
        &self,
        list: admin::BgpRouteList,
        after: Option<Prefix>,
        enough: usize,
    ) -> Result<Listed, ErrorBody> {
        let asked = Asked {
            list,
            after,
            enough,
        };
        self.ask(|to| Message::Routes(asked, to)).await
    }

    /// Ends a session, which begins anew, or asks and tells all once more.
    ///
    /// # Errors
    /// Where the neighbour is none.
    pub(crate) async fn reset(&self, reset: admin::BgpReset) -> Result<(), ErrorBody> {
        self.ask(|to| Message::Reset(reset, to)).await
    }

    /// What does not hold on this node, and why.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn problems(&self) -> Result<Vec<String>, ErrorBody> {
        self.ask(Message::Problems).await
    }

    /// Comes back when the task has ended, by itself or because it was told to.
    pub(crate) async fn ended(&self) {
        self.tell.closed().await;
    }

    /// Ends the task. Neighbours are told nothing: they keep this node's routes for a while (RFC 4724), as the
    /// kernel keeps those that lead to containers.
    pub(crate) async fn end(&self) {
        let (to, done) = oneshot::channel();
        drop(self.tell.send(Message::End(to)));
        let _gone = done.await;
    }

    async fn ask<T>(&self, message: impl FnOnce(To<T>) -> Message) -> Result<T, ErrorBody> {
        let (to, answer) = oneshot::channel();
        drop(self.tell.send(message(to)));
        let gone = |_| body(Code::TRY_AGAIN, "the daemon ends");
        answer.await.map_err(gone)?
    }
}

/// What an update says of BGP and of what is announced; none: nothing.
fn concerning(update: &Update) -> Option<Update> {
    let concerns = |path: &str| keys::Key::parse(path).is_some() || own::Own::concerns(path);
    crate::feed::concerning(update, concerns)
}
