//! Claims: given back, moved, made into sets.

use crate::{AppName, ClaimName, Release, UnixSeconds, admin::*, fixture::*, keys::Key, record::*};

pub(super) fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

pub(super) fn cluster() -> Store {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    store
}

fn names(plan: &Plan<Vec<Freed>>) -> Vec<&str> {
    plan.summary
        .iter()
        .map(|freed| freed.name.as_str())
        .collect()
}

fn named(name: &str) -> Which {
    Which::Named {
        name: claim_name(name),
        pool: None,
    }
}

pub(super) fn set(name: &str, size: Option<u32>, surge: Option<u32>) -> SetWish {
    SetWish {
        pool: pool_name("web"),
        name: claim_name(name),
        size,
        surge,
        release: Some(Release::OnScaleDown),
        handover: None,
        app: Some(app("Deployment/prod/front")),
    }
}

#[test]
fn a_claim_goes_by_its_name() {
    let mut store = cluster();
    store.pool("db", &["10.2.0.0/16"]);
    store.claim("web", "a", claim("u1", "10.1.0.2"));
    store.claim("web", "b", held(claim("u2", "10.1.0.3"), "n1", "c1"));
    store.claim("db", "b", claim("u3", "10.2.0.3"));
    let plan = remove_claims(&store.view(), &named("a"), false).unwrap();
    store.commit_all(&plan.txns);
    assert_eq!(store.record("web", "a"), None);
    let error = remove_claims(&store.view(), &named("a"), false).unwrap_err();
    assert_eq!(error.to_string(), "claim a does not exist");
    let error = remove_claims(&store.view(), &named("b"), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "claim b is in the pools db, web; name one of them"
    );
    let in_web = Which::Named {
        name: claim_name("b"),
        pool: Some(pool_name("web")),
    };
    let error = remove_claims(&store.view(), &in_web, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "held by containers, which would be cut off: b by apps/c1/eth0 on node n1"
    );
    let plan = remove_claims(&store.view(), &in_web, true).unwrap();
    // A claim that changed hands meanwhile is looked at anew.
    store.claim("web", "b", held(claim("u2", "10.1.0.3"), "n2", "c2"));
    assert!(!store.commit(&plan.txns[0]));
}

#[test]
fn a_set_goes_with_its_members() {
    let mut store = cluster();
    for described in [true, false] {
        if described {
            let txn = create_set(
                &store.view(),
                set("prod/Deployment/front", None, None),
                at(0),
            )
            .unwrap();
            assert!(store.commit(&txn));
        }
        for number in 0..3 {
            let name = format!("prod/Deployment/front#{number}");
            store.claim("web", &name, claim(&format!("u{number}"), "10.1.0.2"));
        }
        store.claim(
            "web",
            "prod/Deployment/front-end#0",
            claim("u9", "10.1.0.9"),
        );
        let plan = remove_claims(&store.view(), &named("prod/Deployment/front"), false).unwrap();
        assert_eq!(plan.summary.len(), 3 + usize::from(described));
        store.commit_all(&plan.txns);
        assert_eq!(store.view().claims.len(), 1);
    }
}

pub(super) fn with(claim: Claim, release: Release, of: &str, ordinal: Option<u32>) -> Claim {
    Claim {
        release,
        app: Some(app(of)),
        ordinal,
        ..claim
    }
}

fn of_app(name: &str, pool: Option<&str>) -> Which {
    Which::App {
        app: app(name),
        pool: pool.map(pool_name),
    }
}

