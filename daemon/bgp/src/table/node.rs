//! What the node itself has to know: the routes that it uses.

use super::Table;
use super::decide::choose;
use super::peers::{PeerId, World};
use super::rib::Rib;
use super::store::{Open, Route};
use crate::policy::Source;
use crate::{Bits, Family, Prefix};
use std::net::IpAddr;
use std::sync::Arc;

/// What is used of a prefix now, whatever it was before.
#[derive(Debug, Clone)]
pub struct Change {
    /// Of which.
    pub prefix: Prefix,
    /// The best, and those that are used beside it; none, where nothing leads there.
    pub best: Vec<Best>,
}

/// A route that is used.
#[derive(Debug, Clone)]
pub struct Best {
    /// Who told it; none of own routes.
    pub peer: Option<PeerId>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Where it is from.
    pub source: Source,
    /// Its attributes and its next hop.
    pub route: Arc<Route>,
}

impl Table {
    /// Prefixes of which something else is used than when they were last asked for; at most so many of each family.
    pub fn changes(&mut self, most: usize) -> Vec<Change> {
        let mut all = self.v4.changes(&self.world, most);
        all.extend(self.v6.changes(&self.world, most));
        all
    }

    /// What is used of all prefixes of a family.
    pub fn used(&self, family: Family) -> Vec<Change> {
        match family {
            Family::Ipv4 => self.v4.all_used(&self.world),
            Family::Ipv6 => self.v6.all_used(&self.world),
        }
    }

    /// What is used of a prefix.
    pub fn best(&self, prefix: Prefix) -> Vec<Best> {
        let (world, mut open) = (&self.world, Open::default());
        match prefix {
            Prefix::V4(net) => self
                .v4
                .nets
                .find(net)
                .map(|id| self.v4.in_use(world, id, &mut open)),
            Prefix::V6(net) => self
                .v6
                .nets
                .find(net)
                .map(|id| self.v6.in_use(world, id, &mut open)),
        }
        .unwrap_or_default()
    }
}

impl<A: Bits> Rib<A> {
    fn changes(&mut self, world: &World, most: usize) -> Vec<Change> {
        let mut ids = Vec::new();
        self.log.read(self.node, most, |id| ids.push(id));
        let mut open = Open::default();
        let changes = ids.into_iter().filter_map(|id| {
            Some(Change {
                prefix: A::any(self.nets.get(id)?),
                best: self.in_use(world, id, &mut open),
            })
        });
        changes.collect()
    }

    fn all_used(&self, world: &World) -> Vec<Change> {
        let mut open = Open::default();
        let ids = (0..self.nets.end()).map(super::nets::Id);
        let all = ids.filter_map(|id| {
            Some(Change {
                prefix: A::any(self.nets.get(id)?),
                best: self.in_use(world, id, &mut open),
            })
        });
        all.filter(|change| !change.best.is_empty()).collect()
    }

    fn in_use(&self, world: &World, id: super::nets::Id, open: &mut Open) -> Vec<Best> {
        let used = match world.settings.multipath <= 1 {
            true => self.best(id).into_iter().collect(),
            false => {
                let mut all = Vec::new();
                self.candidates(world, id, &mut all);
                choose(&mut all, world.settings.always_compare_med);
                self.beside(world, &mut all)
            }
        };
        let best = used.into_iter().filter_map(|(peer, route)| {
            Some(Best {
                peer: (!peer.is_own()).then_some(peer),
                address: world.peers.get(peer).map(|peer| peer.neighbour.address),
                source: peer.source(),
                route: open.get(&world.store, route)?,
            })
        });
        best.collect()
    }
}
