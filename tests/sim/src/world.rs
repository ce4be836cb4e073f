//! The simulated world: what is in it, how time passes, and what a step is.

use crate::{
    brain::Maker,
    event::{Event, Ms, NodeIx, Queue},
    node::Node,
    oracle::{Author, Oracle},
    profile::Profile,
    rng::Rng,
    sabotage::Sabotage,
    store::ModelStore,
    trace::Trace,
    violation::Violation,
    workload::Work,
};
use fairway_ipam::{JournalId, NodeName, View, keys::Key, record::Record};
use fairway_kv::{Committed, Txn, Write};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) type Checked = Result<(), Violation>;

/// What was seen of each kind.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// The world.
pub(crate) struct World {
    pub(crate) profile: Profile,
    pub(crate) rng: Rng,
    pub(crate) maker: Maker,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) now: Ms,
    pub(crate) steps: u64,
    pub(crate) queue: Queue,
    pub(crate) store: ModelStore,
    pub(crate) nodes: Vec<Node>,
    pub(crate) names: BTreeMap<NodeName, NodeIx>,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) counts: Counts,
    pub(crate) works: Vec<Work>,
    /// Chance is at work. If not, all is well and everybody tidies up.
    pub(crate) storm: bool,
    /// The store takes no writes.
    pub(crate) full: bool,
    pub(crate) numbers: u64,
    /// Somebody asked for a container to be served in the quiet: its refusal is a violation.
    pub(crate) must: Option<fairway_ipam::AttachmentId>,
    /// What an operator saw a while ago.
    pub(crate) old_view: Option<View>,
}

impl World {
    pub(crate) fn new(
        seed: u64,
        profile: Profile,
        maker: Maker,
        sabotage: Option<Sabotage>,
        trace: bool,
    ) -> Result<World, Violation> {
        let mut rng = Rng::new(seed);
        let mut nodes = Vec::new();
        for at in 0..profile.nodes {
            nodes.push(node(at, &mut rng)?);
        }
        let names: Vec<_> = nodes.iter().map(|node| node.name.clone()).collect();
        let journals = nodes.iter().map(|node| node.journal_id.clone()).collect();
        let works = crate::workload::all(&profile, &mut rng);
        let mut world = World {
            oracle: Oracle::new(names.clone(), journals, profile.reclaim),
            names: names
                .into_iter()
                .enumerate()
                .map(|(at, name)| (name, at))
                .collect(),
            profile,
            rng,
            maker,
            sabotage,
            now: 0,
            steps: 0,
            queue: Queue::default(),
            store: ModelStore::default(),
            nodes,
            trace: Trace::new(trace),
            counts: Counts::new(),
            works,
            storm: true,
            full: false,
            numbers: 0,
            must: None,
            old_view: None,
        };
        world.make_pools()?;
        for at in 0..world.nodes.len() {
            let within = if world.nodes.len() > 100 { 5_000 } else { 200 };
            let after = world.rng.below(within);
            world.queue.at(after, Event::Start(at));
        }
        Ok(world)
    }

