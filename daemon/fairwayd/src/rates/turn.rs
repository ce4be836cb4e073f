//! One turn: what was learned goes to the engine, what follows from it to the kernel, and whoever waits for
//! that is told.

use super::{
    Beginning, Message, To,
    feed::Feed,
    plane::{Kernel, Plane},
    record::{RateRecord, id},
    tally, told,
    wanted::{places, sweep, wanted},
};
use crate::{
    alias,
    code::Coded as _,
    convert::body,
    error::Error,
    news::news,
    registry::{Filed as _, Registry},
    worker,
};
use fairway_api::{ErrorBody, endpoint};
use fairway_cni::Code;
use fairway_ipam::AttachmentId;
use fairway_kv::{Revision, Update};
use fairway_netlink::{Event, Link, Netlink as _};
use fairway_rates::{Engine, Input};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// For so long somebody who has written to the store waits for this node to see it.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

mod answer;
#[cfg(test)]
mod tests;

use answer::{Curious, Waiting};

pub(super) struct Turn<K: Kernel> {
    pub(super) engine: Engine,
    pub(super) registry: Registry<RateRecord>,
    pub(super) plane: Plane<K>,
    pub(super) feed: Feed,
    /// Is told whose way in has a queue.
    tell: Box<dyn Fn(BTreeSet<AttachmentId>) + Send>,
    /// Those that were asked for since this daemon runs: their limits are put in place also while the store's
    /// picture is not there.
    pub(super) fresh: BTreeSet<AttachmentId>,
    /// Those whose links may bear limits that a daemon before, or a plugin without one, has left there.
    unswept: BTreeSet<AttachmentId>,
    waiting: Vec<Waiting>,
    curious: Vec<Curious>,
    /// As of when the store was seen.
    revision: Revision,
    /// Whose way in had a queue by the daemon before; it has it until the picture is there.
    former: BTreeSet<AttachmentId>,
    /// What was told of that.
    shaped: BTreeSet<AttachmentId>,
    /// Something was learned that changes may follow from.
    learned: bool,
    /// Links may have gone that nobody told of.
    list: bool,
    /// They are to be looked through.
    sweep: bool,
}

impl<K: Kernel> Turn<K> {
    pub(super) fn new(beginning: Beginning, kernel: K) -> Result<Turn<K>, Error> {
        let registry = Registry::open(&beginning.state_dir)?;
        let mut engine = Engine::default();
        registry
            .all()
            .for_each(|record: &RateRecord| engine.take(Input::Endpoint(record.endpoint())));
        let unswept = registry.all().map(RateRecord::attachment).collect();
        Ok(Turn {
            engine,
            registry,
            plane: Plane::new(kernel),
            feed: Feed::default(),
            tell: beginning.tell,
            fresh: BTreeSet::new(),
            unswept,
            waiting: Vec::new(),
            curious: Vec::new(),
            revision: Revision::default(),
            shaped: beginning.former.clone(),
            former: beginning.former,
            learned: true,
            list: true,
            sweep: true,
        })
    }

    /// Its link has gone.
    fn forget(&mut self, attachment: &AttachmentId) {
        self.learned = true;
        self.registry.remove(attachment);
        self.fresh.remove(attachment);
        self.unswept.remove(attachment);
        self.engine.take(Input::EndpointGone(id(attachment)));
        self.plane.forget(attachment);
    }

    /// The newest word of whoever asks counts; that of others stays, and what only they know.
    fn shape(&mut self, mut record: RateRecord, to: To<endpoint::Shaped>) {
        let attachment = record.attachment();
        let before = self.registry.get(&attachment).cloned();
        if let Some(before) = &before
            && before.netns == record.netns
        {
            record.follow(before);
        }
        if let Err(error) = self.registry.put(record.clone()) {
            let error = body(Code::IO, format_args!("rates of {attachment}: {error}"));
            return drop(to.send(Err(error)));
        }
        self.learned = true;
        self.engine.take(Input::Endpoint(record.endpoint()));
        self.fresh.insert(attachment.clone());
        if before.is_none() {
            self.unswept.insert(attachment);
            self.sweep = true;
        }
        self.waiting.push(Waiting { record, before, to });
    }

    /// False: nobody had asked so.
    fn withdraw(&mut self, attachment: &AttachmentId, by: &str) -> Result<bool, ErrorBody> {
        let Some(mut record) = self.registry.get(attachment).cloned() else {
            // One that could not be read is of no use to anybody now.
            self.registry.remove(attachment);
            return Ok(false);
        };
        if record.asked.remove(by).is_none() {
            return Ok(false);
        }
        let failed = |error| body(Code::IO, format_args!("rates of {attachment}: {error}"));
        self.registry.put(record.clone()).map_err(failed)?;
        self.learned = true;
        self.engine.take(Input::Endpoint(record.endpoint()));
        Ok(true)
    }

