//! The driver with an agent that does what it is told, and a disk that fails when it is told.

mod bed;

use super::{Failure, Order, Said};
use bed::{LONG, add, allocated, bed, id};
use fairway_ipam::{Answer, Outcome, Refusal, Request, TxnId};
use fairway_kv::Update;
use fairway_lab::poll;
use std::thread::JoinHandle;

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
