//! What this node has to announce, as the store shows it: its blocks, what claims hold here, and whole pools.

use crate::routes::held;
use fairway_bgp::{Prefix, object::Advertise, policy::Source};
use fairway_ipam::{
    Cidr, NodeName, PoolName, PoolSpec,
    keys::Key,
    record::{BlockRecord, ClaimRecord, Record as _},
};
use fairway_kv::{Change, Entry, Update};
use std::collections::{BTreeMap, BTreeSet};

/// See the module's head. Of keys whose values cannot be read, what was read before holds.
#[derive(Debug)]
pub(super) struct Own {
    me: NodeName,
    blocks: BTreeSet<(PoolName, Cidr)>,
    /// By key.
    claims: BTreeMap<String, (PoolName, Vec<Cidr>)>,
    pools: BTreeMap<PoolName, Vec<Cidr>>,
    /// The node takes no new containers.
    pub(super) drained: bool,
    /// Something is other than when this was last taken.
    pub(super) changed: bool,
}

impl Own {
    pub(super) fn new(me: NodeName) -> Own {
        Own {
            me,
            blocks: BTreeSet::new(),
            claims: BTreeMap::new(),
            pools: BTreeMap::new(),
            drained: false,
            changed: true,
        }
    }

    /// Whether a key says anything here.
    pub(super) fn concerns(path: &str) -> bool {
        matches!(
            Key::parse(path),
            Some(Key::Block(..) | Key::Claim(..) | Key::Pool(_) | Key::Drain(_))
        )
    }

    /// Takes notice of what the store shows.
    pub(super) fn take(&mut self, update: &Update) {
        match update {
            Update::Lost => {}
            Update::Reset { entries, .. } => {
                let there: BTreeSet<&str> = entries.iter().map(|e| e.key.as_str()).collect();
                self.keep(&there);
                entries.iter().for_each(|entry| self.put(entry));
            }
            Update::Changes { changes, .. } => {
                for change in changes {
                    match change {
                        Change::Put(entry) => self.put(entry),
                        Change::Deleted { key, .. } => self.gone(key),
                    }
                }
            }
        }
    }

    fn keep(&mut self, there: &BTreeSet<&str>) {
        let mut gone: Vec<String> = Vec::new();
        let mut look = |path: String| {
            if !there.contains(path.as_str()) {
                gone.push(path);
            }
        };
        let blocks = self.blocks.iter();
        blocks.for_each(|(pool, cidr)| look(Key::Block(pool.clone(), *cidr).path()));
        self.claims.keys().for_each(|path| look(path.clone()));
        let pools = self.pools.keys();
        pools.for_each(|pool| look(Key::Pool(pool.clone()).path()));
        look(Key::Drain(self.me.clone()).path());
        gone.iter().for_each(|path| self.gone(path));
    }

    fn put(&mut self, entry: &Entry) {
        self.changed |= match Key::parse(&entry.key) {
            Some(Key::Block(pool, cidr)) => match BlockRecord::decode(&entry.value) {
                Ok(record) => match record.owner.is_some_and(|owner| owner.node == self.me) {
                    true => self.blocks.insert((pool, cidr)),
                    false => self.blocks.remove(&(pool, cidr)),
                },
                Err(_) => false,
            },
            Some(Key::Claim(pool, _)) => match ClaimRecord::decode(&entry.value) {
                Ok(record) => match held(record).filter(|(node, _)| *node == self.me) {
                    Some((_, addresses)) => {
                        let addresses = addresses.iter().map(|prefix| prefix.cidr());
                        let claim = (pool, addresses.collect());
                        let before = self.claims.insert(entry.key.clone(), claim);
                        before.as_ref() != self.claims.get(&entry.key)
                    }
                    None => self.claims.remove(&entry.key).is_some(),
                },
                Err(_) => false,
            },
            Some(Key::Pool(name)) => match PoolSpec::decode(&entry.value) {
                Ok(spec) => {
                    let ranges: Vec<Cidr> = spec.ranges.iter().map(|range| range.cidr).collect();
                    let before = self.pools.insert(name, ranges.clone());
                    before.as_ref() != Some(&ranges)
                }
                Err(_) => false,
            },
            Some(Key::Drain(node)) if node == self.me => {
                !std::mem::replace(&mut self.drained, true)
            }
            _ => false,
        }
    }

    fn gone(&mut self, path: &str) {
        self.changed |= match Key::parse(path) {
            Some(Key::Block(pool, cidr)) => self.blocks.remove(&(pool, cidr)),
            Some(Key::Claim(..)) => self.claims.remove(path).is_some(),
            Some(Key::Pool(name)) => self.pools.remove(&name).is_some(),
            Some(Key::Drain(node)) if node == self.me => {
                std::mem::replace(&mut self.drained, false)
            }
            _ => false,
        }
    }

    /// What is to be announced.
    pub(super) fn routes(&self, advertise: &Advertise) -> BTreeSet<(Source, Prefix)> {
        let mut routes = BTreeSet::new();
        let mut add = |source, cidr: Cidr| {
            let prefix = Prefix::new(cidr.first(), cidr.prefix());
            routes.extend(prefix.map(|prefix| (source, prefix)));
        };
        if advertise.blocks {
            let blocks = self.blocks.iter();
            let blocks = blocks.filter(|(pool, _)| advertise.has_pool(pool.as_str()));
            blocks.for_each(|(_, cidr)| add(Source::Block, *cidr));
        }
        if advertise.claims {
            let claims = self.claims.values();
            let claims = claims.filter(|(pool, _)| advertise.has_pool(pool.as_str()));
            let away = claims
                .flat_map(|(_, addresses)| addresses)
                .filter(|address| {
                    let mut blocks = self.blocks.iter();
                    !blocks.any(|(_, block)| block.contains(address.first()))
                });
            away.for_each(|address| add(Source::Claim, *address));
        }
        for name in &advertise.whole_pools {
            let pool = self.pools.iter().find(|(pool, _)| pool.as_str() == name);
            let ranges = pool.into_iter().flat_map(|(_, ranges)| ranges);
            ranges.for_each(|cidr| add(Source::Pool, *cidr));
        }
        let chosen = advertise.addresses.iter();
        routes.extend(chosen.map(|prefix| (Source::Chosen, *prefix)));
        routes
    }

    /// Pools that are to be announced as a whole, and are not there.
    pub(super) fn missing<'a>(&self, advertise: &'a Advertise) -> Vec<&'a str> {
        let all = advertise.whole_pools.iter().map(String::as_str);
        let there = |name: &&str| self.pools.keys().any(|pool| pool.as_str() == *name);
        all.filter(|name| !there(name)).collect()
    }
}

#[cfg(test)]
#[path = "own_tests.rs"]
mod tests;
