//! What neighbours told, the best of it, and what each of them has to be told next.
//!
//! ```text
//! announce ─► paths of each neighbour ─► the best ─► what groups of neighbours are told ─► batches of each neighbour
//!             (import policy)            │          (export policy)
//!                                        └─► changes for the node
//! ```
//!
//! Nothing here waits and nothing is told at once. What changes is noted, once for each prefix, in a log that each
//! reader reads at its own speed: a prefix that came and went ten times while a neighbour was slow is told once, as it
//! is then. What takes long (a neighbour that is gone, another policy, a new neighbour that wants to know everything)
//! is done bit by bit by [`Table::work`] and [`Table::tell`].
//!
//! A prefix with one path takes some sixty octets: prefixes have numbers, and attributes have numbers, each distinct
//! set being kept once, as some fifty octets. Who works with one has it as types for as long as that takes.

mod batch;
mod bitmap;
mod decide;
mod explain;
mod export;
mod group;
mod hops;
mod import;
mod log;
mod member;
mod nets;
mod node;
mod packed;
mod paths;
mod peers;
mod rib;
mod session;
mod settings;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Told};
pub use decide::Step;
pub use explain::{Fate, Outcome};
pub use export::NotTold;
pub use hops::Resolve;
pub use import::Unfit;
pub use node::{Best, Change};
pub use peers::{Counts, PeerId};
pub use settings::{Drain, Filters, Neighbour, Relation, Settings};
pub use store::Route;

use crate::attr::{Attributes, NextHop};
use crate::policy::Source;
use crate::{Family, Prefix};
use peers::{Peers, World};
use rib::Rib;
use std::sync::Arc;
use store::Store;
use sweep::Choose;

/// All routes of all neighbours, of both families.
pub struct Table {
    world: World,
    v4: Rib<u32>,
    v6: Rib<u128>,
    serial: u64,
}

/// The neighbour tells more prefixes than it may. What it told before is there; the rest of what was told now is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {most} prefixes of {family}")]
pub struct TooMany {
    /// Of which family.
    pub family: Family,
    /// How many it may tell.
    pub most: u32,
}

/// Calls the same of the family's routes.
macro_rules! of {
    ($table:expr, $family:expr, $rib:ident, $world:ident => $do:expr) => {{
        let Table {
            world: $world,
            v4,
            v6,
            ..
        } = $table;
        match $family {
            Family::Ipv4 => {
                let $rib = v4;
                $do
            }
            Family::Ipv6 => {
                let $rib = v6;
                $do
            }
        }
    }};
}
use of;

impl Table {
    /// An empty one. Who resolves says which next hops are reached.
    pub fn new(settings: Settings, resolve: impl Resolve + 'static) -> Table {
        Table {
            world: World {
                settings,
                store: Store::new(Box::new(resolve)),
                peers: Peers::default(),
                drain: Drain::default(),
            },
            v4: Rib::new(),
            v6: Rib::new(),
            serial: 0,
        }
    }

    /// A neighbour announces prefixes of one family, all with these attributes. Of a neighbour that is not there nothing
    /// is taken.
    ///
    /// # Errors
    ///
    /// Where it announces more than it may.
    pub fn announce(
        &mut self,
        peer: PeerId,
        attributes: &Attributes,
        next_hop: NextHop,
        prefixes: &[Prefix],
    ) -> Result<(), TooMany> {
        let world = &mut self.world;
        if world.peers.get(peer).is_none_or(|peer| peer.gone) {
            return Ok(());
        }
        let Some((received, route)) = world.receive(peer, attributes, next_hop) else {
            return Ok(());
        };
        let import = world.import_as(peer, received, route);
        world.store.release(received);
        let Some(mut import) = import else {
            return Ok(());
        };
        let over = prefixes.iter().find(|prefix| {
            let told = match **prefix {
                Prefix::V4(net) => self.v4.announce(world, &mut import, net),
                Prefix::V6(net) => self.v6.announce(world, &mut import, net),
            };
            told.is_err()
        });
        import.end(world);
        match over {
            Some(prefix) => {
                let family = prefix.family();
                let most = self.most(peer, family);
                Err(TooMany { family, most })
            }
            None => Ok(()),
        }
    }

    /// A neighbour withdraws prefixes.
    pub fn withdraw(&mut self, peer: PeerId, prefixes: &[Prefix]) {
        for prefix in prefixes {
            self.forget(peer, *prefix);
        }
    }

