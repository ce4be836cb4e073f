//! From what the store shows to what the routing table is told.
//!
//! It remembers what it has told, so that a whole picture that comes after a gap takes back what is not
//! there any more. Where a value cannot be read, what was
//! read before it stays: a newer daemon may have written it, and this one's containers must not be cut off
//! for that.

use fairway_ipam::{
    Cidr, Encap, Family, Millis, NetworkName, NodeName, Pool, PoolName, PoolSpec,
    keys::Key,
    record::{
        BlockRecord, ClaimRecord, Holder, NetworkRecord, NodeRecord, Part, Record, UnderlayRecord,
    },
};
use fairway_kv::{Change, Entry, Update};
use fairway_rib::{
    Input, Mtu, Network, Node, PoolRouting, Prefix, RouteName, Underlay,
    route::{Addresses, Block, Claim, Key as RouteKey, Route, StaticRoute, Target},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// What the store shows of networks, as far as routes go.
#[derive(Debug, Default)]
pub(super) struct Feed {
    me: Option<NodeName>,
    keys: BTreeSet<String>,
    /// Keys whose values cannot be read: of each what was read last stays.
    pub(super) unreadable: BTreeSet<String>,
    pub(super) networks: BTreeMap<NetworkName, (NetworkRecord, u64)>,
    pub(super) pools: BTreeMap<PoolName, Pool>,
    pub(super) nodes: BTreeMap<NodeName, UnderlayRecord>,
    /// Nodes whose lease is gone, and since when: where they were is forgotten when their routes are.
    lost: BTreeMap<NodeName, Millis>,
    grace: u64,
    /// Which network a pool is in, as was told.
    told: BTreeMap<PoolName, PoolRouting>,
    /// Routes to nodes' own addresses, as were told.
    vteps: BTreeMap<RouteKey, Route>,
    /// Networks, pools or nodes are not as they were.
    pub(super) changed: bool,
}

impl Feed {
    /// `grace`: for how long routes to a node stay that is not heard of, in milliseconds.
    pub(super) fn new(me: NodeName, grace: u64) -> Feed {
        Feed {
            me: Some(me),
            grace,
            ..Feed::default()
        }
    }

    /// What an update of the store means.
    pub(super) fn take(&mut self, update: Update, now: Millis) -> Vec<Input> {
        let mut inputs = vec![Input::Tick(now)];
        self.forget(now);
        match update {
            Update::Lost => return inputs,
            Update::Reset { entries, .. } => {
                let there: BTreeSet<_> = entries.iter().map(|e| e.key.clone()).collect();
                let gone: Vec<_> = self.keys.difference(&there).cloned().collect();
                for key in gone {
                    self.delete(&key, now, &mut inputs);
                }
                for entry in entries {
                    self.put(entry, &mut inputs);
                }
            }
            Update::Changes { changes, .. } => {
                for change in changes {
                    match change {
                        Change::Put(entry) => self.put(entry, &mut inputs),
                        Change::Deleted { key, .. } => self.delete(&key, now, &mut inputs),
                    }
                }
            }
        }
        self.settle(&mut inputs);
        inputs
    }

    fn forget(&mut self, now: Millis) {
        let grace = self.grace;
        let gone = self
            .lost
            .extract_if(.., |_, since| now.0.saturating_sub(since.0) >= grace);
        for (node, _) in gone {
            self.changed |= self.nodes.remove(&node).is_some();
        }
    }

    /// Is nothing missing that would say that something is not wanted?
    pub(super) fn is_whole(&self) -> bool {
        let missing = |path: &String| match Key::parse(path) {
            Some(Key::Pool(name)) => !self.pools.contains_key(&name),
            Some(Key::Network(name)) => !self.networks.contains_key(&name),
            _ => false,
        };
        !self.unreadable.iter().any(missing)
    }

    fn put(&mut self, entry: Entry, inputs: &mut Vec<Input>) {
        let Some(key) = Key::parse(&entry.key) else {
            return;
        };
        let path = entry.key.clone();
        self.keys.insert(path.clone());
        match self.read(key, &entry, inputs) {
            true => self.unreadable.remove(&path),
            false => self.unreadable.insert(path),
        };
    }

    /// Takes notice of a value; false where it cannot be read.
    fn read(&mut self, key: Key, entry: &Entry, inputs: &mut Vec<Input>) -> bool {
        let value = &entry.value;
        match key {
            Key::Node(name) => {
                self.lost.remove(&name);
                let Ok(record) = NodeRecord::decode(value) else {
                    return false;
                };
                let underlay = record.underlay;
                let node = underlay.as_ref().and_then(|record| node(&name, record));
                self.changed |= self.nodes.get(&name) != underlay.as_ref();
                match underlay {
                    Some(underlay) => drop(self.nodes.insert(name.clone(), underlay)),
                    None => drop(self.nodes.remove(&name)),
                }
                // Of ourselves the kernel tells.
                if self.me.as_ref() != Some(&name) {
                    inputs.extend(node.map(Input::Node));
                }
            }
            Key::Pool(name) => {
                let spec = PoolSpec::decode(value).ok();
                let Some(pool) = spec.and_then(|spec| Pool::new(name.clone(), spec).ok()) else {
                    return false;
                };
                self.pools.insert(name, pool);
                self.changed = true;
            }
            Key::Network(name) => {
                let Ok(record) = NetworkRecord::decode(value) else {
                    return false;
                };
                self.changed = true;
                inputs.extend(network(&name, &record, entry.created.0));
                self.networks.insert(name, (record, entry.created.0));
            }
            Key::Block(pool, cidr) => {
                let (Ok(prefix), Ok(record)) = (Prefix::new(cidr), BlockRecord::decode(value))
                else {
                    return false;
                };
                inputs.push(match record.owner {
                    Some(owner) => Input::Route(Route::Block(Block {
                        pool,
                        prefix,
                        owner: owner.node,
                    })),
                    None => Input::Withdraw(RouteKey::Block(pool, prefix)),
                });
            }
            Key::Claim(pool, claim) => {
                let Ok(record) = ClaimRecord::decode(value) else {
                    return false;
                };
                inputs.push(match held(record) {
                    Some((holder, addresses)) => Input::Route(Route::Claim(Claim {
                        pool,
                        claim,
                        addresses,
                        holder,
                    })),
                    None => Input::Withdraw(RouteKey::Claim(pool, claim)),
                });
            }
            _ => {}
        }
        true
    }

    fn delete(&mut self, path: &str, now: Millis, inputs: &mut Vec<Input>) {
        self.keys.remove(path);
        if self.unreadable.remove(path) {
            self.changed = true;
        }
        match Key::parse(path) {
            // Where it is stays known for as long as its routes do.
            Some(Key::Node(node)) if self.me.as_ref() != Some(&node) => {
                self.lost.insert(node.clone(), now);
                inputs.push(Input::NodeLost { node, now });
            }
            Some(Key::Pool(name)) => {
                self.pools.remove(&name);
                self.changed = true;
            }
            Some(Key::Network(name)) => self.network_gone(name, inputs),
            Some(Key::Block(pool, cidr)) => {
                let prefix = Prefix::new(cidr).ok();
                inputs.extend(prefix.map(|prefix| Input::Withdraw(RouteKey::Block(pool, prefix))));
            }
            Some(Key::Claim(pool, claim)) => {
                inputs.push(Input::Withdraw(RouteKey::Claim(pool, claim)));
            }
            _ => {}
        }
    }

    fn network_gone(&mut self, name: NetworkName, inputs: &mut Vec<Input>) {
        self.changed = true;
        if self.networks.remove(&name).is_some() {
            inputs.push(Input::NetworkGone(name));
        }
    }

    /// What follows from networks, pools and nodes together.
    fn settle(&mut self, inputs: &mut Vec<Input>) {
        if !self.changed {
            return;
        }
        let routing = self.routing();
        for pool in self.told.keys().filter(|pool| !routing.contains_key(*pool)) {
            inputs.push(Input::PoolGone(pool.clone()));
        }
        for (name, pool) in &routing {
            if self.told.get(name) != Some(pool) {
                inputs.push(Input::Pool(pool.clone()));
            }
        }
        self.told = routing;
        let vteps = self.to_nodes();
        for key in self.vteps.keys().filter(|key| !vteps.contains_key(*key)) {
            inputs.push(Input::Withdraw(key.clone()));
        }
        for (key, route) in &vteps {
            if self.vteps.get(key) != Some(route) {
                inputs.push(Input::Route(route.clone()));
            }
        }
        self.vteps = vteps;
    }

    /// Which network each pool is in: of several that name it the one that was made first.
    fn routing(&self) -> BTreeMap<PoolName, PoolRouting> {
        let mut networks: Vec<_> = self.networks.iter().collect();
        networks.sort_by_key(|(name, (_, created))| (*created, (*name).clone()));
        let mut routing = BTreeMap::new();
        for (network, (record, _)) in networks {
            for name in &record.pools {
                if let Some(pool) = self.pools.get(name) {
                    routing.entry(name.clone()).or_insert(PoolRouting {
                        pool: name.clone(),
                        network: network.clone(),
                        encap: pool.spec.encap,
                    });
                }
            }
        }
        routing
    }

    /// From containers to other nodes' own addresses: the way that the nodes' packets come to containers,
    /// or an answer would take another one, and meet an underlay that does not know containers.
    fn to_nodes(&self) -> BTreeMap<RouteKey, Route> {
        let mut routes = BTreeMap::new();
        for (network, encap) in self.encaps() {
            for (node, underlay) in &self.nodes {
                if self.me.as_ref() == Some(node) {
                    continue;
                }
                for address in &underlay.addresses {
                    let Ok(prefix) = Prefix::host("underlay", address.address) else {
                        continue;
                    };
                    let Some(name) = vtep_name(&network, node, prefix.family()) else {
                        continue;
                    };
                    let route = Route::Static(StaticRoute {
                        name,
                        network: network.clone(),
                        prefix,
                        metric: u32::MAX,
                        target: Target::Node {
                            node: node.clone(),
                            encap,
                        },
                    });
                    routes.insert(route.key(), route);
                }
            }
        }
        routes
    }

    /// How each network's pools reach other nodes; the most careful of several.
    fn encaps(&self) -> BTreeMap<NetworkName, Encap> {
        let mut encaps = BTreeMap::new();
        for routing in self.told.values() {
            let encap = encaps
                .entry(routing.network.clone())
                .or_insert(routing.encap);
            *encap = (*encap).min(routing.encap);
        }
        encaps.retain(|_, encap| *encap != Encap::Never);
        encaps
    }

    /// The network whose pool holds an address.
    pub(super) fn network_of(&self, ip: IpAddr) -> Option<&NetworkName> {
        let holding = |pool: &&PoolRouting| {
            let pool = self.pools.get(&pool.pool);
            pool.is_some_and(|pool| pool.range_of(ip).is_some())
        };
        Some(&self.told.values().find(holding)?.network)
    }

    /// All networks, and the prefixes of their pools.
    pub(super) fn places(&self) -> BTreeMap<NetworkName, Vec<Cidr>> {
        let networks = self.networks.keys().map(|network| {
            let pools = self.pools_of(network).into_iter();
            let ranges = pools.flat_map(|pool| pool.spec.ranges.iter());
            (network.clone(), ranges.map(|range| range.cidr).collect())
        });
        networks.collect()
    }

    /// The pools of a network that are there and its own.
    pub(super) fn pools_of(&self, network: &NetworkName) -> Vec<&Pool> {
        let Some((record, _)) = self.networks.get(network) else {
            return Vec::new();
        };
        let own = |name: &&PoolName| self.told.get(*name).is_some_and(|p| p.network == *network);
        let names = record.pools.iter().filter(own);
        names.filter_map(|name| self.pools.get(name)).collect()
    }
}

fn network(name: &NetworkName, record: &NetworkRecord, created: u64) -> Option<Input> {
    let network = Network::new(name.clone(), record.vni, created);
    let imports = record.imports.iter().cloned();
    network.importing(imports).ok().map(Input::Network)
}

/// A node of the routing table.
pub(super) fn node(name: &NodeName, record: &UnderlayRecord) -> Option<Node> {
    let underlays = record.addresses.iter().filter_map(|address| {
        let subnet = Cidr::holding(address.address, address.prefix)?;
        Underlay::new(address.address, subnet).ok()
    });
    Node::new(name.clone(), Mtu::new(record.mtu).ok()?, underlays).ok()
}

/// Who holds a claim, and which addresses it grants; none: nobody does.
pub(crate) fn held(record: ClaimRecord) -> Option<(NodeName, Addresses)> {
    let ClaimRecord::Claim(claim) = record else {
        return None;
    };
    let holder: Holder = claim.holder?;
    let granted = claim.parts.iter().filter_map(|part| match part {
        Part::Granted { ip } => Some(*ip),
        _ => None,
    });
    Some((holder.node, Addresses::new(granted).ok()?))
}

/// A name that no route has that somebody wrote: those have no dot in front of their last part's digit.
fn vtep_name(network: &NetworkName, node: &NodeName, family: Family) -> Option<RouteName> {
    let digit = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let plain = format!("node.{node}.{network}.{digit}").to_lowercase();
    RouteName::new(&plain).ok().or_else(|| {
        let hash = plain.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        RouteName::new(&format!("node.{hash:016x}.{digit}")).ok()
    })
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
