//! Cut connections, silent members, lost leaders: what is certain and what is not.

use crate::bed::*;
use crate::healing::{Copy, equals, kept, mirrored, take_until};
use crate::proxy::{Mode, Proxy};
use fairway_etcd_bed::{Cluster, Options};
use fairway_store::kv::{Committed, Update};
use fairway_store::presence::State;
use fairway_store::{Store, StoreError, open};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A cluster behind a proxy per member.
struct Hidden {
    proxies: Vec<Proxy>,
    cluster: Cluster,
}

impl Hidden {
    async fn start(members: usize) -> Self {
        let cluster = Cluster::start(Options::loopback(members)).expect("etcd");
        let mut proxies = Vec::new();
        for member in 0..members {
            proxies.push(Proxy::to(cluster.address(member)).await);
        }
        Self { proxies, cluster }
    }

    /// A store that goes by the proxies.
    async fn open(&self) -> Arc<dyn Store> {
        let urls: Vec<_> = self.proxies.iter().map(|p| p.url("http")).collect();
        open(&at(&urls)).await.expect("it opens")
    }

    /// A store that goes around them.
    async fn direct(&self) -> Arc<dyn Store> {
        open(&at(&self.cluster.endpoints()))
            .await
            .expect("it opens")
    }

    /// The member that the store is connected to.
    fn used(&self) -> usize {
        let used = self.proxies.iter().position(|proxy| proxy.live() > 0);
        used.expect("one is used")
    }
}

fn unknown(done: &Result<Committed, StoreError>) -> bool {
    matches!(done, Err(error) if error.outcome_unknown() && !error.is_rejection())
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown() {
    run(async {
        let bed = Hidden::start(1).await;
        let (store, direct) = (bed.open().await, bed.direct().await);
        write(&*store, vec![put("a", "0")]).await;
        for (mode, there) in [(Mode::NoAnswers, true), (Mode::Frozen, false)] {
            // By a cut while it is on its way.
            let name = format!("cut-{mode:?}");
            bed.proxies[0].set(mode);
            let take = txn(vec![absent(&name)], vec![put(&name, "1")]);
            let commit = {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.commit(&take).await })
            };
            if there {
                until("it is committed", || async {
                    get(&*direct, &name).await.is_some()
                })
                .await;
            } else {
                until("it is held up", || async { bed.proxies[0].holds(&name) }).await;
            }
            bed.proxies[0].cut();
            let done = soon(commit).await.expect("it ends");
            assert!(unknown(&done), "{mode:?}: {done:?}");
            assert_eq!(get(&*direct, &name).await.is_some(), there, "{mode:?}");
            bed.proxies[0].reopen();
            write(&*store, vec![put("a", "1")]).await;
            // By silence.
            let name = format!("silent-{mode:?}");
            bed.proxies[0].set(mode);
            let begun = Instant::now();
            let take = txn(vec![absent(&name)], vec![put(&name, "1")]);
            let done = soon(store.commit(&take)).await;
            assert!(unknown(&done), "{mode:?}: {done:?}");
            assert!(begun.elapsed() < Duration::from_secs(6), "too late");
            assert_eq!(get(&*direct, &name).await.is_some(), there, "{mode:?}");
            bed.proxies[0].reopen();
            write(&*store, vec![put("a", "2")]).await;
        }
    });
}

#[test]
fn a_commit_that_was_not_sent_is_rejected() {
    run(async {
        let bed = Hidden::start(1).await;
        bed.proxies[0].close();
        let store = bed.open().await;
        let take = || txn(vec![absent("a")], vec![put("a", "1")]);
        let begun = Instant::now();
        let error = soon(store.commit(&take())).await.expect_err("nobody");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        assert!(error.is_rejection());
        assert!(begun.elapsed() < Duration::from_secs(7), "too late");
        assert!(error.to_string().contains(&bed.proxies[0].url("http")));
        bed.proxies[0].reopen();
        write(&*store, vec![put("b", "1")]).await;
        assert_eq!(get(&*store, "a").await, None);
        // A connection that ended before.
        bed.proxies[0].close();
        until("no connection is left", || async {
            bed.proxies[0].live() == 0
        })
        .await;
        // Until the client has heard of its end, a request may still be on it.
        until("the client knows", || async {
            let error = soon(store.commit(&take())).await.expect_err("nobody");
            error.is_rejection()
        })
        .await;
        for _ in 0..3 {
            let error = soon(store.commit(&take())).await.expect_err("nobody");
            assert!(error.is_rejection(), "{error}");
        }
        assert_eq!(get(&*bed.direct().await, "a").await, None);
        let error = soon(store.commit(&take())).await.expect_err("nobody");
        assert!(error.is_rejection(), "{error}");
        // A port that nobody listens on.
        let store = open(&at(&["http://127.0.0.1:9".into()])).await;
        let store = store.expect("it opens, since nobody is asked");
        let error = soon(store.commit(&take())).await.expect_err("nobody");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    });
}

