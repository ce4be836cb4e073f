//! The table itself: what was told, in whose table it is, and what has to be judged anew.
//!
//! Nothing is judged while things are told; what they touch is marked, and judged once at the end. So a
//! batch of thousands costs no more than each of its prefixes once, and nobody sees half of it.

mod networks;
mod nodes;
mod place;
mod problem;
mod resolve;

pub use problem::Problem;

use crate::{
    Change, Entry, Forward, Network, NetworkName, Node, PoolRouting, Prefix, Reader,
    output::Output,
    route::{Key, Route},
    select,
};
use fairway_ipam::{Millis, NodeName, PoolName};
use networks::Networks;
use nodes::Nodes;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

/// What is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A node is alive, and there. This node as well: without it there is no way to others.
    Node(Node),
    /// A node's lease is gone. Its routes stay for the grace period. Of this node it means nothing.
    NodeLost {
        /// Which.
        node: NodeName,
        /// When.
        now: Millis,
    },
    /// A node was taken out of the cluster: no grace. Of this node it means nothing.
    NodeLeft(NodeName),
    /// The time. Needed when [`Rib::deadline`] is reached; earlier does no harm.
    Tick(Millis),
    /// A network, new or changed.
    Network(Network),
    /// A network is gone. Its routes wait, should it come back.
    NetworkGone(NetworkName),
    /// A pool, new or changed.
    Pool(PoolRouting),
    /// A pool is gone. Its routes wait, should it come back.
    PoolGone(PoolName),
    /// A route, new or changed.
    Route(Route),
    /// A route is gone.
    Withdraw(Key),
}

type Keys = BTreeSet<Arc<Key>>;

/// The routing table of one node.
#[derive(Debug)]
pub struct Rib {
    me: NodeName,
    pub(crate) networks: Networks,
    nodes: Nodes,
    pools: BTreeMap<PoolName, PoolRouting>,
    routes: BTreeMap<Arc<Key>, Route>,
    by_pool: BTreeMap<PoolName, Keys>,
    by_node: BTreeMap<NodeName, Keys>,
    tables: BTreeMap<NetworkName, BTreeMap<Prefix, Keys>>,
    pub(crate) output: Output,
    /// To be judged: whose table, which prefix.
    marked: BTreeSet<(NetworkName, Prefix)>,
    #[cfg(test)]
    pub(crate) judged: usize,
}

impl Rib {
    /// An empty table of the node `me`. `grace`: for how long the routes of a node stay that is not heard
    /// of, in milliseconds.
    pub fn new(me: NodeName, grace: u64) -> Rib {
        Rib {
            me,
            networks: Networks::default(),
            nodes: Nodes::new(grace),
            pools: BTreeMap::new(),
            routes: BTreeMap::new(),
            by_pool: BTreeMap::new(),
            by_node: BTreeMap::new(),
            tables: BTreeMap::new(),
            output: Output::default(),
            marked: BTreeSet::new(),
            #[cfg(test)]
            judged: 0,
        }
    }

    /// Learns one thing.
    pub fn handle(&mut self, input: Input) {
        self.handle_all([input]);
    }

