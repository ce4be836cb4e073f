//! Kept: what containers or other networks need does not go.

use super::{four_pools, make, net, nets, new, pools, record, set, set_refusal};
use crate::{PoolChange, admin::*, fixture::*};

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
