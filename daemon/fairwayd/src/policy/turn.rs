//! One turn: what was learned goes to the engine, what follows from it to the kernel, and whoever waits for
//! that is told.

use super::{
    Beginning, EndpointRecord, FlowLog, Message, To,
    feed::{Feed, Reader},
    fit::Fit,
    groups::Grouped,
    links::Links,
    names::Names,
    plane::Plane,
    publish::{self, Publisher},
    tally, told,
};
use crate::{
    alias,
    code::Coded as _,
    error::Error,
    news::{News, news},
    registry::Registry,
    worker,
};
use fairway_ipam::AttachmentId;
use fairway_netlink::{Event, Handle};
use fairway_policy::{
    Engine,
    input::{Change, EndpointId, Input, Number, Sets},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::BorrowedFd,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;
use tracing::{debug, warn};

/// How long a container that has just come up waits for its policy.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

mod admit;

pub(super) struct Turn {
    pub(super) node: String,
    pub(super) feed: Feed,
    pub(super) engine: Engine,
    pub(super) names: Names,
    pub(super) registry: Registry<EndpointRecord>,
    pub(super) links: Links,
    pub(super) plane: Plane,
    /// Whose way in has a queue.
    shaped: BTreeSet<AttachmentId>,
    /// What the engine says of this node's endpoints.
    pub(super) sets: BTreeMap<EndpointId, (Number, Sets)>,
    /// What does not fit; what was in force before it stays.
    pub(super) overflow: Option<String>,
    /// Something was learned that changes may follow from.
    learned: bool,
    pub(super) fit: Fit,
    waiting: Vec<Waiting>,
    contending: Vec<admit::Contending>,
    publisher: Publisher,
    flows: Arc<FlowLog>,
    told: News,
}

struct Waiting {
    attachment: AttachmentId,
    until: Instant,
    to: To<()>,
}

impl Turn {
    pub(super) fn new(
        beginning: Beginning,
        netlink: Handle,
        orders: UnboundedSender<publish::Order>,
        flows: Arc<FlowLog>,
    ) -> Result<Turn, Error> {
        let node = beginning.node.to_string();
        let judge_node = beginning.policing.judge_node;
        let grouped = Grouped::new(beginning.policing.group_namespaces.clone());
        if !beginning.policing.enforce
            && let Err(error) = super::plane::clear(&beginning.policing, &node)
        {
            // A daemon before this one may have had it otherwise.
            warn!(
                code = error.number(),
                "what an earlier setting has left: {error}"
            );
        }
        let plane = Plane::new(beginning.policing, &node);
        let mut engine = Engine::new(plane.limits());
        engine.judge_node(judge_node);
        Ok(Turn {
            feed: Feed::new(Reader::new(node.clone(), beginning.grace, grouped)),
            engine,
            names: Names::default(),
            registry: Registry::open(&beginning.state_dir)?,
            links: Links::new(netlink),
            plane,
            shaped: beginning.shaped,
            sets: BTreeMap::new(),
            overflow: None,
            learned: true,
            fit: Fit::default(),
            waiting: Vec::new(),
            contending: Vec::new(),
            publisher: Publisher::new(orders, node.clone()),
            flows,
            told: News::default(),
            node,
        })
    }

    fn link_gone(&mut self, alias: &str) {
        let of = |attachment: &AttachmentId| alias::alias(attachment) == *alias;
        let mut known = self.registry.all().map(EndpointRecord::attachment);
        let gone = known.find(of).or_else(|| alias::attachment(alias));
        drop(known);
        let waits = self.contending.iter().map(admit::Contending::attachment);
        let waits: Vec<_> = waits.filter(of).collect();
        gone.iter().chain(&waits).for_each(|gone| self.forget(gone));
    }

    fn learn(&mut self, input: Input) {
        self.names.learn(&input);
        self.learned = true;
        self.fit.learn(&mut self.engine, input);
    }

    /// Lists the links, and forgets those that went while nobody looked.
    fn list(&mut self) {
        if let Err(error) = self.links.list() {
            return news!(
                warn,
                code = error.number(),
                "policy: the links cannot be listed: {error}"
            );
        }
        let links = &self.links;
        let all = self.registry.all().map(EndpointRecord::attachment);
        let gone: Vec<_> = all.filter(|id| links.of(id).is_none()).collect();
        for attachment in gone {
            // Of one whose ADD is under way the link was seen when it was guarded.
            self.forget(&attachment);
        }
        self.registry.keep_broken(&self.links.attachments());
        let there = self.registry.all();
        let there: Vec<_> = there.map(|record| self.known(record)).collect();
        for endpoint in there {
            self.learn(Input::Endpoint(endpoint));
        }
    }

    /// Is the whole picture there? Until then the programs of the daemon before this one go on.
    pub(super) fn is_ready(&self) -> bool {
        self.feed.seen && self.links.is_listed() && self.feed.blind().is_none()
    }

    /// What the engine wants goes to the kernel.
    fn settle(&mut self) {
        let mut changes = Vec::new();
        if std::mem::take(&mut self.learned) {
            let settled = self.fit.changes(&mut self.engine);
            self.overflow = settled.as_ref().err().map(ToString::to_string);
            changes = settled.unwrap_or_default();
        }
        if !changes.is_empty() {
            debug!("{} changes of policy", changes.len());
        }
        // A generation that is empty gets all there is, whatever has just changed.
        let fill = self.plane.is_there() && !self.plane.is_filled() && self.plane.is_sound();
        if fill {
            changes.iter().for_each(|change| self.note(change));
            let all = self.engine.snapshot();
            all.iter().for_each(|change| self.carry_out(change));
            self.plane.filled();
        } else {
            // In this very order: an endpoint changes over when its new set is there and before the old
            // one goes.
            changes.iter().for_each(|change| self.carry_out(change));
        }
        let mut wanted = BTreeMap::new();
        for record in self.registry.all() {
            wanted.extend(self.wanted(record));
        }
        self.plane.match_endpoints(wanted);
        self.plane.judge_anew();
        self.plane.lead(&mut self.links);
        let ours = self.links.ours();
        self.plane.take_over(self.links.netlink(), &ours);
    }

    fn carry_out(&mut self, change: &Change) {
        self.note(change);
        match change {
            Change::Endpoint { id, .. } => {
                let attachment = attachment_of(id);
                let record = self.registry.get(&attachment);
                match record.and_then(|record| self.wanted(record)) {
                    Some((link, endpoint)) => self.plane.put(link, endpoint),
                    None => {
                        if let Some(link) = self.links.of(&attachment) {
                            self.plane.close(link.index);
                        }
                    }
                }
            }
            other => {
                let links = &self.links;
                let index = |id: &EndpointId| {
                    let link = links.of(&attachment_of(id));
                    link.map_or(0, |link| link.index)
                };
                self.plane.write(other, index);
            }
        }
    }

    fn note(&mut self, change: &Change) {
        match change {
            Change::Endpoint {
                id,
                identity,
                sets: Some(sets),
            } => drop(self.sets.insert(id.clone(), (*identity, *sets))),
            Change::Endpoint { id, .. } => drop(self.sets.remove(id)),
            _ => {}
        }
    }

    /// A link and its entry, where its policy is known.
    fn wanted(&self, record: &EndpointRecord) -> Option<(u32, fairway_dataplane::abi::Endpoint)> {
        let (identity, sets) = self.sets.get(&record.id(&self.node))?;
        let link = self.links.of(&record.attachment())?;
        let vni = record
            .tenant
            .as_ref()
            .and_then(|name| self.feed.reader.vni(name));
        let mut endpoint = super::plane::endpoint(record, link, *identity, *sets, vni);
        if self.shaped.contains(&record.attachment()) {
            endpoint.flags |= fairway_dataplane::abi::Endpoint::SHAPED;
        }
        Some((link.index, endpoint))
    }

    /// Tells those that wait.
    fn answer(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            match told::standing(self, &waiting.attachment, true) {
                Ok(()) => drop(waiting.to.send(Ok(()))),
                Err(error) if Instant::now() >= waiting.until => {
                    drop(waiting.to.send(Err(error)));
                }
                Err(_) => self.waiting.push(waiting),
            }
        }
    }

    /// Are policies in force here, as they are now?
    pub(super) fn is_enforced(&self) -> bool {
        self.plane.absence().is_none()
            && self.is_ready()
            && self.overflow.is_none()
            && self.plane.is_sound()
    }

    /// What keeps policies from being in force.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.overflow.iter().cloned().collect();
        problems.extend(self.registry.problems());
        problems.extend(self.fit.problems());
        problems.extend(self.feed.problems().cloned());
        problems.extend(self.plane.problems());
        problems
    }

    fn tell_problems(&mut self) {
        let problems = self.problems();
        for problem in self.told.of(&problems, Instant::now()) {
            warn!("policy: {problem}");
        }
    }
}

