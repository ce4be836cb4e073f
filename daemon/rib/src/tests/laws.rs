//! What holds for any history.

use super::{script::*, world::*};
use crate::{Change, Entry, Forward, Input, Prefix, Verdict, Vni};
use fairway_ipam::{Millis, NodeName};
use proptest::prelude::*;
use std::{cmp::Reverse, collections::BTreeMap, net::IpAddr};

type Fib = BTreeMap<(Vni, Prefix), Forward>;

fn fib(entries: Vec<Entry>) -> Fib {
    let keyed = entries.into_iter().map(|e| ((e.vni, e.prefix), e.forward));
    keyed.collect()
}

/// Applies changes as a kernel would, and refuses any that changes nothing.
fn apply(fib: &mut Fib, changes: Vec<Change>) -> Result<(), TestCaseError> {
    let order = |change: &Change| match change {
        Change::Upsert(entry) => (false, Reverse(entry.prefix.cidr().prefix())),
        Change::Remove { prefix, .. } => (true, Reverse(prefix.cidr().prefix())),
    };
    prop_assert!(changes.is_sorted_by_key(order));
    for change in changes {
        match change {
            Change::Upsert(entry) => {
                let old = fib.insert((entry.vni, entry.prefix), entry.forward.clone());
                prop_assert_ne!(old, Some(entry.forward));
            }
            Change::Remove { vni, prefix } => {
                prop_assert!(fib.remove(&(vni, prefix)).is_some());
            }
        }
    }
    Ok(())
}

/// Node `n<i>` crashes where `lost[i]` says so.
fn crash_of(node: &NodeName, lost: [bool; 4]) -> Option<Input> {
    let index: usize = node.as_str().trim_start_matches('n').parse().ok()?;
    lost.get(index).filter(|lost| **lost)?;
    Some(Input::NodeLost {
        node: node.clone(),
        now: Millis(0),
    })
}

/// The same answers as a search through all entries.
fn check_lookup(rib: &crate::Rib, ip: IpAddr) -> Result<(), TestCaseError> {
    for (network, vni) in ["a", "b", "c"].map(|n| (net(n), rib.networks.vni(&net(n)))) {
        let entries = rib.snapshot().into_iter();
        let holding = entries.filter(|e| Some(e.vni) == vni && e.prefix.cidr().contains(ip));
        let naive = holding.max_by_key(|e| e.prefix.cidr().prefix());
        let naive = naive.map(|entry| (entry.prefix, entry.forward));
        let found = rib.lookup(&network, ip);
        let found = found.map(|(prefix, forward)| (prefix, forward.clone()));
        prop_assert_eq!(&found, &naive);
        let Ok(explained) = rib.explain(&network, ip) else {
            continue;
        };
        prop_assert_eq!(&explained.route, &naive);
        // What is said to be the best is what is forwarded.
        for considered in explained.considered {
            let best = considered.candidates.first().map(|c| &c.verdict);
            let best = match best {
                Some(Verdict::Best { forward, .. }) => Some(forward),
                _ => None,
            };
            prop_assert_eq!(best, rib.output.get(explained.vni, considered.prefix));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_learning_does_not_matter(
        (facts, shuffled) in any_history().prop_flat_map(|history| {
            let facts = facts(&history);
            (Just(facts.clone()), Just(facts).prop_shuffle())
        }),
        lost in any::<[bool; 4]>(),
    ) {
        let (mut one, mut other) = (fresh(), fresh());
        let crash = |fact: &Input| match fact {
            Input::Node(node) => crash_of(node.name(), lost),
            _ => None,
        };
        let crashes: Vec<_> = facts.iter().filter_map(crash).collect();
        one.handle_all(facts.into_iter().chain(crashes));
        // Nodes may have crashed before anything was known to lead there.
        for fact in shuffled {
            let crash = crash(&fact);
            other.handle(fact);
            crash.into_iter().for_each(|crash| other.handle(crash));
        }
        prop_assert_eq!(all_said(&one), all_said(&other));
    }

    #[test]
    fn history_leaves_nothing_but_what_is_so(
        (history, facts) in any_history().prop_flat_map(|history| {
            let facts = facts(&history);
            (Just(history), Just(facts).prop_shuffle())
        }),
    ) {
        let (mut old, mut new) = (fresh(), fresh());
        for step in history {
            old.handle(step);
        }
        old.handle(the_end());
        new.handle_all(facts);
        new.handle(the_end());
        prop_assert_eq!(all_said(&old), all_said(&new));
    }

    #[test]
    fn deltas_make_the_new_state_of_the_old(
        history in any_history(),
        read in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let mut rib = fresh();
        let (each, start) = rib.subscribe();
        prop_assert!(start.is_empty());
        let (mut now, mut late) = (Fib::new(), None);
        for (step, read) in history.into_iter().zip(read) {
            rib.handle(step);
            let changes = rib.changes(&each);
            apply(&mut now, changes)?;
            prop_assert_eq!(&now, &fib(rib.snapshot()));
            match &mut late {
                None => {
                    let (reader, entries) = rib.subscribe();
                    late = Some((reader, fib(entries)));
                }
                Some((reader, seen)) if read => {
                    let changes = rib.changes(reader);
                    let resynced = fib(rib.resync(reader));
                    apply(seen, changes)?;
                    prop_assert_eq!(seen, &resynced);
                    prop_assert!(rib.changes(reader).is_empty());
                }
                Some(_) => {}
            }
        }
    }

    #[test]
    fn what_is_taken_back_was_never_there(history in any_history(), fact in any_step()) {
        let mut rib = fresh();
        for step in history.iter().cloned() {
            rib.handle(step);
        }
        // Only what is new can be taken back without a trace.
        let known = |input: &Input| facts(&history).iter().any(|f| undo(f) == undo(input));
        if let Some(back) = undo(&fact).filter(|_| !known(&fact)) {
            let before = all_said(&rib);
            let (reader, _) = rib.subscribe();
            rib.handle(fact);
            rib.handle(back);
            prop_assert_eq!(rib.changes(&reader), vec![]);
            prop_assert_eq!(before, all_said(&rib));
        }
    }

    #[test]
    fn lookups_find_what_a_search_of_everything_finds(
        history in any_history(),
        v4 in 0x0a01_0000..0x0a01_0200u32,
        v6 in 0..0x80u16,
    ) {
        let mut rib = fresh();
        rib.handle_all(history);
        let v6 = format!("fd01::{v6:x}").parse().unwrap();
        for ip in [IpAddr::V4(v4.into()), v6, ip("8.8.8.8"), ip("2001:db8::1")] {
            check_lookup(&rib, ip)?;
        }
    }

    #[test]
    fn at_the_end_of_everything_nothing_is_left(history in any_history()) {
        let mut rib = fresh();
        rib.handle_all(history.iter().cloned());
        for fact in facts(&history) {
            undo(&fact).into_iter().for_each(|back| rib.handle(back));
        }
        prop_assert!(rib.is_bare(), "{rib:?}");
    }
}
