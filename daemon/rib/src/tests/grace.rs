//! Nodes that go and come.

use super::world::*;
use crate::{Change, Encap, Input, Problem, Rib};
use fairway_ipam::Millis;

const DIRECT: &str = "10.1.1.0/26 via 192.0.2.11 mtu 1500";

fn lost(node: &str, now: u64) -> Input {
    Input::NodeLost {
        node: name(node),
        now: Millis(now),
    }
}

fn with_block() -> Rib {
    let mut rib = rib(Encap::CrossSubnet);
    rib.handle(Input::Tick(Millis(1_000)));
    rib.handle(add(block("web", "10.1.1.0/26", "n1")));
    rib
}

#[test]
fn a_crashed_node_keeps_its_routes_through_the_grace_period() {
    let mut rib = with_block();
    let (reader, _) = rib.subscribe();
    rib.handle(lost("n1", 5_000));
    assert_eq!(rib.deadline(), Some(Millis(5_000 + GRACE)));
    rib.handle(Input::Tick(Millis(5_000 + GRACE - 1)));
    assert_eq!(rib.changes(&reader), []);
    assert_eq!(way(&rib, "10.1.1.1"), DIRECT);
    rib.handle(Input::Tick(Millis(5_000 + GRACE)));
    let gone = Change::Remove {
        vni: vni(5000),
        prefix: prefix("10.1.1.0/26"),
    };
    assert_eq!(rib.changes(&reader), [gone]);
    assert_eq!(rib.deadline(), None);
    assert_eq!(
        lines(&rib, "10.1.1.1"),
        [
            "block 10.1.1.0/26 of pool web: unusable: node n1 is gone for longer than the grace period"
        ]
    );
    // Back after that.
    rib.handle(node("n1", 1500, &["192.0.2.11/24"]));
    assert_eq!(way(&rib, "10.1.1.1"), DIRECT);
}

#[test]
fn a_node_that_is_back_in_time_changes_nothing() {
    let mut rib = with_block();
    let (reader, _) = rib.subscribe();
    rib.handle(lost("n1", 5_000));
    // Losing it again does not prolong it, nor does a clock that goes back.
    rib.handle(lost("n1", 9_000));
    rib.handle(Input::Tick(Millis(2_000)));
    assert_eq!(rib.deadline(), Some(Millis(5_000 + GRACE)));
    rib.handle(node("n1", 1500, &["192.0.2.11/24"]));
    assert_eq!(rib.deadline(), None);
    rib.handle(Input::Tick(Millis(10 * GRACE)));
    assert_eq!(rib.changes(&reader), []);
    assert_eq!(way(&rib, "10.1.1.1"), DIRECT);
    // And the next crash has a whole period of its own.
    rib.handle(lost("n1", 10 * GRACE));
    assert_eq!(rib.deadline(), Some(Millis(11 * GRACE)));
}

#[test]
fn a_clock_that_goes_back_shortens_nothing() {
    let mut rib = with_block();
    rib.handle_all([Input::Tick(Millis(50_000)), Input::Tick(Millis(1_000))]);
    rib.handle(lost("n1", 0));
    assert_eq!(rib.deadline(), Some(Millis(50_000 + GRACE)));
}

#[test]
fn a_node_that_comes_back_elsewhere_changes_only_its_own() {
    let mut rib = with_block();
    rib.handle(add(block("web", "10.1.2.0/26", "n2")));
    let (reader, _) = rib.subscribe();
    rib.handle_all([lost("n1", 5_000), node("n1", 1500, &["198.51.100.99/24"])]);
    let changes = rib.changes(&reader);
    let [Change::Upsert(entry)] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert_eq!(entry.prefix, prefix("10.1.1.0/26"));
    assert!(way(&rib, "10.1.1.1").contains("dst 198.51.100.99"));
}

#[test]
fn a_node_that_leaves_has_no_grace() {
    let mut rib = with_block();
    rib.handle(Input::NodeLeft(name("n1")));
    assert_eq!(way(&rib, "10.1.1.1"), "nothing");
    assert_eq!(rib.deadline(), None);
}

#[test]
fn of_a_node_never_heard_of_the_kernels_route_is_held() {
    let mut rib = with_block();
    let route = block("web", "10.1.9.0/26", "n9");
    rib.handle(add(route.clone()));
    assert_eq!(way(&rib, "10.1.9.1"), "10.1.9.0/26 as it is");
    let waiting = Problem::RoutesWithoutNode {
        node: name("n9"),
        routes: 1,
    };
    assert_eq!(rib.problems(), [waiting]);
    // A changed route is no new grace period.
    rib.handle(Input::Tick(Millis(2_000)));
    rib.handle(remove(&block("web", "10.1.9.0/26", "n9")));
    assert_eq!(rib.deadline(), None);
    rib.handle(add(route));
    assert_eq!(rib.deadline(), Some(Millis(2_000 + GRACE)));
    rib.handle(Input::Tick(Millis(2_000 + GRACE)));
    assert_eq!(way(&rib, "10.1.9.1"), "nothing");
    rib.handle(node("n9", 1500, &["192.0.2.19/24"]));
    assert_eq!(way(&rib, "10.1.9.1"), "10.1.9.0/26 via 192.0.2.19 mtu 1500");
    assert_eq!(rib.problems(), []);
}

#[test]
fn this_node_does_not_lose_itself() {
    let mut rib = with_block();
    let (reader, _) = rib.subscribe();
    rib.handle_all([
        lost("n0", 5_000),
        Input::NodeLeft(name("n0")),
        Input::Tick(Millis(10 * GRACE)),
    ]);
    assert_eq!(rib.changes(&reader), []);
}

#[test]
fn while_our_own_underlay_is_unknown_everything_is_held() {
    let mut rib = Rib::new(name("n0"), GRACE);
    rib.handle_all([
        network("a", 5000, 1, &[]),
        pool("web", "a", Encap::CrossSubnet),
        node("n1", 1500, &["192.0.2.11/24"]),
        add(block("web", "10.1.0.0/26", "n0")),
        add(block("web", "10.1.1.0/26", "n1")),
        add(container("a", "c1", &["10.1.0.1"], 1)),
        Input::Tick(Millis(10 * GRACE)),
    ]);
    assert_eq!(way(&rib, "10.1.0.1"), "10.1.0.1/32 dev fwc1");
    assert_eq!(way(&rib, "10.1.1.1"), "10.1.1.0/26 as it is");
    rib.handle(node("n0", 1500, &["192.0.2.10/24"]));
    assert_eq!(way(&rib, "10.1.1.1"), DIRECT);
}

#[test]
fn without_grace_a_lost_node_is_gone_at_once() {
    let mut rib = Rib::new(name("n0"), 0);
    rib.handle_all([
        node("n0", 1500, &["192.0.2.10/24"]),
        node("n1", 1500, &["192.0.2.11/24"]),
        network("a", 5000, 1, &[]),
        pool("web", "a", Encap::CrossSubnet),
        add(block("web", "10.1.1.0/26", "n1")),
    ]);
    assert_eq!(way(&rib, "10.1.1.1"), DIRECT);
    rib.handle(lost("n1", 1));
    assert_eq!(way(&rib, "10.1.1.1"), "nothing");
}
