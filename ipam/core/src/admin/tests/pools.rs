//! Pools: made, grown, drained and retired; two changes that cross.

use crate::{
    PoolChange, PoolError, PoolPhase, PoolSpec, RangeChange, RangeSpec, admin::*, fixture::*,
    keys::Key, record::Record,
};
use fairway_kv::Revision;

fn spec(cidrs: &[&str]) -> PoolSpec {
    PoolSpec::new(
        cidrs
            .iter()
            .map(|text| RangeSpec::new(cidr(text)))
            .collect(),
    )
}

fn add(text: &str) -> PoolChange {
    PoolChange {
        add: vec![RangeSpec::new(cidr(text))],
        ..PoolChange::default()
    }
}

#[test]
fn pools_that_overlap_are_refused() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let create = |store: &Store, name: &str, cidrs: &[&str]| {
        create_pool(&store.view(), pool_name(name), spec(cidrs))
    };
    let error = create(&store, "db", &["10.2.0.0/16", "10.1.4.0/24"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ranges[1].cidr: 10.1.4.0/24 overlaps 10.1.0.0/16 of pool web"
    );
    let error = create(&store, "web", &["10.3.0.0/16"]).unwrap_err();
    assert_eq!(error.to_string(), "pool web exists already");
    store.pool("db", &["10.2.0.0/16"]);
    let error = change_pool(&store.view(), &pool_name("db"), &add("10.1.0.0/20")).unwrap_err();
    assert!(
        matches!(
            error,
            AdminError::Pool(PoolError::Overlaps { index: 1, .. })
        ),
        "{error}"
    );
}

#[test]
fn namespaces_are_asked_for_by_what_is_known_of_them() {
    let mut store = Store::default();
    let web = pool_name("web");
    let with = |namespaces: &str| PoolSpec {
        namespaces: namespaces.to_owned(),
        ..spec(&["10.1.0.0/16"])
    };
    let create =
        |store: &Store, namespaces: &str| create_pool(&store.view(), web.clone(), with(namespaces));
    let error = create(&store, "name=a,tenant!=b").unwrap_err();
    let text = "namespaces: \"tenant\" is not known of a namespace; what is known is its name, as name or \
                kubernetes.io/metadata.name";
    assert_eq!(error.to_string(), text);
    for known in ["", "name in (a,b)", "kubernetes.io/metadata.name!=b"] {
        assert!(create(&store, known).is_ok(), "{known}");
    }
    // One that is there already stays readable, and all else of it can be changed.
    store.set(&Key::Pool(web.clone()), with("tenant=a").encode());
    let change = |change: PoolChange| change_pool(&store.view(), &web, &change);
    let (cooldown, namespaces) = (Some(1), Some("tenant=b".to_owned()));
    let shorter = PoolChange {
        cooldown,
        ..PoolChange::default()
    };
    assert_eq!(change(shorter).unwrap().summary.spec.namespaces, "tenant=a");
    let other = PoolChange {
        namespaces,
        ..PoolChange::default()
    };
    assert!(matches!(
        change(other),
        Err(AdminError::Pool(PoolError::NamespaceLabel { .. }))
    ));
}

#[test]
fn two_pools_made_at_once_cannot_both_be() {
    for first in [false, true] {
        let mut store = Store::default();
        if first {
            store.pool("other", &["192.168.0.0/24"]);
        }
        let view = store.view();
        let a = create_pool(&view, pool_name("a"), spec(&["10.0.0.0/16"])).unwrap();
        let b = create_pool(&view, pool_name("b"), spec(&["10.0.0.0/24"])).unwrap();
        assert!(store.commit(&a));
        assert!(!store.commit(&b));
        let again = create_pool(&store.view(), pool_name("b"), spec(&["10.0.0.0/24"]));
        assert!(again.is_err());
    }
}

