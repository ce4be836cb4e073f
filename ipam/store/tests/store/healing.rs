//! Mirror and presence, on a store that is well; what they do on one that is not is with etcd.

use crate::bed::*;
use crate::tampered::Tampered;
use fairway_store::Store;
use fairway_store::kv::{Change, Entry, Update};
use fairway_store::mirror;
use fairway_store::presence::{self, Presence, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// What a mirror has told, put together.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) revision: u64,
    pub(crate) resets: u32,
    pub(crate) losts: u32,
}

impl Copy {
    /// Takes an update; panics where the mirror broke its word.
    pub(crate) fn take(&mut self, update: Update) {
        match update {
            Update::Lost => self.losts += 1,
            Update::Reset { revision, entries } => {
                assert!(revision.0 >= self.revision, "a reset into the past");
                self.resets += 1;
                self.revision = revision.0;
                self.entries = entries.into_iter().map(|e| (e.key.clone(), e)).collect();
            }
            Update::Changes { revision, changes } => {
                assert!(self.resets > 0, "changes before there is anything");
                assert!(revision.0 >= self.revision);
                for change in changes {
                    assert!(crate::bed::revision(&change) <= revision);
                    match change {
                        Change::Put(entry) => drop(self.entries.insert(entry.key.clone(), entry)),
                        Change::Deleted { key, .. } => drop(self.entries.remove(&key)),
                    }
                }
                self.revision = revision.0;
            }
        }
    }
}

pub(crate) type Updates = UnboundedReceiver<Update>;

pub(crate) fn mirrored(store: &Arc<dyn Store>) -> (Updates, JoinHandle<()>) {
    let (sender, updates) = unbounded_channel();
    let store = Arc::clone(store);
    let task = tokio::spawn(async move {
        mirror::run(store, ROOT, |update| drop(sender.send(update))).await;
    });
    (updates, task)
}

/// Takes updates until the copy shows that value.
pub(crate) async fn take_until(copy: &mut Copy, updates: &mut Updates, name: &str, value: &str) {
    let wanted = |copy: &Copy| {
        let entry = copy.entries.get(&key(name));
        entry.is_some_and(|entry| entry.value == value.as_bytes())
    };
    while !wanted(copy) {
        copy.take(soon(updates.recv()).await.expect("the mirror goes on"));
    }
}

pub(crate) async fn equals(copy: &Copy, store: &dyn Store) {
    let range = store.range(ROOT).await.expect("it lists");
    let entries: Vec<_> = copy.entries.values().cloned().collect();
    assert_eq!(entries, range.entries);
}

pub(crate) async fn a_mirror_equals_the_store(bed: &impl Bed) {
    let store = bed.open().await;
    write(&*store, vec![put("a", "0"), put("b", "0")]).await;
    let (mut updates, _task) = mirrored(&store);
    for n in 0..100 {
        let name = format!("k{}", n % 7);
        let other = format!("k{}", (n + 3) % 7);
        write(&*store, vec![put(&name, n.to_string()), delete(&other)]).await;
    }
    write(&*store, vec![put("end", "1")]).await;
    let mut copy = Copy::default();
    take_until(&mut copy, &mut updates, "end", "1").await;
    equals(&copy, &*store).await;
    assert_eq!((copy.resets, copy.losts), (1, 0));
}

pub(crate) async fn a_mirror_lists_anew_when_its_past_is_compacted(bed: &impl Bed) {
    let store = bed.open().await;
    write(&*store, vec![put("a", "0")]).await;
    // A store whose first watch begins where nothing is kept any more.
    let first = store.range(ROOT).await.expect("it lists");
    write(&*store, vec![put("a", "0")]).await;
    write(&*store, vec![put("a", "1")]).await;
    bed.compact(&*store).await;
    let late: Arc<dyn Store> = Tampered::new(&store, Some(first));
    let (mut updates, _task) = mirrored(&late);
    let mut copy = Copy::default();
    take_until(&mut copy, &mut updates, "a", "1").await;
    assert_eq!((copy.resets, copy.losts), (2, 0));
    write(&*store, vec![put("a", "2")]).await;
    take_until(&mut copy, &mut updates, "a", "2").await;
    equals(&copy, &*store).await;
}

/// A disk that others use may keep a write for a second or two.
pub(crate) const TTL: Duration = Duration::from_secs(5);

