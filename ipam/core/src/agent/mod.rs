//! What one node knows and decides.
//!
//! Everything is driven by level and not by edge: what is wanted is compared with what is there whenever
//! something was learned, so that an answer that was lost, came twice or came late changes nothing but
//! the time. Three rules carry the rest:
//! - a transaction always holds the revision of each key that it relies on, so that one which is carried
//!   out long after it was given up does nothing any more;
//! - at most one transaction is under way for a key;
//! - what a node gives up stands in its journal before the store is told, what it gains after.

mod api;
mod block;
mod blocks;
mod borrow;
mod claims;
mod demand;
mod former;
mod grant;
mod housekeeping;
mod live;
mod lost;
mod make;
mod outcome;
mod pick;
mod pools;
mod publish;
mod refusal;
mod release;
mod restore;
mod rewind;
mod saved;
mod sets;
mod slots;
mod strays;
mod task;

pub use api::{
    Action, Address, Allocate, Allocated, Answer, CreateClaim, Effects, Headroom, Input, Lease,
    Notice, Outcome, Request, RequestId, Settings, Sighting, Start, Status, TxnId,
};
pub use refusal::Refusal;
pub use saved::{JournalError, wants_sightings};

use crate::{
    AttachmentId, Cidr, Clock, Family, JournalChange, Millis, NodeName, PoolName, Uid,
    record::{BlockOwner, Holder},
    view::View,
};
use blocks::Blocks;
use fairway_kv::{Revision, Txn};
use live::{Live, Vacant};
use outcome::Purpose;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use task::Task;

/// What one node knows and decides; see the crate's description.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    clock: Clock,
    view: View,
    /// The highest revision that the mirror ever told, in this life or the one before.
    heard: Revision,
    /// The revision of the store when it was found to have gone back. What was written up to then says nothing
    /// against this node's journal, which is younger.
    rewound: Option<Revision>,
    /// The last sequence number given, and the one that the journal says was not passed.
    seq: u64,
    seq_saved: u64,
    blocks: Blocks,
    live: BTreeMap<AttachmentId, Live>,
    /// Which attachment holds a claim.
    held: BTreeMap<Uid, AttachmentId>,
    vacant: BTreeMap<Uid, Vacant>,
    /// Addresses of blocks of this node that are set aside for a claim.
    claimed: BTreeMap<Uid, BTreeSet<IpAddr>>,
    /// Addresses that rest, by when they are free.
    rests: BTreeSet<(Millis, IpAddr)>,
    /// Addresses set aside for claims, of which it is not known whether the store says so; with the
    /// revision of the block's record that a transaction still under way may rely on. None: not seen yet.
    unsure: BTreeMap<IpAddr, Option<Revision>>,
    tasks: BTreeMap<RequestId, Task>,
    under_way: BTreeMap<TxnId, (Txn, Purpose)>,
    /// Keys that a transaction under way speaks of.
    busy: BTreeSet<String>,
    next_txn: u64,
    /// No transaction before then: the last one failed.
    rest_until: Millis,
    failures: u32,
    /// Why the store refused the last write.
    rejected: Option<String>,
    /// It began with an empty journal, and what the kernel showed then was not compared with the store yet.
    fresh: bool,
    /// Something of a former life, whose journal was lost, may not have been taken over yet.
    rebuilding: bool,
    /// Attachments that were released meanwhile: what the store says of them is over.
    ended: BTreeSet<AttachmentId>,
    /// Tasks may get further.
    stirred: bool,
    /// Pools that were used, so that free addresses of them are kept at hand.
    used_pools: BTreeMap<(PoolName, Family), Millis>,
    /// Claims that the owner of a block was asked in; to be looked at.
    asks: BTreeSet<(PoolName, crate::ClaimName)>,
    /// Claims that attachments of this node hold and of which the store may say something else.
    doubts: BTreeSet<Uid>,
    /// Claims that may be no more, so that what was set aside for them is free.
    ending: BTreeSet<Uid>,
    /// Claims of which the store says that this node holds them, and it may not; to be looked at.
    suspects: BTreeSet<(PoolName, crate::ClaimName)>,
    /// Blocks of this node's former life, whose journal was lost; to be taken over.
    former_blocks: BTreeSet<(PoolName, Cidr)>,
    /// Claims that nobody holds and that end by themselves: as they were last written, and since when they were
    /// seen so.
    idle_claims: BTreeMap<Uid, (Revision, Millis)>,
    /// Nodes that own something and are not alive, since when.
    absent: BTreeMap<NodeName, Millis>,
    housekeeping_at: Millis,
    sightings: BTreeMap<AttachmentId, Sighting>,
    /// Attachments whose addresses were told to more than one who asked.
    told_again: BTreeSet<AttachmentId>,
    out: Effects,
}

