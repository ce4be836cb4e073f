//! Which of several routes is the best, and what is said of the others.

use super::world::*;
use crate::{
    Encap,
    route::{BgpRoute, Gateways, Route, Target},
};

const BLOCK: &str = "10.1.1.0/26";

#[test]
fn a_claim_beats_its_block_wherever_it_is_held() {
    let mut rib = rib(Encap::CrossSubnet);
    rib.handle_all([
        add(block("web", BLOCK, "n1")),
        add(claim("web", "db-0", &["10.1.1.5"], "n2")),
        add(claim("web", "db-1", &["10.1.1.6"], "n0")),
    ]);
    let vxlan = "vxlan id 5000 src 192.0.2.10 dst 198.51.100.12 mtu 1450";
    assert_eq!(way(&rib, "10.1.1.5"), format!("10.1.1.5/32 {vxlan}"));
    assert_eq!(way(&rib, "10.1.1.6"), "10.1.1.6/32 unreachable");
    rib.handle(add(container("a", "c1", &["10.1.1.6"], 1)));
    assert_eq!(way(&rib, "10.1.1.6"), "10.1.1.6/32 dev fwc1");
    assert_eq!(
        lines(&rib, "10.1.1.6"),
        [
            "container a/c1/eth0: best: dev fwc1, since the container is on this node",
            "claim db-1 of pool web: lost (unreachable): local container comes before claim held by this node",
            "block 10.1.1.0/26 of pool web: best: via 192.0.2.11 mtu 1500, since the node is in our subnet 192.0.2.0/24",
        ]
    );
    // Another node won it, and the container here is still ending: it has the address no longer.
    rib.handle(add(claim("web", "db-1", &["10.1.1.6"], "n1")));
    assert_eq!(way(&rib, "10.1.1.6"), "10.1.1.6/32 via 192.0.2.11 mtu 1500");
    assert!(
        lines(&rib, "10.1.1.6")[1]
            .ends_with("lost (dev fwc1): claim held by another node comes before local container")
    );
}

#[test]
fn unused_addresses_of_our_own_block_are_unreachable() {
    let mut rib = rib(Encap::CrossSubnet);
    let c1 = container("a", "c1", &["10.1.1.2", "fd01::2"], 1);
    rib.handle_all([
        add(block("web", BLOCK, "n0")),
        add(block("web", "fd01::/122", "n0")),
        add(c1.clone()),
    ]);
    assert_eq!(way(&rib, "10.1.1.2"), "10.1.1.2/32 dev fwc1");
    assert_eq!(way(&rib, "fd01::2"), "fd01::2/128 dev fwc1");
    assert_eq!(way(&rib, "10.1.1.3"), "10.1.1.0/26 unreachable");
    rib.handle(remove(&c1));
    assert_eq!(way(&rib, "10.1.1.2"), "10.1.1.0/26 unreachable");
    assert_eq!(way(&rib, "fd01::2"), "fd01::/122 unreachable");
}

#[test]
fn of_two_containers_the_later_giving_has_the_address() {
    let mut rib = rib(Encap::CrossSubnet);
    let new = container("a", "a1", &["10.1.1.2"], 7);
    rib.handle_all([
        add(new.clone()),
        add(container("a", "b1", &["10.1.1.2"], 3)),
    ]);
    assert_eq!(way(&rib, "10.1.1.2"), "10.1.1.2/32 dev fwa1");
    let second = &lines(&rib, "10.1.1.2")[1];
    assert!(
        second.ends_with("the address was given anew: number 7 after 3"),
        "{second}"
    );
    rib.handle(remove(&new));
    assert_eq!(way(&rib, "10.1.1.2"), "10.1.1.2/32 dev fwb1");
}

#[test]
fn written_routes_come_before_blocks_and_the_lower_metric_first() {
    let mut rib = rib(Encap::CrossSubnet);
    let to = |text| Target::Gateway(gateway(text));
    rib.handle_all([
        add(block("web", BLOCK, "n1")),
        add(fixed("a", "first", BLOCK, 20, to("192.0.2.1"))),
        add(fixed("a", "second", BLOCK, 10, Target::Blackhole)),
        add(fixed("a", "third", BLOCK, 10, Target::Unreachable)),
        add(bgp("a", "192.0.2.250", BLOCK, (900, 1, 0))),
    ]);
    assert_eq!(
        lines(&rib, "10.1.1.1"),
        [
            "static route second: best: blackhole, since the route says so",
            "static route third: lost (unreachable): equal but for the name",
            "static route first: lost (via 192.0.2.1): metric 20, the best has 10",
            "block 10.1.1.0/26 of pool web: lost (via 192.0.2.11 mtu 1500): static route comes before block",
            "10.1.1.0/26 from BGP peer 192.0.2.250: lost (via 192.0.2.250): static route comes before BGP route",
        ]
    );
}

#[test]
fn a_written_route_leads_to_a_node_as_containers_do() {
    let mut rib = rib(Encap::Never);
    let to = |text: &str| Target::Node {
        node: name(text),
        encap: Encap::CrossSubnet,
    };
    rib.handle(add(fixed("a", "lan", "172.20.0.0/16", 0, to("n2"))));
    assert!(way(&rib, "172.20.1.1").contains("dst 198.51.100.12"));
    rib.handle(add(fixed("a", "lan", "172.20.0.0/16", 0, to("n0"))));
    assert_eq!(way(&rib, "172.20.1.1"), "nothing");
    assert_eq!(
        lines(&rib, "172.20.1.1"),
        ["static route lan: unusable: it leads to this node"]
    );
}

