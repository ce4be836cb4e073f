//! The order in which the addresses of a set are tried: round robin, as the reference plugin has it.
//!
//! From the address after the one given out last, through the ranges of the set and around, that one
//! itself at the very end. A container that crashes in a loop thus does not see its address again before
//! the whole set has been passed through.

use crate::{
    range::{Range, RangeSet},
    span::Span,
};
use std::net::IpAddr;

/// The runs to search, in order; together they hold each address but the gateways exactly once.
pub fn search_order(set: &RangeSet, last: Option<IpAddr>) -> Vec<Span> {
    let ranges = set.ranges();
    let start = last.and_then(|last| {
        let index = ranges
            .iter()
            .position(|range| range.span().contains(last))?;
        Some((index, last))
    });
    let mut legs = Vec::with_capacity(ranges.len() + 3);
    let Some((index, last)) = start else {
        for range in ranges {
            push(&mut legs, range, Some(range.span()));
        }
        return legs;
    };
    let (before, from) = ranges.split_at(index);
    let Some((current, after)) = from.split_first() else {
        return legs;
    };
    push(&mut legs, current, current.span().after(last));
    for range in after.iter().chain(before) {
        push(&mut legs, range, Some(range.span()));
    }
    push(&mut legs, current, current.span().before(last));
    push(&mut legs, current, Span::new(last, last));
    legs
}

/// Adds `span` without the range's gateway.
fn push(legs: &mut Vec<Span>, range: &Range, span: Option<Span>) {
    let Some(span) = span else {
        return;
    };
    let gateway = range.gateway();
    if span.contains(gateway) {
        legs.extend(span.before(gateway));
        legs.extend(span.after(gateway));
    } else {
        legs.push(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::Field;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn set(value: Value) -> RangeSet {
        RangeSet::from_json(&Field::new(&value, "r")).unwrap()
    }

    fn order(value: Value, last: Option<&str>) -> Vec<String> {
        let last = last.map(|last| last.parse().unwrap());
        let spans = search_order(&set(value), last);
        spans
            .iter()
            .flat_map(Span::iter)
            .map(|ip| ip.to_string())
            .collect()
    }

    #[test]
    fn starts_at_the_beginning_and_skips_the_gateway() {
        let order = order(json!([{"subnet": "10.0.0.0/29"}]), None);
        assert_eq!(
            order,
            ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
        );
    }

    #[test]
    fn goes_around_and_ends_with_the_last_one() {
        let two = json!([
            {"subnet": "10.0.0.0/29", "gateway": "10.0.0.4"},
            {"subnet": "10.0.1.0/30", "gateway": "10.9.9.9"}
        ]);
        let expected = [
            "10.0.0.3", "10.0.0.5", "10.0.0.6", "10.0.1.1", "10.0.1.2", "10.0.0.1", "10.0.0.2",
        ];
        assert_eq!(order(two.clone(), Some("10.0.0.2")), expected);
        let expected = [
            "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6", "10.0.1.1", "10.0.1.2",
        ];
        assert_eq!(order(two.clone(), Some("10.0.1.2")), expected);
        // Another configuration's last address is no use.
        assert_eq!(order(two, Some("10.7.7.7")), expected);
    }

    #[test]
    fn a_range_of_one() {
        let one =
            json!([{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.9", "rangeEnd": "10.0.0.9"}]);
        assert_eq!(order(one, Some("10.0.0.9")), ["10.0.0.9"]);
        let none =
            json!([{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.1", "rangeEnd": "10.0.0.1"}]);
        assert_eq!(order(none, None), [""; 0]);
    }

    #[test]
    fn the_end_of_all_addresses() {
        let top = json!([{"subnet": "ff00::/8", "rangeStart": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"}]);
        let (a, b) = (
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        );
        assert_eq!(order(top.clone(), Some(b)), [a, b]);
        assert_eq!(order(top, Some(a)), [b, a]);
    }

    proptest! {
        /// Whatever was given out last: every address but the gateways, each once.
        #[test]
        fn a_permutation(prefix in 26u8..=30, a in 0u32..64, b in 0u32..64, gw in 0u32..64, last in 0u32..200) {
            let base = 0x0a00_0000u32;
            let size = 1u32 << (32 - prefix);
            let ip = |n: u32| std::net::Ipv4Addr::from(base + n).to_string();
            let (low, high) = (a.min(b) % size, a.max(b) % size);
            let range = json!({
                "subnet": format!("10.0.0.0/{prefix}"),
                "rangeStart": ip(low.min(high)), "rangeEnd": ip(low.max(high)), "gateway": ip(gw),
            });
            let more = json!({"subnet": "10.0.0.128/28", "gateway": "10.0.0.130"});
            let value = json!([range, more]);
            let last_ip = ip(last);
            let order = order(value.clone(), Some(&last_ip));
            let mut sorted = order.clone();
            sorted.sort();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), order.len(), "twice: {:?}", order);
            let set = set(value);
            for n in 0..200u32 {
                let address: IpAddr = ip(n).parse().unwrap();
                let wanted = set.range_of(address).is_some_and(|range| range.gateway() != address);
                prop_assert_eq!(order.contains(&ip(n)), wanted, "{}", address);
            }
            if order.contains(&last_ip) {
                prop_assert_eq!(order.last(), Some(&last_ip));
            }
        }
    }
}
