//! What goes into an agent and what comes out.

use super::Refusal;
use crate::{
    AppName, AttachmentId, Cidr, ClaimName, Clock, Family, Handover, JournalChange, JournalId,
    Millis, Netns, NodeName, PoolName, Release, Workload,
};
use fairway_kv::{Committed, Condition, Revision, Txn, Update};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// What a node is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub node: NodeName,
    /// Its journal; a new one for each new journal.
    pub journal: JournalId,
    /// Which boot of its machine, where that is known.
    pub boot: Option<String>,
    /// Its labels, for pools' selectors.
    pub labels: BTreeMap<String, String>,
    /// How long a change in a block may wait until it is told to the store, in milliseconds.
    pub publish_after: u64,
    /// How long a block that is not needed is kept, in milliseconds.
    pub idle_block: u64,
    /// How long another node may take to say whether an address can be had, in milliseconds.
    pub ask: u64,
    /// How long an ADD waits for a claim's holder to go (`handover: wait`), in milliseconds.
    pub wait: u64,
    /// After how long a node that is not alive loses its blocks by itself, in milliseconds. None: never,
    /// since a node that is cut off may still run its containers.
    pub reclaim: Option<u64>,
}

impl Settings {
    /// Usual values for a node.
    pub fn new(node: NodeName, journal: JournalId) -> Settings {
        Settings {
            node,
            journal,
            boot: None,
            labels: BTreeMap::new(),
            publish_after: 200,
            idle_block: 60_000,
            ask: 3_000,
            wait: 5_000,
            reclaim: None,
        }
    }
}

/// Names a request until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names a transaction until its outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId(pub u64);

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody wants something.
    Request(RequestId, Request),
    /// Whoever asked has gone before there was an answer: the request is given up.
    Cancel(RequestId),
    /// The store changed, or cannot be reached.
    Store(Update),
    /// A transaction's outcome.
    Txn(TxnId, Outcome),
    /// Time has passed; due at [`crate::Agent::deadline`].
    Tick,
}

/// What became of a transaction that was handed out.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The store's answer.
    Done(Committed),
    /// No answer, or nobody could be asked: it may or may not have been committed.
    Unknown,
    /// It was certainly not committed: the store is out of space, or does not let us.
    Rejected {
        /// The store's word.
        reason: String,
    },
}

/// What can be asked of an agent.
#[derive(Debug, Clone)]
pub enum Request {
    /// Addresses for an attachment.
    Allocate(Box<Allocate>),
    /// An attachment goes. Idempotent; answered as soon as it is durable.
    Release(AttachmentId),
    /// The attachment was seen to be gone when it had this sequence number. Does nothing where it has
    /// another one by now.
    Gone(AttachmentId, u64),
    /// Whoever was to be told what was given with this sequence number was not there any more. Does nothing
    /// where somebody else was told the same meanwhile.
    Unheard(AttachmentId, u64),
    /// Does the attachment have these addresses?
    Check(AttachmentId, Vec<IpAddr>),
    /// Of this network, only these (container, interface) are there still. `before`: attachments with a
    /// sequence number above it are younger than the list and are left alone.
    Collect {
        /// The network.
        network: String,
        /// What is there.
        keep: BTreeSet<(String, String)>,
        /// [`crate::Agent::sequence`] when the list was received.
        before: u64,
    },
    /// Would an ADD with these facts get an address now?
    Status {
        /// `ipam.pool`.
        pool: Option<PoolName>,
        /// The container's namespace, if known.
        namespace: Option<String>,
    },
    /// A claim, made by hand.
    CreateClaim(Box<CreateClaim>),
}

/// A request for addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocate {
    /// For which interface of which container.
    pub attachment: AttachmentId,
    /// Where it is.
    pub netns: Option<Netns>,
    /// The pool asked for; else one that takes this node and namespace.
    pub pool: Option<PoolName>,
    /// The container's namespace, for pools' selectors.
    pub namespace: Option<String>,
    /// The workload, if it is known.
    pub workload: Option<Workload>,
    /// The workload's name, for people.
    pub label: Option<String>,
    /// When the workload's claim is given back; else the pool's.
    pub release: Option<Release>,
    /// What it gets while its claim is held; else the claim's.
    pub handover: Option<Handover>,
    /// These very addresses, at most one of a family.
    pub addresses: Vec<IpAddr>,
    /// Until when an answer is of use.
    pub deadline: Millis,
}

