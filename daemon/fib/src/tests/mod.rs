//! Against a kernel in memory.

mod laws;

use crate::{Fib, Overlay, Problem, Settings, Standing, Tenant, names};
use fairway_netlink::{
    Event, Link, LinkKind, Netlink, Route, RouteKind,
    fake::{self, Recorder},
};
use fairway_rib::{Entry, Forward, LinkName, Mtu, Prefix, Vni, route::Gateway};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

fn prefix(text: &str) -> Prefix {
    Prefix::new(text.parse().unwrap()).unwrap()
}

fn entry(number: u32, to: &str, forward: Forward) -> Entry {
    Entry {
        vni: vni(number),
        prefix: prefix(to),
        forward,
    }
}

fn encap(number: u32, vtep: &str) -> Forward {
    Forward::Encap {
        vni: vni(number),
        source: ip("192.0.2.1"),
        vtep: ip(vtep),
        mtu: Mtu::new(1450).unwrap(),
    }
}

fn local(link: &str) -> Forward {
    Forward::Link {
        link: LinkName::new(link).unwrap(),
    }
}

fn direct(gateway: &str) -> Forward {
    Forward::Direct {
        gateway: Gateway::new(ip(gateway), None).unwrap(),
        mtu: None,
    }
}

fn link(name: &str) -> Link {
    let mut link = Link::new(0, name);
    link.up = true;
    link.kind = Some(LinkKind::Veth);
    link
}

/// Two networks, with all kinds of ways.
fn entries() -> Vec<Entry> {
    vec![
        entry(4096, "10.1.0.5/32", local("fw1")),
        entry(4096, "fd01::5/128", local("fw1")),
        entry(4096, "10.1.0.0/26", Forward::Unreachable),
        entry(4096, "10.1.1.0/26", encap(4096, "192.0.2.2")),
        entry(4096, "fd01::100/122", encap(4096, "192.0.2.2")),
        entry(4096, "10.1.2.0/26", encap(4096, "192.0.2.3")),
        entry(4096, "10.1.3.0/26", direct("192.0.2.4")),
        entry(4096, "10.9.0.0/24", Forward::Blackhole),
        entry(4097, "10.2.1.0/26", encap(4097, "192.0.2.2")),
    ]
}

fn settings() -> Settings {
    let net = |text: &str| -> IpNetwork { text.parse().unwrap() };
    let tenant = |number, prefixes: &[&str]| Tenant {
        vni: vni(number),
        prefixes: prefixes.iter().map(|text| net(text)).collect(),
    };
    Settings {
        overlay: Some(Overlay {
            mac: names::mac(ip("192.0.2.1")),
            port: 4789,
        }),
        uplink: Some("uplink".into()),
        source_v4: Some("192.0.2.1".parse().unwrap()),
        tenants: vec![
            tenant(4096, &["10.1.0.0/16", "fd01::/48"]),
            tenant(4097, &["10.2.0.0/16"]),
        ],
        ..Settings::default()
    }
}

fn host() -> Recorder {
    let (host, _) = fake::namespaces();
    host.put_link(link("uplink"));
    host.put_link(link("fw1"));
    host
}

fn fib(host: &Recorder) -> Fib<Recorder> {
    let mut fib = Fib::new(host.clone());
    fib.configure(settings());
    fib.replace(entries());
    fib.complete();
    fib
}

fn routes(host: &mut Recorder) -> Vec<Route> {
    let filter = fairway_netlink::RouteFilter {
        table: None,
        ..fairway_netlink::RouteFilter::default()
    };
    host.routes(&filter).unwrap()
}

#[test]
fn what_is_wanted_is_there_and_a_second_look_changes_nothing() {
    let mut host = host();
    let mut fib = fib(&host);
    let synced = fib.sync();
    assert!(fib.problems().is_empty(), "{:?}", fib.problems());
    assert!(synced.device_made && !synced.again);
    let all = routes(&mut host);
    // The fence has one for each prefix of a pool.
    assert_eq!(all.len(), entries().len() + 3);
    assert!(all.iter().all(|route| route.protocol == names::PROTOCOL));
    let fence = all.iter().filter(|route| route.table == names::TABLES);
    assert!(
        fence
            .clone()
            .all(|route| route.kind == RouteKind::UNREACHABLE)
    );
    assert_eq!(fence.count(), 3);
    // One next hop for each network and node, one neighbour for each node.
    assert_eq!(host.nexthops(None).unwrap().len(), 3);
    assert_eq!(host.neighbours(None).unwrap().len(), 2);
    let rules = host.rules(None).unwrap();
    assert_eq!(rules.len(), 2 * 2 * 2 + 3 * 3 + 2);
    for (number, to) in [(4096, "10.1.0.5/32"), (4097, "10.2.1.0/26")] {
        assert_eq!(fib.standing(vni(number), prefix(to)), Standing::Installed);
    }
    let before = host.snapshot();
    for doubt in [false, true] {
        if doubt {
            fib.doubt();
        }
        assert_eq!(fib.sync().changes, 0);
    }
    assert_eq!(host.snapshot(), before);
    // A daemon that comes up over all that changes nothing either, and takes the same numbers.
    let mut next = self::fib(&host);
    assert_eq!(next.sync().changes, 0, "{:?}", host.calls().last());
}

