//! Which definitions the store shows, and what pods ask for.

use super::keys::Key;
use crate::{feed, policy::keys as pods, stored};
use fairway_definitions::Parsed;
use fairway_kv::{Change, Update};
use fairway_policy::spec::Kind;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the store has shown so far of definitions.
pub(super) type Feed = feed::Feed<Objects>;

/// All that can be read.
#[derive(Debug, Default)]
pub(super) struct Objects(pub(super) BTreeMap<Key, Option<Map<String, Value>>>);

impl feed::Reader for Objects {
    type Key = Key;
    /// Something is other than before.
    type Input = ();

    fn key(path: &str) -> Option<Key> {
        Key::parse(path)
    }

    fn put(&mut self, key: Key, value: &[u8]) -> Result<Option<()>, String> {
        let Parsed {
            namespace,
            name,
            config,
            ..
        } = stored::decode(value)?;
        if (&namespace, &name) != (&key.namespace, &key.name) {
            return Err(format!("holds {namespace}/{name}"));
        }
        self.0.insert(key, config);
        Ok(Some(()))
    }

    fn gone(&mut self, key: Key, _value: &[u8]) -> Option<()> {
        self.0.remove(&key);
        Some(())
    }
}

/// What an update says of definitions; none: nothing.
pub(super) fn concerning(update: &Update) -> Option<Update> {
    feed::concerning(update, |path| Key::parse(path).is_some())
}

pub(super) use fairway_cni::labels::NETWORKS;
/// The annotation by which a mirrored pod says which of all that had its name it is.
pub(super) const UID: &str = "fairway.network/uid";

/// Of a pod: of ten thousand that a store has these two words each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pod {
    pub(super) uid: Option<Box<str>>,
    pub(super) networks: Option<Box<str>>,
}

/// Pods that the store shows, by their keys.
#[derive(Debug, Default)]
pub(super) struct Pods(BTreeMap<String, Pod>);

impl Pods {
    /// One that is there.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Pod> {
        let path = format!("{}{namespace}/{name}", pods::folder(Kind::Pod));
        self.0.get(&path)
    }

    /// Takes what the store shows.
    pub(super) fn take(&mut self, update: &Update) {
        let folder = pods::folder(Kind::Pod);
        match update {
            Update::Lost => {}
            Update::Reset { entries, .. } => {
                let all = entries
                    .iter()
                    .filter(|entry| entry.key.starts_with(&folder));
                let read = all.map(|entry| (entry.key.clone(), Pod::read(&entry.value)));
                self.0 = read.collect();
            }
            Update::Changes { changes, .. } => {
                for change in changes
                    .iter()
                    .filter(|one| feed::key(one).starts_with(&folder))
                {
                    match change {
                        Change::Put(entry) => {
                            self.0.insert(entry.key.clone(), Pod::read(&entry.value));
                        }
                        Change::Deleted { key, .. } => drop(self.0.remove(key)),
                    }
                }
            }
        }
    }
}

impl Pod {
    /// Of what a newer program wrote nothing is read, and policy tells of it.
    fn read(value: &[u8]) -> Pod {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Stored {
            object: Object,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Object {
            metadata: Metadata,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Metadata {
            annotations: BTreeMap<String, String>,
        }
        let read: Stored = serde_json::from_slice(value).unwrap_or_default();
        let mut annotations = read.object.metadata.annotations;
        let mut take = |key: &str| annotations.remove(key).map(String::into_boxed_str);
        Pod {
            uid: take(UID),
            networks: take(NETWORKS),
        }
    }
}
