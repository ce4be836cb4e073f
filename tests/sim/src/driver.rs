//! A node's daemon, as it must be: inputs are handled in order, the journal is durable before what
//! follows from it is done, actions are done in order. A daemon that is killed loses what was not.

use crate::{
    event::{Event, Incarnation, NodeIx},
    node::{Batch, Todo},
    sabotage::Sabotage,
    violation::Violation,
    world::{Checked, World},
};
use fairway_ipam::{Action, Effects, Input, Notice, Request};
use fairway_kv::Update;

/// Milliseconds within which whatever needs no store must be answered, however slow disk and actions are.
const PATIENCE: u64 = 20_000;

impl World {
    /// Something arrives at a daemon.
    pub(crate) fn deliver(
        &mut self,
        at: NodeIx,
        incarnation: Incarnation,
        input: Input,
    ) -> Checked {
        if !self.nodes[at].runs(incarnation) {
            return Ok(());
        }
        match &input {
            Input::Request(id, request) => {
                let mut limit = self.now + PATIENCE;
                match request {
                    Request::Allocate(asked) => {
                        limit = self.nodes[at].when(asked.deadline).max(self.now) + PATIENCE;
                        self.work_off(at, Some(&asked.attachment.clone()));
                    }
                    Request::CreateClaim(asked) => {
                        limit = self.nodes[at].when(asked.deadline).max(self.now) + PATIENCE;
                    }
                    _ => {}
                }
                self.queue.at(limit, Event::Overdue(at, incarnation, *id));
                self.hasten(at);
            }
            Input::Cancel(id) if self.nodes[at].requests.remove(id).is_some() => {
                self.nodes[at].cancelled.insert(*id);
            }
            _ => {}
        }
        self.input(at, input);
        Ok(())
    }

    /// Puts an input into a daemon's queue.
    pub(crate) fn input(&mut self, at: NodeIx, input: Input) {
        let input = match self.sabotage {
            Some(sabotage) => sabotage.input(input, &mut self.rng),
            None => input,
        };
        if let Some(daemon) = &mut self.nodes[at].daemon {
            daemon.inputs.push_back(input);
        }
        self.wake(at);
    }

    fn wake(&mut self, at: NodeIx) {
        let node = &mut self.nodes[at];
        let incarnation = node.incarnation;
        let Some(daemon) = &mut node.daemon else {
            return;
        };
        let may = daemon.pipelined || daemon.undurable.is_empty();
        if !daemon.working && may && !daemon.inputs.is_empty() {
            daemon.working = true;
            let after = self.rng.delay(2);
            self.queue
                .at(self.now + after, Event::Work(at, incarnation));
        }
    }

    /// A daemon handles some of what waits for it.
    pub(crate) fn work(&mut self, at: NodeIx, incarnation: Incarnation) -> Checked {
        if !self.nodes[at].runs(incarnation) {
            return Ok(());
        }
        let mut batch = Batch::default();
        let waiting = self.nodes[at].daemon.as_mut().map_or(0, |daemon| {
            daemon.working = false;
            daemon.inputs.len() as u64
        });
        for _ in 0..self.rng.span(1, waiting.max(1)) {
            self.handle_one(at, &mut batch)?;
        }
        self.take(at, batch);
        self.plan_tick(at);
        self.wake(at);
        Ok(())
    }

