//! Between a node and the store: transactions that are late, silent or lost, a watch that lags, repeats
//! itself and lists anew, a link that breaks.

use crate::{
    event::{Event, Fate, Flight, Incarnation, NodeIx},
    oracle::Author,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{Input, Outcome, TxnId};
use fairway_kv::{Revision, Txn, Update, Write};

/// Bytes of a transaction that etcd takes with its default settings, less some for its own.
const MOST_BYTES: usize = 1_400_000;

impl World {
    /// A daemon sends a transaction.
    pub(crate) fn launch(&mut self, at: NodeIx, id: TxnId, txn: Txn) -> Checked {
        let author = self.nodes[at].name.clone();
        if let Some(reason) = malformed(&txn) {
            let node = author.to_string();
            return Err(Violation::Txn { node, reason });
        }
        let bad = if self.storm { self.profile.silent } else { 0 };
        let linked = self.nodes[at].linked;
        let fate = match (
            linked,
            self.rng.chance(bad),
            self.rng.chance(if linked { 500 } else { 150 }),
        ) {
            (true, false, _) => Fate::Told,
            (_, _, true) => Fate::Silent,
            (_, _, false) => Fate::Lost,
        };
        let incarnation = self.nodes[at].incarnation;
        let mut arrival = self.rng.delay(5);
        if fate != Fate::Told {
            self.count("outcomes unknown");
            let given_up = self.rng.span(50, 4_000);
            let unknown = Box::new(Outcome::Unknown);
            self.queue.at(
                self.now + given_up,
                Event::Told(at, incarnation, id, unknown),
            );
            arrival = self.rng.of([10, 500, 5_000, 25_000]);
            arrival = self.rng.below(arrival);
        }
        let node = at;
        let flight = Flight {
            node,
            incarnation,
            id,
            txn,
            fate,
        };
        self.queue
            .at(self.now + arrival, Event::Execute(Box::new(flight)));
        Ok(())
    }

    /// A transaction arrives at the store.
    pub(crate) fn execute(&mut self, flight: Flight) -> Checked {
        if flight.fate == Fate::Lost {
            return Ok(());
        }
        let at = flight.node;
        let puts = flight
            .txn
            .writes
            .iter()
            .any(|write| matches!(write, Write::Put { .. }));
        let outcome = if self.full && puts {
            Outcome::Rejected {
                reason: "mvcc: database space exceeded".to_owned(),
            }
        } else {
            let author = Author::Node(self.nodes[at].name.clone());
            Outcome::Done(self.write(&author, &flight.txn)?)
        };
        if flight.fate != Fate::Told {
            return Ok(());
        }
        let (outcome, after) = match self.nodes[at].linked {
            true => (outcome, self.rng.delay(5)),
            false => (Outcome::Unknown, self.rng.span(50, 4_000)),
        };
        self.queue.at(
            self.now + after,
            Event::Told(at, flight.incarnation, flight.id, Box::new(outcome)),
        );
        Ok(())
    }

    /// A transaction's outcome arrives at the daemon that sent it, if that is there still.
    pub(crate) fn told(
        &mut self,
        at: NodeIx,
        incarnation: Incarnation,
        id: TxnId,
        outcome: Outcome,
    ) {
        if self.nodes[at].runs(incarnation) {
            self.input(at, Input::Txn(id, outcome));
        }
    }

    /// The store changed: each watch will bring it some time.
    pub(crate) fn wake_watchers(&mut self) {
        for at in 0..self.nodes.len() {
            self.plan_pump(at);
        }
    }

    /// Plans that a node's watch brings something.
    pub(crate) fn plan_pump(&mut self, at: NodeIx) {
        let node = &mut self.nodes[at];
        if !node.linked || node.daemon.is_none() || node.pump_at.is_some() {
            return;
        }
        let fresh = node.told.is_none();
        let lag = match (self.storm && !fresh, node.requests.is_empty()) {
            (true, true) => self.rng.below(self.profile.idle_lag),
            (true, false) => self.rng.delay(self.profile.lag),
            (false, _) => self
                .rng
                .below(self.profile.lag.min(60) + self.nodes.len() as u64),
        };
        self.nodes[at].pump_at = Some(self.now + lag);
        self.queue.at(self.now + lag, Event::Pump(at));
    }

    /// A node is in use: its watch does not lag as that of an idle one.
    pub(crate) fn hasten(&mut self, at: NodeIx) {
        if self.nodes[at]
            .pump_at
            .is_some_and(|due| due > self.now + self.profile.lag)
        {
            self.nodes[at].pump_at = None;
            self.plan_pump(at);
        }
    }

    /// A watch brings what happened, or lists anew.
    pub(crate) fn pump(&mut self, at: NodeIx) {
        if self.nodes[at].pump_at != Some(self.now) {
            return;
        }
        self.nodes[at].pump_at = None;
        if !self.nodes[at].linked || self.nodes[at].daemon.is_none() {
            return;
        }
        let back = std::mem::take(&mut self.nodes[at].told_lost);
        let most = match self.storm && self.rng.chance(400) {
            true => self.rng.span(1, 3) as usize,
            false => usize::MAX,
        };
        let relist = back && self.rng.chance(500);
        let known = self.nodes[at].told.filter(|_| !relist);
        let update = match known.and_then(|told| self.store.since(told, most)) {
            Some((upto, changes)) => {
                if changes.is_empty() && !back && !self.rng.chance(100) {
                    return;
                }
                self.nodes[at].told = Some(upto);
                let revision = Revision(upto);
                Update::Changes { revision, changes }
            }
            None => {
                self.count("mirrors listed");
                self.nodes[at].told = Some(self.store.revision());
                let revision = Revision(self.store.revision());
                let entries = self.store.snapshot();
                Update::Reset { revision, entries }
            }
        };
        if self.storm && self.rng.chance(20) {
            self.input(at, Input::Store(update.clone()));
        }
        self.input(at, Input::Store(update));
        if self.nodes[at]
            .told
            .is_some_and(|told| told < self.store.revision())
        {
            self.plan_pump(at);
        }
    }

    /// A node is cut off from the store, for a while.
    pub(crate) fn cut_link(&mut self, at: NodeIx, millis: u64) {
        let node = &mut self.nodes[at];
        if !node.linked || node.dead {
            return;
        }
        node.linked = false;
        node.breaks += 1;
        node.pump_at = None;
        let breaks = node.breaks;
        let noticed = self.rng.span(10, 3_000);
        self.queue
            .at(self.now + noticed, Event::NoticeLoss(at, breaks));
        self.queue.at(self.now + millis, Event::Mend(at));
        self.queue.at(self.now + 10_000, Event::Presence(at));
        self.count("links cut");
        self.note(|world| format!("{} is cut off for {millis} ms", world.nodes[at].name));
    }

    /// A daemon notices that the store is away.
    pub(crate) fn notice_loss(&mut self, at: NodeIx, breaks: u32) {
        let node = &mut self.nodes[at];
        if !node.linked && node.breaks == breaks && node.daemon.is_some() && !node.told_lost {
            node.told_lost = true;
            self.input(at, Input::Store(Update::Lost));
        }
    }

    /// The link is there again.
    pub(crate) fn mend(&mut self, at: NodeIx) {
        if self.nodes[at].linked {
            return;
        }
        self.nodes[at].linked = true;
        self.note(|world| format!("{} is linked again", world.nodes[at].name));
        self.plan_pump(at);
        let after = self.rng.span(50, 1_000);
        self.queue.at(self.now + after, Event::Presence(at));
    }
}

/// Why a store would not take it.
fn malformed(txn: &Txn) -> Option<String> {
    if txn.conditions.len() > Txn::LIMIT || txn.writes.len() > Txn::LIMIT {
        let (conditions, writes) = (txn.conditions.len(), txn.writes.len());
        return Some(format!("{conditions} conditions and {writes} writes"));
    }
    let mut keys: Vec<_> = txn.writes.iter().map(Write::key).collect();
    keys.sort_unstable();
    if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Some(format!("{} twice", twice[0]));
    }
    let all = txn.keys();
    if let Some(stray) = all.iter().find(|key| !key.starts_with(fairway_kv::ROOT)) {
        return Some(format!("{stray}, which is not ours"));
    }
    let bytes: usize = txn
        .writes
        .iter()
        .map(|write| match write {
            Write::Put { key, value, .. } => key.len() + value.len(),
            Write::Delete { key } => key.len(),
        })
        .sum();
    (bytes > MOST_BYTES).then(|| format!("{bytes} bytes"))
}
