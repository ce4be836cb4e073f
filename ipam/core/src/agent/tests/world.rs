//! A store and some nodes without delays: whatever is to be done is done at once, until nothing is left.
//! Delays, losses and crashes are the simulation's.

use super::super::*;
use crate::{
    JournalId, Pool, PoolSpec, RangeSpec, UnixSeconds,
    keys::Key,
    record::{NodeRecord, Record},
};
use fairway_kv::{Change, Committed, Condition, Entry, Update, Write};
use std::collections::VecDeque;

pub(super) struct Node {
    pub(super) agent: Agent,
    pub(super) journal: BTreeMap<String, Vec<u8>>,
    pub(super) todo: VecDeque<Action>,
    pub(super) cut: Vec<AttachmentId>,
    pub(super) away: bool,
    pub(super) settings: Settings,
}

pub(super) struct World {
    pub(super) store: BTreeMap<String, Entry>,
    pub(super) revision: u64,
    pub(super) clock: Clock,
    pub(super) nodes: Vec<Node>,
    answers: BTreeMap<RequestId, Result<Answer, Refusal>>,
    next: u64,
}

pub(super) fn spec(cidrs: &[&str], block: u8, block6: u8) -> PoolSpec {
    let range = |cidr: &&str| {
        let cidr: Cidr = cidr.parse().unwrap();
        let block = match cidr.family() {
            Family::V4 => block,
            Family::V6 => block6,
        };
        RangeSpec {
            cidr,
            block: Some(block),
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        }
    };
    let ranges: Vec<_> = cidrs.iter().map(range).collect();
    let mut spec: PoolSpec = serde_json::from_str("{\"ranges\":[]}").unwrap();
    spec.ranges = ranges;
    spec.reserve = 0;
    spec
}

impl World {
    pub(super) fn new(nodes: usize, spec: PoolSpec) -> World {
        let mut world = World {
            store: BTreeMap::new(),
            revision: 0,
            clock: Clock {
                now: Millis(1_000_000),
                wall: UnixSeconds(1_700_000_000),
            },
            nodes: Vec::new(),
            answers: BTreeMap::new(),
            next: 0,
        };
        world.pool("p", spec);
        for number in 0..nodes {
            world.join(number, "j");
        }
        world
    }

    pub(super) fn pool(&mut self, name: &str, spec: PoolSpec) {
        let name = PoolName::new(name).unwrap();
        Pool::new(name.clone(), spec.clone()).unwrap();
        self.put(Key::Pool(name).path(), spec.encode());
        self.run();
    }

    fn join(&mut self, number: usize, journal: &str) {
        let name = NodeName::new(format!("n{number}")).unwrap();
        let journal = JournalId::new(format!("{journal}{number}")).unwrap();
        let record = NodeRecord {
            journal: journal.clone(),
            labels: BTreeMap::new(),
            since: self.clock.wall,
            daemon: "test".to_owned(),
            host: "test".to_owned(),
            underlay: None,
        };
        self.put(Key::Node(name.clone()).path(), record.encode());
        let settings = Settings::new(name, journal);
        let node = self.start(settings, BTreeMap::new(), Vec::new(), false);
        self.nodes.push(node);
        self.run();
    }

    pub(super) fn start(
        &mut self,
        settings: Settings,
        journal: BTreeMap<String, Vec<u8>>,
        sightings: Vec<Sighting>,
        away: bool,
    ) -> Node {
        let mut effects = Effects::default();
        let start = Start {
            settings: settings.clone(),
            journal: journal.clone().into_iter().collect(),
            sightings,
            clock: self.clock,
        };
        let agent = Agent::new(start, &mut effects).unwrap();
        let mut node = Node {
            agent,
            journal,
            todo: VecDeque::new(),
            cut: Vec::new(),
            away,
            settings,
        };
        node.take(effects);
        let entries = self.store.values().cloned().collect();
        let update = Update::Reset {
            revision: Revision(self.revision),
            entries,
        };
        if !away {
            node.feed(self.clock, Input::Store(update));
        }
        node
    }

    /// The node's daemon is killed and started again.
    pub(super) fn restart(&mut self, node: usize) {
        let before = &self.nodes[node];
        let (settings, journal) = (before.settings.clone(), before.journal.clone());
        let away = before.away;
        self.nodes[node] = self.start(settings, journal, Vec::new(), away);
        self.run();
    }

    /// Its journal is lost; the kernel shows this.
    pub(super) fn lose_journal(&mut self, node: usize, sightings: Vec<Sighting>) {
        let mut settings = self.nodes[node].settings.clone();
        settings.journal = JournalId::new(format!("new{node}")).unwrap();
        self.nodes[node] = self.start(settings, BTreeMap::new(), sightings, false);
        self.pass(3_000);
    }

    /// The node cannot reach the store, or can again.
    pub(super) fn cut(&mut self, node: usize, away: bool) {
        self.nodes[node].away = away;
        let update = match away {
            true => Update::Lost,
            false => Update::Reset {
                revision: Revision(self.revision),
                entries: self.store.values().cloned().collect(),
            },
        };
        self.nodes[node].feed(self.clock, Input::Store(update));
        self.run();
    }