    fn handle_one(&mut self, at: NodeIx, batch: &mut Batch) -> Checked {
        let now = self.now;
        let clock = self.clock(at);
        let Some(daemon) = &mut self.nodes[at].daemon else {
            return Ok(());
        };
        let Some(input) = daemon.inputs.pop_front() else {
            return Ok(());
        };
        let mut idle = false;
        let mut follows = None;
        match &input {
            Input::Store(Update::Reset { revision, .. } | Update::Changes { revision, .. }) => {
                daemon.knows = daemon.knows.max(revision.0);
                follows = Some(daemon.knows);
                daemon.ticks = (0, now);
            }
            Input::Tick => {
                daemon.ticks.0 += 1;
                idle = true;
            }
            _ => daemon.ticks = (0, now),
        }
        let (ticks, since) = daemon.ticks;
        let text = self.trace.is_on().then(|| short(&input));
        let mut effects = Effects::default();
        let Some(daemon) = &mut self.nodes[at].daemon else {
            return Ok(());
        };
        daemon.brain.handle(clock, input, &mut effects);
        let knows = daemon.knows;
        // That time passed and nothing was to be done is not a step.
        if !idle || effects != Effects::default() {
            self.steps += 1;
        }
        if let Some(text) = text {
            self.note(|world| format!("{} handles {text}", world.nodes[at].name));
        }
        if ticks > 300 && now - since < u64::from(ticks) * 8 {
            return Err(Violation::Spin {
                node: self.nodes[at].name.to_string(),
                ticks,
                millis: now - since,
            });
        }
        self.keep(at, effects, knows, batch);
        batch.todo.extend(follows.map(Todo::Followed));
        Ok(())
    }

    /// Adds what an agent wants to a batch.
    pub(crate) fn keep(&mut self, at: NodeIx, mut effects: Effects, knows: u64, batch: &mut Batch) {
        if let Some(sabotage) = self.sabotage {
            sabotage.effects(&mut effects, &mut self.rng);
        }
        self.note(|_| format!("  wants {:?}", Wants(&effects)));
        batch.journal.append(&mut effects.journal);
        for action in effects.actions {
            let good = match &action {
                Action::CutOff { attachment, .. } => self.oracle.is_good(&(at, attachment.clone())),
                _ => false,
            };
            batch.todo.push(Todo::Do(action, knows, good));
        }
    }

    /// Hands a batch to the disk; where nothing is to be written and nothing waits, it is done at once.
    pub(crate) fn take(&mut self, at: NodeIx, mut batch: Batch) {
        let early = self.sabotage == Some(Sabotage::AnswersBeforeDurable);
        let node = &mut self.nodes[at];
        let incarnation = node.incarnation;
        let Some(daemon) = &mut node.daemon else {
            return;
        };
        if early {
            daemon.todo.extend(batch.todo.drain(..));
        }
        if batch.journal.is_empty() && daemon.undurable.is_empty() {
            daemon.todo.extend(batch.todo);
            return self.wake_hands(at);
        }
        if daemon.undurable.is_empty() {
            let after = self.rng.delay(4);
            self.queue
                .at(self.now + after, Event::Durable(at, incarnation));
        }
        daemon.undurable.push_back(batch);
        if early {
            self.wake_hands(at);
        }
    }

    /// The disk has written some of what it was handed.
    pub(crate) fn durable(&mut self, at: NodeIx, incarnation: Incarnation) -> Checked {
        if !self.nodes[at].runs(incarnation) {
            return Ok(());
        }
        let waiting = self.nodes[at]
            .daemon
            .as_ref()
            .map_or(0, |daemon| daemon.undurable.len());
        let written = self.rng.span(1, waiting.max(1) as u64);
        for _ in 0..written {
            self.write_one(at, true);
        }
        let after = self.rng.delay(4);
        if self.nodes[at]
            .daemon
            .as_ref()
            .is_some_and(|daemon| !daemon.undurable.is_empty())
        {
            self.queue
                .at(self.now + after, Event::Durable(at, incarnation));
        }
        self.wake_hands(at);
        self.wake(at);
        Ok(())
    }

    /// Makes the oldest batch durable. `go`: what follows from it may be done.
    pub(crate) fn write_one(&mut self, at: NodeIx, go: bool) {
        let node = &mut self.nodes[at];
        let Some(daemon) = &mut node.daemon else {
            return;
        };
        let Some(batch) = daemon.undurable.pop_front() else {
            return;
        };
        for change in batch.journal {
            match change.value {
                Some(value) => drop(node.journal.insert(change.key, value)),
                None => drop(node.journal.remove(&change.key)),
            }
        }
        if go {
            daemon.todo.extend(batch.todo);
        }
    }

