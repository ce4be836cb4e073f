//! What the two namespaces hold.

use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;

use super::qdiscs::Queues;
use crate::address::Address;
use crate::bridge::{BridgePortState, PortState, PortVlan};
use crate::filter::Filter;
use crate::link::{Link, LinkKind, OperState};
use crate::mac::MacAddr;
use crate::neighbour::Neighbour;
use crate::nexthop::Nexthop;
use crate::route::Route;
use crate::rule::Rule;
use crate::vf::Vf;

/// One of the model's namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The host's.
    Host,
    /// The container's.
    Container,
}

impl Place {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Host => Self::Container,
            Self::Container => Self::Host,
        }
    }
}

/// All that there is, for comparison before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Links with their namespaces.
    pub links: Vec<(Place, Link)>,
    /// Addresses with their namespaces.
    pub addresses: Vec<(Place, Address)>,
    /// Routes with their namespaces.
    pub routes: Vec<(Place, Route)>,
    /// Rules with their namespaces, as they are asked.
    pub rules: Vec<(Place, Rule)>,
    /// Next hops with their namespaces.
    pub nexthops: Vec<(Place, Nexthop)>,
    /// Neighbours with their namespaces.
    pub neighbours: Vec<(Place, Neighbour)>,
    /// VLANs of ports and bridges, by the link's index.
    pub vlans: Vec<(u32, PortVlan)>,
    /// Links with a clsact qdisc, and its filters.
    pub clsact: BTreeMap<u32, Vec<Filter>>,
    /// Qdiscs and what belongs to them, of links that have any.
    pub queues: BTreeMap<u32, Queues>,
    /// Virtual functions, by the physical one's index.
    pub vfs: BTreeMap<u32, Vec<Vf>>,
}

/// Indexes are unique over both namespaces, so that a test which mixes them up
/// fails.
#[derive(Debug)]
pub(super) struct Model {
    next_index: u32,
    pub(super) links: BTreeMap<u32, (Place, Link)>,
    pub(super) addresses: Vec<(Place, Address)>,
    pub(super) routes: Vec<(Place, Route)>,
    pub(super) rules: Vec<(Place, Rule)>,
    pub(super) nexthops: Vec<(Place, Nexthop)>,
    pub(super) neighbours: Vec<(Place, Neighbour)>,
    pub(super) vlans: BTreeMap<u32, BTreeSet<PortVlan>>,
    pub(super) clsact: BTreeMap<u32, Vec<Filter>>,
    pub(super) queues: BTreeMap<u32, Queues>,
    pub(super) vfs: BTreeMap<u32, Vec<Vf>>,
    /// Kinds of qdiscs and filters that this kernel does not have.
    pub(super) lacking: BTreeSet<&'static str>,
}

impl Model {
    pub(super) fn new() -> Self {
        let mut model = Self {
            next_index: 1,
            links: BTreeMap::new(),
            addresses: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            nexthops: Vec::new(),
            neighbours: Vec::new(),
            vlans: BTreeMap::new(),
            clsact: BTreeMap::new(),
            queues: BTreeMap::new(),
            vfs: BTreeMap::new(),
            lacking: BTreeSet::new(),
        };
        for place in [Place::Host, Place::Container] {
            let mut lo = Link::new(0, "lo");
            lo.mtu = 65536;
            lo.mac = Some(MacAddr([0; 6]));
            model.put(place, lo);
        }
        model
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let vlans = self.vlans.iter();
        Snapshot {
            links: self.links.values().cloned().collect(),
            addresses: self.addresses.clone(),
            routes: self.routes.clone(),
            rules: self.rules.clone(),
            nexthops: self.nexthops.clone(),
            neighbours: self.neighbours.clone(),
            vlans: vlans
                .flat_map(|(index, vlans)| vlans.iter().map(|vlan| (*index, *vlan)))
                .collect(),
            clsact: self.clsact.clone(),
            queues: {
                let mut queues = self.queues.clone();
                queues.retain(|_, queues| *queues != Queues::default());
                queues
            },
            vfs: self.vfs.clone(),
        }
    }

    pub(super) fn put(&mut self, place: Place, mut link: Link) -> u32 {
        let index = self.next_index;
        self.next_index += 1;
        link.index = index;
        // Locally administered and unlike any other, as the kernel's random ones.
        let [_, b, c, d] = index.to_be_bytes();
        link.mac = link.mac.or(Some(MacAddr([2, 0xfa, 0x4e, b, c, d])));
        self.links.insert(index, (place, link));
        self.settle();
        index
    }

