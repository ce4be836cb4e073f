//! The driver with an agent that does what it is told, and a disk that fails when it is told.

use super::{Beginning, Core, Driver, Failure, Order, Said, Started};
use crate::{
    clock::Clocks,
    journal::{Boot, Contents, Journal, JournalFault},
};
use fairway_ipam::{
    Action, Allocate, Allocated, Answer, AttachmentId, Clock, Effects, Input, JournalChange,
    JournalError, JournalId, Lease, Millis, NodeName, Outcome, Refusal, Request, Settings, Start,
    TxnId, View,
};
use fairway_kv::{Txn, Update};
use fairway_lab::poll;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const LONG: Duration = Duration::from_secs(10);

/// Allocates by writing the container's name; counts what it was told.
struct Obedient {
    known: BTreeMap<String, Vec<u8>>,
    seq: u64,
    view: View,
}

fn id(container: &str) -> AttachmentId {
    AttachmentId {
        network: "net".into(),
        container: container.into(),
        ifname: "eth0".into(),
    }
}

fn allocated(container: &str, seq: u64) -> Allocated {
    Allocated {
        attachment: id(container),
        addresses: Vec::new(),
        seq,
        temporary: false,
        repeated: false,
    }
}

impl Core for Obedient {
    fn begin(start: Start, effects: &mut Effects) -> Result<Self, JournalError> {
        let known: BTreeMap<_, _> = start.journal.into_iter().collect();
        effects
            .actions
            .push(Action::Commit(TxnId(0), Txn::default()));
        let seq = known.len() as u64;
        let view = View::default();
        Ok(Obedient { known, seq, view })
    }

