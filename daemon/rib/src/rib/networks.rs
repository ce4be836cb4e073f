//! Which network has which VNI, and who imports whom.

use crate::{ExplainError, Network, NetworkName, Vni};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Networks {
    known: BTreeMap<NetworkName, Network>,
    /// Who wants a VNI; the first, which is the oldest, has it.
    wanted: BTreeMap<Vni, BTreeSet<(u64, NetworkName)>>,
    importers: BTreeMap<NetworkName, BTreeSet<NetworkName>>,
}

impl Networks {
    /// Puts another in its place. Returns what was there.
    pub(crate) fn replace(&mut self, name: &NetworkName, new: Option<Network>) -> Option<Network> {
        let old = match new.clone() {
            Some(new) => self.known.insert(name.clone(), new),
            None => self.known.remove(name),
        };
        if let Some(old) = &old {
            let want = (old.created(), name.clone());
            remove(&mut self.wanted, &old.vni(), &want);
            for import in old.imports() {
                remove(&mut self.importers, import, name);
            }
        }
        if let Some(new) = new {
            let want = (new.created(), name.clone());
            self.wanted.entry(new.vni()).or_default().insert(want);
            for import in new.imports() {
                let importers = self.importers.entry(import.clone()).or_default();
                importers.insert(name.clone());
            }
        }
        old
    }

    pub(crate) fn get(&self, name: &NetworkName) -> Option<&Network> {
        self.known.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Network> {
        self.known.values()
    }

    /// The VNI that it has.
    pub(crate) fn vni(&self, name: &NetworkName) -> Option<Vni> {
        self.standing(name).ok()
    }

    /// The VNI that it has, or why it has none.
    pub(crate) fn standing(&self, network: &NetworkName) -> Result<Vni, ExplainError> {
        let network = || network.clone();
        let Some(known) = self.known.get(&network()) else {
            return Err(ExplainError::NoNetwork { network: network() });
        };
        let vni = known.vni();
        match self.wanting(vni).next() {
            Some(by) if by != known.name() => Err(ExplainError::VniTaken {
                network: network(),
                vni,
                by: by.clone(),
            }),
            _ => Ok(vni),
        }
    }

    /// Who wants a VNI, the one that has it first.
    pub(crate) fn wanting(&self, vni: Vni) -> impl Iterator<Item = &NetworkName> {
        self.wanted
            .get(&vni)
            .into_iter()
            .flatten()
            .map(|(_, name)| name)
    }

    #[cfg(test)]
    pub(crate) fn is_bare(&self) -> bool {
        self.known.is_empty() && self.wanted.is_empty() && self.importers.is_empty()
    }

    /// Who imports it.
    pub(crate) fn importers(&self, name: &NetworkName) -> impl Iterator<Item = &NetworkName> {
        self.importers.get(name).into_iter().flatten()
    }
}

/// Takes one out of a set in a map, and the set with its last.
pub(crate) fn remove<K: Ord, V: Ord>(map: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(set) = map.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            map.remove(key);
        }
    }
}