#[test]
fn what_is_not_wanted_goes_once_the_picture_is_whole() {
    let mut host = host();
    let mut old = fib(&host);
    old.sync();
    let before = host.snapshot();
    let mut fib = Fib::new(host.clone());
    fib.sync();
    assert_eq!(host.snapshot(), before, "nothing is known yet");
    fib.complete();
    let synced = fib.sync();
    assert!(!synced.again, "{:?}", fib.problems());
    assert_eq!(routes(&mut host), []);
    assert_eq!(host.nexthops(None).unwrap(), []);
    assert_eq!(host.rules(None).unwrap(), []);
    assert_eq!(host.neighbours(None).unwrap(), []);
}

#[test]
fn whatever_is_lost_comes_back() {
    let mut host = host();
    let mut fib = fib(&host);
    fib.sync();
    let whole = host.snapshot();
    let events = |host: &mut Recorder, fib: &mut Fib<Recorder>| {
        // As the kernel would tell, or would not: of IPv4 routes by a link that is gone nothing is told.
        let all = routes(host);
        let lost = all
            .iter()
            .find(|route| route.dst.to_string() == "10.1.1.0/26");
        assert!(host.delete_route(lost.unwrap()).unwrap());
        assert!(fib.event(&Event::RouteGone(vec![lost.unwrap().clone()])));
        let hop = host.nexthops(None).unwrap()[0].clone();
        host.delete_nexthops(&[hop.id]).unwrap()[0]
            .as_ref()
            .unwrap();
        assert!(fib.event(&Event::NexthopGone(hop)));
        let rule = host.rules(None).unwrap()[0].clone();
        host.delete_rule(&rule).unwrap();
        assert!(fib.event(&Event::RuleGone(rule)));
        let neighbour = host.neighbours(None).unwrap()[0];
        host.delete_neighbour(neighbour.index, neighbour.ip)
            .unwrap();
        assert!(fib.event(&Event::NeighbourGone(neighbour)));
    };
    events(&mut host, &mut fib);
    let synced = fib.sync();
    assert!(!synced.again, "{:?}", fib.problems());
    let sorted = |snapshot: fake::Snapshot| {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(snapshot.routes.iter().map(|(_, r)| {
            let mut route = r.clone();
            // Another number will do.
            route.nexthop = route.nexthop.map(|_| 0);
            format!("{route:?}")
        }));
        lines.extend(snapshot.rules.iter().map(|r| format!("{r:?}")));
        lines.extend(snapshot.neighbours.iter().map(|n| format!("{:?}", n.1.ip)));
        lines.extend(snapshot.nexthops.iter().map(|n| format!("{:?}", n.1.encap)));
        lines.sort();
        lines
    };
    assert_eq!(sorted(host.snapshot()), sorted(whole.clone()));
    // The device goes, and all on it.
    let device = host.link_by_name(names::DEVICE).unwrap().unwrap();
    host.delete_link(device.index).unwrap();
    assert!(fib.event(&Event::LinkGone(device)));
    let synced = fib.sync();
    assert!(synced.device_made && !synced.again, "{:?}", fib.problems());
    assert_eq!(sorted(host.snapshot()), sorted(whole));
    assert_eq!(fib.sync().changes, 0);
}

#[test]
fn a_container_that_comes_and_goes_costs_its_own_routes() {
    let mut host = host();
    let mut fib = fib(&host);
    fib.sync();
    let new = entry(4096, "10.1.0.7/32", local("fw7"));
    fib.change(vec![fairway_rib::Change::Upsert(new.clone())]);
    assert_eq!(fib.sync().changes, 0);
    assert_eq!(fib.standing(vni(4096), new.prefix), Standing::Pending);
    let index = host.put_link(link("fw7"));
    let told = host.link_by_index(index).unwrap().unwrap();
    assert!(fib.event(&Event::LinkChanged(told.clone())));
    let synced = fib.sync();
    assert_eq!((synced.changes, synced.again), (1, false));
    assert_eq!(fib.standing(vni(4096), new.prefix), Standing::Installed);
    // Of the route nobody tells.
    host.delete_link(index).unwrap();
    fib.event(&Event::LinkGone(told));
    fib.sync();
    assert_eq!(fib.standing(vni(4096), new.prefix), Standing::Pending);
    let (vni, prefix) = (new.vni, new.prefix);
    fib.change(vec![fairway_rib::Change::Remove { vni, prefix }]);
    let synced = fib.sync();
    assert_eq!((synced.changes, synced.again), (0, false));
}

