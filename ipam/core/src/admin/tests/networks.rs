//! Networks: made, changed and removed; what is refused, and whom the refusal names.

use crate::{
    Encap, NetworkName, NetworkRecord, PoolChange, PoolName, Vni, admin::*, fixture::*, keys::Key,
    record::Record,
};
use std::collections::BTreeSet;

fn net(name: &str) -> NetworkName {
    name.parse().unwrap()
}

fn nets(names: &[&str]) -> Vec<NetworkName> {
    names.iter().map(|name| net(name)).collect()
}

fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

fn pools(names: &[&str]) -> Vec<PoolName> {
    names.iter().map(|name| pool_name(name)).collect()
}

fn new(name: &str, of: &[&str]) -> NewNetwork {
    NewNetwork {
        name: net(name),
        vni: None,
        pools: pools(of),
        imports: BTreeSet::new(),
    }
}

fn make(store: &mut Store, new: NewNetwork) {
    let txn = create_network(&store.view(), new).unwrap();
    assert!(store.commit(&txn));
}

fn refusal(store: &Store, new: NewNetwork) -> String {
    create_network(&store.view(), new).unwrap_err().to_string()
}

fn record(store: &Store, name: &str) -> NetworkRecord {
    store.view().networks[&net(name)].value.clone()
}

/// Changes a network; did anything change?
fn set(store: &mut Store, name: &str, change: &NetworkChange, force: bool) -> bool {
    let txn = change_network(&store.view(), &net(name), change, force).unwrap();
    txn.is_some_and(|txn| store.commit(&txn))
}

fn set_refusal(store: &Store, name: &str, change: &NetworkChange) -> String {
    let refused = change_network(&store.view(), &net(name), change, false);
    refused.unwrap_err().to_string()
}

/// The pools `a`, `b`, `c`, `d`.
fn four_pools() -> Store {
    let mut store = Store::default();
    for (name, prefix) in [
        ("a", "10.1.0.0/16"),
        ("b", "10.2.0.0/16"),
        ("c", "fd03::/64"),
        ("d", "fd04::/64"),
    ] {
        store.pool(name, &[prefix]);
    }
    store
}

/// Writes a network past all that is judged here.
fn write(store: &mut Store, name: &str, number: u32, of: &[&str], imports: &[&str]) {
    let record = NetworkRecord {
        vni: vni(number),
        pools: pools(of),
        imports: nets(imports).into_iter().collect(),
    };
    store.set(&Key::Network(net(name)), record.encode());
}

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
fn containers_keep_their_routes_unless_it_is_forced() {
    let mut store = four_pools();
    make(&mut store, new("blue", &["a", "b", "c"]));
    let one = vec![live("10.1.0.2", "c1"), cooling("10.1.0.3")];
    store.block("a", "10.1.0.0/26", Some("n1"), one);
    let six = vec![live("fd03::2", "c1"), live("fd03::3", "c2")];
    store.block("c", "fd03::/122", Some("n2"), six);
    assert_eq!(networks(&store.view())[0].live, 3);

    let remove = |of: &str| NetworkChange {
        remove_pools: pools(&[of]),
        ..NetworkChange::default()
    };
    let why = "addresses of pool c are containers', which would not be reached any more";
    assert_eq!(
        set_refusal(&store, "blue", &remove("c")),
        format!("2 {why}")
    );
    let why = "addresses of network blue are containers', which would not be reached any more";
    let refused = remove_network(&store.view(), &net("blue"), false);
    assert_eq!(refused.unwrap_err().to_string(), format!("3 {why}"));
    // A pool of which nobody has any goes as it is.
    assert!(set(&mut store, "blue", &remove("b"), false));
    assert!(set(&mut store, "blue", &remove("c"), true));
    assert_eq!(record(&store, "blue").pools, pools(&["a"]));
    let txn = remove_network(&store.view(), &net("blue"), true).unwrap();
    assert!(store.commit(&txn));
    let view = store.view();
    assert_eq!((view.networks.len(), view.pools.len()), (0, 4));
}

#[test]
fn a_pool_of_a_network_does_not_retire() {
    let mut store = four_pools();
    make(&mut store, new("blue", &["a", "b"]));
    let retire = |store: &Store| change_pool(&store.view(), &pool_name("a"), &PoolChange::retire());
    assert_eq!(
        retire(&store).unwrap_err().to_string(),
        "pool a is in network blue: take it out first (netctl network set blue --remove-pool a)"
    );
    let remove = NetworkChange {
        remove_pools: pools(&["a"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "blue", &remove, false));
    let plan = retire(&store).unwrap();
    store.commit_all(&plan.txns);
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

#[test]
fn a_network_that_another_imports_stays() {
    let mut store = four_pools();
    make(&mut store, new("shared", &["a"]));
    let mut importer = new("tenant", &["b"]);
    importer.imports = nets(&["shared"]).into_iter().collect();
    make(&mut store, importer);
    for force in [false, true] {
        let refused = remove_network(&store.view(), &net("shared"), force).unwrap_err();
        assert!(
            refused.to_string().contains("imported by tenant"),
            "{refused}"
        );
    }
    let change = NetworkChange {
        unimport: nets(&["shared"]),
        ..NetworkChange::default()
    };
    assert!(set(&mut store, "tenant", &change, false));
    let txn = remove_network(&store.view(), &net("shared"), false).unwrap();
    assert!(store.commit(&txn));
}
