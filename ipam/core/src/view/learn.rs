//! How the view learns: from the mirror, and from this node's own transactions.

use super::{ReadError, Stored, Touched, Unreadable, View};
use crate::{
    ClaimName, NetworkRecord, Pool, PoolName, PoolSpec,
    keys::Key,
    record::{
        BlockRecord, ClaimRecord, DrainRecord, GuardRecord, NodeRecord, Part, Record, WantRecord,
    },
};
use fairway_kv::{Change, Entry, Revision, Txn, Update, Write};
use std::collections::BTreeSet;

impl View {
    /// Takes the mirror's word.
    pub(crate) fn apply(&mut self, update: Update) -> Touched {
        let mut touched = Touched::default();
        match update {
            Update::Lost => self.connected = false,
            Update::Reset { revision, entries } => {
                let present: BTreeSet<_> = entries.iter().map(|entry| entry.key.clone()).collect();
                for key in self.keys() {
                    let path = key.path();
                    if !present.contains(&path) {
                        self.forget(&path, &key, revision, &mut touched);
                    }
                }
                let unreadable: Vec<_> = self.unreadable.keys().cloned().collect();
                for path in unreadable {
                    if !present.contains(&path) && self.unreadable[&path].modified <= revision {
                        self.unreadable.remove(&path);
                    }
                }
                for entry in entries {
                    self.put(entry, &mut touched);
                }
                self.reached(revision);
            }
            Update::Changes { revision, changes } => {
                for change in changes {
                    match change {
                        Change::Put(entry) => self.put(entry, &mut touched),
                        Change::Deleted { key, revision } => {
                            self.delete(&key, revision, &mut touched);
                        }
                    }
                }
                self.reached(revision);
            }
        }
        touched
    }

    /// Takes notice of what a transaction of our own wrote.
    pub(crate) fn wrote(&mut self, txn: &Txn, revision: Revision) -> Touched {
        let mut touched = Touched::default();
        if revision <= self.revision {
            // The mirror has brought it, and maybe what came after.
            return touched;
        }
        for write in &txn.writes {
            match write {
                Write::Put { key, value, .. } => {
                    let created = Key::parse(key).and_then(|key| self.created(&key));
                    let entry = Entry {
                        key: key.clone(),
                        value: value.clone(),
                        created: created.unwrap_or(revision),
                        modified: revision,
                    };
                    self.put(entry, &mut touched);
                }
                Write::Delete { key } => self.delete(key, revision, &mut touched),
            }
        }
        touched
    }

    /// Takes notice of what a refused transaction found.
    pub(crate) fn found(
        &mut self,
        found: Vec<(String, Option<Entry>)>,
        revision: Revision,
    ) -> Touched {
        let mut touched = Touched::default();
        for (key, entry) in found {
            match entry {
                Some(entry) if entry.modified > self.revision => self.put(entry, &mut touched),
                None if revision > self.revision => self.delete(&key, revision, &mut touched),
                // The mirror has brought it, and maybe what came after.
                _ => {}
            }
        }
        touched
    }

    fn created(&self, key: &Key) -> Option<Revision> {
        match key {
            Key::Block(pool, cidr) => {
                let key = (pool.clone(), *cidr);
                self.blocks.get(&key).map(|s| s.created)
            }
            Key::Claim(pool, name) => {
                let key = (pool.clone(), name.clone());
                self.claims.get(&key).map(|s| s.created)
            }
            _ => None,
        }
    }

    fn reached(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
        self.connected = true;
        let reached = self.revision;
        self.gone.retain(|_, at| *at > reached);
        self.moved.retain(|_, at| *at > reached);
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.nodes.keys().cloned().map(Key::Node).collect();
        keys.extend(self.pools.keys().cloned().map(Key::Pool));
        let blocks = self.blocks.keys().cloned();
        keys.extend(blocks.map(|(pool, cidr)| Key::Block(pool, cidr)));
        let claims = self.claims.keys().cloned();
        keys.extend(claims.map(|(pool, name)| Key::Claim(pool, name)));
        let wants = self.wants.keys().cloned();
        keys.extend(wants.map(|(pool, node, family)| Key::Want(pool, node, family)));
        keys.extend(self.guard.iter().map(|_| Key::PoolsGuard));
        keys.extend(self.drains.keys().cloned().map(Key::Drain));
        keys.extend(self.networks.keys().cloned().map(Key::Network));
        keys.extend(self.networks_guard.iter().map(|_| Key::NetworksGuard));
        keys
    }

    fn delete(&mut self, path: &str, revision: Revision, touched: &mut Touched) {
        if let Some(key) = Key::parse(path) {
            self.forget(path, &key, revision, touched);
        }
        if self
            .unreadable
            .get(path)
            .is_some_and(|u| u.modified <= revision)
        {
            self.unreadable.remove(path);
        }
        if revision > self.revision {
            let at = self.gone.entry(path.to_owned()).or_default();
            *at = revision.max(*at);
        }
    }

