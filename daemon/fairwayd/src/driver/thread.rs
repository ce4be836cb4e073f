//! The thread's body.

use super::{Asking, Beginning, Core, DriverError, Failure, Generation, Message, Order, Said};
use crate::{
    clock::Clocks,
    code::Coded as _,
    journal::{Boot, Contents, Journal, JournalFault},
    notice::Notices,
    sweep::sightings,
};
use fairway_api::Trace;
use fairway_ipam::{
    Action, Answer, AttachmentId, Effects, Input, JournalChange, Millis, Request, RequestId,
    Settings, Sighting, Start, TxnId, wants_sightings,
};
use std::{
    collections::HashMap,
    io, mem,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;
use tracing::{error, info};

/// At most so many messages go into one commit, so that the first does not wait for all of a flood.
const BATCH: usize = 1024;
/// After a failed commit the next try is made after this long, and later after up to [`PAUSE_MOST`].
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(10);

/// Requests of the driver itself, whose answers nobody waits for. Others begin at 1.
const NOBODY: RequestId = RequestId(0);

struct Waiting {
    early: bool,
    to: UnboundedSender<Said>,
}

/// The journal takes no writes; the agent is gone until it does.
struct Broken {
    fault: String,
    pause: Duration,
    again: Instant,
}

impl Broken {
    /// Nothing may be said in the agent's name meanwhile, not even that there is nothing.
    fn failure(&self) -> Failure {
        Failure::Journal {
            reason: self.fault.clone(),
        }
    }
}

pub(super) struct Body<C> {
    settings: Settings,
    journal: Box<dyn Journal>,
    clocks: Clocks,
    orders: UnboundedSender<Order>,
    generation: Generation,
    agent: Result<C, Broken>,
    effects: Effects,
    waiting: HashMap<RequestId, Waiting>,
    /// Attachments that were given something, and nobody was there to be told.
    unheard: Vec<(AttachmentId, u64)>,
    /// The calls that transactions under way follow from.
    traces: HashMap<TxnId, Trace>,
    quiet: bool,
    notices: Notices,
}

impl<C: Core> Body<C> {
    pub(super) fn begin(beginning: Beginning) -> Result<(Self, u64), DriverError> {
        let mut settings = beginning.settings;
        settings.journal = beginning.contents.id.clone();
        let mut journal = beginning.journal;
        match &beginning.contents.node {
            Some(node) if *node == settings.node => {}
            Some(node) => {
                let (was, now) = (node.clone(), settings.node);
                return Err(DriverError::Renamed { was, now });
            }
            None => journal.note_node(&settings.node)?,
        }
        let noted = beginning.contents.boot.clone();
        let start = start(
            &settings,
            beginning.contents,
            beginning.sightings,
            beginning.clocks,
        );
        let mut effects = Effects::default();
        let agent = C::begin(start, &mut effects)?;
        let former = match noted {
            Some(noted) if noted.id == beginning.boot => noted.former,
            noted => {
                let former = noted.map_or(0, |_| agent.sequence());
                let id = beginning.boot;
                journal.note_boot(&Boot { id, former })?;
                former
            }
        };
        commit(&mut *journal, &mut effects)?;
        let mut body = Body {
            settings,
            journal,
            clocks: beginning.clocks,
            orders: beginning.orders,
            generation: Generation::default(),
            agent: Ok(agent),
            effects,
            waiting: HashMap::new(),
            unheard: Vec::new(),
            traces: HashMap::new(),
            quiet: false,
            notices: Notices::new(beginning.notices),
        };
        body.act();
        Ok((body, former))
    }

    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let first = match inbox.recv_timeout(self.patience()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::End),
            };
            let mut end = false;
            for message in first.into_iter().chain(inbox.try_iter()).take(BATCH) {
                end |= self.take(message);
            }
            self.tick();
            self.settle();
            if end {
                return;
            }
        }
    }

    /// How long nothing needs to be done unless something comes.
    fn patience(&self) -> Duration {
        let long = Duration::from_secs(3600);
        match &self.agent {
            Ok(agent) => agent.deadline().map_or(long, |Millis(due)| {
                Duration::from_millis(due.saturating_sub(self.clocks.millis().0))
            }),
            Err(broken) => broken.again.saturating_duration_since(Instant::now()),
        }
    }

    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Request(id, request, asking) => {
                let Asking { early, to, trace } = asking;
                if self.quiet {
                    drop(to.send(Said::Done(Err(Failure::Stopping))));
                } else if let Err(broken) = &self.agent {
                    drop(to.send(Said::Done(Err(broken.failure()))));
                } else {
                    self.waiting.insert(id, Waiting { early, to });
                    self.handle_for(trace, Input::Request(id, request));
                }
            }
            Message::Cancel(id) => {
                self.waiting.remove(&id);
                self.handle(Input::Cancel(id));
            }
            Message::Unheard(attachment, seq) => {
                let request = Request::Unheard(attachment, seq);
                self.handle(Input::Request(NOBODY, request));
            }
            Message::Store(generation, update) if generation == self.generation => {
                self.handle(Input::Store(update));
            }
            Message::Outcome(generation, id, outcome) if generation == self.generation => {
                let trace = self.traces.remove(&id);
                self.handle_for(trace, Input::Txn(id, outcome));
            }
            Message::Store(..) | Message::Outcome(..) => {}
            Message::Leases(to) => {
                let leases = self.agent.as_ref().map(C::leases);
                drop(to.send(leases.map_err(Broken::failure)));
            }
            Message::Sequence(to) => {
                let sequence = self.agent.as_ref().map(C::sequence);
                drop(to.send(sequence.map_err(Broken::failure)));
            }
            Message::Fault(to) => {
                let fault = self.agent.as_ref().err();
                drop(to.send(fault.map(|broken| broken.fault.clone())));
            }
            Message::Look(look) => {
                if let Ok(agent) = &self.agent {
                    look(agent.view());
                }
            }
            Message::Settled(to) => {
                let _gone = to.send(self.agent.as_ref().is_ok_and(C::is_settled));
            }
            Message::Quiesce(done) => {
                self.quiet = true;
                for (id, waiting) in mem::take(&mut self.waiting) {
                    drop(waiting.to.send(Said::Done(Err(Failure::Stopping))));
                    self.handle(Input::Cancel(id));
                }
                let _gone = done.send(());
            }
            Message::End => return true,
        }
        false
    }

    fn handle(&mut self, input: Input) {
        self.handle_for(None, input);
    }

    /// What the agent has committed because of a call is known by it, and so is what follows from its outcome.
    fn handle_for(&mut self, trace: Option<Trace>, input: Input) {
        let Ok(agent) = &mut self.agent else { return };
        let before = self.effects.actions.len();
        agent.handle(self.clocks.now(), input, &mut self.effects);
        for action in &self.effects.actions[before..] {
            if let (Action::Commit(id, _), Some(trace)) = (action, trace) {
                self.traces.insert(*id, trace);
            }
            if let Action::Answer(id, Ok(Answer::Allocated(allocated))) = action
                && let Some(waiting) = self.waiting.get(id).filter(|waiting| waiting.early)
            {
                drop(waiting.to.send(Said::Early(allocated.clone())));
            }
        }
    }

    fn tick(&mut self) {
        let due = |agent: &C| {
            agent
                .deadline()
                .is_some_and(|due| due <= self.clocks.millis())
        };
        match &self.agent {
            Ok(agent) if due(agent) => self.handle(Input::Tick),
            Err(broken) if broken.again <= Instant::now() => self.recover(),
            _ => {}
        }
    }

    /// Makes durable what the agent has decided, then does it; and the same again where somebody who was to
    /// be told was not there any more.
    fn settle(&mut self) {
        loop {
            match commit(&mut *self.journal, &mut self.effects) {
                Ok(()) => self.act(),
                Err(fault) => return self.fail(&fault, PAUSE),
            }
            let unheard = mem::take(&mut self.unheard);
            if unheard.is_empty() {
                return;
            }
            for (attachment, seq) in unheard {
                self.take(Message::Unheard(attachment, seq));
            }
        }
    }

    fn act(&mut self) {
        for action in mem::take(&mut self.effects.actions) {
            match action {
                Action::Answer(id, answer) => {
                    let given = match &answer {
                        Ok(Answer::Allocated(given)) if !given.repeated => {
                            Some((given.attachment.clone(), given.seq))
                        }
                        _ => None,
                    };
                    let waiting = self.waiting.remove(&id);
                    let answer = answer.map_err(Failure::Refused);
                    let heard =
                        waiting.is_some_and(|waiting| waiting.to.send(Said::Done(answer)).is_ok());
                    if !heard {
                        self.unheard.extend(given);
                    }
                }
                Action::Commit(id, txn) => {
                    let generation = self.generation;
                    let trace = self.traces.get(&id).copied();
                    self.order(Order::Commit {
                        generation,
                        id,
                        txn,
                        trace,
                    });
                }
                Action::CutOff {
                    attachment,
                    netns,
                    addresses,
                } => self.order(Order::CutOff {
                    attachment,
                    netns,
                    addresses,
                }),
                Action::Notify(notice) => self.notices.tell(&notice),
            }
        }
    }

    fn order(&self, order: Order) {
        // Nobody listens only at the very end.
        drop(self.orders.send(order));
    }

    /// Nothing of the last batch is promised to anybody: who waits is refused, and the agent, which knows
    /// more than the disk, is thrown away.
    fn fail(&mut self, fault: &JournalFault, pause: Duration) {
        error!(
            code = fault.number(),
            "{fault}; requests are refused until it can be written"
        );
        self.effects = Effects::default();
        self.traces.clear();
        self.generation.0 += 1;
        for (_, waiting) in mem::take(&mut self.waiting) {
            let reason = fault.to_string();
            drop(
                waiting
                    .to
                    .send(Said::Done(Err(Failure::Journal { reason }))),
            );
        }
        self.agent = Err(Broken {
            fault: fault.to_string(),
            pause,
            again: Instant::now() + pause,
        });
    }

    fn recover(&mut self) {
        let Err(Broken { pause, .. }) = self.agent else {
            return;
        };
        match self.begin_again() {
            Ok(agent) => {
                info!("the journal can be written again");
                self.agent = Ok(agent);
                let generation = self.generation;
                self.order(Order::Restarted { generation });
                self.act();
            }
            Err(fault) => self.fail(&fault, (pause * 2).min(PAUSE_MOST)),
        }
    }

    fn begin_again(&mut self) -> Result<C, JournalFault> {
        let contents = self.journal.load()?;
        if contents.id != self.settings.journal {
            let other = format!("it is another one by now ({})", contents.id);
            return Err(JournalFault::Damaged {
                path: "journal".into(),
                reason: other,
            });
        }
        // A write that changes nothing of the agent's shows that writing works.
        if let Some(boot) = &contents.boot {
            self.journal.note_boot(boot)?;
        }
        let sightings = match wants_sightings(&contents.entries) {
            true => sightings().map_err(|error| JournalFault::Io {
                path: "the kernel's links".into(),
                source: io::Error::other(error),
            })?,
            false => Vec::new(),
        };
        let start = start(&self.settings, contents, sightings, self.clocks);
        let mut effects = Effects::default();
        let agent = C::begin(start, &mut effects).map_err(|error| JournalFault::Damaged {
            path: "journal".into(),
            reason: error.to_string(),
        })?;
        commit(&mut *self.journal, &mut effects)?;
        self.effects = effects;
        Ok(agent)
    }
}

fn start(
    settings: &Settings,
    contents: Contents,
    sightings: Vec<Sighting>,
    clocks: Clocks,
) -> Start {
    Start {
        settings: settings.clone(),
        journal: contents.entries,
        sightings,
        clock: clocks.now(),
    }
}

fn commit(journal: &mut dyn Journal, effects: &mut Effects) -> Result<(), JournalFault> {
    let changes: Vec<JournalChange> = mem::take(&mut effects.journal);
    match changes.is_empty() {
        true => Ok(()),
        false => journal.commit(&changes),
    }
}
