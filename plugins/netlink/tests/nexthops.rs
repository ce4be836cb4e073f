//! Next hops and the routes by them, against the kernel and `ip`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::net::IpAddr;

use common::{in_new_netns, json, run};
use fairway_netlink::{
    Encap, Error, Event, Handle, Monitor, Netlink, Nexthop, Route, RouteChange, RouteFilter,
    Tunnel, TunnelEnds, VxlanSpec,
};
use nix::errno::Errno;

const OURS: u8 = 77;

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn hop(id: u32, far: &str, oif: u32) -> Nexthop {
    let ends = TunnelEnds::new(addr("192.0.2.1"), addr(far)).unwrap();
    Nexthop {
        id,
        gateway: addr("fe80::fa"),
        oif,
        protocol: OURS,
        onlink: true,
        encap: Some(Encap::Tunnel(Tunnel::new(4096, ends))),
    }
}

fn by(id: u32, dst: &str) -> Route {
    Route {
        nexthop: Some(id),
        priority: Some(100),
        protocol: OURS,
        ..Route::to(dst.parse().unwrap())
    }
}

fn overlay(handle: &mut Handle) -> u32 {
    run("ip link set lo up");
    let spec = VxlanSpec {
        up: true,
        ..VxlanSpec::new("vx")
    };
    handle.create_vxlan(&spec).unwrap().index
}

fn ours() -> RouteFilter {
    RouteFilter {
        protocol: Some(OURS),
        ..RouteFilter::default()
    }
}

#[test]
fn one_serves_both_families_and_moves_them_at_once() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let mut monitor = Monitor::open().unwrap();
        let hops = [hop(7001, "192.0.2.2", vx), hop(7002, "192.0.2.3", vx)];
        for result in handle.replace_nexthops(&hops).unwrap() {
            result.unwrap();
        }
        let told = monitor.try_next().unwrap();
        assert_eq!(told, Some(Event::NexthopChanged(hops[0].clone())));
        assert_eq!(handle.nexthops(Some(OURS)).unwrap(), hops);
        assert_eq!(handle.nexthops(Some(OURS + 1)).unwrap(), []);
        let shown = json("ip -d -j nexthop show id 7001");
        assert_eq!(shown[0]["gateway"], "fe80::fa");
        assert_eq!(shown[0]["encap"], "ip");
        assert_eq!(shown[0]["dst"], "192.0.2.2");
        assert_eq!(shown[0]["protocol"], "77");
        assert_eq!(shown[0]["flags"], serde_json::json!(["onlink"]));

        let routes = [by(7001, "10.1.1.0/26"), by(7001, "fd01::/122")];
        for route in &routes {
            handle.add_route(route).unwrap();
        }
        let listed = |handle: &mut Handle| -> Vec<_> {
            let told = handle.routes(&ours()).unwrap().into_iter();
            told.map(|route| (route.encap, route.without_hop()))
                .collect()
        };
        let expected = routes.clone().map(|route| (hops[0].encap, route));
        assert_eq!(listed(&mut handle), expected);
        // Another far end for both, by one change.
        let moved = hop(7001, "192.0.2.9", vx);
        let results = handle.replace_nexthops(std::slice::from_ref(&moved));
        assert!(results.unwrap()[0].is_ok());
        let now = listed(&mut handle);
        assert!(now.len() == 2 && now.iter().all(|(encap, _)| *encap == moved.encap));
        assert_eq!(
            json("ip -j -d route show 10.1.1.0/26")[0]["dst"],
            "192.0.2.9"
        );
        // A route can go to another next hop, and to none.
        let other = by(7002, "10.1.1.0/26");
        handle.replace_route(&other).unwrap();
        let seen = json("ip -j -d route show 10.1.1.0/26");
        assert_eq!(seen[0]["nhid"], 7002);
        assert!(handle.delete_route(&other).unwrap());
        handle.add_route(&routes[0]).unwrap();

        while monitor.try_next().unwrap().is_some() {}
        let results = handle.delete_nexthops(&[7001, 7001, 7002]).unwrap();
        let deleted: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(deleted, [true, false, true]);
        assert_eq!(handle.routes(&ours()).unwrap(), []);
        assert_eq!(handle.nexthops(None).unwrap(), []);
        let mut gone = 0;
        while let Some(event) = monitor.try_next().unwrap() {
            match event {
                Event::NexthopGone(hop) => gone += u32::from(hop.protocol == OURS),
                Event::RouteGone(routes) => assert!(routes[0].dst.is_ipv6(), "{routes:?}"),
                _ => {}
            }
        }
        assert_eq!(gone, 2);
    });
}

#[test]
fn each_of_many_is_answered() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let mut hops: Vec<_> = (1..=2000).map(|id| hop(id, "192.0.2.2", vx)).collect();
        hops[1500].oif = 4711;
        let results = handle.replace_nexthops(&hops).unwrap();
        for (at, result) in results.iter().enumerate() {
            let errno = result.as_ref().err().and_then(Error::errno);
            assert_eq!(errno, (at == 1500).then_some(Errno::EINVAL), "{at}");
        }
        assert_eq!(handle.nexthops(Some(OURS)).unwrap().len(), 1999);
        let changes: Vec<_> = (1..=2000)
            .map(|n| RouteChange::Add(by(n, &format!("10.{}.{}.0/26", n >> 8, n & 255))))
            .collect();
        let results = handle.change_routes(&changes).unwrap();
        let refused: Vec<_> = results.iter().map(Result::is_err).collect();
        assert_eq!(refused.iter().filter(|refused| **refused).count(), 1);
        assert!(refused[1500]);
        let ids: Vec<_> = (1..=2000).collect();
        let results = handle.delete_nexthops(&ids).unwrap();
        let deleted = results.into_iter().map(Result::unwrap);
        assert_eq!(deleted.filter(|deleted| *deleted).count(), 1999);
        assert_eq!(handle.routes(&ours()).unwrap(), []);
    });
}

#[test]
fn they_go_in_silence_with_their_link() {
    in_new_netns(|| {
        let mut handle = Handle::open().unwrap();
        let vx = overlay(&mut handle);
        let hops = [hop(1, "192.0.2.2", vx)];
        assert!(handle.replace_nexthops(&hops).unwrap()[0].is_ok());
        handle.add_route(&by(1, "10.1.1.0/26")).unwrap();
        let mut monitor = Monitor::open().unwrap();
        run("ip link set vx down");
        assert_eq!(handle.nexthops(None).unwrap(), []);
        assert_eq!(handle.routes(&ours()).unwrap(), []);
        let mut down = false;
        while let Some(event) = monitor.try_next().unwrap() {
            match event {
                Event::LinkChanged(link) => down |= link.index == vx && !link.up,
                Event::NexthopGone(_) => panic!("the documentation says otherwise"),
                Event::RouteGone(routes) => assert_ne!(routes[0].protocol, OURS),
                _ => {}
            }
        }
        assert!(down);
    });
}
