//! How long many routes take: N (default 20,000) routes of each family, each in
//! a tunnel to one of some nodes, are added, listed, replaced, and deleted, in a
//! namespace of the process's own. Prints milliseconds.
//!
//! Of a next hop the kernel's hash for IPv4 knows the link alone, so all tunnels of
//! one device stand in one chain, which every addition goes through: the time
//! grows with the number of nodes. Next hops as objects of their own do not have
//! that, so the same is measured with them.
//!
//! `cargo run --release -p fairway-netlink --example routes -- [N]`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for developers"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use fairway_netlink::{
    Encap, Family, Handle, LinkChange, Netlink, Nexthop, Route, RouteChange, RouteFilter, Tunnel,
    TunnelEnds, VxlanSpec,
};
use ipnetwork::IpNetwork;
use nix::sched::{CloneFlags, unshare};

const PROTOCOL: u8 = 77;

fn timed<R>(what: &str, run: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = run();
    println!("{:8.1} ms  {what}", start.elapsed().as_secs_f64() * 1e3);
    result
}

fn route(family: Family, n: u32, nodes: u32, oif: u32) -> Route {
    let (dst, length, gateway) = match family {
        Family::V4 => (
            Ipv4Addr::from(0x0a00_0000 + (n << 6)).into(),
            26,
            Ipv4Addr::new(169, 254, 2, 1).into(),
        ),
        Family::V6 => (
            Ipv6Addr::from((0xfd01 << 112) + (u128::from(n) << 6)).into(),
            122,
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xfa).into(),
        ),
    };
    let ends = TunnelEnds::V4 {
        src: Ipv4Addr::new(192, 0, 2, 1),
        dst: Ipv4Addr::from(0xc633_0000 + n % nodes),
    };
    Route {
        gateway: Some(gateway),
        oif: Some(oif),
        priority: Some(100),
        protocol: PROTOCOL,
        onlink: true,
        encap: Some(Encap::Tunnel(Tunnel::new(4096, ends))),
        ..Route::to(IpNetwork::new(dst, length).unwrap())
    }
}

fn change(handle: &mut Handle, what: &str, routes: &[Route], of: fn(Route) -> RouteChange) {
    let changes: Vec<_> = routes.iter().cloned().map(of).collect();
    let results = timed(what, || handle.change_routes(&changes).unwrap());
    assert!(results.iter().all(Result::is_ok));
}

fn main() {
    let count = std::env::args().nth(1);
    let count: u32 = count.map_or(20_000, |count| count.parse().unwrap());
    unshare(CloneFlags::CLONE_NEWNET).expect("needs root");
    let mut handle = Handle::open().unwrap();
    let up = LinkChange {
        up: Some(true),
        ..LinkChange::default()
    };
    handle.change_link(1, &up).unwrap();
    let spec = VxlanSpec {
        up: true,
        ..VxlanSpec::new("vx")
    };
    let vx = handle.create_vxlan(&spec).unwrap().index;
    for family in [Family::V4, Family::V6] {
        for nodes in [1, 1000, 5000] {
            println!("{count} routes, {family:?}, {nodes} nodes");
            let written: Vec<_> = (0..count).map(|n| route(family, n, nodes, vx)).collect();
            measure(&mut handle, &written);
            println!("the same by next hops");
            let hops: Vec<_> = (0..nodes).map(|node| hop(node, vx)).collect();
            let results = timed("set next hops", || handle.replace_nexthops(&hops).unwrap());
            assert!(results.iter().all(Result::is_ok));
            let by_number = (0_u32..).zip(&written).map(|(n, route)| Route {
                nexthop: Some(n % nodes + 1),
                ..route.clone()
            });
            measure(&mut handle, &by_number.collect::<Vec<_>>());
            let ids: Vec<_> = hops.iter().map(|hop| hop.id).collect();
            let results = timed("delete next hops", || handle.delete_nexthops(&ids).unwrap());
            assert!(results.iter().all(Result::is_ok));
        }
    }
}

/// The next hop of a node, for both families.
fn hop(node: u32, oif: u32) -> Nexthop {
    let route = route(Family::V6, node, u32::MAX, oif);
    Nexthop {
        id: node + 1,
        gateway: route.gateway.unwrap(),
        oif,
        protocol: PROTOCOL,
        onlink: true,
        encap: route.encap,
    }
}

fn measure(handle: &mut Handle, routes: &[Route]) {
    change(handle, "add", routes, RouteChange::Add);
    change(handle, "replace", routes, RouteChange::Replace);
    let filter = RouteFilter {
        family: routes.first().map(|route| Family::of(route.dst.ip())),
        protocol: Some(PROTOCOL),
        ..RouteFilter::default()
    };
    let told = timed("list", || handle.routes(&filter).unwrap());
    assert_eq!(told.len(), routes.len());
    change(handle, "delete", routes, RouteChange::Delete);
}
