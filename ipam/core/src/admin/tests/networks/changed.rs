//! Changed: pools and imports that come and go, and what others wrote.

use super::{four_pools, make, net, nets, new, pools, record, set, set_refusal, write};
use crate::admin::*;
use std::collections::BTreeSet;

#[test]
fn pools_and_imports_come_and_go() {
    let mut store = four_pools();
    make(&mut store, new("blue", &["a"]));
    make(&mut store, new("red", &["d"]));
    let change = NetworkChange {
        add_pools: pools(&["b", "c"]),
        remove_pools: pools(&["a"]),
        import: nets(&["red"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "blue", &change, false));
    let changed = record(&store, "blue");
    assert_eq!(changed.pools, pools(&["b", "c"]));
    assert!(changed.imports.contains(&net("red")));
    assert_eq!(changed.vni.number(), 4096, "it stays");
    // What is so already, or is not there to go, is no change.
    for same in [
        NetworkChange::default(),
        NetworkChange {
            import: nets(&["red"]),
            unimport: nets(&["green"]),
            ..NetworkChange::default()
        },
    ] {
        assert!(!set(&mut store, "blue", &same, false), "{same:?}");
    }
    let unimport = NetworkChange {
        unimport: nets(&["red"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "blue", &unimport, false));
    assert_eq!(record(&store, "blue").imports, BTreeSet::new());
}

#[test]
fn a_change_that_cannot_be_is_refused_and_says_why() {
    let mut store = four_pools();
    make(&mut store, new("blue", &["a"]));
    make(&mut store, new("red", &["b"]));
    let add = |name: &str| NetworkChange {
        add_pools: pools(&[name]),
        ..NetworkChange::default()
    };
    let remove = |name: &str| NetworkChange {
        remove_pools: pools(&[name]),
        ..NetworkChange::default()
    };
    let import = |name: &str| NetworkChange {
        import: nets(&[name]),
        ..NetworkChange::default()
    };
    for (name, change, why) in [
        ("none", add("c"), "network none does not exist"),
        ("blue", add("b"), "pools: pool b is in network red"),
        ("blue", add("a"), "pools: a is named twice"),
        (
            "blue",
            add("none"),
            "pools: pool none does not exist or is retiring",
        ),
        (
            "blue",
            remove("b"),
            "remove_pools: pool b is not in network blue",
        ),
        ("blue", remove("a"), "pools: at least one is needed"),
        (
            "blue",
            import("blue"),
            "imports: network blue would import itself",
        ),
        (
            "blue",
            import("none"),
            "imports: network none does not exist",
        ),
    ] {
        assert_eq!(set_refusal(&store, name, &change), why, "{change:?}");
    }
    let refused = remove_network(&store.view(), &net("none"), true);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "network none does not exist"
    );
}

#[test]
fn what_somebody_wrote_past_this_is_told_of_the_younger() {
    let mut store = four_pools();
    write(&mut store, "old", 7, &["a"], &[]);
    write(&mut store, "new", 7, &["a", "gone"], &["nowhere"]);
    let rows = networks(&store.view());
    let problems = |name: &str| {
        let row = rows.iter().find(|row| row.name == net(name)).unwrap();
        row.problems.clone()
    };
    assert_eq!(problems("old"), Vec::<String>::new());
    assert_eq!(
        problems("new"),
        [
            "its VNI is that of network old",
            "its pool a is in network old",
            "its pool gone is not there",
            "it imports network nowhere, which is not there",
        ]
    );
    // A pool that is gone need not be named again for something else to change, and can be taken out.
    let add = NetworkChange {
        add_pools: pools(&["b"]),
        unimport: nets(&["nowhere"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "new", &add, false));
    let remove = NetworkChange {
        remove_pools: pools(&["gone", "a"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "new", &remove, false));
    assert_eq!(record(&store, "new").pools, pools(&["b"]));
}