    fn wake_hands(&mut self, at: NodeIx) {
        let node = &mut self.nodes[at];
        let incarnation = node.incarnation;
        let Some(daemon) = &mut node.daemon else {
            return;
        };
        if !daemon.acting && !daemon.todo.is_empty() {
            daemon.acting = true;
            let after = self.rng.delay(1);
            self.queue.at(self.now + after, Event::Act(at, incarnation));
        }
    }

    /// A daemon does what is to be done, in order, with pauses.
    pub(crate) fn act(&mut self, at: NodeIx, incarnation: Incarnation) -> Checked {
        loop {
            if !self.nodes[at].runs(incarnation) {
                return Ok(());
            }
            let Some(daemon) = &mut self.nodes[at].daemon else {
                return Ok(());
            };
            let Some(todo) = daemon.todo.pop_front() else {
                daemon.acting = false;
                return Ok(());
            };
            match todo {
                Todo::Followed(revision) => self.oracle.followed(at, revision)?,
                Todo::Do(action, knew, good) => {
                    self.steps += 1;
                    self.act_one(at, action, knew, good)?;
                }
            }
            if self.rng.chance(60) {
                let after = self.rng.delay(4);
                self.queue.at(self.now + after, Event::Act(at, incarnation));
                return Ok(());
            }
        }
    }

    fn act_one(&mut self, at: NodeIx, action: Action, knew: u64, good: bool) -> Checked {
        match action {
            Action::Answer(id, answer) => self.answered(at, id, answer, knew),
            Action::Commit(id, txn) => self.launch(at, id, txn),
            Action::CutOff {
                attachment,
                addresses,
                ..
            } => {
                self.count("cut off");
                self.note(|world| {
                    format!(
                        "{} cuts {attachment} off from {addresses:?}",
                        world.nodes[at].name
                    )
                });
                self.cut_off(at, &attachment, &addresses, good)
            }
            Action::Notify(notice) => {
                self.note(|world| format!("{} says {notice:?}", world.nodes[at].name));
                match notice {
                    Notice::BlockLost { .. } => self.count("blocks lost"),
                    Notice::Reclaimed { .. } => self.count("nodes reclaimed"),
                    Notice::Rejected { .. } => self.count("writes rejected"),
                    Notice::Unreadable { .. } => self.count("unreadable values"),
                    // The store here never does.
                    Notice::Rewound { from, to } => {
                        return Err(Violation::Rewound {
                            node: self.nodes[at].name.to_string(),
                            from: from.0,
                            to: to.0,
                        });
                    }
                }
                Ok(())
            }
        }
    }
}

struct Wants<'a>(&'a Effects);

impl std::fmt::Debug for Wants<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for change in &self.0.journal {
            let value = change
                .value
                .as_ref()
                .map(|value| String::from_utf8_lossy(value).into_owned());
            write!(
                f,
                "journal {} = {}; ",
                change.key,
                value.unwrap_or("-".to_owned())
            )?;
        }
        for action in &self.0.actions {
            match action {
                Action::Commit(id, txn) => write!(f, "commit {} of {:?}; ", id.0, txn.keys())?,
                other => write!(f, "{other:?}; ")?,
            }
        }
        Ok(())
    }
}

/// An input without the values that it carries.
fn short(input: &Input) -> String {
    match input {
        Input::Store(Update::Reset { revision, entries }) => {
            format!("reset r{revision}, {} keys", entries.len())
        }
        Input::Store(Update::Changes { revision, changes }) => {
            let keys: Vec<_> = changes.iter().map(fairway_kv::Change::key).collect();
            format!("changes r{revision} {keys:?}")
        }
        Input::Txn(id, fairway_ipam::Outcome::Done(fairway_kv::Committed::No { revision, .. })) => {
            format!("txn {} no, r{revision}", id.0)
        }
        other => format!("{other:?}"),
    }
}
