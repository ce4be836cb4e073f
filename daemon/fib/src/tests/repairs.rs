//! What somebody else changed and was put right is told from what is wanted anew.

use super::bed::{direct, encap, entry, fib, host, local, routes, settings};
use crate::names;
use fairway_netlink::{Event, Netlink};
use fairway_rib::Change;

#[test]
fn what_is_wanted_anew_is_no_repair() {
    let host = host();
    let mut fib = fib(&host);
    let first = fib.sync();
    assert!(first.changes > 10 && first.repairs == 0, "{first:?}");
    // Another way, a new peer, something less, and other settings.
    let changes = [
        Change::Upsert(entry(4096, "10.1.1.0/26", direct("192.0.2.9"))),
        Change::Upsert(entry(4096, "10.1.4.0/26", encap(4096, "192.0.2.8"))),
        Change::Upsert(entry(4096, "10.1.0.6/32", local("second"))),
        Change::Remove {
            vni: super::bed::vni(4096),
            prefix: super::bed::prefix("10.1.2.0/26"),
        },
    ];
    fib.change(changes.to_vec());
    let mut other = settings();
    other.tenants.pop();
    fib.configure(other);
    let second = fib.sync();
    assert!(second.changes > 4 && second.repairs == 0, "{second:?}");
    fib.doubt();
    assert_eq!(fib.sync().changes, 0);
    let counted = fib.counted();
    assert_eq!((counted.repairs, counted.refused, counted.lists), (0, 0, 3));
    assert_eq!(counted.changes, (first.changes + second.changes) as u64);
}

#[test]
fn what_was_flushed_or_added_by_others_is_repaired_and_counted() {
    let mut host = host();
    let mut fib = fib(&host);
    fib.sync();
    let ours = |host: &mut fairway_netlink::fake::Recorder| {
        let all = routes(host).into_iter();
        let ours = all.filter(|route| route.protocol == names::PROTOCOL);
        ours.collect::<Vec<_>>()
    };
    let flushed = ours(&mut host);
    for route in &flushed[..3] {
        host.delete_route(route).unwrap();
        fib.event(&Event::RouteGone(vec![route.clone()]));
    }
    assert_eq!(fib.sync().repairs, 3);
    // A rule, in silence.
    let rules = host.rules(Some(names::PROTOCOL)).unwrap();
    host.delete_rule(&rules[0]).unwrap();
    fib.doubt();
    assert_eq!(fib.sync().repairs, 1);
    assert_eq!(fib.counted().repairs, 4);
    assert_eq!(ours(&mut host).len(), fib.installed());
    // All is as it was: what comes next is no repair.
    fib.change(vec![Change::Upsert(entry(
        4096,
        "10.1.0.7/32",
        local("fw1"),
    ))]);
    assert_eq!((fib.sync().changes, fib.counted().repairs), (1, 4));
}
