//! Routes in tunnels and many routes at once, against the kernel and `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::IpAddr;

use common::{in_new_netns, json, link, run};
use fairway_netlink::raw::{Message, RawSocket, protocols};
use fairway_netlink::{
    Encap, Error, Family, Handle, Netlink, Route, RouteChange, RouteFilter, Tunnel, TunnelEnds,
    TunnelFlags,
};
use nix::errno::Errno;
use serde_json::Value;

/// The number of this test's routes.
const OURS: u8 = 77;

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// An external vxlan device by `ip`; its index.
fn overlay(handle: &mut Handle) -> u32 {
    // The kernel tells no gateway from a broadcast address before there is any
    // address of IPv4.
    run("ip link set lo up");
    run("ip link add vx type vxlan external dstport 4789 nolearning");
    run("ip link set vx up addrgenmode none");
    link(handle, "vx").index
}

fn tunnelled(dst: &str, via: &str, src: &str, far: &str, oif: u32) -> Route {
    let ends = TunnelEnds::new(addr(src), addr(far)).unwrap();
    let dst = dst.parse().unwrap();
    Route {
        gateway: Some(addr(via)),
        oif: Some(oif),
        // As the kernel tells it back.
        priority: Some(100),
        protocol: OURS,
        onlink: true,
        encap: Some(Encap::Tunnel(Tunnel::new(4096, ends))),
        ..Route::to(dst)
    }
}

fn ours(family: Option<Family>) -> RouteFilter {
    RouteFilter {
        family,
        protocol: Some(OURS),
        ..RouteFilter::default()
    }
}

fn plain(dst: String, oif: u32) -> Route {
    Route {
        oif: Some(oif),
        protocol: OURS,
        priority: Some(100),
        scope: fairway_netlink::Scope::UNIVERSE,
        ..Route::to(dst.parse().unwrap())
    }
}

fn shown(dst: &str) -> Value {
    let family = if dst.contains(':') { "-6" } else { "-4" };
    json(&format!("ip {family} -d -j route show {dst}"))[0].clone()
}

#[test]
fn both_families_go_over_both_families() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let (v4, v6) = (("192.0.2.1", "192.0.2.2"), ("fd00::1", "fd00::2"));
        let routes = [
            ("10.1.1.0/26", "169.254.2.1", v4),
            ("10.1.2.0/26", "fe80::fa", v4),
            ("10.1.3.0/26", "169.254.2.1", v6),
            ("10.1.4.0/26", "fe80::fa", v6),
            ("fd01::/122", "fe80::fa", v4),
            ("fd02::/122", "fe80::fa", v6),
        ]
        .map(|(dst, via, (src, far))| tunnelled(dst, via, src, far, vx));
        for route in &routes {
            handle
                .add_route(route)
                .unwrap_or_else(|error| panic!("{error}"));
            let Some(Encap::Tunnel(tunnel)) = route.encap else {
                panic!("no tunnel");
            };
            let seen = shown(&route.dst.to_string());
            let over_v6 = tunnel.ends.dst().is_ipv6();
            assert_eq!(seen["encap"], if over_v6 { "ip6" } else { "ip" });
            assert_eq!(seen["id"], 4096);
            assert_eq!(seen["src"], tunnel.ends.src().to_string());
            assert_eq!(seen["dst"], tunnel.ends.dst().to_string());
            assert_eq!(seen[if over_v6 { "hoplimit" } else { "ttl" }], 64);
            assert_eq!(seen["csum"], true);
            assert_eq!(seen["dev"], "vx");
            assert_eq!(seen["protocol"], OURS.to_string());
            assert_eq!(seen["metric"], 100);
            assert_eq!(seen["flags"], serde_json::json!(["onlink"]));
            let via = route.gateway.unwrap();
            if via.is_ipv6() && route.dst.is_ipv4() {
                assert_eq!(seen["via"]["host"], via.to_string());
            } else {
                assert_eq!(seen["gateway"], via.to_string());
            }
        }
        assert_eq!(handle.routes(&ours(None)).unwrap(), routes);
        for route in &routes {
            assert!(handle.delete_route(route).unwrap());
        }
        assert_eq!(handle.routes(&ours(None)).unwrap(), []);
    });
}

#[test]
fn what_ip_sets_is_told() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let common = "metric 100 protocol 77 mtu lock 1400";
        run(&format!(
            "ip route add 10.1.1.0/26 encap ip id 16777215 src 192.0.2.1 dst 192.0.2.2 ttl 9 \
             tos 0x10 via 169.254.2.1 dev vx onlink {common}"
        ));
        run(&format!(
            "ip -6 route add fd01::/64 encap ip6 id 5 src fd00::1 dst fd00::2 hoplimit 9 tc 0x10 \
             via fe80::fa dev vx onlink {common}"
        ));
        let expected = |route: Route, id| {
            let Some(Encap::Tunnel(tunnel)) = route.encap else {
                panic!("no tunnel");
            };
            Route {
                mtu: Some(1400),
                mtu_lock: true,
                encap: Some(Encap::Tunnel(Tunnel {
                    id,
                    ttl: 9,
                    tos: 16,
                    flags: TunnelFlags::NONE,
                    ..tunnel
                })),
                ..route
            }
        };
        let v4 = tunnelled("10.1.1.0/26", "169.254.2.1", "192.0.2.1", "192.0.2.2", vx);
        let v6 = tunnelled("fd01::/64", "fe80::fa", "fd00::1", "fd00::2", vx);
        let expected = [expected(v4, 0xff_ffff), expected(v6, 5)];
        assert_eq!(handle.routes(&ours(None)).unwrap(), expected);
        // What is told can be asked for: replaced by itself it stays the same.
        for route in &expected {
            handle.replace_route(route).unwrap();
        }
        assert_eq!(handle.routes(&ours(None)).unwrap(), expected);
        let shown = shown("10.1.1.0/26");
        assert_eq!(shown["metrics"][0]["mtu"], 1400, "{shown}");
        assert!(run("ip route show").contains("mtu lock 1400"));
    });
}