pub(crate) fn kept(
    store: &Arc<dyn Store>,
    value: &str,
    ttl: Duration,
) -> (UnboundedReceiver<State>, JoinHandle<()>) {
    let (sender, states) = unbounded_channel();
    let store = Arc::clone(store);
    let presence = Presence {
        key: key("nodes/n1"),
        value: value.into(),
        ttl,
    };
    let task = tokio::spawn(async move {
        presence::keep(store, presence, |state| drop(sender.send(state))).await;
    });
    (states, task)
}

pub(crate) async fn presence_is_kept_and_goes_with_its_keeper(bed: &impl Bed) {
    let store = bed.open().await;
    let (mut states, task) = kept(&store, "me", TTL);
    assert_eq!(soon(states.recv()).await, Some(State::Held));
    let first = get(&*store, "nodes/n1").await.expect("it is there");
    stays(2 * TTL, "kept alive, not written again", || async {
        get(&*store, "nodes/n1").await.as_ref() == Some(&first)
    })
    .await;
    assert!(states.try_recv().is_err(), "nothing has changed");
    task.abort();
    until("the key is gone", || async {
        get(&*store, "nodes/n1").await.is_none()
    })
    .await;
}

pub(crate) async fn presence_yields_to_who_was_first(bed: &impl Bed) {
    let store = bed.open().await;
    let (mut first, task) = kept(&store, "one", TTL);
    assert_eq!(soon(first.recv()).await, Some(State::Held));
    let (mut second, _task) = kept(&store, "two", TTL);
    match soon(second.recv()).await {
        Some(State::Taken(entry)) => assert_eq!(entry.value, b"one"),
        other => panic!("{other:?}"),
    }
    assert_eq!(text(&*store, "nodes/n1").await.as_deref(), Some("one"));
    task.abort();
    assert_eq!(soon(second.recv()).await, Some(State::Held));
    assert_eq!(text(&*store, "nodes/n1").await.as_deref(), Some("two"));
}

pub(crate) async fn presence_comes_back_when_its_lease_or_key_is_gone(bed: &impl Bed) {
    let store = bed.open().await;
    let counted = Tampered::new(&store, None);
    let noting: Arc<dyn Store> = counted.clone();
    let (mut states, _task) = kept(&noting, "me", TTL);
    assert_eq!(soon(states.recv()).await, Some(State::Held));
    let lease = counted.granted()[0];
    let first = get(&*store, "nodes/n1").await.expect("it is there");
    store.revoke_lease(lease).await.expect("it is revoked");
    // It may be back before anybody can see that it is gone.
    until("the key is back", || async {
        let now = get(&*store, "nodes/n1").await;
        now.is_some_and(|now| now.created != first.created)
    })
    .await;
    assert_eq!(counted.granted().len(), 2, "one lease for another");
    write(&*store, vec![delete("nodes/n1")]).await;
    until("the key is back", || async {
        get(&*store, "nodes/n1").await.is_some()
    })
    .await;
    assert_eq!(counted.granted().len(), 2, "the lease is still good");
}

/// Whatever became of a transaction: one lease, and the key is bound to it.
pub(crate) async fn presence_takes_one_lease_through_doubts(bed: &impl Bed) {
    let store = bed.open().await;
    let counted = Tampered::new(&store, None);
    counted.doubts.store(3, Ordering::SeqCst);
    let doubting: Arc<dyn Store> = counted.clone();
    let (mut states, _task) = kept(&doubting, "me", TTL);
    while soon(states.recv()).await != Some(State::Held) {}
    assert_eq!(counted.granted().len(), 1);
    let first = get(&*store, "nodes/n1").await.expect("it is there");
    store
        .revoke_lease(counted.granted()[0])
        .await
        .expect("it ends");
    // Gone with that lease, and perhaps written again with another.
    let now = get(&*store, "nodes/n1").await;
    assert_ne!(now.map(|now| now.created), Some(first.created));
}

/// A daemon that starts again finds its own key under a lease that nobody keeps alive.
pub(crate) async fn presence_takes_over_what_it_left_itself(bed: &impl Bed) {
    let store = bed.open().await;
    let (mut states, task) = kept(&store, "me", TTL);
    assert_eq!(soon(states.recv()).await, Some(State::Held));
    task.abort();
    let (mut states, _task) = kept(&store, "me", TTL);
    assert_eq!(soon(states.recv()).await, Some(State::Held));
    // Longer than the old lease lasts.
    stays(TTL + TTL / 2, "its key is there", || async {
        get(&*store, "nodes/n1").await.is_some()
    })
    .await;
    assert!(states.try_recv().is_err(), "nothing has changed");
}
