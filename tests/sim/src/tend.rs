//! What a daemon does besides its agent: the sweep of what its kernel does not show any more, the records
//! of DELs that were done without it, and what no node owns.

use crate::{
    event::{Event, Fate, Flight, Incarnation, NodeIx},
    node::{Asked, Pending},
    world::World,
};
use fairway_ipam::{
    AttachmentId, Input, PoolPhase, Request, RequestId, TxnId,
    admin::{Retire, finish_retire},
};

impl World {
    /// A daemon compares what it gave with what its kernel shows. What it finds arrives late.
    pub(crate) fn sweep(&mut self, at: NodeIx, incarnation: Incarnation) {
        if !self.nodes[at].runs(incarnation) {
            return;
        }
        self.sweep_now(at);
        self.tend(at);
        let again = self.sweeps_every();
        let again = self.rng.span(again, again * 2);
        self.queue
            .at(self.now + again, Event::Sweep(at, incarnation));
    }

    /// Milliseconds after which a daemon sweeps again, at the least; at the most it is twice as long.
    pub(crate) fn sweeps_every(&self) -> u64 {
        match self.nodes.len() {
            101.. => 60_000,
            _ => 8_000,
        }
    }

    pub(crate) fn sweep_now(&mut self, at: NodeIx) {
        let node = &self.nodes[at];
        let Some(daemon) = &node.daemon else { return };
        let there = |attachment: &AttachmentId| {
            node.containers
                .get(attachment)
                .is_some_and(|container| container.there)
        };
        let gone: Vec<_> = daemon
            .brain
            .leases()
            .into_iter()
            .filter(|lease| !there(&lease.attachment))
            .map(|lease| (lease.attachment, lease.seq))
            .collect();
        for (attachment, seq) in gone {
            self.count("swept");
            let asked = Asked::Gone {
                attachment: attachment.clone(),
                record: false,
            };
            let gone = Request::Gone(attachment, seq);
            let late = if self.storm { self.rng.delay(30) } else { 1 };
            self.send_late(at, asked.clone(), gone.clone(), late);
            // What was seen once may be told twice, and much later.
            if self.storm && self.rng.chance(500) {
                let late = self.rng.below(5_000);
                self.send_late(at, asked, gone, late);
            }
        }
        self.work_off(at, None);
    }

    /// Addresses that rest in blocks without an owner, and pools that retire. Nobody waits for an outcome.
    pub(crate) fn tend(&mut self, at: NodeIx) {
        // So that a thousand do not do it at once.
        if at >= 10 && !self.rng.chance(50) {
            return;
        }
        let clock = self.clock(at);
        let node = &mut self.nodes[at];
        let (linked, incarnation) = (node.linked, node.incarnation);
        let Some(daemon) = node.daemon.as_mut().filter(|_| linked) else {
            return;
        };
        let view = daemon.brain.view();
        let mut txns = daemon.rests.settle(view, clock);
        let retiring = |phase| phase == PoolPhase::Retiring;
        for (name, _) in view
            .pools
            .iter()
            .filter(|(_, pool)| retiring(pool.value.spec.phase))
        {
            if let Ok(Retire::Finish(finish)) = finish_retire(view, name) {
                txns.extend(finish);
            }
        }
        for txn in txns {
            let (id, fate) = (TxnId(u64::MAX), Fate::Silent);
            let flight = Flight {
                node: at,
                incarnation,
                id,
                txn,
                fate,
            };
            let after = self.rng.delay(5);
            self.queue
                .at(self.now + after, Event::Execute(Box::new(flight)));
        }
    }

    /// Works off the records of DELs that were done without the daemon: all of them, or an attachment's.
    pub(crate) fn work_off(&mut self, at: NodeIx, only: Option<&AttachmentId>) {
        let node = &self.nodes[at];
        let Some(daemon) = &node.daemon else { return };
        if node.released.is_empty() || only.is_some_and(|only| !node.released.contains(only)) {
            return;
        }
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        let leases = daemon.brain.leases();
        for attachment in &node.released {
            if only.is_some_and(|only| only != attachment) {
                kept.push(attachment.clone());
                continue;
            }
            // What is there is older than the record: an ADD for the same one waits for the record.
            if let Some(lease) = leases.iter().find(|lease| lease.attachment == *attachment) {
                kept.push(attachment.clone());
                gone.push((attachment.clone(), lease.seq));
            }
        }
        self.nodes[at].released = kept;
        for (attachment, seq) in gone {
            let id = RequestId(self.number());
            let asked = Asked::Gone {
                attachment: attachment.clone(),
                record: true,
            };
            let pending = Pending {
                asked,
                client: true,
                arrives: self.now,
            };
            self.nodes[at].requests.insert(id, pending);
            self.input(at, Input::Request(id, Request::Gone(attachment, seq)));
        }
    }
}
