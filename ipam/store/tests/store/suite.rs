//! What every store does alike.

use crate::bed::*;
use fairway_store::kv::{Committed, LeaseId, Revision};
use fairway_store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) async fn conditions_are_judged_and_what_was_found_is_told(bed: &impl Bed) {
    let store = bed.open().await;
    let first = write(&*store, vec![put("a", "1"), put("b", "1")]).await;
    assert_eq!(get(&*store, "a").await.expect("it").modified, first);
    let second = write(&*store, vec![put("a", "2")]).await;
    assert!(second > first);
    let entry = get(&*store, "a").await.expect("it");
    assert_eq!((entry.created, entry.modified), (first, second));
    let cases = [
        (vec![absent("a")], false),
        (vec![absent("c")], true),
        (vec![unchanged("a", first)], false),
        (vec![unchanged("a", second)], true),
        (vec![unchanged("c", second)], false),
        (vec![unchanged("c", Revision(0))], false),
        (vec![unchanged("b", first), absent("a")], false),
        (vec![unchanged("b", first), absent("c")], true),
    ];
    for (conditions, holds) in cases {
        let asked = txn(conditions.clone(), vec![put("d", "x")]);
        let done = store.commit(&asked).await.expect("it is judged");
        match done {
            Committed::Yes { revision } => {
                assert!(holds, "{conditions:?}");
                assert_eq!(get(&*store, "d").await.expect("it").modified, revision);
            }
            Committed::No { revision, found } => {
                assert!(!holds, "{conditions:?}");
                assert!(revision >= second);
                let keys: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
                assert_eq!(keys, asked.keys());
                for (key, entry) in found {
                    assert_eq!(store.get(&key).await.expect("it reads"), entry);
                }
            }
        }
    }
}

pub(crate) async fn a_transaction_is_all_or_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    write(&*store, vec![put("old", "1")]).await;
    let writes = || vec![put("x", "1"), delete("old"), put("y", "1")];
    let refused = store.commit(&txn(vec![absent("old")], writes())).await;
    assert!(matches!(refused, Ok(Committed::No { .. })), "{refused:?}");
    assert_eq!(get(&*store, "x").await, None);
    assert!(get(&*store, "old").await.is_some());
    let revision = write(&*store, writes()).await;
    for name in ["x", "y"] {
        assert_eq!(get(&*store, name).await.expect("it").modified, revision);
    }
    assert_eq!(get(&*store, "old").await, None);
}

pub(crate) async fn of_many_who_compare_one_wins(bed: &impl Bed) {
    let store = bed.open().await;
    for round in 0..20 {
        let name = format!("block{round}");
        let tries = (0..16).map(|n| {
            let (store, name) = (Arc::clone(&store), name.clone());
            tokio::spawn(async move {
                let take = txn(vec![absent(&name)], vec![put(&name, format!("{n}"))]);
                (n, store.commit(&take).await.expect("it is judged"))
            })
        });
        let mut winners = Vec::new();
        for done in tries.collect::<Vec<_>>() {
            if let (n, Committed::Yes { .. }) = done.await.expect("it ends") {
                winners.push(format!("{n}"));
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(text(&*store, &name).await, winners.pop());
    }
}

pub(crate) async fn counting_together_loses_nothing(bed: &impl Bed) {
    let store = bed.open().await;
    write(&*store, vec![put("n", "0")]).await;
    let count = |store: Arc<dyn Store>| async move {
        for _ in 0..10 {
            loop {
                let entry = get(&*store, "n").await.expect("it");
                let n: u32 = String::from_utf8_lossy(&entry.value).parse().expect("it");
                let next = vec![put("n", (n + 1).to_string())];
                let next = txn(vec![unchanged("n", entry.modified)], next);
                if let Committed::Yes { .. } = store.commit(&next).await.expect("it is judged") {
                    break;
                }
            }
        }
    };
    let tasks = (0..6).map(|_| tokio::spawn(count(Arc::clone(&store))));
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
    assert_eq!(text(&*store, "n").await.as_deref(), Some("60"));
}

pub(crate) async fn a_range_is_one_revision_and_in_order(bed: &impl Bed) {
    let store = bed.open().await;
    let empty = store.range(ROOT).await.expect("it lists");
    assert!(empty.entries.is_empty());
    for name in ["b/2", "a/1", "c/3", "b/1"] {
        write(&*store, vec![put(name, name)]).await;
    }
    let range = store.range(&key("b/")).await.expect("it lists");
    let keys: Vec<_> = range.entries.iter().map(|e| e.key.clone()).collect();
    assert_eq!(keys, [key("b/1"), key("b/2")]);
    let last = get(&*store, "b/1").await.expect("it").modified;
    assert_eq!(range.revision, last);
    assert_eq!(store.range(ROOT).await.expect("it lists").entries.len(), 4);
}

/// More than fits into one page of any store, and pairs that are only ever written together.
pub(crate) async fn a_range_of_many_keys_is_whole_while_others_write(bed: &impl Bed) {
    let store = bed.open().await;
    let names: Vec<_> = (0..2500).map(|n| format!("many/{n:04}")).collect();
    for names in names.chunks(100) {
        write(&*store, names.iter().map(|name| put(name, "0")).collect()).await;
    }
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 1..=100 {
                let pair = ["many/0000", "many/2499"];
                let writes = pair.iter().map(|name| put(name, n.to_string()));
                write(&*store, writes.collect()).await;
            }
        })
    };
    let mut seen = BTreeSet::new();
    while !writer.is_finished() {
        let range = store.range(&key("many/")).await.expect("it lists");
        let keys: Vec<_> = range.entries.iter().map(|e| e.key.as_str()).collect();
        let wanted: Vec<_> = names.iter().map(|name| key(name)).collect();
        assert_eq!(keys, wanted);
        let (first, last) = (&range.entries[0], &range.entries[2499]);
        assert_eq!(first.value, last.value, "two revisions in one range");
        let newest = range.entries.iter().map(|e| e.modified).max();
        assert!(newest.expect("one") <= range.revision);
        seen.insert(first.modified);
    }
    writer.await.expect("it ends");
    assert!(seen.len() > 1, "nothing was written meanwhile");
}

