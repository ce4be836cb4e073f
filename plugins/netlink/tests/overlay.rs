//! Two nodes joined by an underlay, a container on each: they reach each other
//! by nothing but routes, one external device and one neighbour for each family.
//!
//! ```text
//! container 1 ── node 1 ══ underlay ══ node 2 ── container 2
//! 10.1.1.1       192.0.2.1            192.0.2.2  10.1.2.1
//! fd01:1::1      fd00::1              fd00::2    fd01:2::1
//! ```
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use common::{in_new_netns, new_netns, run};
use fairway_netlink::{
    Encap, Handle, MacAddr, NeighbourSpec, NeighbourState, NetNs, Netlink, Nexthop, Route,
    RouteChange, Tunnel, TunnelEnds, TunnelFlags, VethPeer, VethSpec, VxlanSpec, retry, sysctl,
};

const OURS: u8 = 77;
const VNI: u64 = 4096;

struct Node {
    number: u8,
    netns: NetNs,
    container: NetNs,
    handle: Handle,
    vx: u32,
}

impl Node {
    fn mac(number: u8) -> MacAddr {
        MacAddr([2, 0xfa, 0, 0, 0, number])
    }

    /// A node with a container, not joined to another yet.
    fn new(number: u8, udp6_zero_csum_rx: bool) -> Self {
        let (netns, container) = (new_netns(), new_netns());
        let mut handle = Handle::open_in(&netns).unwrap();
        let pair = VethSpec {
            name: "pod".into(),
            up: true,
            peer: VethPeer {
                name: "eth0".into(),
                netns: Some(container.as_fd()),
                ..VethPeer::default()
            },
            ..VethSpec::default()
        };
        handle.create_veth(&pair).unwrap();
        let in_node = || {
            run("ip link set lo up");
            sysctl::write("net/ipv4/ip_forward", "1").unwrap();
            sysctl::write("net/ipv6/conf/all/forwarding", "1").unwrap();
            run("ip address add 169.254.1.1/32 dev pod");
            run("ip address add fe80::1/64 dev pod nodad");
            run(&format!("ip route add 10.1.{number}.1/32 dev pod"));
            run(&format!("ip -6 route add fd01:{number}::1/128 dev pod"));
        };
        netns.run(in_node).unwrap();
        let in_container = || {
            run("ip link set lo up");
            run("ip link set eth0 up");
            run(&format!("ip address add 10.1.{number}.1/32 dev eth0"));
            run(&format!(
                "ip address add fd01:{number}::1/128 dev eth0 nodad"
            ));
            run("ip route add default via 169.254.1.1 dev eth0 onlink");
            run("ip -6 route add default via fe80::1 dev eth0");
        };
        container.run(in_container).unwrap();
        let spec = VxlanSpec {
            mac: Some(Self::mac(number)),
            mtu: Some(1430),
            alias: "fairway".into(),
            udp6_zero_csum_rx,
            up: true,
            ..VxlanSpec::new("fairway.vx")
        };
        let vx = handle.create_vxlan(&spec).unwrap().index;
        Self {
            number,
            netns,
            container,
            handle,
            vx,
        }
    }

    fn join(&self, other: &Self) {
        let mut handle = Handle::open_in(&self.netns).unwrap();
        let pair = VethSpec {
            name: "under".into(),
            peer: VethPeer {
                name: "under".into(),
                netns: Some(other.netns.as_fd()),
                ..VethPeer::default()
            },
            ..VethSpec::default()
        };
        handle.create_veth(&pair).unwrap();
        for node in [self, other] {
            let up = || {
                let number = node.number;
                run(&format!("ip address add 192.0.2.{number}/24 dev under"));
                run(&format!("ip address add fd00::{number}/64 dev under nodad"));
                run("ip link set under up");
            };
            node.netns.run(up).unwrap();
        }
    }

    fn ends(&self, other: u8, over_v6: bool) -> TunnelEnds {
        let underlay = |number| match over_v6 {
            true => format!("fd00::{number}").parse().unwrap(),
            false => format!("192.0.2.{number}").parse().unwrap(),
        };
        TunnelEnds::new(underlay(self.number), underlay(other)).unwrap()
    }

