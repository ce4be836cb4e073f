//! Routes with several next hops: how they are told, compared, and what becomes of them when a link goes.

use super::bed::*;
use fairway_netlink::{Event, Netlink, Route};
use fairway_rib::Change;

const TO: &str = "203.0.113.0/24";

fn both() -> fairway_rib::Forward {
    spread(&[("192.0.2.9", "uplink"), ("198.51.100.9", "second")])
}

/// The routes of the kernel to a prefix, as one for each next hop.
fn hops(host: &mut fairway_netlink::fake::Recorder) -> Vec<String> {
    let all = routes(host).into_iter();
    let all = all.filter(|route| route.dst.to_string() == TO);
    let one = |route: Route| match route.hops.is_empty() {
        true => vec![format!("{}", route.gateway.unwrap())],
        false => {
            let hops = route.hops.iter();
            hops.map(|hop| hop.gateway.unwrap().to_string()).collect()
        }
    };
    all.flat_map(one).collect()
}

/// What the kernel would tell of a route with several next hops.
fn told(route: &Route) -> Vec<Route> {
    let hops = route.hops.iter().rev();
    let one = |hop: &fairway_netlink::Hop| Route {
        gateway: hop.gateway,
        oif: Some(hop.oif),
        onlink: hop.onlink,
        weight: hop.weight,
        hops: Vec::new(),
        ..route.clone()
    };
    hops.map(one).collect()
}

fn fib_with_both(
    host: &fairway_netlink::fake::Recorder,
) -> crate::Fib<fairway_netlink::fake::Recorder> {
    let mut fib = fib(host);
    fib.change(vec![Change::Upsert(entry(4096, TO, both()))]);
    fib.sync();
    fib
}

#[test]
fn the_kernels_order_is_nobodys_business_but_weights_are() {
    let mut host = host();
    let mut fib = fib_with_both(&host);
    assert_eq!(hops(&mut host), ["192.0.2.9", "198.51.100.9"]);
    let all = routes(&mut host);
    let route = all
        .iter()
        .find(|route| route.dst.to_string() == TO)
        .unwrap();
    let event = |routes: Vec<Route>| Event::RouteChanged {
        routes,
        replaced: true,
    };
    fib.event(&event(told(route)));
    assert_eq!(fib.sync().changes, 0);
    for other in [
        told(route)[..1].to_vec(),
        told(route)
            .into_iter()
            .map(|one| Route { weight: 3, ..one })
            .collect(),
    ] {
        fib.event(&event(other));
        assert_eq!(fib.sync().changes, 1);
    }
    // One of the two was taken away.
    fib.event(&Event::RouteGone(told(route)[..1].to_vec()));
    assert_eq!(fib.sync().changes, 1);
    assert_eq!(hops(&mut host), ["192.0.2.9", "198.51.100.9"]);
}

#[test]
fn packets_go_by_the_links_that_are_left() {
    let mut host = host();
    let mut fib = fib_with_both(&host);
    let mut link = host.link_by_name("second").unwrap().unwrap();
    link.up = false;
    fib.event(&Event::LinkChanged(link.clone()));
    assert_eq!(fib.sync().changes, 1);
    assert_eq!(hops(&mut host), ["192.0.2.9"]);
    link.up = true;
    fib.event(&Event::LinkChanged(link));
    assert_eq!(fib.sync().changes, 1);
    assert_eq!(hops(&mut host), ["192.0.2.9", "198.51.100.9"]);
    // A set that shrinks is replaced, and never taken away first.
    host.calls();
    let before = host.calls().len();
    let one = spread(&[("198.51.100.9", "second")]);
    fib.change(vec![Change::Upsert(entry(4096, TO, one))]);
    fib.sync();
    let calls = &host.calls()[before..];
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(hops(&mut host), ["198.51.100.9"]);
}