impl worker::Turn for Turn {
    type Message = Message;

    const LOOK: Duration = Duration::from_secs(30);

    fn deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().map(|waiting| waiting.until).min();
        let contending = self.contending.iter().map(|one| one.until).min();
        let all = [waiting, contending, self.plane.deadline()];
        all.into_iter().flatten().min()
    }

    /// There are flows.
    fn readable(&self) -> Option<BorrowedFd<'_>> {
        self.plane.events()
    }

    fn doubt(&mut self) {
        self.links.doubt();
        self.plane.doubt();
        self.publisher.due = true;
    }

    fn event(&mut self, event: &Event) {
        if let Some(alias) = self.links.event(event) {
            self.link_gone(&alias);
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Store(update) => {
                let inputs = self.feed.take(update);
                inputs.into_iter().for_each(|input| self.learn(input));
                self.publisher.due = true;
            }
            Message::Ways(changed) => self.plane.ways(changed),
            Message::Shaped(shaped) => self.shaped = shaped,
            Message::Gone(attachment) => {
                if let Some(link) = self.links.of(&attachment).map(|link| link.index) {
                    self.plane.shut(self.links.netlink(), link);
                }
                self.forget(&attachment);
            }
            Message::Guard(attachment, required, to) => {
                drop(to.send(self.guard(&attachment, required)));
            }
            Message::Open(record, to) => self.open(*record, to),
            Message::Verify(attachment, required, to) => {
                drop(to.send(told::standing(self, &attachment, required)));
            }
            Message::Published(done) => self.publisher.done(done),
            Message::Policies(to) => drop(to.send(told::policies(self))),
            Message::Explain(explain, to) => drop(to.send(told::explained(self, &explain))),
            Message::Audit(to) => drop(to.send(told::audit(self))),
            Message::Status(to) => {
                // Whether it can be is only known when it was tried.
                let _absent = self.plane.must_be_there();
                drop(to.send(told::status(self)));
            }
            Message::Knows(path, to) => drop(to.send(self.feed.has(&path))),
            Message::Problems(to) => drop(to.send(self.problems())),
            Message::Tally(to) => drop(to.send(tally::of(self))),
        }
    }

    fn step(&mut self) {
        if self.links.is_due() {
            self.list();
        }
        for alias in self.links.vanished() {
            self.link_gone(&alias);
        }
        if let Some(addresses) = self.links.own_addresses()
            && let Some(input) = self.feed.reader.own_addresses(addresses)
        {
            self.learn(input);
        }
        for gone in self.feed.reader.expired() {
            self.learn(gone);
        }
        if self.registry.all().next().is_some() || self.feed.reader.has_networks() {
            // Loading takes a moment that no container should wait for.
            let _absent = self.plane.must_be_there();
        }
        self.admit();
        if self.is_ready() {
            self.settle();
        } else {
            self.plane.lead(&mut self.links);
        }
        let events = self.plane.drain();
        if !events.is_empty() {
            let (flows, missed) = told::flows(self, &events);
            self.flows.push(flows, missed);
        }
        self.plane.tend();
        self.answer();
        if self.feed.seen {
            let told = self.feed.told();
            self.publisher.step(self.registry.all(), &told);
        }
        self.tell_problems();
    }
}

fn attachment_of(id: &EndpointId) -> AttachmentId {
    AttachmentId {
        network: id.network.clone(),
        container: id.container.clone(),
        ifname: id.ifname.clone(),
    }
}
