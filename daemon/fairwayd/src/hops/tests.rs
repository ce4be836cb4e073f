//! What the kernel's answers mean, on a model of it.

use super::{resolve::resolve, *};
use fairway_fib::names;
use fairway_netlink::{
    AddressSpec, Link, Netlink as _, OperState, Route, RouteKind,
    fake::{self, Recorder},
};
use fairway_rib::route::Gateway;

struct Host {
    kernel: Recorder,
    eth0: u32,
    pools: Vec<Cidr>,
}

fn link(name: &str) -> Link {
    let mut link = Link::new(0, name);
    (link.up, link.oper) = (true, OperState::Up);
    link
}

/// A node of a rack, with 192.0.2.7/24 and fd00:1::7/64.
fn host() -> Host {
    let (mut kernel, _) = fake::namespaces();
    let eth0 = kernel.put_link(link("eth0"));
    for subnet in ["192.0.2.7/24", "fd00:1::7/64"] {
        let spec = AddressSpec::new(subnet.parse().unwrap());
        kernel.add_address(eth0, &spec).unwrap();
    }
    let mut host = Host {
        kernel,
        eth0,
        pools: vec!["10.1.0.0/16".parse().unwrap()],
    };
    for subnet in ["192.0.2.0/24", "fd00:1::/64"] {
        let connected = Route {
            priority: Some(256),
            ..host.route(subnet, None)
        };
        host.kernel.add_route(&connected).unwrap();
    }
    host
}

impl Host {
    fn route(&self, to: &str, via: Option<&str>) -> Route {
        Route {
            oif: Some(self.eth0),
            gateway: via.map(|via| via.parse().unwrap()),
            ..Route::to(to.parse().unwrap())
        }
    }

    fn add(&mut self, to: &str, via: &str) {
        let route = self.route(to, Some(via));
        self.kernel.add_route(&route).unwrap();
    }

    /// Gateways and cost, or why not.
    fn says(&mut self, to: &str) -> String {
        match resolve(&mut self.kernel, &self.pools, to.parse().unwrap()).unwrap() {
            Ok(reached) => {
                let by = reached.by.iter().map(Gateway::to_string);
                format!("{} ({})", by.collect::<Vec<_>>().join(", "), reached.cost)
            }
            Err(unreached) => unreached.to_string(),
        }
    }
}

#[test]
fn what_is_on_the_link_is_its_own_gateway_and_costs_nothing() {
    let mut host = host();
    assert_eq!(host.says("192.0.2.1"), "192.0.2.1 dev eth0 (0)");
    assert_eq!(host.says("fd00:1::1"), "fd00:1::1 dev eth0 (0)");
    assert_eq!(
        host.says("198.51.100.1"),
        "no route of this node leads to it"
    );
}

#[test]
fn what_is_beyond_goes_by_the_longest_route_and_by_the_default_one() {
    let mut host = host();
    host.add("0.0.0.0/0", "192.0.2.1");
    host.add("::/0", "fe80::1");
    assert_eq!(host.says("198.51.100.1"), "192.0.2.1 dev eth0 (1)");
    // A router on the link is often known by nothing else.
    assert_eq!(host.says("fd00:2::1"), "fe80::1 dev eth0 (1)");
    let far = Route {
        priority: Some(20),
        ..host.route("198.51.100.0/24", Some("192.0.2.2"))
    };
    host.kernel.add_route(&far).unwrap();
    assert_eq!(host.says("198.51.100.1"), "192.0.2.2 dev eth0 (20)");
    // Two ways, in whatever order the kernel tells them.
    let other = Route {
        gateway: Some("192.0.2.1".parse().unwrap()),
        ..far
    };
    host.kernel.add_route_ecmp(&other).unwrap();
    let both = "192.0.2.1 dev eth0, 192.0.2.2 dev eth0 (20)";
    assert_eq!(host.says("198.51.100.1"), both);
    // A route of IPv4 by a gateway of IPv6 (RFC 8950).
    host.add("203.0.113.0/24", "fd00:1::1");
    assert_eq!(host.says("203.0.113.9"), "fd00:1::1 dev eth0 (1)");
}

#[test]
fn nothing_leads_by_what_is_ours_or_to_ourselves() {
    let mut host = host();
    assert_eq!(host.says("192.0.2.7"), "it is this node's own address");
    host.add("0.0.0.0/0", "192.0.2.1");
    assert_eq!(
        host.says("10.1.2.3"),
        "it lies in the pool prefix 10.1.0.0/16"
    );
    assert_eq!(
        host.says("fe80::1"),
        "it is link-local, and nobody says of which link"
    );
    let ours = Route {
        protocol: names::PROTOCOL,
        ..host.route("203.0.113.0/24", Some("192.0.2.1"))
    };
    host.kernel.add_route(&ours).unwrap();
    assert_eq!(
        host.says("203.0.113.9"),
        "only fairway's own routes lead to it"
    );
    let nowhere = Route {
        kind: RouteKind::UNREACHABLE,
        ..Route::to("198.51.100.0/24".parse().unwrap())
    };
    host.kernel.add_route(&nowhere).unwrap();
    let refused = "a route of this node says that nothing goes there";
    assert_eq!(host.says("198.51.100.1"), refused);
}

#[test]
fn links_that_carry_nothing_or_lead_to_containers_lead_nowhere() {
    let mut host = host();
    let mut pod = link("fw1");
    pod.alias = Some("fairway:net/c1/eth0".to_owned());
    let mut dead = link("eth1");
    // A pair whose other end is not up.
    dead.peer_index = Some(99);
    for (link, to) in [(pod, "203.0.113.0/25"), (dead, "203.0.113.128/25")] {
        let route = Route {
            oif: Some(host.kernel.put_link(link)),
            ..Route::to(to.parse().unwrap())
        };
        host.kernel.add_route(&route).unwrap();
    }
    let inward = "the route to it goes by fw1, and no router is there";
    assert_eq!(host.says("203.0.113.1"), inward);
    let down = "the route to it goes by eth1, which is down";
    assert_eq!(host.says("203.0.113.129"), down);
    // Of two ways the one that carries something.
    let index = host.kernel.link_by_name("eth1").unwrap().unwrap().index;
    let both = [
        host.route("198.51.100.0/24", Some("192.0.2.1")),
        Route {
            oif: Some(index),
            ..host.route("198.51.100.0/24", Some("192.0.2.2"))
        },
    ];
    both.iter()
        .for_each(|one| host.kernel.add_route_ecmp(one).unwrap());
    assert_eq!(host.says("198.51.100.1"), "192.0.2.1 dev eth0 (1)");
}