    pub(super) fn find(&self, place: Place, name: &str) -> Option<&Link> {
        self.of(place).find(|link| link.name == name)
    }

    pub(super) fn of(&self, place: Place) -> impl Iterator<Item = &Link> {
        self.links
            .values()
            .filter(move |(at, _)| *at == place)
            .map(|(_, link)| link)
    }

    pub(super) fn get(&self, place: Place, index: u32) -> Result<&Link, Errno> {
        match self.links.get(&index) {
            Some((at, link)) if *at == place => Ok(link),
            _ => Err(Errno::ENODEV),
        }
    }

    pub(super) fn get_mut(&mut self, place: Place, index: u32) -> Result<&mut Link, Errno> {
        match self.links.get_mut(&index) {
            Some((at, link)) if *at == place => Ok(link),
            _ => Err(Errno::ENODEV),
        }
    }

    pub(super) fn free(&self, place: Place, name: &str) -> Result<(), Errno> {
        match self.find(place, name) {
            Some(_) => Err(Errno::EEXIST),
            None => Ok(()),
        }
    }

    pub(super) fn bridge(&self, place: Place, index: u32) -> Result<(), Errno> {
        if self.get(place, index)?.is_bridge() {
            Ok(())
        } else {
            Err(Errno::EOPNOTSUPP)
        }
    }

    /// Is it a link that others can belong to?
    pub(super) fn takes_links(&self, place: Place, index: u32) -> Result<(), Errno> {
        match self.get(place, index)?.kind {
            Some(LinkKind::Vrf { .. }) => Ok(()),
            _ => self.bridge(place, index),
        }
    }

    /// Deletes a link, of a pair the other end too, and all that hangs on them.
    pub(super) fn delete(&mut self, place: Place, index: u32) -> Result<(), Errno> {
        let link = self.get(place, index)?;
        if link.name == "lo" {
            return Err(Errno::EOPNOTSUPP);
        }
        let peer = link.peer_index.filter(|_| link.is_veth());
        for gone in [Some(index), peer].into_iter().flatten() {
            self.links.remove(&gone);
            self.addresses.retain(|(_, address)| address.index != gone);
            let hops = self.nexthops.extract_if(.., |(_, known)| known.oif == gone);
            let hops: BTreeSet<_> = hops.map(|(_, hop)| hop.id).collect();
            let by_hop = |route: &Route| route.nexthop.is_some_and(|id| hops.contains(&id));
            self.routes
                .retain(|(_, route)| route.oif != Some(gone) && !by_hop(route));
            self.neighbours.retain(|(_, known)| known.index != gone);
            self.vlans.remove(&gone);
            self.clsact.remove(&gone);
            self.queues.remove(&gone);
            for (_, link) in self.links.values_mut() {
                if link.master == Some(gone) {
                    link.master = None;
                }
            }
        }
        self.settle();
        Ok(())
    }

    /// Brings what follows from other things up to date.
    pub(super) fn settle(&mut self) {
        let up: BTreeSet<u32> = self
            .links
            .values()
            .filter(|(_, link)| link.up)
            .map(|(_, link)| link.index)
            .collect();
        for (_, link) in self.links.values_mut() {
            let peer_up = link.peer_index.is_none_or(|peer| up.contains(&peer));
            link.oper = match (link.up, peer_up) {
                (true, true) if link.name == "lo" => OperState::Unknown,
                (true, true) => OperState::Up,
                (true, false) => OperState::LowerLayerDown,
                (false, _) => OperState::Down,
            };
            let state = match link.oper {
                OperState::Up => PortState::Forwarding,
                _ => PortState::Disabled,
            };
            let port = link.port.unwrap_or(BridgePortState {
                hairpin: false,
                isolated: false,
                state,
            });
            link.port = link.master.map(|_| BridgePortState { state, ..port });
            link.promiscuity = u32::from(link.promisc) + u32::from(link.master.is_some());
        }
    }

    /// A new end of a pair, not tied to the other end yet.
    pub(super) fn put_veth(&mut self, place: Place, link: Link, up: bool) -> u32 {
        self.put(
            place,
            Link {
                kind: Some(LinkKind::Veth),
                up,
                ..link
            },
        )
    }
}
