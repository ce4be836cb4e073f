//! Numbers, and what happens where there are none left.

use crate::fixture::{Node, endpoint, id, limit};
use fairway_rates::{Direction, Input, MOST, Number, Scope};

fn number(node: &mut Node, workload: &str) -> Option<Number> {
    node.now += 1;
    let ways = &node.engine.picture(node.now).ways;
    ways.get(&(id(workload), Direction::Ingress))?.limits[0]
}

fn gone(node: &mut Node, workload: &str) {
    node.take(Input::EndpointGone(id(workload)));
}

#[test]
fn a_number_stays_and_is_not_anothers_at_once() {
    let mut node = Node::default();
    for name in ["web/b", "web/c"] {
        node.endpoint(endpoint(name, "1M"));
    }
    assert_eq!(number(&mut node, "web/b"), Some(1));
    assert_eq!(number(&mut node, "web/c"), Some(2));
    node.endpoint(endpoint("web/a", "1M"));
    node.endpoint(endpoint("web/b", "2M"));
    assert_eq!(number(&mut node, "web/a"), Some(3));
    assert_eq!(number(&mut node, "web/b"), Some(1));
    // 1 is given up in the same picture in which d comes.
    gone(&mut node, "web/b");
    node.endpoint(endpoint("web/d", "1M"));
    assert_eq!(number(&mut node, "web/d"), Some(4));
    node.endpoint(endpoint("web/e", "1M"));
    assert_eq!(number(&mut node, "web/e"), Some(1));
}

#[test]
fn what_has_no_number_is_not_kept_and_is_told() {
    let mut node = Node::default();
    node.limit(limit("web", Scope::Namespace, "1G"));
    for n in 0..=MOST {
        node.endpoint(endpoint(&format!("web/p{n:05}"), "1M"));
    }
    let picture = node.engine.picture(1);
    assert_eq!(picture.limits.len(), MOST as usize);
    assert_eq!(*picture.limits.keys().next_back().unwrap(), MOST);
    assert_eq!(
        picture.overflow,
        [
            "container web/p32766 eth0 ingress",
            "container web/p32767 eth0 ingress"
        ]
    );
    let way = &picture.ways[&(id("web/p32767"), Direction::Ingress)];
    assert_eq!((way.limits[0], way.limits[1].is_some()), (None, true));
    // As soon as there is room, though not in the same picture.
    gone(&mut node, "web/p00000");
    assert_eq!(node.engine.picture(2).overflow.len(), 2);
    let picture = node.engine.picture(3);
    assert_eq!(picture.overflow, ["container web/p32767 eth0 ingress"]);
    assert_eq!(picture.limits.len(), MOST as usize);
}
