//! The task: one thing after the other, and after each the speaker is told what differs.

use super::{
    Beginning, Message,
    feed::Feed,
    own::Own,
    password::Passwords,
    running::Running,
    told,
    wanted::{self, Goal},
};
use crate::{
    code::Coded as _,
    driver::Driver,
    hops::Hops,
    routes::{Learned, Routes},
};
use fairway_bgp::table::{Change, Drain};
use fairway_ipam::{NodeName, record::UnderlayRecord};
use fairway_kv::Update;
use fairway_speaker::Gone;
use std::{net::IpAddr, path::PathBuf, time::Duration};
use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{error, info, warn};

/// Files of keys are looked at so often, and whether the last container of a node that is drained is gone.
const LOOK: Duration = Duration::from_secs(5);
/// How long neighbours have to tell again what they told before the daemon began.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Turn {
    me: NodeName,
    routes: Routes,
    driver: Driver,
    record: Option<PathBuf>,
    underlay: watch::Receiver<Option<UnderlayRecord>>,
    pub(super) feed: Feed,
    own: Own,
    passwords: Passwords,
    pub(super) hops: Hops,
    hops_changed: watch::Receiver<()>,
    pub(super) running: Option<Running>,
    pub(super) goal: Option<Goal>,
    /// The store was not seen yet since the daemon began: a speaker that begins now was there before, as far as
    /// anybody knows.
    first: bool,
    /// It could not be started, or has ended.
    again: bool,
    /// Until when neighbours are waited for to tell again what they told before the daemon began.
    patience: Option<Instant>,
    warned: Vec<String>,
}

enum Happened {
    Message(Option<Message>),
    Underlay,
    Hops,
    Changes(Result<Vec<Change>, Gone>),
    Tick,
}

impl Turn {
    pub(super) fn new(beginning: Beginning) -> Turn {
        let Beginning {
            node,
            routes,
            driver,
            record,
            hops,
        } = beginning;
        Turn {
            underlay: routes.underlay(),
            own: Own::new(node.clone()),
            me: node,
            routes,
            driver,
            record,
            feed: Feed::default(),
            passwords: Passwords::default(),
            hops_changed: hops.changed(),
            hops,
            running: None,
            goal: None,
            first: true,
            again: false,
            patience: Some(Instant::now() + PATIENCE),
            warned: Vec::new(),
        }
    }

