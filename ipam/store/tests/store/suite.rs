//! What every store does alike.

use crate::bed::*;
use fairway_store::kv::{Committed, Revision};
use fairway_store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    for n in 0..18 {
        write(&*store, vec![put(&format!("large{n:02}"), &large)]).await;
    }
    assert_eq!(get(&*store, "large17").await.expect("it").value, large);
    // More than one page takes, however few keys it is asked for.
    let range = store.range(&key("large")).await.expect("it lists");
    assert_eq!(range.entries.len(), 18);
    assert!(range.entries.iter().all(|entry| entry.value == large));
    // A file forgets what is that large.
    if store.kind() == "etcd" {
        let mut watch = store.watch(ROOT, Revision(1)).await.expect("it watches");
        let mut told = 0;
        while told < 18 {
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
