//! What holds for any history: in the end the kernel is as it would be without one.

use super::bed::{direct, encap, entry, host, local, settings, spread};
use crate::{Fib, names};
use fairway_netlink::{
    Event, Netlink, RouteFilter,
    fake::{Recorder, Snapshot},
};
use fairway_rib::{Change, Entry, Forward};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Want(Entry),
    Unwant(Entry),
    /// Something of ours goes; is it told?
    Harm(u8, bool),
    Doubt,
    Sync,
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let way = prop_oneof![
        Just(Forward::Unreachable),
        Just(local("fw1")),
        Just(local("nowhere")),
        (2..5_u8).prop_map(|n| encap(4096, &format!("192.0.2.{n}"))),
        Just(direct("192.0.2.9")),
        Just(spread(&[("192.0.2.9", "uplink"), ("192.0.2.8", "uplink")])),
        Just(spread(&[
            ("192.0.2.9", "uplink"),
            ("198.51.100.9", "second")
        ])),
        Just(spread(&[
            ("192.0.2.9", "uplink"),
            ("198.51.100.9", "nowhere")
        ])),
    ];
    (0..4_u8, any::<bool>(), way).prop_map(|(n, v6, way)| {
        let to = match v6 {
            true => format!("fd01::{n}00/122"),
            false => format!("10.1.{n}.0/26"),
        };
        entry(4096, &to, way)
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any_entry().prop_map(Step::Want),
        2 => any_entry().prop_map(Step::Unwant),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(what, told)| Step::Harm(what, told)),
        1 => Just(Step::Doubt),
        3 => Just(Step::Sync),
    ]
}

/// Takes something of ours away, as others do.
fn harm(host: &mut Recorder, what: u8) -> Option<Event> {
    let pick = |count: usize| (count > 0).then(|| usize::from(what / 5) % count);
    match what % 5 {
        0 => {
            let filter = RouteFilter {
                table: None,
                protocol: Some(names::PROTOCOL),
                ..RouteFilter::default()
            };
            let all = host.routes(&filter).unwrap();
            let route = all[pick(all.len())?].clone();
            host.delete_route(&route).unwrap();
            Some(Event::RouteGone(vec![route]))
        }
        1 => {
            let all = host.nexthops(None).unwrap();
            let hop = all[pick(all.len())?].clone();
            host.delete_nexthops(&[hop.id]).unwrap();
            Some(Event::NexthopGone(hop))
        }
        2 => {
            let all = host.rules(None).unwrap();
            let rule = all[pick(all.len())?].clone();
            host.delete_rule(&rule).unwrap();
            Some(Event::RuleGone(rule))
        }
        3 => {
            let all = host.neighbours(None).unwrap();
            let known = all[pick(all.len())?];
            host.delete_neighbour(known.index, known.ip).unwrap();
            Some(Event::NeighbourGone(known))
        }
        _ => {
            let device = host.link_by_name(names::DEVICE).unwrap()?;
            host.delete_link(device.index).unwrap();
            Some(Event::LinkGone(device))
        }
    }
}

/// All of a kernel's state but numbers that may differ.
fn bare(snapshot: &Snapshot, device: Option<u32>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let on = |index: Option<u32>| index.is_some() && index == device;
    for (_, route) in &snapshot.routes {
        let hop = route.nexthop.map(|id| {
            let hop = snapshot.nexthops.iter().find(|(_, hop)| hop.id == id);
            hop.map(|(_, hop)| hop.encap)
        });
        let mut route = route.clone();
        (route.nexthop, route.oif) = (None, route.oif.filter(|index| !on(Some(*index))));
        lines.push(format!("{route:?} {hop:?}"));
    }
    lines.extend(snapshot.rules.iter().map(|rule| format!("{rule:?}")));
    for (_, hop) in &snapshot.nexthops {
        lines.push(format!(
            "{:?} {:?} {}",
            hop.encap,
            hop.gateway,
            on(Some(hop.oif))
        ));
    }
    for (_, known) in &snapshot.neighbours {
        lines.push(format!(
            "{} {:?} {}",
            known.ip,
            known.mac,
            on(Some(known.index))
        ));
    }
    lines.sort();
    lines
}

fn state(host: &mut Recorder) -> Vec<String> {
    let device = host.link_by_name(names::DEVICE).unwrap();
    bare(&host.snapshot(), device.map(|link| link.index))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_history_leaves_a_trace(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut kernel = host();
        let mut fib = Fib::new(kernel.clone());
        fib.configure(settings());
        fib.complete();
        let mut wanted: std::collections::BTreeMap<String, Entry> = Default::default();
        for step in steps {
            match step {
                Step::Want(entry) => {
                    wanted.insert(entry.prefix.to_string(), entry.clone());
                    fib.change(vec![Change::Upsert(entry)]);
                }
                Step::Unwant(entry) => {
                    wanted.remove(&entry.prefix.to_string());
                    fib.change(vec![Change::Remove { vni: entry.vni, prefix: entry.prefix }]);
                }
                Step::Harm(what, told) => {
                    if let Some(event) = harm(&mut kernel, what).filter(|_| told) {
                        fib.event(&event);
                    }
                }
                Step::Doubt => fib.doubt(),
                Step::Sync => drop(fib.sync()),
            }
        }
        fib.doubt();
        fib.sync();
        // What went between is found at the second look at the latest.
        fib.doubt();
        let synced = fib.sync();
        prop_assert!(!synced.again, "{:?}", fib.problems());
        prop_assert_eq!(synced.changes, 0);

        let mut fresh = host();
        let mut other = Fib::new(fresh.clone());
        other.configure(settings());
        other.replace(wanted.into_values().collect());
        other.complete();
        other.sync();
        prop_assert_eq!(state(&mut kernel), state(&mut fresh));
    }
}