    fn handle(&mut self, _: Clock, input: Input, effects: &mut Effects) {
        let mut write = |key: &str, value: Option<Vec<u8>>| {
            let key = key.to_owned();
            effects.journal.push(JournalChange { key, value });
        };
        match input {
            Input::Request(request, Request::Allocate(wanted)) => {
                let container = wanted.attachment.container;
                if container == "parked" {
                    return;
                }
                self.seq += 1;
                self.known.insert(container.clone(), b"live".to_vec());
                write(&container, Some(b"live".to_vec()));
                let answer = Answer::Allocated(allocated(&container, self.seq));
                effects.actions.push(Action::Answer(request, Ok(answer)));
                let told = Action::Commit(TxnId(100 + self.seq), Txn::default());
                effects.actions.push(told);
            }
            Input::Request(_, Request::Unheard(id, _)) => {
                self.known.remove(&id.container);
                write(&id.container, None);
            }
            Input::Request(request, Request::Check(id, _)) => {
                let answer = match self.known.contains_key(&id.container) {
                    true => Ok(Answer::Checked),
                    false => Err(Refusal::Unknown { attachment: id }),
                };
                effects.actions.push(Action::Answer(request, answer));
            }
            Input::Cancel(_) => {
                self.known.insert("cancelled".into(), Vec::new());
                write("cancelled", Some(Vec::new()));
            }
            Input::Store(Update::Lost) => write("lost", Some(Vec::new())),
            Input::Txn(id, _) => write(&format!("txn {}", id.0), Some(Vec::new())),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Millis> {
        None
    }

    fn sequence(&self) -> u64 {
        self.seq
    }

    fn leases(&self) -> Vec<Lease> {
        Vec::new()
    }

    fn is_settled(&self) -> bool {
        true
    }

    fn view(&self) -> &View {
        &self.view
    }
}

#[derive(Default)]
struct DiskState {
    entries: BTreeMap<String, Vec<u8>>,
    commits: usize,
    full: bool,
    held: bool,
    /// A commit waits until it is not held any more.
    waits: bool,
}

/// A disk whose commits can be held up or made to fail.
#[derive(Clone, Default)]
struct Disk(Arc<(Mutex<DiskState>, Condvar)>);

impl Disk {
    fn change<T>(&self, change: impl FnOnce(&mut DiskState) -> T) -> T {
        let changed = change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        changed
    }

    fn has(&self, key: &str) -> bool {
        self.change(|state| state.entries.contains_key(key))
    }

    fn full() -> JournalFault {
        JournalFault::Io {
            path: "/disk/journal.redb".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

impl Journal for Disk {
    fn load(&mut self) -> Result<Contents, JournalFault> {
        let entries = self.change(|state| state.entries.clone());
        Ok(Contents {
            id: JournalId::new("j1").unwrap(),
            entries: entries.into_iter().collect(),
            node: None,
            boot: Some(Boot {
                id: "b".into(),
                former: 0,
            }),
        })
    }

    fn commit(&mut self, changes: &[JournalChange]) -> Result<(), JournalFault> {
        let state = self.0.0.lock().unwrap();
        let held = |state: &mut DiskState| {
            state.waits = state.held;
            state.held
        };
        let mut state = self.0.1.wait_while(state, held).unwrap();
        if state.full {
            return Err(Disk::full());
        }
        state.commits += 1;
        for change in changes {
            match &change.value {
                Some(value) => drop(state.entries.insert(change.key.clone(), value.clone())),
                None => drop(state.entries.remove(&change.key)),
            }
        }
        Ok(())
    }

    fn note_node(&mut self, _: &NodeName) -> Result<(), JournalFault> {
        Ok(())
    }

    fn note_boot(&mut self, _: &Boot) -> Result<(), JournalFault> {
        self.change(|state| match state.full {
            true => Err(Disk::full()),
            false => Ok(()),
        })
    }
}

struct Bed {
    disk: Disk,
    driver: Driver,
    thread: Option<JoinHandle<()>>,
    orders: UnboundedReceiver<Order>,
    runtime: tokio::runtime::Runtime,
}

fn bed() -> Bed {
    let mut disk = Disk::default();
    let (orders, ordered) = unbounded_channel();
    let node = NodeName::new("n1").unwrap();
    let contents = disk.load().unwrap();
    let Started { driver, thread, .. } = Driver::start::<Obedient>(Beginning {
        settings: Settings::new(node, contents.id.clone()),
        journal: Box::new(disk.clone()),
        contents,
        boot: "b".into(),
        sightings: Vec::new(),
        clocks: Clocks::start(),
        orders,
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    Bed {
        disk,
        driver,
        thread: Some(thread),
        orders: ordered,
        runtime,
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.disk.change(|state| state.held = false);
        self.driver.end();
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn add(container: &str) -> Request {
    Request::Allocate(Box::new(Allocate {
        attachment: id(container),
        netns: None,
        pool: None,
        namespace: None,
        workload: None,
        label: None,
        release: None,
        handover: None,
        addresses: Vec::new(),
        deadline: Millis(u64::MAX),
    }))
}

impl Bed {
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(LONG, future).await };
        self.runtime.block_on(bounded).expect("in time")
    }

    fn quiet<T: std::fmt::Debug>(&self, future: impl Future<Output = T>) {
        let bounded = async { tokio::time::timeout(Duration::from_millis(100), future).await };
        let came = self.runtime.block_on(bounded);
        assert!(came.is_err(), "{came:?} came too early");
    }
}

#[test]
fn no_answer_leaves_before_it_is_durable() {
    let mut bed = bed();
    bed.disk.change(|state| state.held = true);
    let mut pending = bed.driver.request(add("c1"), false);
    let mut early = bed.driver.request(add("c2"), true);
    bed.quiet(pending.next());
    bed.disk.change(|state| state.held = false);
    assert!(matches!(
        bed.wait(pending.next()),
        Said::Done(Ok(Answer::Allocated(_)))
    ));
    assert!(bed.disk.has("c1"));
    assert_eq!(bed.wait(early.next()), Said::Early(allocated("c2", 2)));
    assert_eq!(
        bed.wait(early.next()),
        Said::Done(Ok(Answer::Allocated(allocated("c2", 2))))
    );
    assert!(bed.disk.has("c2"));
    assert!(bed.orders.try_recv().is_ok(), "what the start wants done");
}

#[test]
fn an_early_answer_is_there_while_the_disk_writes() {
    let bed = bed();
    bed.disk.change(|state| state.held = true);
    let mut early = bed.driver.request(add("c1"), true);
    assert_eq!(bed.wait(early.next()), Said::Early(allocated("c1", 1)));
    assert!(!bed.disk.has("c1"));
    bed.quiet(early.next());
    bed.disk.change(|state| state.held = false);
    assert!(matches!(bed.wait(early.next()), Said::Done(Ok(_))));
}

#[test]
fn many_share_one_commit() {
    let bed = bed();
    bed.disk.change(|state| state.held = true);
    let names: Vec<_> = (0..100).map(|n| format!("c{n}")).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| bed.driver.request(add(name), false))
        .collect();
    bed.disk.change(|state| state.held = false);
    for pending in all {
        bed.wait(pending.answer()).unwrap();
    }
    let commits = bed.disk.change(|state| state.commits);
    assert!(
        (1..=10).contains(&commits),
        "{commits} commits for 100 requests"
    );
}

#[test]
fn a_full_disk_refuses_and_leaves_nothing_half_done() {
    let mut bed = bed();
    let generation = match bed.orders.try_recv().unwrap() {
        Order::Commit { generation, .. } => generation,
        other => panic!("{other:?}"),
    };
    bed.wait(bed.driver.ask(add("before"))).unwrap();
    let parked = bed.driver.request(add("parked"), false);
    bed.disk.change(|state| state.full = true);
    let refused = bed.wait(bed.driver.ask(add("c1"))).unwrap_err();
    let Failure::Journal { reason } = &refused else {
        panic!("{refused:?}")
    };
    assert!(reason.contains("/disk/journal.redb"), "{reason}");
    assert_eq!(
        bed.wait(parked.answer()),
        Err(refused.clone()),
        "those that wait are told too"
    );
    let second = bed.wait(bed.driver.ask(add("c2"))).unwrap_err();
    assert!(matches!(second, Failure::Journal { .. }));
    // Nobody is told that there is nothing, only that it is not known.
    let unknown = [
        bed.wait(bed.driver.leases()).map(drop),
        bed.wait(bed.driver.sequence()).map(drop),
    ];
    for unknown in unknown {
        assert!(
            matches!(unknown, Err(Failure::Journal { .. })),
            "{unknown:?}"
        );
    }
    assert_eq!(bed.wait(bed.driver.fault()), Ok(Some(reason.clone())));
    bed.disk.change(|state| state.full = false);
    let works = || bed.wait(bed.driver.ask(add("after"))).is_ok();
    poll(LONG, "the disk is found to have room", works).unwrap();
    assert_eq!(bed.wait(bed.driver.fault()), Ok(None));
    let checked = |name| bed.driver.ask(Request::Check(id(name), Vec::new()));
    assert_eq!(bed.wait(checked("before")), Ok(Answer::Checked));
    let attachment = id("c1");
    let unknown = Err(Failure::Refused(Refusal::Unknown { attachment }));
    assert_eq!(
        bed.wait(checked("c1")),
        unknown,
        "the new agent knows what the disk has"
    );
    let mut told = Vec::new();
    let new = loop {
        match bed.orders.try_recv().expect("a new start of the mirror") {
            Order::Restarted { generation } => break generation,
            Order::Commit { id, .. } => told.push(id),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told, [TxnId(101)], "nothing of what was refused is done");
    assert!(new > generation);
    // What comes for the agent that is gone is not told to the new one.
    bed.driver.outcome(generation, TxnId(7), Outcome::Unknown);
    bed.driver.store(generation, Update::Lost);
    bed.driver.outcome(new, TxnId(8), Outcome::Unknown);
    poll(LONG, "the outcome is told", || bed.disk.has("txn 8")).unwrap();
    assert!(!bed.disk.has("txn 7") && !bed.disk.has("lost"));
}

#[test]
fn whoever_goes_before_the_answer_cancels() {
    let bed = bed();
    drop(bed.driver.request(add("parked"), false));
    poll(LONG, "it is cancelled", || bed.disk.has("cancelled")).unwrap();
}

#[test]
fn at_the_end_those_who_wait_are_told() {
    let bed = bed();
    let parked = bed.driver.request(add("parked"), false);
    bed.wait(bed.driver.quiesce());
    assert_eq!(bed.wait(parked.answer()), Err(Failure::Stopping));
    assert_eq!(bed.wait(bed.driver.ask(add("c1"))), Err(Failure::Stopping));
    bed.driver.end();
    let ended = || bed.thread.as_ref().is_some_and(JoinHandle::is_finished);
    poll(LONG, "the thread ends", ended).unwrap();
    assert_eq!(bed.wait(bed.driver.ask(add("c2"))), Err(Failure::Stopping));
}

#[test]
fn what_nobody_hears_is_taken_back() {
    let bed = bed();
    // Gone while the disk writes: the agent has given already.
    bed.disk.change(|state| state.held = true);
    let first = bed.driver.request(add("first"), false);
    poll(LONG, "the disk is at it", || {
        bed.disk.change(|state| state.waits)
    })
    .unwrap();
    let second = bed.driver.request(add("second"), false);
    drop(first);
    drop(second);
    bed.disk.change(|state| state.held = false);
    // Gone with the answer on its way.
    let third = bed.driver.request(add("third"), false);
    poll(LONG, "it is given", || bed.disk.has("third")).unwrap();
    bed.wait(bed.driver.leases()).unwrap();
    drop(third);
    bed.wait(bed.driver.ask(add("heard"))).unwrap();
    poll(LONG, "nobody has anything", || {
        ["first", "second", "third"]
            .iter()
            .all(|who| !bed.disk.has(who))
    })
    .unwrap();
    assert!(bed.disk.has("heard"));
}
