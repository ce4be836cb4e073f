//! Claims that move to another node or another workload.

use super::claims::{app, cluster, set, with};
use crate::{Release, UnixSeconds, admin::*, fixture::*};

fn moving(name: &str) -> Move {
    Move {
        name: claim_name(name),
        pool: None,
        keep: None,
        rename: None,
        force: false,
    }
}

#[test]
fn a_claim_moves_to_a_node() {
    let mut store = cluster();
    store.node("n2");
    store.claim(
        "web",
        "prod/db-0",
        held(claim("u1", "10.1.0.2"), "n1", "c1"),
    );
    let error = move_claim(&store.view(), &moving("prod/db-0"), at(0)).unwrap_err();
    assert_eq!(error, AdminError::NoMove);
    let to = Move {
        keep: Some(Keep::For("n2".parse().unwrap())),
        ..moving("prod/db-0")
    };
    assert!(store.commit(&move_claim(&store.view(), &to, at(0)).unwrap()));
    let moved = store.single("web", "prod/db-0").unwrap();
    assert_eq!(moved.only, Some("n2".parse().unwrap()));
    assert!(moved.holder.is_some(), "until it ends");
    let force = Move {
        force: true,
        ..moving("prod/db-0")
    };
    assert!(store.commit(&move_claim(&store.view(), &force, at(3000)).unwrap()));
    let moved = store.single("web", "prod/db-0").unwrap();
    assert_eq!((moved.holder, moved.ended), (None, Some(UnixSeconds(1003))));
    assert_eq!(moved.ousted.unwrap().attachment.container, "c1");
    assert_eq!(moved.only, Some("n2".parse().unwrap()));
    let anywhere = Move {
        keep: Some(Keep::Anywhere),
        ..moving("prod/db-0")
    };
    assert!(store.commit(&move_claim(&store.view(), &anywhere, at(0)).unwrap()));
    assert_eq!(store.single("web", "prod/db-0").unwrap().only, None);
    let nowhere = Move {
        keep: Some(Keep::For("n9".parse().unwrap())),
        ..moving("prod/db-0")
    };
    let error = move_claim(&store.view(), &nowhere, at(0)).unwrap_err();
    assert!(matches!(error, AdminError::NoNode { .. }), "{error}");
}

#[test]
fn a_claim_moves_to_another_workload() {
    let mut store = cluster();
    let old = with(
        claim("u1", "10.1.0.2"),
        Release::OnAppDelete,
        "StatefulSet/prod/db",
        Some(0),
    );
    store.claim("web", "prod/db-0", old.clone());
    store.claim("web", "prod/db-1", claim("u2", "10.1.0.3"));
    let to = |name: &str| Move {
        rename: Some(claim_name(name)),
        ..moving("prod/db-0")
    };
    let error = move_claim(&store.view(), &to("prod/db-1"), at(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "claim prod/db-1 exists already in pool web"
    );
    let error = move_claim(&store.view(), &to("x#1"), at(0)).unwrap_err();
    assert!(error.to_string().contains("is reserved"), "{error}");
    let txn = move_claim(&store.view(), &to("blue/pg-3"), at(0)).unwrap();
    // Two moves to one name cannot both be.
    let other = Move {
        name: claim_name("prod/db-1"),
        ..to("blue/pg-3")
    };
    let other = move_claim(&store.view(), &other, at(0)).unwrap();
    assert!(store.commit(&txn));
    assert!(!store.commit(&other));
    assert_eq!(store.record("web", "prod/db-0"), None);
    let new = store.single("web", "blue/pg-3").unwrap();
    assert_eq!(
        (&new.uid, &new.parts, new.release),
        (&old.uid, &old.parts, old.release)
    );
    assert_eq!(
        (new.app, new.ordinal),
        (Some(app("StatefulSet/blue/pg")), Some(3))
    );
    let by_hand = Move {
        name: claim_name("blue/pg-3"),
        ..to("the-db")
    };
    assert!(store.commit(&move_claim(&store.view(), &by_hand, at(0)).unwrap()));
    assert_eq!(store.single("web", "the-db").unwrap().app, None);
    store.claim("web", "the-db", held(claim("u1", "10.1.0.2"), "n1", "c1"));
    let back = Move {
        name: claim_name("the-db"),
        ..to("prod/db-0")
    };
    let error = move_claim(&store.view(), &back, at(0)).unwrap_err();
    assert!(matches!(error, AdminError::Held { .. }), "{error}");
    let force = Move {
        force: true,
        ..back
    };
    assert!(store.commit(&move_claim(&store.view(), &force, at(0)).unwrap()));
    assert_eq!(store.single("web", "prod/db-0").unwrap().holder, None);
    assert!(store.commit(&create_set(&store.view(), set("s", None, None), at(0)).unwrap()));
    let error = move_claim(
        &store.view(),
        &Move {
            force: true,
            ..moving("s")
        },
        at(0),
    )
    .unwrap_err();
    assert!(matches!(error, AdminError::IsSet { .. }), "{error}");
}

#[test]
fn what_holds_for_a_claim_changes_and_its_holder_stays() {
    let mut store = cluster();
    let held = held(claim("u1", "10.1.0.2"), "n1", "c1");
    store.claim("web", "prod/db-0", held.clone());
    let (web, name) = ("web".parse().unwrap(), claim_name("prod/db-0"));
    let terms = |store: &Store, terms: &Terms| change_claim(&store.view(), &web, &name, terms);
    let as_it_is = Terms {
        release: held.release,
        handover: held.handover,
        app: None,
        only: None,
    };
    assert_eq!(terms(&store, &as_it_is), Ok(None));
    let other = Terms {
        release: Release::OnAppDelete,
        app: Some(app("StatefulSet/prod/db")),
        only: Some("n1".parse().unwrap()),
        ..as_it_is.clone()
    };
    let txn = terms(&store, &other).unwrap().unwrap();
    assert!(store.commit(&txn));
    let changed = store.single("web", "prod/db-0").unwrap();
    assert_eq!(changed.release, Release::OnAppDelete);
    assert_eq!(changed.only, other.only);
    assert_eq!((&changed.uid, &changed.parts), (&held.uid, &held.parts));
    assert_eq!(changed.holder, held.holder);
    assert_eq!(terms(&store, &other), Ok(None), "once is enough");
    // What it belongs to may have been learned since: it is not forgotten.
    let txn = terms(&store, &as_it_is).unwrap().unwrap();
    assert!(store.commit(&txn));
    let again = store.single("web", "prod/db-0").unwrap();
    assert_eq!((again.only, again.app), (None, other.app.clone()));
    let nowhere = Terms {
        only: Some("n9".parse().unwrap()),
        ..as_it_is.clone()
    };
    let error = terms(&store, &nowhere).unwrap_err();
    assert!(matches!(error, AdminError::NoNode { .. }), "{error}");
    let wish = set("prod/Deployment/front", Some(2), None);
    assert!(store.commit(&create_set(&store.view(), wish, at(0)).unwrap()));
    let set = claim_name("prod/Deployment/front");
    let error = change_claim(&store.view(), &web, &set, &as_it_is).unwrap_err();
    assert!(matches!(error, AdminError::IsSet { .. }), "{error}");
}
