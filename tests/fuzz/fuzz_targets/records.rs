//! The store: what is read is written the same, and no content, however wrong, makes what looks at it
//! panic. Input: lines of `KEY VALUE`, the key without its root.
#![no_main]

use fairway_ipam::{
    Clock, Millis, PoolSpec, UnixSeconds, View,
    admin::{self, AddressFilter, NetworkChange, Rests},
    audit,
    keys::Key,
    record::{
        BlockRecord, ClaimRecord, GuardRecord, NetworkRecord, NodeRecord, Record, WantRecord,
    },
};
use fairway_kv::{Entry, ROOT, Revision, Txn, Write};
use libfuzzer_sys::fuzz_target;
use std::{collections::BTreeSet, fmt::Debug};

fn both_ways<T: Record + PartialEq + Debug>(value: &[u8]) {
    if let Ok(record) = T::decode(value) {
        assert_eq!(T::decode(&record.encode()).as_ref(), Ok(&record));
    }
}

/// What a store takes.
fn judge(txns: &[Txn]) {
    for txn in txns {
        assert!(txn.conditions.len() <= Txn::LIMIT && txn.writes.len() <= Txn::LIMIT);
        let keys: BTreeSet<_> = txn.writes.iter().map(Write::key).collect();
        assert_eq!(keys.len(), txn.writes.len());
    }
}

fuzz_target!(|data: &[u8]| {
    let mut entries: Vec<Entry> = Vec::new();
    for line in data.split(|c| *c == b'\n') {
        let mut parts = line.splitn(2, |c| *c == b' ');
        let (key, value) = (parts.next().unwrap_or_default(), parts.next());
        let (Ok(key), Some(value)) = (str::from_utf8(key), value) else {
            continue;
        };
        both_ways::<BlockRecord>(value);
        both_ways::<ClaimRecord>(value);
        both_ways::<GuardRecord>(value);
        both_ways::<NetworkRecord>(value);
        both_ways::<NodeRecord>(value);
        both_ways::<PoolSpec>(value);
        both_ways::<WantRecord>(value);
        let key = format!("{ROOT}{key}");
        if let Some(parsed) = Key::parse(&key) {
            assert_eq!(parsed.path(), key);
        }
        if entries.iter().all(|entry| entry.key != key) {
            let revision = Revision(entries.len() as u64 + 1);
            entries.push(Entry {
                key,
                value: value.to_vec(),
                created: revision,
                modified: revision,
            });
        }
    }
    let view = View::from_entries(Revision(entries.len() as u64), entries);
    let clock = Clock {
        now: Millis(1_000_000),
        wall: UnixSeconds(2_000_000_000),
    };
    let report = audit::check(&view, None, &[]);
    let confirmed = report.clone().confirmed(&report);
    assert_eq!(confirmed.findings, report.findings);
    assert_eq!(confirmed.is_clean(), report.is_clean());
    assert_eq!(confirmed.clone().confirmed(&report), confirmed);
    for pool in confirmed.pools.iter().filter(|pool| pool.holds) {
        assert_eq!(pool.allocated, pool.live + pool.claimed + pool.cooling);
    }
    for (fix, _) in report.fixes() {
        if let audit::Fix::Txn(txn) = fix {
            judge(&[txn]);
        }
    }
    admin::pools(&view);
    for network in admin::networks(&view) {
        let change = NetworkChange {
            remove_pools: network.record.pools.clone(),
            add_pools: view.pools.keys().cloned().collect(),
            ..NetworkChange::default()
        };
        if let Ok(Some(txn)) = admin::change_network(&view, &network.name, &change, true) {
            judge(&[txn]);
        }
        if let Ok(txn) = admin::remove_network(&view, &network.name, false) {
            judge(&[txn]);
        }
    }
    admin::addresses(&view, &AddressFilter::default());
    let mut rests = Rests::default();
    judge(&rests.settle(&view, Clock::default()));
    judge(&rests.settle(&view, clock));
    admin::expired(&view, clock);
    for node in admin::nodes(&view).keys() {
        if let Ok(plan) = admin::remove_node(&view, node, true, false, clock) {
            judge(&plan.txns);
        }
    }
    for pool in view.pools.keys() {
        if let Ok(admin::Retire::Finish(txns)) = admin::finish_retire(&view, pool) {
            judge(&txns);
        }
    }
});