impl Agent {
    /// Takes up where the journal ends.
    ///
    /// # Errors
    /// A journal that was not written by an agent.
    pub fn new(start: Start, effects: &mut Effects) -> Result<Agent, JournalError> {
        let new = start.journal.is_empty();
        let saved = saved::Saved::read(start.journal)?;
        let ended = &saved.ended;
        let sightings = start.sightings.into_iter();
        let sightings = sightings.filter(|sighting| !ended.contains(&sighting.attachment));
        let sightings = sightings.map(|s| (s.attachment.clone(), s)).collect();
        let mut agent = Agent {
            settings: start.settings,
            clock: start.clock,
            view: View::default(),
            heard: Revision::default(),
            rewound: saved.rewound.map(Revision),
            seq: saved.seq,
            seq_saved: saved.seq,
            blocks: Blocks::default(),
            live: BTreeMap::new(),
            held: BTreeMap::new(),
            vacant: BTreeMap::new(),
            claimed: BTreeMap::new(),
            rests: BTreeSet::new(),
            unsure: BTreeMap::new(),
            tasks: BTreeMap::new(),
            under_way: BTreeMap::new(),
            busy: BTreeSet::new(),
            next_txn: 0,
            rest_until: Millis(0),
            failures: 0,
            rejected: None,
            fresh: new || saved.rebuilding,
            rebuilding: new || saved.rebuilding,
            ended: saved.ended.clone(),
            stirred: false,
            used_pools: BTreeMap::new(),
            asks: BTreeSet::new(),
            doubts: BTreeSet::new(),
            ending: BTreeSet::new(),
            suspects: BTreeSet::new(),
            former_blocks: BTreeSet::new(),
            idle_claims: BTreeMap::new(),
            absent: BTreeMap::new(),
            housekeeping_at: start.clock.now,
            sightings,
            told_again: BTreeSet::new(),
            out: Effects::default(),
        };
        if new {
            agent.note(saved::rebuilding(true));
        }
        agent.restore(saved);
        agent.flush(effects);
        Ok(agent)
    }

    /// Takes notice of something, and adds to what is to be done.
    pub fn handle(&mut self, clock: Clock, input: Input, effects: &mut Effects) {
        self.clock.wall = clock.wall;
        self.clock.now = self.clock.now.max(clock.now);
        match input {
            Input::Request(id, request) => self.begin(id, request),
            Input::Cancel(id) => self.cancel(id),
            Input::Store(update) => self.learn(update),
            Input::Txn(id, outcome) => self.finished(id, outcome),
            Input::Tick => {}
        }
        self.end_rests();
        self.drive();
        self.housekeep();
        self.flush(effects);
    }

    /// When a [`Input::Tick`] is due.
    pub fn deadline(&self) -> Option<Millis> {
        let tasks = self.tasks.values().map(Task::due);
        let rests = self.rests.first().map(|(until, _)| *until);
        // What needs the store waits for it, and what could not be done just now is not tried at once.
        let soonest = self.rest_until.max(self.clock.now + 20);
        let idle = self.blocks.is_empty()
            && self.vacant.is_empty()
            && self.view.claims.is_empty()
            && self.former_blocks.is_empty()
            && self.suspects.is_empty()
            && self.settings.reclaim.is_none();
        let keep = (!idle).then_some(self.housekeeping_at);
        let store = self
            .blocks
            .next_due()
            .into_iter()
            .chain(keep)
            .map(|due| due.max(soonest));
        let store = store.filter(|_| self.view.connected);
        tasks.chain(rests).chain(store).min()
    }

    /// The highest sequence number given so far.
    pub fn sequence(&self) -> u64 {
        self.seq
    }

    /// What attachments of this node have.
    pub fn leases(&self) -> Vec<Lease> {
        let lease = |live: &Live| Lease {
            attachment: live.attachment.clone(),
            netns: live.netns.clone(),
            addresses: live.ips(),
            claim: live.hold.as_ref().map(|hold| hold.name.clone()),
            label: live.label.clone(),
            seq: live.seq,
            since: live.since,
            cut_off: live.cut_off.is_some(),
        };
        self.live.values().map(lease).collect()
    }

    /// What it knows of the store.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// All that it has to tell the store was told: a daemon that ends waits for this, for a while.
    pub fn is_settled(&self) -> bool {
        self.under_way.is_empty()
            && self.vacant.is_empty()
            && self.blocks.iter().all(|block| block.dirty.is_none())
    }

    /// The next sequence number. The journal is a step ahead, so that none is given twice after a crash.
    fn next_seq(&mut self) -> u64 {
        const STEP: u64 = 1 << 16;
        self.seq += 1;
        if self.seq > self.seq_saved {
            self.seq_saved = self.seq + STEP;
            self.out.journal.push(saved::seq(self.seq_saved));
        }
        self.seq
    }

    fn note(&mut self, change: JournalChange) {
        self.out.journal.push(change);
    }

    fn act(&mut self, action: Action) {
        self.out.actions.push(action);
    }

    fn flush(&mut self, effects: &mut Effects) {
        effects.journal.append(&mut self.out.journal);
        effects.actions.append(&mut self.out.actions);
    }

    /// This node, as an owner.
    fn owner(&self) -> BlockOwner {
        BlockOwner {
            node: self.settings.node.clone(),
            journal: self.settings.journal.clone(),
            boot: self.settings.boot.clone(),
        }
    }

    fn is_me(&self, owner: &BlockOwner) -> bool {
        owner.node == self.settings.node && owner.journal == self.settings.journal
    }

    fn holds(&self, holder: &Holder) -> bool {
        holder.node == self.settings.node && holder.journal == self.settings.journal
    }

    /// May a transaction be begun now?
    fn may_write(&self) -> bool {
        self.view.connected && self.clock.now >= self.rest_until
    }
}

#[cfg(test)]
mod tests;