#[test]
fn a_pool_that_grows_and_one_that_is_made_cannot_cross() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let view = store.view();
    let grow = change_pool(&view, &pool_name("web"), &add("10.2.0.0/16")).unwrap();
    let make = create_pool(&view, pool_name("db"), spec(&["10.2.0.0/24"])).unwrap();
    assert!(store.commit(&make));
    assert!(!store.commit(&grow.txns[0]));
    // Settings alone do not meddle with others.
    let drain = PoolChange {
        drain: vec![cidr("10.1.0.0/16")],
        ..PoolChange::default()
    };
    let plan = change_pool(&view, &pool_name("web"), &drain).unwrap();
    assert_eq!(plan.txns[0].writes.len(), 1);
    store.commit_all(&plan.txns);
    assert!(plan.summary.ranges[0].draining);
    let same = change_pool(&store.view(), &pool_name("web"), &drain).unwrap();
    assert!(same.txns.is_empty());
}

#[test]
fn beside_a_pool_that_cannot_be_read_none_is_made() {
    let mut store = Store::default();
    let key = Key::Pool(pool_name("later"));
    store.set(&key, br#"{"version":2,"prefixes":[]}"#.to_vec());
    let error = create_pool(&store.view(), pool_name("a"), spec(&["10.0.0.0/16"])).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/fairway/v1/pools/later: version 2 is newer"),
        "{error}"
    );
    let error = create_pool(&store.view(), pool_name("later"), spec(&["10.0.0.0/16"]));
    assert!(matches!(error, Err(AdminError::PoolExists { .. })));
    let error = change_pool(&store.view(), &pool_name("later"), &add("10.0.0.0/16"));
    assert!(matches!(error, Err(AdminError::Unreadable { .. })));
    let error = change_pool(&store.view(), &pool_name("none"), &add("10.0.0.0/16"));
    assert!(matches!(error, Err(AdminError::NoPool { .. })));
}

fn drain(store: &mut Store, text: &str) {
    let change = PoolChange {
        drain: vec![cidr(text)],
        ..PoolChange::default()
    };
    let plan = change_pool(&store.view(), &pool_name("web"), &change).unwrap();
    store.commit_all(&plan.txns);
}

#[test]
fn a_prefix_goes_with_its_empty_records_when_nobody_has_any_of_it() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16", "10.2.0.0/16"]);
    drain(&mut store, "10.1.0.0/16");
    let remove = PoolChange {
        remove: vec![cidr("10.1.0.0/16")],
        ..PoolChange::default()
    };
    let refused = |store: &Store| {
        let error = change_pool(&store.view(), &pool_name("web"), &remove).unwrap_err();
        error.to_string()
    };
    store.block("web", "10.1.0.0/26", Some("n1"), vec![]);
    assert!(refused(&store).ends_with("block 10.1.0.0/26 is node n1's"));
    store.block("web", "10.1.0.0/26", None, vec![cooling("10.1.0.5")]);
    assert!(refused(&store).ends_with("10.1.0.5 is not free yet"));
    store.block("web", "10.1.0.0/26", None, vec![]);
    store.claim("web", "db", claim("u1", "10.1.9.9"));
    assert!(refused(&store).ends_with("claim db is of it"));
    store.remove(&Key::Claim(pool_name("web"), claim_name("db")));
    for block in 1..=250u32 {
        let block = cidr("10.1.0.0/16").part(26, block.into()).unwrap();
        store.block("web", &block.to_string(), None, vec![]);
    }
    store.block("web", "10.2.0.0/26", None, vec![]);
    let view = store.view();
    let plan = change_pool(&view, &pool_name("web"), &remove).unwrap();
    assert!(plan.txns.len() >= 3, "in steps");
    store.commit_all(&plan.txns);
    assert_eq!(store.view().blocks.len(), 1);
    assert_eq!(store.view().pools[&pool_name("web")].value.ranges.len(), 1);
}

