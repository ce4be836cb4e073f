//! Who contends for a prefix and which way each would go; and whom a change concerns.

use super::{Rib, nodes::Found};
use crate::{
    Encap, Forward, NetworkName, Prefix, Unusable, Vni, Why,
    hop::{self, Way},
    route::{Gateway, Key, Route, Target},
    select::{Class, Contender},
};
use fairway_ipam::{Family, NodeName};
use std::sync::Arc;

impl Rib {
    /// Every route for a prefix of a network, those that it imports included.
    pub(crate) fn contenders(&self, network: &NetworkName, prefix: Prefix) -> Vec<Contender<'_>> {
        let Some(network) = self.networks.get(network) else {
            return Vec::new();
        };
        let own = [(network.name(), false)];
        let imports = network.imports().iter().map(|import| (import, true));
        let mut contenders = Vec::new();
        for (source, imported) in own.into_iter().chain(imports) {
            let Some(vni) = self.networks.vni(source) else {
                continue;
            };
            for (key, route) in self.keyed(source, prefix) {
                if !imported || route.exported() {
                    contenders.push(Contender {
                        key,
                        route,
                        network: source,
                        imported,
                        class: Class::of(route, &self.me),
                        way: self.way(route, prefix.family(), vni),
                    });
                }
            }
        }
        let assigned = |one: &Contender<'_>| matches!(one.route, Route::Block(_) | Route::Claim(_));
        if !contenders.iter().any(assigned) {
            for one in &mut contenders {
                if matches!(one.route, Route::Bgp(route) if route.beside) {
                    one.way = Err(Unusable::InPool);
                }
            }
        }
        contenders
    }

    fn keyed(&self, network: &NetworkName, prefix: Prefix) -> impl Iterator<Item = (&Key, &Route)> {
        let keys = self
            .tables
            .get(network)
            .and_then(|table| table.get(&prefix));
        let keys = keys.into_iter().flatten();
        keys.filter_map(|key| Some((&**key, self.routes.get(key)?)))
    }

    /// Which way a route goes from here.
    fn way(&self, route: &Route, family: Family, vni: Vni) -> Result<Way, Unusable> {
        let encap = |pool| {
            self.pools
                .get(pool)
                .map_or_else(Encap::default, |p| p.encap)
        };
        match route {
            Route::Endpoint(endpoint) => {
                let link = endpoint.link.clone();
                Ok(Way::new(Forward::Link { link }, Why::Here))
            }
            Route::Block(block) if block.owner == self.me => {
                Ok(Way::new(Forward::Unreachable, Why::OwnBlock))
            }
            Route::Block(block) => self.to_node(&block.owner, encap(&block.pool), family, vni),
            Route::Claim(claim) if claim.holder == self.me => {
                Ok(Way::new(Forward::Unreachable, Why::HeldHere))
            }
            Route::Claim(claim) => self.to_node(&claim.holder, encap(&claim.pool), family, vni),
            Route::Static(route) => match &route.target {
                Target::Gateway(gateway) => Ok(via(gateway, Why::Gateway)),
                Target::Node { node, encap } => self.to_node(node, *encap, family, vni),
                Target::Unreachable => Ok(Way::new(Forward::Unreachable, Why::AsTold)),
                Target::Blackhole => Ok(Way::new(Forward::Blackhole, Why::AsTold)),
            },
            Route::Bgp(route) => {
                let why = Why::NextHops {
                    next_hops: route.next_hops.clone(),
                };
                Ok(match route.gateways.single() {
                    Some(gateway) => via(gateway, why),
                    None => {
                        let gateways = route.gateways.clone();
                        Way::new(Forward::Multipath { gateways }, why)
                    }
                })
            }
        }
    }

    fn to_node(
        &self,
        name: &NodeName,
        encap: Encap,
        family: Family,
        vni: Vni,
    ) -> Result<Way, Unusable> {
        if *name == self.me {
            return Err(Unusable::Ourselves);
        }
        let node = match self.nodes.find(name) {
            Found::Node(node) => node,
            Found::NotHeardOf => {
                let node = name.clone();
                return Ok(Way::new(Forward::Hold, Why::NotHeardOf { node }));
            }
            Found::Away => {
                let node = name.clone();
                return Err(Unusable::NodeAway { node });
            }
        };
        match self.nodes.find(&self.me) {
            Found::Node(me) => hop::to_node(me, node, encap, family, vni),
            // Forwarding goes on while our own address is being found out.
            Found::NotHeardOf | Found::Away => Ok(Way::new(Forward::Hold, Why::NoUnderlay)),
        }
    }

    /// Marks prefixes of a network, for itself and for those that import it.
    pub(super) fn mark(&mut self, network: &NetworkName, prefixes: Vec<Prefix>) {
        for prefix in prefixes {
            for importer in self.networks.importers(network) {
                self.marked.insert((importer.clone(), prefix));
            }
            self.marked.insert((network.clone(), prefix));
        }
    }

    /// Marks what leads to a node; for this node, what leads to any other.
    pub(super) fn mark_node(&mut self, node: &NodeName) {
        let keys: Vec<Arc<Key>> = match *node == self.me {
            true => self.by_node.values().flatten().cloned().collect(),
            false => self
                .by_node
                .get(node)
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        };
        for key in keys {
            if let Some((network, prefixes)) = self.whereabouts(&key) {
                self.mark(&network, prefixes);
            }
        }
    }

    /// Marks all of a network, with what it imports.
    pub(super) fn mark_table(&mut self, network: &NetworkName) {
        let prefixes = self.prefixes(network);
        self.mark(network, prefixes);
        let imports = self.networks.get(network).map(|n| n.imports().clone());
        for import in imports.into_iter().flatten() {
            self.mark_for(network, &import);
        }
    }

    /// Marks, for one network, what it has or had from another.
    pub(super) fn mark_for(&mut self, network: &NetworkName, import: &NetworkName) {
        let prefixes = self.prefixes(import).into_iter();
        let marks = prefixes.map(|prefix| (network.clone(), prefix));
        self.marked.extend(marks);
    }

    fn prefixes(&self, network: &NetworkName) -> Vec<Prefix> {
        let table = self.tables.get(network).into_iter();
        table.flat_map(|table| table.keys().copied()).collect()
    }
}

fn via(gateway: &Gateway, why: Why) -> Way {
    let forward = Forward::Direct {
        gateway: gateway.clone(),
        mtu: None,
    };
    Way::new(forward, why)
}
