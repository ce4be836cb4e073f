//! Directly, encapsulated or not at all.

use super::world::*;
use crate::{Encap, Input, Rib};

/// The way from a node with `ours` to one with `theirs`, to an address of each family.
fn ways(encap: Encap, ours: &[&str], theirs: &[&str]) -> [String; 2] {
    let mut rib = Rib::new(name("n0"), GRACE);
    rib.handle_all([
        node("n0", 1500, ours),
        node("n1", 9000, theirs),
        network("a", 5000, 1, &[]),
        pool("web", "a", encap),
        add(block("web", "10.1.1.0/26", "n1")),
        add(block("web", "fd01::/122", "n1")),
    ]);
    let way = |address| {
        let way = way(&rib, address);
        way.split_once(' ')
            .map_or(way.clone(), |(_, way)| way.to_owned())
    };
    [way("10.1.1.1"), way("fd01::1")]
}

const V4: &str = "vxlan id 5000 src 192.0.2.10 dst 198.51.100.11 mtu 1450";
const V6: &str = "vxlan id 5000 src fd00:a::10 dst fd00:b::11 mtu 1430";

#[test]
fn neighbours_are_gateways_unless_all_is_encapsulated() {
    let ours = ["192.0.2.10/24"];
    let theirs = ["192.0.2.11/24"];
    let direct = "via 192.0.2.11 mtu 1500";
    let vxlan = "vxlan id 5000 src 192.0.2.10 dst 192.0.2.11 mtu 1450";
    // IPv6 has no gateway of IPv4.
    assert_eq!(ways(Encap::CrossSubnet, &ours, &theirs), [direct, vxlan]);
    assert_eq!(ways(Encap::Never, &ours, &theirs), [direct, "nothing"]);
    assert_eq!(ways(Encap::Always, &ours, &theirs), [vxlan; 2]);
}

#[test]
fn other_subnets_are_encapsulated_unless_nothing_is() {
    let ours = ["192.0.2.10/24"];
    let theirs = ["198.51.100.11/24"];
    assert_eq!(ways(Encap::CrossSubnet, &ours, &theirs), [V4; 2]);
    assert_eq!(ways(Encap::Always, &ours, &theirs), [V4; 2]);
    assert_eq!(ways(Encap::Never, &ours, &theirs), ["nothing"; 2]);
}

#[test]
fn an_ipv6_underlay_carries_both() {
    let ours = ["fd00:a::10/64"];
    assert_eq!(ways(Encap::CrossSubnet, &ours, &["fd00:b::11/64"]), [V6; 2]);
    let direct = "via fd00:a::11 mtu 1500";
    assert_eq!(
        ways(Encap::CrossSubnet, &ours, &["fd00:a::11/64"]),
        [direct; 2]
    );
}

#[test]
fn of_two_families_the_packets_own_is_direct_and_the_shorter_header_encapsulated() {
    let ours = ["192.0.2.10/24", "fd00:a::10/64"];
    let near = ["192.0.2.11/24", "fd00:a::11/64"];
    let direct = ["via 192.0.2.11 mtu 1500", "via fd00:a::11 mtu 1500"];
    assert_eq!(ways(Encap::CrossSubnet, &ours, &near), direct);
    let far = ["198.51.100.11/24", "fd00:b::11/64"];
    assert_eq!(ways(Encap::CrossSubnet, &ours, &far), [V4; 2]);
    // Neighbours by IPv6 only: still neighbours.
    let half = ["198.51.100.11/24", "fd00:a::11/64"];
    assert_eq!(
        ways(Encap::Never, &ours, &half),
        ["via fd00:a::11 mtu 1500"; 2]
    );
    assert_eq!(ways(Encap::Always, &ours, &["fd00:b::11/64"]), [V6; 2]);
}

#[test]
fn without_a_common_family_there_is_no_way() {
    let [v4, v6] = ways(Encap::Always, &["192.0.2.10/24"], &["fd00:b::11/64"]);
    assert_eq!([v4, v6], ["nothing"; 2]);
}

#[test]
fn a_cloud_address_without_neighbours_is_encapsulated() {
    let [v4, _] = ways(Encap::CrossSubnet, &["192.0.2.10/32"], &["192.0.2.11/32"]);
    assert_eq!(v4, "vxlan id 5000 src 192.0.2.10 dst 192.0.2.11 mtu 1450");
}

#[test]
fn too_small_an_mtu_is_told_and_not_used() {
    let mut rib = rib(Encap::Always);
    rib.handle_all([
        node("n2", 1300, &["198.51.100.12/24"]),
        add(block("web", "10.1.1.0/26", "n2")),
        add(block("web", "fd01::/122", "n2")),
    ]);
    let v4 = "10.1.1.0/26 vxlan id 5000 src 192.0.2.10 dst 198.51.100.12 mtu 1250";
    assert_eq!(way(&rib, "10.1.1.1"), v4);
    assert_eq!(way(&rib, "fd01::1"), "nothing");
    assert_eq!(
        lines(&rib, "fd01::1"),
        [
            "block fd01::/122 of pool web: unusable: mtu 1300 to node n2 less 50 bytes of headers is below the 1280 that are needed"
        ]
    );
    // The smaller of both ends counts, and a change is followed.
    rib.handle(node("n2", 9000, &["198.51.100.12/24"]));
    assert!(way(&rib, "fd01::1").ends_with("mtu 1450"));
    rib.handle(node("n0", 1400, &["192.0.2.10/24"]));
    assert!(way(&rib, "fd01::1").ends_with("mtu 1350"));
}

#[test]
fn a_node_at_our_own_address_is_not_sent_to() {
    let mut rib = rib(Encap::Always);
    rib.handle_all([
        node("n1", 1500, &["192.0.2.10/24"]),
        add(block("web", "10.1.1.0/26", "n1")),
    ]);
    for encap in [Encap::Always, Encap::CrossSubnet, Encap::Never] {
        rib.handle(pool("web", "a", encap));
        assert_eq!(way(&rib, "10.1.1.1"), "nothing");
    }
}

#[test]
fn another_vtep_than_the_address_is_used() {
    let mut rib = rib(Encap::Always);
    let Input::Node(n1) = node("n1", 1500, &["192.0.2.11/24"]) else {
        unreachable!()
    };
    let underlay = n1.underlay(fairway_ipam::Family::V4).unwrap();
    let underlay = underlay.with_vtep(ip("203.0.113.1")).unwrap();
    let n1 = crate::Node::new(name("n1"), n1.mtu(), [underlay]).unwrap();
    rib.handle_all([Input::Node(n1), add(block("web", "10.1.1.0/26", "n1"))]);
    assert!(way(&rib, "10.1.1.1").contains("dst 203.0.113.1"));
    rib.handle(pool("web", "a", Encap::CrossSubnet));
    assert_eq!(way(&rib, "10.1.1.1"), "10.1.1.0/26 via 192.0.2.11 mtu 1500");
}