#[test]
fn a_silent_member_is_left_for_another() {
    run(async {
        let bed = Hidden::start(3).await;
        let (store, direct) = (bed.open().await, bed.direct().await);
        write(&*store, vec![put("a", "0")]).await;
        let (mut updates, _task) = mirrored(&store);
        let mut copy = Copy::default();
        take_until(&mut copy, &mut updates, "a", "0").await;
        for round in 1..=2 {
            // The mirror watches; then all of the store on one connection.
            let ready = format!("ready{round}");
            write(&*store, vec![put("a", &ready)]).await;
            take_until(&mut copy, &mut updates, "a", &ready).await;
            bed.proxies.iter().for_each(Proxy::cut);
            let resets = copy.resets;
            while copy.resets == resets {
                copy.take(soon(updates.recv()).await.expect("it goes on"));
            }
            let now = store.range(ROOT).await.expect("it lists").revision;
            let mut watch = store.watch(ROOT, now).await.expect("it watches");
            until("there is one connection", || async {
                bed.proxies.iter().filter(|proxy| proxy.live() > 0).count() == 1
            })
            .await;
            let (used, resets) = (bed.used(), copy.resets);
            bed.cluster.stop(used).expect("it runs");
            let stopped = Instant::now();
            // Written while nobody tells us.
            let value = round.to_string();
            until("the others write", || async {
                let done = direct.commit(&txn(vec![], vec![put("a", &value)])).await;
                done.is_ok()
            })
            .await;
            let silent = Instant::now();
            take_until(&mut copy, &mut updates, "a", &value).await;
            assert!(silent.elapsed() < Duration::from_secs(8), "too late");
            assert!(copy.resets > resets, "each doubt is a reset");
            let broken = loop {
                if let Err(error) = soon(watch.next()).await {
                    break error;
                }
            };
            assert!(matches!(broken, StoreError::Unreachable { .. }), "{broken}");
            assert!(stopped.elapsed() < Duration::from_secs(20), "too late");
            // Reads and writes go on with another.
            write(&*store, vec![put("b", &value)]).await;
            assert_eq!(text(&*store, "a").await, Some(value));
            bed.cluster.cont(used).expect("it runs");
            bed.cluster.wait_ready(SOON).expect("all are there");
        }
        equals_soon(&mut copy, &mut updates, &*store).await;
    });
}

async fn equals_soon(copy: &mut Copy, updates: &mut crate::healing::Updates, store: &dyn Store) {
    let now = store.range(ROOT).await.expect("it lists").revision;
    let now = now.to_string();
    write(store, vec![put("end", &now)]).await;
    take_until(copy, updates, "end", &now).await;
    equals(copy, store).await;
}

