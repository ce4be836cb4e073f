//! Full, denied, distrusted: what an operator has to mend, in words that say what.

use crate::bed::*;
use fairway_etcd_bed::{Authority, Cluster, Flaw, Options};
use fairway_store::kv::Committed;
use fairway_store::{Location, LocationError, Store, StoreError, open};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

async fn opened(location: Location) -> Arc<dyn Store> {
    open(&location).await.expect("it opens")
}

fn take(name: &str) -> fairway_store::kv::Txn {
    txn(vec![absent(name)], vec![put(name, "1")])
}

#[test]
fn a_full_etcd_is_told_and_nothing_is_lost() {
    run(async {
        let cluster = Cluster::start(Options::loopback(1).quota(4 << 20)).expect("etcd");
        let store = opened(at(&cluster.endpoints())).await;
        // Those that take the last of the room are done and yet answered with "out of space".
        let writer = |writer: u32| {
            let store = Arc::clone(&store);
            async move {
                let (mut yes, mut no, mut doubt) = (Vec::new(), Vec::new(), Vec::new());
                while no.len() < 3 {
                    let name = format!("k{writer}-{}", yes.len() + no.len() + doubt.len());
                    let value = put(&name, vec![b'x'; 50_000]);
                    match store.commit(&txn(vec![absent(&name)], vec![value])).await {
                        Ok(Committed::Yes { .. }) => yes.push(name),
                        Ok(no) => panic!("{no:?}"),
                        Err(error) if error.outcome_unknown() => doubt.push(name),
                        Err(error) => {
                            assert!(matches!(error, StoreError::OutOfSpace { .. }), "{error}");
                            assert!(error.is_rejection() && error.needs_hands());
                            no.push(name);
                        }
                    }
                    assert!(yes.len() < 100, "it does not get full");
                }
                (yes, no, doubt)
            }
        };
        let writers: Vec<_> = (0..8).map(|n| tokio::spawn(writer(n))).collect();
        let mut doubts = 0;
        for writer in writers {
            let (yes, no, doubt) = writer.await.expect("it ends");
            doubts += doubt.len();
            for name in yes {
                assert!(get(&*store, &name).await.is_some(), "{name} is kept");
            }
            for name in no {
                assert_eq!(get(&*store, &name).await, None, "{name} is refused");
            }
        }
        assert!(doubts <= 8, "{doubts} in doubt");
        let error = store.commit(&take("small")).await.expect_err("full");
        assert!(matches!(error, StoreError::OutOfSpace { .. }), "{error}");
        let there = store.range(ROOT).await.expect("it still reads").entries;
        // Room is made, as etcd's manual says.
        for entries in there.chunks(100) {
            let names = entries.iter().filter_map(|e| e.key.strip_prefix(ROOT));
            write(&*store, names.map(delete).collect()).await;
        }
        forget(&cluster, &*store).await;
        cluster.etcdctl(&["defrag"]).expect("it defragments");
        cluster.etcdctl(&["alarm", "disarm"]).expect("it disarms");
        let done = store.commit(&take("small")).await.expect("room");
        assert!(matches!(done, Committed::Yes { .. }));
    });
}

/// Waits until etcd says that it has forgotten so many tokens of the user `fairway`.
async fn expired(cluster: &Cluster, tokens: usize) {
    until("its token has expired", || async {
        let log = cluster.log(0);
        let of_user = |line: &&str| line.contains("\"user-name\":\"fairway\"");
        let gone = log
            .lines()
            .filter(|line| line.contains("deleted a simple token"));
        gone.filter(of_user).count() >= tokens
    })
    .await;
}

