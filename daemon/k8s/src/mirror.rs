//! One kind: watched, and brought to the sink.
//!
//! The watch waits while the sink does not take what it has told, so that nothing piles up. What that costs is a list,
//! where the server has forgotten its history by then.

use crate::{
    condition::Verdict,
    discover,
    kind::{Kind, Name},
    lease::chance,
    queue::Queue,
    report::{Report, watch_code},
    run::{Settings, same_cluster},
    seen::{Bare, Mirrored, Pod, Whole},
    sink::{BATCH, Change, Outcome, Sink, SinkError},
    status::Facts,
};
use futures::{FutureExt as _, Stream, StreamExt as _};
use kube::{
    Api, Client,
    core::ApiResource,
    runtime::{
        WatchStreamExt as _,
        events::Recorder,
        watcher::{self, Event, watcher},
    },
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

/// What a leader's tasks stand on.
#[derive(Clone)]
pub(crate) struct Leading {
    pub(crate) client: Client,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) report: Arc<Report>,
    pub(crate) recorder: Recorder,
    pub(crate) settings: Arc<Settings>,
    /// What the cluster was known by when this node began to lead.
    pub(crate) cluster: String,
}

/// A list comes in pages of so many: a page of whole pods is megabytes for a moment.
const PAGE: u32 = 100;
/// The server ends each watch after so long; one that says nothing for longer is dead.
const WATCH: u32 = 120;
/// Between two tries to write.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Mirrors a kind until that must end.
pub(crate) async fn kind(leading: Leading, kind: Kind) -> SinkError {
    loop {
        let what = kind.name();
        match discover::find(&leading.client, kind).await {
            Ok(Some(resource)) => {
                let done = match kind {
                    Kind::Pod => Mirror::new(&leading, kind, resource).run::<Pod>().await,
                    Kind::Namespace => Mirror::new(&leading, kind, resource).run::<Bare>().await,
                    _ => Mirror::new(&leading, kind, resource).run::<Whole>().await,
                };
                if let Err(error) = done {
                    return error;
                }
            }
            // It may come.
            Ok(None) => leading.report.fine(what),
            Err(error) => leading.report.failed(what, &error),
        }
        leading.report.set_synced(kind, false);
        sleep(leading.settings.look.mul_f64(1.0 + chance())).await;
    }
}

struct Mirror<'a> {
    leading: &'a Leading,
    kind: Kind,
    resource: ApiResource,
    queue: Queue,
    facts: Facts,
}

/// What a watch has come to.
enum Next {
    /// It goes on.
    On,
    /// It is to be begun anew.
    Anew,
    /// The server does not have the kind any more. That it has none of its objects does not follow.
    Gone,
}

impl<'a> Mirror<'a> {
    fn new(leading: &'a Leading, kind: Kind, resource: ApiResource) -> Mirror<'a> {
        let (client, recorder) = (leading.client.clone(), leading.recorder.clone());
        Mirror {
            leading,
            kind,
            facts: Facts::new(client, kind, resource.clone(), recorder),
            resource,
            queue: Queue::default(),
        }
    }

    /// Until the server has the kind no more, or until it must end.
    async fn run<K: Mirrored>(mut self) -> Result<(), SinkError> {
        let api: Api<K> = Api::all_with(self.leading.client.clone(), &self.resource);
        loop {
            let config = watcher::Config::default().page_size(PAGE).timeout(WATCH);
            let stream = pin!(watcher(api.clone(), config).default_backoff());
            if let Next::Gone = self.follow(stream).await? {
                return Ok(());
            }
        }
    }

    async fn follow<K: Mirrored>(
        &mut self,
        mut stream: impl Stream<Item = watcher::Result<Event<K>>> + Unpin,
    ) -> Result<Next, SinkError> {
        let every = self.leading.settings.look;
        let mut look = interval_at(Instant::now() + every, every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = stream.next() => {
                    // What is there at once is written together.
                    let mut next = next;
                    while let Some(event) = next {
                        match self.take(event).await? {
                            Next::On => {}
                            other => return Ok(other),
                        }
                        next = match self.queue.len() < BATCH {
                            true => stream.next().now_or_never().flatten(),
                            false => None,
                        };
                    }
                }
                _ = look.tick() => {
                    self.queue.retry();
                    let fields = self.leading.sink.status(self.kind).await;
                    self.facts.fields(fields);
                }
            }
            self.write().await?;
            self.tell().await;
            let synced = self.queue.is_synced() && !self.queue.is_listing();
            self.leading.report.set_synced(self.kind, synced);
        }
    }