/// A claim made by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateClaim {
    /// Its pool.
    pub pool: PoolName,
    /// Its name.
    pub name: ClaimName,
    /// These very addresses; families that are not named get any.
    pub addresses: Vec<IpAddr>,
    /// When it is given back.
    pub release: Release,
    /// What a newcomer gets while it is held.
    pub handover: Handover,
    /// What it belongs to.
    pub app: Option<AppName>,
    /// What must hold in the store at the moment at which it comes into being, besides what the address logic itself
    /// asks for; of keys that are not the address logic's.
    pub only_while: Vec<Condition>,
    /// Until when an answer is of use.
    pub deadline: Millis,
}

/// An address that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// The prefix that it is in.
    pub range: Cidr,
    /// The prefix's gateway.
    pub gateway: Option<IpAddr>,
    /// Its pool.
    pub pool: PoolName,
    /// The claim that it belongs to.
    pub claim: Option<ClaimName>,
}

/// Addresses that were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocated {
    /// To whom.
    pub attachment: AttachmentId,
    /// One of each family, IPv4 first.
    pub addresses: Vec<Address>,
    /// The number of this giving.
    pub seq: u64,
    /// The workload has a claim, but somebody holds it still: these are for this container only.
    pub temporary: bool,
    /// They were given before, and are the attachment's whether this answer is heard or not.
    pub repeated: bool,
}

/// How a pool stands on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headroom {
    /// The pool.
    pub pool: PoolName,
    /// Of which family.
    pub family: Family,
    /// Free addresses in blocks of this node.
    pub free: u64,
    /// Blocks of this node.
    pub blocks: u64,
    /// Blocks that nobody owns.
    pub unowned: u128,
}

/// An answer to [`Request::Status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Is the store there, and up to date?
    pub connected: bool,
    /// Each family of each pool that an ADD could use.
    pub pools: Vec<Headroom>,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Allocate`].
    Allocated(Allocated),
    /// To [`Request::Release`] and [`Request::Gone`]: what was freed.
    Released(Vec<IpAddr>),
    /// To [`Request::Check`].
    Checked,
    /// To [`Request::Collect`]: what was freed.
    Collected(Vec<AttachmentId>),
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::CreateClaim`].
    Claimed(Vec<IpAddr>),
}

/// Something that an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A block was given on while this node was thought dead.
    BlockLost {
        /// Its pool.
        pool: PoolName,
        /// The block.
        block: Cidr,
        /// To whom.
        to: String,
    },
    /// A value in the store cannot be read.
    Unreadable {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// The store refuses writes.
    Rejected {
        /// Its word.
        reason: String,
    },
    /// The store is an older copy of itself, or another one.
    Rewound {
        /// What was heard of before.
        from: Revision,
        /// What it is at now.
        to: Revision,
    },
    /// This node took the blocks of one that has been away for too long.
    Reclaimed {
        /// The node.
        node: NodeName,
        /// How many blocks.
        blocks: u64,
    },
}

/// Something to be done, once the journal is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answer a request.
    Answer(RequestId, Result<Answer, Refusal>),
    /// Commit a transaction and report its outcome by [`Input::Txn`].
    Commit(TxnId, Txn),
    /// Take these addresses away from a container: somebody else has them. It is not repeated after a
    /// crash by itself; [`crate::Agent::leases`] shows what is cut off.
    CutOff {
        /// Whose.
        attachment: AttachmentId,
        /// Where it is.
        netns: Option<Netns>,
        /// Which.
        addresses: Vec<IpAddr>,
    },
    /// Tell an operator.
    Notify(Notice),
}

/// What a call adds to what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// To be made durable before any action is carried out, in this order.
    pub journal: Vec<JournalChange>,
    /// To be carried out, in this order.
    pub actions: Vec<Action>,
}

/// What an attachment of this node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which interface of which container.
    pub attachment: AttachmentId,
    /// Where it is.
    pub netns: Option<Netns>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The claim that they belong to.
    pub claim: Option<ClaimName>,
    /// The workload's name, for people.
    pub label: Option<String>,
    /// The number of this giving.
    pub seq: u64,
    /// When it was given.
    pub since: crate::UnixSeconds,
    /// Its addresses were given on to others; it must not use them.
    pub cut_off: bool,
}

/// A container's interface that the kernel shows, with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which interface of which container.
    pub attachment: AttachmentId,
    /// Where it is.
    pub netns: Option<Netns>,
    /// What the kernel shows on it.
    pub addresses: Vec<IpAddr>,
}

/// What an agent starts from.
#[derive(Debug, Clone)]
pub struct Start {
    /// What it is told once.
    pub settings: Settings,
    /// Its journal; empty at the very first start, and when it was lost.
    pub journal: crate::Journal,
    /// What the kernel shows, for when the journal was lost.
    pub sightings: Vec<Sighting>,
    /// The time.
    pub clock: Clock,
}