    /// Forgets whose link went while nobody looked.
    fn look(&mut self) {
        let links = self
            .plane
            .kernel()
            .here()
            .and_then(|mut links| links.links());
        let links = match links {
            Ok(links) => links,
            Err(error) => {
                self.list = true;
                return news!(
                    warn,
                    code = error.number(),
                    "rates: the links cannot be listed: {error}"
                );
            }
        };
        let links: BTreeMap<u32, Link> = links.into_iter().map(|link| (link.index, link)).collect();
        let all = self.registry.all();
        let gone = all.filter(|record| {
            let [host, _] = places(record);
            !links.get(&record.index).is_some_and(|link| host.is(link))
        });
        let gone: Vec<AttachmentId> = gone.map(RateRecord::attachment).collect();
        gone.iter().for_each(|gone| self.forget(gone));
        let aliases = links.values().filter_map(|link| link.alias.as_ref());
        let there: Vec<AttachmentId> = aliases.filter_map(|one| alias::attachment(one)).collect();
        self.registry.keep_broken(&there);
    }

    /// What the engine wants goes to the kernel.
    fn settle(&mut self) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let picture = self.engine.picture(at.map_or(0, |at| at.as_secs()));
        let wanted = wanted(picture, &self.registry);
        let (seen, fresh) = (self.feed.seen, &self.fresh);
        let judged = |attachment: &AttachmentId| seen || fresh.contains(attachment);
        // What cannot be read may be what a daemon before has put there.
        let readable = self.feed.problems().next().is_none();
        if std::mem::take(&mut self.sweep) {
            let (registry, plane) = (&self.registry, &self.plane);
            self.unswept.retain(|attachment| {
                let due = fresh.contains(attachment) || seen && readable;
                let record = registry.get(attachment).filter(|_| due);
                !record.is_some_and(|record| sweep(record, &wanted, plane))
            });
        }
        self.plane.keep(wanted, judged);
    }

    /// What keeps limits from being kept.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.registry.problems().collect();
        problems.extend(self.feed.problems().cloned());
        let overflow = self.engine.held().overflow.iter();
        problems.extend(overflow.map(|what| format!("rates: no room for the limit of {what}")));
        problems.extend(self.plane.problems());
        problems
    }
}

impl<K: Kernel> worker::Turn for Turn<K> {
    type Message = Message;

    const LOOK: Duration = Duration::from_secs(60);

    fn deadline(&self) -> Option<Instant> {
        let curious = self.curious.iter().map(|curious| curious.until).min();
        curious.into_iter().chain(self.plane.deadline()).min()
    }

    fn doubt(&mut self) {
        (self.list, self.learned, self.sweep) = (true, true, true);
        self.plane.doubt();
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::LinkGone(link) => {
                let mut all = self.registry.all();
                let gone = all.find(|record| record.index == link.index);
                let gone = gone.map(RateRecord::attachment);
                drop(all);
                if let Some(gone) = gone {
                    self.forget(&gone);
                }
            }
            Event::ListAnew => self.list = true,
            _ => {}
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Store(update) => {
                self.learned = true;
                if let Update::Reset { revision, .. } | Update::Changes { revision, .. } = &update {
                    self.revision = *revision;
                }
                let inputs = self.feed.take(update);
                inputs.into_iter().for_each(|input| self.engine.take(input));
            }
            Message::Shape(record, to) => self.shape(*record, to),
            Message::Withdraw(attachment, by, to) => {
                let _gone = to.send(self.withdraw(&attachment, &by));
            }
            Message::Verify(attachment, to) => drop(to.send(self.verify(&attachment))),
            Message::List(list, to) => drop(to.send(told::rates(self, &list))),
            Message::History(list, to) => drop(to.send(told::history(self, &list))),
            Message::Warnings(about, since, to) => self.curious.push(Curious {
                about,
                since,
                until: self.plane.kernel().now() + SEEN_WITHIN,
                to,
            }),
            Message::Problems(to) => drop(to.send(self.problems())),
            Message::Tally(to) => drop(to.send(tally::of(self))),
        }
    }

    fn step(&mut self) {
        if std::mem::take(&mut self.list) {
            self.look();
        }
        let now = self.plane.kernel().now();
        let due = self.plane.deadline().is_some_and(|at| at <= now);
        if std::mem::take(&mut self.learned) || due {
            self.settle();
        }
        let mut shaped = self.plane.shaped();
        if !self.feed.seen {
            shaped.extend(self.former.iter().cloned());
        }
        // First, so that what is told as kept is also gone past by nobody.
        if self.shaped != shaped {
            (self.tell)(shaped.clone());
            self.shaped = shaped;
        }
        self.answer();
        self.inform();
    }
}
