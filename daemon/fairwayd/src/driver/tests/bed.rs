//! An agent that does what it is told, and a disk that fails when it is told.

use crate::driver::{Beginning, Core, Driver, Order, Started};
use crate::{
    clock::Clocks,
    journal::{Boot, Contents, Journal, JournalFault},
};
use fairway_ipam::{
    Action, Allocate, Allocated, Answer, AttachmentId, Clock, Effects, Input, JournalChange,
    JournalError, JournalId, Lease, Millis, NodeName, Refusal, Request, Settings, Start, TxnId,
    View,
};
use fairway_kv::{Txn, Update};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(super) const LONG: Duration = Duration::from_secs(10);

/// Allocates by writing the container's name; counts what it was told.
struct Obedient {
    known: BTreeMap<String, Vec<u8>>,
    seq: u64,
    view: View,
}

pub(super) fn id(container: &str) -> AttachmentId {
    AttachmentId {
        network: "net".into(),
        container: container.into(),
        ifname: "eth0".into(),
    }
}

pub(super) fn allocated(container: &str, seq: u64) -> Allocated {
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
pub(super) struct DiskState {
    pub(super) entries: BTreeMap<String, Vec<u8>>,
    pub(super) commits: usize,
    pub(super) full: bool,
    pub(super) held: bool,
    /// A commit waits until it is not held any more.
    pub(super) waits: bool,
}

/// A disk whose commits can be held up or made to fail.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<(Mutex<DiskState>, Condvar)>);

impl Disk {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut DiskState) -> T) -> T {
        let changed = change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        changed
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.change(|state| state.entries.contains_key(key))
    }

    pub(super) fn full() -> JournalFault {
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

pub(super) struct Bed {
    pub(super) disk: Disk,
    pub(super) driver: Driver,
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) orders: UnboundedReceiver<Order>,
    runtime: tokio::runtime::Runtime,
}

pub(super) fn bed() -> Bed {
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
        notices: Default::default(),
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

pub(super) fn add(container: &str) -> Request {
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
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(LONG, future).await };
        self.runtime.block_on(bounded).expect("in time")
    }

    pub(super) fn quiet<T: std::fmt::Debug>(&self, future: impl Future<Output = T>) {
        let bounded = async { tokio::time::timeout(Duration::from_millis(100), future).await };
        let came = self.runtime.block_on(bounded);
        assert!(came.is_err(), "{came:?} came too early");
    }
}
