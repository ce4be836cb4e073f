//! Prefixes that come and go. See the parent's head.

use super::{Full, Plan};
use crate::{input::Number, placed::Op, prefix::FIRST};
use ipnetwork::IpNetwork;
use std::collections::BTreeSet;

impl Plan<'_> {
    /// New prefixes, each saying what was said of its addresses before.
    pub(super) fn widen(&mut self) -> Result<(), Full> {
        let prefixes = self.wanted.dirty.prefixes.iter();
        let mut new: Vec<(IpNetwork, Number)> = prefixes
            .filter(|(number, (net, _))| self.wanted.universe.number(*net) == Some(**number))
            .map(|(number, (net, _))| (*net, *number))
            .collect();
        new.sort_unstable_by_key(|(net, _)| (net.prefix(), *net));
        for (net, number) in new {
            let around = self.placed.prefixes.containing(net).next();
            let around = around.map(|(_, around)| *around);
            if around == Some(number) {
                continue;
            }
            if let Some(around) = around {
                let sets = self.placed.sets.iter();
                let copies: Vec<Op> = sets
                    .filter_map(|(set, said)| {
                        let table = said.peers.get(&around)?;
                        Some(Op::Peer(*set, number, *table))
                    })
                    .collect();
                for copy in copies {
                    self.step(copy)?;
                }
            }
            self.step(Op::Prefix(net, Some(number)))?;
        }
        Ok(())
    }

    pub(super) fn is_going(&self, peer: Number) -> bool {
        if peer < FIRST {
            return self.wanted.identities.get(peer).is_none();
        }
        let moving = self.wanted.dirty.prefixes.get(&peer);
        moving.is_some_and(|(net, _)| self.wanted.universe.number(*net) != Some(peer))
    }

    /// Prefixes that the dataplane has and is not to have, the shortest first.
    pub(super) fn going(&self) -> Vec<(IpNetwork, Number)> {
        let prefixes = self.wanted.dirty.prefixes.iter();
        let mut going: Vec<(IpNetwork, Number)> = prefixes
            .filter(|(number, (net, _))| {
                self.placed.prefixes.get(*net) == Some(*number) && self.is_going(**number)
            })
            .map(|(number, (net, _))| (*net, *number))
            .collect();
        going.sort_unstable_by_key(|(net, _)| (net.prefix(), *net));
        going
    }

    /// Prefixes that go, and what was said of them.
    pub(super) fn narrow(&mut self) -> Result<(), Full> {
        let going: BTreeSet<Number> = self
            .wanted
            .dirty
            .prefixes
            .keys()
            .copied()
            .filter(|number| self.is_going(*number))
            .collect();
        if going.is_empty() {
            return Ok(());
        }
        for (net, _) in self.going() {
            self.step(Op::Prefix(net, None))?;
        }
        let mut said = Vec::new();
        for (number, set) in &self.placed.sets {
            let peers = set.peers.range(FIRST..).map(|(peer, _)| *peer);
            said.extend(
                peers
                    .filter(|peer| going.contains(peer))
                    .map(|peer| (*number, peer)),
            );
        }
        for (set, peer) in said {
            self.step(Op::Peer(set, peer, 0))?;
        }
        Ok(())
    }
}