#[test]
fn a_block_that_is_taken_meanwhile_stops_the_removal() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16", "10.2.0.0/16"]);
    drain(&mut store, "10.1.0.0/16");
    store.block("web", "10.1.0.0/26", None, vec![]);
    let remove = PoolChange {
        remove: vec![cidr("10.1.0.0/16")],
        ..PoolChange::default()
    };
    let plan = change_pool(&store.view(), &pool_name("web"), &remove).unwrap();
    store.block("web", "10.1.0.0/26", Some("n1"), vec![]);
    assert!(!store.commit(&plan.txns[0]));
}

#[test]
fn a_pool_that_changes_meanwhile_is_not_overwritten() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let set = |cooldown| PoolChange {
        cooldown: Some(cooldown),
        ..PoolChange::default()
    };
    let view = store.view();
    let one = change_pool(&view, &pool_name("web"), &set(1)).unwrap();
    let other = change_pool(&view, &pool_name("web"), &set(2)).unwrap();
    store.commit_all(&one.txns);
    assert!(!store.commit(&other.txns[0]));
    // One that is taken back into use does not lose its blocks' records.
    let plan = change_pool(&store.view(), &pool_name("web"), &PoolChange::retire()).unwrap();
    store.commit_all(&plan.txns);
    for block in 0..150u32 {
        let block = cidr("10.1.0.0/16").part(26, block.into()).unwrap();
        store.block("web", &block.to_string(), None, vec![]);
    }
    let Ok(Retire::Finish(txns)) = finish_retire(&store.view(), &pool_name("web")) else {
        panic!("it is empty")
    };
    assert!(txns.len() > 1);
    let back = PoolChange {
        phase: Some(PoolPhase::Active),
        ..PoolChange::default()
    };
    let plan = change_pool(&store.view(), &pool_name("web"), &back).unwrap();
    store.commit_all(&plan.txns);
    assert!(txns.iter().all(|txn| !store.commit(txn)));
}

#[test]
fn another_block_length_takes_the_old_records_along() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    store.block("web", "10.1.0.0/26", None, vec![]);
    drain(&mut store, "10.1.0.0/16");
    let mut shorter = RangeChange::new(cidr("10.1.0.0/16"));
    shorter.block = Some(24);
    let change = PoolChange {
        replace: vec![shorter],
        undrain: vec![cidr("10.1.0.0/16")],
        ..PoolChange::default()
    };
    let plan = change_pool(&store.view(), &pool_name("web"), &change).unwrap();
    store.commit_all(&plan.txns);
    let view = store.view();
    assert!(view.blocks.is_empty());
    let range = &view.pools[&pool_name("web")].value.ranges[0];
    assert_eq!((range.block, range.draining), (24, false));
}

#[test]
fn a_gateway_that_a_container_has_is_refused() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let change = |gateway: &str| {
        let mut range = RangeChange::new(cidr("10.1.0.0/16"));
        range.gateway = Some(ip(gateway).into());
        PoolChange {
            replace: vec![range],
            ..PoolChange::default()
        }
    };
    store.block(
        "web",
        "10.1.0.0/26",
        Some("n1"),
        vec![live("10.1.0.2", "c1"), claimed("10.1.0.3", "u1")],
    );
    store.claim("web", "db", claim("u1", "10.1.0.3"));
    for (gateway, why) in [
        ("10.1.0.2", "apps/c1/eth0 has it"),
        ("10.1.0.3", "it is claim db's"),
    ] {
        let error = change_pool(&store.view(), &pool_name("web"), &change(gateway)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("ranges: {gateway}/32 is in use: {why}")
        );
    }
    assert!(change_pool(&store.view(), &pool_name("web"), &change("10.1.0.4")).is_ok());
}