    /// Learns several things at once: readers see all of them or none. A time counts for what comes after
    /// it.
    pub fn handle_all(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            self.learn(input);
        }
        for (network, prefix) in std::mem::take(&mut self.marked) {
            self.judge(&network, prefix);
        }
    }

    /// Somebody follows from now on: first everything, then [`Rib::changes`].
    pub fn subscribe(&mut self) -> (Reader, Vec<Entry>) {
        (self.output.subscribe(), self.output.snapshot())
    }

    /// Somebody follows no more.
    pub fn unsubscribe(&mut self, reader: &Reader) {
        self.output.unsubscribe(reader);
    }

    /// What is different from what the reader saw last, each prefix at most once: first what is there,
    /// then what is gone, the longest prefixes first. Applied in that order no address loses its way
    /// between two steps that has one before and after.
    pub fn changes(&mut self, reader: &Reader) -> Vec<Change> {
        self.output.changes(reader)
    }

    /// Everything once more; the reader's changes count from here.
    pub fn resync(&mut self, reader: &Reader) -> Vec<Entry> {
        self.output.changes(reader);
        self.output.snapshot()
    }

    /// Everything that is to be forwarded, the longest prefixes first.
    pub fn snapshot(&self) -> Vec<Entry> {
        self.output.snapshot()
    }

    /// The longest prefix of a network that holds the address, and its way.
    pub fn lookup(&self, network: &NetworkName, address: IpAddr) -> Option<(Prefix, &Forward)> {
        let vni = self.networks.vni(network)?;
        let mut around = Prefix::around(address);
        around.find_map(|prefix| Some((prefix, self.output.get(vni, prefix)?)))
    }

    /// Does a network have its VNI, or does an older one?
    pub fn has_vni(&self, network: &NetworkName) -> bool {
        self.networks.vni(network).is_some()
    }

    /// The route that a prefix of a network has its way from.
    pub fn best(&self, network: &NetworkName, prefix: Prefix) -> Option<&Key> {
        let contenders = self.contenders(network, prefix);
        select::best(&contenders).map(|best| best.key)
    }

    /// When to tell the time at the latest. None: not before something else happens.
    pub fn deadline(&self) -> Option<Millis> {
        self.nodes.deadline()
    }

    fn learn(&mut self, input: Input) {
        match input {
            Input::Node(node) => {
                let name = node.name().clone();
                if self.nodes.set(node) {
                    self.mark_node(&name);
                }
            }
            Input::NodeLost { node, now } => {
                self.tick(now);
                if node != self.me {
                    self.nodes.lost(node);
                    // The grace may be none at all.
                    self.tick(now);
                }
            }
            Input::NodeLeft(node) if node != self.me => {
                self.nodes.left(node.clone());
                self.gone(&node);
            }
            Input::NodeLeft(_) => {}
            Input::Tick(now) => self.tick(now),
            Input::Network(network) => {
                let name = network.name().clone();
                self.network(&name, Some(network));
            }
            Input::NetworkGone(name) => self.network(&name, None),
            Input::Pool(pool) => {
                let name = pool.pool.clone();
                self.pool(&name, Some(pool));
            }
            Input::PoolGone(name) => self.pool(&name, None),
            Input::Route(route) => self.put(route),
            Input::Withdraw(key) => self.withdraw(&key),
        }
    }

    fn tick(&mut self, now: Millis) {
        self.nodes.tick(now);
        for node in self.nodes.expired() {
            self.gone(&node);
        }
    }

    fn gone(&mut self, node: &NodeName) {
        self.mark_node(node);
        self.forget(node);
    }

    /// Of a node that no route leads to nothing is kept but what it told itself.
    fn forget(&mut self, node: &NodeName) {
        if !self.by_node.contains_key(node) {
            self.nodes.unnamed(node);
        }
    }

    /// Judges one prefix of one network.
    fn judge(&mut self, network: &NetworkName, prefix: Prefix) {
        #[cfg(test)]
        {
            self.judged += 1;
        }
        let Some(vni) = self.networks.vni(network) else {
            return;
        };
        let contenders = self.contenders(network, prefix);
        let best = select::best(&contenders).and_then(|best| best.way.as_ref().ok());
        let forward = best.map(|way| way.forward.clone());
        self.output.set(vni, prefix, forward);
    }
}

#[cfg(test)]
impl Rib {
    /// Is nothing left of any route, network or pool?
    pub(crate) fn is_bare(&self) -> bool {
        self.pools.is_empty()
            && self.routes.is_empty()
            && self.by_pool.is_empty()
            && self.by_node.is_empty()
            && self.tables.is_empty()
            && self.marked.is_empty()
            && self.output.snapshot().is_empty()
            && self.networks.is_bare()
            && self.nodes.unheard().next().is_none()
    }

    /// The node that a route leads to.
    pub(crate) fn leads_to(&self, key: &Key) -> Option<NodeName> {
        self.routes.get(key)?.node().cloned()
    }
}
