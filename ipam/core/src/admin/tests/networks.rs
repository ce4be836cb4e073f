//! Networks: made, changed and removed; what is refused, and whom the refusal names.

mod changed;
mod kept;
mod made;

use crate::{
    NetworkName, NetworkRecord, PoolName, Vni, admin::*, fixture::*, keys::Key, record::Record,
};
use std::collections::BTreeSet;

fn net(name: &str) -> NetworkName {
    name.parse().unwrap()
}

fn nets(names: &[&str]) -> Vec<NetworkName> {
    names.iter().map(|name| net(name)).collect()
}

fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

fn pools(names: &[&str]) -> Vec<PoolName> {
    names.iter().map(|name| pool_name(name)).collect()
}

fn new(name: &str, of: &[&str]) -> NewNetwork {
    NewNetwork {
        name: net(name),
        vni: None,
        pools: pools(of),
        imports: BTreeSet::new(),
    }
}

fn make(store: &mut Store, new: NewNetwork) {
    let txn = create_network(&store.view(), new).unwrap();
    assert!(store.commit(&txn));
}

fn refusal(store: &Store, new: NewNetwork) -> String {
    create_network(&store.view(), new).unwrap_err().to_string()
}

fn record(store: &Store, name: &str) -> NetworkRecord {
    store.view().networks[&net(name)].value.clone()
}

/// Changes a network; did anything change?
fn set(store: &mut Store, name: &str, change: &NetworkChange, force: bool) -> bool {
    let txn = change_network(&store.view(), &net(name), change, force).unwrap();
    txn.is_some_and(|txn| store.commit(&txn))
}

fn set_refusal(store: &Store, name: &str, change: &NetworkChange) -> String {
    let refused = change_network(&store.view(), &net(name), change, false);
    refused.unwrap_err().to_string()
}

/// The pools `a`, `b`, `c`, `d`.
fn four_pools() -> Store {
    let mut store = Store::default();
    for (name, prefix) in [
        ("a", "10.1.0.0/16"),
        ("b", "10.2.0.0/16"),
        ("c", "fd03::/64"),
        ("d", "fd04::/64"),
    ] {
        store.pool(name, &[prefix]);
    }
    store
}

/// Writes a network past all that is judged here.
fn write(store: &mut Store, name: &str, number: u32, of: &[&str], imports: &[&str]) {
    let record = NetworkRecord {
        vni: vni(number),
        pools: pools(of),
        imports: nets(imports).into_iter().collect(),
    };
    store.set(&Key::Network(net(name)), record.encode());
}