#[test]
fn a_route_is_replaced_in_place() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        run("ip link add br0 type bridge");
        run("ip link set br0 up");
        run("ip address add 10.0.0.1/24 dev br0");
        run("ip address add fd00::1/64 dev br0 nodad");
        let br0 = link(&mut handle, "br0").index;
        for (dst, via, direct) in [
            ("10.1.1.0/26", "169.254.2.1", "10.0.0.2"),
            ("fd01::/122", "fe80::fa", "fd00::2"),
        ] {
            let over = tunnelled(dst, via, "192.0.2.1", "192.0.2.2", vx);
            let direct = Route {
                gateway: Some(addr(direct)),
                oif: Some(br0),
                onlink: false,
                encap: None,
                ..over.clone()
            };
            let filter = ours(Some(Family::of(over.dst.ip())));
            for route in [&over, &direct, &over, &over] {
                handle.replace_route(route).unwrap();
                assert_eq!(handle.routes(&filter).unwrap(), std::slice::from_ref(route));
            }
            // Another metric is another route.
            let other = Route {
                priority: Some(200),
                ..direct
            };
            handle.replace_route(&other).unwrap();
            assert_eq!(handle.routes(&filter).unwrap().len(), 2);
        }
    });
}

#[test]
fn each_of_many_changes_is_answered() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let route = |n: u32| plain(format!("10.{}.{}.0/26", n >> 8, n & 255), vx);
        let nowhere = Route {
            oif: Some(4711),
            ..route(1)
        };
        let unwritable = Route {
            encap: Some(Encap::Other(1)),
            ..route(1)
        };
        let foreign = Route {
            protocol: OURS + 1,
            ..route(9999)
        };
        handle.add_route(&foreign).unwrap();
        // More than go into one request, with refusals in several places.
        let mut changes: Vec<_> = (0..3000).map(|n| RouteChange::Add(route(n))).collect();
        changes[0] = RouteChange::Replace(nowhere);
        changes[1500] = RouteChange::Add(unwritable);
        changes[1501] = RouteChange::Add(route(1499));
        changes[2998] = RouteChange::Delete(route(1));
        changes[2999] = RouteChange::Delete(Route {
            protocol: OURS,
            ..foreign.clone()
        });
        let results = handle.change_routes(&changes).unwrap();
        assert_eq!(results.len(), changes.len());
        for (at, result) in results.iter().enumerate() {
            let errno = result.as_ref().err().and_then(Error::errno);
            match at {
                0 => assert_eq!(errno, Some(Errno::ENODEV)),
                1500 => assert!(matches!(result, Err(Error::Invalid { .. }))),
                1501 => assert_eq!(errno, Some(Errno::EEXIST)),
                _ => assert!(result.is_ok(), "{at}: {result:?}"),
            }
        }
        let subject = results[1501].as_ref().unwrap_err().to_string();
        assert!(subject.contains("10.5.219.0/26"), "{subject}");
        // 3,000 less three that failed, two deletions and the one deleted; that
        // of another protocol number is left alone.
        assert_eq!(handle.routes(&ours(None)).unwrap().len(), 3000 - 3 - 2 - 1);
        let filter = RouteFilter {
            protocol: Some(OURS + 1),
            ..RouteFilter::default()
        };
        assert_eq!(handle.routes(&filter).unwrap(), [foreign]);
        let none = handle.change_routes(&[]).unwrap();
        assert!(none.is_empty());
    });
}

#[test]
fn only_a_route_of_the_same_protocol_number_is_deleted_with_many() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        for dst in ["10.1.1.0/26", "fd01::/64"] {
            let own = plain(dst.into(), vx);
            let foreign = Route {
                protocol: OURS + 1,
                ..own.clone()
            };
            handle.add_route(&foreign).unwrap();
            let delete = |handle: &mut Handle, route: &Route| {
                let results = handle.change_routes(&[RouteChange::Delete(route.clone())]);
                results.unwrap().remove(0).unwrap();
                json("ip -j route show proto 78").as_array().unwrap().len()
                    + json("ip -6 -j route show proto 78")
                        .as_array()
                        .unwrap()
                        .len()
            };
            assert_eq!(delete(&mut handle, &own), 1);
            assert_eq!(delete(&mut handle, &foreign), 0);
        }
    });
}

#[test]
fn the_kernel_itself_filters_by_protocol() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        handle.add_route(&plain("10.1.1.0/26".into(), vx)).unwrap();
        handle.add_route(&plain("fd01::/64".into(), vx)).unwrap();
        run("ip route add 10.1.2.0/26 dev vx");
        run("ip -6 route add fd02::/64 dev vx");
        // As the crate asks: struct rtmsg with nothing but family and protocol.
        let mut socket = RawSocket::open(protocols::NETLINK_ROUTE).unwrap();
        for family in [2, 10] {
            let body = vec![family, 0, 0, 0, 0, OURS, 0, 0, 0, 0, 0, 0];
            let message = Message::new("list routes", "", 26).body(body);
            let told = socket.dump(&message, |_, body| body.get(5).copied());
            assert_eq!(told.unwrap(), [OURS]);
        }
    });
}