#[test]
fn an_application_gives_back_its_claims_of_one_pool() {
    let mut store = cluster();
    store.pool("stg", &["10.2.0.0/16"]);
    let of = "StatefulSet/prod/db";
    for (pool, name, ip) in [
        ("web", "prod/db-3", "10.1.0.2"),
        ("stg", "prod/db-5", "10.2.0.2"),
    ] {
        let one = with(claim(name, ip), Release::OnScaleDown, of, Some(5));
        store.claim(pool, name, one);
    }
    let scaled = |pool: Option<&str>| Which::Scaled {
        app: app(of),
        replicas: 1,
        pool: pool.map(pool_name),
    };
    let gone = |which: &Which| {
        let plan = remove_claims(&store.view(), which, false).unwrap();
        plan.summary.len()
    };
    for which in [of_app(of, Some("web")), scaled(Some("web"))] {
        let plan = remove_claims(&store.view(), &which, false).unwrap();
        assert_eq!(names(&plan), ["prod/db-3"]);
        assert_eq!(plan.txns[0].writes.len(), 1);
    }
    assert_eq!((gone(&of_app(of, None)), gone(&scaled(None))), (2, 2));
    let error = remove_claims(&store.view(), &of_app(of, Some("x")), false).unwrap_err();
    let text = format!("app: no claim in pool x belongs to {of}");
    assert_eq!(error.to_string(), text);
}

#[test]
fn an_application_that_is_deleted_gives_its_claims_back() {
    let mut store = cluster();
    let of = "StatefulSet/prod/db";
    store.claim(
        "web",
        "prod/db-0",
        with(claim("u0", "10.1.0.2"), Release::OnAppDelete, of, Some(0)),
    );
    store.claim(
        "web",
        "prod/db-1",
        with(claim("u1", "10.1.0.3"), Release::OnScaleDown, of, Some(1)),
    );
    store.claim(
        "web",
        "prod/db-2",
        with(claim("u2", "10.1.0.4"), Release::Never, of, Some(2)),
    );
    store.claim(
        "web",
        "prod/dc-0",
        with(
            claim("u3", "10.1.0.5"),
            Release::OnAppDelete,
            "StatefulSet/prod/dc",
            Some(0),
        ),
    );
    let plan = remove_claims(&store.view(), &of_app(of, None), false).unwrap();
    assert_eq!(names(&plan), ["prod/db-0", "prod/db-1"]);
    let error = remove_claims(&store.view(), &of_app("x", None), false).unwrap_err();
    assert_eq!(error.to_string(), "app: no claim belongs to x");
}

#[test]
fn an_application_that_is_scaled_down_gives_back_the_last() {
    let mut store = cluster();
    let of = "StatefulSet/prod/db";
    for number in 0..4u32 {
        let release = if number == 3 {
            Release::OnAppDelete
        } else {
            Release::OnScaleDown
        };
        let name = format!("prod/db-{number}");
        store.claim(
            "web",
            &name,
            with(
                claim(&format!("u{number}"), "10.1.0.2"),
                release,
                of,
                Some(number),
            ),
        );
    }
    let scaled = Which::Scaled {
        app: app(of),
        replicas: 1,
        pool: None,
    };
    let plan = remove_claims(&store.view(), &scaled, false).unwrap();
    assert_eq!(names(&plan), ["prod/db-1", "prod/db-2"]);
}

#[test]
fn a_set_that_is_scaled_down_gives_back_what_nobody_holds_first() {
    let mut store = cluster();
    let of = "Deployment/prod/front";
    let txn = create_set(
        &store.view(),
        set("prod/Deployment/front", Some(4), None),
        at(0),
    )
    .unwrap();
    assert!(store.commit(&txn));
    for number in 0..5u32 {
        let member = with(
            claim(&format!("u{number}"), "10.1.0.2"),
            Release::OnScaleDown,
            of,
            None,
        );
        let member = if number % 2 == 0 {
            held(member, "n1", "c")
        } else {
            member
        };
        store.claim("web", &format!("prod/Deployment/front#{number}"), member);
    }
    let scaled = |replicas| Which::Scaled {
        app: app(of),
        replicas,
        pool: None,
    };
    let plan = remove_claims(&store.view(), &scaled(3), false).unwrap();
    assert_eq!(
        names(&plan),
        ["prod/Deployment/front#3", "prod/Deployment/front#1"]
    );
    let error = remove_claims(&store.view(), &scaled(2), false).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("front#4 by apps/c/eth0 on node n1"),
        "{error}"
    );
    store.commit_all(&plan.txns);
    let Some(ClaimRecord::Set(spec)) = store.record("web", "prod/Deployment/front") else {
        panic!("the set stays")
    };
    assert_eq!(spec.size, Some(3));
}