pub(crate) async fn a_prefix_is_not_a_path(bed: &impl Bed) {
    let store = bed.open().await;
    for name in ["p", "p/", "p/x", "pq", "o", "p\u{10ffff}"] {
        write(&*store, vec![put(name, "1")]).await;
    }
    let listed = |prefix: String| {
        let store = Arc::clone(&store);
        async move { store.range(&prefix).await.expect("it lists").entries.len() }
    };
    assert_eq!(listed(key("p/")).await, 2);
    assert_eq!(listed(key("p")).await, 5);
    assert_eq!(listed(key("p\u{10ffff}")).await, 1);
    assert_eq!(listed(String::new()).await, 6);
}

pub(crate) async fn large_values_come_back_and_too_large_ones_are_refused(bed: &impl Bed) {
    let store = bed.open().await;
    let large: Vec<u8> = (0..1_300_000_u32).map(|n| (n % 251) as u8).collect();
    for n in 0..8 {
        write(&*store, vec![put(&format!("large{n}"), &large)]).await;
    }
    assert_eq!(get(&*store, "large7").await.expect("it").value, large);
    // More than a gRPC message takes unless told.
    let range = store.range(&key("large")).await.expect("it lists");
    assert_eq!(range.entries.len(), 8);
    assert!(range.entries.iter().all(|entry| entry.value == large));
    // A file forgets what is that large.
    if store.kind() == "etcd" {
        let mut watch = store.watch(ROOT, Revision(1)).await.expect("it watches");
        let mut told = 0;
        while told < 8 {
            told += next(&mut *watch).await.changes.len();
        }
    }
    let huge = txn(vec![], vec![put("huge", vec![0; 3_000_000])]);
    let refused = store.commit(&huge).await.expect_err("too large");
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    assert!(refused.is_rejection());
    assert_eq!(get(&*store, "huge").await, None);
}