#[test]
fn routes_of_others_are_left_alone_and_told() {
    let mut host = host();
    let index = host.link_by_name("uplink").unwrap().unwrap().index;
    let foreign = |table, dst: &str, priority| Route {
        oif: Some(index),
        table,
        priority,
        protocol: 3,
        ..Route::to(dst.parse().unwrap())
    };
    let main = foreign(Route::MAIN, "10.2.4.0/24", None);
    let ours = foreign(names::table(vni(4096)), "10.1.1.0/26", Some(names::METRIC));
    for route in [&main, &ours] {
        host.add_route(route).unwrap();
    }
    let mut fib = fib(&host);
    fib.sync();
    let told: Vec<_> = fib.problems().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        fib.problems()
            .iter()
            .all(|p| matches!(p, Problem::Conflict { .. }))
    );
    assert!(
        told[0].contains("10.2.4.0/24") && told[0].contains("10.2.0.0/16"),
        "{told:?}"
    );
    let all = routes(&mut host);
    assert!(all.contains(&main) && all.contains(&ours));
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Conflict
    );
    // This machine's own packets to there go as before, all others by our tables.
    let rules = host.rules(None).unwrap();
    let to = |prefix: &str| -> Vec<_> {
        let there = rules.iter().filter(|r| r.dst == prefix.parse().ok());
        there.map(|r| (r.priority, r.iif.as_deref())).collect()
    };
    assert_eq!(to("10.2.0.0/16"), [(names::TO_CONTAINERS, None)]);
    assert_eq!(to("10.2.4.0/24"), [(names::FOREIGN, Some("lo"))]);
    // The other one goes; ours comes.
    host.delete_route(&main).unwrap();
    host.delete_route(&ours).unwrap();
    fib.event(&Event::RouteGone(vec![main]));
    fib.event(&Event::RouteGone(vec![ours]));
    fib.sync();
    assert!(fib.problems().is_empty(), "{:?}", fib.problems());
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
    let rules = host.rules(None).unwrap();
    assert!(rules.iter().all(|rule| rule.priority != names::FOREIGN));
}

#[test]
fn a_device_of_our_name_that_is_not_ours_is_left_alone() {
    let mut host = host();
    let index = host.put_link(link(names::DEVICE));
    let mut fib = fib(&host);
    assert!(fib.sync().again);
    let [Problem::ForeignDevice { .. }] = fib.problems()[..] else {
        panic!("{:?}", fib.problems())
    };
    assert!(host.link_by_index(index).unwrap().is_some());
    // What needs no tunnel works all the same.
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.0.5/32")),
        Standing::Installed
    );
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.3.0/26")),
        Standing::Installed
    );
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Pending
    );
    let gone = host.link_by_index(index).unwrap().unwrap();
    host.delete_link(index).unwrap();
    fib.event(&Event::LinkGone(gone));
    assert!(!fib.sync().again, "{:?}", fib.problems());
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
}

#[test]
fn what_is_held_stays_whatever_it_is() {
    let mut host = host();
    let mut fib = fib(&host);
    fib.sync();
    let before = routes(&mut host);
    let held = entries().into_iter().map(|entry| Entry {
        forward: Forward::Hold,
        ..entry
    });
    fib.replace(held.collect());
    fib.sync();
    assert_eq!(routes(&mut host), before);
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
    assert_eq!(host.nexthops(None).unwrap().len(), 3);
}

#[test]
fn a_route_that_holds_a_pool_is_nobodys_conflict() {
    let mut host = host();
    let index = host.link_by_name("uplink").unwrap().unwrap().index;
    for dst in ["10.0.0.0/8", "0.0.0.0/0", "10.3.0.0/16"] {
        let route = Route {
            oif: Some(index),
            ..Route::to(dst.parse().unwrap())
        };
        host.add_route(&route).unwrap();
    }
    let mut fib = fib(&host);
    fib.sync();
    assert!(fib.problems().is_empty(), "{:?}", fib.problems());
}

#[test]
fn of_two_routes_of_others_one_may_go() {
    let mut host = host();
    let index = host.link_by_name("uplink").unwrap().unwrap().index;
    let foreign = |metric| Route {
        oif: Some(index),
        priority: Some(metric),
        ..Route::to("10.1.4.0/24".parse().unwrap())
    };
    for metric in [100, 600] {
        host.add_route(&foreign(metric)).unwrap();
    }
    let mut fib = fib(&host);
    fib.sync();
    for (metric, left) in [(100, 1), (600, 0)] {
        host.delete_route(&foreign(metric)).unwrap();
        fib.event(&Event::RouteGone(vec![foreign(metric)]));
        fib.sync();
        assert_eq!(fib.problems().len(), left);
        let rules = host.rules(None).unwrap();
        let kept = rules.iter().filter(|rule| rule.priority == names::FOREIGN);
        assert_eq!(kept.count(), left);
    }
}

/// A daemon is killed after it has made the device, and before it has written its name on it.
#[test]
fn a_half_made_device_is_taken_up() {
    let mut host = host();
    let spec = fairway_netlink::VxlanSpec {
        mac: Some(names::mac(ip("192.0.2.1"))),
        ..fairway_netlink::VxlanSpec::new(names::DEVICE)
    };
    host.create_vxlan(&spec).unwrap();
    let mut fib = fib(&host);
    let synced = fib.sync();
    assert!(
        !synced.again && fib.problems().is_empty(),
        "{:?}",
        fib.problems()
    );
    let device = host.link_by_name(names::DEVICE).unwrap().unwrap();
    assert_eq!(device.alias.as_deref(), Some(names::ALIAS));
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
}
