//! What is to happen, in the order of virtual time; what is due at once keeps the order it was planned in.

use fairway_ipam::{AttachmentId, Input, Outcome, RequestId, TxnId};
use fairway_kv::Txn;
use std::{cmp::Ordering, collections::BinaryHeap};

/// Virtual time: true milliseconds since the run's start.
pub(crate) type Ms = u64;

/// A node's place in the world's list.
pub(crate) type NodeIx = usize;

/// Which process of a node; an event for an earlier one is void.
pub(crate) type Incarnation = u32;

/// How a transaction that was sent fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and the outcome is told.
    Told,
    /// It is done, but nobody hears of it.
    Silent,
    /// It never arrives.
    Lost,
}

/// Something that is due.
#[derive(Debug)]
pub(crate) enum Event {
    /// The next thing that chance brings.
    Chance,
    /// An input arrives at a node's daemon.
    Deliver(NodeIx, Incarnation, Box<Input>),
    /// A daemon looks at its inputs.
    Work(NodeIx, Incarnation),
    /// The journal's disk is done with what was written so far.
    Durable(NodeIx, Incarnation),
    /// A daemon carries out the next action.
    Act(NodeIx, Incarnation),
    /// An agent's deadline.
    Tick(NodeIx, Incarnation),
    /// A node's watch brings something.
    Pump(NodeIx),
    /// A node notices that it is cut off.
    NoticeLoss(NodeIx, u32),
    /// A transaction arrives at the store.
    Execute(Box<Flight>),
    /// A transaction's outcome arrives.
    Told(NodeIx, Incarnation, TxnId, Box<Outcome>),
    /// A request should have been answered by now.
    Overdue(NodeIx, Incarnation, RequestId),
    /// A runtime goes on with a container that it wants to be rid of.
    Runtime(NodeIx, AttachmentId),
    /// A client dies while it waits.
    Die(NodeIx, RequestId),
    /// A daemon starts.
    Start(NodeIx),
    /// The link to the store is there again.
    Mend(NodeIx),
    /// The store has space again.
    Space,
    /// A node's lease is written or ends.
    Presence(NodeIx),
    /// A daemon's regular sweep.
    Sweep(NodeIx, Incarnation),
}

/// A transaction on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) node: NodeIx,
    pub(crate) incarnation: Incarnation,
    pub(crate) id: TxnId,
    pub(crate) txn: Txn,
    pub(crate) fate: Fate,
}

#[derive(Debug)]
struct Due {
    at: Ms,
    serial: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> Ordering {
        // The heap's greatest is what is due first.
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

/// All that is to happen.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Due>,
    serial: u64,
}

impl Queue {
    /// Plans something.
    pub(crate) fn at(&mut self, at: Ms, event: Event) {
        self.serial += 1;
        let serial = self.serial;
        self.heap.push(Due { at, serial, event });
    }

    /// When the next thing is due.
    pub(crate) fn next_at(&self) -> Option<Ms> {
        self.heap.peek().map(|due| due.at)
    }

    /// The next thing.
    pub(crate) fn pop(&mut self) -> Option<(Ms, Event)> {
        self.heap.pop().map(|due| (due.at, due.event))
    }
}
