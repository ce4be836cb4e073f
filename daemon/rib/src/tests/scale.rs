//! 1,000 nodes and 20,000 routes: a change costs what it touches.

use super::world::*;
use crate::{Encap, Input, Rib, route::Route};
use fairway_ipam::Millis;

const NODES: usize = 1_000;
const PER_NODE: usize = 20;

fn far(index: usize, last: u8) -> Input {
    let underlay = format!("172.{}.{}.{last}/32", 16 + index / 250, index % 250);
    node(&format!("m{index}"), 1500, &[&underlay])
}

fn one(index: usize, part: usize, owner: usize) -> Route {
    let text = format!("10.{}.{}.{}/32", part, index / 250, index % 250);
    block("web", &text, &format!("m{owner}"))
}

fn big() -> Rib {
    let mut rib = rib(Encap::Always);
    let nodes = (0..NODES).map(|index| far(index, 1));
    let routes = (0..NODES).flat_map(|i| (0..PER_NODE).map(move |part| add(one(i, part, i))));
    rib.handle_all(nodes.chain(routes));
    rib
}

/// How many prefixes an input makes the table judge, and how many change.
fn cost(rib: &mut Rib, input: Input) -> (usize, usize) {
    let (reader, _) = rib.subscribe();
    let before = rib.judged;
    rib.handle(input);
    let changes = rib.changes(&reader);
    rib.unsubscribe(&reader);
    (rib.judged - before, changes.len())
}

#[test]
fn a_change_costs_what_it_touches() {
    let mut rib = big();
    // Each prefix once, though all came in one go.
    assert_eq!(rib.judged, NODES * PER_NODE);
    assert_eq!(rib.snapshot().len(), NODES * PER_NODE);
    assert_eq!(cost(&mut rib, far(7, 1)), (0, 0));
    assert_eq!(cost(&mut rib, far(7, 2)), (PER_NODE, PER_NODE));
    assert_eq!(cost(&mut rib, add(one(7, 3, 8))), (1, 1));
    let lost = Input::NodeLost {
        node: name("m9"),
        now: Millis(1),
    };
    assert_eq!(cost(&mut rib, lost), (0, 0));
    let tick = Input::Tick(Millis(1 + GRACE));
    assert_eq!(cost(&mut rib, tick), (PER_NODE, PER_NODE));
    assert_eq!(cost(&mut rib, remove(&one(7, 4, 7))), (1, 1));
    assert_eq!(cost(&mut rib, network("b", 9, 1, &[])), (0, 0));
    // Our own address is in every entry.
    let own = node("n0", 1400, &["192.0.2.10/24"]);
    let left = NODES * PER_NODE - PER_NODE - 1;
    assert_eq!(cost(&mut rib, own).1, left);
}