#[test]
fn bgp_goes_by_preference_path_med_and_peer() {
    let mut rib = rib(Encap::CrossSubnet);
    let peers = [
        (
            "192.0.2.205",
            (100, 3, 0),
            "local preference 100, the best has 200",
        ),
        ("192.0.2.204", (200, 3, 0), "AS path of 3, the best has 2"),
        ("192.0.2.203", (200, 2, 20), "MED 20, the best has 10"),
        ("192.0.2.202", (200, 2, 10), "equal but for the name"),
        (
            "192.0.2.201",
            (200, 2, 10),
            "since next hop 192.0.2.201 is reached so",
        ),
    ];
    for (peer, path, _) in peers {
        rib.handle(add(bgp("a", peer, "0.0.0.0/0", path)));
    }
    for ((peer, _, why), line) in peers.iter().rev().zip(lines(&rib, "8.8.8.8")) {
        assert!(line.contains(peer) && line.ends_with(why), "{line}");
    }
}

#[test]
fn a_claim_is_in_one_place_at_a_time() {
    let mut rib = rib(Encap::CrossSubnet);
    rib.handle(add(claim("web", "db-0", &["10.1.1.5", "fd01::5"], "n1")));
    let (reader, _) = rib.subscribe();
    rib.handle(add(claim("web", "db-0", &["10.1.1.5", "fd01::6"], "n2")));
    assert!(way(&rib, "10.1.1.5").contains("dst 198.51.100.12"));
    assert_eq!(way(&rib, "fd01::5"), "nothing");
    assert_eq!(rib.changes(&reader).len(), 3);
    let others = verdicts(&rib, "10.1.1.5");
    assert_eq!(others.len(), 1, "{others:?}");
}

#[test]
fn a_claim_whose_node_is_gone_leaves_the_address_to_its_block() {
    let mut rib = rib(Encap::CrossSubnet);
    rib.handle_all([
        add(block("web", BLOCK, "n0")),
        add(claim("web", "db-0", &["10.1.1.5"], "n1")),
    ]);
    assert_eq!(way(&rib, "10.1.1.5"), "10.1.1.5/32 via 192.0.2.11 mtu 1500");
    rib.handle(crate::Input::NodeLeft(name("n1")));
    assert_eq!(way(&rib, "10.1.1.5"), "10.1.1.0/26 unreachable");
    assert!(lines(&rib, "10.1.1.5")[0].contains("unusable"));
}

#[test]
fn where_the_best_cannot_be_used_the_next_is() {
    let mut rib = rib(Encap::Never);
    rib.handle_all([
        add(block("web", BLOCK, "n2")),
        add(bgp("a", "192.0.2.250", BLOCK, (100, 1, 0))),
    ]);
    assert_eq!(way(&rib, "10.1.1.1"), "10.1.1.0/26 via 192.0.2.250");
    let last = &lines(&rib, "10.1.1.1")[1];
    assert!(
        last.ends_with("node n2 is in another subnet and encap is never"),
        "{last}"
    );
}

#[test]
fn within_a_pool_a_neighbour_counts_only_beside_a_block() {
    let within = |text: &str| {
        let Route::Bgp(route) = bgp("a", "192.0.2.250", text, (900, 1, 0)) else {
            unreachable!("it is one of BGP");
        };
        Route::Bgp(BgpRoute {
            beside: true,
            ..route
        })
    };
    // The node of the block is in another subnet, and nothing is encapsulated.
    let mut rib = rib(Encap::Never);
    let part = within("10.1.1.0/27");
    rib.handle_all([add(within(BLOCK)), add(part.clone())]);
    assert_eq!(way(&rib, "10.1.1.1"), "nothing");
    let lines = lines(&rib, "10.1.1.1");
    assert!(
        lines[0].ends_with("no block or claim of the pool is that prefix"),
        "{lines:?}"
    );
    rib.handle(add(block("web", BLOCK, "n2")));
    assert_eq!(way(&rib, "10.1.1.1"), "10.1.1.0/26 via 192.0.2.250");
    // A node that is beside this one is reached without others.
    rib.handle(add(block("web", BLOCK, "n1")));
    assert_eq!(way(&rib, "10.1.1.1"), "10.1.1.0/26 via 192.0.2.11 mtu 1500");
    rib.handle(remove(&block("web", BLOCK, "n1")));
    assert_eq!(way(&rib, "10.1.1.1"), "nothing");
}

#[test]
fn equal_paths_are_used_beside_each_other() {
    let mut rib = rib(Encap::CrossSubnet);
    let spread = |hops: &[&str]| {
        let Route::Bgp(route) = bgp("a", "192.0.2.250", "203.0.113.0/24", (100, 1, 0)) else {
            unreachable!("it is one of BGP");
        };
        add(Route::Bgp(BgpRoute {
            next_hops: hops.iter().map(|text| ip(text)).collect(),
            gateways: Gateways::new(hops.iter().map(|text| gateway(text))).unwrap(),
            ..route
        }))
    };
    rib.handle(spread(&["192.0.2.9", "192.0.2.8"]));
    let (reader, _) = rib.subscribe();
    assert_eq!(
        lines(&rib, "203.0.113.1"),
        [
            "203.0.113.0/24 from BGP peer 192.0.2.250: best: via 192.0.2.8, 192.0.2.9, since next hops 192.0.2.9 and 192.0.2.8 are reached so"
        ]
    );
    // In another order it is the same way.
    rib.handle(spread(&["192.0.2.8", "192.0.2.9"]));
    assert_eq!(rib.changes(&reader), []);
    rib.handle(spread(&["192.0.2.9"]));
    assert_eq!(way(&rib, "203.0.113.1"), "203.0.113.0/24 via 192.0.2.9");
    assert_eq!(rib.changes(&reader).len(), 1);
}
