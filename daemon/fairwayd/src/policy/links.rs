//! Links of containers, as the kernel has them, and this node's own addresses.

use crate::alias;
use fairway_fib::names;
use fairway_ipam::AttachmentId;
use fairway_netlink::{Event, Handle, Link, Netlink as _};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

pub(super) struct Links {
    netlink: Handle,
    all: BTreeMap<u32, Link>,
    by_alias: HashMap<String, u32>,
    addresses: BTreeMap<u32, BTreeSet<IpAddr>>,
    listed: bool,
    due: bool,
    addresses_changed: bool,
    /// Aliases of links that a look has not found any more.
    vanished: Vec<String>,
}

impl Links {
    pub(super) fn new(netlink: Handle) -> Links {
        Links {
            netlink,
            all: BTreeMap::new(),
            by_alias: HashMap::new(),
            addresses: BTreeMap::new(),
            listed: false,
            due: true,
            addresses_changed: false,
            vanished: Vec::new(),
        }
    }

    pub(super) fn netlink(&mut self) -> &mut Handle {
        &mut self.netlink
    }

    /// Something may have been missed.
    pub(super) fn doubt(&mut self) {
        self.due = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// Were they listed once?
    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Lists all.
    pub(super) fn list(&mut self) -> Result<(), fairway_netlink::Error> {
        let links = self.netlink.links()?;
        let addresses = self.netlink.addresses(None)?;
        (self.due, self.listed, self.addresses_changed) = (false, true, true);
        self.all.clear();
        self.addresses.clear();
        let before = std::mem::take(&mut self.by_alias);
        for link in links {
            self.put(link);
        }
        // The kernel's word of their end says nothing any more to one who does not know them.
        let gone = before.into_keys();
        let gone = gone.filter(|alias| !self.by_alias.contains_key(alias));
        self.vanished.extend(gone.collect::<Vec<_>>());
        for address in addresses {
            let of = self.addresses.entry(address.index).or_default();
            of.insert(address.ip.ip());
        }
        Ok(())
    }

    /// Takes the kernel's word; says which alias was that of a link that is gone.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::LinkChanged(link) => self.put(link.clone()),
            Event::LinkGone(link) => {
                self.addresses_changed |= self.addresses.remove(&link.index).is_some();
                let gone = self.all.remove(&link.index)?;
                let alias = gone.alias?;
                if self.by_alias.get(&alias) == Some(&link.index) {
                    self.by_alias.remove(&alias);
                    return Some(alias);
                }
            }
            Event::AddressChanged(address) => {
                let of = self.addresses.entry(address.index).or_default();
                self.addresses_changed |= of.insert(address.ip.ip());
            }
            Event::AddressGone(address) => {
                if let Some(of) = self.addresses.get_mut(&address.index) {
                    self.addresses_changed |= of.remove(&address.ip.ip());
                }
            }
            Event::ListAnew => self.due = true,
            _ => {}
        }
        None
    }

    fn put(&mut self, link: Link) {
        if let Some(alias) = link.alias.as_ref().filter(|alias| alias::marks(alias)) {
            self.by_alias.insert(alias.clone(), link.index);
        }
        self.all.insert(link.index, link);
    }

    /// The link of an attachment.
    pub(super) fn of(&self, attachment: &AttachmentId) -> Option<&Link> {
        let index = self.by_alias.get(&alias::alias(attachment))?;
        self.all.get(index)
    }

    /// Aliases of links that went while nobody was told.
    pub(super) fn vanished(&mut self) -> Vec<String> {
        std::mem::take(&mut self.vanished)
    }

    /// The same; asks the kernel where it is not known.
    pub(super) fn find(&mut self, attachment: &AttachmentId) -> Option<Link> {
        if self.of(attachment).is_none() {
            self.name();
        }
        if self.of(attachment).is_none() {
            // The event of its making may still be on its way. What else a look is for is done in its turn.
            let due = self.due;
            let listed = self.list();
            self.due |= due;
            listed.ok()?;
        }
        self.of(attachment).cloned()
    }

    /// Of a link that is down the kernel does not tell that it got an alias.
    fn name(&mut self) {
        let nameless = self.all.values();
        let nameless = nameless.filter(|link| link.is_veth() && !link.up && link.alias.is_none());
        let nameless: Vec<u32> = nameless.map(|link| link.index).collect();
        for index in nameless {
            if let Ok(Some(link)) = self.netlink.link_by_index(index) {
                self.put(link);
            }
        }
    }

    /// All links of containers.
    pub(super) fn ours(&self) -> Vec<u32> {
        self.by_alias.values().copied().collect()
    }

    /// All links that are nobody's end of a container.
    pub(super) fn others(&self) -> Vec<u32> {
        let ours: BTreeSet<u32> = self.by_alias.values().copied().collect();
        let all = self.all.keys().copied();
        all.filter(|link| !ours.contains(link)).collect()
    }

    /// The attachments whose links there are, as far as aliases name them.
    pub(super) fn attachments(&self) -> Vec<AttachmentId> {
        let aliases = self.by_alias.keys();
        aliases
            .filter_map(|alias| alias::attachment(alias))
            .collect()
    }

    /// A link by its name.
    pub(super) fn named(&self, name: &str) -> Option<&Link> {
        self.all.values().find(|link| link.name == name)
    }

    /// The overlay's device.
    pub(super) fn overlay(&self) -> Option<&Link> {
        let mut links = self.all.values();
        links.find(|link| link.alias.as_deref() == Some(names::ALIAS))
    }

    /// The name of a link.
    pub(super) fn name_of(&self, index: u32) -> Option<&str> {
        self.all.get(&index).map(|link| link.name.as_str())
    }

    /// This node's addresses, if they have changed. Link-local ones are nobody's in particular.
    pub(super) fn own_addresses(&mut self) -> Option<BTreeSet<IpAddr>> {
        if !self.listed || !std::mem::take(&mut self.addresses_changed) {
            return None;
        }
        // kube-proxy's IPVS mode puts the addresses of services there: those are not the node.
        let services = |index: &u32| self.name_of(*index) == Some("kube-ipvs0");
        let own = self.addresses.iter().filter(|(index, _)| !services(index));
        let all = own.flat_map(|(_, addresses)| addresses).copied();
        Some(all.filter(|ip| !is_link_local(ip)).collect())
    }
}

fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
