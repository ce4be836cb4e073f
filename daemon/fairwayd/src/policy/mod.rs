//! Policy: who may talk to whom, put in place on this node.
//!
//! One thread owns the engine, which says what is to be, and the dataplane, which does it. It hears of objects
//! and of other nodes' containers from the store, of this node's containers from the plugins, and of links
//! from the kernel. Its order is the promise: a link is closed before it is up, and opened when the kernel has
//! all that its policy needs.
//!
//! A daemon that starts fills maps of its own and then swaps the programs link by link; until it knows the
//! whole picture, the programs of the daemon before it go on with what that one knew.

mod feed;
mod fit;
mod flows;
mod groups;
pub(crate) mod keys;
mod links;
mod names;
mod plane;
mod publish;
pub(crate) mod record;
mod tally;
mod told;
mod turn;

pub(crate) use flows::FlowLog;
pub(crate) use record::{EndpointRecord, NAMESPACE};
pub(crate) use tally::Tally;
pub(crate) use told::reference;

use crate::{
    config::Policing,
    convert::body,
    error::Error,
    inbox::Outbox,
    link::Link,
    routes::ways::Changed,
    worker::{self, Turn as _},
};
use fairway_api::{ErrorBody, admin, endpoint};
use fairway_cni::Code;
use fairway_ipam::{AttachmentId, NodeName};
use fairway_kv::Update;
use fairway_netlink::Handle;
use fairway_policy::spec::{Kind, ObjectName};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use turn::Turn;

/// What the thread is called.
const NAME: &str = "policy";

/// What the thread runs by.
#[derive(Debug, Clone)]
pub(crate) struct Beginning {
    pub(crate) node: NodeName,
    pub(crate) state_dir: PathBuf,
    pub(crate) policing: Policing,
    /// For how long a node counts that is not heard of.
    pub(crate) grace: Duration,
    /// Whose way in has a queue, as a daemon before has left it.
    pub(crate) shaped: BTreeSet<AttachmentId>,
}

type To<T> = oneshot::Sender<Result<T, ErrorBody>>;

/// What is put to the thread.
enum Message {
    Store(Update),
    /// Ways to other nodes have changed.
    Ways(Changed),
    /// Whose way in has a queue that no packet may go past.
    Shaped(BTreeSet<AttachmentId>),
    /// A container must not use its addresses any more.
    Gone(AttachmentId),
    Guard(AttachmentId, bool, To<endpoint::Guarded>),
    Open(Box<EndpointRecord>, To<()>),
    Verify(AttachmentId, bool, To<()>),
    /// What was to be told to the store was, or could not be.
    Published(bool),
    Policies(oneshot::Sender<Vec<admin::Policy>>),
    Explain(Box<admin::PolicyExplain>, To<admin::PolicyExplained>),
    Audit(To<Vec<admin::AuditRow>>),
    Status(oneshot::Sender<admin::PolicyStatus>),
    Problems(oneshot::Sender<Vec<String>>),
    Tally(oneshot::Sender<Tally>),
    /// Has the store shown this key?
    Knows(String, oneshot::Sender<bool>),
}

/// How long a pod's object may take to come by way of the store.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(10);

/// A handle on the thread; clones share it.
#[derive(Clone)]
pub(crate) struct Policy {
    outbox: Outbox<Message>,
    flows: Arc<FlowLog>,
}

impl Policy {
    /// Starts the thread, in the network namespace of the caller, and the task that tells the store.
    ///
    /// # Errors
    /// Where the kernel cannot be asked, or the folder of endpoints be read.
    pub(crate) async fn start(
        beginning: Beginning,
        link: Link,
    ) -> Result<(Policy, impl Future<Output = ()> + Send + use<>), Error> {
        let (orders, ordered) = mpsc::unbounded_channel();
        let flows = Arc::<FlowLog>::default();
        let log = flows.clone();
        let begin = move || {
            let handle = Handle::open().map_err(worker::failed(NAME))?;
            let mut turn = Turn::new(beginning, handle, orders, log)?;
            // What is there already goes on as it was from the first moment.
            turn.step();
            Ok(turn)
        };
        let run = move |inbox, started| worker::run(NAME, begin, inbox, started);
        let outbox = worker::start(NAME, run).await?;
        let policy = Policy { outbox, flows };
        let publishing = publish::carry_out(ordered, link, policy.clone());
        Ok((policy, publishing))
    }