#[test]
fn sets_are_made_and_changed() {
    let mut store = cluster();
    let made = |store: &Store, name: &str| {
        let Some(ClaimRecord::Set(spec)) = store.record("web", name) else {
            panic!("a set")
        };
        spec
    };
    for (name, size, surge, expected) in [
        ("front", Some(8), None, 2),
        ("b", Some(9), None, 3),
        ("c", None, None, 1),
        ("d", Some(3), Some(0), 1),
    ] {
        let txn = create_set(&store.view(), set(name, size, surge), at(0)).unwrap();
        assert!(store.commit(&txn));
        assert_eq!(made(&store, name).surge, expected, "{size:?}");
    }
    assert_eq!(made(&store, "front").created, UnixSeconds(1000));
    let later = create_set(&store.view(), set("front", Some(2), None), at(9000)).unwrap();
    assert!(store.commit(&later));
    assert_eq!(
        made(&store, "front").created,
        UnixSeconds(1000),
        "as it was"
    );
    // What is not said stays as it is.
    let before = made(&store, "front");
    assert_eq!((before.size, before.surge), (Some(2), 2));
    let resized = SetWish {
        release: None,
        app: None,
        ..set("front", Some(12), None)
    };
    let txn = create_set(&store.view(), resized.clone(), at(0)).unwrap();
    assert!(store.commit(&txn));
    let size = Some(12);
    assert_eq!(made(&store, "front"), SetSpec { size, ..before });
    let nothing = SetWish {
        name: claim_name("new"),
        size: None,
        ..resized
    };
    let txn = create_set(&store.view(), nothing, at(0)).unwrap();
    assert!(store.commit(&txn));
    let new = made(&store, "new");
    assert_eq!(
        (new.release, new.app, new.size),
        (Release::Never, None, None)
    );
    for bad in ["front#1", "~x"] {
        let error = create_set(&store.view(), set(bad, None, None), at(0)).unwrap_err();
        assert!(error.to_string().contains("is reserved"), "{error}");
    }
    store.claim("web", "one", claim("u1", "10.1.0.2"));
    let error = create_set(&store.view(), set("one", None, None), at(0)).unwrap_err();
    assert_eq!(error.to_string(), "claim one exists already in pool web");
    let nowhere = SetWish {
        pool: pool_name("none"),
        ..set("front", None, None)
    };
    assert!(matches!(
        create_set(&store.view(), nowhere, at(0)),
        Err(AdminError::NoPool { .. })
    ));
}

#[test]
fn after_expires_when_nobody_has_held_it_for_so_long() {
    let mut store = cluster();
    let after = |claim: Claim, ended: Option<u64>| Claim {
        release: Release::After(60),
        ended: ended.map(UnixSeconds),
        ..claim
    };
    store.claim("web", "ended", after(claim("u1", "10.1.0.2"), Some(1000)));
    store.claim(
        "web",
        "held",
        after(held(claim("u2", "10.1.0.3"), "n1", "c"), Some(1)),
    );
    store.claim("web", "never-held", after(claim("u3", "10.1.0.4"), None));
    store.claim("web", "never", claim("u4", "10.1.0.5"));
    let spec = |name: &str| SetWish {
        release: Some(Release::After(60)),
        ..set(name, None, None)
    };
    for name in ["empty", "full"] {
        assert!(store.commit(&create_set(&store.view(), spec(name), at(0)).unwrap()));
    }
    store.claim("web", "full#0", claim("u5", "10.1.0.6"));
    let expired = |millis| -> Vec<String> {
        let all = expired(&store.view(), at(millis));
        all.iter()
            .map(|(_, name): &(_, ClaimName)| name.to_string())
            .collect()
    };
    assert_eq!(expired(59_000), ["never-held"]);
    assert_eq!(expired(60_000), ["empty", "ended", "never-held"]);
    let key = Key::Claim(pool_name("web"), claim_name("x"));
    assert_eq!(store.view().modified(&key), None);
}
