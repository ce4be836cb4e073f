//! A map by prefix that can be asked for all prefixes that contain one.

use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, HashMap};

/// See the module's head.
#[derive(Debug, Clone)]
pub(crate) struct Nets<V> {
    all: HashMap<IpNetwork, V>,
    /// How many of which length, IPv4 and IPv6.
    lengths: [BTreeMap<u8, usize>; 2],
}

impl<V> Default for Nets<V> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            lengths: [BTreeMap::new(), BTreeMap::new()],
        }
    }
}

fn family(net: IpNetwork) -> usize {
    usize::from(net.is_ipv6())
}

/// The prefix of `length` that contains `net`.
fn cut(net: IpNetwork, length: u8) -> Option<IpNetwork> {
    let wider = IpNetwork::new(net.ip(), length).ok()?;
    IpNetwork::new(wider.network(), length).ok()
}

impl<V> Nets<V> {
    pub(crate) fn get(&self, net: IpNetwork) -> Option<&V> {
        self.all.get(&net)
    }

    pub(crate) fn get_mut(&mut self, net: IpNetwork) -> Option<&mut V> {
        self.all.get_mut(&net)
    }

    pub(crate) fn insert(&mut self, net: IpNetwork, value: V) -> Option<V> {
        let before = self.all.insert(net, value);
        if before.is_none()
            && let Some(lengths) = self.lengths.get_mut(family(net))
        {
            *lengths.entry(net.prefix()).or_default() += 1;
        }
        before
    }

    pub(crate) fn remove(&mut self, net: IpNetwork) -> Option<V> {
        let before = self.all.remove(&net)?;
        if let Some(lengths) = self.lengths.get_mut(family(net))
            && let Some(count) = lengths.get_mut(&net.prefix())
        {
            *count -= 1;
            if *count == 0 {
                lengths.remove(&net.prefix());
            }
        }
        Some(before)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (IpNetwork, &V)> {
        self.all.iter().map(|(net, value)| (*net, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many of the family of `net`.
    pub(crate) fn of_family(&self, net: IpNetwork) -> usize {
        self.lengths
            .get(family(net))
            .map_or(0, |lengths| lengths.values().sum())
    }

    /// Those that contain `net` or are it, the longest first.
    pub(crate) fn containing(&self, net: IpNetwork) -> impl Iterator<Item = (IpNetwork, &V)> {
        self.lengths
            .get(family(net))
            .into_iter()
            .flat_map(move |lengths| lengths.range(..=net.prefix()).rev())
            .filter_map(move |(length, _)| {
                let wider = cut(net, *length)?;
                self.all.get(&wider).map(|value| (wider, value))
            })
    }
}
