//! A node that never returns.

use crate::{UnixSeconds, admin::*, fixture::*, keys::Key, record::*};

fn cluster() -> Store {
    let mut store = Store::default();
    store.pool("web", &["10.1.0.0/16"]);
    store.node("n1");
    store.node("n2");
    store.block(
        "web",
        "10.1.0.0/26",
        Some("n1"),
        vec![
            live("10.1.0.2", "c1"),
            cooling("10.1.0.3"),
            claimed("10.1.0.4", "u1"),
            claimed("10.1.0.5", "u9"),
        ],
    );
    store.block(
        "web",
        "10.1.0.64/26",
        Some("n2"),
        vec![live("10.1.0.66", "c2"), claimed("10.1.0.67", "u2")],
    );
    store.claim(
        "web",
        "prod/db-0",
        held(claim("u1", "10.1.0.4"), "n1", "c3"),
    );
    let borrowed = Claim {
        kind: Kind::Borrowed,
        ..held(claim("u2", "10.1.0.67"), "n1", "c4")
    };
    store.claim("web", "~borrow/u2", borrowed);
    store.claim(
        "web",
        "prod/db-1",
        held(claim("u3", "10.1.0.68"), "n2", "c5"),
    );
    let want = WantRecord {
        since: UnixSeconds(1),
    };
    let key = Key::Want(pool_name("web"), "n1".parse().unwrap(), crate::Family::V4);
    store.set(&key, want.encode());
    store
}

fn gone(store: &mut Store, node: &str) {
    store.remove(&Key::Node(node.parse().unwrap()));
}

#[test]
fn a_node_that_is_alive_is_not_removed() {
    let mut store = cluster();
    let n1 = "n1".parse().unwrap();
    let error = remove_node(&store.view(), &n1, false, false, at(0)).unwrap_err();
    assert!(
        error.to_string().starts_with("node n1 is alive (since 1)"),
        "{error}"
    );
    let forced = remove_node(&store.view(), &n1, true, false, at(0)).unwrap();
    assert_eq!(forced.summary.blocks, 1);
    let error = remove_node(&store.view(), &"n9".parse().unwrap(), false, false, at(0));
    assert!(matches!(error, Err(AdminError::NoNode { .. })));
    // One that comes back in between stops it.
    gone(&mut store, "n1");
    let plan = remove_node(&store.view(), &n1, false, false, at(0)).unwrap();
    store.node("n1");
    assert!(!store.commit(&plan.txns[0]));
}

#[test]
fn its_blocks_claims_and_wants_are_free() {
    let mut store = cluster();
    gone(&mut store, "n1");
    let n1 = "n1".parse().unwrap();
    let plan = remove_node(&store.view(), &n1, false, false, at(5000)).unwrap();
    let removed = Removed {
        blocks: 1,
        addresses: 1,
        claims: 2,
    };
    assert_eq!(plan.summary, removed);
    store.commit_all(&plan.txns);
    let block = store.block_record("web", "10.1.0.0/26").unwrap();
    assert_eq!((block.owner, block.epoch), (None, 2));
    // A claim stays a claim; one that is gone is not.
    let rest = [
        cooling("10.1.0.2"),
        cooling("10.1.0.3"),
        claimed("10.1.0.4", "u1"),
        cooling("10.1.0.5"),
    ];
    assert_eq!(block.entries, rest);
    let db = store.single("web", "prod/db-0").unwrap();
    assert_eq!((db.holder, db.ended), (None, Some(UnixSeconds(1005))));
    assert_eq!(store.record("web", "~borrow/u2"), None);
    assert!(store.view().wants.is_empty());
    assert!(store.single("web", "prod/db-1").unwrap().holder.is_some());
    let other = store.block_record("web", "10.1.0.64/26").unwrap();
    assert_eq!(
        other.entries.len(),
        2,
        "another's block is its owner's to change"
    );
    let again = remove_node(&store.view(), &n1, false, false, at(5000));
    assert!(matches!(again, Err(AdminError::NoNode { .. })));
}

#[test]
fn claims_alone_can_be_freed() {
    let mut store = cluster();
    gone(&mut store, "n1");
    let n1 = "n1".parse().unwrap();
    let plan = remove_node(&store.view(), &n1, false, true, at(0)).unwrap();
    assert_eq!((plan.summary.blocks, plan.summary.claims), (0, 2));
    store.commit_all(&plan.txns);
    assert!(
        store
            .block_record("web", "10.1.0.0/26")
            .unwrap()
            .owner
            .is_some()
    );
    let again = remove_node(&store.view(), &n1, false, true, at(0)).unwrap();
    assert_eq!(again.summary, Removed::default());
}

#[test]
fn a_large_node_goes_in_steps() {
    let mut store = Store::default();
    store.pool("web", &["10.0.0.0/12"]);
    for index in 0..300u32 {
        let block = cidr("10.0.0.0/12").part(26, index.into()).unwrap();
        let entries = vec![live(&block.nth(5).unwrap().to_string(), "c")];
        store.block("web", &block.to_string(), Some("n1"), entries);
        store.claim(
            "web",
            &format!("prod/db-{index}"),
            held(claim(&format!("u{index}"), "10.15.0.1"), "n1", "c"),
        );
    }
    let plan = remove_node(&store.view(), &"n1".parse().unwrap(), false, false, at(0)).unwrap();
    assert_eq!((plan.summary.blocks, plan.summary.claims), (300, 300));
    assert!(plan.txns.len() >= 6);
    store.commit_all(&plan.txns);
    assert!(nodes(&store.view()).is_empty());
}

