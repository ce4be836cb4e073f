//! What the kernel tells subscribers: links, addresses, routes, rules, neighbours. No datagram makes its
//! reading panic, and what is told of is told whole.
#![no_main]

use fairway_netlink::{Event, Family};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    for event in Event::read(datagram) {
        match event {
            Event::LinkChanged(link) | Event::LinkGone(link) => {
                assert!(link.index > 0 && !link.name.is_empty());
            }
            Event::RouteChanged { routes, .. } | Event::RouteGone(routes) => {
                assert!(routes.windows(2).all(|hops| hops[0].dst == hops[1].dst));
                assert!(!routes.is_empty());
            }
            Event::RuleChanged(rule) | Event::RuleGone(rule) => {
                for net in rule.src.iter().chain(&rule.dst) {
                    assert_eq!(Family::of(net.ip()), rule.family);
                }
            }
            _ => {}
        }
    }
});