    fn forget(&mut self, peer: PeerId, prefix: Prefix) {
        match prefix {
            Prefix::V4(net) => self.v4.withdraw(&mut self.world, peer, net),
            Prefix::V6(net) => self.v6.withdraw(&mut self.world, peer, net),
        }
    }

    /// An own route, or another of the same source in its place. Nothing is done of [`Source::Neighbour`].
    pub fn originate(&mut self, source: Source, prefix: Prefix, mut attributes: Attributes) {
        if source == Source::Neighbour {
            return;
        }
        // No reflector had it yet.
        attributes.originator = None;
        attributes.clusters.clear();
        let (peer, next_hop) = (PeerId::own(source), None);
        let route = self.world.store.intern(&Route {
            attributes,
            next_hop,
        });
        let Some(route) = route else { return };
        match prefix {
            Prefix::V4(net) => self.v4.originate(&mut self.world, peer, net, route),
            Prefix::V6(net) => self.v6.originate(&mut self.world, peer, net, route),
        }
    }

    /// An own route is no more.
    pub fn retract(&mut self, source: Source, prefix: Prefix) {
        if source != Source::Neighbour {
            self.forget(PeerId::own(source), prefix);
        }
    }

    /// The node is emptied, or is not any more: own routes are told otherwise than before, or no more. For the node
    /// itself nothing changes.
    pub fn drain(&mut self, drain: Drain) {
        if std::mem::replace(&mut self.world.drain, drain) != drain {
            self.look_again();
        }
    }

    /// What is told depends on something else than before.
    fn look_again(&mut self) {
        let groups = self.v4.groups.iter_mut().chain(&mut self.v6.groups);
        groups.flatten().for_each(group::Group::look_again);
    }

    /// Next hops may be reached in other ways than before: all are asked for anew.
    pub fn resolve_anew(&mut self) {
        if self.world.store.hops.anew() {
            self.v4.sweep(Choose::Hops);
            self.v6.sweep(Choose::Hops);
        }
    }

    /// Does so much of what takes long, in prefixes looked at; whether there is more to be done.
    pub fn work(&mut self, most: usize) -> bool {
        self.v4.work(&mut self.world, most);
        self.v6.work(&mut self.world, most);
        let is_done = self.v4.is_swept() && self.v6.is_swept();
        if is_done {
            self.world.store.hops.settled();
        }
        !is_done
    }

    /// All paths to a prefix, and what became of each, the best first.
    pub fn why(&mut self, prefix: Prefix) -> Vec<Fate> {
        match prefix {
            Prefix::V4(net) => self.v4.why(&mut self.world, net),
            Prefix::V6(net) => self.v6.why(&mut self.world, net),
        }
    }

    /// What a neighbour is told of a prefix by what holds now, or why it is told nothing.
    ///
    /// # Errors
    ///
    /// Why it is told nothing.
    pub fn why_told(&mut self, peer: PeerId, prefix: Prefix) -> Result<Arc<Route>, NotTold> {
        match prefix {
            Prefix::V4(net) => self.v4.why_told(&mut self.world, peer, net),
            Prefix::V6(net) => self.v6.why_told(&mut self.world, peer, net),
        }
    }

    /// What a neighbour knows of from here (its Adj-RIB-Out).
    pub fn told(&self, peer: PeerId, family: Family) -> Vec<(Prefix, Arc<Route>)> {
        let world = &self.world;
        match family {
            Family::Ipv4 => prefixes(self.v4.all_told(world, peer)),
            Family::Ipv6 => prefixes(self.v6.all_told(world, peer)),
        }
    }

    /// What a neighbour told, as it told it (its Adj-RIB-In).
    pub fn heard(&self, peer: PeerId, family: Family) -> Vec<(Prefix, Arc<Route>)> {
        let world = &self.world;
        match family {
            Family::Ipv4 => prefixes(self.v4.all_heard(world, peer)),
            Family::Ipv6 => prefixes(self.v6.all_heard(world, peer)),
        }
    }

    /// How many distinct sets of attributes there are.
    pub fn attribute_sets(&self) -> usize {
        self.world.store.len()
    }
}

fn prefixes<A: crate::Bits>(all: Vec<(crate::Net<A>, Arc<Route>)>) -> Vec<(Prefix, Arc<Route>)> {
    let all = all.into_iter();
    all.map(|(net, route)| (A::any(net), route)).collect()
}