#[test]
fn large_records_make_small_transactions() {
    let mut store = Store::default();
    store.pool("web", &["10.0.0.0/12"]);
    let long = "x".repeat(4000);
    for index in 0..40u32 {
        let block = cidr("10.0.0.0/12").part(26, index.into()).unwrap();
        let entries = (2..12).map(|n| live(&block.nth(n).unwrap().to_string(), &long));
        store.block("web", &block.to_string(), Some("n1"), entries.collect());
    }
    // They rest now, and their names are gone: small. Before, each had 40 kB.
    let plan = remove_node(&store.view(), &"n1".parse().unwrap(), false, false, at(0)).unwrap();
    assert_eq!(plan.txns.len(), 1);
    store.claim(
        "web",
        "big",
        Claim {
            parts: vec![],
            ..claim("u", "10.0.0.1")
        },
    );
    let mut many = Store::default();
    many.pool("web", &["10.0.0.0/12"]);
    for index in 0..40u32 {
        let reason = "x".repeat(40_000);
        let part = Part::Refused {
            block: cidr("10.0.0.0/26"),
            ip: None,
            reason,
        };
        let big = Claim {
            parts: vec![part],
            ..held(claim(&format!("u{index}"), "10.0.0.1"), "n1", "c")
        };
        many.claim("web", &format!("c{index}"), big);
    }
    let plan = remove_node(&many.view(), &"n1".parse().unwrap(), false, false, at(0)).unwrap();
    assert!(plan.txns.len() >= 3, "{}", plan.txns.len());
    many.commit_all(&plan.txns);
}

#[test]
fn lists_show_what_there_is() {
    let mut store = cluster();
    gone(&mut store, "n1");
    let view = store.view();
    let row = pool(&view, &pool_name("web")).unwrap();
    let tally = row.tally;
    assert_eq!((tally.allocated, tally.live, tally.claimed), (6, 4, 0));
    assert_eq!(
        (tally.cooling, tally.orphaned, tally.owned, tally.blocks),
        (1, 1, 2, 2)
    );
    assert_eq!(row.size, 65533);
    assert_eq!(pools(&view), [row]);
    let rows = nodes(&view);
    let of = |node: &str| &rows[&node.parse().unwrap()];
    assert!(!of("n1").alive && of("n2").alive);
    assert_eq!((of("n1").blocks, of("n1").live, of("n1").claims), (1, 3, 2));
    let filter = AddressFilter {
        node: Some("n1".parse().unwrap()),
        ..AddressFilter::default()
    };
    let rows = addresses(&view, &filter);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.ip.to_string(), row.state))
        .collect();
    let expected = [
        ("10.1.0.2", "live"),
        ("10.1.0.3", "cooling"),
        ("10.1.0.4", "live"),
        ("10.1.0.5", "claimed"),
        ("10.1.0.67", "live"),
    ];
    assert_eq!(shown, expected.map(|(ip, state)| (ip.to_owned(), state)));
    assert_eq!(rows[2].claim, Some(claim_name("prod/db-0")));
    assert_eq!(rows[2].attachment, Some(attachment("c3")));
    let filter = AddressFilter {
        address: Some(ip("10.1.0.66")),
        pool: Some(pool_name("web")),
        node: None,
    };
    assert_eq!(addresses(&view, &filter).len(), 1);
    assert_eq!(claims(&view, None, None).len(), 3);
    assert_eq!(claims(&view, Some(&pool_name("db")), None).len(), 0);
}

#[test]
fn what_is_kept_for_it_is_anybodys() {
    let mut store = cluster();
    let kept = |claim: Claim| Claim {
        only: Some("n1".parse().unwrap()),
        ..claim
    };
    let (here, free) = (claim("u4", "10.1.0.5"), claim("u5", "10.1.0.6"));
    store.claim("web", "prod/db-4", kept(held(here, "n1", "c6")));
    store.claim("web", "prod/db-5", kept(free));
    let there = held(claim("u6", "10.1.0.7"), "n2", "c7");
    store.claim("web", "prod/db-6", kept(there));
    gone(&mut store, "n1");
    let n1 = "n1".parse().unwrap();
    let plan = remove_node(&store.view(), &n1, false, true, at(0)).unwrap();
    assert_eq!(plan.summary.claims, 5);
    store.commit_all(&plan.txns);
    let single = |name: &str| store.single("web", name).unwrap();
    for name in ["prod/db-4", "prod/db-5", "prod/db-6"] {
        assert_eq!(single(name).only, None, "{name}");
    }
    assert_eq!(single("prod/db-4").holder, None);
    assert!(single("prod/db-6").holder.is_some(), "another node has it");
}

#[test]
fn a_node_is_drained_and_takes_containers_again() {
    let mut store = cluster();
    let node = NodeName::new("n1").unwrap();
    let drained = |store: &Store| nodes(&store.view())[&node].drained;
    assert!(!drained(&store));
    let txn = drain_node(&store.view(), &node, UnixSeconds(7)).unwrap();
    assert!(store.commit(&txn.unwrap()));
    assert!(drained(&store));
    assert_eq!(drain_node(&store.view(), &node, UnixSeconds(9)), Ok(None));
    let txn = undrain_node(&store.view(), &node).unwrap();
    assert!(store.commit(&txn.unwrap()));
    assert!(!drained(&store));
    assert_eq!(undrain_node(&store.view(), &node), Ok(None));
    let nobody = NodeName::new("n9").unwrap();
    for refused in [
        drain_node(&store.view(), &nobody, UnixSeconds(7)),
        undrain_node(&store.view(), &nobody),
    ] {
        assert_eq!(
            refused.unwrap_err(),
            AdminError::NoNode {
                node: nobody.clone()
            }
        );
    }
}
