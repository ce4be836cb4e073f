//! A node of the simulated cluster: its daemon with an agent and a journal, its link to the store, its
//! clocks, its containers.

use crate::{
    brain::Brain,
    event::{Incarnation, Ms},
};
use fairway_ipam::{
    Action, Allocate, AttachmentId, Clock, CreateClaim, Input, JournalChange, JournalId, Millis,
    Netns, NodeName, RequestId, Sighting, UnixSeconds, admin::Rests,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
};

/// When the simulated world begins, by a clock that is right.
const EPOCH: u64 = 1_700_000_000;

/// What a request is about, for whoever made it.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// An ADD.
    Add(Box<Allocate>),
    /// An ADD for what is there already.
    Again(AttachmentId),
    /// A DEL.
    Del(AttachmentId),
    /// The sweep's, or a record's of a DEL that was done without the daemon (`record`).
    Gone {
        attachment: AttachmentId,
        record: bool,
    },
    /// A CHECK, with what it should find.
    Check(AttachmentId, Vec<IpAddr>),
    /// A GC.
    Collect,
    /// A STATUS.
    Status,
    /// A claim by hand.
    Claim(Box<CreateClaim>),
}

/// A request that has not been answered.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) asked: Asked,
    /// Whoever asked is still there.
    pub(crate) client: bool,
    /// When it arrives, or arrived.
    pub(crate) arrives: Ms,
}

/// Something to be carried out once it may be.
#[derive(Debug)]
pub(crate) enum Todo {
    /// An action, the revision that the agent knew when it wanted it, and whether what it cuts off had
    /// every right then.
    Do(Action, u64, bool),
    /// All that followed from the store up to this revision was carried out.
    Followed(u64),
}

/// What one or several calls of an agent want.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) journal: Vec<JournalChange>,
    pub(crate) todo: Vec<Todo>,
}

/// A daemon that runs.
pub(crate) struct Daemon {
    pub(crate) brain: Box<dyn Brain>,
    /// What waits to be handled.
    pub(crate) inputs: VecDeque<Input>,
    /// What was handled and is not durable yet.
    pub(crate) undurable: VecDeque<Batch>,
    /// What is durable and waits to be carried out.
    pub(crate) todo: VecDeque<Todo>,
    pub(crate) working: bool,
    pub(crate) acting: bool,
    pub(crate) tick_at: Option<Ms>,
    /// Deadlines in a row with nothing else in between, and since when.
    pub(crate) ticks: (u32, Ms),
    /// It handles on while its journal is being written.
    pub(crate) pipelined: bool,
    /// The revision that the agent was told of last.
    pub(crate) knows: u64,
    /// Since when blocks that nobody owns have been as they are.
    pub(crate) rests: Rests,
}

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its ADD runs.
    Adding(RequestId),
    /// It was answered, and it runs.
    Live,
    /// The runtime wants to be rid of it.
    Dying,
}

/// A container's interface, with the namespace that it is in.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) stage: Stage,
    pub(crate) netns: Netns,
    /// The namespace is there.
    pub(crate) there: bool,
    pub(crate) addresses: Vec<IpAddr>,
    /// Its addresses were taken away from it.
    pub(crate) cut: bool,
    /// Which of the profile's workloads it is, if any.
    pub(crate) workload: Option<usize>,
}

/// A node.
pub(crate) struct Node {
    pub(crate) name: NodeName,
    /// What is on its disk.
    pub(crate) journal: BTreeMap<String, Vec<u8>>,
    pub(crate) journal_id: JournalId,
    pub(crate) journals: u32,
    /// How often its machine was booted.
    pub(crate) boots: u32,
    pub(crate) incarnation: Incarnation,
    pub(crate) daemon: Option<Daemon>,
    /// Its machine is gone for good.
    pub(crate) dead: bool,
    /// What its clock that only goes forward shows beyond true time.
    pub(crate) ahead: i64,
    /// Its wall clock is wrong by so many seconds.
    pub(crate) wrong: i64,
    pub(crate) linked: bool,
    /// Counts the times that the link broke.
    pub(crate) breaks: u32,
    /// Its mirror was told that the store is away.
    pub(crate) told_lost: bool,
    /// The revision up to which its mirror was told; none: it must be listed anew.
    pub(crate) told: Option<u64>,
    pub(crate) pump_at: Option<Ms>,
    pub(crate) containers: BTreeMap<AttachmentId, Container>,
    /// Records of DELs that were done without the daemon.
    pub(crate) released: Vec<AttachmentId>,
    /// Attachments that are over, to be used again.
    pub(crate) retired: Vec<AttachmentId>,
    /// The journal that its lease in the store names.
    pub(crate) present: Option<JournalId>,
    pub(crate) requests: BTreeMap<RequestId, Pending>,
    /// Requests whose clients have gone; they may be answered, or not.
    pub(crate) cancelled: BTreeSet<RequestId>,
}

impl Node {
    pub(crate) fn clock(&self, now: Ms) -> Clock {
        let wall = (EPOCH + now / 1000).saturating_add_signed(self.wrong);
        Clock {
            now: Millis(now.saturating_add_signed(self.ahead)),
            wall: UnixSeconds(wall),
        }
    }

    /// When a time of its own clock is, in true time.
    pub(crate) fn when(&self, at: Millis) -> Ms {
        at.0.saturating_add_signed(-self.ahead)
    }

    /// Is its daemon up, and this very process?
    pub(crate) fn runs(&self, incarnation: Incarnation) -> bool {
        self.daemon.is_some() && self.incarnation == incarnation
    }

    /// What the kernel shows.
    pub(crate) fn sightings(&self) -> Vec<Sighting> {
        let live = self.containers.iter().filter(|(_, container)| {
            container.there && !container.cut && !container.addresses.is_empty()
        });
        live.map(|(attachment, container)| Sighting {
            attachment: attachment.clone(),
            netns: Some(container.netns.clone()),
            addresses: container.addresses.clone(),
        })
        .collect()
    }
}

impl Daemon {
    pub(crate) fn new(brain: Box<dyn Brain>, pipelined: bool) -> Daemon {
        Daemon {
            brain,
            inputs: VecDeque::new(),
            undurable: VecDeque::new(),
            todo: VecDeque::new(),
            working: false,
            acting: false,
            tick_at: None,
            ticks: (0, 0),
            pipelined,
            knows: 0,
            rests: Rests::default(),
        }
    }
}