    /// What the store shows.
    pub(crate) fn store(&self, update: Update) {
        self.outbox.tell(Message::Store(update));
    }

    /// Ways to other nodes have changed.
    pub(crate) fn ways(&self, changed: Changed) {
        self.outbox.tell(Message::Ways(changed));
    }

    /// Whose way in has a queue that no packet may go past: all of them.
    pub(crate) fn shaped(&self, shaped: BTreeSet<AttachmentId>) {
        self.outbox.tell(Message::Shaped(shaped));
    }

    /// A container must not use its addresses any more: nothing passes its link from now on.
    pub(crate) fn gone(&self, attachment: AttachmentId) {
        self.outbox.tell(Message::Gone(attachment));
    }

    fn published(&self, done: bool) {
        self.outbox.tell(Message::Published(done));
    }

    /// Closes a link until its policy is in place.
    ///
    /// # Errors
    /// Where the link is not there, or policies cannot be enforced and must be.
    pub(crate) async fn guard(
        &self,
        attachment: AttachmentId,
        required: bool,
    ) -> Result<endpoint::Guarded, ErrorBody> {
        self.outbox
            .ask(|to| Message::Guard(attachment, required, to))
            .await?
    }

    /// Waits until the policy of a guarded link is in the kernel.
    ///
    /// # Errors
    /// Where it is not within a few seconds; says what is in the way.
    pub(crate) async fn open(&self, record: EndpointRecord) -> Result<(), ErrorBody> {
        self.outbox
            .ask(|to| Message::Open(Box::new(record), to))
            .await?
    }

    /// Waits until a pod's object is known: until then its labels are not, and policies would take it for another.
    ///
    /// # Errors
    /// Where it is not within a few seconds.
    pub(crate) async fn knows(&self, namespace: &str, pod: &str) -> Result<(), ErrorBody> {
        let name = ObjectName {
            kind: Kind::Pod,
            namespace: namespace.to_owned(),
            name: pod.to_owned(),
        };
        let path = keys::Key::Object(name).path();
        let until = Instant::now() + KNOWN_WITHIN;
        loop {
            let path = path.clone();
            if self.outbox.ask(|to| Message::Knows(path, to)).await? {
                return Ok(());
            }
            if Instant::now() >= until {
                let text = format!(
                    "pod {namespace}/{pod} has not come from the API server yet, and without its labels no policy \
                     can be told to hold for it"
                );
                return Err(body(Code::TRY_AGAIN, text));
            }
            sleep(LOOK).await;
        }
    }

    /// Is the policy of a link in place?
    ///
    /// # Errors
    /// Where it is not; says what is missing.
    pub(crate) async fn verify(
        &self,
        attachment: AttachmentId,
        required: bool,
    ) -> Result<(), ErrorBody> {
        self.outbox
            .ask(|to| Message::Verify(attachment, required, to))
            .await?
    }

    /// Policies, as this node sees them.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn policies(&self) -> Result<Vec<admin::Policy>, ErrorBody> {
        self.outbox.ask(Message::Policies).await
    }

    /// Who decides about packets, and how.
    ///
    /// # Errors
    /// Where one end is not known.
    pub(crate) async fn explain(
        &self,
        explain: admin::PolicyExplain,
    ) -> Result<admin::PolicyExplained, ErrorBody> {
        self.outbox
            .ask(|to| Message::Explain(Box::new(explain), to))
            .await?
    }

    /// What policies in audit would have refused.
    ///
    /// # Errors
    /// Where policies are not enforced here.
    pub(crate) async fn audit(&self) -> Result<Vec<admin::AuditRow>, ErrorBody> {
        self.outbox.ask(Message::Audit).await?
    }

    /// How policy stands on this node.
    ///
    /// # Errors
    /// Where the daemon ends.
    pub(crate) async fn status(&self) -> Result<admin::PolicyStatus, ErrorBody> {
        self.outbox.ask(Message::Status).await
    }

    /// What keeps policies from being in force.
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

    /// Flows that the dataplane told of.
    pub(crate) fn flows(&self) -> &FlowLog {
        &self.flows
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

/// Takes all of policy away from this node's kernel, for good.
///
/// # Errors
/// What the kernel refuses.
pub(crate) fn clear(policing: &Policing, node: &NodeName) -> Result<(), Error> {
    plane::clear(policing, node.as_str())
}
