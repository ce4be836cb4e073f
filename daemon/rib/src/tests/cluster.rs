//! The tables of several nodes together: where does a packet end?
//!
//! Each node learns the same at its own pace; between two nodes that know different things a packet may
//! get lost, but it must not end at a container that is not the addressee.

use super::world::*;
use crate::{Encap, Forward, Input, NetworkName, Rib, route::Route};
use fairway_ipam::NodeName;
use proptest::prelude::*;
use std::net::IpAddr;

const COUNT: usize = 4;

fn node_name(index: usize) -> String {
    format!("n{index}")
}

fn address(index: usize) -> String {
    match index % 2 {
        0 => format!("192.0.2.{}/24", 10 + index),
        _ => format!("198.51.100.{}/24", 10 + index),
    }
}

fn cluster(encap: Encap) -> Vec<Rib> {
    let all = |rib: &mut Rib| {
        rib.handle_all([network("a", 5000, 1, &[]), pool("web", "a", encap)]);
        for index in 0..COUNT {
            let block = block("web", &format!("10.1.{index}.0/26"), &node_name(index));
            rib.handle_all([
                node(&node_name(index), 1500, &[&address(index)]),
                add(block),
            ]);
        }
    };
    let mut ribs: Vec<_> = (0..COUNT)
        .map(|index| Rib::new(name(&node_name(index)), GRACE))
        .collect();
    ribs.iter_mut().for_each(all);
    ribs
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Container(usize, String),
    Nowhere,
    Loop,
}

/// Follows a packet from node to node.
fn follow(ribs: &[Rib], network: &NetworkName, from: usize, to: IpAddr) -> End {
    let mut at = from;
    for _ in 0..8 {
        let next = match ribs[at].lookup(network, to) {
            Some((_, Forward::Link { link })) => {
                return End::Container(at, link.as_str().to_owned());
            }
            Some((_, Forward::Direct { gateway, .. })) => gateway.address(),
            Some((_, Forward::Encap { vtep, .. })) => *vtep,
            _ => return End::Nowhere,
        };
        let is = |index: &usize| address(*index).starts_with(&format!("{next}/"));
        at = (0..COUNT).find(is).expect("a node at that address");
    }
    End::Loop
}

fn holder(index: usize) -> Route {
    claim("web", "db-0", &["10.1.0.5"], &node_name(index))
}

fn db() -> Route {
    container("a", "db", &["10.1.0.5"], 1)
}

/// The claim's addressee moves along: it ends, another node takes the claim, it starts there.
fn journey(stations: &[usize]) -> Vec<(Option<usize>, Input)> {
    let mut events = Vec::new();
    for (number, station) in stations.iter().enumerate() {
        if let Some(last) = number.checked_sub(1) {
            events.push((Some(stations[last]), remove(&db())));
        }
        events.push((None, add(holder(*station))));
        events.push((Some(*station), add(db())));
    }
    events
}

proptest! {
    #[test]
    fn a_claim_that_moves_has_one_owner_at_any_time(
        encap in proptest::sample::select(&[Encap::Always, Encap::CrossSubnet]),
        stations in proptest::collection::vec(0..COUNT, 1..5),
        lags in proptest::collection::vec(proptest::collection::vec(0..3usize, COUNT), 20),
    ) {
        let mut ribs = cluster(encap);
        let network = net("a");
        let mut waiting: Vec<Vec<Input>> = vec![Vec::new(); COUNT];
        let mut live = None;
        let holders: Vec<_> = stations.iter().map(|s| name(&node_name(*s))).collect();
        let last = stations.last().copied();
        for ((at, event), lags) in journey(&stations).into_iter().zip(lags) {
            match at {
                // On the spot, at once, and it knows of the claim what it acts on.
                Some(at) => {
                    let known: Vec<_> = waiting[at].drain(..).collect();
                    ribs[at].handle_all(known);
                    live = matches!(event, Input::Route(_)).then_some(at);
                    ribs[at].handle(event);
                }
                None => waiting.iter_mut().for_each(|w| w.push(event.clone())),
            }
            for (index, lag) in lags.into_iter().enumerate() {
                let count = waiting[index].len().min(lag);
                let known: Vec<_> = waiting[index].drain(..count).collect();
                ribs[index].handle_all(known);
            }
            for from in 0..COUNT {
                if let End::Container(at, link) = follow(&ribs, &network, from, ip("10.1.0.5")) {
                    prop_assert_eq!((Some(at), &*link), (live, "fwdb"));
                }
                let owners = claim_owners(&ribs[from]);
                prop_assert!(owners.len() <= 1 && owners.iter().all(|o| holders.contains(o)));
            }
        }
        for (rib, waiting) in ribs.iter_mut().zip(waiting) {
            rib.handle_all(waiting);
        }
        for from in 0..COUNT {
            let end = End::Container(last.unwrap(), "fwdb".to_owned());
            prop_assert_eq!(follow(&ribs, &network, from, ip("10.1.0.5")), end);
            // What nobody has is nowhere, and not in a circle.
            for unused in ["10.1.0.6", "10.1.1.6", "10.1.2.5", "10.1.3.5"] {
                prop_assert_eq!(follow(&ribs, &network, from, ip(unused)), End::Nowhere);
            }
        }
    }
}

/// To whom a node thinks the claim leads.
fn claim_owners(rib: &Rib) -> Vec<NodeName> {
    let explanation = rib.explain(&net("a"), ip("10.1.0.5")).unwrap();
    let candidates = explanation.considered.iter().flat_map(|c| &c.candidates);
    let claims = candidates.filter(|c| matches!(c.key, crate::route::Key::Claim(..)));
    claims.filter_map(|c| rib.leads_to(&c.key)).collect()
}