    /// Routes to the other's container over IPv4 or IPv6, in place of others.
    fn route(&mut self, other: u8, over_v6: bool, flags: TunnelFlags) {
        let ends = self.ends(other, over_v6);
        let tunnel = Tunnel {
            flags,
            ..Tunnel::new(VNI, ends)
        };
        let inner = [
            (format!("10.1.{other}.0/26"), "169.254.2.1"),
            (format!("fd01:{other}::/122"), "fe80::fa"),
        ];
        let changes = inner.clone().map(|(dst, via)| {
            RouteChange::Replace(Route {
                gateway: via.parse().ok(),
                oif: Some(self.vx),
                priority: Some(100),
                protocol: OURS,
                onlink: true,
                encap: Some(Encap::Tunnel(tunnel)),
                ..Route::to(dst.parse().unwrap())
            })
        });
        for result in self.handle.change_routes(&changes).unwrap() {
            result.unwrap();
        }
        for (_, via) in inner {
            let neighbour = NeighbourSpec {
                index: self.vx,
                ip: via.parse().unwrap(),
                // A frame for another address than its own would be dropped.
                mac: Self::mac(other),
                protocol: OURS,
            };
            self.handle.replace_neighbour(&neighbour).unwrap();
        }
    }

    /// The same by one next hop for both inner families.
    fn route_by_nexthop(&mut self, other: u8, over_v6: bool) {
        let ends = self.ends(other, over_v6);
        let hop = Nexthop {
            id: 7000 + u32::from(other),
            gateway: "fe80::fa".parse().unwrap(),
            oif: self.vx,
            protocol: OURS,
            onlink: true,
            encap: Some(Encap::Tunnel(Tunnel::new(VNI, ends))),
        };
        let results = self.handle.replace_nexthops(std::slice::from_ref(&hop));
        results.unwrap().remove(0).unwrap();
        for dst in [format!("10.1.{other}.0/26"), format!("fd01:{other}::/122")] {
            let route = Route {
                nexthop: Some(hop.id),
                priority: Some(100),
                protocol: OURS,
                ..Route::to(dst.parse().unwrap())
            };
            self.handle.replace_route(&route).unwrap();
        }
    }

    fn pings(&self, address: &str, within: Duration) -> bool {
        let ping = || {
            let status = Command::new("ping")
                .args(["-n", "-c1", "-W1", "-s1000", address])
                .output();
            status.unwrap().status.success()
        };
        let attempt = || Ok::<_, std::convert::Infallible>(ping().then_some(()));
        let run = || retry::until(within, attempt).unwrap().is_some();
        self.container.run(run).unwrap()
    }

    fn sent(&self) -> u64 {
        let shown = self
            .netns
            .run(|| common::json("ip -j -s link show fairway.vx"));
        shown.unwrap()[0]["stats64"]["tx"]["packets"]
            .as_u64()
            .unwrap()
    }
}

#[test]
fn containers_reach_each_other_over_both_families() {
    in_new_netns(|| {
        let (mut one, mut two) = (Node::new(1, false), Node::new(2, false));
        one.join(&two);
        assert!(!one.pings("10.1.2.1", Duration::ZERO));
        for (over_v6, by_nexthop) in [(false, false), (true, false), (false, true), (true, true)] {
            if by_nexthop {
                one.route_by_nexthop(2, over_v6);
                two.route_by_nexthop(1, over_v6);
            } else {
                one.route(2, over_v6, TunnelFlags::CSUM);
                two.route(1, over_v6, TunnelFlags::CSUM);
            }
            let before = one.sent();
            for (from, address) in [
                (&one, "10.1.2.1"),
                (&one, "fd01:2::1"),
                (&two, "10.1.1.1"),
                (&two, "fd01:1::1"),
            ] {
                let reached = from.pings(address, Duration::from_secs(10));
                assert!(
                    reached,
                    "{address} over IPv6: {over_v6}, by next hop: {by_nexthop}"
                );
            }
            assert!(one.sent() >= before + 4);
        }
        // Nobody had to ask for anybody.
        let fdb = one.netns.run(|| run("bridge fdb show dev fairway.vx"));
        assert_eq!(fdb.unwrap(), "");
        let told = one.handle.neighbours(Some(one.vx)).unwrap();
        let permanent = told.iter().filter(|n| n.state == NeighbourState::PERMANENT);
        assert_eq!(permanent.count(), 2);
    });
}

#[test]
fn without_checksums_over_ipv6_the_other_end_has_to_agree() {
    in_new_netns(|| {
        for agrees in [false, true] {
            let (mut one, mut two) = (Node::new(1, agrees), Node::new(2, agrees));
            one.join(&two);
            one.route(2, true, TunnelFlags::NONE);
            two.route(1, true, TunnelFlags::NONE);
            let patience = Duration::from_secs(if agrees { 10 } else { 0 });
            assert_eq!(one.pings("10.1.2.1", patience), agrees);
        }
    });
}