#[test]
fn a_silent_watch_is_noticed_within_seconds() {
    run(async {
        let bed = Hidden::start(1).await;
        let store = bed.open().await;
        let start = write(&*store, vec![put("a", "0")]).await;
        let mut watch = store.watch(ROOT, start).await.expect("it watches");
        // Signs of life keep it.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            soon(watch.next()).await.expect("it is alive");
        }
        // From the last of them on: one that a busy machine lets wait is late before anything is frozen.
        let mut alive = Instant::now();
        bed.proxies[0].set(Mode::Frozen);
        let error = loop {
            match soon(watch.next()).await {
                Ok(_) => alive = Instant::now(),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        let noticed = alive.elapsed();
        assert!(noticed < Duration::from_secs(6), "{noticed:?}");
        assert!(noticed > Duration::from_millis(1500), "{noticed:?}");
    });
}

#[test]
fn a_mirror_says_that_it_is_lost_and_misses_nothing_after() {
    run(async {
        let bed = Hidden::start(1).await;
        let (store, direct) = (bed.open().await, bed.direct().await);
        write(&*store, vec![put("a", "0"), put("b", "0")]).await;
        let (mut updates, _task) = mirrored(&store);
        let mut copy = Copy::default();
        take_until(&mut copy, &mut updates, "a", "0").await;
        for (round, compacted) in [(1, false), (2, true)] {
            match compacted {
                false => bed.proxies[0].set(Mode::Frozen),
                true => bed.proxies[0].close(),
            }
            loop {
                let update = soon(updates.recv()).await.expect("it goes on");
                let lost = update == Update::Lost;
                copy.take(update);
                if lost {
                    break;
                }
            }
            for n in 0..20 {
                write(&*direct, vec![put("a", format!("{round}.{n}"))]).await;
            }
            write(&*direct, vec![delete("b")]).await;
            if compacted {
                forget(&bed.cluster, &*direct).await;
            }
            if !compacted {
                bed.proxies[0].cut();
            }
            bed.proxies[0].reopen();
            take_until(&mut copy, &mut updates, "a", &format!("{round}.19")).await;
            assert_eq!(copy.losts, round, "one word for one loss");
            equals_soon(&mut copy, &mut updates, &*direct).await;
        }
    });
}

#[test]
fn presence_comes_back_after_the_store_was_away_for_long() {
    run(async {
        let bed = Hidden::start(1).await;
        let (store, direct) = (bed.open().await, bed.direct().await);
        let (mut states, _task) = kept(&store, "me", Duration::from_secs(5));
        assert_eq!(soon(states.recv()).await, Some(State::Held));
        bed.proxies[0].close();
        assert_eq!(soon(states.recv()).await, Some(State::Lost));
        until("the lease has ended", || async {
            get(&*direct, "nodes/n1").await.is_none()
        })
        .await;
        bed.proxies[0].reopen();
        assert_eq!(soon(states.recv()).await, Some(State::Held));
        assert!(get(&*direct, "nodes/n1").await.is_some());
    });
}

/// Members are killed and stopped under writers: what was acknowledged is there, what was rejected is
/// not, and only the rest is in doubt.
#[test]
fn what_is_certain_is_so_while_members_die() {
    run(async {
        let cluster = Cluster::start(Options::loopback(3)).expect("etcd");
        let location = at(&cluster.endpoints());
        let end = Instant::now() + Duration::from_secs(20);
        let writer = |writer: u32| {
            let location = location.clone();
            async move {
                let store = open(&location).await.expect("it opens");
                let (mut yes, mut no, mut doubt) = (Vec::new(), Vec::new(), Vec::new());
                let mut n = 0;
                let mut beat = tokio::time::interval(Duration::from_millis(5));
                while Instant::now() < end {
                    beat.tick().await;
                    n += 1;
                    let name = format!("w{writer}/{n}");
                    let take = txn(vec![absent(&name)], vec![put(&name, "1")]);
                    match store.commit(&take).await {
                        Ok(Committed::Yes { .. }) => yes.push(name),
                        Ok(found) => panic!("nobody else writes {name}: {found:?}"),
                        Err(error) if error.is_rejection() => no.push(name),
                        Err(_) => doubt.push(name),
                    }
                }
                (yes, no, doubt)
            }
        };
        let writers: Vec<_> = (0..6).map(|n| tokio::spawn(writer(n))).collect();
        let disturber = tokio::task::spawn_blocking(move || {
            let mut turn = 0;
            while Instant::now() + Duration::from_secs(5) < end {
                let leader = cluster.leader().expect("a leader");
                if turn % 2 == 0 {
                    cluster.kill(leader).expect("it runs");
                    cluster.restart(leader).expect("it starts");
                } else {
                    cluster.stop(leader).expect("it runs");
                    fairway_lab::poll(SOON, "another leads", || {
                        cluster.leader().is_ok_and(|now| now != leader)
                    })
                    .expect("another leads");
                    cluster.cont(leader).expect("it runs");
                }
                cluster.wait_ready(SOON).expect("all are there");
                turn += 1;
            }
            (cluster, turn)
        });
        let mut all = (Vec::new(), Vec::new(), Vec::new());
        for writer in writers {
            let (yes, no, doubt) = writer.await.expect("it ends");
            all.0.extend(yes);
            all.1.extend(no);
            all.2.extend(doubt);
        }
        let (_cluster, turns) = disturber.await.expect("it ends");
        let store = open(&location).await.expect("it opens");
        let range = store.range(ROOT).await.expect("it lists");
        let there: std::collections::BTreeSet<_> =
            range.entries.iter().map(|e| e.key.clone()).collect();
        let (yes, no, doubt) = all;
        println!(
            "{turns} turns: {} acknowledged, {} rejected, {} in doubt",
            yes.len(),
            no.len(),
            doubt.len()
        );
        assert!(
            turns >= 2 && yes.len() > 100,
            "{turns} turns, {}",
            yes.len()
        );
        for name in &yes {
            assert!(there.contains(&key(name)), "{name} was acknowledged");
        }
        for name in &no {
            assert!(!there.contains(&key(name)), "{name} was rejected");
        }
        assert!(doubt.len() < yes.len() / 10, "{} in doubt", doubt.len());
    });
}