pub(crate) async fn transactions_that_make_no_sense_are_refused(bed: &impl Bed) {
    let store = bed.open().await;
    let many = |n: usize| (0..n).map(|n| format!("k{n}")).collect::<Vec<_>>();
    let puts = |names: Vec<String>| names.iter().map(|name| put(name, "1")).collect();
    let empty = fairway_store::kv::Write::Delete { key: String::new() };
    for (bad, word) in [
        (txn(vec![], vec![put("a", "1"), delete("a")]), "twice"),
        (txn(vec![], puts(many(101))), "101 writes"),
        (
            txn(many(101).iter().map(|n| absent(n)).collect(), vec![]),
            "101 conditions",
        ),
        (txn(vec![], vec![empty]), "empty key"),
    ] {
        let error = store.commit(&bad).await.expect_err(word);
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let most = txn(
        many(100).iter().map(|n| absent(n)).collect(),
        puts(many(100)),
    );
    let done = store.commit(&most).await.expect("as many as are allowed");
    assert!(matches!(done, Committed::Yes { .. }));
}

pub(crate) async fn reading_and_writing_nothing_make_no_revision(bed: &impl Bed) {
    let store = bed.open().await;
    let first = write(&*store, vec![put("a", "1")]).await;
    let read = txn(vec![unchanged("a", first)], vec![]);
    let read = store.commit(&read).await.expect("it reads");
    assert_eq!(read, Committed::Yes { revision: first });
    assert_eq!(write(&*store, vec![delete("none")]).await, first);
    let next = write(&*store, vec![put("a", "1")]).await;
    assert_eq!(next, Revision(first.0 + 1));
}

pub(crate) async fn a_watch_tells_all_in_order_and_revisions_whole(bed: &impl Bed) {
    let store = bed.open().await;
    let start = write(&*store, vec![put("start", "1")]).await;
    let mut watch = store.watch(ROOT, start).await.expect("it watches");
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..200 {
                let writes = vec![put("a", n.to_string()), put("b", n.to_string())];
                write(&*store, writes).await;
            }
            write(&*store, vec![delete("a"), delete("b")]).await
        })
    };
    let mut told = Vec::new();
    let mut last = start;
    while told.len() < 402 {
        let batch = next(&mut *watch).await;
        for change in &batch.changes {
            assert!(revision(change) > last, "told before this batch");
            assert!(revision(change) <= batch.revision);
        }
        last = batch.revision;
        told.extend(batch.changes);
    }
    let end = writer.await.expect("it ends");
    assert_eq!(revision(&told[401]), end);
    let order: Vec<_> = told.iter().map(revision).collect();
    assert!(order.is_sorted());
    for (n, pair) in told.chunks(2).enumerate().take(200) {
        let mut pair: Vec<_> = pair.iter().map(short).collect();
        pair.sort();
        assert_eq!(pair, [format!("+a={n}"), format!("+b={n}")]);
    }
}

pub(crate) async fn a_watch_resumes_after_any_revision(bed: &impl Bed) {
    let store = bed.open().await;
    let mut revisions = Vec::new();
    for n in 0..50 {
        revisions.push(write(&*store, vec![put("a", n.to_string())]).await);
    }
    for from in [0, 17, 48] {
        let watch = store.watch(ROOT, revisions[from]).await;
        let mut watch = watch.expect("it watches");
        let mut told = Vec::new();
        while told.len() < 49 - from {
            told.extend(next(&mut *watch).await.changes);
        }
        let wanted: Vec<_> = (from + 1..50).map(|n| format!("+a={n}")).collect();
        assert_eq!(told.iter().map(short).collect::<Vec<_>>(), wanted);
    }
    // From the end on: only what is new.
    let watch = store.watch(ROOT, revisions[49]).await;
    let mut watch = watch.expect("it watches");
    write(&*store, vec![put("a", "new")]).await;
    assert_eq!(short(&next(&mut *watch).await.changes[0]), "+a=new");
}

pub(crate) async fn a_watch_shows_only_its_prefix(bed: &impl Bed) {
    let store = bed.open().await;
    let start = write(&*store, vec![put("x/0", "0")]).await;
    let mut watch = store.watch(&key("x/"), start).await.expect("it watches");
    write(&*store, vec![put("w", "1"), put("x", "1"), put("y", "1")]).await;
    write(&*store, vec![put("x/1", "1"), put("y/1", "1")]).await;
    let told = next(&mut *watch).await.changes;
    assert_eq!(told.iter().map(short).collect::<Vec<_>>(), ["+x/1=1"]);
}

pub(crate) async fn compacted_history_is_an_error(bed: &impl Bed) {
    let store = bed.open().await;
    let first = write(&*store, vec![put("a", "1")]).await;
    // The newest revision is kept.
    write(&*store, vec![put("a", "2")]).await;
    write(&*store, vec![put("a", "2")]).await;
    bed.compact(&*store).await;
    let mut seen = match store.watch(ROOT, first).await {
        Ok(mut watch) => soon(watch.next()).await.map(drop),
        Err(error) => Err(error),
    };
    // A first sign of life may come before the word of the compaction.
    if seen.is_ok() {
        let mut watch = store.watch(ROOT, first).await.expect("it watches");
        while seen.is_ok() {
            seen = soon(watch.next()).await.map(|batch| {
                assert!(batch.changes.is_empty(), "history that is gone: {batch:?}");
            });
        }
    }
    let error = seen.expect_err("that part of the history is gone");
    match &error {
        StoreError::Compacted { after, oldest } => assert!(after == &first && oldest > after),
        other => panic!("{other}"),
    }
    let range = store.range(ROOT).await.expect("it lists");
    let watch = store.watch(ROOT, range.revision).await;
    let mut watch = watch.expect("it watches");
    write(&*store, vec![put("a", "3")]).await;
    assert_eq!(short(&next(&mut *watch).await.changes[0]), "+a=3");
}

