//! What is wanted of each place, and what follows from all of it together.

use crate::{peer::Peer, place::Place, render};
use fairway_rib::{
    Forward,
    route::{Gateway, Gateways},
};
use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
};

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Want {
    ways: BTreeMap<Place, Forward>,
    /// How many routes go to a peer.
    peers: BTreeMap<Peer, usize>,
    /// Places of routes to containers, by the host's end.
    locals: BTreeMap<String, BTreeSet<Place>>,
    /// How many routes go to gateways whose link is named, by that.
    gateways: BTreeMap<String, usize>,
}

impl Want {
    pub(crate) fn get(&self, place: Place) -> Option<&Forward> {
        self.ways.get(&place)
    }

    pub(crate) fn len(&self) -> usize {
        self.ways.len()
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.ways.keys().copied()
    }

    /// Those to whom any route goes.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.peers.keys().copied()
    }

    pub(crate) fn has_peer(&self, peer: &Peer) -> bool {
        self.peers.contains_key(peer)
    }

    /// Routes to the container behind a link.
    pub(crate) fn on_link(&self, link: &str) -> impl Iterator<Item = Place> {
        self.locals.get(link).into_iter().flatten().copied()
    }

    /// Routes to gateways on a link. `uplink`: those that name none are on it.
    pub(crate) fn direct(&self, link: &str, uplink: bool) -> impl Iterator<Item = Place> {
        // Links of containers come and go, and no gateway is on them.
        let some = uplink || self.gateways.contains_key(link);
        let ways = some.then_some(&self.ways).into_iter().flatten();
        let direct = ways.filter(move |(_, way)| {
            let mut gateways = gateways(way);
            gateways.any(|gateway| match gateway.link() {
                Some(named) => named.as_str() == link,
                None => uplink,
            })
        });
        direct.map(|(place, _)| *place)
    }

    /// Wants another way, or nothing.
    pub(crate) fn set(&mut self, place: Place, way: Option<Forward>) {
        let before = match &way {
            Some(way) => self.ways.insert(place, way.clone()),
            None => self.ways.remove(&place),
        };
        if let Some(before) = before {
            self.forget(place, &before);
        }
        match way {
            Some(Forward::Link { link }) => {
                let places = self.locals.entry(link.to_string()).or_default();
                places.insert(place);
            }
            Some(way) => {
                for link in gateways(&way).filter_map(Gateway::link) {
                    *self.gateways.entry(link.to_string()).or_default() += 1;
                }
                if let Some(peer) = render::peer(&way) {
                    *self.peers.entry(peer).or_default() += 1;
                }
            }
            None => {}
        }
    }

    fn forget(&mut self, place: Place, way: &Forward) {
        if let Forward::Link { link } = way
            && let Some(places) = self.locals.get_mut(link.as_str())
        {
            places.remove(&place);
            if places.is_empty() {
                self.locals.remove(link.as_str());
            }
        }
        for link in gateways(way).filter_map(Gateway::link) {
            count_down(&mut self.gateways, link.as_str());
        }
        if let Some(peer) = render::peer(way) {
            count_down(&mut self.peers, &peer);
        }
    }
}

fn gateways(way: &Forward) -> impl Iterator<Item = &Gateway> {
    let (one, more) = match way {
        Forward::Direct { gateway, .. } => (Some(gateway), None),
        Forward::Multipath { gateways } => (None, Some(gateways)),
        _ => (None, None),
    };
    one.into_iter()
        .chain(more.into_iter().flat_map(Gateways::iter))
}

fn count_down<Q: Ord + ?Sized, K: Ord + Borrow<Q>>(counts: &mut BTreeMap<K, usize>, key: &Q) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
