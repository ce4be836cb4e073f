//! Next hops and neighbours: those that are wanted are there before routes go by them, those that are not
//! go after.

use super::{Fib, Synced};
use crate::{
    names,
    peer::{self, Peer},
};
use fairway_netlink::{Neighbour, Netlink, Nexthop};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

impl<N: Netlink> Fib<N> {
    /// The number of a peer's next hop, if the kernel has it.
    pub(super) fn hop_of(&self, peer: &Peer) -> Option<u32> {
        self.hops.get(peer).copied()
    }

    /// Is a peer wanted whose next hop is not there?
    pub(super) fn needs_tunnels(&self) -> bool {
        self.want.peers().any(|peer| !self.hops.contains_key(&peer))
    }

    /// Sets neighbours and next hops that are missing or otherwise than wanted.
    pub(super) fn tunnels(&mut self, synced: &mut Synced) {
        self.hops.clear();
        let Some(device) = self.device_index() else {
            return;
        };
        self.set_neighbours(device, synced);
        // One next hop a peer: of several the first is kept.
        let mut known: BTreeMap<Peer, u32> = BTreeMap::new();
        for (id, hop) in &self.have.hops {
            if let Some(peer) = Peer::of(hop)
                && peer.hop(*id, device).as_ref() == Some(hop)
            {
                known.entry(peer).or_insert(*id);
            }
        }
        let mut missing: Vec<(Peer, Nexthop)> = Vec::new();
        let mut next = names::HOPS;
        for peer in self.want.peers() {
            if known.contains_key(&peer) {
                continue;
            }
            while self.have.hops.contains_key(&next) || self.have.taken.contains(&next) {
                next += 1;
            }
            if let Some(hop) = peer.hop(next, device) {
                missing.push((peer, hop));
                next += 1;
            }
        }
        let hops: Vec<Nexthop> = missing.iter().map(|(_, hop)| hop.clone()).collect();
        let results = match hops.is_empty() {
            true => Ok(Vec::new()),
            false => self.netlink.replace_nexthops(&hops),
        };
        match results {
            Ok(results) => {
                for ((peer, hop), result) in missing.into_iter().zip(results) {
                    match result {
                        Ok(()) => {
                            synced.changes += 1;
                            known.insert(peer, hop.id);
                            self.have.put_hop(hop);
                        }
                        Err(source) => {
                            let what = format!("next hop to {} with VNI {}", peer.vtep, peer.vni);
                            self.refused(what, source, synced);
                        }
                    }
                }
            }
            Err(source) => self.refused("next hops".to_owned(), source, synced),
        }
        self.hops = known;
    }

    fn set_neighbours(&mut self, device: u32, synced: &mut Synced) {
        for vtep in self.vteps() {
            let spec = peer::neighbour(vtep, device, &self.settings);
            if self.have.has_neighbour(&spec) {
                continue;
            }
            match self.netlink.replace_neighbour(&spec) {
                Ok(()) => {
                    synced.changes += 1;
                    self.have.neighbours.insert(spec.ip, Neighbour::from(spec));
                }
                Err(source) => self.refused(format!("neighbour for {vtep}"), source, synced),
            }
        }
    }

    fn vteps(&self) -> BTreeSet<IpAddr> {
        self.want.peers().map(|peer| peer.vtep).collect()
    }

    /// Takes away what leads to nobody any more.
    pub(super) fn surplus(&mut self, synced: &mut Synced) {
        let used: BTreeSet<u32> = self.hops.values().copied().collect();
        let wanted = |id: &u32, hop: &Nexthop| {
            used.contains(id) && Peer::of(hop).is_some_and(|peer| self.want.has_peer(&peer))
        };
        let hops = self.have.hops.iter();
        let gone: Vec<u32> = hops
            .filter(|(id, hop)| !wanted(id, hop))
            .map(|(id, _)| *id)
            // The kernel would take routes along that go by it still, and are held or refused.
            .filter(|id| !self.have.routes.values().any(|r| r.nexthop == Some(*id)))
            .collect();
        if !gone.is_empty() {
            match self.netlink.delete_nexthops(&gone) {
                Ok(_) => {
                    synced.changes += gone.len();
                    for id in gone {
                        self.have.hops.remove(&id);
                        self.hops.retain(|_, known| *known != id);
                    }
                }
                Err(source) => self.refused("next hops".to_owned(), source, synced),
            }
        }
        let Some(device) = self.device_index() else {
            return;
        };
        let held = self.have.hops.values().filter_map(Peer::of);
        let vteps = self.vteps().into_iter().chain(held.map(|peer| peer.vtep));
        let wanted: BTreeSet<IpAddr> = vteps.map(|vtep| names::gateway(vtep).into()).collect();
        let known = self.have.neighbours.values();
        let gone: Vec<IpAddr> = known
            .filter(|known| known.protocol == names::PROTOCOL && !wanted.contains(&known.ip))
            .map(|known| known.ip)
            .collect();
        for ip in gone {
            match self.netlink.delete_neighbour(device, ip) {
                Ok(_) => {
                    synced.changes += 1;
                    self.have.neighbours.remove(&ip);
                }
                Err(source) => self.refused(format!("neighbour {ip}"), source, synced),
            }
        }
    }
}
