//! Which objects the store shows.

use super::keys::Key;
use crate::{feed, stored};
use fairway_bgp::object::{BgpConfig, BgpPeer, Kind, Object, Parsed};
use std::collections::BTreeMap;

/// What the store has shown so far.
pub(super) type Feed = feed::Feed<Objects>;

/// All objects of BGP that can be read, by name.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) configs: BTreeMap<String, BgpConfig>,
    pub(super) peers: BTreeMap<String, BgpPeer>,
}

impl feed::Reader for Objects {
    type Key = Key;
    /// Something is other than before.
    type Input = ();

    fn key(path: &str) -> Option<Key> {
        Key::parse(path)
    }

    fn put(&mut self, key: Key, value: &[u8]) -> Result<Option<()>, String> {
        let object = stored::decode::<Parsed>(value)?.object;
        if (object.kind(), object.name()) != (key.kind, key.name.as_str()) {
            return Err(format!("holds {} {}", object.kind(), object.name()));
        }
        match object {
            Object::Config(config) => drop(self.configs.insert(key.name, config)),
            Object::Peer(peer) => drop(self.peers.insert(key.name, peer)),
        }
        Ok(Some(()))
    }

    fn gone(&mut self, key: Key, _value: &[u8]) -> Option<()> {
        match key.kind {
            Kind::BgpConfig => drop(self.configs.remove(&key.name)),
            Kind::BgpPeer => drop(self.peers.remove(&key.name)),
        }
        Some(())
    }
}
