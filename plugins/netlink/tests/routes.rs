//! Routes against the kernel, checked by `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::IpAddr;
use std::time::Duration;

use common::{in_new_netns, json, link, run};
use fairway_netlink::{
    BridgeSpec, Error, Family, Handle, Netlink, Route, RouteFilter, RouteKind, Scope, retry,
};
use ipnetwork::IpNetwork;
use serde_json::Value;

fn net(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

fn addr(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// A bridge with a subnet of each family, and its index.
fn subnets(handle: &mut Handle) -> u32 {
    let spec = BridgeSpec {
        name: "br0".into(),
        up: true,
        ..Default::default()
    };
    handle.create_bridge(&spec).unwrap();
    run("ip address add 10.1.0.1/24 dev br0");
    run("ip address add fd00::1/64 dev br0 nodad");
    // The kernel makes this address's own route in its own time, also without duplicate detection.
    let own = || {
        let routes = json("ip -6 -j route show table local fd00::1");
        let there = routes.as_array().is_some_and(|routes| !routes.is_empty());
        Ok::<_, Error>(there.then_some(()))
    };
    retry::until(Duration::from_secs(10), own).unwrap().unwrap();
    link(handle, "br0").index
}

fn shown(command: &str) -> Value {
    json(&format!("ip -j -d {command}"))[0].clone()
}

#[test]
fn a_lookup_tells_the_route_that_packets_go_by() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let oif = Some(subnets(&mut handle));
        let mut by = |to: &str| {
            let routes = handle.route_to(to.parse().unwrap()).unwrap();
            let hop = |route: &Route| (route.dst.to_string(), route.gateway, route.oif);
            routes.iter().map(hop).collect::<Vec<_>>()
        };
        assert_eq!(by("10.1.0.7"), [("10.1.0.0/24".into(), None, oif)]);
        assert_eq!(by("fd00::7"), [("fd00::/64".into(), None, oif)]);
        assert_eq!((by("192.0.2.1"), by("2001:db8::1")), (vec![], vec![]));
        run("ip route add default via 10.1.0.9");
        run("ip route add default via fe80::9 dev br0");
        let default = [("0.0.0.0/0".into(), addr("10.1.0.9"), oif)];
        assert_eq!(by("192.0.2.1"), default);
        assert_eq!(by("2001:db8::1"), [("::/0".into(), addr("fe80::9"), oif)]);
        // All next hops of one, in both families.
        run("ip route add 192.0.2.0/24 nexthop via 10.1.0.2 nexthop via 10.1.0.3");
        run("ip route add 2001:db8::/64 nexthop via fd00::2 nexthop via fd00::3");
        let hops = |all: Vec<(String, Option<IpAddr>, Option<u32>)>| {
            let mut hops: Vec<_> = all.into_iter().filter_map(|(_, hop, _)| hop).collect();
            hops.sort();
            hops
        };
        assert_eq!(
            hops(by("192.0.2.1")),
            [addr("10.1.0.2"), addr("10.1.0.3")].map(Option::unwrap)
        );
        assert_eq!(
            hops(by("2001:db8::1")),
            [addr("fd00::2"), addr("fd00::3")].map(Option::unwrap)
        );
        run("ip route add 198.51.100.0/24 via inet6 fd00::5");
        assert_eq!(
            by("198.51.100.1"),
            [("198.51.100.0/24".into(), addr("fd00::5"), oif)]
        );
        // One by number, as routing daemons have them.
        run("ip nexthop add id 7 via 10.1.0.6 dev br0");
        run("ip route add 203.0.113.0/24 nhid 7");
        assert_eq!(
            by("203.0.113.1"),
            [("203.0.113.0/24".into(), addr("10.1.0.6"), oif)]
        );
    });
}

#[test]
fn a_lookup_follows_rules_and_says_what_goes_nowhere() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        subnets(&mut handle);
        run("ip link set lo up");
        let kind = |handle: &mut Handle, to: &str| {
            let routes = handle.route_to(to.parse().unwrap());
            routes
                .map(|routes| routes[0].kind)
                .map_err(|error| error.errno().unwrap())
        };
        assert_eq!(kind(&mut handle, "10.1.0.1"), Ok(RouteKind::LOCAL));
        assert_eq!(kind(&mut handle, "fd00::1"), Ok(RouteKind::LOCAL));
        for (to, family) in [("192.0.2.0/24", "-4"), ("2001:db8::/64", "-6")] {
            run(&format!("ip {family} route add unreachable {to}"));
        }
        use nix::errno::Errno;
        assert_eq!(kind(&mut handle, "192.0.2.1"), Err(Errno::EHOSTUNREACH));
        assert_eq!(kind(&mut handle, "2001:db8::1"), Err(Errno::EHOSTUNREACH));
        run("ip rule add to 198.51.100.0/24 lookup 1000");
        run("ip route add 198.51.100.0/24 via 10.1.0.9 table 1000 metric 20");
        let routes = handle.route_to("198.51.100.1".parse().unwrap()).unwrap();
        assert_eq!((routes[0].table, routes[0].priority), (1000, Some(20)));
    });
}

