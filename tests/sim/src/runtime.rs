//! What runtimes do to be rid of containers: DEL once, twice, never or without a daemon, clients that die.

use crate::{
    event::{Event, NodeIx},
    node::{Asked, Pending, Stage},
    world::{Checked, World},
};
use fairway_ipam::{AttachmentId, Input, Request, RequestId};

impl World {
    /// The runtime wants to be rid of a container: from now on it uses no address.
    pub(crate) fn doom(&mut self, at: NodeIx, attachment: &AttachmentId) {
        let Some(container) = self.nodes[at].containers.get_mut(attachment) else {
            return;
        };
        container.stage = Stage::Dying;
        self.oracle.dead(self.now, &(at, attachment.clone()));
        let after = self.rng.delay(20);
        self.queue
            .at(self.now + after, Event::Runtime(at, attachment.clone()));
    }

    /// The runtime goes on with a container that it wants to be rid of.
    pub(crate) fn runtime(&mut self, at: NodeIx, attachment: &AttachmentId) -> Checked {
        let node = &self.nodes[at];
        let deleting =
            |pending: &Pending| matches!(&pending.asked, Asked::Del(of) if of == attachment);
        let waits = node.requests.values().any(deleting);
        let stage = node
            .containers
            .get(attachment)
            .map(|container| container.stage);
        if stage != Some(Stage::Dying) || waits || node.dead {
            return Ok(());
        }
        let luck = if self.storm { self.rng.below(100) } else { 50 };
        if luck < 10 {
            // All of it was killed by something else than the runtime; no DEL ever comes.
            self.count("DELs lost");
            self.finish(at, attachment);
        } else if self.nodes[at].daemon.is_none() {
            self.count("DELs without the daemon");
            self.note(|world| {
                format!(
                    "{} DEL {attachment} without the daemon",
                    world.nodes[at].name
                )
            });
            self.nodes[at].released.push(attachment.clone());
            self.finish(at, attachment);
        } else {
            if let Some(container) = self.nodes[at].containers.get_mut(attachment) {
                container.there = luck >= 20;
            }
            self.count("DELs");
            for _ in 0..if luck > 90 { 2 } else { 1 } {
                let asked = Asked::Del(attachment.clone());
                self.send(at, asked, Request::Release(attachment.clone()));
            }
        }
        Ok(())
    }

    /// A container is over; its name may be used again.
    pub(crate) fn finish(&mut self, at: NodeIx, attachment: &AttachmentId) {
        let Some(container) = self.nodes[at].containers.remove(attachment) else {
            return;
        };
        if let Some(work) = container.workload.and_then(|work| self.works.get_mut(work)) {
            work.running = work.running.saturating_sub(1);
        }
        let retired = &mut self.nodes[at].retired;
        retired.push(attachment.clone());
        if retired.len() > 20 {
            retired.remove(0);
        }
    }

    /// Whoever asked has no daemon any more that could answer.
    pub(crate) fn broken(&mut self, at: NodeIx, pending: Pending) {
        let attachment = match pending.asked {
            Asked::Add(asked) if pending.client => {
                self.doom(at, &asked.attachment);
                return;
            }
            Asked::Del(attachment) => attachment,
            _ => return,
        };
        let after = self.rng.span(10, 2_000);
        self.queue
            .at(self.now + after, Event::Runtime(at, attachment));
    }

    /// A client that waits for its ADD dies; its connection closes some time after.
    pub(crate) fn die(&mut self, at: NodeIx, id: RequestId) {
        let Some(pending) = self.nodes[at].requests.get_mut(&id) else {
            return;
        };
        let Asked::Add(asked) = &pending.asked else {
            return;
        };
        if !pending.client {
            return;
        }
        pending.client = false;
        let attachment = asked.attachment.clone();
        let closes = pending.arrives.max(self.now) + self.rng.delay(5);
        let incarnation = self.nodes[at].incarnation;
        self.queue.at(
            closes,
            Event::Deliver(at, incarnation, Box::new(Input::Cancel(id))),
        );
        self.count("clients that died");
        self.note(|world| format!("client of {} {attachment} dies", world.nodes[at].name));
        self.doom(at, &attachment);
    }
}