    async fn take<K: Mirrored>(
        &mut self,
        event: watcher::Result<Event<K>>,
    ) -> Result<Next, SinkError> {
        let what = self.kind.name();
        match event {
            Ok(Event::Init) => {
                same_cluster(self.leading).await?;
                self.queue.list();
                self.facts.list();
            }
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                self.leading.report.fine(what);
                self.seen(object);
            }
            Ok(Event::Delete(object)) => {
                let name = name(&object);
                self.leading.report.refused(self.kind, &name, None);
                self.facts.gone(&name);
                self.queue.gone(name);
            }
            Ok(Event::InitDone) => {
                same_cluster(self.leading).await?;
                self.leading.report.fine(what);
                let there = self.mirrored().await?;
                self.queue.listed(there);
            }
            Err(error) => {
                self.leading.report.watch_failed(what, &error);
                match watch_code(&error) {
                    Some(404) if self.kind.optional() => return Ok(Next::Gone),
                    // The watcher would ask for what is forgotten again and again, where the server says so at once.
                    Some(410) if matches!(error, watcher::Error::WatchStartFailed(_)) => {
                        return Ok(Next::Anew);
                    }
                    _ => {}
                }
            }
        }
        Ok(Next::On)
    }

    fn seen<K: Mirrored>(&mut self, mut object: K) {
        let name = name(&object);
        let meta = object.meta();
        let (uid, generation) = (meta.uid.clone(), meta.generation);
        let conditions = object.take_conditions();
        self.facts.seen(&name, uid, generation, conditions);
        let manifest = object.manifest(&self.resource);
        self.queue.seen(name, manifest);
    }

    /// What there is of the server's in the sink.
    async fn mirrored(&self) -> Result<std::collections::BTreeSet<Name>, SinkError> {
        let mut pause = AGAIN.0;
        loop {
            match self.leading.sink.mirrored(self.kind).await {
                Err(SinkError::Away(text)) => {
                    self.leading.report.trouble("store", text);
                    sleep(pause).await;
                    pause = (pause * 2).min(AGAIN.1);
                }
                done => return done,
            }
        }
    }

    /// Writes all that is due.
    async fn write(&mut self) -> Result<(), SinkError> {
        let mut pause = AGAIN.0;
        while self.queue.len() > 0 {
            let taken = self.queue.take(BATCH).into_iter();
            let changes: Vec<Change> = taken
                .map(|(name, object)| Change {
                    kind: self.kind,
                    name,
                    object,
                })
                .collect();
            let outcomes = match self.leading.sink.write(&changes).await {
                Ok(outcomes) => {
                    self.leading.report.fine("store");
                    outcomes
                }
                Err(SinkError::Away(text)) => {
                    self.leading.report.trouble("store", text);
                    vec![Outcome::Again; changes.len()]
                }
                Err(error) => return Err(error),
            };
            let again = outcomes
                .iter()
                .filter(|one| **one == Outcome::Again)
                .count();
            let stuck = again == changes.len();
            for (change, outcome) in changes.into_iter().zip(outcomes) {
                self.outcome(change, outcome);
            }
            if stuck {
                sleep(pause).await;
                pause = (pause * 2).min(AGAIN.1);
            }
        }
        Ok(())
    }

    fn outcome(&mut self, change: Change, outcome: Outcome) {
        let Change { name, object, .. } = change;
        let report = &self.leading.report;
        match (outcome, object) {
            (Outcome::Again, object) => self.queue.again(name, object),
            (Outcome::Done, object) => {
                report.refused(self.kind, &name, None);
                if object.is_some() {
                    self.facts.judged(&name, Verdict::Accepted);
                }
            }
            (Outcome::Refused(text), Some(object)) => {
                report.refused(self.kind, &name, Some(&text));
                self.facts.judged(&name, Verdict::Refused(text));
                self.queue.hold(name, Some(object));
            }
            (Outcome::Foreign(text), Some(object)) => {
                report.refused(self.kind, &name, Some(&text));
                self.facts.judged(&name, Verdict::Foreign(text));
                self.queue.hold(name, Some(object));
            }
            (Outcome::Waits(text), object) => {
                report.waits(self.kind, &name, &text);
                self.queue.hold(name, object);
            }
            (Outcome::Refused(_) | Outcome::Foreign(_), None) => {
                report.refused(self.kind, &name, None);
            }
        }
    }

    async fn tell(&mut self) {
        let what = format!("status of {}", self.kind);
        if self.facts.lack_fields() {
            let fields = self.leading.sink.status(self.kind).await;
            self.facts.fields(fields);
        }
        match self.facts.tell().await {
            Ok(()) => self.leading.report.fine(&what),
            Err(error) => self.leading.report.failed(&what, &error),
        }
    }
}

fn name<K: Mirrored>(object: &K) -> Name {
    let meta = object.meta();
    Name {
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
    }
}