pub(crate) async fn a_lease_takes_its_keys_along(bed: &impl Bed) {
    let store = bed.open().await;
    let ttl = Duration::from_secs(3);
    let lease = store.grant_lease(ttl).await.expect("it grants");
    let other = store.grant_lease(10 * ttl).await.expect("it grants");
    let begun = Instant::now();
    let writes = vec![
        put_with("l1", lease),
        put_with("l2", lease),
        put("free", "1"),
    ];
    let after = write(&*store, writes).await;
    write(&*store, vec![put_with("o", other), put_with("l3", lease)]).await;
    // A key that is written without the lease is no longer bound to it.
    write(&*store, vec![put("l3", "1")]).await;
    let mut watch = store.watch(ROOT, after).await.expect("it watches");
    let mut gone = BTreeSet::new();
    while gone.len() < 2 {
        let told = next(&mut *watch).await.changes;
        gone.extend(told.iter().map(short).filter(|told| told.starts_with('-')));
    }
    assert!(begun.elapsed() >= ttl - Duration::from_millis(50));
    assert_eq!(gone.into_iter().collect::<Vec<_>>(), ["-l1", "-l2"]);
    for name in ["free", "o", "l3"] {
        assert!(get(&*store, name).await.is_some(), "{name}");
    }
    store.revoke_lease(other).await.expect("it is revoked");
    assert_eq!(get(&*store, "o").await, None);
    store.revoke_lease(other).await.expect("it is gone already");
}

pub(crate) async fn a_lease_that_is_kept_alive_stays(bed: &impl Bed) {
    let store = bed.open().await;
    let ttl = Duration::from_secs(2);
    let lease = store.grant_lease(ttl).await.expect("it grants");
    write(&*store, vec![put_with("l", lease)]).await;
    let begun = Instant::now();
    while begun.elapsed() < 3 * ttl {
        let left = store.keep_alive(lease).await.expect("it is kept alive");
        assert!(left >= ttl, "{left:?}");
        assert!(get(&*store, "l").await.is_some());
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    until("the key is gone", || async {
        get(&*store, "l").await.is_none()
    })
    .await;
}

pub(crate) async fn a_lease_that_is_gone_is_told(bed: &impl Bed) {
    let store = bed.open().await;
    let lease = store.grant_lease(Duration::from_secs(60)).await;
    let lease = lease.expect("it grants");
    store.revoke_lease(lease).await.expect("it is revoked");
    for lease in [lease, LeaseId(0x7777)] {
        let error = store.keep_alive(lease).await.expect_err("it is gone");
        let gone =
            |error: &StoreError| matches!(error, StoreError::LeaseGone { lease: l } if *l == lease);
        assert!(gone(&error), "{error}");
        let bound = txn(vec![], vec![put("other", "1"), put_with("l", lease)]);
        let error = store.commit(&bound).await.expect_err("it is gone");
        assert!(gone(&error), "{error}");
        assert!(error.is_rejection());
    }
    assert_eq!(get(&*store, "other").await, None);
}

pub(crate) async fn what_was_acknowledged_is_there_after_a_restart(bed: &impl Bed) {
    let store = bed.open().await;
    let mut last = Revision(0);
    for n in 0..20 {
        last = write(&*store, vec![put(&format!("k{n}"), n.to_string())]).await;
    }
    let before = store.range(ROOT).await.expect("it lists");
    drop(store);
    bed.restart();
    let store = bed.open().await;
    assert_eq!(store.range(ROOT).await.expect("it lists"), before);
    assert!(write(&*store, vec![put("k0", "x")]).await > last);
}

pub(crate) async fn leases_end_after_a_restart(bed: &impl Bed) {
    let store = bed.open().await;
    let (short, long) = (Duration::from_secs(2), Duration::from_secs(60));
    let short = store.grant_lease(short).await.expect("it grants");
    let long = store.grant_lease(long).await.expect("it grants");
    write(&*store, vec![put_with("s", short), put_with("l", long)]).await;
    drop(store);
    bed.restart();
    let store = bed.open().await;
    until("the short lease has ended", || async {
        get(&*store, "s").await.is_none()
    })
    .await;
    assert!(get(&*store, "l").await.is_some());
    store.keep_alive(long).await.expect("it goes on");
    let fresh = store.grant_lease(Duration::from_secs(60)).await;
    assert_ne!(fresh.expect("it grants"), long);
}