    fn forget(&mut self, path: &str, key: &Key, revision: Revision, touched: &mut Touched) {
        if self.modified(key).is_none_or(|at| at > revision) {
            return;
        }
        match key {
            Key::Node(node) => drop(self.nodes.remove(node)),
            Key::Pool(pool) => drop(self.pools.remove(pool)),
            Key::Block(pool, cidr) => drop(self.blocks.remove(&(pool.clone(), *cidr))),
            Key::Claim(pool, name) => {
                self.drop_claim(&(pool.clone(), name.clone()), revision, touched)
            }
            Key::Want(pool, node, family) => {
                let key = (pool.clone(), node.clone(), *family);
                self.wants.remove(&key);
            }
            Key::PoolsGuard => self.guard = None,
            Key::Drain(node) => drop(self.drains.remove(node)),
            Key::Network(network) => drop(self.networks.remove(network)),
            Key::NetworksGuard => self.networks_guard = None,
        }
        touched.keys.insert(path.to_owned());
    }

    fn drop_claim(&mut self, at: &(PoolName, ClaimName), heard: Revision, touched: &mut Touched) {
        let Some(Stored {
            value: ClaimRecord::Claim(claim),
            ..
        }) = self.claims.remove(at)
        else {
            return;
        };
        if self.by_uid.get(&claim.uid) == Some(at) {
            self.by_uid.remove(&claim.uid);
        }
        if heard > self.revision {
            self.moved.insert(claim.uid.clone(), heard);
        }
        touched.uids.insert(claim.uid.clone());
        for part in &claim.parts {
            if let Part::Granted { ip } = part
                && self.by_ip.get(ip) == Some(at)
            {
                self.by_ip.remove(ip);
            }
        }
    }

    fn put(&mut self, entry: Entry, touched: &mut Touched) {
        let (path, modified) = (entry.key, entry.modified);
        let Some(key) = Key::parse(&path) else {
            return;
        };
        let newer = |at: Revision| at >= modified;
        if self.modified(&key).is_some_and(newer)
            || self.gone.get(&path).copied().is_some_and(newer)
        {
            return;
        }
        self.gone.remove(&path);
        let created = entry.created;
        macro_rules! store {
            ($map:expr, $at:expr, $value:expr) => {
                $value.map(|value| {
                    let stored = Stored {
                        value,
                        created,
                        modified,
                    };
                    $map.insert($at, stored);
                })
            };
        }
        let value = &entry.value;
        let read = match key.clone() {
            Key::Node(node) => store!(self.nodes, node, decode::<NodeRecord>(value)),
            Key::Pool(name) => {
                let pool = decode::<PoolSpec>(value)
                    .and_then(|spec| Pool::new(name.clone(), spec).map_err(ReadError::Pool));
                store!(self.pools, name, pool)
            }
            Key::Block(pool, cidr) => {
                store!(self.blocks, (pool, cidr), decode::<BlockRecord>(value))
            }
            Key::Claim(pool, name) => decode::<ClaimRecord>(value).map(|record| {
                let stored = Stored {
                    value: record,
                    created,
                    modified,
                };
                self.put_claim((pool, name), stored, touched);
            }),
            Key::Want(pool, node, family) => {
                store!(
                    self.wants,
                    (pool, node, family),
                    decode::<WantRecord>(value)
                )
            }
            Key::PoolsGuard => decode::<GuardRecord>(value).map(|value| {
                self.guard = Some(Stored {
                    value,
                    created,
                    modified,
                });
            }),
            Key::Drain(node) => store!(self.drains, node, decode::<DrainRecord>(value)),
            Key::Network(name) => {
                store!(self.networks, name, decode::<NetworkRecord>(value))
            }
            Key::NetworksGuard => decode::<GuardRecord>(value).map(|value| {
                self.networks_guard = Some(Stored {
                    value,
                    created,
                    modified,
                });
            }),
        };
        match read {
            Ok(()) => drop(self.unreadable.remove(&path)),
            Err(error) => {
                self.forget(&path, &key, modified, touched);
                let unreadable = Unreadable { modified, error };
                self.unreadable.insert(path.clone(), unreadable);
            }
        }
        touched.keys.insert(path);
    }

    fn put_claim(
        &mut self,
        at: (PoolName, ClaimName),
        stored: Stored<ClaimRecord>,
        touched: &mut Touched,
    ) {
        self.drop_claim(&at, stored.modified, touched);
        if let ClaimRecord::Claim(claim) = &stored.value {
            self.moved.remove(&claim.uid);
            if !self.is_newer(self.by_uid.get(&claim.uid), stored.modified) {
                self.by_uid.insert(claim.uid.clone(), at.clone());
            }
            for part in &claim.parts {
                if let Part::Granted { ip } = part
                    && !self.is_newer(self.by_ip.get(ip), stored.modified)
                {
                    self.by_ip.insert(*ip, at.clone());
                }
            }
        }
        self.claims.insert(at, stored);
    }

    /// Has the claim there what was written later? Changes may be told a second time, and one that got another name has
    /// its old one again until that goes again.
    fn is_newer(&self, there: Option<&(PoolName, ClaimName)>, than: Revision) -> bool {
        let there = there.and_then(|at| self.claims.get(at));
        there.is_some_and(|there| there.modified > than)
    }
}

fn decode<T: Record>(value: &[u8]) -> Result<T, ReadError> {
    T::decode(value).map_err(ReadError::Record)
}

#[cfg(test)]
mod tests;