#[test]
fn every_field_reaches_the_kernel() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let oif = Some(subnets(&mut handle));
        // Host bits in the destination are dropped.
        let v4 = Route {
            gateway: addr("10.1.0.9"),
            oif,
            prefsrc: addr("10.1.0.1"),
            priority: Some(77),
            table: 1000,
            mtu: Some(1300),
            advmss: Some(1200),
            ..Route::to(net("192.0.2.7/24"))
        };
        handle.add_route(&v4).unwrap();
        let seen = shown("route show table 1000");
        assert_eq!(seen["dst"], "192.0.2.0/24");
        assert_eq!(seen["gateway"], "10.1.0.9");
        assert_eq!(seen["dev"], "br0");
        assert_eq!(seen["prefsrc"], "10.1.0.1");
        assert_eq!(seen["metric"], 77);
        assert_eq!(seen["protocol"], "boot");
        assert_eq!(seen["scope"], "global");
        assert_eq!(seen["metrics"][0]["mtu"], 1300);
        assert_eq!(seen["metrics"][0]["advmss"], 1200);

        let v6 = Route {
            gateway: addr("fd00::9"),
            prefsrc: addr("fd00::1"),
            dst: net("2001:db8::7/32"),
            ..v4.clone()
        };
        handle.add_route(&v6).unwrap();
        let seen = shown("-6 route show table 1000");
        assert_eq!(seen["dst"], "2001:db8::/32");
        assert_eq!(seen["gateway"], "fd00::9");
        assert_eq!(seen["metric"], 77);
        assert_eq!(seen["metrics"][0]["mtu"], 1300);
        assert_eq!(seen["metrics"][0]["advmss"], 1200);

        let filter = RouteFilter {
            table: Some(1000),
            ..Default::default()
        };
        let told = handle.routes(&filter).unwrap();
        let normal = |route: &Route| Route {
            dst: IpNetwork::new(route.dst.network(), route.dst.prefix()).unwrap(),
            ..route.clone()
        };
        assert_eq!(told, [normal(&v4), normal(&v6)]);
        let error = handle.add_route(&v4).unwrap_err();
        assert!(error.is_exists(), "{error}");
        for route in [&v4, &v6] {
            assert!(handle.delete_route(route).unwrap());
            assert!(!handle.delete_route(route).unwrap());
        }
        assert_eq!(handle.routes(&filter).unwrap(), []);
    });
}

#[test]
fn default_host_and_onlink_routes() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let oif = Some(subnets(&mut handle));
        let routes = [
            Route {
                gateway: addr("10.1.0.9"),
                oif,
                ..Route::to(Family::V4.all())
            },
            Route {
                oif,
                scope: Scope::LINK,
                ..Route::to(net("10.7.0.1/32"))
            },
            Route {
                gateway: addr("169.254.1.1"),
                oif,
                onlink: true,
                ..Route::to(net("10.8.0.0/16"))
            },
            Route {
                gateway: addr("fd00::9"),
                oif,
                ..Route::to(net("10.9.0.0/16"))
            },
            Route {
                kind: RouteKind::BLACKHOLE,
                ..Route::to(net("10.10.0.0/16"))
            },
            Route {
                gateway: addr("fd00::9"),
                oif,
                ..Route::to(Family::V6.all())
            },
            Route {
                oif,
                ..Route::to(net("fd07::1/128"))
            },
            Route {
                gateway: addr("fe80::1"),
                oif,
                onlink: true,
                ..Route::to(net("fd08::/48"))
            },
        ];
        for route in &routes {
            handle
                .add_route(route)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        let v4 = run("ip route show");
        for line in [
            "default via 10.1.0.9 dev br0",
            "10.7.0.1 dev br0 scope link",
            "10.8.0.0/16 via 169.254.1.1 dev br0 onlink",
            "10.9.0.0/16 via inet6 fd00::9 dev br0",
            "blackhole 10.10.0.0/16",
        ] {
            assert!(v4.contains(line), "{line} in\n{v4}");
        }
        let v6 = run("ip -6 route show");
        for line in [
            "default via fd00::9 dev br0 metric 1024",
            "fd07::1 dev br0 metric 1024",
            "fd08::/48 via fe80::1 dev br0 metric 1024 onlink",
        ] {
            assert!(v6.contains(line), "{line} in\n{v6}");
        }
        let told = handle.routes(&RouteFilter::default()).unwrap();
        for route in &routes {
            let expected = Route {
                // IPv6's metric is the kernel's choice.
                priority: route.dst.is_ipv6().then_some(1024),
                ..route.clone()
            };
            assert!(told.contains(&expected), "{expected:?} in\n{told:#?}");
            assert!(handle.delete_route(route).unwrap(), "{route:?}");
        }
        let told = handle.routes(&RouteFilter::default()).unwrap();
        assert!(
            told.iter().all(|route| route.protocol == Route::KERNEL),
            "{told:#?}"
        );
    });
}

