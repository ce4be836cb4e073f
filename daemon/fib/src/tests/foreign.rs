//! Routes of others: which are in the way, and that they are left alone.

use super::bed::{fib, host, prefix, routes, vni};
use crate::{Problem, Standing, names};
use fairway_netlink::{Event, Netlink, Route};

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
