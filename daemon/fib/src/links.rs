//! Links, as the kernel told of them.

use fairway_netlink::Link;
use std::collections::BTreeMap;

/// Links by index, and by name.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<u32, Link>);

impl Links {
    pub(crate) fn named(&self, name: &str) -> Option<&Link> {
        self.0.values().find(|link| link.name == name)
    }

    /// The index of a link that is up.
    pub(crate) fn up(&self, name: &str) -> Option<u32> {
        let link = self.named(name)?;
        link.up.then_some(link.index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.0.values()
    }

    pub(crate) fn remove(&mut self, index: u32) {
        self.0.remove(&index);
    }

    pub(crate) fn put(&mut self, link: Link) -> Option<Link> {
        self.0.insert(link.index, link)
    }
}