#[test]
fn a_pool_retires_when_all_is_back() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let name = pool_name("web");
    let error = finish_retire(&store.view(), &name).unwrap_err();
    assert_eq!(error.to_string(), "pool web is not retiring");
    store.block(
        "web",
        "10.1.0.0/26",
        Some("n1"),
        vec![live("10.1.0.2", "c1"), claimed("10.1.0.3", "u1")],
    );
    store.claim("web", "db", claim("u1", "10.1.0.3"));
    let plan = change_pool(&store.view(), &name, &PoolChange::retire()).unwrap();
    assert_eq!(plan.summary.spec.phase, PoolPhase::Retiring);
    store.commit_all(&plan.txns);
    let left = Left {
        live: 1,
        claims: 1,
        cooling: 0,
        blocks: 1,
    };
    assert_eq!(
        finish_retire(&store.view(), &name),
        Ok(Retire::Waiting(left))
    );
    // The container ends, the claim goes; the block comes back with what rests.
    store.remove(&Key::Claim(name.clone(), claim_name("db")));
    store.block(
        "web",
        "10.1.0.0/26",
        None,
        vec![cooling("10.1.0.2"), claimed("10.1.0.3", "u1")],
    );
    let waiting = finish_retire(&store.view(), &name).unwrap();
    assert!(
        matches!(waiting, Retire::Waiting(Left { cooling: 1, .. })),
        "{waiting:?}"
    );
    let mut rests = Rests::default();
    let mut settle = |store: &mut Store, millis| {
        let txns = rests.settle(&store.view(), at(millis));
        store.commit_all(&txns);
        store.block_record("web", "10.1.0.0/26").unwrap().entries
    };
    assert_eq!(
        settle(&mut store, 0),
        [cooling("10.1.0.2"), cooling("10.1.0.3")],
        "the orphan rests"
    );
    assert_eq!(
        settle(&mut store, 29_000).len(),
        2,
        "it changed, so the rest began anew"
    );
    assert_eq!(settle(&mut store, 58_000).len(), 2);
    assert_eq!(settle(&mut store, 59_000), []);
    let set = SetWish {
        pool: name.clone(),
        name: claim_name("prod/Deployment/front"),
        size: Some(3),
        surge: None,
        release: Some(crate::Release::Never),
        handover: None,
        app: None,
    };
    let txn = create_set(&store.view(), set, at(0)).unwrap();
    assert!(store.commit(&txn));
    let Ok(Retire::Finish(txns)) = finish_retire(&store.view(), &name) else {
        panic!("all is back")
    };
    store.commit_all(&txns);
    assert_eq!(finish_retire(&store.view(), &name), Ok(Retire::Gone));
    assert_eq!(store.len(), 1, "the guard alone");
}

#[test]
fn a_claim_in_a_view_that_lags_is_not_thought_gone() {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    let old = store.view();
    store.block("web", "10.1.0.0/26", None, vec![claimed("10.1.0.3", "u1")]);
    // The block was heard of by other ways than the mirror, the claim was not.
    let mut lagging = store.view();
    lagging.revision = old.revision;
    assert!(Rests::default().settle(&lagging, at(0)).is_empty());
    store.claim("web", "db", claim("u1", "10.1.0.3"));
    assert!(Rests::default().settle(&store.view(), at(0)).is_empty());
    // A transaction did not find it any more: it may have another name.
    let mut renamed = store.view();
    let key = Key::Claim(pool_name("web"), claim_name("db"));
    renamed.found(vec![(key.path(), None)], Revision(renamed.revision.0 + 1));
    assert_eq!(renamed.modified(&key), None);
    assert!(Rests::default().settle(&renamed, at(0)).is_empty());
    store.set(
        &Key::Claim(pool_name("web"), claim_name("other")),
        b"{\"version\":9}".to_vec(),
    );
    store.remove(&Key::Claim(pool_name("web"), claim_name("db")));
    let txns = Rests::default().settle(&store.view(), at(0));
    assert!(txns.is_empty(), "a claim that cannot be read may be it");
}
