//! Tenants: tables apart, imports, VNIs that two want.

use super::world::*;
use crate::{Change, Encap, ExplainError, Input, Problem, Rib, route::Target};

/// Networks a (5000) and b (6000) with the same addresses in each.
fn two() -> Rib {
    let mut rib = rib(Encap::Always);
    rib.handle_all([
        network("b", 6000, 2, &[]),
        pool("shop", "b", Encap::Always),
        add(block("web", "10.1.1.0/26", "n1")),
        add(block("shop", "10.1.1.0/26", "n2")),
        add(block("shop", "10.2.0.0/26", "n2")),
        add(container("b", "c1", &["10.2.0.70"], 1)),
        add(fixed(
            "b",
            "out",
            "0.0.0.0/0",
            0,
            Target::Gateway(gateway("192.0.2.1")),
        )),
    ]);
    rib
}

#[test]
fn networks_do_not_see_each_other() {
    let rib = two();
    assert!(way_in(&rib, "a", "10.1.1.1").contains("id 5000 src 192.0.2.10 dst 192.0.2.11"));
    assert!(way_in(&rib, "b", "10.1.1.1").contains("id 6000 src 192.0.2.10 dst 198.51.100.12"));
    assert_eq!(way_in(&rib, "a", "10.2.0.1"), "nothing");
    assert_eq!(way_in(&rib, "a", "10.2.0.70"), "nothing");
}

#[test]
fn what_is_imported_are_containers_and_own_routes_come_first() {
    let mut rib = two();
    let (reader, _) = rib.subscribe();
    rib.handle(network("a", 5000, 1, &["b"]));
    assert_eq!(rib.changes(&reader).len(), 2);
    // With the VNI of the network that they are in.
    assert!(way_in(&rib, "a", "10.2.0.1").contains("id 6000"));
    assert_eq!(way_in(&rib, "a", "10.2.0.70"), "10.2.0.70/32 dev fwc1");
    assert!(way_in(&rib, "a", "10.1.1.1").contains("id 5000"));
    assert_eq!(way_in(&rib, "a", "8.8.8.8"), "nothing");
    let line = &lines(&rib, "10.1.1.1")[1];
    assert!(
        line.ends_with("imported, and the network has a route of its own"),
        "{line}"
    );
    // Changes in b are followed in a.
    rib.handle(add(block("shop", "10.2.0.0/26", "n1")));
    assert!(way_in(&rib, "a", "10.2.0.1").contains("dst 192.0.2.11"));
    rib.handle(network("b", 6001, 2, &[]));
    assert!(way_in(&rib, "a", "10.2.0.1").contains("id 6001"));
    rib.handle(Input::NetworkGone(net("b")));
    assert_eq!(way_in(&rib, "a", "10.2.0.1"), "nothing");
    rib.handle(network("b", 6000, 2, &[]));
    rib.handle(network("a", 5000, 1, &[]));
    assert_eq!(way_in(&rib, "a", "10.2.0.1"), "nothing");
}

#[test]
fn a_vni_stays_with_the_network_that_was_made_first() {
    let mut rib = two();
    let (reader, _) = rib.subscribe();
    // An earlier name, made later.
    rib.handle_all([
        network("0late", 5000, 9, &[]),
        add(fixed("0late", "x", "10.9.0.0/16", 0, Target::Unreachable)),
    ]);
    assert_eq!(rib.changes(&reader), []);
    let taken = Problem::VniTaken {
        network: net("0late"),
        vni: vni(5000),
        by: net("a"),
    };
    assert_eq!(rib.problems(), [taken]);
    let error = rib.explain(&net("0late"), ip("10.9.0.1")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "network: 0late has no routes, since its VNI 5000 is a's"
    );
    // It is let go, and the other has it; nothing of the first stays.
    rib.handle(network("a", 5001, 1, &[]));
    assert_eq!(way_in(&rib, "0late", "10.9.0.1"), "10.9.0.0/16 unreachable");
    assert_eq!(way_in(&rib, "0late", "10.1.1.1"), "nothing");
    assert!(way_in(&rib, "a", "10.1.1.1").contains("id 5001"));
    let changes = rib.changes(&reader);
    let gone = Change::Remove {
        vni: vni(5000),
        prefix: prefix("10.1.1.0/26"),
    };
    assert!(changes.len() == 3 && changes[2] == gone, "{changes:?}");
    rib.handle(Input::NetworkGone(net("a")));
    let error = rib.explain(&net("a"), ip("10.1.1.1")).unwrap_err();
    assert_eq!(error, ExplainError::NoNetwork { network: net("a") });
}

#[test]
fn what_waits_is_told() {
    let mut rib = Rib::new(name("n0"), GRACE);
    rib.handle_all([
        add(block("web", "10.1.1.0/26", "n0")),
        add(container("b", "c1", &["10.2.0.1"], 1)),
        network("c", 7000, 1, &["d"]),
    ]);
    let told = |rib: &Rib| {
        let problems = rib.problems().into_iter();
        problems
            .map(|problem| problem.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&rib),
        [
            "network c imports network d, which is not there",
            "1 blocks and claims are of pool web, which is in no network",
            "1 prefixes are of network b, which is not there",
        ]
    );
    rib.handle_all([pool("web", "d", Encap::Always), network("b", 2, 1, &[])]);
    assert_eq!(
        told(&rib),
        [
            "network c imports network d, which is not there",
            "pool web is in network d, which is not there",
            "1 prefixes are of network d, which is not there",
        ]
    );
    rib.handle(network("d", 3, 1, &[]));
    assert_eq!(told(&rib), [""; 0]);
    assert_eq!(way_in(&rib, "c", "10.1.1.1"), "10.1.1.0/26 unreachable");
    rib.handle(Input::PoolGone(pool_name("web")));
    assert_eq!(way_in(&rib, "d", "10.1.1.1"), "nothing");
}

#[test]
fn a_pool_that_moves_takes_its_routes_along() {
    let mut rib = two();
    rib.handle(Input::Withdraw(block("shop", "10.1.1.0/26", "n2").key()));
    rib.handle(pool("web", "b", Encap::CrossSubnet));
    assert_eq!(way_in(&rib, "a", "10.1.1.1"), "nothing");
    let direct = "10.1.1.0/26 via 192.0.2.11 mtu 1500";
    assert_eq!(way_in(&rib, "b", "10.1.1.1"), direct);
}
