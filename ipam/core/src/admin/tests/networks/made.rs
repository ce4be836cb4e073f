//! Made: what is taken, what is refused, and two at once.

use super::{four_pools, make, net, nets, new, pools, record, refusal, set_refusal, vni};
use crate::{Encap, PoolChange, admin::*, fixture::*, keys::Key};
use std::collections::BTreeSet;

#[test]
fn the_vni_is_the_lowest_that_is_free_from_4096_on() {
    let mut store = four_pools();
    let below = NewNetwork {
        vni: Some(vni(5)),
        ..new("low", &["d"])
    };
    make(&mut store, below);
    make(&mut store, new("first", &["a"]));
    let third = NewNetwork {
        vni: Some(vni(4098)),
        ..new("third", &["b"])
    };
    make(&mut store, third);
    make(&mut store, new("second", &["c"]));
    let found = ["low", "first", "second", "third"].map(|name| record(&store, name).vni.number());
    assert_eq!(found, [5, 4096, 4097, 4098]);
    // One that goes is free again.
    let txn = remove_network(&store.view(), &net("first"), false).unwrap();
    assert!(store.commit(&txn));
    make(&mut store, new("again", &["a"]));
    assert_eq!(record(&store, "again").vni.number(), 4096);
}

#[test]
fn what_is_made_is_as_it_was_said() {
    let mut store = four_pools();
    make(&mut store, new("shared", &["d"]));
    let blue = NewNetwork {
        imports: nets(&["shared"]).into_iter().collect(),
        ..new("blue", &["c", "a"])
    };
    make(&mut store, blue);
    let rows = networks(&store.view());
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!((row.name.as_str(), row.live), ("blue", 0));
    // The first pool is for workloads that name none, so their order stays.
    assert_eq!(row.record.pools, pools(&["c", "a"]));
    assert_eq!(
        row.record.imports,
        nets(&["shared"]).into_iter().collect::<BTreeSet<_>>()
    );
    assert_eq!(row.problems, Vec::<String>::new());
    let view = store.view();
    let of = |name: &str| networks::network_of(&view, &pool_name(name)).cloned();
    assert_eq!((of("a"), of("b")), (Some(net("blue")), None));
    assert_eq!(
        view.pools[&pool_name("a")].value.spec.encap,
        Encap::default()
    );
}

#[test]
fn a_network_that_cannot_be_is_refused_and_says_why() {
    let mut store = four_pools();
    make(&mut store, new("blue", &["a"]));
    let with_vni = NewNetwork {
        vni: Some(vni(4096)),
        ..new("red", &["b"])
    };
    let importing = |import: &str| NewNetwork {
        imports: nets(&[import]).into_iter().collect(),
        ..new("red", &["b"])
    };
    let retire = change_pool(&store.view(), &pool_name("d"), &PoolChange::retire()).unwrap();
    store.commit_all(&retire.txns);
    for (new, why) in [
        (new("blue", &["b"]), "network blue exists already"),
        (with_vni, "vni: 4096 is that of network blue"),
        (new("red", &["b", "a"]), "pools: pool a is in network blue"),
        (
            new("red", &["b", "none"]),
            "pools: pool none does not exist or is retiring",
        ),
        (
            new("red", &["d"]),
            "pools: pool d does not exist or is retiring",
        ),
        (new("red", &[]), "pools: at least one is needed"),
        (new("red", &["b", "c", "b"]), "pools: b is named twice"),
        (importing("red"), "imports: network red would import itself"),
        (importing("green"), "imports: network green does not exist"),
    ] {
        assert_eq!(refusal(&store, new), why);
    }
}

#[test]
fn what_cannot_be_read_is_there_all_the_same() {
    let mut store = four_pools();
    let later = br#"{"version":9}"#.to_vec();
    store.set(&Key::Network(net("later")), later.clone());
    assert_eq!(
        refusal(&store, new("later", &["a"])),
        "network later exists already"
    );
    let change = NetworkChange {
        add_pools: pools(&["a"]),
        ..NetworkChange::default()
    };
    let why = set_refusal(&store, "later", &change);
    assert!(
        why.starts_with("/fairway/v1/networks/later: version 9 is newer"),
        "{why}"
    );
    let removed = remove_network(&store.view(), &net("later"), false);
    assert!(
        matches!(removed, Err(AdminError::Unreadable { .. })),
        "nobody knows who is in it: {removed:?}"
    );
    let txn = remove_network(&store.view(), &net("later"), true).unwrap();
    assert!(store.commit(&txn));
    store.set(&Key::NetworksGuard, later);
    let refused = create_network(&store.view(), new("blue", &["a"]));
    assert!(matches!(refused, Err(AdminError::Unreadable { .. })));
}

#[test]
fn two_that_are_made_at_once_cannot_both_be() {
    for guarded in [false, true] {
        let mut store = four_pools();
        if guarded {
            make(&mut store, new("other", &["d"]));
        }
        let view = store.view();
        let one = create_network(&view, new("one", &["a"])).unwrap();
        let two = create_network(&view, new("two", &["b"])).unwrap();
        assert!(store.commit(&one));
        assert!(!store.commit(&two), "it would have the same VNI");
        make(&mut store, new("two", &["b"]));
        assert_ne!(record(&store, "one").vni, record(&store, "two").vni);
    }
}

#[test]
fn of_a_pool_that_retires_and_a_network_that_takes_it_in_one_fails() {
    let both = || {
        let store = four_pools();
        let view = store.view();
        let create = create_network(&view, new("blue", &["a"])).unwrap();
        let retire = change_pool(&view, &pool_name("a"), &PoolChange::retire()).unwrap();
        (store, create, retire.txns)
    };
    let (mut store, create, retire) = both();
    store.commit_all(&retire);
    assert!(!store.commit(&create));
    let (mut store, create, retire) = both();
    assert!(store.commit(&create));
    assert!(!store.commit(&retire[0]));
}
