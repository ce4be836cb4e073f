//! Containers on this node, as routes see them: who has which addresses (the agent's word), and behind
//! which link (the kernel's).

use super::feed::Feed;
use crate::alias;
use fairway_ipam::{AttachmentId, Lease, NetworkName};
use fairway_netlink::Link;
use fairway_rib::{
    Input, LinkName,
    route::{Addresses, Endpoint, Key, Route},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// One that has been told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) link: String,
    /// The link's index: a name may be another link's a moment later.
    index: u32,
    seq: u64,
}

#[derive(Debug, Default)]
pub(super) struct Containers {
    all: BTreeMap<AttachmentId, Container>,
    told: BTreeMap<AttachmentId, Endpoint>,
    /// Those that must not use their addresses any more, until their links are gone.
    cut_off: BTreeSet<AttachmentId>,
}

impl Containers {
    /// Takes notice of a container whose link is there.
    pub(super) fn put(&mut self, lease: &Lease, link: &Link) {
        if self.cut_off.contains(&lease.attachment) {
            return;
        }
        let container = Container {
            addresses: lease.addresses.clone(),
            link: link.name.clone(),
            index: link.index,
            seq: lease.seq,
        };
        self.all.insert(lease.attachment.clone(), container);
    }

    /// It must not use its addresses any more, whatever is still said of it.
    pub(super) fn cut_off(&mut self, attachment: AttachmentId) {
        self.all.remove(&attachment);
        self.cut_off.insert(attachment);
    }

    /// Must it not use its addresses any more?
    pub(super) fn is_cut_off(&self, attachment: &AttachmentId) -> bool {
        self.cut_off.contains(attachment)
    }

    /// A link is gone, and who was behind it. Did that concern anybody?
    pub(super) fn link_gone(&mut self, index: u32, alias: Option<&str>) -> bool {
        self.cut_off
            .retain(|attachment| alias != Some(alias::alias(attachment).as_str()));
        let before = self.all.len();
        self.all.retain(|_, container| container.index != index);
        before != self.all.len()
    }

    /// Only those links are there. Did that concern anybody?
    pub(super) fn retain(&mut self, links: &BTreeSet<u32>) -> bool {
        let before = self.all.len();
        self.all
            .retain(|_, container| links.contains(&container.index));
        before != self.all.len()
    }

    /// What the routing table has not been told.
    pub(super) fn changes(&mut self, feed: &Feed) -> Vec<Input> {
        let mut wanted = BTreeMap::new();
        for (attachment, container) in &self.all {
            if let Some(endpoint) = endpoint(attachment, container, feed) {
                wanted.insert(attachment.clone(), endpoint);
            }
        }
        let gone = self.told.keys().filter(|id| !wanted.contains_key(*id));
        let mut inputs: Vec<Input> = gone
            .map(|id| Input::Withdraw(Key::Endpoint(id.clone())))
            .collect();
        for (attachment, endpoint) in &wanted {
            if self.told.get(attachment) != Some(endpoint) {
                inputs.push(Input::Route(Route::Endpoint(endpoint.clone())));
            }
        }
        self.told = wanted;
        inputs
    }

    /// Those that are in a network.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.told.values()
    }

    pub(super) fn endpoint(&self, attachment: &AttachmentId) -> Option<&Endpoint> {
        self.told.get(attachment)
    }
}

/// Which network a container is in: the one that all its addresses that are in any are in.
fn endpoint(attachment: &AttachmentId, container: &Container, feed: &Feed) -> Option<Endpoint> {
    let addresses = container.addresses.iter().copied();
    let placed: Vec<(IpAddr, &NetworkName)> = addresses
        .filter_map(|ip| Some((ip, feed.network_of(ip)?)))
        .collect();
    let (_, network) = placed.first()?;
    let own = placed.iter().filter(|(_, of)| of == network);
    Some(Endpoint {
        attachment: attachment.clone(),
        network: (*network).clone(),
        link: LinkName::new(&container.link).ok()?,
        addresses: Addresses::new(own.map(|(ip, _)| *ip)).ok()?,
        seq: container.seq,
    })
}

/// The link of an attachment: the host's end of a pair that is no port of a bridge, since behind a bridge
/// no single link leads to a container.
pub(super) fn link_of<'a>(
    links: impl IntoIterator<Item = &'a Link>,
    attachment: &AttachmentId,
) -> Option<&'a Link> {
    let wanted = alias::alias(attachment);
    links.into_iter().find(|link| {
        link.is_veth() && link.master.is_none() && link.alias.as_deref() == Some(&wanted)
    })
}

/// Those of the leases whose links are there.
pub(super) fn with_links<'a, 'b>(
    links: impl IntoIterator<Item = &'a Link>,
    leases: &'b [Lease],
) -> Vec<(&'b Lease, &'a Link)> {
    let by_alias: BTreeMap<&str, &Link> = links
        .into_iter()
        .filter(|link| link.is_veth() && link.master.is_none())
        .filter_map(|link| Some((link.alias.as_deref()?, link)))
        .collect();
    let mut seen = BTreeSet::new();
    let alive = leases.iter().filter(|lease| !lease.cut_off);
    alive
        .filter_map(|lease| {
            let link = by_alias.get(alias::alias(&lease.attachment).as_str())?;
            seen.insert(link.index).then_some((lease, *link))
        })
        .collect()
}