    /// Until it is told to end.
    pub(super) async fn run(mut self, mut inbox: UnboundedReceiver<Message>) {
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let looks = self.again || self.running.is_some();
            let happened = tokio::select! {
                message = inbox.recv() => Happened::Message(message),
                Ok(()) = self.underlay.changed() => Happened::Underlay,
                Ok(()) = self.hops_changed.changed() => Happened::Hops,
                changes = changes(&mut self.running) => Happened::Changes(changes),
                _ = tick.tick(), if looks => Happened::Tick,
            };
            match happened {
                Happened::Message(Some(Message::End(done))) => {
                    self.leave().await;
                    let _gone = done.send(());
                    return;
                }
                Happened::Message(None) => return self.leave().await,
                Happened::Message(Some(message)) => self.message(message).await,
                Happened::Underlay | Happened::Tick => self.settle().await,
                Happened::Hops => self.resolve_anew().await,
                Happened::Changes(Ok(changes)) => self.learn(changes),
                Happened::Changes(Err(gone)) => self.lost(gone),
            }
        }
    }

    async fn leave(&mut self) {
        if let Some(running) = self.running.take() {
            let _gone = running.speaker.leave().await;
        }
    }

    async fn message(&mut self, message: Message) {
        // Who asked and went away needs no answer.
        match message {
            Message::Store(update) => self.store(update).await,
            Message::Peers(to) => drop(to.send(self.peers().await)),
            Message::Neighbour(address, to) => drop(to.send(self.neighbour(address).await)),
            Message::Routes(asked, to) => drop(to.send(self.list(asked).await)),
            Message::Reset(reset, to) => drop(to.send(self.reset(reset).await)),
            Message::Problems(to) => drop(to.send(Ok(self.problems()))),
            Message::End(_) => {}
        }
    }

    async fn store(&mut self, update: Update) {
        let seen = self.feed.seen;
        self.own.take(&update);
        let objects = !self.feed.take(update).is_empty();
        let own = std::mem::take(&mut self.own.changed);
        if objects || own || self.feed.seen != seen {
            self.settle().await;
        }
        self.warn();
    }

    /// Brings the speaker into step with what is wanted.
    async fn settle(&mut self) {
        // What is not shown yet is not gone.
        if !self.feed.seen {
            return;
        }
        let underlay = self.underlay.borrow_and_update().clone();
        let addresses = underlay.into_iter().flat_map(|record| record.addresses);
        let addresses: Vec<IpAddr> = addresses.map(|own| own.address).collect();
        let mut goal = wanted::goal(&self.me, &addresses, &self.feed.reader, &mut self.passwords);
        if let Some(speaker) = &mut goal.speaker {
            speaker.record.clone_from(&self.record);
        }
        let stops = match (&self.running, &goal.speaker) {
            (Some(running), Some(config)) => !running.fits(config),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if stops && let Some(running) = self.running.take() {
            info!("the BGP speaker ends");
            running.stop().await;
            self.forget_learned();
        }
        let restarted = std::mem::take(&mut self.first);
        let done = self.bring(&goal, restarted).await;
        self.again = done.is_err();
        self.goal = Some(goal);
        if let Err(gone) = done {
            self.lost(gone);
        }
        self.warn();
        self.look_again().await;
    }

    /// What was learned before the daemon began stays in the kernel until all neighbours have had a session for a
    /// moment, or for as long as one is patient.
    async fn look_again(&mut self) {
        let Some(patience) = self.patience else {
            return;
        };
        let over = match &self.running {
            _ if Instant::now() >= patience => true,
            Some(running) => running.is_settled(LOOK).await,
            // One that could not be started is started again.
            None => !self.again,
        };
        if over {
            self.patience = None;
            self.routes.learned_again();
        }
    }

    async fn bring(&mut self, goal: &Goal, restarted: bool) -> Result<(), Gone> {
        let Some(config) = &goal.speaker else {
            return Ok(());
        };
        if self.running.is_none() {
            let settings = &config.settings;
            info!(
                "the BGP speaker begins: AS {}, identifier {}",
                settings.asn, settings.router
            );
            // Until then a speaker that restarted tells nothing of what it learns.
            let neighbours = config.neighbours.iter();
            let deferral = neighbours.map(|one| one.neighbour.settings().graceful.deferral);
            if let (true, Some(deferral)) = (restarted, deferral.max()) {
                self.patience = Some(Instant::now() + deferral + LOOK);
            }
            match Running::start(config, restarted, &self.hops) {
                Ok(running) => self.running = Some(running),
                Err(error) => {
                    error!(
                        code = error.number(),
                        "the BGP speaker cannot begin: {error}"
                    );
                    return Err(Gone);
                }
            }
        }
        let drain = self.drain().await;
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        running
            .tell(config, (&self.own, &goal.advertise), drain)
            .await
    }

    /// Next hops are reached in other ways than before.
    async fn resolve_anew(&mut self) {
        let Some(running) = &self.running else {
            return;
        };
        if let Err(gone) = running.speaker.resolve_anew().await {
            self.lost(gone);
        }
    }

    /// Who told it is gone, and so is the table that had the next hops.
    fn forget_learned(&self) {
        self.hops.forget_all();
        self.routes.forget_learned();
    }

    /// A node that is drained says so at once, and withdraws its routes when the last container has left.
    async fn drain(&self) -> Drain {
        if !self.own.drained {
            return Drain::Off;
        }
        match self.driver.leases().await {
            Ok(leases) if leases.is_empty() => Drain::Withdrawn,
            _ => Drain::Announced,
        }
    }

    fn learn(&mut self, changes: Vec<Change>) {
        let learned: Vec<Learned> = changes.iter().filter_map(told::learned).collect();
        self.routes.learned(learned);
    }

    fn lost(&mut self, gone: Gone) {
        error!(code = gone.number(), "{gone}; it is started again");
        self.running = None;
        self.again = true;
        self.forget_learned();
    }

    /// What does not hold on this node.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.feed.problems().cloned().collect();
        if let Some(goal) = &self.goal {
            problems.extend(goal.problems.iter().cloned());
            if goal.speaker.is_some() {
                let missing = self.own.missing(&goal.advertise).into_iter();
                problems.extend(missing.map(|pool| {
                    format!("BgpConfig: spec.advertise.wholePools: pool {pool} is not there")
                }));
            }
        }
        problems
    }

    fn warn(&mut self) {
        let problems = self.problems();
        let new = problems.iter().filter(|one| !self.warned.contains(one));
        new.for_each(|problem| warn!("{problem}"));
        self.warned = problems;
    }
}

/// Never, where none runs.
async fn changes(running: &mut Option<Running>) -> Result<Vec<Change>, Gone> {
    match running {
        Some(running) => running.speaker.changes().await,
        None => std::future::pending().await,
    }
}
