//! In whose table a route is, and what moves with pools and networks.
//!
//! A route is in the table that its network or its pool says, or in none while that is not known. Whatever
//! leaves a table or comes into one is marked, so that nothing stays behind.

use super::{Rib, networks::remove};
use crate::{
    Network, NetworkName, PoolRouting, Prefix,
    route::{Home, Key, Route},
};
use fairway_ipam::PoolName;
use std::{collections::BTreeSet, sync::Arc};

impl Rib {
    pub(super) fn put(&mut self, route: Route) {
        let key = Arc::new(route.key());
        let old = self.routes.get(&key);
        if old == Some(&route) {
            return;
        }
        let old_node = old.and_then(Route::node).cloned();
        self.unplace(&key);
        if let Some(node) = route.node() {
            let keys = self.by_node.entry(node.clone()).or_default();
            keys.insert(key.clone());
            if *node != self.me {
                self.nodes.named(node);
            }
        }
        if let Home::Pool(pool) = route.home() {
            let keys = self.by_pool.entry(pool.clone()).or_default();
            keys.insert(key.clone());
        }
        self.routes.insert(key.clone(), route);
        self.place(&key);
        if let Some(node) = old_node {
            self.forget(&node);
        }
    }

    pub(super) fn withdraw(&mut self, key: &Key) {
        self.unplace(key);
        if let Some(node) = self.routes.remove(key).as_ref().and_then(Route::node) {
            self.forget(node);
        }
    }

    /// Puts a route into the table that it belongs to, if that is known.
    fn place(&mut self, key: &Arc<Key>) {
        let Some((network, prefixes)) = self.whereabouts(key) else {
            return;
        };
        let table = self.tables.entry(network.clone()).or_default();
        for prefix in &prefixes {
            table.entry(*prefix).or_default().insert(key.clone());
        }
        self.mark(&network, prefixes);
    }

    /// Takes a route out of table and indices.
    fn unplace(&mut self, key: &Key) {
        self.leave_table(key);
        let Some(route) = self.routes.get(key) else {
            return;
        };
        let shared = Arc::new(key.clone());
        if let Some(node) = route.node() {
            remove(&mut self.by_node, node, &shared);
        }
        if let Home::Pool(pool) = route.home() {
            remove(&mut self.by_pool, pool, &shared);
        }
    }

    fn leave_table(&mut self, key: &Key) {
        let Some((network, prefixes)) = self.whereabouts(key) else {
            return;
        };
        let shared = Arc::new(key.clone());
        if let Some(table) = self.tables.get_mut(&network) {
            for prefix in &prefixes {
                remove(table, prefix, &shared);
            }
            if table.is_empty() {
                self.tables.remove(&network);
            }
        }
        self.mark(&network, prefixes);
    }

    /// The table that a route belongs to, and its prefixes.
    pub(super) fn whereabouts(&self, key: &Key) -> Option<(NetworkName, Vec<Prefix>)> {
        let route = self.routes.get(key)?;
        let network = match route.home() {
            Home::Network(network) => network,
            Home::Pool(pool) => &self.pools.get(pool)?.network,
        };
        Some((network.clone(), route.prefixes()))
    }

    pub(super) fn pool(&mut self, name: &PoolName, new: Option<PoolRouting>) {
        if self.pools.get(name) == new.as_ref() {
            return;
        }
        let keys = self.by_pool.get(name).cloned().unwrap_or_default();
        for key in &keys {
            self.leave_table(key);
        }
        match new {
            Some(new) => self.pools.insert(name.clone(), new),
            None => self.pools.remove(name),
        };
        for key in &keys {
            self.place(key);
        }
    }

    pub(super) fn network(&mut self, name: &NetworkName, new: Option<Network>) {
        if self.networks.get(name) == new.as_ref() {
            return;
        }
        let old = self.networks.get(name);
        let both = || old.into_iter().chain(&new);
        let imports = both().flat_map(Network::imports);
        let imports: BTreeSet<_> = imports.cloned().collect();
        // A VNI that is taken or let go may concern others that want it.
        let wanting = both().flat_map(|network| self.networks.wanting(network.vni()));
        let mut touched: BTreeSet<_> = wanting.cloned().collect();
        touched.insert(name.clone());
        let before = touched.into_iter().map(|network| {
            let vni = self.networks.vni(&network);
            (network, vni)
        });
        let before: Vec<_> = before.collect();
        self.networks.replace(name, new);
        for (network, vni) in before {
            if self.networks.vni(&network) != vni {
                vni.into_iter().for_each(|vni| self.output.clear(vni));
                self.mark_table(&network);
            }
        }
        for import in imports {
            self.mark_for(name, &import);
        }
    }
}
