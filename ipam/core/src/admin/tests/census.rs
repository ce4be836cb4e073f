//! What metrics count is what lists show.

use crate::{Family, admin::*, fixture::*, keys::Key};

fn cluster() -> Store {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/24", "fd00::/120"]);
    store.pool("db", &["10.2.0.0/24"]);
    store.node("n1");
    store.node("n2");
    let entries = vec![
        live("10.1.0.2", "c1"),
        cooling("10.1.0.3"),
        claimed("10.1.0.4", "u1"),
    ];
    store.block("web", "10.1.0.0/26", Some("n1"), entries);
    let entries = vec![
        live("10.1.0.66", "c2"),
        claimed("10.1.0.67", "u2"),
        claimed("10.1.0.68", "u9"),
    ];
    store.block("web", "10.1.0.64/26", Some("n2"), entries);
    store.block("web", "10.1.0.128/26", None, vec![cooling("10.1.0.129")]);
    store.block(
        "web",
        "fd00::40/122",
        Some("n1"),
        vec![live("fd00::41", "c1")],
    );
    store.claim(
        "web",
        "prod/db-0",
        held(claim("u1", "10.1.0.4"), "n1", "c3"),
    );
    store.claim("web", "prod/db-1", claim("u2", "10.1.0.67"));
    store
}

#[test]
fn each_address_and_block_is_counted_once() {
    let mut store = cluster();
    let me = "n1".parse().unwrap();
    let census = census(&store.view(), &me);
    let v4 = census.pools[&(pool_name("web"), Family::V4)];
    // The network's own, the broadcast address and the gateway are nobody's.
    assert_eq!(
        (v4.size, v4.live, v4.claimed, v4.cooling, v4.orphaned),
        (253, 3, 1, 2, 1)
    );
    assert_eq!(v4.free(), 253 - 7);
    assert_eq!(
        (v4.blocks, v4.owned, v4.away, v4.here, v4.unowned()),
        (4, 2, 0, 1, 2)
    );
    let v6 = census.pools[&(pool_name("web"), Family::V6)];
    assert_eq!((v6.live, v6.blocks, v6.owned, v6.here), (1, 4, 1, 1));
    let empty = census.pools[&(pool_name("db"), Family::V4)];
    assert_eq!((empty.size, empty.free(), empty.unowned()), (253, 253, 4));
    assert_eq!(census.claims[&pool_name("web")], [1, 1]);
    assert_eq!((census.alive, census.away, census.unreadable), (2, 0, 0));

    store.remove(&Key::Node("n2".parse().unwrap()));
    let census = super::super::census(&store.view(), &me);
    let v4 = census.pools[&(pool_name("web"), Family::V4)];
    assert_eq!((v4.owned, v4.away, v4.unowned()), (1, 1, 2));
    assert_eq!((census.alive, census.away), (1, 1));
}

#[test]
fn lists_and_metrics_agree() {
    let store = cluster();
    let view = store.view();
    let census = census(&view, &"n1".parse().unwrap());
    for row in pools(&view) {
        let families = census
            .pools
            .iter()
            .filter(|((name, _), _)| *name == row.pool.name);
        let families: Vec<_> = families.map(|(_, counted)| *counted).collect();
        let sum = |of: fn(&PoolCensus) -> u64| families.iter().map(of).sum::<u64>();
        assert_eq!(
            families.iter().map(|family| family.size).sum::<u128>(),
            row.size
        );
        assert_eq!(sum(|family| family.live), row.tally.live);
        assert_eq!(sum(|family| family.claimed), row.tally.claimed);
        assert_eq!(sum(|family| family.cooling), row.tally.cooling);
        assert_eq!(sum(|family| family.orphaned), row.tally.orphaned);
        assert_eq!(sum(|family| family.owned + family.away), row.tally.owned);
    }
}