#[test]
fn passwords_and_permissions() {
    run(async {
        let cluster = Cluster::start(
            Options::loopback(1)
                .auth("secret")
                .arg("--auth-token-ttl=1")
                .arg("--log-level=debug"),
        )
        .expect("etcd");
        let location = at(&cluster.endpoints());
        cluster.add_user("fairway", "pw", ROOT).expect("a user");
        let denied = |error: StoreError| {
            assert!(matches!(error, StoreError::Denied { .. }), "{error}");
            assert!(error.is_rejection() && error.needs_hands());
            assert!(!error.to_string().contains("wrong"), "a password: {error}");
        };
        // Nobody, a wrong password, a stranger.
        for user in [
            None,
            Some(user("fairway", "wrong")),
            Some(user("nobody", "wrong")),
        ] {
            let location = match user {
                Some(user) => location.clone().with_user(user),
                None => location.clone(),
            };
            let store = opened(location).await;
            denied(store.commit(&take("a")).await.expect_err("denied"));
            denied(store.get(&key("a")).await.expect_err("denied"));
            denied(store.range(ROOT).await.expect_err("denied"));
        }
        let good = location.clone().with_user(user("fairway", "pw"));
        let store = opened(good).await;
        let start = write(&*store, vec![put("a", "1")]).await;
        // A token that nobody used for a while.
        expired(&cluster, 1).await;
        write(&*store, vec![put("a", "1")]).await;
        expired(&cluster, 2).await;
        let mut watch = store.watch(ROOT, start).await.expect("it watches");
        assert_eq!(short(&next(&mut *watch).await.changes[0]), "+a=1");
        drop(watch);
        // What is not ours.
        denied(store.range("/registry/").await.expect_err("denied"));
        let watch = store.watch("/registry/", start).await;
        denied(watch.err().expect("denied"));
        let foreign = fairway_store::kv::Write::Delete {
            key: "/registry/x".into(),
        };
        let both = txn(vec![], vec![put("b", "1"), foreign]);
        denied(store.commit(&both).await.expect_err("denied"));
        assert_eq!(get(&*store, "b").await, None);
        // Tokens are gone with the member that gave them.
        cluster.kill(0).expect("it runs");
        cluster.restart(0).expect("it starts");
        cluster.wait_ready(SOON).expect("it is there");
        until("it writes again", || async {
            let done = store.commit(&txn(vec![], vec![put("a", "2")])).await;
            if let Err(error) = &done {
                assert!(!matches!(error, StoreError::Denied { .. }), "{error}");
            }
            done.is_ok()
        })
        .await;
        // Anything that is changed about users makes old tokens old.
        cluster.add_user("other", "pw", "/x/").expect("a user");
        write(&*store, vec![put("a", "3")]).await;
        let mut watch = store.watch(ROOT, start).await.expect("it watches");
        let mut told = Vec::new();
        while told.last().map(String::as_str) != Some("+a=3") {
            told.extend(next(&mut *watch).await.changes.iter().map(short));
        }
        // The password is another one now.
        let changed = cluster.etcdctl(&["role", "revoke-permission", "fairway", ROOT, "--prefix"]);
        changed.expect("it is revoked");
        denied(store.commit(&take("c")).await.expect_err("denied"));
    });
}

/// Settings come first and `auth enable` after them: connections from before bear no name.
#[test]
fn authentication_may_be_enabled_under_way() {
    run(async {
        // With mTLS the name in the certificate takes the user's place, and may do nothing.
        for options in [Options::loopback(1), Options::loopback(1).tls()] {
            let cluster = Cluster::start(options).expect("etcd");
            let location = at(&cluster.endpoints());
            let location = match cluster.pki() {
                Some(_) => secured(&cluster, location, "client", Flaw::None),
                None => location,
            };
            let location = location.with_user(user("root", "secret"));
            let mut stores = Vec::new();
            for _ in 0..4 {
                stores.push(opened(location.clone()).await);
            }
            let [writer, reader, watcher, keeper] = &stores[..] else {
                panic!("four")
            };
            let start = write(&**writer, vec![put("a", "0")]).await;
            assert_eq!(text(&**reader, "a").await.as_deref(), Some("0"));
            let mut before = watcher.watch(ROOT, start).await.expect("it watches");
            let ttl = Duration::from_secs(20);
            let lease = keeper.grant_lease(ttl).await.expect("a lease");
            for args in [
                &["user", "add", "root:secret"][..],
                &["user", "grant-role", "root", "root"],
                &["user", "add", "client:other"],
                &["auth", "enable"],
            ] {
                cluster.etcdctl(args).expect("it does");
            }
            write(&**writer, vec![put("a", "1")]).await;
            assert_eq!(text(&**reader, "a").await.as_deref(), Some("1"));
            let after = watcher.watch(ROOT, start).await;
            let mut after = after.expect("it watches anew");
            for watch in [&mut before, &mut after] {
                assert_eq!(short(&next(&mut **watch).await.changes[0]), "+a=1");
            }
            let leased = txn(vec![absent("l")], vec![put_with("l", lease)]);
            let done = keeper.commit(&leased).await.expect("it commits");
            assert!(matches!(done, Committed::Yes { .. }));
            keeper.keep_alive(lease).await.expect("it is kept");
            // Who has the wrong password is told so now.
            let wrong = location.clone().with_user(user("root", "wrong"));
            let error = opened(wrong).await.get(&key("a")).await;
            let error = error.expect_err("denied");
            assert!(matches!(error, StoreError::Denied { .. }), "{error}");
        }
    });
}

/// The first answer's error.
async fn refused(location: Location) -> String {
    let store = match open(&location).await {
        Ok(store) => store,
        Err(error) => return error.to_string(),
    };
    let error = store.commit(&take("a")).await.expect_err("refused");
    assert!(error.is_rejection(), "{error}");
    assert!(
        matches!(
            error,
            StoreError::Certificate { .. } | StoreError::Location(_)
        ),
        "{error}"
    );
    error.to_string()
}

#[track_caller]
fn says(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "{word:?} is missing in: {error}");
    }
}

