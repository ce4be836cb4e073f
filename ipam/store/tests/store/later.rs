//! What every store does alike as time goes by: watches, leases, restarts.

use crate::bed::*;
use fairway_store::StoreError;
use fairway_store::kv::{LeaseId, Revision};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// After a restore from a backup: what was seen before has never been.
pub(crate) async fn a_watch_from_the_future_is_an_error(bed: &impl Bed) {
    let store = bed.open().await;
    let now = write(&*store, vec![put("a", "1")]).await;
    let ahead = Revision(now.0 + 1000);
    let error = store.watch(ROOT, ahead).await.err();
    match error.expect("nothing is there yet") {
        StoreError::Backwards { found, wanted, .. } => assert_eq!((found, wanted), (now, ahead)),
        other => panic!("{other}"),
    }
}

pub(crate) async fn a_lease_takes_its_keys_along(bed: &impl Bed) {
    let store = bed.open().await;
    let ttl = Duration::from_secs(5);
    let begun = Instant::now();
    let lease = store.grant_lease(ttl).await.expect("it grants");
    let other = store.grant_lease(10 * ttl).await.expect("it grants");
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
    // A disk that others use may keep a write for a second or two.
    let ttl = Duration::from_secs(5);
    let lease = store.grant_lease(ttl).await.expect("it grants");
    write(&*store, vec![put_with("l", lease)]).await;
    let begun = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(400));
    while begun.elapsed() < 2 * ttl {
        beat.tick().await;
        let left = store.keep_alive(lease).await.expect("it is kept alive");
        assert!(left >= ttl, "{left:?}");
        assert!(get(&*store, "l").await.is_some());
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
    let (short, long) = (Duration::from_secs(5), Duration::from_secs(60));
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
