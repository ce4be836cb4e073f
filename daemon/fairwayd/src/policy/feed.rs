//! What the store shows, in the engine's words.

use super::{groups::Grouped, keys::Key, record::EndpointRecord};
use crate::{feed, stored};
use fairway_ipam::{
    NetworkRecord,
    record::{NodeRecord, Record as _, RecordError},
};
use fairway_policy::{
    input::{EndpointId, Input, Node},
    object::Parsed,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

/// What the store has shown so far.
pub(super) type Feed = feed::Feed<Reader>;

/// Reads objects, nodes and what is on them, and networks.
#[derive(Debug, Default)]
pub(super) struct Reader {
    here: String,
    networks: BTreeMap<String, u32>,
    node: Option<NodeRecord>,
    addresses: BTreeSet<IpAddr>,
    /// Nodes that are not heard of, and since when: they keep their names in policies for a while, as their routes
    /// stay.
    away: BTreeMap<String, Instant>,
    grace: Duration,
    pub(super) grouped: Grouped,
}

impl Feed {
    /// An object that cannot be read and of which nothing is known from before: what it would refuse must not
    /// pass, so nothing that is known without it takes over from what a daemon before this one knew.
    pub(super) fn blind(&self) -> Option<&String> {
        let mut unread = self.unread();
        let object = unread.find(|(path, _)| matches!(Key::parse(path), Some(Key::Object(_))));
        object.map(|(_, problem)| problem)
    }

    /// What the store says that this node has told of its endpoints.
    pub(super) fn told(&self) -> BTreeMap<&String, &Vec<u8>> {
        let here = &self.reader.here;
        self.below(&format!("{}endpoints/{here}/", fairway_kv::ROOT))
    }

    /// What another node says of an endpoint.
    pub(super) fn record(&self, id: &EndpointId) -> Option<EndpointRecord> {
        let key = Key::Endpoint {
            node: id.node.clone(),
            container: id.container.clone(),
            ifname: id.ifname.clone(),
        };
        let value = self.value(&key.path())?;
        EndpointRecord::decode(value).ok()
    }
}

impl Reader {
    pub(super) fn new(here: String, grace: Duration, grouped: Grouped) -> Reader {
        Reader {
            here,
            grace,
            grouped,
            ..Reader::default()
        }
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

    /// This node's own addresses, as the kernel has them.
    pub(super) fn own_addresses(&mut self, addresses: BTreeSet<IpAddr>) -> Option<Input> {
        if self.addresses == addresses {
            return None;
        }
        self.addresses = addresses;
        Some(self.own_node())
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

impl feed::Reader for Reader {
    type Key = Key;
    type Input = Input;

    fn key(path: &str) -> Option<Key> {
        Key::parse(path)
    }

    fn put(&mut self, key: Key, value: &[u8]) -> Result<Option<Input>, String> {
        let text = |error: RecordError| error.to_string();
        Ok(match key {
            Key::Object(name) => {
                let parsed = stored::decode::<Parsed>(value)?;
                if parsed.name != name {
                    return Err(format!("holds {}", parsed.name));
                }
                Some(Input::Object(parsed.object))
            }
            Key::Endpoint { node, .. } => {
                let record = EndpointRecord::decode(value).map_err(text)?;
                // Of its own containers the node knows best.
                (node != self.here)
                    .then(|| Input::Endpoint(record.endpoint(&node, false, &self.grouped)))
            }
            Key::Node(name) => {
                let record = NodeRecord::decode(value).map_err(text)?;
                match name == self.here {
                    true => {
                        self.node = Some(record);
                        Some(self.own_node())
                    }
                    false => {
                        self.away.remove(&name);
                        Some(Input::Node(node(&name, &record, false)))
                    }
                }
            }
            Key::Network(name) => {
                let record = NetworkRecord::decode(value).map_err(text)?;
                self.networks.insert(name, record.vni.number());
                None
            }
        })
    }

    fn gone(&mut self, key: Key, value: &[u8]) -> Option<Input> {
        match key {
            Key::Object(name) => Some(Input::ObjectGone(name)),
            Key::Endpoint { node, .. } if node == self.here => None,
            Key::Endpoint { node, .. } => {
                let record = EndpointRecord::decode(value).ok()?;
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
                None
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_kv::{Change, Entry, ROOT, Revision, Update};

    fn put(feed: &mut Feed, key: &str, value: &str) -> Vec<Input> {
        let entry = Entry {
            key: format!("{ROOT}{key}"),
            value: value.as_bytes().to_vec(),
            created: Revision(1),
            modified: Revision(1),
        };
        feed.take(Update::Changes {
            revision: Revision(1),
            changes: vec![Change::Put(entry)],
        })
    }

    fn gone(feed: &mut Feed, key: &str) -> Vec<Input> {
        let key = format!("{ROOT}{key}");
        let revision = Revision(2);
        feed.take(Update::Changes {
            revision,
            changes: vec![Change::Deleted { key, revision }],
        })
    }

    fn feed() -> Feed {
        Feed::new(Reader::new(
            "here".to_owned(),
            Duration::ZERO,
            Grouped::default(),
        ))
    }

    const POLICY: &str = "policies/NetworkPolicy/web/a";
    const OBJECT: &str = r#"{"version":1,"object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":"web"},"spec":{"podSelector":{}}}}"#;
    const NEWER: &str = r#"{"version":2}"#;

    #[test]
    fn only_an_object_that_was_never_read_makes_blind() {
        let mut feed = feed();
        assert!(put(&mut feed, POLICY, NEWER).is_empty());
        assert!(feed.blind().unwrap().contains("version 2 is newer"));
        // Of nodes and networks nothing is refused.
        put(&mut feed, "nodes/n1", NEWER);
        gone(&mut feed, POLICY);
        assert_eq!((feed.blind(), feed.problems().count()), (None, 1));
        let read = put(&mut feed, POLICY, OBJECT);
        assert!(matches!(read[..], [Input::Object(_)]), "{read:?}");
        // What was read holds on.
        assert!(put(&mut feed, POLICY, NEWER).is_empty());
        assert_eq!((feed.blind(), feed.problems().count()), (None, 2));
        // As it was.
        assert!(put(&mut feed, POLICY, OBJECT).is_empty());
        assert_eq!(feed.problems().count(), 1);
        let read = gone(&mut feed, POLICY);
        assert!(matches!(read[..], [Input::ObjectGone(_)]), "{read:?}");
    }

    #[test]
    fn a_node_that_is_not_heard_of_is_gone_after_a_while() {
        let node = |name: &str| {
            format!(
                r#"{{"version":1,"journal":"j","labels":{{"name":"{name}"}},"since":1,"daemon":"0","host":"h"}}"#
            )
        };
        let mut feed = feed();
        let there = |inputs: &[Input]| match inputs {
            [Input::Node(node)] => (node.name.clone(), node.here),
            other => panic!("{other:?}"),
        };
        let read = put(&mut feed, "nodes/n1", &node("n1"));
        assert_eq!(there(&read), ("n1".to_owned(), false));
        let read = put(&mut feed, "nodes/here", &node("here"));
        assert_eq!(there(&read), ("here".to_owned(), true));
        assert!(gone(&mut feed, "nodes/n1").is_empty() && gone(&mut feed, "nodes/here").is_empty());
        let expired = feed.reader.expired();
        assert!(
            matches!(&expired[..], [Input::NodeGone(name)] if name == "n1"),
            "{expired:?}"
        );
        assert!(feed.reader.expired().is_empty());
        let own = feed
            .reader
            .own_addresses(["192.0.2.1".parse().unwrap()].into());
        let Some(Input::Node(own)) = own else {
            panic!("{own:?}");
        };
        assert_eq!(own.labels.get("name").map(String::as_str), Some("here"));
    }
}