#[test]
fn bad_client_certificates_are_told_with_flag_and_file() {
    run(async {
        let cluster = Cluster::start(Options::loopback(1).tls()).expect("etcd");
        let pki = cluster.pki().expect("there is TLS");
        let location = || at(&cluster.endpoints());
        let with = |name: &str, flaw| secured(&cluster, location(), name, flaw);
        let store = opened(with("good", Flaw::None)).await;
        write(&*store, vec![put("a", "1")]).await;
        // Never sent: the file itself tells.
        let error = refused(with("late", Flaw::Expired)).await;
        says(&error, &["--etcd-cert", "late.pem", "expired", "days ago"]);
        let error = refused(with("early", Flaw::NotYet)).await;
        says(&error, &["--etcd-cert", "early.pem", "not valid yet"]);
        // The member tells.
        let error = refused(with("stranger", Flaw::Stranger)).await;
        says(&error, &["--etcd-cert", "stranger.pem", "does not take"]);
        let none = location().with_tls(named("--etcd-ca", &pki.ca()), None, None);
        let error = refused(none.expect("it fits")).await;
        says(&error, &["wants a certificate from us"]);
        // Their certificate by another authority.
        let other = cluster.scratch().join("other-ca.pem");
        let authority = Authority::new("other").expect("an authority");
        fs::write(&other, authority.pem()).expect("the file");
        let files = pki.issue("good", Flaw::None).expect("a certificate");
        let tls = |ca, cert, key| {
            location()
                .with_tls(
                    named("--etcd-ca", ca),
                    named("--etcd-cert", cert),
                    named("--etcd-key", key),
                )
                .expect("it fits")
        };
        let error = refused(tls(&other, &files.cert, &files.key)).await;
        says(&error, &["its certificate", "--etcd-ca", "other-ca.pem"]);
        // Files that are none.
        let (ca, cert, key) = (&pki.ca(), &files.cert, &files.key);
        let (none, junk) = (
            cluster.scratch().join("none"),
            cluster.scratch().join("junk"),
        );
        fs::write(&junk, "junk").expect("the file");
        for (location, words) in [
            (tls(&none, cert, key), ["--etcd-ca", "none", "No such file"]),
            (tls(ca, &none, key), ["--etcd-cert", "none", "No such file"]),
            (tls(ca, cert, &none), ["--etcd-key", "none", "No such file"]),
            (
                tls(&junk, cert, key),
                ["--etcd-ca", "junk", "no certificate"],
            ),
            (
                tls(ca, &junk, key),
                ["--etcd-cert", "junk", "no certificate"],
            ),
            (
                tls(ca, cert, &junk),
                ["--etcd-key", "junk", "no private key"],
            ),
            (
                tls(ca, cert, cert),
                ["--etcd-key", "good.pem", "no private key"],
            ),
            (
                tls(ca, cert, &files.key.with_file_name("peer.key")),
                ["--etcd-key", "peer.key", "is not the key of"],
            ),
        ] {
            let error = open(&location).await.err().expect("it is refused");
            // Whether there is hope for what is in it.
            match words[2] {
                "No such file" => assert!(
                    matches!(error, StoreError::Location(LocationError::TlsUnread { .. })),
                    "{error}"
                ),
                _ => assert!(
                    matches!(error, StoreError::Location(LocationError::TlsFile { .. })),
                    "{error}"
                ),
            }
            says(&error.to_string(), &words);
        }
        // Plain HTTP to a member with TLS: no answer that could be understood.
        let plain = cluster.endpoint(0).replace("https", "http");
        let store = opened(at(&[plain])).await;
        let error = store.commit(&take("a")).await.expect_err("no HTTP");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    });
}

#[test]
fn bad_certificates_of_members_are_told() {
    run(async {
        for (flaw, word) in [
            (Flaw::Expired, "expired"),
            (Flaw::OtherName, "not valid for name"),
        ] {
            let cluster = Cluster::start(Options::loopback(1).flawed_tls(flaw)).expect("etcd");
            let location = secured(&cluster, at(&cluster.endpoints()), "good", Flaw::None);
            let error = refused(location).await;
            says(&error, &["its certificate", word, &cluster.endpoint(0)]);
        }
    });
}

#[test]
fn certificates_may_be_rotated_under_way() {
    run(async {
        let cluster = Cluster::start(Options::loopback(1).tls()).expect("etcd");
        let pki = cluster.pki().expect("there is TLS");
        let location = secured(&cluster, at(&cluster.endpoints()), "me", Flaw::None);
        let store = opened(location).await;
        write(&*store, vec![put("a", "1")]).await;
        // The old one ends; the connection still stands.
        pki.issue("me", Flaw::Expired).expect("a certificate");
        write(&*store, vec![put("a", "2")]).await;
        cluster.kill(0).expect("it runs");
        let _ = store.commit(&take("b")).await;
        cluster.restart(0).expect("it starts");
        cluster.wait_ready(SOON).expect("it is there");
        let error = store.get(&key("a")).await.expect_err("it has expired");
        assert!(matches!(error, StoreError::Location(_)), "{error}");
        says(&error.to_string(), &["--etcd-cert", "me.pem", "expired"]);
        pki.issue("me", Flaw::None).expect("a certificate");
        assert_eq!(text(&*store, "a").await.as_deref(), Some("2"));
    });
}
