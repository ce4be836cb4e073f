//! What is due: agents' deadlines, and answers.

use crate::{
    event::{Event, Incarnation, NodeIx},
    node::Asked,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{Input, RequestId};

impl World {
    /// Plans the next deadline.
    pub(crate) fn plan_tick(&mut self, at: NodeIx) {
        let late = if self.storm {
            self.rng.delay(3)
        } else {
            self.rng.below(3)
        };
        let node = &mut self.nodes[at];
        let Some(daemon) = &mut node.daemon else {
            return;
        };
        let Some(deadline) = daemon.brain.deadline() else {
            return;
        };
        let due = deadline
            .0
            .saturating_add_signed(-node.ahead)
            .max(self.now + 1)
            + late;
        if daemon.tick_at.is_none_or(|planned| due < planned) {
            daemon.tick_at = Some(due);
            self.queue.at(due, Event::Tick(at, node.incarnation));
        }
    }

    pub(crate) fn tick(&mut self, at: NodeIx, incarnation: Incarnation) {
        let now = self.now;
        let clock = self.clock(at);
        if !self.nodes[at].runs(incarnation) {
            return;
        }
        let Some(daemon) = &mut self.nodes[at].daemon else {
            return;
        };
        if daemon.tick_at != Some(now) {
            return;
        }
        daemon.tick_at = None;
        match daemon.brain.deadline() {
            Some(deadline) if deadline <= clock.now => self.input(at, Input::Tick),
            _ => self.plan_tick(at),
        }
    }

    /// By now a request should have been answered.
    pub(crate) fn overdue(
        &mut self,
        at: NodeIx,
        incarnation: Incarnation,
        id: RequestId,
    ) -> Checked {
        if !self.nodes[at].runs(incarnation) {
            return Ok(());
        }
        let Some(pending) = self.nodes[at].requests.get(&id) else {
            return Ok(());
        };
        let what = match &pending.asked {
            Asked::Add(asked) => format!("ADD {}", asked.attachment),
            Asked::Claim(asked) => format!("claim {}/{}", asked.pool, asked.name),
            other => format!("{other:?}"),
        };
        Err(Violation::Unanswered {
            what: format!("{} {what}", self.nodes[at].name),
            millis: self.now - pending.arrives,
        })
    }
}