    fn make_pools(&mut self) -> Checked {
        for (name, spec) in self.profile.pools.clone() {
            let name = name
                .parse()
                .map_err(|error| broken("a pool's name", error))?;
            let value = spec.encode();
            let key = Key::Pool(name).path();
            let put = Write::Put {
                key,
                value,
                lease: None,
            };
            self.write(
                &Author::Operator,
                &Txn {
                    conditions: Vec::new(),
                    writes: vec![put],
                },
            )?;
        }
        Ok(())
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn note(&mut self, line: impl FnOnce(&World) -> String) {
        if self.trace.is_on() {
            let line = line(self);
            self.trace.note(self.steps, self.now, || line);
        }
    }

    /// Commits a transaction, has it judged, and wakes the watchers.
    pub(crate) fn write(&mut self, author: &Author, txn: &Txn) -> Result<Committed, Violation> {
        self.steps += 1;
        let before = self.store.revision();
        let committed = self.store.commit(txn);
        let after = self.store.revision();
        self.note(|_| match &committed {
            Committed::Yes { revision } => {
                format!("store: {author:?} commits r{revision}: {}", writes(txn))
            }
            Committed::No { revision, found } => {
                let found: Vec<_> = found
                    .iter()
                    .map(|(key, entry)| (key, entry.as_ref().map(|entry| entry.modified.0)))
                    .collect();
                format!(
                    "store: {author:?} fails at r{revision}: {}; conditions {:?}; found {found:?}",
                    writes(txn),
                    txn.conditions
                )
            }
        });
        if after > before {
            if let Some((_, changes)) = self.store.since(before, 1) {
                self.oracle.committed(self.now, after, author, &changes)?;
            }
            self.wake_watchers();
        } else {
            self.count("commits that failed");
        }
        Ok(committed)
    }

    /// Lets everything happen that is due until then.
    pub(crate) fn run_until(&mut self, at: Ms) -> Checked {
        while self.queue.next_at().is_some_and(|next| next <= at) {
            self.step()?;
        }
        self.now = self.now.max(at);
        Ok(())
    }

    /// The next event. False: there is none.
    pub(crate) fn step(&mut self) -> Result<bool, Violation> {
        let Some((at, event)) = self.queue.pop() else {
            return Ok(false);
        };
        self.now = at;
        match event {
            Event::Chance => self.chance()?,
            Event::Deliver(node, incarnation, input) => self.deliver(node, incarnation, *input)?,
            Event::Work(node, incarnation) => self.work(node, incarnation)?,
            Event::Durable(node, incarnation) => self.durable(node, incarnation)?,
            Event::Act(node, incarnation) => self.act(node, incarnation)?,
            Event::Tick(node, incarnation) => self.tick(node, incarnation),
            Event::Pump(node) => self.pump(node),
            Event::NoticeLoss(node, breaks) => self.notice_loss(node, breaks),
            Event::Execute(flight) => self.execute(*flight)?,
            Event::Told(node, incarnation, id, outcome) => {
                self.told(node, incarnation, id, *outcome)
            }
            Event::Overdue(node, incarnation, id) => self.overdue(node, incarnation, id)?,
            Event::Runtime(node, attachment) => self.runtime(node, &attachment)?,
            Event::Die(node, id) => self.die(node, id),
            Event::Start(node) => self.start(node)?,
            Event::Mend(node) => self.mend(node),
            Event::Space => self.full = false,
            Event::Presence(node) => self.presence(node)?,
            Event::Sweep(node, incarnation) => self.sweep(node, incarnation),
        }
        Ok(true)
    }
}

fn broken(what: &str, error: impl ToString) -> Violation {
    Violation::Txn {
        node: "the simulation".to_owned(),
        reason: format!("{what}: {}", error.to_string()),
    }
}

fn node(at: usize, rng: &mut Rng) -> Result<Node, Violation> {
    Ok(Node {
        name: NodeName::new(format!("n{at}")).map_err(|error| broken("a node's name", error))?,
        journal: BTreeMap::new(),
        journal_id: journal_id(at, 0)?,
        journals: 0,
        boots: 0,
        incarnation: 0,
        daemon: None,
        dead: false,
        ahead: rng.below(1 << 40) as i64,
        wrong: 0,
        linked: true,
        breaks: 0,
        told_lost: false,
        told: None,
        pump_at: None,
        containers: BTreeMap::new(),
        released: Vec::new(),
        retired: Vec::new(),
        present: None,
        requests: BTreeMap::new(),
        cancelled: BTreeSet::new(),
    })
}

pub(crate) fn journal_id(at: usize, number: u32) -> Result<JournalId, Violation> {
    JournalId::new(format!("j{at}.{number}")).map_err(|error| broken("a journal's name", error))
}

/// A transaction's writes, for a trace.
fn writes(txn: &Txn) -> String {
    let mut text = String::new();
    for write in &txn.writes {
        let key = write.key().trim_start_matches(fairway_kv::ROOT);
        match write {
            Write::Put { value, .. } => {
                text.push_str(&format!("{key} = {}; ", String::from_utf8_lossy(value)))
            }
            Write::Delete { .. } => text.push_str(&format!("{key} goes; ")),
        }
    }
    text
}
