//! What the store shows, in the engine's words.
//!
//! Each key is compared with what it was, so that a list that is read anew tells the engine nothing that it
//! knows. What cannot be read is a problem that is told, and what was in its place before stays in force: a
//! policy must not fall because a newer program wrote it.

use super::{keys::Key, record::EndpointRecord};
use fairway_ipam::{
    NetworkRecord,
    record::{NodeRecord, Record as _},
};
use fairway_kv::{Change, Entry, Update};
use fairway_policy::input::{Input, Node};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
pub(super) struct Feed {
    here: String,
    /// Keys that are there, with the values that were taken.
    known: BTreeMap<String, Vec<u8>>,
    problems: BTreeMap<String, String>,
    networks: BTreeMap<String, u32>,
    node: Option<NodeRecord>,
    addresses: BTreeSet<IpAddr>,
    /// Nodes that are not heard of, and since when: they keep their names in policies for a while, as their routes
    /// stay.
    away: BTreeMap<String, Instant>,
    grace: Duration,
    /// The whole picture was there once.
    pub(super) seen: bool,
    /// Networks have changed.
    pub(super) networks_changed: bool,
}

impl Feed {
    pub(super) fn new(here: String, grace: Duration) -> Feed {
        Feed {
            here,
            grace,
            ..Feed::default()
        }
    }

    /// What is wrong with what the store shows.
    pub(super) fn problems(&self) -> impl Iterator<Item = &String> {
        self.problems.values()
    }

    /// An object that cannot be read and of which nothing is known from before: what it would refuse must not
    /// pass, so nothing that is known without it takes over from what a daemon before this one knew.
    pub(super) fn blind(&self) -> Option<&String> {
        let mut problems = self.problems.iter();
        let unknown = problems.find(|(key, _)| {
            matches!(Key::parse(key), Some(Key::Object(_))) && !self.known.contains_key(*key)
        });
        unknown.map(|(_, problem)| problem)
    }

    /// Nodes that were away for long enough.
    pub(super) fn expired(&mut self) -> Vec<Input> {
        let gone = self
            .away
            .iter()
            .filter(|(_, since)| since.elapsed() >= self.grace);
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        let forget = |name: String| {
            self.away.remove(&name);
            Input::NodeGone(name)
        };
        gone.into_iter().map(forget).collect()
    }

    /// The VNI of a network.
    pub(super) fn vni(&self, network: &str) -> Option<u32> {
        self.networks.get(network).copied()
    }

    /// Is there any network?
    pub(super) fn has_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    /// What the store says that this node has told of its endpoints.
    pub(super) fn told(&self) -> BTreeMap<&String, &Vec<u8>> {
        let prefix = format!("{}endpoints/{}/", fairway_kv::ROOT, self.here);
        let after = self.known.range(prefix.clone()..);
        after
            .take_while(|(key, _)| key.starts_with(&prefix))
            .collect()
    }

    /// This node's own addresses, as the kernel has them.
    pub(super) fn own_addresses(&mut self, addresses: BTreeSet<IpAddr>) -> Option<Input> {
        if self.addresses == addresses {
            return None;
        }
        self.addresses = addresses;
        Some(self.own_node())
    }

    pub(super) fn take(&mut self, update: Update) -> Vec<Input> {
        let mut inputs = Vec::new();
        match update {
            Update::Lost => {}
            Update::Reset { entries, .. } => {
                let present: BTreeSet<&str> = entries.iter().map(|e| e.key.as_str()).collect();
                let known = self.known.keys().chain(self.problems.keys());
                let gone = known.filter(|key| !present.contains(key.as_str()));
                let gone: Vec<String> = gone.cloned().collect();
                for key in gone {
                    inputs.extend(self.gone(&key));
                }
                for entry in entries {
                    inputs.extend(self.put(entry));
                }
                self.seen = true;
            }
            Update::Changes { changes, .. } => {
                for change in changes {
                    inputs.extend(match change {
                        Change::Put(entry) => self.put(entry),
                        Change::Deleted { key, .. } => self.gone(&key),
                    });
                }
            }
        }
        inputs
    }

    fn put(&mut self, entry: Entry) -> Option<Input> {
        let key = Key::parse(&entry.key)?;
        if self.known.get(&entry.key) == Some(&entry.value) {
            return None;
        }
        match self.read(&key, &entry.value) {
            Ok(input) => {
                self.problems.remove(&entry.key);
                self.known.insert(entry.key, entry.value);
                input
            }
            Err(reason) => {
                let problem = format!("{}: {reason}; it is left as it was", entry.key);
                self.problems.insert(entry.key, problem);
                None
            }
        }
    }

    fn read(&mut self, key: &Key, value: &[u8]) -> Result<Option<Input>, String> {
        let text = |error: fairway_ipam::record::RecordError| error.to_string();
        Ok(match key {
            Key::Object(name) => {
                let parsed = super::stored::decode(value)?;
                if parsed.name != *name {
                    return Err(format!("holds {}", parsed.name));
                }
                Some(Input::Object(parsed.object))
            }
            Key::Endpoint { node, .. } => {
                let record = EndpointRecord::decode(value).map_err(text)?;
                // Of its own containers the node knows best.
                (*node != self.here).then(|| Input::Endpoint(record.endpoint(node, false)))
            }
            Key::Node(name) => {
                let record = NodeRecord::decode(value).map_err(text)?;
                match *name == self.here {
                    true => {
                        self.node = Some(record);
                        Some(self.own_node())
                    }
                    false => {
                        self.away.remove(name);
                        Some(Input::Node(node(name, &record, false)))
                    }
                }
            }
            Key::Network(name) => {
                let record = NetworkRecord::decode(value).map_err(text)?;
                self.networks.insert(name.clone(), record.vni.number());
                self.networks_changed = true;
                None
            }
        })
    }

    fn gone(&mut self, path: &str) -> Option<Input> {
        self.problems.remove(path);
        let value = self.known.remove(path)?;
        match Key::parse(path)? {
            Key::Object(name) => Some(Input::ObjectGone(name)),
            Key::Endpoint { node, .. } if node == self.here => None,
            Key::Endpoint { node, .. } => {
                let record = EndpointRecord::decode(&value).ok()?;
                Some(Input::EndpointGone(record.id(&node)))
            }
            // It may only be cut off, or be upgraded: what rules say of it holds on. This one keeps its labels.
            Key::Node(name) => {
                if name != self.here {
                    self.away.insert(name, Instant::now());
                }
                None
            }
            Key::Network(name) => {
                self.networks.remove(&name);
                self.networks_changed = true;
                None
            }
        }
    }

    fn own_node(&self) -> Input {
        let labels = self.node.as_ref().map(|node| node.labels.clone());
        Input::Node(Node {
            name: self.here.clone(),
            labels: labels.unwrap_or_default(),
            addresses: self.addresses.iter().copied().collect(),
            here: true,
        })
    }
}

fn node(name: &str, record: &NodeRecord, here: bool) -> Node {
    let addresses = record.underlay.iter().flat_map(|u| &u.addresses);
    Node {
        name: name.to_owned(),
        labels: record.labels.clone(),
        addresses: addresses.map(|a| a.address).collect(),
        here,
    }
}
