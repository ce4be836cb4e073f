use super::*;
use proptest::{collection::vec, prelude::*};
use serde_json::json;

fn name(number: u8) -> Name {
    Name {
        namespace: "web".to_owned(),
        name: format!("n{number}"),
    }
}

/// What a store would hold.
type Held = BTreeMap<Name, Value>;

fn write(queue: &mut Queue, store: &mut Held) {
    while queue.len() > 0 {
        for (name, object) in queue.take(2) {
            match object {
                Some(object) => drop(store.insert(name, object)),
                None => drop(store.remove(&name)),
            }
        }
    }
}

#[test]
fn what_a_list_does_not_name_goes_when_it_has_come_to_its_end() {
    let mut queue = Queue::default();
    let mut store: Held = [1, 2, 3].map(|n| (name(n), json!(0))).into();
    queue.list();
    queue.seen(name(1), Some(json!(1)));
    // One that no longer concerns us.
    queue.seen(name(2), None);
    write(&mut queue, &mut store);
    assert!(!queue.is_synced() && store.contains_key(&name(3)));
    queue.listed(store.keys().cloned().collect());
    assert!(queue.is_synced() || queue.len() == 1);
    write(&mut queue, &mut store);
    assert_eq!(store, [(name(1), json!(1))].into());
    assert!(queue.is_synced());
}

#[test]
fn a_list_that_was_cut_off_takes_nothing_away() {
    let mut queue = Queue::default();
    queue.list();
    queue.seen(name(1), Some(json!(1)));
    queue.list();
    queue.seen(name(2), Some(json!(2)));
    queue.listed([name(1), name(2)].into());
    let taken: BTreeMap<_, _> = queue.take(9).into_iter().collect();
    // Only the second list counts.
    assert_eq!(taken, [(name(1), None), (name(2), Some(json!(2)))].into());
    // Without a list there is no end of one.
    queue.listed([name(3)].into());
    assert_eq!(queue.len(), 0);
}

#[test]
fn what_was_refused_is_tried_again_until_something_newer_is_known() {
    let mut queue = Queue::default();
    queue.seen(name(1), Some(json!(1)));
    let taken = queue.take(1);
    queue.hold(name(1), Some(json!(1)));
    assert!(queue.len() == 0 && taken.len() == 1);
    queue.retry();
    assert_eq!(queue.take(1), [(name(1), Some(json!(1)))]);
    queue.hold(name(1), Some(json!(1)));
    queue.gone(name(1));
    queue.retry();
    assert_eq!(queue.take(9), [(name(1), None)]);
    // What was under way comes after what has come since.
    queue.seen(name(1), Some(json!(3)));
    queue.again(name(1), Some(json!(2)));
    queue.hold(name(1), Some(json!(2)));
    queue.retry();
    assert_eq!(queue.take(9), [(name(1), Some(json!(3)))]);
}

#[test]
fn what_is_to_go_and_cannot_yet_is_not_forgotten() {
    let mut queue = Queue::default();
    queue.gone(name(1));
    assert_eq!(queue.take(1), [(name(1), None)]);
    queue.hold(name(1), None);
    assert_eq!(queue.len(), 0);
    queue.retry();
    assert_eq!(queue.take(1), [(name(1), None)]);
    // It is there again.
    queue.hold(name(1), None);
    queue.seen(name(1), Some(json!(1)));
    queue.retry();
    assert_eq!(queue.take(9), [(name(1), Some(json!(1)))]);
}

#[derive(Debug, Clone)]
enum Event {
    Put(u8, u8),
    Gone(u8),
    /// The watch is lost: a list, that may be cut off after so many.
    Lost(Option<usize>),
    Write(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = prop_oneof![
        4 => (0..6u8, any::<u8>()).prop_map(|(n, v)| Event::Put(n, v)),
        2 => (0..6u8).prop_map(Event::Gone),
        1 => proptest::option::of(0..4usize).prop_map(Event::Lost),
        2 => (1..4usize).prop_map(Event::Write),
    ];
    vec(one, 0..60)
}

proptest! {
    /// Whatever is lost on the way: after a list, the store is as the server is.
    #[test]
    fn a_store_comes_to_be_as_the_server_is(before in vec(0..9u8, 0..6), events in events()) {
        let mut server = Held::new();
        let mut store: Held = before.into_iter().map(|n| (name(n), json!("old"))).collect();
        let mut queue = Queue::default();
        // Is the watch lost? Then nothing is told.
        let mut lost = true;
        for event in events.into_iter().chain([Event::Lost(None)]) {
            match event {
                Event::Put(n, v) => {
                    server.insert(name(n), json!(v));
                    if !lost {
                        queue.seen(name(n), Some(json!(v)));
                    }
                }
                Event::Gone(n) => {
                    server.remove(&name(n));
                    if !lost {
                        queue.gone(name(n));
                    }
                }
                Event::Lost(cut) => {
                    queue.list();
                    for (name, object) in server.iter().take(cut.unwrap_or(usize::MAX)) {
                        queue.seen(name.clone(), Some(object.clone()));
                    }
                    lost = cut.is_some();
                    if !lost {
                        queue.listed(store.keys().cloned().collect());
                    }
                }
                Event::Write(most) => {
                    for (name, object) in queue.take(most) {
                        match object {
                            // Somebody was quicker.
                            Some(_) if most == 3 => queue.again(name, object),
                            Some(object) => drop(store.insert(name, object)),
                            None => drop(store.remove(&name)),
                        }
                    }
                }
            }
        }
        write(&mut queue, &mut store);
        prop_assert_eq!(store, server);
        prop_assert!(queue.is_synced());
    }
}