#[test]
fn routes_are_told_by_table_link_and_family() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let oif = subnets(&mut handle);
        run("ip link set lo up");
        let main = handle.routes(&RouteFilter::default()).unwrap();
        assert!(main.iter().any(|route| route.dst == net("10.1.0.0/24")));
        assert!(main.iter().any(|route| route.dst == net("fd00::/64")));
        assert!(main.iter().all(|route| route.table == Route::MAIN));
        let any = RouteFilter {
            table: None,
            ..Default::default()
        };
        for text in ["10.1.0.1/32", "fd00::1/128"] {
            // IPv6 adds its own in its own time.
            let found = retry::until(Duration::from_secs(5), || {
                let all = handle.routes(&any)?;
                Ok::<_, Error>(all.into_iter().find(|route| route.dst == net(text)))
            });
            let found = found.unwrap().expect("no such route");
            assert_eq!(found.kind, RouteKind::LOCAL);
        }
        let filter = RouteFilter {
            family: Some(Family::V6),
            oif: Some(oif),
            ..any
        };
        let some = handle.routes(&filter).unwrap();
        assert!(!some.is_empty());
        assert!(
            some.iter()
                .all(|route| route.oif == Some(oif) && route.dst.is_ipv6())
        );
        for filter in [
            RouteFilter {
                table: Some(4711),
                ..Default::default()
            },
            RouteFilter {
                oif: Some(4711),
                ..Default::default()
            },
        ] {
            assert_eq!(handle.routes(&filter).unwrap(), []);
        }
    });
}

#[test]
fn several_next_hops_are_several_routes() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let oif = Some(subnets(&mut handle));
        let via = |dst: &str, gateway: &str| Route {
            gateway: addr(gateway),
            oif,
            ..Route::to(net(dst))
        };
        // IPv6 makes one route of them, IPv4 keeps them apart.
        for gateway in ["fd00::8", "fd00::9"] {
            handle
                .add_route_ecmp(&via("2001:db8::/32", gateway))
                .unwrap();
        }
        assert_eq!(
            shown("-6 route show 2001:db8::/32")["nexthops"]
                .as_array()
                .map(Vec::len),
            Some(2)
        );
        for gateway in ["10.1.0.8", "10.1.0.9"] {
            handle
                .add_route_ecmp(&via("192.0.2.0/24", gateway))
                .unwrap();
        }
        let error = handle
            .add_route_ecmp(&via("192.0.2.0/24", "10.1.0.8"))
            .unwrap_err();
        assert!(error.is_exists(), "{error}");
        run(
            "ip route add 198.51.100.0/24 nexthop via 10.1.0.8 dev br0 nexthop via 10.1.0.9 dev br0",
        );
        let told = handle.routes(&RouteFilter::default()).unwrap();
        for (dst, gateway) in [
            ("2001:db8::/32", "fd00::8"),
            ("2001:db8::/32", "fd00::9"),
            ("192.0.2.0/24", "10.1.0.8"),
            ("192.0.2.0/24", "10.1.0.9"),
            ("198.51.100.0/24", "10.1.0.8"),
            ("198.51.100.0/24", "10.1.0.9"),
        ] {
            let found = told
                .iter()
                .find(|route| route.dst == net(dst) && route.gateway == addr(gateway));
            assert_eq!(found.and_then(|route| route.oif), oif, "{dst} {gateway}");
        }
    });
}