    pub(super) fn put(&mut self, key: String, value: Vec<u8>) {
        let write = Write::Put {
            key,
            value,
            lease: None,
        };
        self.commit(&Txn {
            conditions: Vec::new(),
            writes: vec![write],
        });
    }

    pub(super) fn commit(&mut self, txn: &Txn) -> Committed {
        let revision = Revision(self.revision);
        let holds = |condition: &Condition| match condition {
            Condition::Absent { key } => !self.store.contains_key(key),
            Condition::Unchanged { key, modified } => self
                .store
                .get(key)
                .is_some_and(|entry| entry.modified == *modified),
        };
        if !txn.conditions.iter().all(holds) {
            let keys = txn.keys().into_iter();
            let found = keys
                .map(|key| (key.to_owned(), self.store.get(key).cloned()))
                .collect();
            return Committed::No { revision, found };
        }
        self.revision += 1;
        let revision = Revision(self.revision);
        let mut changes = Vec::new();
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => {
                    let created = self.store.get(key).map_or(revision, |entry| entry.created);
                    let entry = Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created,
                        modified: revision,
                    };
                    self.store.insert(key.clone(), entry.clone());
                    changes.push(Change::Put(entry));
                }
                Write::Delete { key } => {
                    self.store.remove(key);
                    let key = key.clone();
                    changes.push(Change::Deleted { key, revision });
                }
            }
        }
        for node in self.nodes.iter_mut().filter(|node| !node.away) {
            let changes = changes.clone();
            node.feed(
                self.clock,
                Input::Store(Update::Changes { revision, changes }),
            );
        }
        Committed::Yes { revision }
    }

    /// Until nothing is left to be done.
    pub(super) fn run(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// The next that is to be done; `false`: there is none.
    pub(super) fn step(&mut self) -> bool {
        let mut todo = self.nodes.iter_mut().enumerate();
        let next = todo.find_map(|(at, node)| Some((at, node.todo.pop_front()?)));
        let Some((at, action)) = next else {
            return false;
        };
        match action {
            Action::Answer(id, answer) => drop(self.answers.insert(id, answer)),
            Action::CutOff { attachment, .. } => self.nodes[at].cut.push(attachment),
            Action::Notify(_) => {}
            Action::Commit(id, txn) => {
                let outcome = match self.nodes[at].away {
                    true => Outcome::Unknown,
                    false => Outcome::Done(self.commit(&txn)),
                };
                self.nodes[at].feed(self.clock, Input::Txn(id, outcome));
            }
        }
        true
    }

    /// Time passes.
    pub(super) fn pass(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(50) {
            self.clock.now = self.clock.now + 50;
            for node in &mut self.nodes {
                node.feed(self.clock, Input::Tick);
            }
            self.run();
        }
        self.clock.wall = UnixSeconds(self.clock.wall.0 + millis / 1000);
    }

    /// Asks, and waits up to ten seconds.
    pub(super) fn ask(&mut self, node: usize, request: Request) -> Result<Answer, Refusal> {
        let id = self.begin(node, request);
        for _ in 0..250 {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            self.pass(50);
        }
        panic!("no answer");
    }

    pub(super) fn begin(&mut self, node: usize, request: Request) -> RequestId {
        self.next += 1;
        let id = RequestId(self.next);
        let clock = self.clock;
        self.nodes[node].feed(clock, Input::Request(id, request));
        self.run();
        id
    }

    pub(super) fn answer(&mut self, id: RequestId) -> Option<Result<Answer, Refusal>> {
        self.answers.remove(&id)
    }

    pub(super) fn add(&mut self, node: usize, wish: Allocate) -> Result<Vec<String>, Refusal> {
        let wish = Allocate {
            deadline: self.clock.now + 10_000,
            ..wish
        };
        match self.ask(node, Request::Allocate(Box::new(wish)))? {
            Answer::Allocated(given) => Ok(given
                .addresses
                .iter()
                .map(|address| address.ip.to_string())
                .collect()),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn del(&mut self, node: usize, container: &str) -> Vec<IpAddr> {
        match self.ask(node, Request::Release(attachment(container))) {
            Ok(Answer::Released(ips)) => ips,
            other => panic!("{other:?}"),
        }
    }
}

impl Node {
    pub(super) fn feed(&mut self, clock: Clock, input: Input) {
        let mut effects = Effects::default();
        self.agent.handle(clock, input, &mut effects);
        self.take(effects);
    }

    fn take(&mut self, effects: Effects) {
        for change in effects.journal {
            match change.value {
                Some(value) => drop(self.journal.insert(change.key, value)),
                None => drop(self.journal.remove(&change.key)),
            }
        }
        self.todo.extend(effects.actions);
    }
}

pub(super) fn attachment(container: &str) -> AttachmentId {
    AttachmentId {
        network: "net".to_owned(),
        container: container.to_owned(),
        ifname: "eth0".to_owned(),
    }
}

pub(super) fn wish(container: &str) -> Allocate {
    Allocate {
        attachment: attachment(container),
        netns: Some(crate::Netns {
            path: format!("/run/netns/{container}"),
            device: 4,
            inode: 7,
        }),
        pool: None,
        namespace: None,
        workload: None,
        label: None,
        release: None,
        handover: None,
        addresses: Vec::new(),
        deadline: Millis(0),
    }
}
