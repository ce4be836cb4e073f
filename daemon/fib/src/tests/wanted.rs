//! What is wanted is there, what is not goes, and what is lost comes back.

use super::bed::{entries, entry, fib, host, link, local, prefix, routes, vni};
use crate::{Fib, Standing, names};
use fairway_netlink::{
    Event, Netlink, RouteKind,
    fake::{self, Recorder},
};
use fairway_rib::{Entry, Forward};

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
